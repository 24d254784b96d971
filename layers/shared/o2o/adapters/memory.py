"""The ports in memory: twins of the DynamoDB and SQS adapters, held to the same tests.

Thread-safe, deterministic and without input or output, so that a simulation can run on
them. A ledger, a notification box and a registry over one ``MemoryTable`` share their
state, as those over one DynamoDB table do.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from threading import RLock
from typing import TypeVar

from o2o.adapters.dynamodb.table import (
    NOTIFICATIONS,
    STOREFRONTS,
    Key,
    Position,
    Span,
    api_key_key,
    by_urgency,
    claim_key,
    claim_of,
    code_key,
    codes_of,
    endpoint_key,
    event_key,
    events_of,
    keys_of,
    look_key,
    notification_key,
    payment_key,
    read_payment_cursor,
    storefront_key,
    write_payment_cursor,
)
from o2o.core.channels import Channel
from o2o.core.codes import PaymentCode
from o2o.core.errors import DigitsTaken, VersionConflict
from o2o.core.look import Look
from o2o.core.payments import Payment, Settlement
from o2o.core.webhooks import Endpoint, EventRecord
from o2o.usecases.ports import (
    ApiKey,
    CodeHistory,
    KeptNotification,
    Page,
    Storefront,
    Work,
    WorkKind,
)

Entry = TypeVar("Entry")


class MemoryTable:
    """What the table holds."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.codes: dict[Key, PaymentCode] = {}
        self.payments: dict[Key, dict[Key, Payment]] = {}
        """By the key of their code."""
        self.claims: dict[Key, str] = {}
        """The invoice numbers of those who claimed digits last."""
        self.notifications: dict[Key, KeptNotification] = {}
        self.storefronts: dict[Key, Storefront] = {}
        self.api_keys: dict[Key, ApiKey] = {}
        self.events: dict[Key, EventRecord] = {}
        self.endpoints: dict[Key, Endpoint] = {}
        self.looks: dict[Key, Look] = {}


class MemoryLedger:
    """A ledger in memory."""

    def __init__(self, table: MemoryTable | None = None) -> None:
        self._table = table or MemoryTable()

    def create(
        self,
        code: PaymentCode,
        *,
        former_holder: str | None = None,
        replaced: PaymentCode | None = None,
    ) -> PaymentCode | None:
        """See ``Ledger``."""
        key = code_key(code.invoice_number)
        claim = claim_of(code)
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
                self._table.claims[claim] = code.invoice_number
            return None

    def find_by_digits(self, channel: Channel, payment_code: str) -> PaymentCode | None:
        """See ``Ledger``."""
        with self._table.lock:
            holder = self._table.claims.get(claim_key(channel, payment_code))
            return None if holder is None else self.get(holder)

    def list_payments(
        self, invoice_number: str, *, limit: int, cursor: str | None
    ) -> Page[Payment]:
        """See ``Ledger``."""
        after = None if cursor is None else read_payment_cursor(invoice_number, cursor)
        with self._table.lock:
            recorded = self._table.payments.get(code_key(invoice_number), {})
            keys = [key for key in sorted(recorded) if after is None or key > after][: limit + 1]
            found = [recorded[key] for key in keys[:limit]]
        more = write_payment_cursor(keys[limit - 1]) if len(keys) > limit else None
        return Page(found, more)

    def get(self, invoice_number: str) -> PaymentCode | None:
        """See ``Ledger``."""
        with self._table.lock:
            return self._table.codes.get(code_key(invoice_number))

    def get_history(self, invoice_number: str, payments: int) -> CodeHistory | None:
        """See ``Ledger``."""
        key = code_key(invoice_number)
        with self._table.lock:
            code = self._table.codes.get(key)
            if code is None:
                return None
            recorded = self._table.payments.get(key, {})
            return CodeHistory(code, [recorded[each] for each in sorted(recorded)[:payments]])

    def save(self, code: PaymentCode) -> None:
        """See ``Ledger``."""
        key = code_key(code.invoice_number)
        with self._table.lock:
            before = self._table.codes.get(key)
            if before is None or before.version != code.version - 1:
                raise VersionConflict("a payment code changed since it was read")
            self._table.codes[key] = code

    def record(self, settlement: Settlement) -> Payment | None:
        """See ``Ledger``."""
        code, payment = settlement.code, settlement.payment
        key = payment_key(code.invoice_number, payment.identity)
        with self._table.lock:
            recorded = self._table.payments.setdefault(code_key(code.invoice_number), {})
            if key in recorded:
                return recorded[key]
            for other in settlement.seen:
                now = self.get(other.invoice_number)
                if now is None or now.version != other.version:
                    raise VersionConflict("a payment code changed since it was read")
            self.save(code)
            recorded[key] = payment
            return None

    def list_codes(
        self,
        storefront_id: str,
        *,
        created_from: datetime | None,
        created_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[PaymentCode]:
        """See ``Ledger``. Both instants are included."""
        with self._table.lock:
            codes = [
                (Position(code.created_at, key), code)
                for key, code in self._table.codes.items()
                if code.storefront_id == storefront_id
            ]
        return _page(codes, Span(codes_of(storefront_id), created_from, created_to), limit, cursor)

    def due(self, now: datetime, limit: int) -> Sequence[Work]:
        """See ``Ledger``."""
        with self._table.lock:
            codes = [
                Work(WorkKind.CODE, code.invoice_number, due_at=code.due_at)
                for code in self._table.codes.values()
            ]
            notifications = [
                Work(WorkKind.NOTIFICATION, kept.invoice_number, kept.identity, kept.due_at)
                for kept in self._table.notifications.values()
            ]
        ready = [work for work in codes + notifications if work.due_at and work.due_at <= now]
        return sorted(ready, key=by_urgency)[:limit]


class MemoryNotificationBox:
    """A notification box in memory."""

    def __init__(self, table: MemoryTable | None = None) -> None:
        self._table = table or MemoryTable()

    def keep(self, notification: KeptNotification) -> bool:
        """See ``NotificationBox``."""
        key = notification_key(notification.invoice_number, notification.identity)
        with self._table.lock:
            return _put_new(self._table.notifications, key, notification) is None

    def find(self, invoice_number: str, identity: str) -> KeptNotification | None:
        """See ``NotificationBox``."""
        with self._table.lock:
            return self._table.notifications.get(notification_key(invoice_number, identity))

    def postpone(self, notification: KeptNotification, due_at: datetime | None) -> None:
        """See ``NotificationBox``."""
        key = notification_key(notification.invoice_number, notification.identity)
        with self._table.lock:
            if key in self._table.notifications:
                self._table.notifications[key] = replace(notification, due_at=due_at)

    def drop(self, notification: KeptNotification) -> None:
        """See ``NotificationBox``."""
        key = notification_key(notification.invoice_number, notification.identity)
        with self._table.lock:
            self._table.notifications.pop(key, None)

    def list_kept(self, *, limit: int, cursor: str | None) -> Page[KeptNotification]:
        """See ``NotificationBox``."""
        with self._table.lock:
            kept = [
                (Position(kept.received_at, key), kept)
                for key, kept in self._table.notifications.items()
            ]
        return _page(kept, Span(NOTIFICATIONS), limit, cursor)


class MemoryRegistry:
    """A registry in memory."""

    def __init__(self, table: MemoryTable | None = None) -> None:
        self._table = table or MemoryTable()

    def add_storefront(self, storefront: Storefront) -> bool:
        """See ``Registry``."""
        key = storefront_key(storefront.storefront_id)
        with self._table.lock:
            return _put_new(self._table.storefronts, key, storefront) is None

    def get_storefront(self, storefront_id: str) -> Storefront | None:
        """See ``Registry``."""
        with self._table.lock:
            return self._table.storefronts.get(storefront_key(storefront_id))

    def list_storefronts(self, *, limit: int, cursor: str | None) -> Page[Storefront]:
        """See ``Registry``."""
        with self._table.lock:
            storefronts = [
                (Position(storefront.created_at, key), storefront)
                for key, storefront in self._table.storefronts.items()
            ]
        return _page(storefronts, Span(STOREFRONTS), limit, cursor)

    def put_key(self, key: ApiKey) -> None:
        """See ``Registry``."""
        with self._table.lock:
            self._table.api_keys[api_key_key(key.key_id)] = key

    def get_key(self, key_id: str) -> ApiKey | None:
        """See ``Registry``."""
        with self._table.lock:
            return self._table.api_keys.get(api_key_key(key_id))

    def put_look(self, look: Look) -> None:
        """See ``Registry``."""
        with self._table.lock:
            self._table.looks[look_key(look.storefront_id)] = look

    def get_look(self, storefront_id: str) -> Look | None:
        """See ``Registry``."""
        with self._table.lock:
            return self._table.looks.get(look_key(storefront_id))

    def list_keys(self, storefront_id: str, *, limit: int, cursor: str | None) -> Page[ApiKey]:
        """See ``Registry``."""
        with self._table.lock:
            keys = [
                (Position(api_key.created_at, key), api_key)
                for key, api_key in self._table.api_keys.items()
                if api_key.storefront_id == storefront_id
            ]
        return _page(keys, Span(keys_of(storefront_id)), limit, cursor)


class MemoryEventStore:
    """A store of events in memory."""

    def __init__(self, table: MemoryTable | None = None) -> None:
        self._table = table or MemoryTable()

    def add(self, record: EventRecord) -> bool:
        """See ``EventStore``."""
        with self._table.lock:
            return _put_new(self._table.events, event_key(record.event_id), record) is None

    def get(self, event_id: str) -> EventRecord | None:
        """See ``EventStore``."""
        with self._table.lock:
            return self._table.events.get(event_key(event_id))

    def save(self, record: EventRecord) -> None:
        """See ``EventStore``."""
        key = event_key(record.event_id)
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
        """See ``EventStore``. Both instants are included."""
        with self._table.lock:
            records = [
                (Position(record.created_at, key), record)
                for key, record in self._table.events.items()
                if record.storefront_id == storefront_id
            ]
        span = Span(events_of(storefront_id), created_from, created_to)
        return _page(records, span, limit, cursor)

    def due(self, now: datetime, limit: int) -> Sequence[Work]:
        """See ``EventStore``."""
        with self._table.lock:
            ready = [
                Work(WorkKind.EVENT, "", record.event_id, record.due_at)
                for record in self._table.events.values()
                if record.due_at and record.due_at <= now
            ]
        return sorted(ready, key=by_urgency)[:limit]


class MemoryEndpointStore:
    """The endpoints in memory."""

    def __init__(self, table: MemoryTable | None = None) -> None:
        self._table = table or MemoryTable()

    def get_endpoint(self, storefront_id: str) -> Endpoint | None:
        """See ``EndpointStore``."""
        with self._table.lock:
            return self._table.endpoints.get(endpoint_key(storefront_id))

    def save_endpoint(self, endpoint: Endpoint) -> None:
        """See ``EndpointStore``."""
        key = endpoint_key(endpoint.storefront_id)
        with self._table.lock:
            before = self._table.endpoints.get(key)
            if (before.version if before else 0) != endpoint.version - 1:
                raise VersionConflict("an endpoint changed since it was read")
            self._table.endpoints[key] = endpoint


class MemoryWorkQueue:
    """A queue in memory, the oldest entry first."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._entries: deque[Work] = deque()

    def backlog(self) -> int:
        """See ``WorkQueue``."""
        with self._lock:
            return len(self._entries)

    def put(self, work: Iterable[Work]) -> None:
        """See ``WorkQueue``."""
        with self._lock:
            self._entries.extend(work)

    def take(self) -> Work | None:
        """The oldest entry, which leaves the queue; None if there is none."""
        with self._lock:
            return self._entries.popleft() if self._entries else None


def _put_new(entries: dict[Key, Entry], key: Key, entry: Entry) -> Entry | None:
    """The entry that has the key already, or None: it is this one's now."""
    if key in entries:
        return entries[key]
    entries[key] = entry
    return None


def _page(
    entries: Iterable[tuple[Position, Entry]], span: Span, limit: int, cursor: str | None
) -> Page[Entry]:
    before = None if cursor is None else span.read_cursor(cursor)
    found = sorted(
        (
            (position, entry)
            for position, entry in entries
            if position in span and (before is None or position < before)
        ),
        key=lambda each: each[0],
        reverse=True,
    )
    next_cursor = span.write_cursor(found[limit - 1][0]) if len(found) > limit else None
    return Page([entry for _, entry in found[:limit]], next_cursor)
