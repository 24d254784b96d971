"""What becomes of a code after DOKU's answer, rule by rule."""

from dataclasses import replace
from datetime import timedelta

import pytest

from o2o.core import next_step
from o2o.core.channels import Feature
from o2o.core.codes import DokuCode, Failure, PaymentCode, Status
from o2o.core.errors import Obstacle
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


def test_of_a_code_that_lives_here_doku_knows_nothing_until_it_is_paid(active):
    own = replace(active, feature=Feature.DIPC)
    closes_at = EXPIRY + TIMETABLE.grace
    ended = after(own, OrderState.UNKNOWN, closes_at)
    assert (ended.status, ended.unconfirmed) == (Status.EXPIRED, False)
    assert after(own, OrderState.OTHER, closes_at).status is Status.ACTIVE


def test_doku_s_expired_is_the_end_at_once(active):
    changed = after(active, OrderState.EXPIRED, at(minutes=25))
    assert (changed.status, changed.unconfirmed) == (Status.EXPIRED, False)
    assert changed.ended_at == at(minutes=25)
    assert changed.due_at == EXPIRY + min(TIMETABLE.look_again)


UNKNOWN_IN_TIME = "DOKU did not confirm the code in time"


@pytest.mark.parametrize("state", [OrderState.PENDING, OrderState.FAILED, OrderState.EXPIRED])
def test_a_requested_code_past_its_expiry_fails_and_is_looked_at_again(state):
    changed = after(make_code(expires_at=EXPIRY), state, EXPIRY)
    assert changed.failure == Failure("unknown", UNKNOWN_IN_TIME)
    assert (changed.status, changed.ended_at, changed.unconfirmed) == (
        Status.FAILED,
        EXPIRY,
        False,
    )
    assert (changed.due_at, changed.intent) == (EXPIRY + min(TIMETABLE.look_again), None)


def test_a_requested_code_that_nobody_could_ask_about_fails_in_the_end_by_guess():
    """And says what stood in the way."""
    requested = make_code(expires_at=EXPIRY)
    refused = silence(requested, at(minutes=1), obstacle=Obstacle.CHANNEL_INACTIVE)
    assert (refused.status, refused.obstacle) == (Status.REQUESTED, Obstacle.CHANNEL_INACTIVE)
    assert refused.due_at == at(minutes=2)
    assert silence(refused, at(minutes=2)).obstacle is Obstacle.CHANNEL_INACTIVE
    now = EXPIRY + TIMETABLE.guess
    failed = silence(refused, now)
    assert failed.failure == Failure("unknown", f"{UNKNOWN_IN_TIME}: channel_inactive")
    assert (failed.status, failed.ended_at, failed.unconfirmed) == (Status.FAILED, now, True)
    assert failed.due_at == now + min(TIMETABLE.look_again)


def test_an_end_that_is_noticed_late_is_followed_by_all_its_looks(active):
    """After an outage DOKU's retries of a notification still come for hours."""
    late = EXPIRY + timedelta(hours=20)
    ended = after(active, OrderState.PENDING, late)
    assert (ended.status, ended.due_at) == (Status.EXPIRED, late + TIMETABLE.look_again[0])
    again = after(ended, OrderState.PENDING, ended.due_at)
    assert again.due_at == late + TIMETABLE.look_again[1]
    assert after(again, OrderState.PENDING, again.due_at).is_final


def test_a_cancelled_code_is_looked_at_after_its_expiry_too(active):
    now = at(minutes=30)
    looks, code = [], active.cancel(now=now, timetable=TIMETABLE)
    while code.due_at is not None:
        looks.append(code.due_at)
        code = after(code, OrderState.PENDING, code.due_at)
    assert looks == sorted(end + look for end in (now, EXPIRY) for look in TIMETABLE.look_again)


@pytest.mark.parametrize("state", [OrderState.PENDING, OrderState.FAILED, OrderState.EXPIRED])
def test_a_disputed_code_never_expires(active, state):
    disputed = next_step.after_dispute(active, now=at(minutes=25), timetable=TIMETABLE)
    changed = after(disputed, state, EXPIRY + timedelta(hours=1))
    assert (changed.status, changed.disputed) == (Status.ACTIVE, True)


def silence(code, now, obstacle=None):
    return next_step.after_silence(code, now=now, timetable=TIMETABLE, obstacle=obstacle)


@pytest.mark.parametrize(
    "taken", [{"disputed": True}, {"payments": 1}], ids=["it is disputed", "nothing paid it"]
)
def test_silence_expires_no_code_for_which_money_was_taken(active, taken):
    changed = silence(replace(active, **taken), EXPIRY + timedelta(hours=1))
    assert changed.status is Status.ACTIVE
    assert changed.due_at is not None


def test_a_code_that_silence_leaves_to_a_person_says_so(active):
    code = silence(replace(active, payments=1), EXPIRY)
    while code.due_at is not None:
        assert not code.disputed
        code = silence(code, code.due_at)
    assert (code.status, code.is_disputed) == (Status.ACTIVE, True)


def test_while_doku_is_silent_an_active_code_is_not_left_for_hours(active):
    day_old = replace(active, expires_at=at(days=20))
    now = at(days=2, hours=1)
    assert after(day_old, OrderState.PENDING, now).due_at > now + timedelta(hours=5)
    for obstacle in (None, Obstacle.UNAVAILABLE):
        assert silence(day_old, now, obstacle).due_at == now + TIMETABLE.active[0]


def test_a_guessed_end_is_put_off_and_then_looked_at_again(active):
    assert silence(active, EXPIRY + TIMETABLE.guess - SECOND).due_at == EXPIRY + TIMETABLE.guess
    ended = silence(active, EXPIRY + TIMETABLE.guess)
    assert (ended.status, ended.unconfirmed) == (Status.EXPIRED, True)
    assert ended.due_at == EXPIRY + TIMETABLE.guess + TIMETABLE.look_again[0]


def test_a_repeat_is_noted_while_its_first_send_may_be_under_way():
    """So that a refusal of the first does not fail a code that the repeat brings."""
    sent = make_code()
    first_look = sent.created_at + TIMETABLE.requested[0]

    repeated = next_step.before_repeat(sent, now=first_look - SECOND, timetable=TIMETABLE)
    assert repeated is not None
    assert (repeated.version, repeated.due_at) == (sent.version + 1, sent.due_at)
    assert next_step.before_repeat(sent, now=first_look, timetable=TIMETABLE) is None
    refused = Failure("refused")
    assert next_step.after_first_refusal(repeated, sent, refused, now=first_look) is None
    failed = next_step.after_first_refusal(sent, sent, refused, now=first_look)
    assert failed is not None
    assert (failed.status, failed.due_at, failed.ended_at) == (Status.FAILED, None, first_look)
    assert failed.failure == refused


def test_digits_make_a_requested_code_active():
    digits = DokuCode("8123456789012345", EXPIRY)
    code = next_step.after_digits(make_code(), digits, now=at(minutes=1), timetable=TIMETABLE)
    assert code is not None
    assert (code.status, code.payment_code) == (Status.ACTIVE, "8123456789012345")
    assert (code.activated_at, code.expires_at) == (at(minutes=1), EXPIRY)
    assert (code.due_at, code.intent) == (at(minutes=16), None)


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.PAID, Status.CANCELLED, Status.FAILED])
def test_digits_come_too_late_for_a_code_that_something_overtook(status):
    overtaken = make_code(status=status)
    digits = DokuCode("8123456789012345")
    assert next_step.after_digits(overtaken, digits, now=at(), timetable=TIMETABLE) is None


# --- What can't be settled, and silence ---------------------------------------------------


def dispute(code, now):
    return next_step.after_dispute(code, now=now, timetable=TIMETABLE)


def riddle(code, now):
    """What DOKU says of the payment can't be read."""
    return next_step.after_dispute(code, now=now, timetable=TIMETABLE, readable=False)


@pytest.mark.parametrize("said", [dispute, riddle])
def test_in_its_time_a_disputed_code_waits_for_the_timetable(active, said):
    changed = said(active, at(minutes=25))
    assert (changed.disputed, changed.due_at) == (True, at(minutes=70))


def test_past_its_expiry_a_disputed_code_has_its_looks_and_is_left_to_a_person(active):
    looks, code = [], dispute(active, EXPIRY)
    while code.due_at is not None:
        looks.append(code.due_at - EXPIRY)
        code = dispute(code, code.due_at)
    assert tuple(looks) == TIMETABLE.look_again
    assert (code.status, code.disputed) == (Status.ACTIVE, True)


def test_what_can_t_be_read_is_asked_for_as_long_as_one_that_says_nothing(active):
    code, now = active, EXPIRY
    while (code := riddle(code, now)).due_at is not None:
        assert code.due_at > now
        now = code.due_at
    last_look = EXPIRY + max(TIMETABLE.look_again)
    assert next_step.SILENCE - timedelta(days=1) < now - last_look <= next_step.SILENCE


def test_a_code_that_has_ended_is_not_disputed_any_more(active):
    ended = after(active, OrderState.EXPIRED, EXPIRY)
    changed = dispute(ended, ended.due_at)
    assert (changed.status, changed.disputed) == (Status.EXPIRED, False)
    assert changed.due_at == EXPIRY + max(TIMETABLE.look_again)


def test_a_reusable_code_that_is_paid_goes_on(active):
    paid = replace(active, reusable=True, paid_at=at(minutes=20), payments=1)
    assert dispute(paid, at(minutes=70)).due_at == EXPIRY
    assert not dispute(paid, at(minutes=70)).disputed
    assert riddle(paid, at(minutes=70)).due_at == at(minutes=85)
    assert dispute(paid, EXPIRY + TIMETABLE.grace).status is Status.EXPIRED
    for state in (OrderState.SUCCESS, OrderState.REFUNDED):
        closes_at = EXPIRY + TIMETABLE.grace
        assert after(paid, state, EXPIRY).due_at == closes_at
        assert after(paid, state, closes_at).status is Status.EXPIRED


@pytest.mark.parametrize(
    ("minutes", "next_minutes"), [(0, 1), (1, 2), (10, 15), (16, 30), (29, 30)]
)
def test_past_its_expiry_silence_puts_the_end_off_until_the_guess(active, minutes, next_minutes):
    changed = silence(active, EXPIRY + timedelta(minutes=minutes))
    assert (changed.status, changed.due_at) == (
        Status.ACTIVE,
        EXPIRY + timedelta(minutes=next_minutes),
    )


def test_after_the_end_silence_puts_the_looks_off_for_a_week(active):
    code = after(active, OrderState.EXPIRED, EXPIRY)
    now = code.due_at
    while (code := silence(code, now)).due_at is not None:
        assert code.due_at > now
        now = code.due_at
    last_look = EXPIRY + max(TIMETABLE.look_again)
    assert next_step.SILENCE - timedelta(days=1) < now - last_look <= next_step.SILENCE
    assert silence(code, now) is None


def test_that_a_paid_reusable_code_was_paid_is_doku_s_word_on_its_end(active):
    paid = replace(active, reusable=True, paid_at=at(minutes=20), payments=1)
    guessed = silence(paid, EXPIRY + TIMETABLE.guess)
    assert guessed.unconfirmed
    assert not after(guessed, OrderState.SUCCESS, guessed.due_at).unconfirmed
    unpaid = replace(guessed, paid_at=None, payments=0)
    assert after(unpaid, OrderState.SUCCESS, guessed.due_at).unconfirmed


def test_doku_s_word_after_a_guess_confirms_it(active):
    guessed = silence(active, EXPIRY + TIMETABLE.guess)
    confirmed = after(guessed, OrderState.PENDING, guessed.due_at)
    assert (guessed.unconfirmed, confirmed.unconfirmed) == (True, False)
    unheard = after(guessed, OrderState.UNKNOWN, guessed.due_at)
    assert unheard.unconfirmed


def test_where_nothing_changes_there_is_nothing_to_write(active):
    waiting = after(active, OrderState.PENDING, at(minutes=25))
    assert after(waiting, OrderState.PENDING, at(minutes=26)) is None
    paid = replace(active, status=Status.PAID, due_at=None)
    for nothing in (
        after(paid, OrderState.PENDING, EXPIRY),
        silence(paid, EXPIRY),
        dispute(paid, EXPIRY),
        silence(replace(active, due_at=None), at(minutes=25)),
    ):
        assert nothing is None


def test_the_last_look_may_be_at_the_last_instant(active):
    daily = replace(TIMETABLE, look_again=(timedelta(days=1),))
    ended = active.expire(now=EXPIRY, timetable=daily)
    last = EXPIRY + timedelta(days=1) + next_step.SILENCE
    changed = next_step.after_silence(ended, now=last - SECOND, timetable=daily)
    assert changed is not None
    assert changed.due_at == last
