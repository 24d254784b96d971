"""The life of a payment code, use case by use case, on the in-memory twins."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import NoReturn

import pytest

from o2o.core.channels import Channel, Feature
from o2o.core.code_requests import Expiry
from o2o.core.codes import DokuCode, Doubt, PaymentCode, PaymentKind, Receipt, Status
from o2o.core.errors import (
    DokuRefused,
    DokuUnavailable,
    IllegalMove,
    InvalidRequest,
    InvoiceNumberTaken,
    NotFound,
    Obstacle,
)
from o2o.core.notifications import KeptFor, Notification, OrderState, OrderStatus
from o2o.core.payments import Evidence
from o2o.usecases.generate_code import Generation
from o2o.usecases.ports import TimeLeft
from o2o.usecases.read_codes import CodeFilter
from o2o.usecases.reconcile import Finding
from o2o.usecases.record_message import NotificationOutcome
from o2o.usecases.settle import SettleOutcome
from tests.support.world import START, Mood, World, plenty, sent

HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    return World()


# --- Generating -------------------------------------------------------------------------


def test_a_code_is_created_with_doku_s_digits(world):
    generated = world.ask()
    assert generated.generation is Generation.CREATED
    assert generated.code.status is Status.ACTIVE
    assert generated.code.payment_code == world.doku.orders["INV-1"].payment_code
    assert world.code() == generated.code
    assert generated.code.intent is None


def test_the_intent_is_on_record_before_doku_is_called(world):
    world.doku.mood = Mood.DOWN
    generated = world.ask()
    assert generated.generation is Generation.PENDING
    assert world.code().status is Status.REQUESTED
    assert world.code().intent == world.doku.sent[0]
    assert world.code().due_at == START + timedelta(minutes=1)


def test_the_answer_of_doku_leaves_the_first_look_where_it_is(world, monkeypatch):
    """Each move of it is two writes of the due index."""
    send = world.doku.generate
    intended = []

    def a_second_later(code: PaymentCode, time_left: TimeLeft) -> DokuCode:
        intended.append(world.code().due_at)
        world.clock.advance(seconds=1)
        answer: DokuCode = send(code, time_left)
        return answer

    monkeypatch.setattr(world.doku, "generate", a_second_later)
    assert world.ask().code.activated_at == START + timedelta(seconds=1)
    assert intended == [world.code().due_at] == [START + timedelta(minutes=15)]
    world.live(START + timedelta(minutes=16))
    assert world.code().due_at == START + timedelta(minutes=60)


def test_an_answer_that_comes_late_has_looks_of_its_own(world):
    world.doku.mood = Mood.DOWN
    world.ask()
    world.doku.mood = Mood.WELL
    world.live(START + timedelta(minutes=1))
    assert world.code().due_at == START + timedelta(minutes=16)


def test_who_died_before_doku_answered_is_found_by_the_storefront_s_next_request(
    world, monkeypatch
):
    """Nobody noted that no answer came: the code has the look of one that is active."""

    def die(*_: object) -> NoReturn:
        raise SystemExit

    with monkeypatch.context() as death:
        death.setattr(world.doku, "generate", die)
        with pytest.raises(SystemExit):
            world.ask()
    assert world.code().due_at == START + timedelta(minutes=15)
    # While the request may be under way, it is left alone.
    again = world.ask()
    assert (again.generation, again.code.version) == (Generation.PENDING, 1)
    assert world.generate.retry_after_seconds(again.code) == 60
    world.clock.advance(seconds=60)
    assert world.ask().code.due_at == START + timedelta(minutes=2)
    assert world.ask().code.version == 2
    world.live(START + timedelta(minutes=2))
    assert world.code().status is Status.ACTIVE


def test_who_died_before_doku_answered_is_found_without_anybody(world, monkeypatch):
    monkeypatch.setattr(world.codes, "save", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.ask()
    monkeypatch.undo()
    world.live(START + timedelta(minutes=15))
    assert world.code().status is Status.ACTIVE


def test_the_same_request_again_is_the_same_code(world):
    first = world.ask().code
    again = world.ask()
    assert again.generation is Generation.REPEATED
    assert again.code == first
    assert len(world.doku.sent) == 1


def test_the_same_number_with_another_body_is_refused(world):
    world.ask()
    with pytest.raises(InvoiceNumberTaken):
        world.ask(amount=20_000)


def test_the_same_number_of_another_storefront_is_refused(world):
    world.ask()
    with pytest.raises(InvoiceNumberTaken):
        world.generate("other", world.request(), time_left=plenty)


def test_a_lost_answer_is_recovered_with_the_same_bytes_and_one_order(world):
    world.doku.mood = Mood.FORGETFUL
    assert world.ask().generation is Generation.PENDING
    assert world.ask().generation is Generation.PENDING
    world.doku.mood = Mood.WELL
    world.live(START + timedelta(minutes=1))
    assert world.code().status is Status.ACTIVE
    assert len(set(world.doku.sent)) == 1
    assert len(world.doku.sent) == 2
    assert world.ask().generation is Generation.REPEATED


def test_a_refusal_fails_the_code_and_is_said_again(world):
    world.doku.mood = Mood.REFUSING
    for _ in range(2):
        with pytest.raises(DokuRefused, match="Invalid JSON"):
            world.ask()
    assert world.code().status is Status.FAILED
    assert world.code().due_at is None
    assert len(world.doku.sent) == 1


def test_a_refused_repeat_proves_nothing_after_a_lost_answer(world):
    world.doku.mood = Mood.FORGETFUL
    world.ask()
    world.doku.mood = Mood.REFUSING
    report = world.doku.pay("INV-1")
    world.clock.advance(minutes=5)
    world.refresh("shop", "INV-1", time_left=plenty)
    assert (world.code().failure, world.code().due_at is None) == (None, False)
    world.doku.mood = Mood.WELL
    world.live(world.clock() + timedelta(hours=2))
    code = world.code()
    assert (code.status, code.paid_at) == (Status.PAID, report.paid_at)


def refresh_while_the_first_request_is_refused(world, monkeypatch, mood):
    """While the first is under way, DOKU meets a repeat in this mood; then it refuses the first."""
    send = world.doku.generate

    def first(*_: object) -> NoReturn:
        monkeypatch.setattr(world.doku, "generate", send)
        world.doku.mood = mood
        world.refresh("shop", "INV-1", time_left=plenty)
        raise DokuRefused("Invalid JSON Format")

    monkeypatch.setattr(world.doku, "generate", first)


def test_a_first_refusal_proves_nothing_if_a_repeat_went_out_meanwhile(world, monkeypatch):
    """A storefront refreshes while its first request is under way; DOKU takes that one."""
    refresh_while_the_first_request_is_refused(world, monkeypatch, Mood.FORGETFUL)
    generated = world.ask()
    assert (generated.generation, generated.code.status) == (Generation.PENDING, Status.REQUESTED)
    assert "INV-1" in world.doku.orders
    world.doku.mood = Mood.WELL
    world.live(START + timedelta(minutes=1))
    assert world.code().status is Status.ACTIVE


def test_a_first_refusal_does_not_deny_the_code_that_a_repeat_brought(world, monkeypatch):
    refresh_while_the_first_request_is_refused(world, monkeypatch, Mood.WELL)
    generated = world.ask()
    assert (generated.generation, generated.code.status) == (Generation.CREATED, Status.ACTIVE)


def test_why_doku_s_answer_is_missing_is_written_down_and_goes_with_the_wait(world):
    world.doku.mood = Mood.BLOCKING
    assert world.ask().code.obstacle is Obstacle.CHANNEL_INACTIVE
    assert world.code().obstacle is Obstacle.CHANNEL_INACTIVE
    world.doku.mood = Mood.DOWN
    world.live(START + timedelta(minutes=1))
    assert world.code().obstacle is Obstacle.UNAVAILABLE
    version = world.code().version
    world.refresh("shop", "INV-1", time_left=plenty)
    assert world.code().version == version
    world.doku.mood = Mood.WELL
    world.live(START + timedelta(minutes=2))
    assert (world.code().status, world.code().obstacle) == (Status.ACTIVE, None)


def test_a_repeat_is_on_record_before_it_goes_out(world, monkeypatch):
    """Or whoever sent first would fail the code on a refusal, while the repeat makes it."""
    world.doku.mood = Mood.DOWN
    version = world.ask().code.version
    on_record = []

    def hang(*_: object) -> NoReturn:
        on_record.append(world.code().version)
        raise DokuUnavailable("DOKU is down")

    monkeypatch.setattr(world.doku, "generate", hang)
    world.refresh("shop", "INV-1", time_left=plenty)
    assert on_record == [version + 1]


@pytest.mark.parametrize("state", [OrderState.PENDING, OrderState.FAILED, OrderState.OTHER])
def test_past_its_expiry_an_order_that_doku_has_still_gets_its_digits(world, monkeypatch, state):
    world.doku.mood = Mood.FORGETFUL
    world.ask()
    world.doku.mood = Mood.WELL
    monkeypatch.setattr(world.doku, "check_status", lambda *_: OrderStatus(state))
    world.clock.now += HOUR
    refreshed = world.refresh("shop", "INV-1", time_left=plenty)
    assert refreshed.finding is Finding.ACTIVATED
    assert world.code().payment_code == world.doku.orders["INV-1"].payment_code


def test_a_success_that_can_t_be_read_is_kept_as_evidence_once(world):
    world.ask()
    world.doku.pay("INV-1")
    world.clock.advance(minutes=2)
    world.doku.mood = Mood.BABBLING
    for _ in range(2):
        assert world.refresh("shop", "INV-1", time_left=plenty).finding is Finding.UNREADABLE
    (kept,) = world.notifications.list_kept(limit=10, cursor=None).items
    assert (kept.invoice_number, kept.reason) == ("INV-1", KeptFor.UNREADABLE)


def test_doku_is_not_asked_about_a_code_that_is_paid(world, monkeypatch):
    world.ask()
    world.notify(world.doku.pay("INV-1"))
    monkeypatch.delattr(type(world.doku), "check_status")
    assert world.refresh("shop", "INV-1", time_left=plenty).finding is Finding.UNCHANGED


@pytest.mark.parametrize("end", ["expired", "cancelled", "failed"])
def test_asking_a_doku_that_stays_silent_ends_in_bounded_time(world, end):
    world.doku.mood = Mood.FORGETFUL if end == "failed" else Mood.WELL
    world.ask()
    if end == "cancelled":
        world.cancel("shop", "INV-1")
    world.doku.mood = Mood.DOWN
    world.live(START + timedelta(days=6), step=timedelta(minutes=7))
    assert (world.code().status, world.code().due_at is None) == (end, False)
    world.live(START + timedelta(days=10), step=timedelta(minutes=7))
    code = world.code()
    assert (code.status, code.due_at) == (end, None)
    assert code.unconfirmed is (end != "cancelled")
    # A final code stays final, whoever asks.
    world.refresh("shop", "INV-1", time_left=plenty)
    assert world.code() == code


def test_a_code_that_lives_here_expires_although_doku_knows_no_order(world):
    """DOKU hears of it at the till: that it knows nothing is its word that nobody paid."""
    world.ask(feature=Feature.DIPC)
    world.live(START + HOUR + timedelta(minutes=2))
    assert (world.code().status, world.code().unconfirmed) == (Status.EXPIRED, False)


def test_a_refused_repeat_leaves_a_code_as_unknown_as_it_was(world):
    world.doku.mood = Mood.FORGETFUL
    world.ask()
    world.doku.mood = Mood.REFUSING
    for _ in range(3):
        refreshed = world.refresh("shop", "INV-1", time_left=plenty)
        assert refreshed.finding is Finding.REFUSED
        assert isinstance(refreshed.doku_error, DokuRefused)
        assert world.code().status is Status.REQUESTED
    world.doku.mood = Mood.WELL
    assert world.refresh("shop", "INV-1", time_left=plenty).code.status is Status.ACTIVE


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": 9_999}, "amount"),
        ({"amount": 2_500_001}, "amount"),
        ({"channel": Channel.INDOMARET, "amount": 5_000_001}, "amount"),
        ({"channel": Channel.INDOMARET, "feature": Feature.MGPC}, "feature"),
        ({"bin": "7"}, "bin"),
        ({"expiry": Expiry(in_minutes=43_201)}, "expires_in_minutes"),
        ({"expiry": Expiry(at=START + timedelta(seconds=59))}, "expires_at"),
        ({"expiry": Expiry(at=START + timedelta(days=31))}, "expires_at"),
        ({"expiry": Expiry(on=date(2026, 2, 28))}, "expires_on"),
        ({"receipt": Receipt(description="x")}, "receipt.description"),
    ],
)
def test_what_can_t_be_is_refused_by_name_and_leaves_nothing(world, changes, field):
    with pytest.raises(InvalidRequest) as raised:
        world.ask(**changes)
    assert [param.name for param in raised.value.params] == [field]
    assert world.codes.get("INV-1") is None
    assert world.doku.sent == []


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 10_000},
        {"amount": 2_500_000},
        {"expiry": Expiry(in_minutes=1)},
        {"expiry": Expiry(in_minutes=43_200)},
        {"expiry": Expiry(at=START + timedelta(minutes=1))},
        {"expiry": Expiry(at=START + timedelta(days=30))},
    ],
)
def test_a_limit_is_within_what_can_be_asked_for(world, changes):
    assert world.ask(**changes).code.status is Status.ACTIVE


@pytest.mark.parametrize(
    ("expiry", "minutes"),
    [
        (Expiry(), 60),
        (Expiry(at=START + timedelta(minutes=10, seconds=59)), 10),
        # 10:00 in Jakarta; the day ends at 23:59:59 there.
        (Expiry(on=date(2026, 3, 1)), 13 * 60 + 59),
    ],
)
def test_an_expiry_never_lies_behind_what_was_asked_for(world, expiry, minutes):
    code = world.ask(expiry=expiry).code
    assert code.expires_at == START + timedelta(minutes=minutes)


# --- Settling ---------------------------------------------------------------------------


def test_a_notification_pays_the_code(world):
    world.ask()
    receipt = world.notify(world.doku.pay("INV-1"))
    assert receipt.outcome is NotificationOutcome.SETTLED
    code = world.code()
    assert (code.status, code.late, code.paid_at, code.due_at) == (Status.PAID, False, START, None)
    history = world.read.one("shop", "INV-1")
    assert [payment.kind for payment in history.payments] == [PaymentKind.PAID]


def test_a_notification_that_overtakes_doku_s_answer_pays_the_code(world):
    world.doku.mood = Mood.FORGETFUL
    world.ask()
    world.notify(world.doku.pay("INV-1"))
    code = world.code()
    assert code.status is Status.PAID
    assert code.payment_code == world.doku.orders["INV-1"].payment_code
    assert world.ask().generation is Generation.REPEATED


def test_the_same_notification_again_is_known(world):
    world.ask()
    report = world.doku.pay("INV-1")
    world.notify(report)
    version = world.code().version
    assert world.notify(report).outcome is NotificationOutcome.KNOWN
    assert world.code().version == version


def test_notification_and_status_check_count_once(world):
    world.ask()
    world.notify(world.doku.pay("INV-1"))
    world.clock.advance(minutes=2)
    status = world.doku.check_status("INV-1", plenty)
    assert status.payment is not None
    assert world.settle(status.payment).outcome is SettleOutcome.KNOWN


@pytest.mark.parametrize("lacking", ["notification", "status_check"])
def test_a_status_check_shows_a_payment_that_is_known(world, lacking):
    world.ask(reusable=True)
    notified = world.doku.pay("INV-1")
    world.clock.advance(minutes=2)
    checked = world.doku.check_status("INV-1", plenty).payment
    assert checked is not None
    if lacking == "notification":
        notified = replace(notified, receipt_number=None)
    else:
        checked = replace(checked, receipt_number=None)
    world.notify(notified)
    completes = lacking == "notification"
    expected = SettleOutcome.COMPLETED if completes else SettleOutcome.KNOWN
    for outcome in (expected, SettleOutcome.KNOWN):
        assert world.settle(checked).outcome is outcome
    assert world.code().payments == 1


def test_a_second_payment_on_a_single_use_code_is_recorded_as_such(world):
    world.ask()
    world.notify(world.doku.pay("INV-1"))
    receipt = world.notify(world.doku.pay("INV-1"))
    assert receipt.payment is not None
    assert receipt.payment.kind is PaymentKind.PAID_AGAIN
    assert (world.code().status, world.code().payments) == (Status.PAID, 2)


@pytest.mark.parametrize("later", [timedelta(minutes=1), timedelta(hours=25)])
def test_a_receipt_number_that_comes_round_swallows_no_payment(world, later):
    world.ask(reusable=True, expiry=Expiry(in_minutes=40_000))
    world.notify(world.doku.pay("INV-1", receipt="1246"))
    world.clock.now += later
    second = world.doku.pay("INV-1", receipt="1246")
    if later < timedelta(hours=24):
        second = replace(second, store_id="S2")
    for expected in (NotificationOutcome.SETTLED, NotificationOutcome.KNOWN):
        assert world.notify(second).outcome is expected
    assert world.code().payments == 2


def test_a_wrong_amount_is_recorded_pays_nothing_and_the_right_one_still_pays(world):
    world.ask()
    right = world.doku.pay("INV-1")
    wrong = replace(right, amount=Decimal(149_999), evidence=Evidence("wrong"))
    for expected in (NotificationOutcome.SETTLED, NotificationOutcome.KNOWN):
        assert world.notify(wrong).outcome is expected
    assert world.code().status is Status.ACTIVE
    assert world.notify(right).outcome is NotificationOutcome.SETTLED
    assert world.code().status is Status.PAID
    (payment,) = world.read.one("shop", "INV-1").payments
    assert (payment.kind, payment.report.amount) == (PaymentKind.PAID, Decimal(150_000))
    assert payment.doubts == (Doubt.TELLINGS_DISAGREE,)
    assert payment.further == (right,)


def test_wrong_digits_are_recorded_and_pay_nothing(world):
    world.ask()
    receipt = world.notify(replace(world.doku.pay("INV-1"), payment_code="8000"))
    assert receipt.payment is not None
    assert receipt.payment.kind is PaymentKind.DIGITS_MISMATCH
    assert world.code().status is Status.ACTIVE


def test_a_reusable_code_stays_active_and_counts_every_payment(world):
    world.ask(reusable=True)
    for _ in range(3):
        world.clock.advance(seconds=1)
        assert world.notify(world.doku.pay("INV-1")).outcome is NotificationOutcome.SETTLED
    code = world.code()
    assert (code.status, code.payments, code.paid_at) == (
        Status.ACTIVE,
        3,
        START + timedelta(seconds=1),
    )
    assert code.due_at is not None


def test_a_reusable_code_that_has_ended_takes_late_money_and_stays_watched(world):
    world.ask(reusable=True)
    world.cancel("shop", "INV-1")
    world.clock.advance(seconds=1)
    reports = [world.doku.pay("INV-1") for _ in range(2)]
    receipt = world.notify(reports[0])
    assert receipt.payment is not None
    assert receipt.payment.kind is PaymentKind.PAID_LATE
    assert (world.code().status, world.code().late) == (Status.CANCELLED, True)
    # The second one's notification is lost.
    world.live(START + timedelta(hours=1))
    assert world.code().payments == 2


@pytest.mark.parametrize("end", ["expired", "cancelled", "failed"])
def test_real_money_is_never_refused(world, end):
    if end == "failed":
        world.doku.mood = Mood.FORGETFUL
        world.ask()
        world.doku.mood = Mood.DOWN
        world.live(START + timedelta(hours=2))
        world.doku.mood = Mood.WELL
    else:
        world.ask()
    if end == "cancelled":
        world.cancel("shop", "INV-1")
        world.clock.advance(seconds=1)
    if end == "expired":
        world.live(START + timedelta(hours=2))
    assert world.code().status == end
    receipt = world.notify(world.doku.pay("INV-1"))
    assert receipt.payment is not None
    assert receipt.payment.kind is PaymentKind.PAID_LATE
    assert (world.code().status, world.code().late) == (Status.PAID, True)


# --- Notifications that can't be settled ----------------------------------------------------


def test_what_matches_nothing_is_kept_and_settled_once_its_code_comes(world):
    other = World()
    other.ask()
    message = world.inbox.post(Notification(OrderState.SUCCESS, other.doku.pay("INV-1")))
    for _ in range(2):
        assert world.receive(sent(message)).outcome is NotificationOutcome.UNMATCHED
    assert len(world.notifications.list_kept(limit=10, cursor=None).items) == 1
    world.live(START + timedelta(minutes=10))
    world.ask()
    world.live(START + timedelta(minutes=16))
    assert world.code().payments == 1
    assert world.notifications.list_kept(limit=10, cursor=None).items == []


def test_two_messages_about_one_unknown_order_are_both_kept(world):
    other = World()
    other.ask(reusable=True)
    for _ in range(2):
        assert world.notify(other.doku.pay("INV-1")).outcome is NotificationOutcome.UNMATCHED
    kept = world.notifications.list_kept(limit=10, cursor=None).items
    assert [each.invoice_number for each in kept] == ["INV-1"] * 2


def test_what_never_matches_is_tried_for_a_week_and_kept(world):
    other = World()
    other.ask()
    world.notify(other.doku.pay("INV-1"))
    world.live(START + timedelta(days=8), step=timedelta(minutes=30))
    (kept,) = world.notifications.list_kept(limit=10, cursor=None).items
    assert kept.due_at is None


def test_a_signed_message_that_can_t_be_read_is_kept(world):
    receipt = world.receive(sent(b"{broken"))
    assert receipt.outcome is NotificationOutcome.UNREADABLE
    (kept,) = world.notifications.list_kept(limit=10, cursor=None).items
    assert (kept.evidence.body, kept.due_at) == ("{broken", None)


@pytest.mark.parametrize("told_after", [0, 61])
def test_a_payment_whose_notification_can_t_be_read_expires_no_code(world, told_after):
    world.ask()
    world.doku.pay("INV-1")
    world.doku.mood = Mood.DOWN
    world.clock.advance(minutes=told_after)
    message = sent(world.inbox.post(Notification(OrderState.SUCCESS, None, "INV-1")))
    received = world.receive(message)
    assert (received.outcome, received.invoice_number) == (NotificationOutcome.UNREADABLE, "INV-1")
    (kept,) = world.notifications.list_kept(limit=10, cursor=None).items
    assert (kept.invoice_number, kept.reason) == ("INV-1", KeptFor.UNREADABLE)
    world.live(START + timedelta(hours=5))
    assert (world.code().status, world.code().is_disputed) == (Status.ACTIVE, True)
    world.doku.mood = Mood.WELL
    world.live(START + timedelta(days=1), step=timedelta(minutes=10))
    assert (world.code().status, world.code().payments) == (Status.PAID, 1)


def test_a_payment_recorded_by_a_clock_that_is_behind_is_on_record_once(world):
    world.ask(reusable=True)
    report = world.doku.pay("INV-1")
    world.clock.advance(seconds=-3)
    world.notify(report)
    world.clock.advance(seconds=3)
    (payment,) = world.read.payments("shop", "INV-1", limit=10, cursor=None).items
    assert payment.recorded_at < world.code().created_at
    assert world.notify(report).outcome is NotificationOutcome.KNOWN
    assert world.code().payments == 1


def test_a_paid_code_takes_no_notice_of_what_can_t_be_read(world):
    world.ask()
    world.notify(world.doku.pay("INV-1"))
    before = world.code()
    world.receive(sent(world.inbox.post(Notification(OrderState.SUCCESS, None, "INV-1"))))
    assert world.code() == before


def test_a_payment_that_can_t_be_read_and_matches_no_code_is_kept(world):
    world.receive(sent(world.inbox.post(Notification(OrderState.SUCCESS, None, "INV-9"))))
    (kept,) = world.notifications.list_kept(limit=10, cursor=None).items
    assert (kept.invoice_number, kept.reason) == ("INV-9", KeptFor.UNREADABLE)


def test_only_success_moves_money(world):
    world.ask()
    report = world.doku.pay("INV-1")
    message = world.inbox.post(Notification(OrderState.FAILED, report))
    assert world.receive(sent(message)).outcome is NotificationOutcome.NOT_SUCCESS
    assert world.code().status is Status.ACTIVE


# --- Reconciling and expiring ---------------------------------------------------------------


def test_a_lost_notification_is_found_by_reconciliation(world):
    world.ask()
    world.clock.advance(minutes=5)
    world.doku.pay("INV-1")
    world.live(START + timedelta(minutes=15))
    assert world.code().status is Status.PAID
    assert world.code().late is False


def test_an_unpaid_code_expires_at_its_time(world):
    world.ask()
    world.live(START + HOUR)
    assert world.code().status is Status.EXPIRED


def test_a_payment_in_the_last_second_is_not_lost(world):
    world.ask()
    world.live(START + HOUR - timedelta(seconds=1), step=timedelta(seconds=59))
    world.doku.pay("INV-1")
    # DOKU's status check shows it 60 seconds later; until then DOKU calls the order expired.
    world.live(START + HOUR)
    assert world.code().status is Status.EXPIRED
    world.live(START + HOUR + timedelta(minutes=36))
    # It was in time, though it had ended here.
    code = world.code()
    assert (code.status, code.late, code.had_ended) == (Status.PAID, False, True)


def test_while_doku_is_dead_an_expiry_waits_for_half_an_hour(world):
    world.ask()
    world.doku.mood = Mood.DOWN
    world.live(START + HOUR + timedelta(minutes=29))
    assert world.code().status is Status.ACTIVE
    world.live(START + HOUR + timedelta(minutes=31))
    assert world.code().status is Status.EXPIRED
    world.doku.orders["INV-1"].payments.append(
        replace(world.doku.pay("INV-1"), paid_at=START + timedelta(minutes=59))
    )
    world.doku.mood = Mood.WELL
    world.live(START + HOUR + timedelta(hours=2))
    code = world.code()
    assert (code.status, code.late, code.had_ended) == (Status.PAID, False, True)


def test_an_expired_code_is_looked_at_twice_more_and_then_is_final(world):
    world.ask()
    world.live(START + timedelta(hours=20), step=timedelta(minutes=5))
    assert world.code().status is Status.EXPIRED
    assert (world.code().due_at, world.code().is_final) == (None, True)
    # Once more, and not to be looked at: to be forgotten.
    assert world.due.due(START + timedelta(days=90), 10) == []
    assert len(world.due.due(START + timedelta(days=91), 10)) == 1


def test_a_cancelled_code_is_watched_beyond_its_expiry(world):
    world.ask(expiry=Expiry(in_minutes=3 * 24 * 60))
    world.cancel("shop", "INV-1")
    world.live(START + timedelta(days=2), step=timedelta(minutes=10))
    world.doku.pay("INV-1")
    world.live(START + timedelta(days=5), step=timedelta(minutes=10))
    assert (world.code().status, world.code().late) == (Status.PAID, True)


def test_a_code_that_doku_never_heard_of_fails_at_its_expiry(world):
    world.doku.mood = Mood.DOWN
    world.ask()
    world.live(START + HOUR - timedelta(minutes=1))
    world.doku.orders.clear()
    world.live(START + HOUR + timedelta(minutes=31))
    assert world.code().status is Status.FAILED
    assert world.code().failure is not None
    assert world.code().failure.reason == "unknown"


def test_an_amount_that_differs_at_doku_too_is_never_expired(world):
    world.ask()
    world.clock.advance(minutes=5)
    world.notify(world.doku.pay("INV-1", amount=140_000))
    world.live(START + timedelta(days=2), step=timedelta(minutes=5))
    code = world.code()
    assert (code.status, code.due_at, code.payments) == (Status.ACTIVE, None, 1)


def test_a_success_that_is_older_than_the_code_is_kept_once_and_left_to_a_person(world):
    world.ask()
    report = world.doku.pay("INV-1")
    world.doku.orders["INV-1"].payments = [replace(report, paid_at=START - timedelta(days=2))]
    world.live(START + timedelta(days=9), step=timedelta(minutes=9))
    (kept,) = world.notifications.list_kept(limit=10, cursor=None).items
    assert (kept.invoice_number, kept.reason) == ("INV-1", KeptFor.OLDER_ORDER)
    code = world.code()
    assert (code.status, code.payments, code.due_at) == (Status.ACTIVE, 0, None)


def test_work_that_is_queued_twice_is_done_once(world):
    world.ask()
    world.clock.advance(minutes=15)
    world.expire()
    world.expire()
    asked = []
    original = world.doku.check_status

    def counted(invoice_number, time_left) -> OrderStatus:
        asked.append(invoice_number)
        answer: OrderStatus = original(invoice_number, time_left)
        return answer

    world.doku.check_status = counted
    while (work := world.queue.take()) is not None:
        world.reconcile(work, time_left=plenty)
    assert asked == ["INV-1"]


def test_refresh_asks_doku_now(world):
    world.ask()
    world.doku.pay("INV-1")
    world.clock.advance(minutes=1)
    reconciled = world.refresh("shop", "INV-1", time_left=plenty)
    assert reconciled.finding is Finding.SETTLED
    assert world.code().status is Status.PAID


def test_a_backlog_stops_more_from_being_queued(world, monkeypatch):
    monkeypatch.setattr("o2o.usecases.expire_codes.LIMIT", 2)
    for number in range(5):
        world.ask(f"INV-{number}")
    world.clock.advance(minutes=15)
    assert [world.expire().count for _ in range(2)] == [2, 0]
    assert world.expire().overdue == timedelta()
    world.clock.advance(minutes=1)
    assert world.expire().overdue == timedelta(minutes=1)


# --- Cancelling and reading ---------------------------------------------------------------


def test_cancelling_twice_is_cancelling_once(world):
    world.ask()
    first = world.cancel("shop", "INV-1")
    assert first.status is Status.CANCELLED
    assert world.cancel("shop", "INV-1") == first


def test_a_paid_code_can_t_be_cancelled(world):
    world.ask()
    world.notify(world.doku.pay("INV-1"))
    with pytest.raises(IllegalMove, match=r"is paid can.t be cancelled"):
        world.cancel("shop", "INV-1")


def test_a_foreign_code_does_not_exist(world):
    world.ask()
    for look in (
        lambda: world.read.one("other", "INV-1"),
        lambda: world.cancel("other", "INV-1"),
        lambda: world.refresh("other", "INV-1", time_left=plenty),
    ):
        with pytest.raises(NotFound):
            look()


def test_a_filtered_list_is_complete_over_its_pages(world):
    for number in range(12):
        world.clock.advance(seconds=1)
        world.ask(f"INV-{number}")
        if number % 3 == 0:
            world.cancel("shop", f"INV-{number}")
    found, cursor = [], None
    while True:
        page = world.read.many("shop", CodeFilter(status=Status.CANCELLED), limit=2, cursor=cursor)
        found += [code.invoice_number for code in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == ["INV-9", "INV-6", "INV-3", "INV-0"]


def test_a_success_that_becomes_readable_settles_the_dispute(world):
    """A reusable code is not left open for ever because one answer could not be read."""
    world.ask("INV-1", expiry=Expiry(in_minutes=1), reusable=True)
    world.doku.pay("INV-1")
    world.doku.mood = Mood.BABBLING
    world.clock.advance(minutes=1)
    world.work_off()
    assert world.code("INV-1").is_disputed
    world.doku.mood = Mood.WELL
    world.live(world.clock() + timedelta(days=3), step=timedelta(minutes=17))
    code = world.code("INV-1")
    assert (code.status, code.payments, code.is_at_rest) == (Status.EXPIRED, 1, True)


def test_a_paid_reusable_code_ends_whatever_doku_babbles(world):
    world.ask("INV-1", expiry=Expiry(in_minutes=90), reusable=True)
    world.notify(world.doku.pay("INV-1"))
    world.doku.mood = Mood.BABBLING
    world.live(world.clock() + timedelta(minutes=110), step=timedelta(minutes=17))
    assert world.code("INV-1").status is Status.ACTIVE
    world.live(world.clock() + timedelta(hours=1), step=timedelta(minutes=17))
    code = world.code("INV-1")
    assert (code.status, code.unconfirmed, code.payments) == (Status.EXPIRED, True, 1)
    # The next payment is recorded all the same.
    world.doku.mood = Mood.WELL
    world.notify(world.doku.pay("INV-1"))
    assert world.code("INV-1").payments == 2
