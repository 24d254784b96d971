"""What the desk's pages ask for: reads of a whole stack, and changes, each on record in the audit.

Arguments come as a page sends them, all text; what is wrong with one is told by its name.
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from itertools import islice, takewhile
from typing import Any, TypeVar

from admin.audit import on_record
from admin.payments import ways
from admin.target import Target
from admin.web import views
from o2o.adapters.dynamodb.audit import DynamoAudit
from o2o.core.closed_days import ClosedDay
from o2o.core.codes import LONGEST_LIFE, PaymentCode
from o2o.core.deliveries import DeliveryStatus
from o2o.core.errors import InvalidRequest, NotFound, UnreadableMessage
from o2o.core.events import EventType
from o2o.core.notifications import KeptFor, KeptNotification
from o2o.core.pages import all_items
from o2o.core.payments import CodeHistory, Payment, PaymentReport
from o2o.core.resolutions import ResolutionKind
from o2o.core.storefronts import Storefront, to_order_number
from o2o.entry import wiring
from o2o.usecases.browse_events import BrowseEvents, EventFilter
from o2o.usecases.manage_endpoints import ManageEndpoints
from o2o.usecases.ports import BooksStore
from o2o.usecases.read_codes import CodeFilter, ReadCodes
from o2o.usecases.read_payments import PaymentFilter, ReadPayments, Resolved
from o2o.usecases.resolve_notifications import ResolveNotifications
from o2o.usecases.resolve_payment import ResolvePayment

READS = (
    "ReadPayments", "ReadCodes", "BrowseEvents", "DeliverWebhooks", "ReconcileCodes", "ReadBooks",
)  # fmt: skip
"""The functions whose settings the pages need."""

CHANGES = ("ResolvePayment",)
"""Those that only changes need."""

Asked = Mapping[str, str]
"""What a page asks with."""

Choice = TypeVar("Choice", bound=Enum)

_PAGE = 100
_MOST = 100
"""Payments or events of a code, and payments of a search."""

_AUDIT_READ = 5_000
_CODES_READ = 2_000
_EVENTS = 50
_DAYS = 31
_DIGITS = re.compile(r"[0-9]{8,32}", re.ASCII)
_RESENT = 10_000

_NEEDS_NOBODY = {KeptFor.NOT_SUCCESS}
"""They report no payment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """What the pages run on, made once: in the environment of ``READS``, and ``CHANGES`` if any."""

    payments: ReadPayments
    codes: ReadCodes
    events: BrowseEvents
    notifications: ResolveNotifications
    endpoints: ManageEndpoints
    books: BooksStore
    audit: DynamoAudit
    resolve: ResolvePayment | None

    @classmethod
    def wired(cls, target: Target, *, write: bool) -> "UseCases":
        """As the environment says. Raises UnreachableStack."""
        return cls(
            payments=wiring.read_payments(),
            codes=wiring.read_codes(),
            events=wiring.browse_events(),
            notifications=wiring.resolve_notifications(),
            endpoints=wiring.manage_endpoints(),
            books=wiring.read_books().books,
            audit=DynamoAudit(target.store()),
            resolve=wiring.resolve_payment() if write else None,
        )


@dataclass(frozen=True, slots=True)
class Pages:
    """The desk on a stack."""

    target: Target
    use: UseCases

    # --- reads -------------------------------------------------------------------------------

    def storefronts(self) -> list[dict[str, Any]]:
        """All storefronts, by name."""
        return [views.storefront(each) for each in self._storefronts("")]

    def search(self, asked: Asked) -> dict[str, Any]:
        """The payments that a receipt number, digits or an order lead to, or those of a day.

        And the codes without a payment that they lead to.
        """
        text = asked.get("text", "").strip()
        day = _day(asked, "day")
        if not text and day is None:
            raise InvalidRequest.of("text", "must be given, or a day")
        narrowed: dict[str, Any] = {
            "amount": _amount(asked),
            "store_id": asked.get("store", "").strip() or None,
            "paid_from": day,
            "paid_to": day,
        }
        payments: dict[tuple[str, str], Payment] = {}
        codes: dict[str, PaymentCode] = {}
        complete = True
        for storefront in self._storefronts(asked.get("storefront", "")):
            for wanted in ways(text, narrowed):
                found = list(islice(self._payments(storefront, wanted), _MOST + 1))
                complete = complete and len(found) <= _MOST
                payments |= {_place(each): each for each in found[:_MOST]}
            for history in self._histories(storefront, text):
                wanted = PaymentFilter(**narrowed)
                payments |= {_place(each): each for each in history.own if each in wanted}
                codes[history.code.order_number] = history.code
        newest = sorted(payments.values(), key=lambda each: each.when, reverse=True)
        paid = {_place(each)[0] for each in newest}
        return {
            "payments": [views.payment(each) for each in newest[:_MOST]],
            "codes": [views.code(each) for name, each in codes.items() if name not in paid],
            "complete": complete and len(newest) <= _MOST,
        }

    def code(self, asked: Asked) -> dict[str, Any]:
        """A code with all that is on record of it. Raises NotFound."""
        order_number = asked["order_number"]
        history = self._history(order_number)
        if history is None:
            raise NotFound("there is no such payment code")
        code = history.code
        wanted = EventFilter(invoice_number=code.invoice_number, created_from=code.created_at)
        events = islice(
            all_items(
                lambda cursor: self.use.events.many(
                    code.storefront_id, wanted, limit=_PAGE, cursor=cursor
                )
            ),
            _MOST,
        )
        kept = [each for each in self._kept() if each.invoice_number == order_number]
        return {
            "code": views.code(code),
            "payments": [views.payment(each) for each in history.own],
            "events": [views.event(each) for each in reversed(list(events))],
            "kept": [views.kept(each, self._report(each)) for each in kept],
            "audit": self._audit(code),
        }

    def attention(self, asked: Asked) -> dict[str, Any]:
        """The payments that call for a person, the longest waiting first, and DOKU's messages."""
        wanted = PaymentFilter(resolution=Resolved.OPEN)
        payments = [
            payment
            for storefront in self._storefronts(asked.get("storefront", ""))
            for payment in islice(self._payments(storefront, wanted), _MOST + 1)
        ]
        payments.sort(key=lambda each: each.recorded_at)
        kept = [
            each
            for each in self._kept()
            if each.dismissed is None and each.reason not in _NEEDS_NOBODY
        ]
        return {
            "payments": [views.payment(each) for each in payments[:_MOST]],
            "kept": [views.kept(each, self._report(each)) for each in kept[:_MOST]],
            "complete": max(len(payments), len(kept)) <= _MOST,
        }

    def inquired(self, asked: Asked) -> dict[str, Any]:
        """Codes that ended after a till was told that it may take the money, without a payment."""
        since = CodeFilter(created_from=wiring.clock() - LONGEST_LIFE)
        read = 0
        found: list[PaymentCode] = []
        for storefront in self._storefronts(asked.get("storefront", "")):
            for code in islice(self._codes(storefront, since), _CODES_READ - read):
                read += 1
                if code.unpaid_inquiry_at and code.is_final:
                    found.append(code)
        found.sort(key=lambda each: each.created_at)
        return {
            "codes": [views.code(each) for each in found],
            "read": read,
            "complete": read < _CODES_READ,
        }

    def books(self, asked: Asked) -> dict[str, Any]:
        """A month of closed days, the newest first: a storefront's, or the whole stack's."""
        storefront_id = asked.get("storefront") or None
        page = self.use.books.list_days(
            storefront_id, limit=_DAYS, cursor=asked.get("cursor") or None
        )
        parts: dict[str, list[ClosedDay]] = {each.day: [each] for each in page.items}
        if storefront_id is None and parts:
            # The stack's own book has no codes in it.
            parts = {day: [] for day in parts}
            for storefront in self._storefronts(""):
                for each in self._days(storefront.storefront_id, min(parts)):
                    parts.get(each.day, []).append(each)
        return {
            "days": [views.day(each, parts[each.day]) for each in page.items],
            "next_cursor": page.next_cursor,
        }

    def book(self, asked: Asked) -> dict[str, Any]:
        """An edition of a day's book, or the newest. Raises NotFound."""
        storefront_id = asked.get("storefront") or None
        edition: int | None = _read(asked, "edition", int, "a number")
        newest = self.use.books.get(storefront_id, asked["day"], None)
        closed = (
            newest if edition is None else self.use.books.get(storefront_id, asked["day"], edition)
        )
        if newest is None or closed is None:
            raise NotFound("the day has no such book")
        return {**views.book(closed), "editions": newest.edition}

    def endpoints(self, _asked: Asked) -> list[dict[str, Any]]:
        """Every storefront, and where its events go."""
        rows = []
        for storefront in self._storefronts(""):
            endpoint = self.use.endpoints.endpoints.get_endpoint(storefront.storefront_id)
            row = views.endpoint(endpoint) if endpoint else None
            rows.append({**views.storefront(storefront), "endpoint": row})
        return rows

    def events(self, asked: Asked) -> dict[str, Any]:
        """A storefront's events, the newest first."""
        (storefront,) = self._storefronts(_required(asked, "storefront"))
        page = self.use.events.many(
            storefront.storefront_id,
            _events_wanted(asked),
            limit=_EVENTS,
            cursor=asked.get("cursor") or None,
        )
        return {
            "events": [views.event(each) for each in page.items],
            "next_cursor": page.next_cursor,
        }

    # --- changes -----------------------------------------------------------------------------

    def resolve(self, asked: Asked) -> dict[str, Any]:
        """Record what was done about a payment. Raises NotFound, InvalidRequest."""
        order_number, payment = asked["order_number"], asked["payment"]
        if self.use.resolve is None:
            raise AssertionError("A desk that only reads has no such route.")
        code = self.use.resolve.codes.get(order_number)
        if code is None:
            raise NotFound("there is no such payment code")
        kind = _choice(ResolutionKind, asked, "resolution")
        if kind is None:
            raise InvalidRequest.of("resolution", "must say what was done")
        texts = {name: asked.get(name, "").strip() or None for name in ("reference", "note")}
        given = {"order_number": order_number, "payment": payment, "resolution": kind, **texts}
        with self._recorded("payments resolve", given, asked):
            resolving = self.use.resolve(
                code.storefront_id,
                order_number,
                payment,
                kind,
                by=self.target.caller(),
                **texts,
            )
        return {"payment": views.payment(resolving.payment), "is_news": resolving.is_news}

    def assign(self, asked: Asked) -> dict[str, Any]:
        """Settle a kept message as a payment of a code. Raises NotFound, InvalidRequest."""
        identity = asked["identity"]
        order_number = _required(asked, "order_number")
        given = {"identity": identity, "order_number": order_number}
        with self._recorded("notifications assign", given, asked):
            settled = self.use.notifications.assign(identity, order_number)
        kind = settled.payment.kind if settled.payment else settled.outcome
        return {"order_number": order_number, "kind": str(kind)}

    def dismiss(self, asked: Asked) -> dict[str, Any]:
        """Take a kept message off the list. Raises NotFound, InvalidRequest."""
        identity = asked["identity"]
        reason = _required(asked, "reason")
        with self._recorded("notifications dismiss", {"identity": identity}, asked):
            kept = self.use.notifications.dismiss(identity, reason)
        return views.kept(kept, None)

    def redeliver(self, asked: Asked) -> dict[str, Any]:
        """Send an event again, or all that a filter finds."""
        (storefront,) = self._storefronts(_required(asked, "storefront"))
        storefront_id = storefront.storefront_id
        event_id = asked.get("event_id", "")
        wanted = None if event_id else _events_wanted(asked)
        if wanted and wanted.created_from is None:
            raise InvalidRequest.of("from", "must say since when")
        given = {
            "storefront_id": storefront_id,
            "event_ids": [event_id] if event_id else None,
            "status": asked.get("status") or None,
            "type_": asked.get("type") or None,
            "since": asked.get("from") or None,
            "until": asked.get("to") or None,
        }
        with self._recorded("events redeliver", given, asked):
            if wanted is None:
                return {"count": self.use.events.resend(storefront_id, [event_id]).count}
            count, cursor = 0, None
            while count < _RESENT:
                resent = self.use.events.resend_all(storefront_id, wanted, cursor=cursor)
                count, cursor = count + resent.count, resent.next_cursor
                if cursor is None:
                    break
        return {"count": count, "complete": cursor is None}

    def _recorded(
        self, command: str, given: Mapping[str, Any], asked: Asked
    ) -> AbstractContextManager[None]:
        return on_record(self.target, f"desk {command}", given, asked.get("reason"))

    # --- what they read ----------------------------------------------------------------------

    def _storefronts(self, storefront_id: str) -> list[Storefront]:
        """One, or all by name. Raises NotFound."""
        store = self.use.endpoints.storefronts
        if storefront_id:
            found = store.get_storefront(storefront_id)
            if found is None:
                raise NotFound("there is no such storefront")
            return [found]
        listed = all_items(lambda cursor: store.list_storefronts(limit=_PAGE, cursor=cursor))
        return sorted(listed, key=lambda each: (each.name.casefold(), each.storefront_id))

    def _payments(self, storefront: Storefront, wanted: PaymentFilter) -> Iterator[Payment]:
        return all_items(
            lambda cursor: self.use.payments.many(
                storefront.storefront_id, wanted, limit=_PAGE, cursor=cursor
            )
        )

    def _codes(self, storefront: Storefront, wanted: CodeFilter) -> Iterator[PaymentCode]:
        return all_items(
            lambda cursor: self.use.codes.many(
                storefront.storefront_id, wanted, limit=_PAGE, cursor=cursor
            )
        )

    def _histories(self, storefront: Storefront, text: str) -> Iterator[CodeHistory]:
        """The codes of a storefront that digits, an order or an invoice number lead to."""
        if not text:
            return
        numbers = [text]
        if storefront.namespace is not None:
            with contextlib.suppress(InvalidRequest):  # no invoice number is as long as that
                numbers.append(to_order_number(storefront.namespace, text))
        digits = "".join(text.split())
        if _DIGITS.fullmatch(digits):
            store = self.use.payments.payments
            numbers += store.find_order_numbers(storefront.storefront_id, digits)
        for order_number in dict.fromkeys(numbers):
            history = self._history(order_number)
            if history and history.code.storefront_id == storefront.storefront_id:
                yield history

    def _history(self, order_number: str) -> CodeHistory | None:
        try:
            return self.use.codes.codes.get_history(order_number, _MOST)
        except InvalidRequest:
            return None

    def _days(self, storefront_id: str, oldest: str) -> Iterator[ClosedDay]:
        days = all_items(
            lambda cursor: self.use.books.list_days(storefront_id, limit=_DAYS, cursor=cursor)
        )
        return takewhile(lambda each: each.day >= oldest, days)

    def _kept(self) -> Iterator[KeptNotification]:
        return self.use.notifications.all()

    def _report(self, kept: KeptNotification) -> PaymentReport | None:
        try:
            return self.use.notifications.inbox.read_notification(kept.evidence).payment
        except UnreadableMessage:
            return None

    def _audit(self, code: PaymentCode) -> list[dict[str, Any]]:
        """What was done to a code by hand, the oldest first."""
        entries = list(islice(self.use.audit.entries(_earlier(code.created_at)), _AUDIT_READ))
        outcomes = {each.audit_id: each.outcome for each in entries if each.outcome}
        names = {code.order_number, code.invoice_number}
        return [
            views.audit(each, outcomes.get(each.audit_id))
            for each in reversed(entries)
            if each.outcome is None
            and names & {each.arguments.get("order_number"), each.arguments.get("invoice_number")}
        ]


def _earlier(instant: datetime) -> datetime:
    """The audit goes by this machine's clock, a local stack's codes by one that was moved."""
    return min(instant, datetime.now(UTC)) - timedelta(days=1)


def _place(payment: Payment) -> tuple[str, str]:
    order_number = payment.code.order_number if payment.code else payment.report.invoice_number
    return order_number, payment.payment_id


# --- what a page asks with -------------------------------------------------------------------


def _required(asked: Asked, name: str) -> str:
    text = asked.get(name, "").strip()
    if not text:
        raise InvalidRequest.of(name, "must be given")
    return text


def _read(asked: Asked, name: str, read: Callable[[str], Any], what: str) -> Any:
    text = asked.get(name, "").strip()
    try:
        return read(text) if text else None
    except ValueError:
        raise InvalidRequest.of(name, f"must be {what}") from None


def _day(asked: Asked, name: str) -> date | None:
    day: date | None = _read(asked, name, date.fromisoformat, "a day like 2026-01-31")
    return day


def _amount(asked: Asked) -> int | None:
    """Whole rupiah, with or without the dots that people write."""

    def read(text: str) -> int:
        amount = int(re.sub(r"^Rp\.?\s*|\.(?=\d{3})", "", text))
        if amount <= 0:
            raise ValueError(text)
        return amount

    amount: int | None = _read(asked, "amount", read, "whole rupiah, as 150000")
    return amount


def _choice(kind: type[Choice], asked: Asked, name: str) -> Choice | None:
    choice: Choice | None = _read(asked, name, kind, f"one of {_words(kind)}")
    return choice


def _words(kind: Iterable[Enum]) -> str:
    return ", ".join(str(each.value) for each in kind)


def _instant(asked: Asked, name: str) -> datetime | None:
    def read(text: str) -> datetime:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError(text)
        return instant.astimezone(UTC)

    instant: datetime | None = _read(asked, name, read, "an instant like 2026-01-31T12:00:00+07:00")
    return instant


def _events_wanted(asked: Asked) -> EventFilter:
    return EventFilter(
        type=_choice(EventType, asked, "type"),
        status=_choice(DeliveryStatus, asked, "status"),
        created_from=_instant(asked, "from"),
        created_to=_instant(asked, "to"),
    )
