"""The books: a WIB day, closed once DOKU's last retry of a notification has passed.

What slices of a day find (``Findings``) is added up into the day's book, one for each storefront
and one for the whole stack. A book is a document of plain JSON: the same findings make the same
bytes. What does not agree is a difference; there should be none.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from o2o.core.codes import PaymentCode, PaymentKind, Source
from o2o.core.events import payment_event_id
from o2o.core.money import CURRENCY
from o2o.core.notifications import KeptFor, KeptNotification
from o2o.core.payments import Payment
from o2o.core.payments_csv import amount_text, utc_text
from o2o.core.wib import day_span

FORMAT = 1
"""The version of the format that docs/books.md describes."""

CLOSES_AFTER = timedelta(hours=19)
"""After a day's end: DOKU's last retry comes within 18 hours, and an hour is for our own last look
at the codes that ended with the day."""

SETTLED_AFTER = timedelta(minutes=5)
"""What was recorded this long ago is in every list, whosever clock dated it."""

UNRESOLVED_AFTER = timedelta(days=3)
"""A payment that calls for a person should not do so for longer."""

LISTED = 100
"""So many entries of a list are in the book's item; the files have all."""


class DifferenceKind(StrEnum):
    """What does not agree."""

    PAYMENT_WITHOUT_CODE = "payment_without_code"
    PAYMENT_UNKNOWN_TO_CODE = "payment_unknown_to_code"
    """Its code counts fewer payments."""
    PAYMENT_WITHOUT_EVENT = "payment_without_event"
    CODE_WITHOUT_PAYMENT = "code_without_payment"
    """A code is paid or counts a payment, and there is no such payment."""
    EVENT_WITHOUT_PAYMENT = "event_without_payment"
    MESSAGE_WITHOUT_PAYMENT = "message_without_payment"
    """DOKU signed that it was paid, and neither a payment nor a kept message shows it."""
    MESSAGE_UNREADABLE = "message_unreadable"
    """An object of the archive is no message."""
    MESSAGES_CHANGED = "messages_changed"
    """The archive does not hold the messages any more that the former edition had."""
    UNMATCHED = "unmatched"
    """Money at DOKU that no code here stands for."""
    UNREADABLE = "unreadable"
    """A message that nobody has read yet."""
    OLDER_ORDER = "older_order"
    """A status check of a payment that is older than the code by more than a day."""
    DISPUTED = "disputed"
    """DOKU says that a code was paid, and there is no payment of it at all."""


class Noted(StrEnum):
    """What is no difference, and worth to be looked through."""

    ENDED_UNCONFIRMED = "ended_unconfirmed"
    """Codes that ended on the day, and DOKU never confirmed that they were not paid."""
    ENDED_LOOKED_AT = "ended_looked_at"
    """Codes that ended on the day and are still being asked about."""
    ENDED_INQUIRED = "ended_inquired"
    """Codes that ended unpaid, after a till was told that it may take the money."""
    ENDED_DISPUTED = "ended_disputed"
    ONLY_BY_STATUS_CHECK = "only_by_status_check"
    """Payments of which no notification ever came."""
    REUSABLE_INCOMPLETE = "reusable_incomplete"
    """Reusable codes of which nobody can prove that all payments are on record."""


class End(StrEnum):
    """What became of a code that ended."""

    CONFIRMED = "confirmed"
    PAID = "paid"
    UNCONFIRMED = "unconfirmed"
    LOOKED_AT = "looked_at"
    INQUIRED = "inquired"
    DISPUTED = "disputed"


_NOTED_ENDS = {
    End.UNCONFIRMED: Noted.ENDED_UNCONFIRMED,
    End.LOOKED_AT: Noted.ENDED_LOOKED_AT,
    End.INQUIRED: Noted.ENDED_INQUIRED,
    End.DISPUTED: Noted.ENDED_DISPUTED,
}

_KEPT_MONEY = {
    KeptFor.UNMATCHED: DifferenceKind.UNMATCHED,
    KeptFor.UNREADABLE: DifferenceKind.UNREADABLE,
    KeptFor.OLDER_ORDER: DifferenceKind.OLDER_ORDER,
}


class Difference(NamedTuple):
    """One thing that does not agree, and where it is.

    ``message`` is a key of the archive, or the identity of a kept notification.
    """

    kind: DifferenceKind
    storefront_id: str = ""
    invoice_number: str = ""
    order_number: str = ""
    payment: str = ""
    event_id: str = ""
    message: str = ""

    @property
    def shown(self) -> dict[str, str]:
        """What is known of it, for a document."""
        return {name: str(value) for name, value in self._asdict().items() if value}


class Entry(NamedTuple):
    """A code or a payment of a list."""

    invoice_number: str
    payment: str = ""

    @property
    def shown(self) -> dict[str, str]:
        """What is known of it, for a document."""
        return {name: value for name, value in self._asdict().items() if value}


class Told(NamedTuple):
    """A message of DOKU's that a payment on record has, by the SHA-256 of its body."""

    digest: str
    order_number: str
    payment: str


class Explained(NamedTuple):
    """A message of the archive and what is on record of it: a line of ``messages.csv``."""

    key: str
    order_number: str
    payment: str
    outcome: "Outcome"


class Outcome(StrEnum):
    """What is on record of a message."""

    ON_RECORD = "on_record"
    """A payment."""
    KEPT = "kept"
    """It was kept for a person."""
    NO_PAYMENT = "no_payment"
    """It reports no payment."""
    UNEXPLAINED = "unexplained"
    """Nothing: a difference."""


MESSAGE_COLUMNS = Explained._fields


# --- What is found ---------------------------------------------------------------------

_EXACT = Context(prec=1000)
"""DOKU's amounts have no fixed number of decimals, and Decimal's own sums keep 28 digits."""


class Sort(NamedTuple):
    """What payments are counted by."""

    channel: str
    kind: str
    currency: str


class Total(NamedTuple):
    """How many payments, and what they are together."""

    payments: int = 0
    amount: Decimal = Decimal(0)

    def plus(self, other: "Total") -> "Total":
        """Both together, exactly."""
        return Total(self.payments + other.payments, _EXACT.add(self.amount, other.amount))


@dataclass(slots=True)
class Findings:
    """What a slice of a storefront's day found.

    ``rows`` are payments as CSV has them, the oldest first.
    """

    totals: dict[Sort, Total] = field(default_factory=dict)
    rows: list[list[str]] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    """By where their deliveries stand."""
    created: Counter[str] = field(default_factory=Counter)
    """Codes of the day, by their status,"""
    channels: Counter[str] = field(default_factory=Counter)
    """and by their channel."""
    ended: dict[str, str] = field(default_factory=dict)
    """What became of the codes that ended on the day, by their invoice numbers."""
    noted: dict[str, set[Entry]] = field(default_factory=dict)
    differences: set[Difference] = field(default_factory=set)

    def note(self, noted: Noted, entry: Entry) -> None:
        """Put something on a list."""
        self.noted.setdefault(noted, set()).add(entry)

    def count_payment(self, payment: Payment, row: list[str]) -> None:
        """A payment of the day."""
        report, code = payment.report, payment.code
        sort = Sort(code.channel if code else "", payment.kind, report.currency or CURRENCY)
        self.totals[sort] = self.totals.get(sort, Total()).plus(Total(1, report.amount))
        self.rows.append(row)
        if all(telling.source is Source.STATUS_CHECK for telling in payment.tellings):
            invoice_number = code.invoice_number if code else report.invoice_number
            self.note(Noted.ONLY_BY_STATUS_CHECK, Entry(invoice_number, payment.payment_id))

    def count_created(self, code: PaymentCode) -> None:
        """A code that was made on the day."""
        self.created[code.status] += 1
        self.channels[code.channel] += 1

    def count_end(self, code: PaymentCode) -> None:
        """A code that ended on the day."""
        end = end_of(code)
        self.ended[code.invoice_number] = end
        if end in _NOTED_ENDS:
            self.note(_NOTED_ENDS[end], Entry(code.invoice_number))
        self.see_reusable(code)

    def see_reusable(self, code: PaymentCode) -> None:
        """A code that was paid on the day, or ended on it."""
        if code.reusable and not code.payments_complete:
            self.note(Noted.REUSABLE_INCOMPLETE, Entry(code.invoice_number))

    def add(self, other: "Findings") -> None:
        """What another slice found, but for its rows and messages, of which there may be many."""
        for sort, total in other.totals.items():
            self.totals[sort] = self.totals.get(sort, Total()).plus(total)
        self.events.update(other.events)
        self.created.update(other.created)
        self.channels.update(other.channels)
        self.ended |= other.ended
        for noted, entries in other.noted.items():
            self.noted.setdefault(noted, set()).update(entries)
        self.differences |= other.differences

    def to_json(self) -> dict[str, Any]:
        """The same in JSON's types."""
        return {
            "totals": [[*sort, count, str(amount)] for sort, (count, amount) in self._totals()],
            "rows": self.rows,
            "told": self.told,
            "events": self.events,
            "created": self.created,
            "channels": self.channels,
            "ended": self.ended,
            "noted": {name: sorted(entries) for name, entries in sorted(self.noted.items())},
            "differences": sorted(self.differences),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Findings":
        """What ``to_json`` made."""
        return cls(
            totals={
                Sort(*sort): Total(count, Decimal(amount))
                for *sort, count, amount in found["totals"]
            },
            rows=found["rows"],
            told=[Told(*each) for each in found["told"]],
            events=Counter(found["events"]),
            created=Counter(found["created"]),
            channels=Counter(found["channels"]),
            ended=found["ended"],
            noted={
                name: {Entry(*entry) for entry in entries}
                for name, entries in found["noted"].items()
            },
            differences={read_difference(each) for each in found["differences"]},
        )

    def _totals(self) -> list[tuple[Sort, Total]]:
        return sorted(self.totals.items())

    @property
    def total(self) -> Total:
        """All payments in rupiah. What is in another currency is among the totals alone."""
        total = Total()
        for sort, each in self.totals.items():
            if sort.currency == CURRENCY:
                total = total.plus(each)
        return total

    @property
    def summary(self) -> dict[str, Any]:
        """Counts and sums, for a document."""
        total = self.total
        return {
            "count": total.payments,
            "sum": amount_value(total.amount),
            "by": [
                {**sort._asdict(), "count": each.payments, "sum": amount_value(each.amount)}
                for sort, each in self._totals()
            ],
        }


def read_difference(parts: Sequence[str]) -> Difference:
    """The difference that JSON has as a list."""
    kind, *where = parts
    return Difference(DifferenceKind(kind), *where)


def amount_value(amount: Decimal) -> int | str:
    """Rupiah for a document: a number; one with a fraction is text, so that nobody rounds it."""
    text = amount_text(amount)
    return text if "." in text else int(text)


# --- What agrees and what does not -----------------------------------------------------


def closes_at(day: date) -> datetime:
    """From when a WIB day can be closed, as aware UTC."""
    _, last = day_span(day)
    return last + CLOSES_AFTER


def end_of(code: PaymentCode) -> End:
    """What became of a code that ended here."""
    if code.paid_at is not None:
        return End.PAID
    if code.is_disputed:
        return End.DISPUTED
    if not code.is_at_rest:
        return End.LOOKED_AT
    if code.unconfirmed:
        return End.UNCONFIRMED
    if code.unpaid_inquiry_at is not None:
        return End.INQUIRED
    return End.CONFIRMED


def compare_payment(
    payment: Payment, code: PaymentCode | None, *, has_event: bool
) -> Iterator[Difference]:
    """A payment beside its code and its event."""
    of = payment.code
    where = Difference(
        DifferenceKind.PAYMENT_WITHOUT_CODE,
        of.storefront_id if of else "",
        of.invoice_number if of else payment.report.invoice_number,
        of.order_number if of else payment.report.invoice_number,
        payment.payment_id,
    )
    if code is None:
        yield where
        return
    if code.is_its_own(payment.recorded_at):
        if code.payments < payment.number:
            yield where._replace(kind=DifferenceKind.PAYMENT_UNKNOWN_TO_CODE)
        if not has_event:
            yield where._replace(kind=DifferenceKind.PAYMENT_WITHOUT_EVENT)


def expected_payments(code: PaymentCode) -> range:
    """The numbers of the payments that a code counts, of many the newest."""
    return range(max(1, code.payments - LISTED + 1), code.payments + 1)


def event_numbers(code: PaymentCode) -> dict[str, int]:
    """The ids of all events that a code's payments may have, and the payments' numbers.

    Payments had the number 0 before they were numbered.
    """
    return {
        payment_event_id(code, number, kind): number
        for number in (0, *expected_payments(code))
        for kind in PaymentKind
    }


def compare_code(code: PaymentCode, missing: Iterable[int]) -> Iterator[Difference]:
    """A code beside its payments; ``missing`` are numbers of those that are not there."""
    where = Difference(
        DifferenceKind.CODE_WITHOUT_PAYMENT,
        code.storefront_id,
        code.invoice_number,
        code.order_number,
    )
    # A payment that does not match is on record as what it is, and calls for a person.
    if code.is_disputed and code.payments == 0:
        yield where._replace(kind=DifferenceKind.DISPUTED)
    if code.paid_at is not None and code.payments == 0:
        yield where
    for number in missing:
        yield where._replace(payment=str(number))


def compare_kept(kept: KeptNotification) -> Difference | None:
    """A kept message that may be money that no shop has, unless a person dismissed it."""
    kind = _KEPT_MONEY.get(kept.reason)
    if kind is None or kept.dismissed is not None:
        return None
    return Difference(kind, order_number=kept.invoice_number, message=kept.identity)


# --- The root ---------------------------------------------------------------------------


def leaves(previous_root: str | None, keys: Iterable[str]) -> Iterator[bytes]:
    """The leaves of a day's Merkle tree: the root of the day before, then the archive's keys."""
    yield f"previous {previous_root or '-'}".encode()
    for key in keys:
        yield key.encode()


# --- The documents ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """Which edition of which day, as of when, and the messages that it stands on."""

    day: date
    number: int
    closed_at: datetime
    messages: int
    root: str
    previous_day: date | None
    previous_root: str | None

    @property
    def prefix(self) -> str:
        """Where its files are."""
        return f"books/{self.day}/{self.number:04}/"

    def head(self) -> dict[str, Any]:
        """How its documents begin."""
        return {
            "format": FORMAT,
            "day": str(self.day),
            "edition": self.number,
            "closed_at": utc_text(self.closed_at),
        }


def storefront_document(
    edition: Edition, storefront_id: str, found: Findings, *, listed: int | None = None
) -> dict[str, Any]:
    """A storefront's book. ``listed`` bounds its lists; what is counted stays what it is."""
    return {
        **edition.head(),
        "storefront_id": storefront_id,
        "totals": found.summary,
        "codes": {
            "created": dict(sorted(found.created.items())),
            "channels": dict(sorted(found.channels.items())),
            "ended": dict(sorted(Counter(found.ended.values()).items())),
        },
        "events": dict(sorted(found.events.items())),
        "noted": {
            name: {
                "count": len(found.noted.get(name, ())),
                "items": [each.shown for each in sorted(found.noted.get(name, ()))[:listed]],
            }
            for name in Noted
        },
        "difference_count": len(found.differences),
        "differences": [_without_stack(each.shown) for each in sorted(found.differences)[:listed]],
        "messages": {"root": edition.root, "previous_root": edition.previous_root},
    }


def _without_stack(shown: Mapping[str, str]) -> dict[str, str]:
    """A difference as its storefront sees it: DOKU's numbers are the operator's."""
    stack = ("storefront_id", "order_number", "message")
    return {name: value for name, value in shown.items() if name not in stack}


def stack_document(
    edition: Edition,
    found: Findings,
    storefronts: Mapping[str, Mapping[str, Any]],
    files: Mapping[str, str],
) -> dict[str, Any]:
    """The operator's book. ``storefronts`` has their books, ``files`` the SHA-256 by name."""
    return {
        **edition.head(),
        "totals": found.summary,
        "storefronts": {
            storefront_id: {
                "totals": book["totals"],
                "difference_count": book["difference_count"],
            }
            for storefront_id, book in sorted(storefronts.items())
        },
        "difference_count": len(found.differences),
        "differences": [each.shown for each in sorted(found.differences)],
        "messages": {
            "count": edition.messages,
            "root": edition.root,
            "previous_day": edition.previous_day and str(edition.previous_day),
            "previous_root": edition.previous_root,
        },
        "files": dict(sorted(files.items())),
    }


def to_text(document: Mapping[str, Any]) -> str:
    """A document as text; the same document is the same text, in ASCII alone."""
    return json.dumps(document, indent=1) + "\n"
