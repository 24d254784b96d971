"""Events: what storefronts get, derived from a code's change alone.

Two images of a code, before and after one write, are all that it takes: the same change always
makes the same events with the same ids, however often it is looked at. What a code still tells of
its life makes them again, under the same ids (decision 0069).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from o2o.core.codes import PaymentCode, PaymentKind, PaymentMark, Status


class EventType(StrEnum):
    """What happened to a payment code; the name that storefronts switch on (docs/webhooks.md)."""

    ACTIVATED = "payment_code.activated"
    PAID = "payment_code.paid"
    PAID_LATE = "payment_code.paid_late"
    PAID_AGAIN = "payment_code.paid_again"
    AMOUNT_MISMATCH = "payment_code.amount_mismatch"
    DIGITS_MISMATCH = "payment_code.digits_mismatch"
    EXPIRED = "payment_code.expired"
    CANCELLED = "payment_code.cancelled"
    FAILED = "payment_code.failed"
    REFUNDED = "payment.refunded"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a code. ``payment`` is the one that it reports, if any.

    ``occurred_at`` is when the code changed, not when the event was derived.
    """

    event_id: str
    type: EventType
    occurred_at: datetime
    code: PaymentCode
    payment: PaymentMark | None = None


_OF_PAYMENT = {
    PaymentKind.PAID: EventType.PAID,
    PaymentKind.PAID_LATE: EventType.PAID_LATE,
    PaymentKind.PAID_AGAIN: EventType.PAID_AGAIN,
    PaymentKind.AMOUNT_MISMATCH: EventType.AMOUNT_MISMATCH,
    PaymentKind.DIGITS_MISMATCH: EventType.DIGITS_MISMATCH,
}

_OF_STATUS = {
    Status.ACTIVE: EventType.ACTIVATED,
    Status.EXPIRED: EventType.EXPIRED,
    Status.CANCELLED: EventType.CANCELLED,
    Status.FAILED: EventType.FAILED,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One write of a code. ``before`` is None for a new code."""

    before: PaymentCode | None
    after: PaymentCode


def derive_events(change: Change) -> list[Event]:
    """The events of one write of a code, in their order."""
    before, after = change.before, change.after
    found: list[Event] = []
    if after.status in _OF_STATUS and (before is None or before.status is not after.status):
        found.append(_event(_OF_STATUS[after.status], after, _since(after)))
    payment = after.last_payment
    if payment and _is_news(before, payment, after):
        found.append(_payment_event(after, payment))
    if after.refund and (before is None or before.refund is None):
        found.append(_event(EventType.REFUNDED, after, after.refund.recorded_at))
    return found


def derive_story(code: PaymentCode, payments: Iterable[PaymentMark]) -> list[Event]:
    """The events of a code's life, as far as the code and its payments still tell them.

    They have the ids that the writes gave them, and show the code as it is now. A payment that
    came to match its code tells only that.
    """
    found = []
    if code.activated_at:
        found.append(_event(EventType.ACTIVATED, code, code.activated_at))
    if code.ended_at:
        found.append(_event(_end(code, code.ended_at), code, code.ended_at))
    found += [_payment_event(code, payment) for payment in payments]
    if code.refund:
        found.append(_event(EventType.REFUNDED, code, code.refund.recorded_at))
    return sorted(found, key=lambda event: event.occurred_at)


def _end(code: PaymentCode, ended_at: datetime) -> EventType:
    """How a code ended, whatever was paid since."""
    if code.status in _OF_STATUS:
        return _OF_STATUS[code.status]
    if code.failure:
        return EventType.FAILED
    # Codes of version 0.1 do not have cancelled_at.
    cancelled = code.cancelled_at is not None or ended_at < code.expires_at
    return EventType.CANCELLED if cancelled else EventType.EXPIRED


def _payment_event(code: PaymentCode, payment: PaymentMark) -> Event:
    return _event(_OF_PAYMENT[payment.kind], code, payment.recorded_at or payment.paid_at, payment)


def _is_news(before: PaymentCode | None, payment: PaymentMark, after: PaymentCode) -> bool:
    """Whether the newest payment is new, or matches the code now and did not before."""
    if before is None or before.last_payment is None or after.payments > before.payments:
        return True
    former = before.last_payment
    return (former.number, former.kind.matches) != (payment.number, payment.kind.matches)


def possible_ids(code: PaymentCode, payments: Iterable[int]) -> Iterator[str]:
    """The ids of all events that there can be of a code and of its payments, by their numbers."""
    numbers = list(payments)
    for kind in EventType:
        if kind not in _OF_PAYMENT.values():
            yield _event_id(kind, code)
        elif one_of(kind) is kind:
            yield from (_event_id(kind, code, number) for number in numbers)


def _event(
    kind: EventType, code: PaymentCode, occurred_at: datetime, payment: PaymentMark | None = None
) -> Event:
    event_id = _event_id(kind, code, payment.number if payment else None)
    return Event(event_id, kind, occurred_at, code, payment)


def _event_id(kind: EventType, code: PaymentCode, payment: int | None = None) -> str:
    # What happens once in a code's life, or once to a payment of it. With the creation, because
    # version 0.1 let an invoice number come round.
    what = [code.order_number, code.created_at.isoformat(), one_of(kind).value]
    what += [str(payment)] if payment is not None else []
    return f"evt_{sha256(chr(10).join(what).encode()).hexdigest()[:32]}"


def one_of(kind: EventType) -> EventType:
    """What an event tells, without what another message of DOKU's may change.

    Whether cash came late may be known only after the event of it went out.
    """
    return EventType.PAID if kind is EventType.PAID_LATE else kind


def _since(code: PaymentCode) -> datetime:
    """Since when the code has its status."""
    began = code.activated_at if code.status is Status.ACTIVE else code.ended_at
    return began or code.created_at
