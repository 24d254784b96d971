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

from o2o.core.archive import ArchivedMessage, ArchivedVersion
from o2o.core.channels import Channel
from o2o.core.codes import PaymentCode
from o2o.core.deliveries import EventRecord
from o2o.core.endpoints import Endpoint
from o2o.core.errors import DigitsTaken, InvalidRequest, VersionConflict
from o2o.core.events import Change
from o2o.core.notifications import KeptNotification
from o2o.core.pages import Page
from o2o.core.payments import CodeHistory, Payment, PaymentReport, Settlement
from o2o.core.storefronts import ApiKey, Branding, Storefront
from o2o.core.timetable import Retention
from o2o.core.work import Backlog, Work, WorkKind
from o2o.usecases.ports import (
    ArchiveVersions,
    CodeStore,
    DueIndex,
    EndpointStore,
    EventStore,
    MessageArchive,
    NotificationStore,
    OrderSearch,
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
        key = f"{message.received_at.isoformat()} {message.kind} {message.body_sha256}"
        with self._lock:
            self._messages[key] = message

    def keys(self, since: datetime | None, until: datetime | None) -> Iterator[str]:
        with self._lock:
            found = sorted(self._messages.items(), key=lambda each: (each[1].received_at, each[0]))
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
            leaf = sha256(repr(message).encode()).hexdigest()
            yield ArchivedVersion(
                key=key, version_id="1", is_latest=True, leaf=leaf, message=message
            )

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
