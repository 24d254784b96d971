"""Whatever tills ask and whenever they take the money: a lost notification is found soon."""

from contextlib import suppress
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from o2o.core.channels import Feature
from o2o.core.code_requests import Expiry
from o2o.core.errors import IllegalMove
from o2o.core.inquiries import InquiryStatus
from tests.support.examples import examples
from tests.support.world import START, TIMETABLE, World

DIGITS = "8899550812345678"
SHOWN_AFTER = timedelta(seconds=60)
RUN_EVERY = timedelta(minutes=1)
ACTIONS = st.lists(
    st.tuples(st.integers(1, 700), st.sampled_from(["inquire", "pay", "cancel"])), max_size=12
)


@settings(max_examples=examples(200))
@given(
    minutes=st.sampled_from([2, 10, 60, 1440]),
    begins=st.integers(0, 30_000),
    reusable=st.booleans(),
    actions=ACTIONS,
)
def test_a_payment_after_an_inquiry_is_found_by_the_looks_after_it(
    minutes, begins, reusable, actions
):
    """No notification ever arrives. The newest payment is found, however often tills ask."""
    world = World()
    world.ask(
        feature=Feature.DIPC,
        unique_part="0812345678",
        expiry=Expiry(in_minutes=minutes),
        reusable=reusable,
    )
    world.live(START + timedelta(seconds=begins))
    told_at: datetime | None = None
    newest: str | None = None
    found_by = world.clock.now
    for seconds, action in actions:
        world.live(world.clock.now + timedelta(seconds=seconds))
        now = world.clock.now
        if action == "inquire":
            before = world.code().due_at
            if world.inquire(DIGITS) is InquiryStatus.SUCCESS:
                told_at = now
                due_at = world.code().due_at
                assert before is not None
                assert due_at is not None
                assert due_at <= min(before, now + TIMETABLE.inquired[0])
        elif action == "cancel":
            with suppress(IllegalMove):
                world.cancel("shop", "INV-1")
        elif told_at and now <= told_at + timedelta(minutes=10):
            if "INV-1" not in world.doku.orders:
                world.doku.learn(world.code())
            newest = world.doku.pay("INV-1").receipt_number
            looks = [told_at + each for each in TIMETABLE.inquired]
            found_by = min(each for each in looks if each >= now + SHOWN_AFTER) + RUN_EVERY
            if not reusable:
                break
            # Each payment has an inquiry of its own.
            told_at = None
    if newest is None:
        return
    world.live(max(found_by, world.clock.now))
    history = world.codes.get_history("INV-1", 1_000)
    assert history is not None
    found = {payment.report.receipt_number for payment in history.payments}
    assert newest in found
