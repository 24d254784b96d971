"""What becomes of a code after DOKU's answer: code, answer and now in, code out.

Every function returns None where the code stays as it is. Whether a code activates, fails,
expires or waits because of what DOKU said, or did not say, is decided here and nowhere else.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from o2o.core.codes import DokuCode, Failure, PaymentCode, Status
from o2o.core.errors import Obstacle
from o2o.core.notifications import OrderState
from o2o.core.timetable import Timetable

SILENCE = timedelta(days=7)
"""How long a code's last look is put off while DOKU can't be asked; then a person takes over."""

_NOT_PAID = (OrderState.PENDING, OrderState.EXPIRED, OrderState.FAILED)


def after_digits(
    code: PaymentCode, answer: DokuCode, *, now: datetime, timetable: Timetable
) -> PaymentCode | None:
    """DOKU made the code, unless something overtook its answer."""
    if code.status is not Status.REQUESTED:
        return None
    return code.activate(answer, now=now, timetable=timetable)


def after_asking_again(
    code: PaymentCode, *, now: datetime, timetable: Timetable
) -> PaymentCode | None:
    """Its storefront asks again for a code whose answer is missing, and nothing will look soon.

    Whoever sent the request died before it could note that no answer came.
    """
    if code.status is not Status.REQUESTED or now < code.created_at + timetable.requested[0]:
        return None
    soon = timetable.after_request(code.created_at, code.expires_at, now)
    return code.wait(soon) if code.due_at is not None and soon < code.due_at else None


def before_repeat(code: PaymentCode, *, now: datetime, timetable: Timetable) -> PaymentCode | None:
    """The request goes out again, perhaps while its first send is still under way.

    Noted on the code, so that whoever sent it first sees that theirs was not the only one. By
    the first look of the timetable no first send is under way any more.
    """
    if code.status is not Status.REQUESTED or now >= code.created_at + timetable.requested[0]:
        return None
    return code.wait(code.due_at)


def after_first_refusal(
    code: PaymentCode, sent: PaymentCode, failure: Failure, *, now: datetime
) -> PaymentCode | None:
    """DOKU refused the first request for the code, so that it never came to be.

    If anything happened to the code since it was ``sent``, the refusal proves nothing, and
    neither does that of a repeat: there is no such function for it (decisions 0032, 0040).
    """
    if code.version != sent.version:
        return None
    return code.fail(failure, now=now, look_again_at=None)


def after_status(
    code: PaymentCode, state: OrderState, *, now: datetime, timetable: Timetable
) -> PaymentCode | None:
    """DOKU said what it knows of the order, and that did not pay the code."""
    if code.status is Status.PAID:
        return None
    confirms = _confirms(code, state)
    if code.is_open and now < code.expires_at and state is not OrderState.EXPIRED:
        return _wait(code, _look_before_expiry(code, now, timetable))
    if not confirms and state not in (OrderState.SUCCESS, OrderState.REFUNDED):
        # DOKU contradicts itself, or says what nobody understands.
        return after_silence(code, now=now, timetable=timetable)
    if not code.is_open:
        look = code.next_look_after_end(now=now, timetable=timetable)
        return _wait(code, look, unconfirmed=code.unconfirmed and not confirms)
    if code.is_disputed:
        return after_dispute(code, now=now, timetable=timetable)
    return _end(code, state, now, timetable)


def after_dispute(
    code: PaymentCode, *, now: datetime, timetable: Timetable, readable: bool = True
) -> PaymentCode | None:
    """DOKU said that the code was paid, and what it said does not pay it.

    Another amount, or one that can't be read: never expired from then on, whatever DOKU says
    next, and left to a person (decisions 0009, 0041). What can't be read today may be readable
    tomorrow, so DOKU is asked for as long as one that says nothing. A reusable code that has
    been paid goes on as if DOKU had told of that payment, or said nothing.
    """
    if code.status is Status.PAID:
        return None
    if code.paid_at is not None and readable:
        return after_status(code, OrderState.SUCCESS, now=now, timetable=timetable)
    if code.paid_at is not None:
        return after_silence(code, now=now, timetable=timetable)
    if code.is_open and now < code.expires_at:
        return _wait(code, _look_before_expiry(code, now, timetable), disputed=True)
    if not readable:
        look = _until_given_up(code, now, timetable)
    elif code.is_open:
        look = timetable.after_end([code.expires_at], now)
    else:
        look = code.next_look_after_end(now=now, timetable=timetable)
    return _wait(code, look, disputed=code.disputed or code.is_open)


def after_silence(
    code: PaymentCode, *, now: datetime, timetable: Timetable, obstacle: Obstacle | None = None
) -> PaymentCode | None:
    """DOKU said nothing that counts: put off what would be a guess, but not forever.

    An open code ends by guess once its expiry is ``timetable.guess`` ago, unless DOKU ever said
    that money was taken. ``obstacle`` is why the answer to a request is missing.
    """
    if code.status is Status.PAID or code.due_at is None:
        return None
    if code.is_open and now < code.expires_at:
        return _wait(code, _soon(code, now, timetable), **_noted(code, obstacle))
    money_was_taken = code.is_disputed or (code.payments and code.paid_at is None)
    if money_was_taken or not code.is_open:
        look = _until_given_up(code, now, timetable)
        is_left = code.is_open and look is None
        return _wait(code, look, disputed=code.disputed or is_left)
    guess_at = code.expires_at + timetable.guess
    if now < guess_at:
        return _wait(code, min(timetable.while_unreachable(code.expires_at, now), guess_at))
    if code.status is Status.REQUESTED:
        return _fail_unknown(code, now, timetable, unconfirmed=True)
    return code.expire(now=now, timetable=timetable, unconfirmed=True)


def _confirms(code: PaymentCode, state: OrderState) -> bool:
    """Whether DOKU's word agrees with what is on record: unpaid, or paid as we know.

    That it knows no such order is a contradiction where it made the code itself. Of a reusable
    code that was paid it goes on saying so.
    """
    if state is OrderState.SUCCESS:
        return code.paid_at is not None
    return state in _NOT_PAID or (state is OrderState.UNKNOWN and not code.was_made_at_doku)


def _look_before_expiry(code: PaymentCode, now: datetime, timetable: Timetable) -> datetime:
    if code.status is Status.REQUESTED:
        return timetable.after_request(code.created_at, code.expires_at, now)
    return code.next_look(now=now, timetable=timetable)


def _soon(code: PaymentCode, now: datetime, timetable: Timetable) -> datetime:
    """The next try for an open code; an active one is not left for hours."""
    look = _look_before_expiry(code, now, timetable)
    if code.status is Status.REQUESTED:
        return look
    return min(look, now + timetable.active[0])


def _until_given_up(code: PaymentCode, now: datetime, timetable: Timetable) -> datetime | None:
    """The next try for a code whose time is over, or None: it is left to a person."""
    since = code.ended_at or code.expires_at
    last_look = max(since, code.expires_at) + max(timetable.look_again)
    look = timetable.once_over(since, now)
    return look if look <= last_look + SILENCE else None


def _noted(code: PaymentCode, obstacle: Obstacle | None) -> dict[str, Any]:
    if code.intent is None or obstacle is None:
        return {}
    return {"intent": replace(code.intent, obstacle=obstacle)}


def _end(
    code: PaymentCode, state: OrderState, now: datetime, timetable: Timetable
) -> PaymentCode | None:
    """An open code's time is over, and DOKU says that it was not paid."""
    if code.status is Status.REQUESTED:
        return _fail_unknown(code, now, timetable)
    closes_at = code.expires_at + timetable.grace
    if now < closes_at and state is not OrderState.EXPIRED:
        return _wait(code, closes_at)
    return code.expire(now=now, timetable=timetable)


def _fail_unknown(
    code: PaymentCode, now: datetime, timetable: Timetable, *, unconfirmed: bool = False
) -> PaymentCode:
    why = f": {code.obstacle}" if code.obstacle else ""
    return code.fail(
        Failure("unknown", f"DOKU did not confirm the code in time{why}"),
        now=now,
        look_again_at=timetable.after_end([now], now),
        unconfirmed=unconfirmed,
    )


def _wait(code: PaymentCode, due_at: datetime | None, **learnt: Any) -> PaymentCode | None:
    waiting = code.wait(due_at, **learnt)
    is_news = replace(waiting, version=code.version) != code or waiting.obstacle != code.obstacle
    return waiting if is_news else None
