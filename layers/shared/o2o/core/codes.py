"""The payment code and its life cycle: one transition table."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any

from o2o.core.channels import Channel, Feature
from o2o.core.errors import IllegalMove, Obstacle
from o2o.core.resolutions import Resolution
from o2o.core.storefronts import to_invoice_number, to_order_number
from o2o.core.timetable import Retention, Timetable


class Status(StrEnum):
    """Where a payment code is in its life."""

    REQUESTED = "requested"
    ACTIVE = "active"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Move(StrEnum):
    """What can happen to a payment code."""

    ACTIVATE = "activate"
    FAIL = "fail"
    PAY = "pay"
    PAY_REUSABLE = "pay_reusable"
    PAY_ENDED = "pay_ended"
    """A payment of a code that had ended here."""
    EXPIRE = "expire"
    CANCEL = "cancel"
    INQUIRE = "inquire"
    """DOKU asked about a code that lives here, and got the answer that it can be paid."""
    REFUND = "refund"
    """DOKU says that the money went back to the customer."""
    RECORD = "record"
    """A payment that does not change the status: another one, or one that does not match."""
    WAIT = "wait"
    """Only the instant of the next look changes."""
    REPLACE = "replace"
    """Another code stands in for one that has ended."""
    RESOLVE = "resolve"
    """A person says what was done about a payment of it."""
    FORGET = "forget"
    """What need not be kept of a code that has ended goes: personal data first, DOKU's messages
    later."""


TRANSITIONS: dict[tuple[Status, Move], Status] = {
    (Status.REQUESTED, Move.ACTIVATE): Status.ACTIVE,
    (Status.REQUESTED, Move.FAIL): Status.FAILED,
    # The notification overtook DOKU's answer.
    (Status.REQUESTED, Move.PAY): Status.PAID,
    (Status.REQUESTED, Move.PAY_REUSABLE): Status.ACTIVE,
    (Status.ACTIVE, Move.PAY): Status.PAID,
    (Status.ACTIVE, Move.PAY_REUSABLE): Status.ACTIVE,
    (Status.ACTIVE, Move.EXPIRE): Status.EXPIRED,
    (Status.ACTIVE, Move.INQUIRE): Status.ACTIVE,
    (Status.ACTIVE, Move.CANCEL): Status.CANCELLED,
    # Its customer never saw digits, and may want another channel while DOKU hangs.
    (Status.REQUESTED, Move.CANCEL): Status.CANCELLED,
    # Real money is never refused.
    (Status.EXPIRED, Move.PAY_ENDED): Status.PAID,
    (Status.CANCELLED, Move.PAY_ENDED): Status.PAID,
    (Status.FAILED, Move.PAY_ENDED): Status.PAID,
    **{(status, Move.RECORD): status for status in Status},
    **{(status, Move.REFUND): status for status in Status},
    **{(status, Move.RESOLVE): status for status in Status},
    **{
        (status, Move.REPLACE): status
        for status in (Status.EXPIRED, Status.CANCELLED, Status.FAILED)
    },
    **{(status, Move.WAIT): status for status in Status if status is not Status.PAID},
    **{(status, Move.FORGET): status for status in Status},
}
"""The whole life cycle. What is not here can't happen."""

_IN_WORDS = {Move.CANCEL: "be cancelled", Move.REPLACE: "be replaced"}
"""The moves that storefronts ask for, as an error message names them."""


TILL_SESSION = timedelta(minutes=10)
"""How long after an inquiry a cashier may still take the money: our guess, on the safe side."""

LONGEST_LIFE = timedelta(days=31)
"""A day more than the template's ``max_expiry_minutes``."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""DOKU's clock and ours, or those of two functions, may differ by this much: it means nothing."""

_TILL_IS_AWAITED = TILL_SESSION + CLOCKS_DIFFER

_UNPAYABLE = (Status.EXPIRED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Customer:
    """Who pays. Personal data: kept out of every ``repr``, so out of every log."""

    name: str = field(repr=False)
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the store prints for the customer."""

    description: str | None = None
    footer: str | None = None


NO_RECEIPT = Receipt()


@dataclass(frozen=True, slots=True)
class Intent:
    """The request to DOKU, as it was first and will always be sent: the same id, the same bytes."""

    request_id: str
    body: str = field(repr=False)
    obstacle: Obstacle | None = field(default=None, compare=False)
    """Why DOKU's answer is missing, as of the last send."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a code failed: ``refused`` by DOKU, or ``unknown`` to DOKU when its time was over."""

    reason: str
    message: str | None = None
    doku_code: str | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """DOKU's first word that the money went back. ``amount`` is missing where DOKU names none."""

    recorded_at: datetime
    amount: Decimal | None = None


class PaymentKind(StrEnum):
    """What a payment is to its code."""

    PAID = "paid"
    PAID_LATE = "paid_late"
    PAID_AGAIN = "paid_again"
    AMOUNT_MISMATCH = "amount_mismatch"
    DIGITS_MISMATCH = "digits_mismatch"

    @property
    def matches(self) -> bool:
        """Whether the payment is of the code's amount and digits."""
        return self not in (PaymentKind.AMOUNT_MISMATCH, PaymentKind.DIGITS_MISMATCH)


class Doubt(StrEnum):
    """What a person must look at, because nobody can know it from DOKU's messages."""

    MAY_BE_KNOWN = "may_be_known"
    """It may be a payment that is on record already."""
    MAY_BE_TWO = "may_be_two"
    """Two tills may each have taken the money."""
    TELLINGS_DISAGREE = "tellings_disagree"
    """DOKU's messages about it name different amounts or digits."""
    DATED_BEFORE_CODE = "dated_before_code"
    """DOKU dates it before its code was made."""


class Source(StrEnum):
    """How we learnt of a payment."""

    NOTIFICATION = "notification"
    STATUS_CHECK = "status_check"
    SETTLEMENT = "settlement"
    """A line of DOKU's settlement report (decision 0100)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMark:
    """What the code's item remembers of the payment that was news last: what its event tells.

    Marks that are older than ``recorded_at`` and ``source`` lack them.
    """

    number: int = 0
    identity: str = ""
    kind: PaymentKind
    amount: Decimal
    currency: str | None = None
    paid_at: datetime
    had_ended: bool = False
    doubts: tuple[Doubt, ...] = ()
    receipt_number: str | None = None
    store_id: str | None = None
    first_paid: str | None = None
    """Of a further payment: the invoice number that was paid first."""
    recorded_at: datetime | None = None
    """When we learnt of it."""
    source: Source | None = None
    agent_id: str | None = None

    @property
    def payment_id(self) -> str:
        """Tells the payment from the other ones of its code."""
        return str(self.number) if self.number else self.identity


@dataclass(frozen=True, slots=True)
class ResolvedPayment:
    """A payment that a person resolved. ``number`` counts the resolutions of it, from 1."""

    number: int
    payment: PaymentMark
    resolution: Resolution

    def is_same(self, other: "ResolvedPayment | None") -> bool:
        """Whether it is this very resolution, with its note or without."""
        return other is not None and (self.payment.number, self.payment.identity, self.number) == (
            other.payment.number,
            other.payment.identity,
            other.number,
        )

    def without_note(self) -> "ResolvedPayment":
        """The same without what people wrote about it."""
        return replace(self, resolution=self.resolution.without_note())


@dataclass(frozen=True, slots=True)
class DokuCode:
    """DOKU's answer to a request for a code."""

    payment_code: str = field(repr=False)
    expires_at: datetime | None = None
    how_to_pay_page: str | None = None
    how_to_pay_api: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCode:
    """A payment code's whole state. Instants are aware UTC, amounts whole rupiah.

    ``version`` counts the changes and is the storefront's ``sequence``; ``due_at`` is the
    instant of the next look, None for a code at rest, which is only forgotten (``forget_at``);
    ``fingerprint`` decides whether a repeated request is the same request; ``metadata`` is the
    storefront's own JSON text.
    ``invoice_number`` is the storefront's own; ``replaces`` and ``replaced_by`` are order numbers.
    """

    invoice_number: str
    storefront_id: str
    channel: Channel
    feature: Feature
    bin: str | None
    amount: int
    reusable: bool
    customer: Customer | None
    """None once it was forgotten."""
    created_at: datetime
    expires_at: datetime
    fingerprint: str
    info: str | None = None
    receipt: Receipt = NO_RECEIPT
    metadata: str | None = field(default=None, repr=False)
    status: Status = Status.REQUESTED
    version: int = 1
    due_at: datetime | None = None
    intent: Intent | None = None
    payment_code: str | None = field(default=None, repr=False)
    how_to_pay_page: str | None = None
    how_to_pay_api: str | None = None
    pay_url: str | None = field(default=None, repr=False)
    """The customer's page; its address is the permission to see it."""
    asked_until: datetime | None = None
    """The expiry that was asked for, where DOKU takes the money for longer, as after a repeat."""
    activated_at: datetime | None = None
    paid_at: datetime | None = None
    ended_at: datetime | None = None
    """When it expired, was cancelled or failed."""
    cancelled_at: datetime | None = None
    late: bool = False
    """It was paid after its deadline, or after it was cancelled, by DOKU's date."""
    had_ended: bool = False
    """It had ended here when its payment became known."""
    unconfirmed: bool = False
    """It ended, and DOKU never confirmed that it was not paid."""
    disputed: bool = False
    """DOKU said that it was paid, and what DOKU said did not pay it; see ``is_disputed``."""
    failure: Failure | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    inquired_at: datetime | None = None
    """When DOKU was last told that the code can be paid (DIPC)."""
    refund: Refund | None = None
    payments: int = 0
    last_payment: PaymentMark | None = None
    last_resolution: ResolvedPayment | None = None
    """The payment that was resolved last."""
    namespace: str | None = None
    """Its storefront's."""
    forgotten_at: datetime | None = None
    """When all that is personal went from it."""
    evidence_forgotten_at: datetime | None = None
    """When DOKU's messages about its payments went; None again once it changes after that."""
    digits_sha256: str | None = field(default=None, repr=False)
    """Of a forgotten code: enough to tell whether digits were its own."""

    @property
    def order_number(self) -> str:
        """What DOKU knows it by; unique in the stack."""
        return to_order_number(self.namespace, self.invoice_number)

    def to_invoice_number(self, order_number: str) -> str:
        """The storefront's own number of another code in the chain."""
        return to_invoice_number(self.namespace, order_number)

    def move(self, move: Move, **changes: Any) -> "PaymentCode":
        """The code after a move, one version on. Raises IllegalMove if the table lacks it."""
        status = TRANSITIONS.get((self.status, move))
        if status is None:
            raise IllegalMove(
                f"a payment code that is {self.status} can't {_IN_WORDS.get(move, move)}"
            )
        if self.forgotten_at is not None:
            # A late payment names the digits; what was forgotten does not come back. Its evidence
            # is new, and goes in its own time.
            changes.pop("payment_code", None)
            changes.setdefault("evidence_forgotten_at", None)
        return replace(self, status=status, version=self.version + 1, **changes)

    @property
    def merchant_made(self) -> bool:
        """Whether the digits were made here, so that they must be claimed."""
        return self.feature is not Feature.DGPC

    def is_its_own(self, recorded_at: datetime) -> bool:
        """Whether what was recorded at an instant under its number can be about this code.

        Version 0.1 let payments outlive their code, by days; whoever recorded one of this code's
        may only have a clock that is behind.
        """
        return recorded_at >= self.created_at - CLOCKS_DIFFER

    @property
    def unique_part(self) -> str | None:
        """What stands behind the BIN, of digits that were made here."""
        if not self.merchant_made or self.payment_code is None or self.bin is None:
            return None
        return self.payment_code.removeprefix(self.bin)

    def has_other_digits(self, payment_code: str | None) -> bool:
        """Whether these are certainly not its digits, where both are known."""
        if payment_code is None:
            return False
        if self.digits_sha256 is not None:
            return self.digits_sha256 != self._digits_sha256(payment_code)
        return self.payment_code is not None and self.payment_code != payment_code

    def _digits_sha256(self, payment_code: str) -> str:
        return sha256(f"{self.order_number} {payment_code}".encode()).hexdigest()

    def holds_digits(self, now: datetime) -> bool:
        """Whether no other code may have its digits.

        A code that has let them go never takes them back. One that is registered at DOKU
        can be paid there until it expires, cancelled or not.
        """
        if self.is_open:
            return True
        lives_at_doku = self.feature is Feature.MGPC and self.status is Status.CANCELLED
        return lives_at_doku and now < self.expires_at

    @property
    def stops_payment(self) -> bool:
        """Whether a code that has ended can certainly not be paid any more.

        Only codes that live here are stopped by us, unless shortly before a till got the answer
        that it may take the money (decision 0022).
        """
        if self.feature is not Feature.DIPC or self.status not in _UNPAYABLE or not self.ended_at:
            return False
        return self.inquired_at is None or self.ended_at - self.inquired_at > TILL_SESSION

    @property
    def deadline(self) -> datetime:
        """A payment after this instant is late: its expiry, or its cancellation before."""
        cancelled_at = self.cancelled_at
        if cancelled_at is None and self.status is Status.CANCELLED:
            cancelled_at = self.ended_at
        return min(self.expiry, cancelled_at or self.expiry)

    @property
    def expiry(self) -> datetime:
        """Until when the customer should pay. Until ``expires_at`` DOKU takes the money."""
        return self.asked_until or self.expires_at

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for its next look, which then stands behind no other work.

        A storefront that got no digits, or a till that took the money, perhaps. What was never
        changed is being asked of DOKU at this very moment.
        """
        if self.due_at is None:
            return False
        if self.status is Status.REQUESTED:
            return self.version > 1
        inquired_at = self.unpaid_inquiry_at
        return inquired_at is not None and self.due_at <= inquired_at + _TILL_IS_AWAITED

    @property
    def unpaid_inquiry_at(self) -> datetime | None:
        """When a till was last told that it may take the money, if no payment since is known.

        Its date decides, in DOKU's whole seconds: what is recorded since may be the retry of an
        earlier one.
        """
        last, asked_at = self.last_payment, self.inquired_at
        if last is None or asked_at is None:
            return asked_at
        since = last.paid_at >= asked_at.replace(microsecond=0)
        return None if since and (last.recorded_at or last.paid_at) >= asked_at else asked_at

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is asked about it any more by itself."""
        return self.due_at is None

    @property
    def is_final(self) -> bool:
        """Whether it has ended, and nothing is asked about it any more by itself."""
        return not self.is_open and self.is_at_rest

    @property
    def is_disputed(self) -> bool:
        """DOKU said that it was paid, and no payment on record pays it: it never expires."""
        return self.disputed and self.paid_at is None

    @property
    def payments_complete(self) -> bool:
        """Whether the recorded payments are certainly all that there are (decision 0047).

        A notification may be lost, and a status check shows one payment, never how many. That
        there was none is known after the last look; that there was one and no more, only of a
        code that DOKU registered for one payment.
        """
        if self.unconfirmed or self.disputed:
            return False
        # What went back was paid before; and one record may be two payments.
        doubts = self.last_payment.doubts if self.last_payment else ()
        if (self.refund and not self.payments) or Doubt.MAY_BE_TWO in doubts:
            return False
        if self.status is not Status.PAID and not self.is_final:
            return False
        registered_for_one = not self.reusable and self.feature is not Feature.DIPC
        return self.payments == 0 or (self.payments == 1 and registered_for_one)

    def with_digits(self, payment_code: str) -> "PaymentCode":
        """A new code with digits that were made here."""
        return replace(self, payment_code=payment_code)

    def activate_here(self) -> "PaymentCode":
        """A new code that lives here, and needs no answer of DOKU's."""
        return replace(self, status=Status.ACTIVE, activated_at=self.created_at)

    def with_intent(self, intent: Intent) -> "PaymentCode":
        """A new code with the request to DOKU that will be sent for it."""
        return replace(self, intent=intent)

    def activate(self, answer: DokuCode, *, now: datetime, timetable: Timetable) -> "PaymentCode":
        """DOKU made the code. The intent's bytes have done their work."""
        expires_at = answer.expires_at or self.expires_at
        runs_longer = expires_at > self.expires_at + CLOCKS_DIFFER
        return self.move(
            Move.ACTIVATE,
            payment_code=answer.payment_code,
            expires_at=expires_at,
            asked_until=self.expires_at if runs_longer else None,
            how_to_pay_page=answer.how_to_pay_page,
            how_to_pay_api=answer.how_to_pay_api,
            activated_at=now,
            due_at=timetable.after_activation(self._looks_from(now, timetable), expires_at, now),
            intent=None,
        )

    def _looks_from(self, activated_at: datetime, timetable: Timetable) -> datetime:
        """From when its looks count: its creation, if the first request brought its digits.

        So the answer need not move the look that it has from the start (decision 0094).
        """
        at_once = activated_at < self.created_at + timetable.requested[0]
        return self.created_at if at_once else activated_at

    def fail(
        self,
        failure: Failure,
        *,
        now: datetime,
        look_again_at: datetime | None,
        unconfirmed: bool = False,
    ) -> "PaymentCode":
        """There is no such code at DOKU, as far as we can know."""
        return self.move(
            Move.FAIL,
            failure=failure,
            ended_at=now,
            due_at=look_again_at,
            unconfirmed=unconfirmed,
            intent=None,
        )

    def expire(
        self, *, now: datetime, timetable: Timetable, unconfirmed: bool = False
    ) -> "PaymentCode":
        """The code was not paid in time."""
        return self.move(
            Move.EXPIRE,
            ended_at=now,
            unconfirmed=unconfirmed,
            due_at=timetable.after_end([max(now, self.expires_at)], now, self.unpaid_inquiry_at),
        )

    def cancel(self, *, now: datetime, timetable: Timetable) -> "PaymentCode":
        """The storefront no longer wants the code; at DOKU it lives on until its expiry."""
        return self.move(
            Move.CANCEL,
            ended_at=now,
            cancelled_at=now,
            due_at=timetable.after_end([now, self.expires_at], now, self.unpaid_inquiry_at),
            intent=None,
        )

    def supersede(self, successor: str, *, now: datetime, timetable: Timetable) -> "PaymentCode":
        """Another code replaces this one. Raises IllegalMove if it has been paid."""
        code = (
            self.cancel(now=now, timetable=timetable) if self.is_open else self.move(Move.REPLACE)
        )
        return replace(code, replaced_by=successor)

    def inquire(self, now: datetime, *, timetable: Timetable) -> "PaymentCode":
        """DOKU gets the answer that the code can be paid: soon see whether it was.

        A look that is due sooner stays, so that a till that asks again puts none off.
        """
        code = self.move(Move.INQUIRE, inquired_at=now)
        look = code.next_look(now=now, timetable=timetable)
        return replace(code, due_at=min(self.due_at or look, look))

    def refunded(self, refund: Refund) -> "PaymentCode | None":
        """DOKU gave the money back; None if that is known."""
        return None if self.refund else self.move(Move.REFUND, refund=refund)

    def resolve(self, resolved: ResolvedPayment) -> "PaymentCode":
        """A payment of it was resolved. It brings no message, so there is none to forget."""
        return self.move(
            Move.RESOLVE,
            last_resolution=resolved,
            evidence_forgotten_at=self.evidence_forgotten_at,
        )

    def wait(self, due_at: datetime | None, **learnt: Any) -> "PaymentCode":
        """Nothing happened; look again then, or never. ``learnt`` is what DOKU's word changed."""
        return self.move(Move.WAIT, due_at=due_at, **learnt)

    @property
    def obstacle(self) -> Obstacle | None:
        """Why DOKU's answer about a requested code is missing, once a send of it failed."""
        return self.intent.obstacle if self.intent else None

    @property
    def was_made_at_doku(self) -> bool:
        """Whether DOKU has given us digits, or taken ours: it can't know nothing of the code."""
        return self.activated_at is not None and self.feature is not Feature.DIPC

    @property
    def is_open(self) -> bool:
        """Whether DOKU's answer or a payment is still expected."""
        return self.status in (Status.REQUESTED, Status.ACTIVE)

    @property
    def lives(self) -> bool:
        """Whether it is open, and was not left to a person."""
        return self.is_open and not self.is_at_rest

    def forget_at(self, retention: Retention) -> datetime | None:
        """When what need not be kept goes from a code at rest; None: nothing more will.

        At rest is a final code, and one that was left to a person. Counted from instants of our
        own clock: DOKU's date of a payment may be any.
        """
        if not self.is_at_rest:
            return None
        learnt_at = self._learnt_at
        if self.forgotten_at is None:
            ends = [self.ended_at, learnt_at, None if self.paid_at else self.expires_at]
            return max(end for end in (self.created_at, *ends) if end) + retention.codes
        if learnt_at is None or self.evidence_forgotten_at is not None:
            return None
        return max(self.forgotten_at, learnt_at + retention.evidence)

    @property
    def _learnt_at(self) -> datetime | None:
        """When we learnt of its newest payment."""
        if self.last_payment is None:
            return None
        # Old marks lack it; the store's date in them is no substitute, it may be any.
        return self.last_payment.recorded_at or self.ended_at or self.created_at

    def forget(self, now: datetime) -> "PaymentCode":
        """A code without all that is personal.

        What stays is what a message about it could need: numbers, storefront, amount, status,
        the digits' hash, its payments, and its next look, if it is still to come. Raises
        IllegalMove for a code that lives: DOKU is sent its intent, and tills its digits.
        """
        if self.lives:
            raise IllegalMove(
                f"a payment code that is {self.status} can't be forgotten: cancel it first, or"
                f" wait until it has ended, after {self.expires_at:%Y-%m-%d %H:%M} UTC"
            )
        digits = self.payment_code
        return self.without_note().move(
            Move.FORGET,
            forgotten_at=now,
            customer=None,
            digits_sha256=digits and self._digits_sha256(digits),
            info=None,
            receipt=NO_RECEIPT,
            metadata=None,
            intent=None,
            how_to_pay_page=None,
            how_to_pay_api=None,
            pay_url=None,
            payment_code=None,
        )

    def without_note(self) -> "PaymentCode":
        """The code without what people wrote about the last resolution of a payment of it."""
        resolved = self.last_resolution
        return replace(self, last_resolution=resolved and resolved.without_note())

    def forget_evidence(self, now: datetime) -> "PaymentCode":
        """A forgotten code whose payments have lost DOKU's messages, too, and their notes."""
        return self.without_note().move(Move.FORGET, evidence_forgotten_at=now)

    def next_look(self, *, now: datetime, timetable: Timetable) -> datetime:
        """When an active code is next looked at."""
        since = self._looks_from(self.activated_at or self.created_at, timetable)
        return timetable.after_activation(since, self.expires_at, now, self.unpaid_inquiry_at)

    def next_look_after_end(self, *, now: datetime, timetable: Timetable) -> datetime | None:
        """When an ended code is next looked at, or None: it is final."""
        if self.ended_at is None:
            return None
        ends = [max(self.ended_at, self.expires_at)]
        if self.status is Status.CANCELLED:
            ends.append(self.ended_at)
        return timetable.after_end(ends, now, self.unpaid_inquiry_at)
