"""Settlements: DOKU's report of what it pays out, compared with the payments on record.

A line of a report is one payment, by DOKU's word. It names the order, the amount and usually the
day; whether it names a receipt number is a matter of the report's columns, which differ from
merchant to merchant (DOKU protocol, section 10). What is certain of it is decided here, for all
lines of an order together; what nobody can know is left to a person (decision 0100).
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from o2o.core.bins import BinTable
from o2o.core.channels import Partnership
from o2o.core.codes import CLOCKS_DIFFER, PaymentCode, Source
from o2o.core.payments import (
    SAME_WITHIN,
    CodeHistory,
    Evidence,
    Payment,
    PaymentReport,
    days_apart,
    is_older_order,
    paid_once_at_doku,
)
from o2o.core.receipts import comparable
from o2o.core.wib import day_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementLine:
    """One payment as a settlement report has it. ``file`` and ``number`` tell it from all others.

    ``file`` is the report's SHA-256, ``number`` the line in it, from 1. The payment was made at
    ``paid_at``, or from then until ``paid_until`` if the report gives a day only.
    """

    file: str
    number: int
    order_number: str
    amount: Decimal
    fee: Decimal | None = None
    net: Decimal | None = None
    paid_at: datetime | None = None
    paid_until: datetime | None = None
    payment_code: str | None = field(default=None, repr=False)
    receipt_number: str | None = None
    channel: str | None = None
    """As the report names it."""

    @property
    def day(self) -> date | None:
        """The day of the payment, in WIB."""
        return self.paid_at and day_of(self.paid_at)

    @property
    def is_nameless(self) -> bool:
        """Whether nothing tells it from another payment of its order."""
        return self.paid_at is None and comparable(self.receipt_number) is None

    @property
    def content(self) -> tuple[str, ...]:
        """Sorts lines by what they say, whatever their place in the file."""
        said = (
            self.paid_at and self.paid_at.isoformat(), self.receipt_number, self.amount, self.fee,
            self.net, self.payment_code, self.channel,
        )  # fmt: skip
        return (*("" if each is None else str(each) for each in said), f"{self.number:012}")

    @property
    def evidence(self) -> Evidence:
        """The line as it is kept with a payment: JSON of what it says."""
        said = {
            "settlement_file_sha256": self.file,
            "line": self.number,
            "order_number": self.order_number,
            "amount": str(self.amount),
            "fee": self.fee and str(self.fee),
            "net": self.net and str(self.net),
            "paid_at": self.paid_at and self.paid_at.isoformat(),
            "paid_until": self.paid_until and self.paid_until.isoformat(),
            "payment_code": self.payment_code,
            "receipt_number": self.receipt_number,
            "channel": self.channel,
        }
        return Evidence(json.dumps({name: text for name, text in said.items() if text is not None}))

    def report(self, code: PaymentCode, *, now: datetime) -> PaymentReport:
        """What it tells of this code.

        Of a day the earliest moment counts at which the code was there: nobody paid late, or before
        there was a code, because a report names no time.
        """
        paid_at = self.paid_at or now
        if self.paid_until and paid_at < code.created_at <= self.paid_until:
            paid_at = code.created_at
        return PaymentReport(
            invoice_number=self.order_number,
            payment_code=self.payment_code,
            amount=self.amount,
            paid_at=paid_at,
            paid_until=self.paid_until,
            dated=self.paid_at is not None,
            source=Source.SETTLEMENT,
            evidence=self.evidence,
            receipt_number=self.receipt_number,
        )


class Verdict(StrEnum):
    """What a line is to the record, or a payment to the report."""

    MATCHED = "matched"
    RECORDED_BEFORE = "recorded_before"
    """This very line was recorded as a payment, or told more of one."""
    RECORDED = "recorded"
    """It was recorded as a payment just now."""
    MISSING_HERE = "missing_here"
    """A payment that is not on record."""
    AMOUNT_DIFFERS = "amount_differs"
    UNKNOWN_ORDER = "unknown_order"
    AMBIGUOUS = "ambiguous"
    """Nobody can know by rule; a person decides."""
    MISSING_THERE = "missing_there"
    """A payment on record that the report should have and has not."""

    @property
    def agrees(self) -> bool:
        """Whether report and record had the same to say."""
        return self in (Verdict.MATCHED, Verdict.RECORDED_BEFORE)


class Puzzle(StrEnum):
    """Why a person must decide."""

    OTHER_RECEIPT = "other_receipt"
    """A payment of this amount and time is on record under another receipt number."""
    NEAR = "near"
    """A payment of this amount is on record, within a day, and no receipt number decides."""
    SAME_RECEIPT = "same_receipt"
    """A payment, or another line, has its receipt number."""
    PAID_ONCE = "paid_once"
    """DOKU lets the code be paid once, and it was paid."""
    NO_DATE = "no_date"
    """It gives neither date nor receipt number, and its code may be paid several times."""
    OLDER_ORDER = "older_order"
    """It is older than the code: it is of an earlier order with the same number, perhaps."""
    CHANGED = "changed"
    """It says nothing that the record has not, though nothing on record is it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A line and what it is to the record; or, without a line, a payment that is missing there."""

    verdict: Verdict
    line: SettlementLine | None = None
    payment: Payment | None = None
    code: PaymentCode | None = None
    puzzle: Puzzle | None = None

    @property
    def number(self) -> int | None:
        """The line's."""
        return self.line.number if self.line else None

    @property
    def tells(self) -> bool:
        """Whether recording the line would change something.

        It is a payment that is missing, or dates one that only a status check has shown: without
        its date it would be taken for any line of any day.
        """
        if self.verdict is Verdict.MISSING_HERE:
            return True
        known = self.payment
        if self.verdict is not Verdict.MATCHED or not (known and self.line and self.code):
            return False
        if paid_once_at_doku(self.code):
            return False
        return self.line.paid_at is not None and known.best_dated.source is Source.STATUS_CHECK


def judge(lines: Iterable[SettlementLine], history: CodeHistory) -> list[Judgement]:
    """What the lines of one order are to the payments of its code, in the lines' order.

    A line is of one payment at most, and a payment of one line. The order of the lines changes
    nothing.
    """
    given = list(lines)
    matching = _Matching(history, sorted(given, key=lambda line: line.content))
    found = matching.judge()
    return [found[line.number] for line in given]


class _Matching:
    """The lines of one order that have no verdict yet, and the payments that no line has."""

    def __init__(self, history: CodeHistory, lines: Sequence[SettlementLine]) -> None:
        self._code = history.code
        self._lines = list(lines)
        self._payments = sorted(history.own, key=lambda payment: payment.when)
        self._all = list(self._payments)
        self._once = paid_once_at_doku(history.code)
        self._found: dict[int, Judgement] = {}
        # The date of a line without one is never looked at.
        self._reports = {
            line.number: line.report(history.code, now=history.code.created_at) for line in lines
        }

    def judge(self) -> dict[int, Judgement]:
        """Every line's judgement, by its number."""
        self._pair(self._is_told, Verdict.RECORDED_BEFORE)
        self._pair(lambda *both: self._same_receipt(*both) and _same_amount(*both))
        self._pair(self._same_receipt, Verdict.AMOUNT_DIFFERS)
        # A payment just after midnight is the next day's before it is this one's.
        self._pair(lambda *both: self._is_of_its_time(*both) and _same_amount(*both))
        self._pair(lambda *both: self._fits(*both) and _same_amount(*both))
        if not self._once:
            self._pair(lambda *both: self._is_undated(*both) and _same_amount(*both))
        self._puzzle(Puzzle.OLDER_ORDER, self._is_older)
        self._puzzle(Puzzle.SAME_RECEIPT, self._has_double)
        self._pair(self._fits_but_for_receipt, Verdict.AMBIGUOUS, Puzzle.OTHER_RECEIPT)
        self._pair(self._is_near, Verdict.AMBIGUOUS, Puzzle.NEAR)
        self._pair(self._fits, Verdict.AMOUNT_DIFFERS)
        if self._once:
            more = self._lines if self._all else self._lines[1:]
            self._settle([(line, None) for line in more], Verdict.AMBIGUOUS, Puzzle.PAID_ONCE)
        else:
            # Where nothing is on record, one of them is a payment for certain.
            nameless = [line for line in self._lines if line.is_nameless][0 if self._all else 1 :]
            self._settle([(line, None) for line in nameless], Verdict.AMBIGUOUS, Puzzle.NO_DATE)
        self._settle([(line, None) for line in self._lines], Verdict.MISSING_HERE, None)
        return self._found

    def _pair(
        self,
        agrees: Callable[[SettlementLine, Payment], bool],
        verdict: Verdict = Verdict.MATCHED,
        puzzle: Puzzle | None = None,
    ) -> None:
        """Pair as many lines and payments that agree as can be; what is nearest is tried first."""
        candidates = {
            line.number: sorted(
                (each for each in self._payments if agrees(line, each)),
                key=lambda each: (self._apart(line, each) or timedelta(), each.when),
            )
            for line in self._lines
        }
        names = {number: [each.payment_id for each in free] for number, free in candidates.items()}
        pairs = pair([line.number for line in self._lines], names)
        lines = {line.number: line for line in self._lines}
        payments = {each.payment_id: each for each in self._payments}
        settled = [(lines[number], payments[name]) for number, name in pairs.items()]
        self._settle(settled, verdict, puzzle)

    def _settle(
        self,
        pairs: Iterable[tuple[SettlementLine, Payment | None]],
        verdict: Verdict,
        puzzle: Puzzle | None,
    ) -> None:
        for line, payment in list(pairs):
            self._found[line.number] = Judgement(
                verdict=verdict, line=line, payment=payment, code=self._code, puzzle=puzzle
            )
            self._lines.remove(line)
            if payment is not None:
                self._payments.remove(payment)

    def _puzzle(self, puzzle: Puzzle, applies: Callable[[SettlementLine], bool]) -> None:
        found = [line for line in self._lines if applies(line)]
        self._settle([(line, None) for line in found], Verdict.AMBIGUOUS, puzzle)

    # --- what line and payment may have in common ---------------------------------------------

    def _apart(self, line: SettlementLine, payment: Payment) -> timedelta | None:
        return days_apart(payment, self._reports[line.number])

    def _is_told(self, line: SettlementLine, payment: Payment) -> bool:
        return payment.was_told_by(self._reports[line.number])

    def _same_receipt(self, line: SettlementLine, payment: Payment) -> bool:
        apart = self._apart(line, payment)
        near = apart is None or apart <= SAME_WITHIN
        return near and payment.has_receipt_of(self._reports[line.number])

    def _contradicts(self, line: SettlementLine, payment: Payment) -> bool:
        names = payment.names
        told = self._reports[line.number].names
        return any(name in names and names[name] != text for name, text in told.items())

    def _fits(self, line: SettlementLine, payment: Payment) -> bool:
        """Whether nothing but the amount can tell them apart."""
        apart = self._apart(line, payment)
        fits = self._once or (apart is not None and apart <= CLOCKS_DIFFER)
        return fits and not self._contradicts(line, payment)

    def _is_of_its_time(self, line: SettlementLine, payment: Payment) -> bool:
        return self._fits(line, payment) and self._apart(line, payment) == timedelta()

    def _is_undated(self, line: SettlementLine, payment: Payment) -> bool:
        """Whether a status check showed the payment, which may be of any day."""
        undated = line.paid_at is not None and payment.best_dated.source is Source.STATUS_CHECK
        return undated and not self._contradicts(line, payment)

    def _fits_but_for_receipt(self, line: SettlementLine, payment: Payment) -> bool:
        apart = self._apart(line, payment)
        near = apart is None or apart <= CLOCKS_DIFFER
        return near and _same_amount(line, payment) and self._contradicts(line, payment)

    def _is_near(self, line: SettlementLine, payment: Payment) -> bool:
        apart = self._apart(line, payment)
        near = apart is None or apart <= SAME_WITHIN
        return near and _same_amount(line, payment) and not self._contradicts(line, payment)

    def _has_double(self, line: SettlementLine) -> bool:
        """Whether a payment, or a line before it, has its receipt number."""
        receipt = comparable(line.receipt_number)
        if receipt is None:
            return False
        before = self._lines[: self._lines.index(line)]
        named = {comparable(each.receipt_number) for each in before}
        return receipt in named | {each.names.get("receipt_number") for each in self._all}

    def _is_older(self, line: SettlementLine) -> bool:
        return line.paid_at is not None and is_older_order(self._code, self._reports[line.number])


def pair(numbers: Sequence[int], candidates: Mapping[int, Sequence[str]]) -> dict[int, str]:
    """As many numbers as possible, each with one of its candidates that no other one has.

    A number that has a candidate keeps one while more are placed, perhaps another one.
    """
    holder: dict[str, int] = {}
    has: dict[int, str] = {}
    for number in numbers:
        reached: dict[str, int] = {}
        waiting = deque([number])
        free: str | None = None
        while waiting and free is None:
            at = waiting.popleft()
            for name in candidates[at]:
                if name in reached:
                    continue
                reached[name] = at
                if name not in holder:
                    free = name
                    break
                waiting.append(holder[name])
        while free is not None:
            at = reached[free]
            holder[free], former = at, has.get(at)
            has[at], free = free, former
    return has


def _same_amount(line: SettlementLine, payment: Payment) -> bool:
    return line.amount == payment.report.amount


def should_be_settled(payment: Payment, bins: BinTable) -> bool:
    """Whether DOKU's report must have a payment: it is of an aggregator's BIN.

    One whose BIN is not configured any more is looked for, too.
    """
    code = payment.code
    if code is None:
        return False
    return bins.partnership(code.channel, code.bin) is not Partnership.DIRECT


@dataclass(frozen=True, slots=True)
class Sums:
    """What a report says of one day, in WIB; ``day`` is None for lines without a date."""

    day: date | None
    lines: int
    amount: Decimal
    fee: Decimal
    net: Decimal


def sums(lines: Iterable[SettlementLine]) -> list[Sums]:
    """A report's sums per day, as it has them; what a line does not say counts as nothing."""
    days: dict[date | None, list[SettlementLine]] = {}
    for line in lines:
        days.setdefault(line.day, []).append(line)
    return [
        Sums(
            day,
            len(each),
            sum((line.amount for line in each), Decimal()),
            sum((line.fee or Decimal() for line in each), Decimal()),
            sum((line.net or Decimal() for line in each), Decimal()),
        )
        for day, each in sorted(days.items(), key=lambda item: item[0] or date.min)
    ]
