"""The storefronts' endpoints on DynamoDB."""

from o2o.adapters.dynamodb import table
from o2o.adapters.dynamodb.store import ConditionFailed, Store
from o2o.core.endpoints import Endpoint
from o2o.core.errors import VersionConflict
from o2o.usecases.ports import EndpointStore


class DynamoEndpointStore(EndpointStore):
    """``EndpointStore`` in a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get_endpoint(self, storefront_id: str) -> Endpoint | None:
        item = self._store.get(table.endpoint_key(storefront_id))
        return table.load_endpoint(item) if item else None

    def save_endpoint(self, endpoint: Endpoint) -> None:
        condition = table.IS_ABSENT if endpoint.version == 1 else table.follows(endpoint)
        try:
            self._store.put(table.endpoint_item(endpoint), condition)
        except ConditionFailed as failed:
            raise VersionConflict("an endpoint changed since it was read") from failed
