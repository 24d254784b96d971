"""Settle: record a payment and move its code."""

from dataclasses import dataclass
from enum import StrEnum

from o2o.core import payments
from o2o.core.codes import PaymentCode
from o2o.core.payments import CodeHistory, Payment, PaymentReport
from o2o.core.timetable import Timetable
from o2o.usecases.chain import read_chain
from o2o.usecases.ports import Clock, CodeStore
from o2o.usecases.retry_on_conflict import retry_on_conflict

HISTORY = 50
"""Payments that are read with their code. Only a code that is paid for years has more."""


class SettleOutcome(StrEnum):
    """What settling a report came to."""

    RECORDED = "recorded"
    COMPLETED = "completed"
    """A payment on record, of which more is known now."""
    KNOWN = "known"
    OLDER_ORDER = "older_order"
    """A status check about an order before this one: it pays nothing by itself."""
    NO_CODE = "no_code"
    CHANGED = "changed"
    """The code is not as it was when the report was judged: nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Settled:
    """``payment`` is there if it is news, ``code`` if there is one."""

    outcome: SettleOutcome
    code: PaymentCode | None = None
    payment: Payment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """The use case: one read and one transaction for news, one read for what is known."""

    codes: CodeStore
    clock: Clock
    timetable: Timetable

    def __call__(
        self,
        report: PaymentReport,
        *,
        version: int | None = None,
        of: str | None = None,
        only_news: bool = False,
    ) -> Settled:
        """Record a payment once. Raises VersionConflict in a storm: the caller must try again.

        ``version`` is the code's, if the report holds only as long as the code has it; ``of`` the
        id of the payment that it speaks of, where that is known otherwise. ``only_news``: nothing
        is recorded but a payment of its own.
        """
        return retry_on_conflict(lambda: self._settle(report, version, of, only_news=only_news))

    def _settle(
        self, report: PaymentReport, version: int | None, of: str | None, *, only_news: bool
    ) -> Settled:
        history = self.codes.get_history(report.invoice_number, HISTORY)
        if history is None:
            return Settled(SettleOutcome.NO_CODE)
        code = history.code
        if version not in (None, code.version):
            return Settled(SettleOutcome.CHANGED, code)
        if payments.is_older_order(code, report):
            return Settled(SettleOutcome.OLDER_ORDER, code)
        if code.payments > HISTORY:
            alike = list(self.codes.find_alike(report, HISTORY))
            if of is not None and of not in {each.payment_id for each in alike}:
                named = self.codes.get_payment(report.invoice_number, of)
                alike += [named] if named else []
            history = CodeHistory(code, alike)
        settlement = payments.settle(
            history,
            report,
            now=self.clock(),
            timetable=self.timetable,
            chain=read_chain(self.codes, code),
            of=of,
        )
        if settlement is None or (only_news and not settlement.is_news):
            return Settled(SettleOutcome.KNOWN, code)
        self.codes.record(settlement)
        if settlement.is_news:
            return Settled(SettleOutcome.RECORDED, settlement.code, settlement.payment)
        return Settled(SettleOutcome.COMPLETED, settlement.code)
