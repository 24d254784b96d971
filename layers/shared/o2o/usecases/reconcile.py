"""Reconcile: ask DOKU for the truth about a code and act on it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from o2o.core.codes import Failure, PaymentCode, Status
from o2o.core.errors import DokuError, DokuRefused, NotFound
from o2o.core.payments import Payment
from o2o.core.timetable import Timetable
from o2o.usecases.generate import take_answer
from o2o.usecases.optimistic import update
from o2o.usecases.ports import (
    Clock,
    Doku,
    DokuInbox,
    KeptNotification,
    Ledger,
    NotificationBox,
    OrderState,
    TimeLeft,
    Work,
    WorkKind,
)
from o2o.usecases.settle import Outcome, Settle

MATCH_FOR = timedelta(days=7)
"""How long a notification without a code is tried against later codes by itself."""


class Finding(StrEnum):
    """What a reconciliation found or did."""

    NOTHING_DUE = "nothing_due"
    UNCHANGED = "unchanged"
    ACTIVATED = "activated"
    REFUSED = "refused"
    """DOKU refused a repeated request, which proves nothing: the code may be there."""
    SETTLED = "settled"
    EXPIRED = "expired"
    FAILED = "failed"
    DOKU_SILENT = "doku_silent"
    """DOKU could not be asked; ``doku_error`` says why."""
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found, and the code after it if there is one."""

    finding: Finding
    code: PaymentCode | None = None
    payment: Payment | None = None
    doku_error: DokuError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileCode:
    """The use case for one payment code."""

    ledger: Ledger
    doku: Doku
    settle: Settle
    clock: Clock
    timetable: Timetable

    def when_due(self, invoice_number: str, *, time_left: TimeLeft) -> Reconciled:
        """Look at a code whose time has come; queued twice, it is looked at once."""
        code = self.ledger.get(invoice_number)
        if code is None or code.due_at is None or code.due_at > self.clock():
            return Reconciled(Finding.NOTHING_DUE, code)
        return self._look(code, time_left)

    def now(self, storefront_id: str, invoice_number: str, *, time_left: TimeLeft) -> Reconciled:
        """Look at a storefront's code at once. Raises NotFound."""
        code = self.ledger.get(invoice_number)
        if code is None or code.storefront_id != storefront_id:
            raise NotFound("there is no such payment code")
        if code.status is Status.PAID:
            return Reconciled(Finding.UNCHANGED, code)
        return self._look(code, time_left)

    def _look(self, code: PaymentCode, time_left: TimeLeft) -> Reconciled:
        if code.status is Status.REQUESTED and self.clock() < code.expires_at:
            return self._ask_for_code(code, time_left)
        try:
            status = self.doku.check_status(code.invoice_number, time_left)
        except DokuError as error:
            return self._unasked(code, error)
        if status.state is OrderState.SUCCESS and status.payment is not None:
            settled = self.settle(status.payment)
            code = settled.code or code
            if settled.payment is not None and settled.payment.kind.matches:
                return Reconciled(Finding.SETTLED, code, settled.payment)
            return self._go_on(code, OrderState.SUCCESS, settled.payment)
        if code.status is Status.REQUESTED and status.state in (
            OrderState.PENDING,
            OrderState.FAILED,
            OrderState.OTHER,
        ):
            # DOKU has the order and we lack its digits.
            return self._ask_for_code(code, time_left)
        return self._go_on(code, status.state)

    def _ask_for_code(self, code: PaymentCode, time_left: TimeLeft) -> Reconciled:
        if code.intent is None:
            return self._go_on(code, OrderState.UNKNOWN)
        try:
            answer = self.doku.generate(code, time_left)
        except DokuRefused as error:
            # It was asked before and nobody knows with what outcome: DOKU may have the code.
            # What it is comes out by the status, at the code's expiry at the latest.
            asked = self._go_on(code, OrderState.OTHER)
            return replace(asked, finding=Finding.REFUSED, doku_error=error)
        except DokuError as error:
            return self._unasked(code, error)
        code = take_answer(self.ledger, code, answer, now=self.clock(), timetable=self.timetable)
        return Reconciled(Finding.ACTIVATED, code)

    def _go_on(
        self, code: PaymentCode, state: OrderState, payment: Payment | None = None
    ) -> Reconciled:
        """DOKU answered, and the answer did not pay the code."""
        now = self.clock()
        changed = update(self.ledger, code, lambda newest: self._next(newest, state, now))
        return Reconciled(_finding(code, changed), changed, payment)

    def _next(self, code: PaymentCode, state: OrderState, now: datetime) -> PaymentCode | None:
        match code.status:
            case Status.PAID:
                return None
            case Status.REQUESTED:
                if now < code.expires_at:
                    due_at = self.timetable.after_request(code.created_at, code.expires_at, now)
                    return _wait(code, due_at)
                return self._fail_unknown(code, now)
            case Status.ACTIVE:
                return self._next_active(code, state, now)
            case _:
                return _wait(code, code.next_look_after_end(now=now, timetable=self.timetable))

    def _next_active(
        self, code: PaymentCode, state: OrderState, now: datetime
    ) -> PaymentCode | None:
        if state is OrderState.EXPIRED:
            return code.expire(now=now, timetable=self.timetable)
        if now < code.expires_at:
            since = code.activated_at or code.created_at
            return _wait(code, self.timetable.after_activation(since, code.expires_at, now))
        if state is OrderState.SUCCESS and not code.reusable:
            # Paid, yet not with this amount: never expired, and left to a person in the end.
            return _wait(code, self.timetable.after_end([code.expires_at], now))
        closes_at = code.expires_at + self.timetable.grace
        if now < closes_at:
            return _wait(code, closes_at)
        return code.expire(now=now, timetable=self.timetable)

    def _unasked(self, code: PaymentCode, error: DokuError) -> Reconciled:
        """DOKU could not be asked: put off what would be a guess, but not for ever."""
        now = self.clock()
        changed = update(self.ledger, code, lambda newest: self._put_off(newest, now))
        return Reconciled(Finding.DOKU_SILENT, changed, doku_error=error)

    def _put_off(self, code: PaymentCode, now: datetime) -> PaymentCode | None:
        table = self.timetable
        if code.status is Status.PAID:
            return None
        if not code.is_open:
            return _wait(code, table.while_unreachable(code.ended_at or now, now))
        if now < code.expires_at:
            return _wait(code, self._soon(code, now))
        guess_at = code.expires_at + table.guess
        if now < guess_at:
            return _wait(code, min(table.while_unreachable(code.expires_at, now), guess_at))
        if code.status is Status.REQUESTED:
            return self._fail_unknown(code, now)
        return code.expire(now=now, timetable=table)

    def _soon(self, code: PaymentCode, now: datetime) -> datetime:
        """The next try for an open code; an active one is not left for hours."""
        table = self.timetable
        if code.status is Status.REQUESTED:
            return table.after_request(code.created_at, code.expires_at, now)
        since = code.activated_at or code.created_at
        look = table.after_activation(since, code.expires_at, now)
        return min(look, now + table.active[0])

    def _fail_unknown(self, code: PaymentCode, now: datetime) -> PaymentCode:
        return code.fail(
            Failure("unknown", "DOKU did not confirm the code in its time"),
            now=now,
            look_again_at=self.timetable.after_end([now], now),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchNotification:
    """The use case for one kept notification, whose code may have come."""

    inbox: DokuInbox
    box: NotificationBox
    settle: Settle
    clock: Clock
    timetable: Timetable

    def __call__(self, invoice_number: str, identity: str) -> Reconciled:
        """Settle a kept notification if it matches a code now."""
        now = self.clock()
        kept = self.box.find(invoice_number, identity)
        if kept is None or kept.due_at is None or kept.due_at > now:
            return Reconciled(Finding.NOTHING_DUE)
        report = self.inbox.read_notification(kept.evidence).payment
        if report is None:
            self.box.postpone(kept, None)
            return Reconciled(Finding.UNCHANGED)
        settled = self.settle(report)
        if settled.outcome is Outcome.NO_CODE:
            self.box.postpone(kept, self._next_look(kept, now))
            return Reconciled(Finding.UNMATCHED)
        self.box.drop(kept)
        return Reconciled(Finding.SETTLED, settled.code, settled.payment)

    def _next_look(self, kept: KeptNotification, now: datetime) -> datetime | None:
        look = self.timetable.while_unreachable(kept.received_at, now)
        return look if look <= kept.received_at + MATCH_FOR else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """The use case for whatever is due."""

    reconcile_code: ReconcileCode
    match_notification: MatchNotification

    def __call__(self, work: Work, *, time_left: TimeLeft) -> Reconciled:
        """Do what is due. What raises stays due."""
        if work.kind is WorkKind.NOTIFICATION:
            return self.match_notification(work.invoice_number, work.identity)
        return self.reconcile_code.when_due(work.invoice_number, time_left=time_left)


def _wait(code: PaymentCode, due_at: datetime | None) -> PaymentCode | None:
    return None if due_at == code.due_at else code.wait(due_at)


def _finding(before: PaymentCode, after: PaymentCode) -> Finding:
    if after.status is before.status:
        return Finding.UNCHANGED
    return {Status.EXPIRED: Finding.EXPIRED, Status.FAILED: Finding.FAILED}.get(
        after.status, Finding.UNCHANGED
    )
