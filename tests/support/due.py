"""What is due, of whichever store: in memory, or on DynamoDB."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from o2o.adapters.dynamodb.codes import DynamoCodeStore
from o2o.adapters.dynamodb.due import DynamoDueIndex
from o2o.adapters.dynamodb.events import DynamoEventStore
from o2o.adapters.dynamodb.table import Due
from o2o.core.work import Work
from o2o.usecases.ports import CodeStore, DueIndex, EventStore
from tests.support.memory import (
    RETENTION,
    MemoryCodeStore,
    MemoryDueIndex,
    MemoryEventStore,
    MemoryLane,
)

_LANES: dict[MemoryLane, Due] = {
    "codes": Due.CODES,
    "awaited": Due.AWAITED,
    "events": Due.EVENTS,
}


def lane_of(store: CodeStore | EventStore, lane: MemoryLane) -> DueIndex:
    """A lane of the table that a store is over."""
    if isinstance(store, DynamoCodeStore | DynamoEventStore):
        return DynamoDueIndex(store._store, _LANES[lane])
    assert isinstance(store, MemoryCodeStore | MemoryEventStore)
    retention = store._retention if isinstance(store, MemoryCodeStore) else RETENTION
    return MemoryDueIndex(store._table, lane, retention)


@dataclass(frozen=True, slots=True)
class AnyLane(DueIndex):
    """Several lanes as if they were one."""

    lanes: Sequence[DueIndex]

    def due(self, now: datetime, limit: int, since: datetime | None = None) -> Sequence[Work]:
        found = [work for lane in self.lanes for work in lane.due(now, limit, since)]
        return sorted(found, key=lambda work: work.urgency)[:limit]


def of_codes(store: CodeStore) -> DueIndex:
    """Whatever is due but events."""
    return AnyLane([lane_of(store, "awaited"), lane_of(store, "codes")])
