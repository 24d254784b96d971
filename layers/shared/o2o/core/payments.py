"""Payments: what DOKU reports, whether it is news, and what it does to a code."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any

from o2o.core.codes import Move, PaymentCode, PaymentKind, PaymentMark, Status
from o2o.core.timetable import Timetable


class Source(StrEnum):
    """How we learnt of a payment."""

    NOTIFICATION = "notification"
    STATUS_CHECK = "status_check"


@dataclass(frozen=True, slots=True)
class Evidence:
    """DOKU's message as it came: the raw body and the headers that its signature covers."""

    body: str = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReport:
    """A payment as DOKU reports it. ``payment_code`` is missing in a status check."""

    invoice_number: str
    payment_code: str | None = field(repr=False)
    amount: Decimal
    paid_at: datetime
    source: Source
    evidence: Evidence
    acquirer: str | None = None
    agent_id: str | None = None
    store_id: str | None = None
    receipt_number: str | None = None

    @property
    def identity(self) -> str:
        """The store's receipt number where there is one, else the payment's instant."""
        return self.receipt_number or self.instant

    @property
    def qualified_identity(self) -> str:
        """An identity for when another payment of the same code has taken the plain one."""
        facts = (self.store_id, self.instant, self.amount.normalize(), self.payment_code)
        return f"{self.identity}~{sha256(repr(facts).encode()).hexdigest()[:16]}"

    @property
    def instant(self) -> str:
        """The payment's instant as text, UTC to the second."""
        return self.paid_at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment on record. ``identity`` is unique within its code."""

    identity: str
    kind: PaymentKind
    report: PaymentReport
    recorded_at: datetime
    first_paid: str | None = None
    """Of a further payment: the invoice number under which the first one was made."""

    @property
    def when(self) -> tuple[datetime, str]:
        """Sorts payments by time."""
        return self.report.paid_at, self.identity

    @property
    def mark(self) -> PaymentMark:
        """What the code's item remembers of this payment."""
        return PaymentMark(
            identity=self.identity,
            kind=self.kind,
            amount=self.report.amount,
            paid_at=self.report.paid_at,
            receipt_number=self.report.receipt_number,
            store_id=self.report.store_id,
            first_paid=self.first_paid,
            recorded_at=self.recorded_at,
        )


@dataclass(frozen=True, slots=True)
class CodeHistory:
    """A code and its payments, at most as many as were asked for."""

    code: PaymentCode
    payments: Sequence[Payment] = ()


@dataclass(frozen=True, slots=True)
class Settlement:
    """A payment that is news, and the code after it.

    It holds only as long as the codes in ``seen`` are as they were when it was decided.
    """

    code: PaymentCode
    payment: Payment
    seen: tuple[PaymentCode, ...] = ()


_SAME_RECEIPT_WITHIN = timedelta(hours=24)
"""Tills count their receipts anew; DOKU's last retry comes 12 hours after the first (section 6)."""


def is_same_payment(recorded: PaymentMark, report: PaymentReport, kind: PaymentKind) -> bool:
    """Whether a report, judged to be of a kind, speaks of the payment on record.

    The receipt number decides, unless two stores or two days show that it was used twice:
    a number that comes round must not swallow a customer's second payment. Where one of
    the two lacks it, the instant decides. A report that matches the code is never the
    same as one that did not: the right amount after a wrong one is news.
    """
    if recorded.kind.matches != kind.matches:
        return False
    if not kind.matches and (recorded.kind, recorded.amount) != (kind, report.amount):
        return False
    if recorded.receipt_number is None or report.receipt_number is None:
        return _to_second(recorded.paid_at) == _to_second(report.paid_at)
    if recorded.receipt_number != report.receipt_number:
        return False
    if recorded.store_id and report.store_id and recorded.store_id != report.store_id:
        return False
    return abs(recorded.paid_at - report.paid_at) <= _SAME_RECEIPT_WITHIN


def settle(
    code: PaymentCode,
    report: PaymentReport,
    *,
    identity: str,
    now: datetime,
    timetable: Timetable,
    chain: Sequence[PaymentCode] = (),
) -> Settlement | None:
    """What a reported payment does to a code, or None if the code's item knows it already.

    Never refuses money: what can't pay the code is recorded as what it is. ``chain`` has
    the codes that it replaces or that replace it, for an order is paid once.
    """
    move, kind = _judge(code, report)
    if code.last_payment and is_same_payment(code.last_payment, report, kind):
        return None
    if kind is PaymentKind.PAID_AGAIN and _proves_no_second_payment(report):
        return None
    first_paid = _first_paid(code, kind, chain)
    if first_paid is not None:
        kind = PaymentKind.PAID_AGAIN
    payment = Payment(
        identity=identity, kind=kind, report=report, recorded_at=now, first_paid=first_paid
    )
    changes: dict[str, Any] = {"payments": code.payments + 1, "last_payment": payment.mark}
    if move is not Move.RECORD or kind is PaymentKind.PAID_LATE:
        changes |= {
            "paid_at": code.paid_at or report.paid_at,
            "payment_code": code.payment_code or report.payment_code,
            "late": not code.is_open,
        }
    if move is not Move.RECORD:
        changes |= {"intent": None, "due_at": None}
    if move is Move.PAY_REUSABLE:
        # It stays payable, so it stays on the timetable.
        changes |= {
            "activated_at": code.activated_at or now,
            "due_at": code.due_at
            if code.status is Status.ACTIVE
            else timetable.after_activation(now, code.expires_at, now),
        }
    return Settlement(code.move(move, **changes), payment, tuple(chain))


def _first_paid(code: PaymentCode, kind: PaymentKind, chain: Sequence[PaymentCode]) -> str | None:
    """Where the order was paid before, if this is a further payment."""
    if kind is PaymentKind.PAID_AGAIN:
        return code.invoice_number
    if not kind.matches:
        return None
    paid = [(other.paid_at, other.invoice_number) for other in chain if other.paid_at]
    return min(paid)[1] if paid else None


def _proves_no_second_payment(report: PaymentReport) -> bool:
    """A status check without a receipt says that an order was paid, not how often."""
    return report.source is Source.STATUS_CHECK and report.receipt_number is None


def _judge(code: PaymentCode, report: PaymentReport) -> tuple[Move, PaymentKind]:
    if code.has_other_digits(report.payment_code):
        return Move.RECORD, PaymentKind.DIGITS_MISMATCH
    if report.amount != code.amount:
        return Move.RECORD, PaymentKind.AMOUNT_MISMATCH
    if code.status is Status.PAID:
        return Move.RECORD, PaymentKind.PAID_AGAIN
    if not code.is_open:
        # A reusable code that has ended stays so, and stays watched: more may come.
        return (Move.RECORD if code.reusable else Move.PAY_LATE), PaymentKind.PAID_LATE
    return (Move.PAY_REUSABLE if code.reusable else Move.PAY), PaymentKind.PAID


def _to_second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
