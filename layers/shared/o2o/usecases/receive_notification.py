"""Receive a notification: verify it, settle it or keep it, and archive it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from o2o.core.archive import ArchivedMessage, MessageKind
from o2o.core.codes import Refund
from o2o.core.errors import UnreadableMessage
from o2o.core.notifications import DokuMessage, KeptFor, KeptNotification, OrderState
from o2o.core.payments import Evidence, Payment, PaymentReport
from o2o.core.timetable import Timetable
from o2o.usecases.ports import Clock, DokuInbox, MessageArchive, NotificationStore
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


_OUTCOMES = {
    SettleOutcome.RECORDED: NotificationOutcome.SETTLED,
    SettleOutcome.COMPLETED: NotificationOutcome.COMPLETED,
}


@dataclass(frozen=True, slots=True)
class ReceivedNotification:
    """What became of a notification; ``payment`` is there if it was recorded now."""

    outcome: NotificationOutcome
    invoice_number: str | None = None
    payment: Payment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveNotification:
    """The use case. What it returns from is on record and in the archive; what it raises is not.

    The table comes first: while the archive is away payments count and storefronts hear of them,
    and DOKU repeats its message until the archive has it, too (decision 0081). ``observe`` hears
    what became of a message before it is archived, so that nobody goes untold meanwhile.
    """

    inbox: DokuInbox
    settle: Settle
    notifications: NotificationStore
    archive: MessageArchive
    observe: Callable[[ReceivedNotification], None]
    clock: Clock
    timetable: Timetable

    def __call__(self, message: DokuMessage) -> ReceivedNotification:
        """Raises UntrustedMessage, before anything is read or written."""
        evidence = self.inbox.verify(message)
        received_at = self.clock()
        received = self._record(evidence)
        self.observe(received)
        self.archive.keep(
            ArchivedMessage(
                kind=MessageKind.NOTIFICATION,
                message=replace(message, headers=evidence.headers),
                received_at=received_at,
            )
        )
        return received

    def _record(self, evidence: Evidence) -> ReceivedNotification:
        try:
            notification = self.inbox.read_notification(evidence)
        except UnreadableMessage:
            return self._keep(evidence, KeptFor.UNREADABLE)
        report = notification.payment
        if notification.state is OrderState.REFUNDED:
            return self._refunded(evidence, report)
        if notification.state is not OrderState.SUCCESS or report is None:
            return self._keep(evidence, KeptFor.NOT_SUCCESS, report)
        settled = self.settle(report)
        if settled.outcome is SettleOutcome.NO_CODE:
            return self._keep(evidence, KeptFor.UNMATCHED, report)
        return ReceivedNotification(
            _OUTCOMES.get(settled.outcome, NotificationOutcome.KNOWN),
            report.invoice_number,
            settled.payment,
        )

    def _refunded(self, evidence: Evidence, report: PaymentReport | None) -> ReceivedNotification:
        received = self._keep(evidence, KeptFor.REFUNDED, report)
        code = report and self.settle.codes.get(report.invoice_number)
        if report and code:
            refund = Refund(self.clock(), report.amount)
            update_code(self.settle.codes, code, lambda newest: newest.refunded(refund))
        return received

    def _keep(
        self, evidence: Evidence, reason: KeptFor, report: PaymentReport | None = None
    ) -> ReceivedNotification:
        self.notifications.keep(
            KeptNotification.of(
                evidence, reason, report, now=self.clock(), timetable=self.timetable
            )
        )
        return ReceivedNotification(
            NotificationOutcome(reason.value), report.invoice_number if report else None
        )
