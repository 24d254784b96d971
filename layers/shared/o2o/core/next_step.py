"""What becomes of a code after DOKU's answer: code, answer and now in, code out.

Every function returns None where the code stays as it is. Whether a code activates, fails,
expires or waits because of what DOKU said, or did not say, is decided here and nowhere else.
"""

from datetime import datetime

from o2o.core.codes import DokuCode, Failure, PaymentCode, Status
from o2o.core.notifications import OrderState
from o2o.core.timetable import Timetable


def after_digits(
    code: PaymentCode, answer: DokuCode, *, now: datetime, timetable: Timetable
) -> PaymentCode | None:
    """DOKU made the code, unless something overtook its answer."""
    if code.status is not Status.REQUESTED:
        return None
    return code.activate(answer, now=now, timetable=timetable)


def after_first_refusal(
    code: PaymentCode, failure: Failure, *, now: datetime
) -> PaymentCode | None:
    """DOKU refused the first request for the code, so that it never came to be.

    The refusal of a repeat proves nothing: there is no such function for it (decision 0032).
    """
    if code.status is not Status.REQUESTED:
        return None
    return code.fail(failure, now=now, look_again_at=None)


def after_status(
    code: PaymentCode, state: OrderState, *, now: datetime, timetable: Timetable
) -> PaymentCode | None:
    """DOKU said what it knows of the order, and that did not pay the code."""
    match code.status:
        case Status.PAID:
            return None
        case Status.REQUESTED:
            if now < code.expires_at:
                due_at = timetable.after_request(code.created_at, code.expires_at, now)
                return _wait(code, due_at)
            return _fail_unknown(code, now, timetable)
        case Status.ACTIVE:
            return _active(code, state, now, timetable)
        case _:
            return _wait(code, code.next_look_after_end(now=now, timetable=timetable))


def after_silence(code: PaymentCode, *, now: datetime, timetable: Timetable) -> PaymentCode | None:
    """DOKU could not be asked: put off what would be a guess, but not forever.

    An open code ends by guess once its expiry is ``timetable.guess`` ago.
    """
    if code.status is Status.PAID:
        return None
    if not code.is_open:
        return _wait(code, timetable.while_unreachable(code.ended_at or now, now))
    if now < code.expires_at:
        return _wait(code, _soon(code, now, timetable))
    guess_at = code.expires_at + timetable.guess
    if now < guess_at:
        return _wait(code, min(timetable.while_unreachable(code.expires_at, now), guess_at))
    if code.status is Status.REQUESTED:
        return _fail_unknown(code, now, timetable)
    return code.expire(now=now, timetable=timetable)


def _active(
    code: PaymentCode, state: OrderState, now: datetime, timetable: Timetable
) -> PaymentCode | None:
    if state is OrderState.EXPIRED:
        return code.expire(now=now, timetable=timetable)
    if now < code.expires_at:
        return _wait(code, code.next_look(now=now, timetable=timetable))
    if state is OrderState.SUCCESS and not code.reusable:
        # Paid, but not this amount: never expired, and left to the operator (decision 0009).
        return _wait(code, timetable.after_end([code.expires_at], now))
    closes_at = code.expires_at + timetable.grace
    if now < closes_at:
        return _wait(code, closes_at)
    return code.expire(now=now, timetable=timetable)


def _soon(code: PaymentCode, now: datetime, timetable: Timetable) -> datetime:
    """The next try for an open code; an active one is not left for hours."""
    if code.status is Status.REQUESTED:
        return timetable.after_request(code.created_at, code.expires_at, now)
    return min(code.next_look(now=now, timetable=timetable), now + timetable.active[0])


def _fail_unknown(code: PaymentCode, now: datetime, timetable: Timetable) -> PaymentCode:
    return code.fail(
        Failure("unknown", "DOKU did not confirm the code in time"),
        now=now,
        look_again_at=timetable.after_end([now], now),
    )


def _wait(code: PaymentCode, due_at: datetime | None) -> PaymentCode | None:
    return None if due_at == code.due_at else code.wait(due_at)
