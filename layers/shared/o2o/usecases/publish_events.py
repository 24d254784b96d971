"""Publish events: keep the events of a write for their storefront, and hand them on.

The same write tells what a search must find.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from o2o.core.closed_days import BooksClosed, ClosedDay
from o2o.core.deliveries import AFTER_A_FAULT, EventRecord
from o2o.core.errors import VersionConflict
from o2o.core.events import Change, Event, derive_events
from o2o.core.search import find_changes
from o2o.core.work import Work, WorkKind
from o2o.usecases.ports import EventBus, EventStore, Render, SearchIndex, WorkQueue

_TOGETHER = 10
"""The bus takes so many events at a time."""


@dataclass(frozen=True, slots=True)
class Published:
    """An event as it is kept; ``is_new`` unless it was published before."""

    record: EventRecord
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishEvents:
    """The use case: first keep the events of some writes, then hand them on.

    A write that is published twice makes the same events: the store keeps the first, and queue
    and bus get those again. Whoever kept an event and could not hand it on must do all of it again:
    until the queue has it, nothing else brings it to its storefront (decision 0093).
    """

    events: EventStore
    search: SearchIndex
    queue: WorkQueue
    bus: EventBus
    dead_letters: WorkQueue
    render: Render
    keep_for: timedelta
    report: Callable[[Exception], None]

    def keep(self, change: Change) -> Sequence[Published]:
        """Keep the events of a write, and let what it made known be found.

        What is an outage can be repeated, and must be.
        """
        published = [self.keep_one(event) for event in derive_events(change)]
        self.search.change(find_changes(change))
        return published

    def keep_closed(self, book: ClosedDay) -> Published:
        """Keep the event of an edition of a day's book."""
        return self.keep_one(BooksClosed(book))

    def keep_one(self, event: Event | BooksClosed) -> Published:
        """Keep an event."""
        record = self._record(event)
        kept = self.events.add(record)
        return Published(kept or record, kept is None)

    def give_up(self, order_number: str) -> None:
        """Leave the events of a code to the operator: none can be made of a write of it."""
        self.dead_letters.put([Work(WorkKind.CODE, order_number)])

    def hand_on(self, records: Sequence[EventRecord]) -> Sequence[EventRecord]:
        """Queue the deliveries of events that are kept, then put the events on the bus.

        Neither holds anything up: what the queue does not take is put on the timetable, and only
        if that fails too is anything raised. Returns the events that the bus did not get.
        """
        work = [Work(WorkKind.EVENT, "", record.event_id) for record in records]
        try:
            self.queue.put(work)
        except Exception as error:  # noqa: BLE001 - the timetable has them
            self.report(error)
            for record in records:
                self._put_off(record)
        return self.announce(records)

    def _put_off(self, record: EventRecord) -> None:
        """Have the timetable bring an event, unless that has it or it needs no bringing."""
        if not record.is_carried:
            return
        try:
            self.events.save(record.put_off(record.created_at + AFTER_A_FAULT))
        except VersionConflict:
            return  # An earlier message brought it; whatever wrote it knows what is next.

    def announce(self, records: Sequence[EventRecord]) -> Sequence[EventRecord]:
        """Put events on the bus, ten at a time, up to the first ten that it does not take.

        Returns those and the rest. Some of them it may have: their ids are the same again.
        """
        for position in range(0, len(records), _TOGETHER):
            try:
                self.bus.put(records[position : position + _TOGETHER])
            except Exception as error:  # noqa: BLE001 - storefronts do not wait for outsiders
                self.report(error)
                return records[position:]
        return []

    def _record(self, event: Event | BooksClosed) -> EventRecord:
        return EventRecord(
            event_id=event.event_id,
            type=event.type,
            storefront_id=event.storefront_id,
            invoice_number=event.invoice_number,
            sequence=event.sequence,
            created_at=event.occurred_at,
            payload=self.render(event),
            keep_until=event.occurred_at + self.keep_for,
        )
