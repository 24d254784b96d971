"""Reconcile what is due: codes, and notifications whose code may have come meanwhile."""

from dataclasses import dataclass, replace

from o2o.core.codes import Move, PaymentCode, Status
from o2o.core.timetable import Retention, Timetable
from o2o.core.work import Work, WorkKind
from o2o.usecases.ports import Clock, CodeStore, DokuInbox, NotificationStore, TimeLeft
from o2o.usecases.reconcile import Finding, Reconcile, Reconciled
from o2o.usecases.retry_on_conflict import update_code
from o2o.usecases.settle import Settle, SettleOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileCodes:
    """The use case. What is queued twice is done once; what raises stays due.

    A code at rest is forgotten, which needs no call to DOKU (decision 0046).
    """

    codes: CodeStore
    notifications: NotificationStore
    inbox: DokuInbox
    reconcile: Reconcile
    settle: Settle
    clock: Clock
    timetable: Timetable
    retention: Retention

    def __call__(self, work: Work, *, time_left: TimeLeft) -> Reconciled:
        """Do what is due."""
        if work.kind is WorkKind.NOTIFICATION:
            return self._match(work.invoice_number, work.identity)
        code = self.codes.get(work.invoice_number)
        if code is not None and code.status is Status.PAID:
            # Version 0.1, which may run beside us, drops the mark that it is at rest.
            code = replace(code, due_at=None)
        if code is not None and code.is_at_rest:
            return self._forget(code)
        if code is None or code.due_at is None or code.due_at > self.clock():
            return Reconciled(Finding.NOTHING_DUE, code)
        return self.reconcile(code, time_left=time_left)

    def _forget(self, code: PaymentCode) -> Reconciled:
        """Take from a code at rest what is kept no longer, if it is time."""
        now = self.clock()

        def forget(newest: PaymentCode) -> PaymentCode | None:
            due_at = newest.forget_at(self.retention)
            if due_at is None:
                return None
            if now < due_at:
                # The retention was changed, or a payment came meanwhile: due at its new time.
                return newest.move(Move.FORGET)
            if newest.forgotten_at is None:
                return newest.forget(now)
            self.codes.forget_evidence(newest.order_number)
            return newest.forget_evidence(now)

        changed = update_code(self.codes, code, forget)
        forgotten = (changed.forgotten_at, changed.evidence_forgotten_at)
        if forgotten == (code.forgotten_at, code.evidence_forgotten_at):
            return Reconciled(Finding.NOTHING_DUE, changed)
        return Reconciled(Finding.FORGOTTEN, changed)

    def _match(self, invoice_number: str, identity: str) -> Reconciled:
        """Settle a kept notification if it matches a code now."""
        now = self.clock()
        kept = self.notifications.find(invoice_number, identity)
        if kept is None or kept.due_at is None or kept.due_at > now:
            return Reconciled(Finding.NOTHING_DUE)
        report = self.inbox.read_notification(kept.evidence).payment
        if report is None:
            self.notifications.postpone(kept, None)
            return Reconciled(Finding.UNCHANGED)
        settled = self.settle(report)
        if settled.outcome is SettleOutcome.NO_CODE:
            self.notifications.postpone(kept, kept.next_look(now, self.timetable))
            return Reconciled(Finding.UNMATCHED)
        self.notifications.drop(kept)
        return Reconciled(Finding.SETTLED, settled.code, settled.payment)
