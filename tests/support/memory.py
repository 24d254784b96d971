"""The ports in memory: twins of the DynamoDB and SQS adapters, held to the same tests.

Thread-safe, deterministic and without input or output, so that a simulation can run on
them. They share no code with the adapters that they are twins of. Stores over one
``MemoryTable`` share their state, as those over one DynamoDB table do.
"""

import json
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from threading import RLock
from typing import Literal, TypeVar

from o2o.adapters.archive import key_of
from o2o.core.archive import ArchivedMessage, ArchivedVersion
from o2o.core.channels import Channel
from o2o.core.closed_days import BooksState, ClosedDay
from o2o.core.codes import PaymentCode
from o2o.core.deliveries import EventRecord
from o2o.core.endpoints import Endpoint
from o2o.core.errors import DigitsTaken, InvalidRequest, VersionConflict
from o2o.core.events import Change
from o2o.core.notifications import KeptNotification
from o2o.core.pages import Page
from o2o.core.payments import CodeHistory, Payment, PaymentReport, Settlement
from o2o.core.receipts import comparable
from o2o.core.search import SearchBy, SearchChanges, SearchEntry, find_completed
from o2o.core.storefronts import ApiKey, Branding, Storefront
from o2o.core.timetable import Retention
from o2o.core.work import Backlog, Work, WorkKind
from o2o.usecases.ports import (
    ArchiveVersions,
    BooksFiles,
    BooksStore,
    CodeStore,
    DueIndex,
    EndpointStore,
    EventStore,
    MessageArchive,
    NotificationStore,
    OrderSearch,
    PaymentStore,
    SearchIndex,
    StorefrontStore,
    WorkQueue,
)

Entry = TypeVar("Entry")
Key = TypeVar("Key")
MemoryLane = Literal["codes", "awaited", "events"]
Place = tuple[datetime, tuple[str, ...]]
"""Where an entry stands in a list: by its creation, then by its key."""


RETENTION = Retention(codes=timedelta(days=90), evidence=timedelta(days=3650))


class MemoryTable:
    """What the table holds."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.codes: dict[str, PaymentCode] = {}
        self.payments: dict[str, dict[int, Payment]] = {}
        """By order number, then by number."""
        self.receipts: dict[tuple[str, str], int] = {}
        """The payments of reusable codes by order number and receipt number."""
        self.claims: dict[tuple[Channel, str], str] = {}
        """The order numbers of those who claimed digits last."""
        self.notifications: dict[tuple[str, str], KeptNotification] = {}
        self.storefronts: dict[str, Storefront] = {}
        self.namespaces: dict[str | None, str] = {}
        """Their storefronts' ids."""
        self.api_keys: dict[str, ApiKey] = {}
        self.events: dict[str, EventRecord] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.brandings: dict[str, Branding] = {}
        self.search: dict[SearchEntry, str] = {}
        """What is searched for, by the entries that lead from it."""
        self.books: dict[str | None, dict[str, dict[int, ClosedDay]]] = {}
        """Editions by storefront, then by day, then by number."""
        self.books_state: BooksState | None = None


class MemoryCodeStore(CodeStore):
    """A codes in memory."""

    def __init__(self, table: MemoryTable | None = None, retention: Retention = RETENTION) -> None:
        self._table = table or MemoryTable()
        self._retention = retention

    def create(
        self,
        code: PaymentCode,
        *,
        former_holder: str | None = None,
        replaced: PaymentCode | None = None,
    ) -> PaymentCode | None:
        key = code.order_number
        claim = _claim(code)
        with self._table.lock:
            if key in self._table.codes:
                return self._table.codes[key]
            holder = self._table.claims.get(claim) if claim else None
            if holder is not None and holder != former_holder:
                raise DigitsTaken(holder)
            if replaced is not None:
                self.save(replaced)
            self._table.codes[key] = code
            if claim:
                self._table.claims[claim] = key
            self.written(Change(None, code))
            return None

    def find_by_digits(self, channel: Channel, payment_code: str) -> PaymentCode | None:
        with self._table.lock:
            holder = self._table.claims.get((channel, payment_code))
            return None if holder is None else self.get(holder)

    def release_digits(self, channel: Channel, payment_code: str, *, holder: str) -> None:
        claim = (channel, payment_code)
        with self._table.lock:
            if self._table.claims.get(claim, holder) != holder:
                raise VersionConflict("another payment code has these digits now")
            self._table.claims.pop(claim, None)

    def forget_evidence(self, order_number: str) -> None:
        with self._table.lock:
            recorded = self._table.payments.get(order_number, {})
            for number, payment in recorded.items():
                recorded[number] = payment.forget_evidence()

    def save_payment(self, order_number: str, payment: Payment) -> None:
        with self._table.lock:
            recorded = self._table.payments.get(order_number, {})
            known = recorded.get(payment.number)
            if known is None or len(known.further) != len(payment.further):
                raise VersionConflict("more is known of a payment meanwhile")
            recorded[payment.number] = payment

    def list_payments(self, order_number: str, *, limit: int, cursor: str | None) -> Page[Payment]:
        payments = _List(f"payments of {order_number}")
        after = None if cursor is None else payments.read_number(cursor)
        with self._table.lock:
            recorded = self._table.payments.get(order_number, {})
            keys = [key for key in sorted(recorded) if after is None or key > after][: limit + 1]
            found = [recorded[key] for key in keys[:limit]]
        more = payments.write(str(keys[limit - 1])) if len(keys) > limit else None
        return Page(found, more)

    def get(self, order_number: str) -> PaymentCode | None:
        with self._table.lock:
            return self._table.codes.get(order_number)

    def get_all(self, order_numbers: Sequence[str]) -> dict[str, PaymentCode]:
        with self._table.lock:
            there = self._table.codes
            return {each: there[each] for each in order_numbers if each in there}

    def get_payments(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Payment]:
        found = {each: self.get_payment(*each) for each in wanted}
        return {each: payment for each, payment in found.items() if payment is not None}

    def get_payment(self, order_number: str, payment_id: str) -> Payment | None:
        with self._table.lock:
            recorded = self._table.payments.get(order_number, {})
            return next((each for each in recorded.values() if each.payment_id == payment_id), None)

    def get_history(self, order_number: str, payments: int) -> CodeHistory | None:
        key = order_number
        with self._table.lock:
            code = self._table.codes.get(key)
            if code is None:
                return None
            recorded = self._table.payments.get(key, {})
            return CodeHistory(code, [recorded[each] for each in sorted(recorded)[:payments]])

    def save(self, code: PaymentCode) -> None:
        key = code.order_number
        with self._table.lock:
            before = self._table.codes.get(key)
            if before is None or before.version != code.version - 1:
                raise VersionConflict("a payment code changed since it was read")
            self._table.codes[key] = code
            self.written(Change(before, code))

    def written(self, change: Change) -> None:
        """Hears each write of a code, in order, as the table's stream does."""

    def find_alike(self, report: PaymentReport, newest: int) -> Sequence[Payment]:
        with self._table.lock:
            recorded = self._table.payments.get(report.invoice_number, {})
            found = set(sorted(recorded, reverse=True)[:newest])
            receipt = report.names.get("receipt_number")
            if receipt is not None:
                found |= {self._table.receipts.get((report.invoice_number, receipt), 0)}
            return [recorded[number] for number in sorted(found & recorded.keys())]

    def record(self, settlement: Settlement) -> None:
        code, payment = settlement.code, settlement.payment
        with self._table.lock:
            recorded = self._table.payments.setdefault(code.order_number, {})
            if (payment.number in recorded) is settlement.is_new:
                raise VersionConflict("a payment code changed since it was read")
            for other in settlement.seen:
                now = self.get(other.order_number)
                if now is None or now.version != other.version:
                    raise VersionConflict("a payment code changed since it was read")
            self.save(code)
            recorded[payment.number] = payment
            entry = find_completed(settlement.former, payment)
            self._table.search |= {entry: entry.value} if entry else {}
            receipt = payment.report.names.get("receipt_number")
            if code.reusable and receipt is not None:
                self._table.receipts[code.order_number, receipt] = payment.number

    def list_codes(
        self,
        storefront_id: str,
        *,
        created_from: datetime | None,
        created_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[PaymentCode]:
        with self._table.lock:
            codes = [
                ((code.created_at, _texts(key)), code)
                for key, code in self._table.codes.items()
                if code.storefront_id == storefront_id
            ]
        return _page(
            codes, _List(f"codes of {storefront_id}", created_from, created_to), limit, cursor
        )


class MemoryPaymentStore(PaymentStore):
    """Payments as lists, in memory."""

    def __init__(self, table: MemoryTable | None = None) -> None:
        self._table = table or MemoryTable()

    def list_recorded(
        self,
        storefront_id: str,
        *,
        recorded_from: datetime | None,
        recorded_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[Payment]:
        found = [(each.recorded_at, each) for each in self._of(storefront_id)]
        span = _List(f"payments of {storefront_id}", recorded_from, recorded_to)
        return self._page(found, span, limit, cursor)

    def list_paid(
        self,
        storefront_id: str,
        *,
        paid_from: datetime | None,
        paid_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[Payment]:
        found = [(each.report.paid_at, each) for each in self._of(storefront_id)]
        span = _List(f"paid to {storefront_id}", paid_from, paid_to)
        return self._page(found, span, limit, cursor)

    def list_attention(
        self, storefront_id: str, *, recorded_to: datetime | None, limit: int, cursor: str | None
    ) -> Page[Payment]:
        found = [
            (each.recorded_at, each) for each in self._of(storefront_id) if each.needs_attention
        ]
        span = _List(f"attention of {storefront_id}", None, recorded_to)
        return self._page(found, span, limit, cursor)

    def find_by_receipt(
        self, storefront_id: str, receipt_number: str, *, limit: int, cursor: str | None
    ) -> Page[Payment]:
        wanted = comparable(receipt_number)
        entries = self._entries(storefront_id, SearchBy.RECEIPT, wanted)
        place = _List(f"receipt {wanted} of {storefront_id}")
        start = 0 if cursor is None else place.read_number(cursor)
        with self._table.lock:
            found = [
                payment
                for entry in entries[start : start + limit]
                for payment in self._table.payments[entry.order_number].values()
                if payment.payment_id == entry.payment_id
                and comparable(payment.report.receipt_number) == wanted
            ]
        more = len(entries) > start + limit
        return Page(found, place.write(str(start + limit)) if more else None)

    def find_by_digits(
        self, storefront_id: str, payment_code: str, *, limit: int, cursor: str | None
    ) -> Page[Payment]:
        orders = self.find_order_numbers(storefront_id, payment_code)
        place = _List(f"digits {payment_code} of {storefront_id}")
        start = 0 if cursor is None else place.read_number(cursor)
        with self._table.lock:
            found = [
                recorded[number]
                for order in orders
                for recorded in [self._table.payments.get(order, {})]
                for number in sorted(recorded)
            ]
        more = len(found) > start + limit
        return Page(found[start : start + limit], place.write(str(start + limit)) if more else None)

    def find_order_numbers(self, storefront_id: str, payment_code: str) -> Sequence[str]:
        entries = self._entries(storefront_id, SearchBy.DIGITS, payment_code)
        return [entry.order_number for entry in entries[:100]]

    def _entries(self, storefront_id: str, by: SearchBy, value: str | None) -> list[SearchEntry]:
        with self._table.lock:
            return sorted(
                entry
                for entry in self._table.search
                if (entry.storefront_id, entry.by, entry.value) == (storefront_id, by, value)
            )

    def _of(self, storefront_id: str) -> list[Payment]:
        with self._table.lock:
            return [
                payment
                for recorded in self._table.payments.values()
                for payment in recorded.values()
                if payment.code is not None and payment.code.storefront_id == storefront_id
            ]

    def _page(
        self,
        found: list[tuple[datetime, Payment]],
        span: "_List",
        limit: int,
        cursor: str | None,
    ) -> Page[Payment]:
        placed = []
        for instant, payment in found:
            assert payment.code is not None
            key = (payment.code.order_number, f"{payment.number:010}")
            placed.append(((instant, _texts(key)), payment))
        return _page(placed, span, limit, cursor)


class MemorySearchIndex(SearchIndex):
    """The search, in memory."""

    def __init__(self, table: MemoryTable | None = None) -> None:
        self._table = table or MemoryTable()

    def change(self, changes: SearchChanges) -> None:
        with self._table.lock:
            self._table.search |= {entry: entry.value for entry in changes.added}
            for entry in changes.removed:
                self._table.search.pop(entry, None)


class MemoryNotificationStore(NotificationStore):
    """A notification notifications in memory."""

    def __init__(self, table: MemoryTable | None = None) -> None:
        self._table = table or MemoryTable()

    def keep(self, notification: KeptNotification) -> bool:
        key = (notification.invoice_number, notification.identity)
        with self._table.lock:
            return _put_new(self._table.notifications, key, notification) is None

    def find(self, invoice_number: str, identity: str) -> KeptNotification | None:
        with self._table.lock:
            return self._table.notifications.get((invoice_number, identity))

    def postpone(self, notification: KeptNotification, due_at: datetime | None) -> None:
        key = (notification.invoice_number, notification.identity)
        with self._table.lock:
            if key in self._table.notifications:
                self._table.notifications[key] = replace(notification, due_at=due_at)

    def drop(self, notification: KeptNotification) -> None:
        key = (notification.invoice_number, notification.identity)
        with self._table.lock:
            self._table.notifications.pop(key, None)

    def of_order(self, invoice_number: str) -> Sequence[KeptNotification]:
        with self._table.lock:
            found = sorted(self._table.notifications.items(), key=lambda each: _texts(each[0]))
        return [kept for (number, _), kept in found if number == invoice_number]

    def list_kept(self, *, limit: int, cursor: str | None) -> Page[KeptNotification]:
        with self._table.lock:
            kept = [
                ((kept.received_at, _texts(key)), kept)
                for key, kept in self._table.notifications.items()
            ]
        return _page(kept, _List("notifications"), limit, cursor)


class MemoryMessageArchive(MessageArchive, ArchiveVersions):
    """An archive in memory. It is no part of a table, and outlives it. It keeps one version."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._messages: dict[str, ArchivedMessage] = {}

    def keep(self, message: ArchivedMessage) -> None:
        with self._lock:
            self._messages[key_of(message)] = message

    def keys(self, since: datetime | None, until: datetime | None) -> Iterator[str]:
        with self._lock:
            found = sorted(self._messages.items())
        for key, message in found:
            if (
                (since or message.received_at)
                <= message.received_at
                <= (until or message.received_at)
            ):
                yield key

    def get(self, key: str) -> ArchivedMessage:
        with self._lock:
            return self._messages[key]

    def versions(self, since: datetime, until: datetime) -> Iterator[ArchivedVersion]:
        for key in list(self.keys(since, until)):
            message = self.get(key)
            yield ArchivedVersion(key=key, version_id="1", is_latest=True, message=message)

    def replace(self, version: ArchivedVersion, left: ArchivedMessage) -> None:
        with self._lock:
            self._messages[version.key] = left


class MemoryOrderSearch(OrderSearch):
    """Looks through all codes, payments and kept notifications in memory."""

    def __init__(self, table: MemoryTable) -> None:
        self._table = table

    def of_email(self, email: str) -> Iterator[tuple[str, bool]]:
        wanted = email.strip().casefold()
        with self._table.lock:
            for number, code in self._table.codes.items():
                told = [code.customer.email or ""] if code.customer else []
                told += [
                    code.metadata or "",
                    code.info or "",
                    (code.intent and code.intent.body) or "",
                ]
                if any(wanted in text.casefold() for text in told):
                    yield number, True
            for number, payments in self._table.payments.items():
                said = [each for one in payments.values() for each in one.tellings]
                if any(wanted in each.evidence.body.casefold() for each in said):
                    yield number, False
            for kept in self._table.notifications.values():
                if wanted in kept.evidence.body.casefold():
                    yield kept.invoice_number, False


class MemoryStorefrontStore(StorefrontStore):
    """A storefronts in memory."""

    def __init__(self, table: MemoryTable | None = None) -> None:
        self._table = table or MemoryTable()

    def add_storefront(self, storefront: Storefront) -> bool:
        key = storefront.storefront_id
        with self._table.lock:
            if key in self._table.storefronts:
                return False
            if storefront.namespace in self._table.namespaces:
                raise VersionConflict("the namespace is another storefront's")
            self._table.namespaces[storefront.namespace] = key
            self._table.storefronts[key] = storefront
            return True

    def get_storefront(self, storefront_id: str) -> Storefront | None:
        with self._table.lock:
            return self._table.storefronts.get(storefront_id)

    def list_storefronts(self, *, limit: int, cursor: str | None) -> Page[Storefront]:
        with self._table.lock:
            storefronts = [
                ((storefront.created_at, _texts(key)), storefront)
                for key, storefront in self._table.storefronts.items()
            ]
        return _page(storefronts, _List("storefronts"), limit, cursor)

    def put_usage_key(self, storefront_id: str, usage_key: str) -> None:
        with self._table.lock:
            storefront = self._table.storefronts[storefront_id]
            self._table.storefronts[storefront_id] = replace(storefront, usage_key=usage_key)
            for key_id, key in self._table.api_keys.items():
                if key.storefront_id == storefront_id:
                    self._table.api_keys[key_id] = replace(key, usage_key=usage_key)

    def put_key(self, key: ApiKey) -> None:
        with self._table.lock:
            self._table.api_keys[key.key_id] = key

    def get_key(self, key_id: str) -> ApiKey | None:
        with self._table.lock:
            return self._table.api_keys.get(key_id)

    def put_branding(self, branding: Branding) -> None:
        with self._table.lock:
            self._table.brandings[branding.storefront_id] = branding

    def get_branding(self, storefront_id: str) -> Branding | None:
        with self._table.lock:
            return self._table.brandings.get(storefront_id)

    def list_keys(self, storefront_id: str, *, limit: int, cursor: str | None) -> Page[ApiKey]:
        with self._table.lock:
            keys = [
                ((api_key.created_at, _texts(key)), api_key)
                for key, api_key in self._table.api_keys.items()
                if api_key.storefront_id == storefront_id
            ]
        return _page(keys, _List(f"keys of {storefront_id}"), limit, cursor)


class MemoryEventStore(EventStore):
    """A store of events in memory."""

    def __init__(self, table: MemoryTable | None = None) -> None:
        self._table = table or MemoryTable()

    def add(self, record: EventRecord) -> EventRecord | None:
        with self._table.lock:
            return _put_new(self._table.events, record.event_id, record)

    def get(self, event_id: str) -> EventRecord | None:
        with self._table.lock:
            return self._table.events.get(event_id)

    def get_all(self, event_ids: Sequence[str]) -> dict[str, EventRecord]:
        with self._table.lock:
            there = self._table.events
            return {each: there[each] for each in event_ids if each in there}

    def save(self, record: EventRecord) -> None:
        key = record.event_id
        with self._table.lock:
            before = self._table.events.get(key)
            if before is None or before.version != record.version - 1:
                raise VersionConflict("an event changed since it was read")
            self._table.events[key] = record

    def list_events(
        self,
        storefront_id: str,
        *,
        created_from: datetime | None,
        created_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[EventRecord]:
        with self._table.lock:
            records = [
                ((record.created_at, _texts(key)), record)
                for key, record in self._table.events.items()
                if record.storefront_id == storefront_id
            ]
        span = _List(f"events of {storefront_id}", created_from, created_to)
        return _page(records, span, limit, cursor)


class MemoryBooksStore(BooksStore):
    """The books of closed days, in memory."""

    def __init__(self, table: MemoryTable | None = None) -> None:
        self._table = table or MemoryTable()

    def get_state(self) -> BooksState | None:
        with self._table.lock:
            return self._table.books_state

    def save_state(self, state: BooksState) -> None:
        with self._table.lock:
            before = self._table.books_state
            if (before.version if before else 0) != state.version - 1:
                raise VersionConflict("the state of the books changed since it was read")
            self._table.books_state = state

    def add(self, closed: ClosedDay) -> ClosedDay | None:
        with self._table.lock:
            editions = self._table.books.setdefault(closed.storefront_id, {})
            days = editions.setdefault(closed.day, {})
            if closed.edition not in days and max(days, default=0) > closed.edition:
                raise VersionConflict("the day has a newer edition already")
            return _put_new(days, closed.edition, closed)

    def get(
        self, storefront_id: str | None, day: str, edition: int | None = None
    ) -> ClosedDay | None:
        with self._table.lock:
            editions = self._table.books.get(storefront_id, {}).get(day, {})
            return editions.get(edition or max(editions, default=0))

    def list_days(
        self, storefront_id: str | None, *, limit: int, cursor: str | None
    ) -> Page[ClosedDay]:
        place = _List(f"days of {storefront_id}")
        start = 0 if cursor is None else place.read_number(cursor)
        with self._table.lock:
            days = sorted(self._table.books.get(storefront_id, {}).items(), reverse=True)
            # By the day, which stays where it is when others come.
            behind = [each for each in days if not start or int(each[0].replace("-", "")) < start]
            found = [editions[max(editions)] for _, editions in behind[:limit]]
        more = len(behind) > limit
        return Page(found, place.write(found[-1].day.replace("-", "")) if more else None)


class MemoryBooksFiles(BooksFiles):
    """The books' bucket, in memory. It is no part of a table."""

    def __init__(self) -> None:
        self._lock = RLock()
        self.files: dict[str, bytes] = {}

    def write(self, key: str, parts: Iterable[bytes]) -> str:
        content = b"".join(parts)
        with self._lock:
            return sha256(self.files.setdefault(key, content)).hexdigest()

    def read(self, key: str) -> bytes | None:
        with self._lock:
            return self.files.get(key)

    def keys(self, prefix: str) -> Iterator[str]:
        with self._lock:
            found = sorted(key for key in self.files if key.startswith(prefix))
        yield from found


class MemoryDueIndex(DueIndex):
    """A lane of the due index in memory."""

    def __init__(self, table: MemoryTable, lane: MemoryLane, retention: Retention) -> None:
        self._table = table
        self._lane = lane
        self._retention = retention

    def due(self, now: datetime, limit: int, since: datetime | None = None) -> Sequence[Work]:
        with self._table.lock:
            work = list(self._work())
        ready = [
            each
            for each in work
            if each.due_at and each.due_at <= now and (since is None or since <= each.due_at)
        ]
        return sorted(ready, key=lambda each: each.urgency)[:limit]

    def _work(self) -> Iterator[Work]:
        if self._lane == "events":
            for record in self._table.events.values():
                yield Work(WorkKind.EVENT, "", record.event_id, record.due_at)
            return
        for code in self._table.codes.values():
            if code.is_awaited == (self._lane == "awaited"):
                due_at = code.due_at or code.forget_at(self._retention)
                yield Work(WorkKind.CODE, code.order_number, due_at=due_at)
        if self._lane == "awaited":
            for kept in self._table.notifications.values():
                yield Work(WorkKind.NOTIFICATION, kept.invoice_number, kept.identity, kept.due_at)


class MemoryEndpointStore(EndpointStore):
    """The endpoints in memory."""

    def __init__(self, table: MemoryTable | None = None) -> None:
        self._table = table or MemoryTable()

    def get_endpoint(self, storefront_id: str) -> Endpoint | None:
        with self._table.lock:
            return self._table.endpoints.get(storefront_id)

    def save_endpoint(self, endpoint: Endpoint) -> None:
        key = endpoint.storefront_id
        with self._table.lock:
            before = self._table.endpoints.get(key)
            if (before.version if before else 0) != endpoint.version - 1:
                raise VersionConflict("an endpoint changed since it was read")
            self._table.endpoints[key] = endpoint


class MemoryWorkQueue(WorkQueue):
    """A queue in memory, the oldest entry first."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._entries: deque[Work] = deque()

    under_way = 0
    """How many entries somebody works on: a test may say so."""

    def backlog(self) -> Backlog:
        with self._lock:
            return Backlog(len(self._entries), self.under_way)

    def put(self, work: Iterable[Work]) -> None:
        with self._lock:
            self._entries.extend(work)

    def take(self) -> Work | None:
        """The oldest entry, which leaves the queue; None if there is none."""
        with self._lock:
            return self._entries.popleft() if self._entries else None

    @property
    def entries(self) -> list[Work]:
        """What waits."""
        with self._lock:
            return list(self._entries)


@dataclass(frozen=True)
class _List:
    """A list, or the part of it between two instants, and the cursors that are its own."""

    name: str
    created_from: datetime | None = None
    created_to: datetime | None = None

    def __contains__(self, place: Place) -> bool:
        created_at, _ = place
        return (self.created_from is None or self.created_from <= created_at) and (
            self.created_to is None or created_at <= self.created_to
        )

    def write(self, *parts: str) -> str:
        return b64encode(json.dumps([self.name, *parts]).encode()).decode()

    def write_place(self, place: Place) -> str:
        created_at, key = place
        return self.write(created_at.isoformat(), *key)

    def read_place(self, cursor: str) -> Place:
        match self._read(cursor):
            case [str(created_at), *key]:
                try:
                    place = datetime.fromisoformat(created_at), tuple(map(str, key))
                except ValueError:
                    raise _foreign() from None
                if place in self:
                    return place
        raise _foreign()

    def read_number(self, cursor: str) -> int:
        match self._read(cursor):
            case [str(number)]:
                return int(number)
        raise _foreign()

    def _read(self, cursor: str) -> list[object]:
        try:
            name, *parts = json.loads(b64decode(cursor, validate=True))
        except (RecursionError, TypeError, ValueError):
            raise _foreign() from None
        if name != self.name or self.write(*map(str, parts)) != cursor:
            raise _foreign()
        return list(parts)


def _foreign() -> InvalidRequest:
    return InvalidRequest.of("cursor", "is not a cursor of this list")


def _texts(key: str | tuple[str, ...]) -> tuple[str, ...]:
    return (key,) if isinstance(key, str) else key


def _claim(code: PaymentCode) -> tuple[Channel, str] | None:
    if not code.merchant_made or code.payment_code is None:
        return None
    return code.channel, code.payment_code


def _put_new(entries: dict[Key, Entry], key: Key, entry: Entry) -> Entry | None:
    """The entry that has the key already, or None: it is this one's now."""
    if key in entries:
        return entries[key]
    entries[key] = entry
    return None


def _page(
    entries: Iterable[tuple[Place, Entry]], found_in: _List, limit: int, cursor: str | None
) -> Page[Entry]:
    before = None if cursor is None else found_in.read_place(cursor)
    found = sorted(
        (
            (place, entry)
            for place, entry in entries
            if place in found_in and (before is None or place < before)
        ),
        key=lambda each: each[0],
        reverse=True,
    )
    more = found_in.write_place(found[limit - 1][0]) if len(found) > limit else None
    return Page([entry for _, entry in found[:limit]], more)
