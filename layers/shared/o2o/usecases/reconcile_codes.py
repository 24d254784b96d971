"""Reconcile what is due: codes, and notifications whose code may have come meanwhile."""

from dataclasses import dataclass

from o2o.core.timetable import Timetable
from o2o.core.work import Work, WorkKind
from o2o.usecases.ports import Clock, CodeStore, DokuInbox, NotificationStore, TimeLeft
from o2o.usecases.reconcile import Finding, Reconcile, Reconciled
from o2o.usecases.settle import Settle, SettleOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileCodes:
    """The use case. What is queued twice is done once; what raises stays due."""

    codes: CodeStore
    notifications: NotificationStore
    inbox: DokuInbox
    reconcile: Reconcile
    settle: Settle
    clock: Clock
    timetable: Timetable

    def __call__(self, work: Work, *, time_left: TimeLeft) -> Reconciled:
        """Do what is due."""
        if work.kind is WorkKind.NOTIFICATION:
            return self._match(work.invoice_number, work.identity)
        code = self.codes.get(work.invoice_number)
        if code is None or code.due_at is None or code.due_at > self.clock():
            return Reconciled(Finding.NOTHING_DUE, code)
        return self.reconcile(code, time_left=time_left)

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
