"""The due index on DynamoDB."""

from collections.abc import Sequence
from datetime import datetime

from o2o.adapters.dynamodb import table
from o2o.adapters.dynamodb.store import Store
from o2o.core.work import Work
from o2o.usecases.ports import DueIndex


class DynamoDueIndex(DueIndex):
    """A lane of the index: keys only, and of each shard no more than the limit."""

    def __init__(self, store: Store, lane: table.Due) -> None:
        self._store = store
        self._lane = lane

    def due(self, now: datetime, limit: int, since: datetime | None = None) -> Sequence[Work]:
        entries = [
            entry
            for query in table.due_queries(self._lane, now, since)
            for entry in self._store.query(limit, **query)
        ]
        return sorted(map(table.load_work, entries), key=lambda work: work.urgency)[:limit]
