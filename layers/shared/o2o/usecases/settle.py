"""Settle: record a payment and move its code."""

from dataclasses import dataclass
from enum import StrEnum

from o2o.core import payments
from o2o.core.codes import PaymentCode
from o2o.core.errors import VersionConflict
from o2o.core.payments import Payment, PaymentReport
from o2o.core.timetable import Timetable
from o2o.usecases.chain import read_chain
from o2o.usecases.ports import Clock, Ledger

ATTEMPTS = 100
"""Each lost race means that another payment was recorded, so the end comes near."""


class Outcome(StrEnum):
    """What settling a report came to."""

    RECORDED = "recorded"
    KNOWN = "known"
    NO_CODE = "no_code"


@dataclass(frozen=True, slots=True)
class Settled:
    """``payment`` is there if it was recorded now, ``code`` if there is one."""

    outcome: Outcome
    code: PaymentCode | None = None
    payment: Payment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """The use case: one read and one transaction for news, one read for what is known."""

    ledger: Ledger
    clock: Clock
    timetable: Timetable

    def __call__(self, report: PaymentReport) -> Settled:
        """Record a payment once. Raises VersionConflict in a storm: the caller must try again."""
        identity = report.identity
        for _ in range(ATTEMPTS):
            code = self.ledger.get(report.invoice_number)
            if code is None:
                return Settled(Outcome.NO_CODE)
            settlement = payments.settle(
                code,
                report,
                identity=identity,
                now=self.clock(),
                timetable=self.timetable,
                chain=read_chain(self.ledger, code),
            )
            if settlement is None:
                return Settled(Outcome.KNOWN, code)
            try:
                taker = self.ledger.record(settlement)
            except VersionConflict:
                continue
            if taker is None:
                return Settled(Outcome.RECORDED, settlement.code, settlement.payment)
            if payments.is_same_payment(taker.mark, report, settlement.payment.kind):
                return Settled(Outcome.KNOWN, code)
            if identity == report.qualified_identity:
                # The qualified identity covers all that tells payments apart.
                return Settled(Outcome.KNOWN, code)
            identity = report.qualified_identity
        raise VersionConflict(f"gave up after {ATTEMPTS} lost races")
