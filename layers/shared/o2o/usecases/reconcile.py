"""Reconcile: ask DOKU for the truth about a code and act on it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from o2o.core import next_step
from o2o.core.archive import ArchivedMessage, MessageKind
from o2o.core.codes import PaymentCode, Refund, Status
from o2o.core.errors import DokuBlocked, DokuError, DokuRefused
from o2o.core.notifications import KeptFor, KeptNotification, OrderState, OrderStatus
from o2o.core.payments import Evidence, Payment
from o2o.core.timetable import Timetable
from o2o.usecases.ports import (
    Clock,
    CodeStore,
    Doku,
    MessageArchive,
    NotificationStore,
    TimeLeft,
)
from o2o.usecases.retry_on_conflict import update_code
from o2o.usecases.settle import Settle, SettleOutcome
from o2o.usecases.take_digits import take_digits

_HAS_THE_ORDER = (OrderState.PENDING, OrderState.FAILED, OrderState.OTHER)


class Finding(StrEnum):
    """What a reconciliation found or did."""

    NOTHING_DUE = "nothing_due"
    UNCHANGED = "unchanged"
    ACTIVATED = "activated"
    REFUSED = "refused"
    """A repeated request was turned away, which proves nothing (decision 0032)."""
    SETTLED = "settled"
    EXPIRED = "expired"
    FAILED = "failed"
    DOKU_SILENT = "doku_silent"
    """DOKU could not be asked; ``doku_error`` says why."""
    UNREADABLE = "unreadable"
    """DOKU says that the code was paid, and what it says of the payment can't be read."""
    REFUNDED = "refunded"
    """DOKU says for the first time that the money went back."""
    OLDER_ORDER = "older_order"
    """DOKU's status speaks of an order before this one, for the first time: a person must look."""
    UNMATCHED = "unmatched"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found, and the code after it if there is one.

    ``unconfirmed`` if the code ended just now, or is looked at no more, without DOKU's word on
    whether it was paid: a person must look.
    """

    finding: Finding
    code: PaymentCode | None = None
    payment: Payment | None = None
    doku_error: DokuError | None = None
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Asks DOKU about one code, which the caller has just read, and acts on the answer."""

    codes: CodeStore
    notifications: NotificationStore
    archive: MessageArchive
    doku: Doku
    settle: Settle
    clock: Clock
    timetable: Timetable

    def __call__(self, code: PaymentCode, *, time_left: TimeLeft) -> Reconciled:
        """The request again while its answer is missing, else the status."""
        if code.status is Status.REQUESTED and self.clock() < code.expires_at:
            code = self._update(code, next_step.before_repeat)
            if code.status is Status.REQUESTED:
                return self._ask_for_digits(code, time_left)
        try:
            status = self.doku.check_status(code.order_number, time_left)
        except DokuError as error:
            return self._silent(code, error)
        if status.message is not None:
            # Before anything is recorded: nobody repeats it, and a code that is paid is not asked
            # about again.
            self.archive.keep(
                ArchivedMessage(
                    kind=MessageKind.STATUS, message=status.message, received_at=self.clock()
                )
            )
        if status.state is OrderState.SUCCESS:
            return self._succeeded(code, status)
        if status.state is OrderState.REFUNDED:
            return self._refunded(code, status)
        if code.status is Status.REQUESTED and status.state in _HAS_THE_ORDER:
            return self._ask_for_digits(code, time_left, status.state)
        return self._answered(code, status.state)

    def _ask_for_digits(
        self, code: PaymentCode, time_left: TimeLeft, state: OrderState | None = None
    ) -> Reconciled:
        """``state`` is DOKU's word on an order whose time is over."""
        if code.intent is None:
            return self._answered(code, OrderState.UNKNOWN)
        try:
            answer = self.doku.generate(code, time_left)
        except DokuError as error:
            if state is not None:
                return replace(self._answered(code, state), doku_error=error)
            # An earlier request may have arrived: the code is as unknown as it was.
            silent = self._silent(code, error)
            refused = isinstance(error, DokuRefused | DokuBlocked)
            return replace(silent, finding=Finding.REFUSED) if refused else silent
        code = take_digits(self.codes, code, answer, now=self.clock(), timetable=self.timetable)
        return Reconciled(Finding.ACTIVATED, code)

    def _succeeded(self, code: PaymentCode, status: OrderStatus) -> Reconciled:
        """DOKU says that the order was paid."""
        if status.payment is None:
            self._keep(code, status.unreadable, KeptFor.UNREADABLE)
            changed = self._update(code, next_step.after_dispute, readable=False)
            return Reconciled(Finding.UNREADABLE, changed)
        settled = self.settle(status.payment)
        code = settled.code or code
        older = settled.outcome is SettleOutcome.OLDER_ORDER and self._keep(
            code, status.payment.evidence, KeptFor.OLDER_ORDER
        )
        if settled.payment is not None and settled.payment.kind.matches:
            return Reconciled(Finding.SETTLED, code, settled.payment)
        if code.paid_at is not None:
            return self._answered(code, OrderState.SUCCESS, settled.payment)
        changed = self._update(code, next_step.after_dispute)
        finding = Finding.OLDER_ORDER if older else Finding.UNCHANGED
        return Reconciled(finding, changed, settled.payment)

    def _refunded(self, code: PaymentCode, status: OrderStatus) -> Reconciled:
        """DOKU says that the order was paid and the money went back."""
        payment = status.payment
        self._keep(code, payment.evidence if payment else status.unreadable, KeptFor.REFUNDED)
        known = code.refund is not None
        refund = Refund(self.clock(), payment.amount if payment else None)
        code = update_code(self.codes, code, lambda newest: newest.refunded(refund))
        answered = self._answered(code, OrderState.REFUNDED)
        return answered if known else replace(answered, finding=Finding.REFUNDED)

    def _keep(self, code: PaymentCode, evidence: Evidence | None, reason: KeptFor) -> bool:
        """Keep what can't be settled, once: the same bytes again cost a read. Whether it is new."""
        if evidence is None:
            return False
        kept = KeptNotification.of(
            evidence,
            reason,
            None,
            invoice_number=code.order_number,
            now=self.clock(),
            timetable=self.timetable,
        )
        known = self.notifications.find(kept.invoice_number, kept.identity)
        return known is None and self.notifications.keep(kept)

    def _answered(
        self, code: PaymentCode, state: OrderState, payment: Payment | None = None
    ) -> Reconciled:
        """DOKU answered, and the answer did not pay the code."""
        changed = self._update(code, next_step.after_status, state=state)
        return Reconciled(
            _finding(code, changed), changed, payment, unconfirmed=_is_unconfirmed(code, changed)
        )

    def _silent(self, code: PaymentCode, error: DokuError) -> Reconciled:
        """DOKU could not be asked, or its answer does not count."""
        changed = self._update(code, next_step.after_silence, obstacle=error.obstacle)
        return Reconciled(
            Finding.DOKU_SILENT,
            changed,
            doku_error=error,
            unconfirmed=_is_unconfirmed(code, changed) or _is_given_up(code, changed),
        )

    def _update(
        self, code: PaymentCode, step: Callable[..., PaymentCode | None], **said: object
    ) -> PaymentCode:
        """The code after a step of the core's."""
        now = self.clock()
        return update_code(
            self.codes, code, lambda newest: step(newest, now=now, timetable=self.timetable, **said)
        )


def _is_unconfirmed(before: PaymentCode, after: PaymentCode) -> bool:
    """Whether the code ended just now without DOKU's word."""
    return after.unconfirmed and after.status is not before.status


def _is_given_up(before: PaymentCode, after: PaymentCode) -> bool:
    """Whether DOKU is asked about the code no more, without its word."""
    return after.due_at is None and before.due_at is not None and not after.paid_at


def _finding(before: PaymentCode, after: PaymentCode) -> Finding:
    if after.status is before.status:
        return Finding.UNCHANGED
    return {Status.EXPIRED: Finding.EXPIRED, Status.FAILED: Finding.FAILED}.get(
        after.status, Finding.UNCHANGED
    )
