"""Record a message that DOKU signed: settle its payment, or keep it for a person."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from o2o.core import next_step
from o2o.core.codes import PaymentCode, Refund
from o2o.core.errors import UnreadableMessage
from o2o.core.notifications import (
    NO_INVOICE_NUMBER,
    KeptFor,
    KeptNotification,
    Notification,
    OrderState,
)
from o2o.core.payments import Evidence, Payment, PaymentReport
from o2o.core.timetable import Timetable
from o2o.usecases.ports import Clock, NotificationStore
from o2o.usecases.retry_on_conflict import update_code
from o2o.usecases.settle import Settle, SettleOutcome


class NotificationOutcome(StrEnum):
    """What became of a notification. All of them are acknowledged."""

    SETTLED = "settled"
    COMPLETED = "completed"
    """It says more of a payment on record."""
    KNOWN = "known"
    REFUNDED = "refunded"
    UNMATCHED = "unmatched"
    UNREADABLE = "unreadable"
    NOT_SUCCESS = "not_success"


_SETTLED = {
    SettleOutcome.RECORDED: NotificationOutcome.SETTLED,
    SettleOutcome.COMPLETED: NotificationOutcome.COMPLETED,
    SettleOutcome.KNOWN: NotificationOutcome.KNOWN,
}
_KEPT = {
    SettleOutcome.NO_CODE: KeptFor.UNMATCHED,
    SettleOutcome.OLDER_ORDER: KeptFor.OLDER_ORDER,
}
_TOLD = {
    KeptFor.REFUNDED: NotificationOutcome.REFUNDED,
    KeptFor.UNREADABLE: NotificationOutcome.UNREADABLE,
    KeptFor.NOT_SUCCESS: NotificationOutcome.NOT_SUCCESS,
}


@dataclass(frozen=True, slots=True)
class ReceivedNotification:
    """What became of a notification; ``payment`` is there if it was recorded now."""

    outcome: NotificationOutcome
    invoice_number: str | None = None
    payment: Payment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMessage:
    """The use case. A message is on record once, however often it comes."""

    settle: Settle
    notifications: NotificationStore
    clock: Clock
    timetable: Timetable

    def __call__(
        self,
        evidence: Evidence,
        read: Callable[[Evidence], Notification],
        *,
        answers_about: str | None = None,
    ) -> ReceivedNotification:
        """Record what DOKU signed. ``read`` raises UnreadableMessage.

        ``answers_about`` is the order number of the status check that it answers; None: it is a
        notification.
        """
        try:
            notification = read(evidence)
        except UnreadableMessage:
            return self._keep(KeptFor.UNREADABLE, evidence, None, answers_about)
        report = notification.payment
        named = notification.unreadable_order or answers_about
        if notification.state is OrderState.REFUNDED:
            return self._refunded(evidence, report, named)
        if notification.state is not OrderState.SUCCESS:
            return self._keep(KeptFor.NOT_SUCCESS, evidence, report, named)
        if report is None:
            return self._dispute(evidence, named)
        settled = self.settle(report)
        if settled.outcome in _KEPT:
            return self._keep(_KEPT[settled.outcome], evidence, report, named)
        return ReceivedNotification(
            _SETTLED[settled.outcome], report.invoice_number, settled.payment
        )

    def _refunded(
        self, evidence: Evidence, report: PaymentReport | None, named: str | None
    ) -> ReceivedNotification:
        received = self._keep(KeptFor.REFUNDED, evidence, report, named)
        order_number = report.invoice_number if report else named
        code = order_number and self.settle.codes.get(order_number)
        if code:
            refund = Refund(self.clock(), report.amount if report else None)
            update_code(self.settle.codes, code, lambda newest: newest.refunded(refund))
        return received

    def _dispute(self, evidence: Evidence, order_number: str | None) -> ReceivedNotification:
        """It was paid, and nobody can read what: the code waits for a person (decision 0041)."""
        received = self._keep(KeptFor.UNREADABLE, evidence, None, order_number)
        code = order_number and self.settle.codes.get(order_number)
        if code:
            update_code(self.settle.codes, code, self._disputed)
        return received

    def _disputed(self, code: PaymentCode) -> PaymentCode | None:
        if code.paid_at is not None:
            return None
        now = self.clock()
        return next_step.after_dispute(code, now=now, timetable=self.timetable, readable=False)

    def _keep(
        self,
        reason: KeptFor,
        evidence: Evidence,
        report: PaymentReport | None,
        order_number: str | None,
    ) -> ReceivedNotification:
        """``order_number`` is whose message it is, where no payment in it says so."""
        kept = KeptNotification.of(
            evidence,
            reason,
            report,
            invoice_number=order_number or NO_INVOICE_NUMBER,
            now=self.clock(),
            timetable=self.timetable,
        )
        if order_number is not None:
            # Whoever reads it as a notification would take its dates for the payment's.
            kept = replace(kept, due_at=None)
        self.notifications.keep(kept)
        return ReceivedNotification(
            _TOLD.get(reason, NotificationOutcome.UNMATCHED),
            report.invoice_number if report else order_number,
        )
