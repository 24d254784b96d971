"""Reconcile: ask DOKU for the truth about a code and act on it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from o2o.core import next_step
from o2o.core.codes import PaymentCode, Status
from o2o.core.errors import DokuError, DokuRefused
from o2o.core.notifications import OrderState
from o2o.core.payments import Payment
from o2o.core.timetable import Timetable
from o2o.usecases.ports import Clock, CodeStore, Doku, TimeLeft
from o2o.usecases.retry_on_conflict import update_code
from o2o.usecases.settle import Settle
from o2o.usecases.take_digits import take_digits

_HAS_THE_ORDER = (OrderState.PENDING, OrderState.FAILED, OrderState.OTHER)


class Finding(StrEnum):
    """What a reconciliation found or did."""

    NOTHING_DUE = "nothing_due"
    UNCHANGED = "unchanged"
    ACTIVATED = "activated"
    REFUSED = "refused"
    """DOKU refused a repeated request, which proves nothing (decision 0032)."""
    SETTLED = "settled"
    EXPIRED = "expired"
    FAILED = "failed"
    DOKU_SILENT = "doku_silent"
    """DOKU could not be asked; ``doku_error`` says why."""
    UNMATCHED = "unmatched"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found, and the code after it if there is one."""

    finding: Finding
    code: PaymentCode | None = None
    payment: Payment | None = None
    doku_error: DokuError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Asks DOKU about one code, which the caller has just read, and acts on the answer."""

    codes: CodeStore
    doku: Doku
    settle: Settle
    clock: Clock
    timetable: Timetable

    def __call__(self, code: PaymentCode, *, time_left: TimeLeft) -> Reconciled:
        """The request again while its answer is missing, else the status."""
        if code.status is Status.REQUESTED and self.clock() < code.expires_at:
            return self._ask_for_digits(code, time_left)
        try:
            status = self.doku.check_status(code.order_number, time_left)
        except DokuError as error:
            return self._silent(code, error)
        if status.state is OrderState.SUCCESS and status.payment is not None:
            settled = self.settle(status.payment)
            code = settled.code or code
            if settled.payment is not None and settled.payment.kind.matches:
                return Reconciled(Finding.SETTLED, code, settled.payment)
            return self._answered(code, OrderState.SUCCESS, settled.payment)
        if code.status is Status.REQUESTED and status.state in _HAS_THE_ORDER:
            return self._ask_for_digits(code, time_left)
        return self._answered(code, status.state)

    def _ask_for_digits(self, code: PaymentCode, time_left: TimeLeft) -> Reconciled:
        if code.intent is None:
            return self._answered(code, OrderState.UNKNOWN)
        try:
            answer = self.doku.generate(code, time_left)
        except DokuRefused as error:
            # An earlier request may have arrived: the code is as unknown as it was.
            answered = self._answered(code, OrderState.OTHER)
            return replace(answered, finding=Finding.REFUSED, doku_error=error)
        except DokuError as error:
            return self._silent(code, error)
        code = take_digits(self.codes, code, answer, now=self.clock(), timetable=self.timetable)
        return Reconciled(Finding.ACTIVATED, code)

    def _answered(
        self, code: PaymentCode, state: OrderState, payment: Payment | None = None
    ) -> Reconciled:
        """DOKU answered, and the answer did not pay the code."""
        now = self.clock()
        changed = update_code(
            self.codes,
            code,
            lambda newest: next_step.after_status(newest, state, now=now, timetable=self.timetable),
        )
        return Reconciled(_finding(code, changed), changed, payment)

    def _silent(self, code: PaymentCode, error: DokuError) -> Reconciled:
        """DOKU could not be asked."""
        now = self.clock()
        changed = update_code(
            self.codes,
            code,
            lambda newest: next_step.after_silence(newest, now=now, timetable=self.timetable),
        )
        return Reconciled(Finding.DOKU_SILENT, changed, doku_error=error)


def _finding(before: PaymentCode, after: PaymentCode) -> Finding:
    if after.status is before.status:
        return Finding.UNCHANGED
    return {Status.EXPIRED: Finding.EXPIRED, Status.FAILED: Finding.FAILED}.get(
        after.status, Finding.UNCHANGED
    )
