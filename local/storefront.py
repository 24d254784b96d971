"""The demo storefront, which the console acts as: added at the start, looked up from then on."""

import threading
from collections.abc import Callable
from datetime import datetime

from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.storefronts import DynamoStorefrontStore
from o2o.adapters.signing import WebhookRoots
from o2o.adapters.system import SystemEntropy
from o2o.core.endpoints import Endpoint
from o2o.usecases.authorize_storefront import AuthorizeStorefront
from o2o.usecases.limit_storefronts import LimitStorefronts
from o2o.usecases.manage_storefronts import ManageStorefronts
from o2o.usecases.ports import RateLimits

STOREFRONT = "demo"
WEBHOOKS = "/_local/webhooks"


class DemoStorefront:
    """Knows its API key and its webhook secrets by what the table says now.

    So they are right whatever the operator has revoked or rotated meanwhile. ``keep_key`` is given
    each key that is issued.
    """

    def __init__(
        self,
        store: Store,
        roots: WebhookRoots,
        limits: RateLimits,
        now: Callable[[], datetime],
        api_key: str,
        keep_key: Callable[[str], None],
    ) -> None:
        self._storefronts = DynamoStorefrontStore(store)
        self._endpoints = DynamoEndpointStore(store)
        self._roots = roots
        self._limits = limits
        self._now = now
        self._api_key = api_key
        self._keep_key = keep_key
        self._issuing = threading.Lock()

    def open(self, console_url: str) -> None:
        """Add it if it is missing. Webhooks go to the console, unless they were sent elsewhere."""
        if self._storefronts.get_storefront(STOREFRONT) is None:
            self._manage().add(STOREFRONT, "Demo store")
        LimitStorefronts(storefronts=self._storefronts, limits=self._limits).one(STOREFRONT)
        url = console_url + WEBHOOKS
        endpoint = self._endpoints.get_endpoint(STOREFRONT)
        if endpoint is None:
            self._endpoints.save_endpoint(Endpoint(storefront_id=STOREFRONT, url=url))
        elif endpoint.url != url and endpoint.url.endswith(WEBHOOKS):
            # The console has another port than last time.
            self._endpoints.save_endpoint(endpoint.point_to(url))

    def api_key(self) -> str:
        """A key that is valid: the one that it has, else a new one."""
        with self._issuing:
            authorize = AuthorizeStorefront(storefronts=self._storefronts)
            if authorize(f"Bearer {self._api_key}") is None:
                self._api_key = self._manage().issue_key(STOREFRONT).api_key
                self._keep_key(self._api_key)
            return self._api_key

    def webhook_secrets(self) -> list[str]:
        """The secrets that sign its webhooks."""
        endpoint = self._endpoints.get_endpoint(STOREFRONT)
        versions = endpoint.secret_versions(self._now()) if endpoint else ()
        return [
            secret for version in versions for secret in self._roots.secrets(STOREFRONT, version)
        ]

    def _manage(self) -> ManageStorefronts:
        return ManageStorefronts(
            storefronts=self._storefronts, clock=self._now, entropy=SystemEntropy()
        )
