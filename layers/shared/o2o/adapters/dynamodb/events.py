"""Events and their delivery on DynamoDB."""

from collections.abc import Sequence
from datetime import datetime

from o2o.adapters.dynamodb import listing, table
from o2o.adapters.dynamodb.store import ConditionFailed, Store
from o2o.core.deliveries import EventRecord
from o2o.core.errors import VersionConflict
from o2o.core.pages import Page
from o2o.usecases.ports import EventStore


class DynamoEventStore(EventStore):
    """``EventStore`` in a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, record: EventRecord) -> EventRecord | None:
        try:
            self._store.put(table.event_item(record), table.IS_ABSENT)
        except ConditionFailed as failed:
            (kept,) = failed.items
            return None if kept is None else table.load_event(kept)
        return None

    def get(self, event_id: str) -> EventRecord | None:
        item = self._store.get(table.event_key(event_id))
        return table.load_event(item) if item else None

    def get_all(self, event_ids: Sequence[str]) -> dict[str, EventRecord]:
        keys = {table.event_key(each): each for each in event_ids}
        items = self._store.get_all(list(keys))
        return {keys[key]: table.load_event(item) for key, item in items.items()}

    def save(self, record: EventRecord) -> None:
        try:
            self._store.put(table.event_item(record), table.follows(record))
        except ConditionFailed as failed:
            raise VersionConflict("an event changed since it was read") from failed

    def list_events(
        self,
        storefront_id: str,
        *,
        created_from: datetime | None,
        created_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[EventRecord]:
        span = listing.Span(table.events_listing(storefront_id), created_from, created_to)
        return self._store.page(span, table.load_event, limit, cursor)
