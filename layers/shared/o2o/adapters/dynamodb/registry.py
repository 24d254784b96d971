"""The registry on DynamoDB."""

from o2o.adapters.dynamodb import table
from o2o.adapters.dynamodb.store import ConditionFailed, Store
from o2o.core.look import Look
from o2o.usecases.ports import ApiKey, Page, Storefront


class DynamoRegistry:
    """A registry in a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add_storefront(self, storefront: Storefront) -> bool:
        """See ``Registry``."""
        try:
            self._store.put(table.storefront_item(storefront), table.IS_ABSENT)
        except ConditionFailed:
            return False
        return True

    def get_storefront(self, storefront_id: str) -> Storefront | None:
        """See ``Registry``."""
        item = self._store.get(table.storefront_key(storefront_id))
        return table.read_storefront(item) if item else None

    def list_storefronts(self, *, limit: int, cursor: str | None) -> Page[Storefront]:
        """See ``Registry``."""
        return self._store.page(table.Span(table.STOREFRONTS), table.read_storefront, limit, cursor)

    def put_key(self, key: ApiKey) -> None:
        """See ``Registry``."""
        self._store.put(table.api_key_item(key))

    def get_key(self, key_id: str) -> ApiKey | None:
        """See ``Registry``."""
        item = self._store.get(table.api_key_key(key_id))
        return table.read_api_key(item) if item else None

    def list_keys(self, storefront_id: str, *, limit: int, cursor: str | None) -> Page[ApiKey]:
        """See ``Registry``."""
        span = table.Span(table.keys_of(storefront_id))
        return self._store.page(span, table.read_api_key, limit, cursor)

    def put_look(self, look: Look) -> None:
        """See ``Registry``."""
        self._store.put(table.look_item(look))

    def get_look(self, storefront_id: str) -> Look | None:
        """See ``Registry``."""
        item = self._store.get(table.look_key(storefront_id))
        return table.read_look(item) if item else None
