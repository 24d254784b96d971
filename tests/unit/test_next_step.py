"""What becomes of a code after DOKU's answer, rule by rule."""

from datetime import timedelta

import pytest

from o2o.core import next_step
from o2o.core.codes import PaymentCode, Status
from o2o.core.notifications import OrderState
from tests.support.samples import at, make_code
from tests.support.world import TIMETABLE

EXPIRY = at(hours=3)
SECOND = timedelta(seconds=1)

SAYS_NOTHING_YET = sorted(
    {*OrderState} - {OrderState.EXPIRED, OrderState.SUCCESS, OrderState.REFUNDED}
)
"""Of a code in its time."""


@pytest.fixture
def active() -> PaymentCode:
    return make_code(
        status=Status.ACTIVE,
        payment_code="8123456789012345",
        activated_at=at(minutes=10),
        due_at=at(minutes=25),
        expires_at=EXPIRY,
        intent=None,
    )


def after(code, state, now):
    return next_step.after_status(code, state, now=now, timetable=TIMETABLE)


@pytest.mark.parametrize("state", SAYS_NOTHING_YET)
def test_in_its_time_an_active_code_waits_for_the_timetable_s_next_look(active, state):
    changed = after(active, state, at(minutes=25))
    assert (changed.status, changed.due_at) == (Status.ACTIVE, at(minutes=70))


@pytest.mark.parametrize("state", SAYS_NOTHING_YET)
def test_the_last_look_in_its_time_is_at_its_expiry(active, state):
    changed = after(active, state, EXPIRY - SECOND)
    assert (changed.status, changed.due_at) == (Status.ACTIVE, EXPIRY)


@pytest.mark.parametrize("state", [OrderState.PENDING, OrderState.FAILED])
def test_past_its_expiry_a_code_stays_open_for_the_grace(active, state):
    closes_at = EXPIRY + TIMETABLE.grace
    for now in (EXPIRY, closes_at - SECOND):
        changed = after(active, state, now)
        assert (changed.status, changed.due_at) == (Status.ACTIVE, closes_at)
    assert after(active, state, closes_at).status is Status.EXPIRED


@pytest.mark.parametrize("state", [OrderState.UNKNOWN, OrderState.OTHER])
def test_what_does_not_confirm_the_end_is_silence(active, state):
    changed = after(active, state, EXPIRY + TIMETABLE.grace)
    assert (changed.status, changed.due_at) == (Status.ACTIVE, EXPIRY + timedelta(minutes=2))
    guessed = after(active, state, EXPIRY + TIMETABLE.guess)
    assert (guessed.status, guessed.unconfirmed) == (Status.EXPIRED, True)


def test_doku_s_expired_is_the_end_at_once(active):
    changed = after(active, OrderState.EXPIRED, at(minutes=25))
    assert (changed.status, changed.unconfirmed) == (Status.EXPIRED, False)


@pytest.mark.parametrize("state", [OrderState.PENDING, OrderState.FAILED, OrderState.EXPIRED])
def test_a_requested_code_past_its_expiry_fails_and_is_looked_at_again(state):
    changed = after(make_code(expires_at=EXPIRY), state, EXPIRY)
    assert (changed.status, changed.due_at) == (
        Status.FAILED,
        EXPIRY + min(TIMETABLE.look_again),
    )
