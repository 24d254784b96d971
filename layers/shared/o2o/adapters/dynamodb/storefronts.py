"""Storefronts, their keys and their branding on DynamoDB."""

from o2o.adapters.dynamodb import listing, table
from o2o.adapters.dynamodb.store import ConditionFailed, Store
from o2o.core.errors import VersionConflict
from o2o.core.pages import Page, all_items
from o2o.core.storefronts import ApiKey, Branding, Storefront
from o2o.usecases.ports import StorefrontStore


class DynamoStorefrontStore(StorefrontStore):
    """``StorefrontStore`` in a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add_storefront(self, storefront: Storefront) -> bool:
        try:
            self._store.put_all(
                (table.storefront_item(storefront), table.IS_ABSENT),
                (table.namespace_item(storefront), table.IS_ABSENT),
            )
        except ConditionFailed as failed:
            taker, _ = failed.items
            if taker is None:
                raise VersionConflict("the namespace is another storefront's") from failed
            return False
        return True

    def get_storefront(self, storefront_id: str) -> Storefront | None:
        item = self._store.get(table.storefront_key(storefront_id))
        return table.load_storefront(item) if item else None

    def list_storefronts(self, *, limit: int, cursor: str | None) -> Page[Storefront]:
        return self._store.page(
            listing.Span(table.STOREFRONTS_LISTING), table.load_storefront, limit, cursor
        )

    def put_usage_key(self, storefront_id: str, usage_key: str) -> None:
        # One attribute at a time: a key that is being revoked stays revoked.
        update = table.with_usage_key(usage_key)
        self._store.update(table.storefront_key(storefront_id), update, table.IS_PRESENT)
        for key in all_items(
            lambda cursor: self.list_keys(storefront_id, limit=100, cursor=cursor)
        ):
            self._store.update(table.api_key_key(key.key_id), update, table.IS_PRESENT)

    def put_key(self, key: ApiKey) -> None:
        self._store.put(table.api_key_item(key))

    def get_key(self, key_id: str) -> ApiKey | None:
        item = self._store.get(table.api_key_key(key_id))
        return table.load_api_key(item) if item else None

    def list_keys(self, storefront_id: str, *, limit: int, cursor: str | None) -> Page[ApiKey]:
        span = listing.Span(table.keys_listing(storefront_id))
        return self._store.page(span, table.load_api_key, limit, cursor)

    def put_branding(self, branding: Branding) -> None:
        self._store.put(table.branding_item(branding))

    def get_branding(self, storefront_id: str) -> Branding | None:
        item = self._store.get(table.branding_key(storefront_id))
        return table.load_branding(item) if item else None
