"""Browse a storefront's events, and send them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from o2o.core.deliveries import DeliveryStatus, EventRecord
from o2o.core.errors import NotFound
from o2o.core.events import EventType
from o2o.core.pages import Page
from o2o.core.work import Work, WorkKind
from o2o.usecases.filtered_page import filtered_page
from o2o.usecases.owned_code import owned_event
from o2o.usecases.ports import Clock, EventStore, WorkQueue
from o2o.usecases.retry_on_conflict import update

AT_ONCE = 200
"""Events that one request sends again; its answer has the cursor for the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events of a storefront; None is any. ``of_codes``: no others."""

    type: EventType | None = None
    status: DeliveryStatus | None = None
    invoice_number: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    of_codes: bool = False

    def __contains__(self, record: EventRecord) -> bool:
        return (
            self.type in (None, record.type)
            and self.status in (None, record.status)
            and self.invoice_number in (None, record.invoice_number)
            and not (self.of_codes and record.invoice_number is None)
        )


@dataclass(frozen=True, slots=True)
class Resent:
    """How many events go out again. ``next_cursor`` is for the next request; None: that is all."""

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
        return owned_event(self.events, storefront_id, event_id)

    def of_code(self, storefront_id: str, event_id: str) -> EventRecord:
        """An event of a code. Raises NotFound, also for one of a closed day."""
        record = owned_event(self.events, storefront_id, event_id)
        if record.invoice_number is None:
            raise NotFound("there is no such event of a payment code")
        return record

    def many(
        self, storefront_id: str, wanted: EventFilter, *, limit: int, cursor: str | None
    ) -> Page[EventRecord]:
        """A page, newest first; filtered, it may hold fewer events than the limit.

        Raises InvalidRequest for a cursor that is not one of this list's.
        """
        return filtered_page(
            lambda limit, cursor: self.events.list_events(
                storefront_id,
                created_from=wanted.created_from,
                created_to=wanted.created_to,
                limit=limit,
                cursor=cursor,
            ),
            wanted.__contains__,
            limit=limit,
            cursor=cursor,
        )

    def resend(self, storefront_id: str, event_ids: Sequence[str]) -> Resent:
        """Send events again, each once. Raises NotFound, before anything is sent, for any."""
        records = [
            owned_event(self.events, storefront_id, event_id)
            for event_id in dict.fromkeys(event_ids)
        ]
        return Resent(self._send_again(records))

    def resend_all(self, storefront_id: str, wanted: EventFilter, *, cursor: str | None) -> Resent:
        """Send again what a filter finds, as many as fit into one request."""
        page = self.many(storefront_id, wanted, limit=AT_ONCE, cursor=cursor)
        return Resent(self._send_again(page.items), page.next_cursor)

    def _send_again(self, records: Sequence[EventRecord]) -> int:
        now = self.clock()
        written = [record.event_id for record in records if self._make_due(record, now)]
        # Should the queue not take them, they are due all the same.
        self.queue.put(Work(WorkKind.EVENT, "", event_id, now) for event_id in written)
        return len(written)

    def _make_due(self, record: EventRecord, now: datetime) -> bool:
        """Begin a new round of tries; False if the event is gone meanwhile."""
        try:
            update(
                record,
                lambda newest: newest.send_again(now),
                read=lambda: self.events.get(record.event_id),
                save=self.events.save,
            )
        except NotFound:
            return False
        return True
