"""What a status check can't show: how many payments there were, and what a till was told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from o2o.core.channels import Channel, Feature
from o2o.core.codes import PaymentKind, Status
from o2o.core.inquiries import InquiryStatus
from o2o.core.payments import PaymentReport
from o2o.entry.models.codes import PaymentCodeView
from tests.support.samples import at, make_full_code, make_own_code
from tests.support.world import START, Mood, World, plenty

DIPC = {"feature": Feature.DIPC, "unique_part": "0812345678"}
DIGITS = "8899550812345678"
FOUND_WITHIN = timedelta(minutes=2, seconds=30)
"""From an answered inquiry: 90 seconds, and a minute until ``expire_codes`` runs."""


@pytest.fixture
def world() -> World:
    return World()


def pay_at_the_till(world: World, receipt: str | None = None) -> PaymentReport:
    """The customer pays, wherever the code lives; the answer is what DOKU notifies."""
    if "INV-1" not in world.doku.orders:
        world.doku.learn(world.code())
    return world.doku.pay("INV-1", receipt=receipt)


def complete(world: World) -> bool | None:
    """What the storefront reads."""
    return PaymentCodeView.of(world.code()).payments_complete


# --- All payments, or those that a status check can show ----------------------------------


@pytest.mark.parametrize("feature", Feature)
def test_of_lost_payments_on_a_reusable_code_one_is_found_and_it_says_so(world, feature):
    code = world.ask(feature=feature, reusable=True).code
    for _ in range(3):
        if feature is Feature.DIPC:
            assert world.inquire(code.payment_code) is InquiryStatus.SUCCESS
        pay_at_the_till(world)
    world.live(START + timedelta(hours=1))
    assert world.code().payments == 1
    assert complete(world) is None
    world.live(START + timedelta(days=3))
    assert world.code().status is Status.EXPIRED
    assert complete(world) is None


@pytest.mark.parametrize("feature", [Feature.DGPC, Feature.MGPC])
def test_doku_takes_one_payment_for_a_code_that_it_registered_for_one(world, feature):
    world.ask(feature=feature)
    assert complete(world) is None
    world.notify(world.doku.pay("INV-1"))
    assert complete(world) is True


def test_a_limit_of_doku_s_that_did_not_hold_proves_nothing(world):
    world.ask()
    world.notify(world.doku.pay("INV-1"))
    world.notify(world.doku.pay("INV-1"))
    assert world.code().payments == 2
    assert complete(world) is None


def test_doku_knows_no_limit_for_a_code_that_lives_here(world):
    """Two tills were told that they may take the money; one notification is lost."""
    world.ask(**DIPC)
    for _ in range(2):
        assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    pay_at_the_till(world)
    world.notify(pay_at_the_till(world))
    assert world.code().status is Status.PAID
    assert complete(world) is None


def test_one_payment_of_another_amount_is_all_once_nobody_waits_any_more(world):
    world.ask()
    world.notify(world.doku.pay("INV-1", amount=90_000))
    assert complete(world) is None
    world.cancel("shop", "INV-1")
    world.live(START + timedelta(days=3))
    assert (world.code().status, world.code().payments) == (Status.CANCELLED, 1)
    assert complete(world) is True


@pytest.mark.parametrize("reusable", [False, True])
@pytest.mark.parametrize("feature", Feature)
def test_that_nothing_was_paid_is_known_after_the_last_look(world, feature, reusable):
    world.ask(feature=feature, reusable=reusable)
    world.live(START + timedelta(hours=2))
    assert world.code().status is Status.EXPIRED
    assert complete(world) is None
    world.live(START + timedelta(days=3))
    assert world.code().due_at is None
    assert complete(world) is True


def test_while_doku_can_t_be_asked_nothing_is_complete(world):
    world.ask()
    world.doku.mood = Mood.DOWN
    world.live(START + timedelta(days=2))
    assert world.code().status is Status.EXPIRED
    assert complete(world) is None


# --- Looks after an inquiry ---------------------------------------------------------------


def test_a_lost_notification_after_an_inquiry_is_found_in_two_minutes(world):
    world.ask(**DIPC, expiry=replace(world.request().expiry, in_minutes=1440))
    world.live(START + timedelta(hours=4))
    asked_at = world.clock.now
    assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    world.clock.advance(seconds=20)
    pay_at_the_till(world)
    world.live(asked_at + FOUND_WITHIN)
    assert world.code().status is Status.PAID


@pytest.mark.parametrize("reusable", [False, True])
@pytest.mark.parametrize("minutes", [1, 3, 4.5, 8, 10])
def test_a_cashier_may_take_some_minutes(world, minutes, reusable):
    world.ask(**DIPC, reusable=reusable, expiry=replace(world.request().expiry, in_minutes=1440))
    world.live(START + timedelta(hours=4))
    asked_at = world.clock.now
    assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    world.live(asked_at + timedelta(minutes=minutes))
    pay_at_the_till(world)
    world.live(asked_at + timedelta(minutes=13))
    assert world.code().payments == 1


def test_a_till_that_asks_again_and_again_never_puts_a_look_off(world):
    world.ask(**DIPC)
    assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    due_at = world.code().due_at
    assert due_at == START + timedelta(seconds=90)
    for _ in range(8):
        world.clock.advance(seconds=10)
        assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
        assert world.code().due_at == due_at
    world.live(due_at)
    # The next look is counted from the last answer, which was ten seconds ago.
    assert world.code().due_at == START + timedelta(seconds=80 + 90)


def test_an_inquiry_never_puts_off_a_look_that_comes_sooner(world):
    world.ask(**DIPC)
    world.live(START + timedelta(minutes=14))
    assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    assert world.code().due_at == START + timedelta(minutes=15)


def test_after_the_last_look_the_timetable_goes_on_as_before(world):
    world.ask(**DIPC)
    assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    looks: list[timedelta] = []
    while len(looks) < 5:
        looks.append(world.code().due_at - START)
        world.live(START + looks[-1])
    assert looks == [timedelta(minutes=m) for m in (1.5, 5, 12, 15, 60)]


@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_a_code_that_ends_meanwhile_is_looked_at_all_the_same(world, end):
    world.ask(**DIPC)
    world.clock.advance(minutes=59)
    asked_at = world.clock.now
    assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    if end == "cancelled":
        world.cancel("shop", "INV-1")
    world.live(START + timedelta(minutes=61, seconds=30))
    assert world.code().status == end
    pay_at_the_till(world)
    world.live(asked_at + timedelta(minutes=7))
    assert (world.code().status, world.code().late) == (Status.PAID, True)


def test_a_payment_that_followed_ends_the_looks_on_a_reusable_code(world):
    world.ask(**DIPC, reusable=True)
    for number in range(2):
        assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
        assert world.code().unpaid_inquiry_at == world.clock.now
        world.clock.advance(seconds=20)
        world.notify(pay_at_the_till(world, receipt=f"R-{number}"))
        assert world.code().unpaid_inquiry_at is None
        world.clock.advance(seconds=1)
    world.live(START + timedelta(minutes=2))
    assert world.code().due_at == START + timedelta(minutes=15)


def test_a_retry_of_an_earlier_payment_does_not_end_the_looks(world):
    world.ask(**DIPC, reusable=True)
    assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    earlier = pay_at_the_till(world, receipt="R-1")
    world.clock.advance(minutes=30)
    assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    world.notify(earlier)
    assert world.code().unpaid_inquiry_at == world.clock.now
    pay_at_the_till(world, receipt="R-2")
    world.live(world.clock.now + FOUND_WITHIN)
    assert world.code().payments == 2


@pytest.mark.parametrize(
    ("paid", "recorded", "followed"),
    [
        # DOKU's dates are whole seconds: 03:04:00 is the second of the inquiry.
        (timedelta(), timedelta(seconds=2), True),
        (timedelta(seconds=30), timedelta(seconds=32), True),
        # It was on record when the till asked, in the same second.
        (timedelta(), timedelta(milliseconds=100), False),
        (timedelta(seconds=-20), timedelta(seconds=2), False),
        # Marks of version 0.1.0 don't say when they were recorded.
        (timedelta(seconds=30), None, True),
        (timedelta(), None, False),
    ],
)
def test_which_payment_followed_an_inquiry(paid, recorded, followed):
    second = at(minutes=4)
    asked_at = second + timedelta(milliseconds=500)
    newest = make_full_code().last_payment
    assert newest is not None
    mark = replace(
        newest,
        paid_at=second + paid,
        recorded_at=None if recorded is None else second + recorded,
    )
    code = make_own_code(inquired_at=asked_at, last_payment=mark)
    assert code.unpaid_inquiry_at == (None if followed else asked_at)


def test_while_doku_is_silent_the_looks_after_an_inquiry_go_on(world):
    world.ask(**DIPC)
    assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    pay_at_the_till(world)
    world.doku.mood = Mood.DOWN
    world.live(START + timedelta(minutes=4))
    world.doku.mood = Mood.WELL
    world.live(START + timedelta(minutes=5))
    assert world.code().status is Status.PAID


# --- Replacing a reusable code ------------------------------------------------------------


def test_a_top_up_on_the_successor_of_a_paid_reusable_code_is_no_second_payment(world):
    world.ask("INV-A", reusable=True)
    world.notify(world.doku.pay("INV-A"))
    world.ask("INV-B", replaces="INV-A")
    paid = world.notify(world.doku.pay("INV-B")).payment
    assert (paid.kind, paid.first_paid) == (PaymentKind.PAID, None)


def test_payments_on_a_reusable_code_are_never_second_payments(world):
    world.ask("INV-A")
    world.ask("INV-B", replaces="INV-A", reusable=True, channel=Channel.INDOMARET)
    world.notify(world.doku.pay("INV-A"))
    for _ in range(2):
        paid = world.notify(world.doku.pay("INV-B")).payment
        assert (paid.kind, paid.first_paid) == (PaymentKind.PAID, None)


def test_two_codes_for_one_payment_are_still_seen_across_a_reusable_one(world):
    world.ask("INV-A")
    world.ask("INV-B", replaces="INV-A", reusable=True)
    world.ask("INV-C", replaces="INV-B")
    world.notify(world.doku.pay("INV-B"))
    world.notify(world.doku.pay("INV-C"))
    again = world.notify(world.doku.pay("INV-A")).payment
    assert (again.kind, again.first_paid) == (PaymentKind.PAID_AGAIN, "INV-C")


def test_a_refresh_tells_the_same(world):
    world.ask(reusable=True)
    for _ in range(3):
        world.doku.pay("INV-1")
    world.clock.advance(minutes=2)
    world.refresh("shop", "INV-1", time_left=plenty)
    assert (world.code().payments, complete(world)) == (1, None)
