"""A world in memory whose days are closed."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from o2o.core.archive import ArchivedMessage, MessageKind
from o2o.core.closed_days import ClosedDay
from o2o.core.deliveries import EventRecord
from o2o.core.errors import UnreadableMessage
from o2o.core.events import Change, derive_events
from o2o.core.notifications import Notification, OrderState
from o2o.core.payments import Evidence, PaymentReport
from o2o.core.storefronts import Storefront
from o2o.usecases.close_books import BooksRun, CloseBooks
from o2o.usecases.explain_messages import ExplainMessages
from o2o.usecases.ports import (
    ArchiveReader,
    BooksFiles,
    BooksStore,
    Clock,
    CodeStore,
    EventStore,
    MessageArchive,
    NotificationStore,
    PaymentStore,
    StorefrontStore,
)
from o2o.usecases.read_day import ReadDay
from o2o.usecases.record_message import ReceivedNotification
from tests.support.memory import (
    MemoryBooksFiles,
    MemoryBooksStore,
    MemoryEventStore,
    MemoryPaymentStore,
    MemoryStorefrontStore,
)
from tests.support.world import World, sent

KEEP_EVENTS_FOR = timedelta(days=90)


class Reader(ArchiveReader):
    """Reads what the world's DOKU said."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.opened: list[bytes] = []

    def is_proven(self, archived: ArchivedMessage) -> bool:
        raise AssertionError(f"who closes the books needs no secret: {archived}")

    def evidence(self, archived: ArchivedMessage) -> Evidence:
        self.opened.append(archived.message.body)
        return Evidence(archived.message.body.decode(), dict(archived.message.headers))

    def order_number(self, archived: ArchivedMessage) -> str | None:
        if archived.kind is MessageKind.NOTIFICATION:
            return None
        status = self._world.doku.said[archived.message.body.decode()]
        if status.payment:
            return status.payment.invoice_number
        return status.unreadable.body.split()[0] if status.unreadable else None

    def read(self, archived: ArchivedMessage) -> Notification:
        if archived.kind is MessageKind.NOTIFICATION:
            evidence = Evidence(archived.message.body.decode())
            return self._world.inbox.read_notification(evidence)
        status = self._world.doku.said[archived.message.body.decode()]
        if status.unreadable:
            raise UnreadableMessage("not JSON")
        return Notification(status.state, status.payment)


@dataclass
class TimeToGo:
    """Time that goes by with each look at it."""

    seconds: float = 600.0
    step: float = 0.0

    def __call__(self) -> float:
        self.seconds -= self.step
        return self.seconds


def closes(  # noqa: PLR0913 - the ports
    *,
    books: BooksStore,
    files: BooksFiles,
    codes: CodeStore,
    payments: PaymentStore,
    events: EventStore,
    notifications: NotificationStore,
    storefronts: StorefrontStore,
    archive: MessageArchive,
    reader: ArchiveReader,
    clock: Clock,
) -> CloseBooks:
    """The use case, wired as ``o2o.entry.wiring`` wires it."""
    return CloseBooks(
        books=books,
        files=files,
        storefronts=storefronts,
        payments=payments,
        read_day=ReadDay(
            codes=codes, payments=payments, events=events, keep_events_for=KEEP_EVENTS_FOR
        ),
        explain_messages=ExplainMessages(
            codes=codes, notifications=notifications, archive=archive, reader=reader
        ),
        clock=clock,
    )


class BooksWorld(World):
    """A world with events and books, of the storefront ``shop``. Its first day is 2026-03-01."""

    def __init__(self) -> None:
        super().__init__()
        self.codes.written = self._written  # type: ignore[attr-defined]
        self.events = MemoryEventStore(self.table)
        self.payments = MemoryPaymentStore(self.table)
        self.storefronts = MemoryStorefrontStore(self.table)
        self.books = MemoryBooksStore(self.table)
        self.files = MemoryBooksFiles()
        self.reader = Reader(self)
        self.storefronts.add_storefront(Storefront("shop", "Shop", self.clock.now))
        self.close = self.closer()
        self.clock.advance(days=1)
        self.close(TimeToGo())
        self.clock.advance(minutes=1)

    def closer(self, **changes: Any) -> CloseBooks:
        ports: dict[str, Any] = {
            name: getattr(self, name)
            for name in (
                *("books", "files", "codes", "payments", "events", "notifications"),
                *("storefronts", "archive", "reader", "clock"),
            )
        }
        return closes(**{**ports, **changes})

    def _written(self, change: Change) -> None:
        for event in derive_events(change):
            record = EventRecord(
                event_id=event.event_id,
                type=event.type,
                storefront_id=event.code.storefront_id,
                invoice_number=event.code.invoice_number,
                sequence=event.code.version,
                created_at=event.occurred_at,
                payload="{}",
                keep_until=event.occurred_at + KEEP_EVENTS_FOR,
            )
            self.events.add(record)

    def notify(self, report: PaymentReport) -> ReceivedNotification:
        """DOKU's notification arrives, the same one again if it came before."""
        body = f"notification of {report.receipt_number} at {report.paid_at}"
        report = replace(report, evidence=Evidence(body))
        self.inbox.messages[body] = Notification(OrderState.SUCCESS, report)
        return self.receive(sent(body.encode()))

    def run(
        self, until: datetime | None = None, time_left: Callable[[], float] | None = None
    ) -> BooksRun:
        """A run of the function, at an instant."""
        if until is not None:
            self.live(until, timedelta(hours=1))
        return self.close(time_left or TimeToGo())

    def end(self, day: date, hours: float = 19) -> datetime:
        """So many hours after the end of a WIB day."""
        next_day = datetime.combine(day, datetime.min.time(), tzinfo=UTC) + timedelta(days=1)
        return next_day - timedelta(hours=7) + timedelta(hours=hours)

    def book(self, day: date, storefront_id: str | None = "shop") -> dict[str, Any]:
        """A day's book as its newest file has it."""
        closed = self.closed(day, storefront_id)
        name = "books" if storefront_id is None else f"storefronts/{storefront_id}"
        document: dict[str, Any] = json.loads(self.file(day, closed.edition, f"{name}.json"))
        return document

    def closed(self, day: date, storefront_id: str | None = "shop") -> ClosedDay:
        found = self.books.get(storefront_id, str(day))
        assert found is not None
        return found

    def file(self, day: date, edition: int, name: str) -> bytes:
        return self.files.files[f"books/{day}/{edition:04}/{name}"]
