"""Read a storefront's events, and send them again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from o2o.core.errors import NotFound, VersionConflict
from o2o.core.events import EventType
from o2o.core.webhooks import DeliveryStatus, EventRecord
from o2o.usecases.event_ports import EventStore
from o2o.usecases.ports import Clock, Page, Work, WorkKind, WorkQueue

AT_ONCE = 200
"""Events that one request sends again; the answer tells where the next one goes on."""

_PAGES_READ = 5
"""A filtered list reads this many pages at most before it answers with what it found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events of a storefront; None is any."""

    type: EventType | None = None
    status: DeliveryStatus | None = None
    invoice_number: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None

    def __contains__(self, record: EventRecord) -> bool:
        return (
            self.type in (None, record.type)
            and self.status in (None, record.status)
            and self.invoice_number in (None, record.invoice_number)
        )


@dataclass(frozen=True, slots=True)
class Resent:
    """How many events go out again, and where the next request goes on, or None: that is all."""

    count: int
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowseEvents:
    """The use case. A storefront sees its own events only."""

    events: EventStore
    queue: WorkQueue
    clock: Clock

    def one(self, storefront_id: str, event_id: str) -> EventRecord:
        """An event. Raises NotFound."""
        record = self.events.get(event_id)
        if record is None or record.storefront_id != storefront_id:
            raise NotFound("there is no such event")
        return record

    def many(
        self, storefront_id: str, wanted: Filter, *, limit: int, cursor: str | None
    ) -> Page[EventRecord]:
        """A page, newest first; filtered, it may hold fewer events than the limit.

        Raises InvalidRequest for a cursor that is not one of this list's.
        """
        found: list[EventRecord] = []
        for _ in range(_PAGES_READ):
            page = self.events.list_events(
                storefront_id,
                created_from=wanted.created_from,
                created_to=wanted.created_to,
                limit=limit - len(found),
                cursor=cursor,
            )
            found += [record for record in page.items if record in wanted]
            cursor = page.next_cursor
            if cursor is None or len(found) >= limit:
                break
        return Page(found, cursor)

    def resend(self, storefront_id: str, event_ids: Sequence[str]) -> Resent:
        """Send events again, each once. Raises NotFound, before anything is sent, for any."""
        records = [self.one(storefront_id, event_id) for event_id in dict.fromkeys(event_ids)]
        return Resent(self._send_again(records))

    def resend_all(self, storefront_id: str, wanted: Filter, *, cursor: str | None) -> Resent:
        """Send again what a filter finds, as many as fit into one request."""
        page = self.many(storefront_id, wanted, limit=AT_ONCE, cursor=cursor)
        return Resent(self._send_again(page.items), page.next_cursor)

    def _send_again(self, records: Sequence[EventRecord]) -> int:
        now = self.clock()
        written = list(self._write(records, now))
        # Should the queue not take them, they are due all the same.
        self.queue.put(Work(WorkKind.EVENT, "", event_id, now) for event_id in written)
        return len(written)

    def _write(self, records: Sequence[EventRecord], now: datetime) -> Iterator[str]:
        for record in records:
            newest: EventRecord | None = record
            while newest is not None:
                try:
                    self.events.save(newest.send_again(now))
                except VersionConflict:
                    newest = self.events.get(record.event_id)
                else:
                    yield record.event_id
                    break
