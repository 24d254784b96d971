"""Settle: record a payment and move its code."""

from dataclasses import dataclass
from enum import StrEnum

from o2o.core import payments
from o2o.core.codes import PaymentCode
from o2o.core.payments import Payment, PaymentReport
from o2o.core.timetable import Timetable
from o2o.usecases.chain import read_chain
from o2o.usecases.ports import Clock, CodeStore
from o2o.usecases.retry_on_conflict import retry_on_conflict


class SettleOutcome(StrEnum):
    """What settling a report came to."""

    RECORDED = "recorded"
    KNOWN = "known"
    NO_CODE = "no_code"


@dataclass(frozen=True, slots=True)
class Settled:
    """``payment`` is there if it was recorded now, ``code`` if there is one."""

    outcome: SettleOutcome
    code: PaymentCode | None = None
    payment: Payment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """The use case: one read and one transaction for news, one read for what is known."""

    codes: CodeStore
    clock: Clock
    timetable: Timetable

    def __call__(self, report: PaymentReport) -> Settled:
        """Record a payment once. Raises VersionConflict in a storm: the caller must try again."""
        return retry_on_conflict(lambda: self._settle(report))

    def _settle(self, report: PaymentReport) -> Settled:
        code = self.codes.get(report.invoice_number)
        if code is None:
            return Settled(SettleOutcome.NO_CODE)
        chain = read_chain(self.codes, code)
        # The qualified identity covers all that distinguishes payments.
        for identity in (report.identity, report.qualified_identity):
            settlement = payments.settle(
                code,
                report,
                identity=identity,
                now=self.clock(),
                timetable=self.timetable,
                chain=chain,
            )
            if settlement is None:
                break
            taker = self.codes.record(settlement)
            if taker is None:
                return Settled(SettleOutcome.RECORDED, settlement.code, settlement.payment)
            if payments.is_same_payment(taker.mark, report, settlement.payment.kind):
                break
        return Settled(SettleOutcome.KNOWN, code)
