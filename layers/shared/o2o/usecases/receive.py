"""Receive a notification: verify, settle, and keep what can't be settled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from o2o.core.errors import UnreadableMessage
from o2o.core.payments import Evidence, Payment, PaymentReport
from o2o.core.timetable import Timetable
from o2o.usecases.ports import (
    Clock,
    DokuInbox,
    KeptFor,
    KeptNotification,
    NotificationBox,
    OrderState,
)
from o2o.usecases.settle import Outcome, Settle

NO_INVOICE_NUMBER = "-"
"""Stands for the invoice number of a message in which none could be read."""


class Received(StrEnum):
    """What became of a notification. All of them are acknowledged."""

    SETTLED = "settled"
    KNOWN = "known"
    UNMATCHED = "unmatched"
    UNREADABLE = "unreadable"
    NOT_SUCCESS = "not_success"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a notification; ``payment`` is there if it was recorded now."""

    received: Received
    invoice_number: str | None = None
    payment: Payment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveNotification:
    """The use case. What it returns from is safely on record; what it raises is not."""

    inbox: DokuInbox
    settle: Settle
    box: NotificationBox
    clock: Clock
    timetable: Timetable

    def __call__(self, headers: Mapping[str, str], body: bytes) -> Receipt:
        """Raises UntrustedMessage, before anything is read or written."""
        evidence = self.inbox.verify(headers, body)
        try:
            notification = self.inbox.read_notification(evidence)
        except UnreadableMessage:
            return self._keep(evidence, KeptFor.UNREADABLE)
        report = notification.payment
        if notification.state is not OrderState.SUCCESS or report is None:
            return self._keep(evidence, KeptFor.NOT_SUCCESS, report)
        settled = self.settle(report)
        if settled.outcome is Outcome.NO_CODE:
            return self._keep(evidence, KeptFor.UNMATCHED, report)
        received = Received.SETTLED if settled.outcome is Outcome.RECORDED else Received.KNOWN
        return Receipt(received, report.invoice_number, settled.payment)

    def _keep(
        self, evidence: Evidence, reason: KeptFor, report: PaymentReport | None = None
    ) -> Receipt:
        now = self.clock()
        invoice_number = report.invoice_number if report else NO_INVOICE_NUMBER
        self.box.keep(
            KeptNotification(
                invoice_number=invoice_number,
                identity=sha256(evidence.body.encode("utf-8", "surrogatepass")).hexdigest(),
                reason=reason,
                evidence=evidence,
                received_at=now,
                due_at=self._first_look(reason, now),
            )
        )
        return Receipt(Received(reason.value), report.invoice_number if report else None)

    def _first_look(self, reason: KeptFor, now: datetime) -> datetime | None:
        if reason is not KeptFor.UNMATCHED:
            return None
        return self.timetable.while_unreachable(now, now)
