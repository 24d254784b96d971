"""Events and endpoints on DynamoDB, and the codes' stream that events are made of."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from o2o.adapters.dynamodb import table
from o2o.adapters.dynamodb.store import ConditionFailed, Store
from o2o.core.errors import VersionConflict
from o2o.core.webhooks import Endpoint, EventRecord
from o2o.usecases.event_ports import Change
from o2o.usecases.ports import Page, Work


class DynamoEventStore:
    """A store of events in a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, record: EventRecord) -> bool:
        """See ``EventStore``."""
        try:
            self._store.put(table.event_item(record), table.IS_ABSENT)
        except ConditionFailed:
            return False
        return True

    def get(self, event_id: str) -> EventRecord | None:
        """See ``EventStore``."""
        item = self._store.get(table.event_key(event_id))
        return table.read_event(item) if item else None

    def save(self, record: EventRecord) -> None:
        """See ``EventStore``."""
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
        """See ``EventStore``. Both instants are included."""
        span = table.Span(table.events_of(storefront_id), created_from, created_to)
        return self._store.page(span, table.read_event, limit, cursor)

    def due(self, now: datetime, limit: int) -> Sequence[Work]:
        """See ``EventStore``. It reads keys only, and of each shard no more than ``limit``."""
        entries = [
            entry
            for query in table.due_queries(now, table.EVENTS_DUE)
            for entry in self._store.query(limit, **query)
        ]
        return sorted(map(table.read_work, entries), key=table.by_urgency)[:limit]


class DynamoEndpointStore:
    """The endpoints in a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get_endpoint(self, storefront_id: str) -> Endpoint | None:
        """See ``EndpointStore``."""
        item = self._store.get(table.endpoint_key(storefront_id))
        return table.read_endpoint(item) if item else None

    def save_endpoint(self, endpoint: Endpoint) -> None:
        """See ``EndpointStore``."""
        condition = table.IS_ABSENT if endpoint.version == 1 else table.follows(endpoint)
        try:
            self._store.put(table.endpoint_item(endpoint), condition)
        except ConditionFailed as failed:
            raise VersionConflict("an endpoint changed since it was read") from failed


def read_change(record: Mapping[str, Any]) -> Change | None:
    """The write of a code in a record of the stream as Lambda gets it, or None: it is none."""
    images = record["dynamodb"]
    if "NewImage" not in images or not table.is_code(images["Keys"]):
        return None
    before = images.get("OldImage")
    return Change(
        before=table.read_code(_with_bytes(before)) if before else None,
        after=table.read_code(_with_bytes(images["NewImage"])),
    )


def _with_bytes(value: Any) -> Any:
    """Lambda writes bytes in base64."""
    match value:
        case {"B": str(text)}:
            return {"B": b64decode(text)}
        case dict():
            return {name: _with_bytes(entry) for name, entry in value.items()}
        case list():
            return [_with_bytes(entry) for entry in value]
    return value
