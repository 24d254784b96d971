"""What leads from digits and receipt numbers to codes and payments, on DynamoDB."""

from o2o.adapters.dynamodb import table
from o2o.adapters.dynamodb.store import Store
from o2o.core.search import SearchChanges
from o2o.usecases.ports import SearchIndex


class DynamoSearchIndex(SearchIndex):
    """``SearchIndex`` in a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def change(self, changes: SearchChanges) -> None:
        for entry in sorted(changes.added):
            self._store.put(table.search_item(entry))
        for entry in sorted(changes.removed):
            self._store.delete(table.search_key(entry))
