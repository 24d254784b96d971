"""Manage a storefront's endpoint for webhooks, for the operator."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from o2o.core.deliveries import DeliveryStatus
from o2o.core.endpoints import Endpoint, PauseReason
from o2o.core.errors import NotFound
from o2o.usecases.browse_events import BrowseEvents, EventFilter
from o2o.usecases.ports import Clock, EndpointStore, SecretsOf, StorefrontStore, WebhookSender
from o2o.usecases.retry_on_conflict import update

KEEP_FORMER_SECRET = timedelta(hours=24)
"""How long the former secret signs too, by default."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A signing secret, as the receiver needs it."""

    version: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageEndpoints:
    """The use cases of the operator."""

    endpoints: EndpointStore
    storefronts: StorefrontStore
    sender: WebhookSender
    secrets_of: SecretsOf
    browse: BrowseEvents
    clock: Clock

    def set_url(self, storefront_id: str, url: str) -> Endpoint:
        """Send events there from now on. Raises NotFound, InvalidRequest.

        An endpoint that was paused is resumed, and its paused events are sent.
        """
        if self.storefronts.get_storefront(storefront_id) is None:
            raise NotFound("there is no such storefront")
        self.sender.check(url)
        former = self.endpoints.get_endpoint(storefront_id)
        if former is None:
            endpoint = Endpoint(storefront_id=storefront_id, url=url)
            self.endpoints.save_endpoint(endpoint)
            return endpoint
        changed = self._update(former, lambda newest: newest.point_to(url))
        if former.is_paused:
            self._send_paused(storefront_id)
        return changed

    def show(self, storefront_id: str) -> Endpoint:
        """The endpoint. Raises NotFound."""
        endpoint = self.endpoints.get_endpoint(storefront_id)
        if endpoint is None:
            raise NotFound("this storefront has no endpoint")
        return endpoint

    def secrets(self, storefront_id: str) -> list[Secret]:
        """The secrets that sign, the newest first. Raises NotFound."""
        endpoint = self.show(storefront_id)
        return [
            Secret(version, text)
            for version in endpoint.secret_versions(self.clock())
            for text in self.secrets_of(storefront_id, version)
        ]

    def rotate(self, storefront_id: str, keep: timedelta = KEEP_FORMER_SECRET) -> Endpoint:
        """Sign with a new secret; the former one signs too for a while. Raises NotFound."""
        valid_until = self.clock() + keep
        return self._update(self.show(storefront_id), lambda newest: newest.rotate(valid_until))

    def pause(self, storefront_id: str) -> Endpoint:
        """Send nothing more; events are kept. Raises NotFound."""
        now = self.clock()
        return self._update(
            self.show(storefront_id), lambda newest: newest.pause(now, PauseReason.OPERATOR)
        )

    def resume(self, storefront_id: str) -> int:
        """Send events again, the paused ones at once; returns how many those are. Raises NotFound.

        Should this stop half-way, the rest is sent all the same, when it is due next
        (decision 0031).
        """
        self._update(self.show(storefront_id), Endpoint.resume)
        return self._send_paused(storefront_id)

    def _send_paused(self, storefront_id: str) -> int:
        wanted = EventFilter(status=DeliveryStatus.PAUSED)
        count, cursor = 0, None
        while True:
            resent = self.browse.resend_all(storefront_id, wanted, cursor=cursor)
            count, cursor = count + resent.count, resent.next_cursor
            if cursor is None:
                return count

    def _update(self, endpoint: Endpoint, change: Callable[[Endpoint], Endpoint]) -> Endpoint:
        return update(
            endpoint,
            change,
            read=lambda: self.endpoints.get_endpoint(endpoint.storefront_id),
            save=self.endpoints.save_endpoint,
        )
