"""Deliver webhooks: send an event to its storefront's endpoint, or put it off, or give it up."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from o2o.core.deliveries import AFTER_A_FAULT, Attempt, DeliveryStatus, EventRecord
from o2o.core.endpoints import Endpoint
from o2o.core.errors import VersionConflict
from o2o.core.retries import RetrySchedule
from o2o.usecases.ports import (
    Clock,
    DeadLetters,
    EndpointStore,
    Entropy,
    EventStore,
    MachineClock,
    SecretsOf,
    WebhookSender,
)
from o2o.usecases.retry_on_conflict import update


class DeliveryOutcome(StrEnum):
    """What became of an event this time."""

    NOTHING_DUE = "nothing_due"
    DELIVERED = "delivered"
    FAILED = "failed"
    PUT_OFF = "put_off"
    DEAD = "dead"
    PAUSED = "paused"
    NO_ENDPOINT = "no_endpoint"


_OF_STATUS = {
    DeliveryStatus.PENDING: DeliveryOutcome.FAILED,
    DeliveryStatus.DELIVERED: DeliveryOutcome.DELIVERED,
    DeliveryStatus.DEAD: DeliveryOutcome.DEAD,
    DeliveryStatus.PAUSED: DeliveryOutcome.PAUSED,
}


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of an event. ``paused`` is its endpoint, if that was paused just now."""

    outcome: DeliveryOutcome
    record: EventRecord | None = None
    attempt: Attempt | None = None
    paused: Endpoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverWebhooks:
    """The use case. At least once: a crash between the POST and its record sends it again."""

    events: EventStore
    endpoints: EndpointStore
    sender: WebhookSender
    dead_letters: DeadLetters
    secrets_of: SecretsOf
    clock: Clock
    machine_clock: MachineClock
    entropy: Entropy
    retries: RetrySchedule

    def __call__(self, event_id: str) -> Delivered:
        """Send an event if its time has come. What raises is due, or becomes due soon."""
        now = self.clock()
        record = self.events.get(event_id)
        if record is None or not record.is_wanted(now):
            return Delivered(DeliveryOutcome.NOTHING_DUE, record)
        try:
            return self._try(record, now)
        except Exception:
            if record.is_carried:
                # The queue brings it only so often.
                self._write(record.put_off(now + AFTER_A_FAULT), DeliveryOutcome.PUT_OFF)
            raise

    def _try(self, record: EventRecord, now: datetime) -> Delivered:
        endpoint = self.endpoints.get_endpoint(record.storefront_id)
        if endpoint is None:
            return self._write(
                record.settle(DeliveryStatus.NO_ENDPOINT), DeliveryOutcome.NO_ENDPOINT
            )
        if endpoint.is_paused:
            return self._write(record.pause(now, self._jitter), DeliveryOutcome.PAUSED)
        if endpoint.is_down:
            slot = self._next_slot(endpoint, now)
            if slot is not None:
                return self._write(record.put_off(slot), DeliveryOutcome.PUT_OFF)
        return self._send(record, endpoint, now)

    def _send(self, record: EventRecord, endpoint: Endpoint, now: datetime) -> Delivered:
        body = record.payload.encode()
        secrets = [
            secret
            for version in endpoint.secret_versions(now)
            for secret in self.secrets_of(endpoint.storefront_id, version)
        ]
        # Receivers compare the timestamp with their own clocks, not with one that was moved.
        headers = sign(record.event_id, self.machine_clock(), body, secrets)
        attempt = self.sender.post(endpoint.url, headers, body)
        paused = self._note(endpoint, attempt)
        record = record.after(attempt, retries=self.retries, jitter=self._jitter)
        if record.status is DeliveryStatus.DEAD:
            # First, so that what is dead is certainly there; twice does no harm.
            self.dead_letters.put(record)
        delivered = self._write(record, _OF_STATUS[record.status])
        return Delivered(delivered.outcome, delivered.record, attempt, paused)

    def _write(self, record: EventRecord, outcome: DeliveryOutcome) -> Delivered:
        try:
            self.events.save(record)
        except VersionConflict:
            # Another delivery of it was faster; what it wrote stands.
            return Delivered(DeliveryOutcome.NOTHING_DUE, record)
        return Delivered(outcome, record)

    # --- the endpoint's health --------------------------------------------------------------

    def _next_slot(self, endpoint: Endpoint, now: datetime) -> datetime | None:
        """When to try again, or None: the slot for the next probe is ours."""
        taken = self._update(
            endpoint,
            lambda newest: (
                newest.probe(self.retries, now, self._jitter)
                if newest.probe_at is not None and newest.probe_at <= now
                else None
            ),
        )
        if taken is not None:
            return None
        newest = self.endpoints.get_endpoint(endpoint.storefront_id)
        if newest is None or newest.probe_at is None:
            return now  # It is up again, or paused: decide anew at once.
        return newest.probe_at + self._jitter(timedelta(minutes=1))

    def _note(self, endpoint: Endpoint, attempt: Attempt) -> Endpoint | None:
        """Keep what the attempt says of the endpoint; the endpoint, if it is paused now."""
        changed = self._update(
            endpoint,
            lambda newest: (
                newest.after(attempt, retries=self.retries, jitter=self._jitter)
                if newest.url == endpoint.url
                else None
            ),
        )
        return changed if changed is not None and changed.is_paused else None

    def _update(
        self, endpoint: Endpoint, decide: Callable[[Endpoint], Endpoint | None]
    ) -> Endpoint | None:
        """The endpoint as it was written, or None if nothing was."""
        changed: Endpoint | None = None

        def note(newest: Endpoint) -> Endpoint | None:
            nonlocal changed
            changed = decide(newest)
            return changed

        try:
            update(
                endpoint,
                note,
                read=lambda: self.endpoints.get_endpoint(endpoint.storefront_id),
                save=self.endpoints.save_endpoint,
            )
        except VersionConflict:
            # So many others have just written how the endpoint fares: that is enough.
            return None
        return changed

    def _jitter(self, most: timedelta) -> timedelta:
        milliseconds = max(most // timedelta(milliseconds=1), 1)
        return timedelta(milliseconds=self.entropy.randbelow(milliseconds))


def sign(event_id: str, now: datetime, body: bytes, secrets: list[str]) -> dict[str, str]:
    """The headers of Standard Webhooks; one signature for each secret."""
    timestamp = str(int(now.timestamp()))
    message = f"{event_id}.{timestamp}.".encode() + body
    signatures = [
        b64encode(hmac.digest(b64decode(secret.removeprefix("whsec_")), message, sha256)).decode()
        for secret in secrets
    ]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
