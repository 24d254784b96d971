"""Events: what storefronts get, derived from a change alone.

Two images of a code, before and after one write, are all that it takes: the same change always
makes the same events with the same ids, however often it is looked at. What a code still tells of
its life makes them again, under the same ids (decision 0069).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from o2o.core.codes import PaymentCode, PaymentKind, PaymentMark, ResolvedPayment, Status
from o2o.core.resolutions import Resolution


class EventType(StrEnum):
    """What happened; the name that storefronts switch on (docs/webhooks.md)."""

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
    RESOLVED = "payment.resolved"
    BOOKS_CLOSED = "books.closed"
    """A day was closed, or closed again (``core.closed_days.BooksClosed``)."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a code. ``payment`` is the one that it reports, if any.

    ``resolution`` is what a person did about that payment. ``occurred_at`` is when the code
    changed, not when the event was derived.
    """

    event_id: str
    type: EventType
    occurred_at: datetime
    code: PaymentCode
    payment: PaymentMark | None = None
    resolution: Resolution | None = None

    @property
    def storefront_id(self) -> str:
        """Whose event it is."""
        return self.code.storefront_id

    @property
    def invoice_number(self) -> str | None:
        """Of which code."""
        return self.code.invoice_number

    @property
    def sequence(self) -> int:
        """Grows with every change of the code."""
        return self.code.version


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


OF_PAYMENTS = frozenset(_OF_PAYMENT.values())
"""The types that tell of a new payment."""

OF_ENDS = frozenset({EventType.EXPIRED, EventType.CANCELLED, EventType.FAILED})
"""The types that tell that a code has ended unpaid."""


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
    resolved = after.last_resolution
    if resolved and not (before and resolved.is_same(before.last_resolution)):
        found.append(_resolution_event(after, resolved))
    return found


def derive_story(
    code: PaymentCode,
    payments: Iterable[PaymentMark],
    resolved: Iterable[ResolvedPayment] = (),
) -> list[Event]:
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
    found += [_resolution_event(code, each) for each in resolved]
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


def payment_event_id(code: PaymentCode, number: int, kind: PaymentKind) -> str:
    """The id of the event of a code's payment: what its number and kind tell alone."""
    return _event_id(code, _OF_PAYMENT[kind], str(number))


def _resolution_event(code: PaymentCode, resolved: ResolvedPayment) -> Event:
    event = _event(
        EventType.RESOLVED, code, resolved.resolution.at, resolved.payment, resolved.number
    )
    return replace(event, resolution=resolved.resolution)


def _is_news(before: PaymentCode | None, payment: PaymentMark, after: PaymentCode) -> bool:
    """Whether the newest payment is new, or matches the code now and did not before."""
    if before is None or before.last_payment is None or after.payments > before.payments:
        return True
    former = before.last_payment
    return (former.number, former.kind.matches) != (payment.number, payment.kind.matches)


def possible_ids(code: PaymentCode, payments: Iterable[tuple[PaymentMark, int]]) -> Iterator[str]:
    """The ids of all events that there can be of a code and its payments.

    Each payment comes with how often it was resolved.
    """
    marks = list(payments)
    of_payment = OF_PAYMENTS | {EventType.RESOLVED}
    for kind in EventType:
        if kind not in of_payment:
            yield _event_id(code, kind)
        elif kind is not EventType.RESOLVED and one_of(kind) is kind:
            yield from (_event_id(code, kind, *_words(mark)) for mark, _ in marks)
    for mark, resolved in marks:
        for time in range(1, resolved + 1):
            yield _event_id(code, EventType.RESOLVED, *_words(mark, time))


def _event(
    kind: EventType,
    code: PaymentCode,
    occurred_at: datetime,
    payment: PaymentMark | None = None,
    time: int | None = None,
) -> Event:
    words = _words(payment, time) if payment else []
    return Event(_event_id(code, kind, *words), kind, occurred_at, code, payment)


def _words(payment: PaymentMark, time: int | None = None) -> list[str]:
    # What happens once to a payment, or for the nth time.
    return [str(payment.number), *([f"{payment.identity} {time}"] if time else [])]


def _event_id(code: PaymentCode, kind: EventType, *what: str) -> str:
    # What happens once in a code's life, or as often as ``what`` tells apart. With the creation,
    # because version 0.1 let an invoice number come round.
    return event_id_of(code.order_number, code.created_at.isoformat(), one_of(kind), *what)


def event_id_of(*what: str) -> str:
    """The id of what happened: the same words are always the same id."""
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
