"""Payments: which tellings are one payment, whether one is news, and what it does to a code.

A telling is DOKU's word about a payment: a notification, a status check's answer, or a line of a
settlement report, which alone is not signed. A payment is one time that cash was taken at a till;
several tellings may speak of it, in any order, each lacking what another has. What is certainly
the same payment, what is certainly another and what nobody can know is decided by ``relate`` and
nowhere else (decision 0038).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any

from o2o.core.channels import Channel, Feature
from o2o.core.codes import (
    CLOCKS_DIFFER,
    Doubt,
    Move,
    PaymentCode,
    PaymentKind,
    PaymentMark,
    ResolvedPayment,
    Source,
    Status,
)
from o2o.core.money import CURRENCY
from o2o.core.receipts import comparable
from o2o.core.resolutions import Attention, Resolution
from o2o.core.timetable import Timetable

MOST_TELLINGS = 5
"""A payment keeps this many messages: with DOKU's longest each, it still fits an item. Of a
further one that adds something it keeps what it says, and the SHA-256."""

SAME_WITHIN = timedelta(hours=24)
"""Two dates of one payment are not further apart: a retry repeats its date, and dates have been
seen wrong by a time zone. Tills count their receipts anew."""

_TILL = {"agent_id", "store_id"}
"""What a receipt number is one of: without it, two numbers that are equal may be two tills'."""

_OLDER_ORDER = timedelta(days=1)
"""What names no digits and is dated this long before its code speaks of an earlier order."""

_DATE_COUNTS = {Source.STATUS_CHECK: 1, Source.SETTLEMENT: 2, Source.NOTIFICATION: 3}
"""How much a date is worth by its source: a status check may give any of its order's."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """DOKU's message as it came: the raw body and the headers that its signature covers.

    Of a forgotten one the body's SHA-256 is left, so that it is known when it comes again.
    """

    body: str = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    sha256: str | None = None

    @property
    def digest(self) -> str:
        """The body's SHA-256."""
        return self.sha256 or sha256(self.body.encode("utf-8", "surrogatepass")).hexdigest()

    def forget(self) -> "Evidence":
        """What is left of it after its retention."""
        return Evidence("", sha256=self.digest)

    def with_body(self, body: str) -> "Evidence":
        """The same message without what was taken from its body; known by its SHA-256 as before."""
        return self if body == self.body else replace(self, body=body, sha256=self.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReport:
    """A payment as DOKU tells it. ``payment_code`` is missing in a status check.

    ``dated`` says whether ``paid_at`` is the message's own date of the payment: a status check
    may give the order's creation instead, and a message without a date its own time stamp
    (DOKU protocol, section 7). ``paid_until`` is there if only the day is known: the payment was
    made from ``paid_at`` until then. ``currency`` is missing where DOKU names none.
    """

    invoice_number: str
    payment_code: str | None = field(repr=False)
    amount: Decimal
    paid_at: datetime
    source: Source
    evidence: Evidence
    dated: bool = True
    paid_until: datetime | None = None
    currency: str | None = None
    acquirer: str | None = None
    agent_id: str | None = None
    store_id: str | None = None
    receipt_number: str | None = None
    assigned_from: str | None = None
    """DOKU's order number, if an operator gave the payment to the code of another order."""

    def assign(self, order_number: str) -> "PaymentReport":
        """The payment as one of another order's code."""
        return replace(self, invoice_number=order_number, assigned_from=self.invoice_number)

    def forget_evidence(self) -> "PaymentReport":
        """What it tells, without DOKU's message and the digits in it."""
        return replace(self, evidence=self.evidence.forget(), payment_code=None)

    @property
    def names(self) -> dict[str, str]:
        """Who took the money and under which number, as far as it says, in comparable form."""
        given = {
            "receipt_number": self.receipt_number,
            "store_id": self.store_id,
            "agent_id": self.agent_id,
            "acquirer": self.acquirer,
        }
        return {name: text for name, value in given.items() if (text := comparable(value))}

    @property
    def date(self) -> datetime | None:
        """The payment's own date, to the second, if the message gives it."""
        known = self.dated and self.paid_until is None
        return self.paid_at.replace(microsecond=0) if known else None

    @property
    def instant(self) -> datetime | None:
        """The same, if a notification gives it."""
        return self.date if self.source is Source.NOTIFICATION else None

    @property
    def date_counts(self) -> int:
        """How much its date is worth; 0: it has none."""
        return _DATE_COUNTS[self.source] if self.dated else 0

    @property
    def facts(self) -> frozenset[object]:
        """All that it says of the payment and that another telling may lack."""
        said = {*self.names.items(), ("amount", self.amount.normalize())}
        said |= {("digits", self.payment_code)} if self.payment_code else set()
        said |= {("currency", self.currency)} if self.currency else set()
        return frozenset(said | ({("instant", self.instant)} if self.instant else set()))


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidCode:
    """Which code a payment is of: what a list of payments shows without reading the code."""

    order_number: str
    invoice_number: str
    storefront_id: str
    channel: Channel
    bin: str | None = None

    @classmethod
    def of(cls, code: PaymentCode) -> "PaidCode":
        """What a payment of this code remembers of it."""
        return cls(
            order_number=code.order_number,
            invoice_number=code.invoice_number,
            storefront_id=code.storefront_id,
            channel=code.channel,
            bin=code.bin,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment on record. ``number`` counts the payments of its code, from 1.

    ``report`` has what all tellings say together, and the first one's evidence; ``first`` has what
    that one said by itself, once there are others, and ``further`` the others as they came.
    ``had_ended``: the code had ended here already.
    """

    number: int = 0
    kind: PaymentKind
    report: PaymentReport
    recorded_at: datetime
    had_ended: bool = False
    doubts: tuple[Doubt, ...] = ()
    first: PaymentReport | None = None
    further: tuple[PaymentReport, ...] = ()
    identity: str = ""
    """Tells payments apart in what was stored before they were numbered; those have number 0."""
    first_paid: str | None = None
    """Of a further payment: the invoice number under which the first one was made."""
    code: PaidCode | None = None
    """None in what was stored before payments were listed."""
    resolutions: tuple[Resolution, ...] = ()
    """What was done about it by hand, the last one in force."""

    @property
    def payment_id(self) -> str:
        """Tells it from the other payments of its code."""
        return str(self.number) if self.number else self.identity

    @property
    def attention(self) -> tuple[Attention, ...]:
        """Why a person must look at it, whether or not one has."""
        kind = () if self.kind is PaymentKind.PAID else (Attention(self.kind),)
        return (*kind, *((Attention.UNCERTAIN,) if self.doubts else ()))

    @property
    def resolution(self) -> Resolution | None:
        """The resolution that is in force."""
        return self.resolutions[-1] if self.resolutions else None

    @property
    def needs_attention(self) -> bool:
        """Whether something calls for a person that no resolution has answered."""
        answered = self.resolution.answers if self.resolution else ()
        return not {*self.attention} <= {*answered}

    @property
    def when(self) -> tuple[datetime, int]:
        """Sorts payments by time."""
        return self.report.paid_at, self.number

    @property
    def tellings(self) -> Iterator[PaymentReport]:
        """Each message as it came."""
        yield replace(self.first, evidence=self.report.evidence) if self.first else self.report
        yield from self.further

    @property
    def names(self) -> dict[str, str]:
        """Its receipt, store and brand, as far as they are certain to belong together.

        A message without receipt number may have been taken for this payment because its code can
        be paid once, so that its store proves nothing beside one with a receipt number.
        """
        tellings = [each.names for each in self.tellings]
        with_receipt = [names for names in tellings if "receipt_number" in names]
        return {name: text for names in with_receipt or tellings for name, text in names.items()}

    def forget_evidence(self) -> "Payment":
        """The payment without DOKU's messages, and without notes of its resolutions.

        What tells it from other payments stays.
        """
        return replace(
            self.without_notes(),
            report=self.report.forget_evidence(),
            first=self.first and self.first.forget_evidence(),
            further=tuple(each.forget_evidence() for each in self.further),
        )

    def with_evidence(self, change: Callable[[Evidence], Evidence]) -> "Payment":
        """The payment with each of DOKU's messages changed, and nothing of what they told."""

        def changed(report: PaymentReport) -> PaymentReport:
            return replace(report, evidence=change(report.evidence))

        return replace(
            self,
            report=changed(self.report),
            first=self.first and changed(self.first),
            further=tuple(changed(each) for each in self.further),
        )

    def without_notes(self, goes: Callable[[str], bool] = lambda _: True) -> "Payment":
        """The payment without what people wrote about its resolutions, or without some of it."""
        left = tuple(
            each.without_note() if each.note and goes(each.note) else each
            for each in self.resolutions
        )
        return replace(self, resolutions=left)

    @property
    def digests(self) -> set[str]:
        """The SHA-256 of each message that is kept of it."""
        return {each.evidence.digest for each in self.tellings}

    @property
    def is_certainly_one(self) -> bool:
        """Whether it is a payment of its own, and one only."""
        return not {Doubt.MAY_BE_KNOWN, Doubt.MAY_BE_TWO} & {*self.doubts}

    def was_told_by(self, report: PaymentReport) -> bool:
        """Whether this very message is among those that are kept."""
        return report.evidence.digest in self.digests

    @property
    def instant(self) -> datetime | None:
        """Its date by a notification's own word, to the second."""
        return next((each.instant for each in self.tellings if each.instant), None)

    @property
    def best_dated(self) -> PaymentReport:
        """The telling whose date is worth most; of equal ones, the first."""
        return max(self.tellings, key=lambda each: each.date_counts)

    def has_receipt_of(self, report: PaymentReport) -> bool:
        """Whether a message names this payment's receipt number."""
        receipt_number = report.names.get("receipt_number")
        return receipt_number is not None and receipt_number == self.names.get("receipt_number")

    @property
    def mark(self) -> PaymentMark:
        """What the code's item remembers of this payment, for its events."""
        return PaymentMark(
            number=self.number,
            identity=self.identity,
            kind=self.kind,
            amount=self.report.amount,
            currency=self.report.currency,
            paid_at=self.report.paid_at,
            source=self.report.source,
            agent_id=self.report.agent_id,
            receipt_number=self.report.receipt_number,
            store_id=self.report.store_id,
            first_paid=self.first_paid,
            recorded_at=self.recorded_at,
            had_ended=self.had_ended,
            doubts=self.doubts,
        )

    @property
    def resolved_payments(self) -> list[ResolvedPayment]:
        """Each of its resolutions, as the code's item had it."""
        return [
            ResolvedPayment(number, self.mark, resolution)
            for number, resolution in enumerate(self.resolutions, start=1)
        ]

    def resolved(self, resolution: Resolution) -> "Payment":
        """The payment with one more resolution, which answers all that calls for it now."""
        return replace(self, resolutions=(*self.resolutions, resolution))


@dataclass(frozen=True, slots=True)
class CodeHistory:
    """A code and its payments, at most as many as were asked for."""

    code: PaymentCode
    payments: Sequence[Payment] = ()

    @property
    def own(self) -> list[Payment]:
        """The payments of this code: what is older belongs to an earlier use of its number."""
        return [each for each in self.payments if self.code.is_its_own(each.recorded_at)]


@dataclass(frozen=True, slots=True)
class Settlement:
    """A payment as it is now on record, and the code after it.

    ``is_new`` tells a new payment from a known one of which more is known now, which ``former``
    shows as it was; ``is_news`` whether storefronts hear of it. It holds only as long as the codes
    in ``seen`` are as they were when it was decided.
    """

    code: PaymentCode
    payment: Payment
    is_new: bool = True
    is_news: bool = True
    seen: tuple[PaymentCode, ...] = ()
    former: Payment | None = None

    @property
    def ends_attention(self) -> bool:
        """Whether its payment called for a person and does no more."""
        calls = self.payment.needs_attention
        return self.former is not None and self.former.needs_attention and not calls


class Relation(StrEnum):
    """What a telling is to a payment on record."""

    SAME = "same"
    OTHER = "other"
    UNCERTAIN = "uncertain"


def relate(code: PaymentCode, payment: Payment, report: PaymentReport) -> Relation:  # noqa: PLR0911 - one rule a line
    """Whether a telling speaks of a payment on record (decision 0038).

    The amount does not tell payments with a receipt apart: of two messages about one receipt
    that name two amounts, one is wrong.
    """
    known = payment.report
    if payment.was_told_by(report):
        return Relation.SAME
    names, told = payment.names, report.names
    if any(name in names and names[name] != text for name, text in told.items()):
        return Relation.OTHER
    if "receipt_number" in names and "receipt_number" in told:
        return _relate_by_receipt(code, payment, report)
    # From here one of the two, or both, name no receipt.
    if known.assigned_from != report.assigned_from:
        return Relation.UNCERTAIN
    if paid_once_at_doku(code):
        return Relation.SAME
    if code.reusable and known.amount != report.amount:
        return Relation.OTHER
    # A status check without receipt shows one of the payments, whichever: it proves no further one.
    # Two notifications may be of two tills, in one second even.
    unnamed = {known.source} if "receipt_number" not in names else set()
    unnamed |= {report.source} if "receipt_number" not in told else set()
    is_unnamed_line = report.source is Source.SETTLEMENT and "receipt_number" not in told
    if Source.STATUS_CHECK in unnamed and not is_unnamed_line:
        return Relation.SAME
    if Source.SETTLEMENT in (known.source, report.source):
        return _relate_settlement(payment, report)
    return Relation.UNCERTAIN


def _relate_by_receipt(code: PaymentCode, payment: Payment, report: PaymentReport) -> Relation:
    """The same, of two that name one receipt number."""
    known = payment.report
    at_one_till = payment.names.keys() & report.names.keys() >= _TILL
    if Source.SETTLEMENT in (known.source, report.source):
        apart, within = days_apart(payment, report), SAME_WITHIN
    elif at_one_till:
        apart, within = _apart(payment.instant, report.instant), SAME_WITHIN
    else:
        apart, within = _apart(known.date, report.date), timedelta()
    if apart is None:
        # DOKU repeats a notification in the same bytes: another one may be another payment.
        is_same = at_one_till or {known.source, report.source} != {Source.NOTIFICATION}
    else:
        is_same = apart <= within
    return Relation.SAME if is_same or paid_once_at_doku(code) else Relation.UNCERTAIN


def _relate_settlement(payment: Payment, report: PaymentReport) -> Relation:
    """The same, of a settlement's line and a telling of which one names no receipt.

    Whoever records a line has found that no payment on record is its own, so that it is none of
    them for certain; what is told after it, on its day and of its amount, is it.
    """
    apart = days_apart(payment, report)
    if apart is not None and apart > SAME_WITHIN:
        return Relation.OTHER
    is_notified = report.source is Source.NOTIFICATION
    if is_notified and apart is not None and apart <= CLOCKS_DIFFER:
        return Relation.SAME
    return Relation.UNCERTAIN


def days_apart(payment: Payment, report: PaymentReport) -> timedelta | None:
    """How far a payment's date is from a telling's, or from its day if there is no more.

    None if one has no date of its own. A status check's may be any of its order's, so it counts
    for none.
    """
    known = payment.best_dated
    if min(known.date_counts, report.date_counts) < _DATE_COUNTS[Source.SETTLEMENT]:
        return None
    gaps = (
        one.paid_at - (other.paid_until or other.paid_at)
        for one, other in ((known, report), (report, known))
    )
    return max(timedelta(), *gaps)


def _apart(one: datetime | None, other: datetime | None) -> timedelta | None:
    """How far apart two messages date the payment, or None: one of them does not say."""
    return None if one is None or other is None else abs(one - other)


def paid_once_at_doku(code: PaymentCode) -> bool:
    """Whether DOKU itself lets the code be paid only once: it is registered there."""
    return not code.reusable and code.feature is not Feature.DIPC


def is_older_order(code: PaymentCode, report: PaymentReport) -> bool:
    """Whether a status check or a settlement must speak of an earlier order of the same number.

    It names no digits, so only its date can say so. A notification with the code's own digits
    pays whatever its date: dates have been seen wrong, and real money is never refused.
    """
    return (
        report.source is not Source.NOTIFICATION
        and report.payment_code is None
        and (report.paid_until or report.paid_at) < code.created_at - _OLDER_ORDER
    )


@dataclass(frozen=True, slots=True)
class _Circumstances:
    now: datetime
    timetable: Timetable
    chain: Sequence[PaymentCode]


def settle(
    history: CodeHistory,
    report: PaymentReport,
    *,
    now: datetime,
    timetable: Timetable,
    chain: Sequence[PaymentCode] = (),
    of: str | None = None,
) -> Settlement | None:
    """What a telling does to a code, or None if it tells nothing that is not known.

    Never refuses money: what can't pay the code is recorded as what it is. ``history`` has the
    payments that the telling may speak of. ``chain`` has the codes that it replaces or that
    replace it, for an order is paid once. ``of`` is the id of the payment that it speaks of, where
    that is known otherwise.
    """
    code, at = history.code, _Circumstances(now, timetable, chain)
    known = next((each for each in history.own if each.payment_id == of), None)
    if known:
        return _complete(code, known, report, at)
    related = [(relate(code, payment, report), payment) for payment in history.own]
    same = [payment for relation, payment in related if relation is Relation.SAME]
    unsure = [payment for relation, payment in related if relation is Relation.UNCERTAIN]
    if same:
        likeliest = _likeliest(same, report)
        may_be_other = [each for each in (*same, *unsure) if each.is_certainly_one]
        is_sure = likeliest.has_receipt_of(report) or may_be_other in ([], [likeliest])
        return _complete(code, likeliest, report, at, *(() if is_sure else (Doubt.MAY_BE_TWO,)))
    kept_together = [each for each in unsure if _may_be_kept_together(code, each, report)]
    if kept_together:
        return _complete(code, _likeliest(kept_together, report), report, at, Doubt.MAY_BE_TWO)
    doubts = (Doubt.MAY_BE_KNOWN,) if unsure else ()
    payment = Payment(
        number=max(code.payments, *(each.number for each in history.payments), 0) + 1,
        kind=PaymentKind.PAID,
        report=report,
        recorded_at=now,
        had_ended=not code.is_open,
        doubts=(*doubts, *_doubt_date(code, report)),
        code=PaidCode.of(code),
    )
    return _apply(code, payment, at)


def resolve(code: PaymentCode, payment: Payment, resolution: Resolution) -> Settlement | None:
    """What a person's word does to a payment of a code, or None if it was said before.

    Only the record changes: what the code is and what it was paid with stays. Raises
    InvalidRequest for a text that is blank or too long.
    """
    resolution.check()
    resolution = replace(resolution, answers=payment.attention)
    if payment.resolution and payment.resolution.says_the_same(resolution):
        return None
    fuller = replace(payment.resolved(resolution), code=PaidCode.of(code))
    resolved = code.resolve(fuller.resolved_payments[-1])
    return Settlement(resolved, fuller, is_new=False, former=payment)


def find_told(history: CodeHistory, report: PaymentReport) -> Payment | None:
    """The payment on record that a telling is taken to speak of, as when it was settled."""
    code = history.code
    related = [(relate(code, payment, report), payment) for payment in history.own]
    same = [payment for relation, payment in related if relation is Relation.SAME]
    kept_together = [
        payment
        for relation, payment in related
        if relation is Relation.UNCERTAIN and _may_be_kept_together(code, payment, report)
    ]
    return _likeliest(same or kept_together, report) if same or kept_together else None


def _may_be_kept_together(code: PaymentCode, payment: Payment, report: PaymentReport) -> bool:
    """Whether a telling that may be another payment's is kept with this one."""
    # A status check proves no further payment, so that one never counts as one; a settlement's line
    # does, beside whatever a status check has shown.
    proves = report.source is Source.SETTLEMENT
    shown = Source.STATUS_CHECK in (payment.report.source, report.source)
    return not code.reusable or (shown and not proves)


def _likeliest(payments: Sequence[Payment], report: PaymentReport) -> Payment:
    """The payment that has most in common with a telling; of equal ones, the first.

    Of payments that settlements dated, and of any for a settlement's line, it is the nearest.
    """

    def likeness(payment: Payment) -> tuple[bool, bool, int, timedelta]:
        shared = len(payment.report.facts & report.facts)
        settled = Source.SETTLEMENT in (payment.report.source, report.source)
        apart = days_apart(payment, report) if settled else None
        nearness = timedelta.min if apart is None else -apart
        return payment.was_told_by(report), payment.has_receipt_of(report), shared, nearness

    return max(payments, key=likeness)


def _complete(
    code: PaymentCode,
    payment: Payment,
    report: PaymentReport,
    at: _Circumstances,
    *doubts: Doubt,
) -> Settlement | None:
    """A known payment of which a telling says more, or None if it does not."""
    if payment.was_told_by(report):
        return None
    told = payment.report.facts.union(*(each.facts for each in payment.tellings))
    shown = code.reusable and report.source is Source.STATUS_CHECK
    # A payment that only a status check has shown may be of any day until a settlement dates it.
    brings_date = report.source is Source.SETTLEMENT and (
        report.date_counts > payment.best_dated.date_counts
    )
    if report.facts <= told and {*doubts} <= {*payment.doubts} and not brings_date:
        return None
    if shown and "receipt_number" not in report.names:
        # Of several payments nobody knows which one it shows.
        return None
    merged = _merge(code, payment, report)
    kept = [doubt for doubt in payment.doubts if doubt is not Doubt.DATED_BEFORE_CODE]
    disagree = (Doubt.TELLINGS_DISAGREE,) if _disagree(payment.report, report) else ()
    found = (*kept, *doubts, *disagree, *_doubt_date(code, merged))
    if len(payment.further) + 1 >= MOST_TELLINGS:
        report = replace(report, evidence=report.evidence.forget())
    fuller = replace(
        payment,
        report=merged,
        first=payment.first or replace(payment.report, evidence=payment.report.evidence.forget()),
        further=(*payment.further, report),
        doubts=tuple(dict.fromkeys(found)),
        code=PaidCode.of(code),
    )
    if not payment.kind.matches and _matches(code, fuller.report):
        return _apply(code, fuller, at, former=payment)
    changes: dict[str, Any] = {}
    if payment.kind in (PaymentKind.PAID, PaymentKind.PAID_LATE):
        late = _is_late(code, fuller.report, had_ended=payment.had_ended)
        fuller = replace(fuller, kind=PaymentKind.PAID_LATE if late else PaymentKind.PAID)
        if code.paid_at == payment.report.paid_at:
            changes = {"paid_at": fuller.report.paid_at, "late": late}
    if code.last_payment == payment.mark:
        changes["last_payment"] = fuller.mark
    recorded = code.move(Move.RECORD, **changes)
    return Settlement(recorded, fuller, is_new=False, is_news=False, former=payment)


def _disagree(known: PaymentReport, report: PaymentReport) -> bool:
    """Whether two tellings of one payment name different money or digits."""
    digits = known.payment_code, report.payment_code
    return (
        known.amount != report.amount
        or (known.currency or CURRENCY) != (report.currency or CURRENCY)
        or (None not in digits and digits[0] != digits[1])
    )


def _merge(code: PaymentCode, payment: Payment, report: PaymentReport) -> PaymentReport:
    """What a payment's tellings and one more say together, with the evidence of the first.

    A store beside a receipt number is worth more than one without, a notification's own date more
    than a settlement's and that more than a status check's, and what matches the code more than
    what does not.
    """
    known = payment.report
    certain = payment.names if "receipt_number" in report.names else known.names
    merged = replace(
        known,
        source=max(known.source, report.source, key=_DATE_COUNTS.__getitem__),
        payment_code=known.payment_code or report.payment_code,
        currency=known.currency or report.currency,
        **{name: getattr(report, name) for name in report.names if name not in certain},
    )
    if report.date_counts > payment.best_dated.date_counts:
        merged = replace(
            merged, paid_at=report.paid_at, dated=report.dated, paid_until=report.paid_until
        )
    if not _matches(code, known) and _matches(code, report):
        merged = replace(
            merged,
            amount=report.amount,
            currency=report.currency,
            payment_code=report.payment_code or code.payment_code,
        )
    return merged


def _doubt_date(code: PaymentCode, report: PaymentReport) -> tuple[Doubt, ...]:
    wrong = report.dated and report.paid_at < code.created_at - CLOCKS_DIFFER
    return (Doubt.DATED_BEFORE_CODE,) if wrong else ()


def _apply(
    code: PaymentCode,
    payment: Payment,
    at: _Circumstances,
    *,
    former: Payment | None = None,
) -> Settlement:
    """A payment that is news, and what it does to its code."""
    report = payment.report
    move, kind = _judge(code, report)
    late = kind is PaymentKind.PAID_LATE
    pays = kind in (PaymentKind.PAID, PaymentKind.PAID_LATE)
    first_paid = _first_paid(code, kind, at.chain)
    if first_paid is not None:
        kind = PaymentKind.PAID_AGAIN
    payment = replace(payment, kind=kind, first_paid=first_paid)
    changes: dict[str, Any] = {"last_payment": payment.mark}
    if former is None:
        changes["payments"] = code.payments + 1
    if pays:
        changes |= {
            "paid_at": code.paid_at or report.paid_at,
            "payment_code": code.payment_code or report.payment_code,
            "late": code.late or late,
            "had_ended": code.had_ended or not code.is_open,
        }
    if move is not Move.RECORD:
        changes |= {"intent": None, "due_at": None, "unconfirmed": False}
    if move is Move.PAY_REUSABLE:
        # It stays payable, so it stays on the timetable.
        changes |= {
            "activated_at": code.activated_at or at.now,
            # One that was left to a person has no next look.
            "due_at": (code.due_at if code.status is Status.ACTIVE else None)
            or at.timetable.after_activation(at.now, code.expires_at, at.now),
        }
    return Settlement(
        code.move(move, **changes),
        payment,
        is_new=former is None,
        seen=tuple(at.chain),
        former=former,
    )


def _first_paid(code: PaymentCode, kind: PaymentKind, chain: Sequence[PaymentCode]) -> str | None:
    """Where the order was paid before, if this is a further payment.

    What is paid on a reusable code is one top-up of many, and pays no order for good.
    """
    if kind is PaymentKind.PAID_AGAIN:
        return code.invoice_number
    if not kind.matches or code.reusable:
        return None
    orders = [other for other in chain if not other.reusable]
    paid = [(other.paid_at, other.invoice_number) for other in orders if other.paid_at]
    return min(paid)[1] if paid else None


def _judge(code: PaymentCode, report: PaymentReport) -> tuple[Move, PaymentKind]:
    if not _matches(code, report):
        other_digits = code.has_other_digits(report.payment_code)
        kind = PaymentKind.DIGITS_MISMATCH if other_digits else PaymentKind.AMOUNT_MISMATCH
        return Move.RECORD, kind
    if code.status is Status.PAID:
        return Move.RECORD, PaymentKind.PAID_AGAIN
    late = _is_late(code, report, had_ended=not code.is_open)
    kind = PaymentKind.PAID_LATE if late else PaymentKind.PAID
    if not code.is_open:
        # A reusable code that has ended stays so, and stays watched: more may come.
        return (Move.RECORD if code.reusable else Move.PAY_ENDED), kind
    return (Move.PAY_REUSABLE if code.reusable else Move.PAY), kind


def _is_late(code: PaymentCode, report: PaymentReport, *, had_ended: bool) -> bool:
    """Whether the cash was taken after the deadline, or after the code was cancelled.

    DOKU's date decides. Where it gives none, the code's end here does.
    """
    return report.paid_at > code.deadline if report.dated else had_ended


def _matches(code: PaymentCode, report: PaymentReport) -> bool:
    """Whether it is the code's amount, in rupiah, and not another code's digits."""
    return (
        report.amount == code.amount
        and report.currency in (None, CURRENCY)
        and not code.has_other_digits(report.payment_code)
    )
