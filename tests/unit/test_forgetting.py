"""What is forgotten, when, and what still holds of a code after it."""

import json
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2o.core.channels import Feature
from o2o.core.codes import PaymentCode, PaymentKind, ResolvedPayment, Status
from o2o.core.deliveries import Attempt, DeliveryStatus
from o2o.core.errors import DokuRefused, IllegalMove, InvoiceNumberTaken, NotFound
from o2o.core.events import Change, EventType, derive_events, derive_story, possible_ids
from o2o.core.inquiries import InquiryStatus
from o2o.core.notifications import KeptFor
from o2o.core.payments import Evidence
from o2o.core.resolutions import Resolution, ResolutionKind
from o2o.core.timetable import Retention
from o2o.entry.models.codes import PaymentCodeView
from o2o.entry.models.events import render
from o2o.usecases.generate_code import Generation
from o2o.usecases.reconcile import Finding
from o2o.usecases.resolve_payment import ResolvePayment
from o2o.usecases.settle import SettleOutcome
from o2o.usecases.show_code import ShowCode
from tests.support.memory import RETENTION, MemoryStorefrontStore
from tests.support.samples import at, make_code, make_full_code, make_kept
from tests.support.storefronts import make_record
from tests.support.world import BINS, START, Mood, World, plenty

PERSONAL: dict[str, Any] = {
    "info": "Pesanan Anton",
    "metadata": '{"cart": "Anton"}',
    "public_url": "https://pay.example",
}


@pytest.fixture
def world() -> World:
    return World()


def paid(world: World, **changes: Any) -> PaymentCode:
    world.ask(**PERSONAL, **changes)
    world.notify(world.doku.pay("INV-1"))
    return world.code()


def forgotten(world: World) -> PaymentCode:
    """The code of ``paid``, after its retention."""
    paid(world)
    world.clock.advance(days=90)
    world.work_off()
    code = world.code()
    assert code.forgotten_at == world.clock()
    return code


@pytest.mark.parametrize("age", [0, 30, 36_500])
def test_a_paid_code_stays_for_its_retention_whatever_the_date_that_doku_gives(world, age):
    """The retention counts from when we learnt of the payment."""
    world.ask(**PERSONAL)
    report = world.doku.pay("INV-1")
    world.notify(replace(report, paid_at=START - timedelta(days=age)))
    world.clock.advance(days=89, hours=23)
    world.work_off()
    assert world.code().customer is not None
    world.clock.advance(hours=1)
    world.work_off()
    assert world.code().customer is None


@pytest.mark.parametrize(
    ("feature", "end"),
    [
        *product(Feature, ["paid", "expired", "cancelled"]),
        # DOKU is asked for no code that lives here.
        *product([Feature.DGPC, Feature.MGPC], ["refused", "unknown"]),
    ],
)
def test_whatever_its_end_all_that_is_personal_goes_in_time(world, feature, end):
    if end in ("refused", "unknown"):
        world.doku.mood = Mood.REFUSING if end == "refused" else Mood.DOWN
    try:
        world.ask(**PERSONAL, feature=feature)
    except DokuRefused:
        assert end == "refused"
    world.doku.mood = Mood.WELL
    if end == "unknown":
        world.doku.mood = Mood.DOWN
        world.live(START + timedelta(hours=3))
        world.doku.mood = Mood.WELL
    if end == "paid":
        if feature is Feature.DIPC:
            world.doku.learn(world.code())
        world.notify(world.doku.pay("INV-1"))
    if end == "cancelled":
        world.cancel("shop", "INV-1")
    world.live(START + timedelta(days=2), step=timedelta(minutes=30))
    final = world.code()
    assert (final.is_final, final.customer is None) == (True, False)
    world.live(START + timedelta(days=92), step=timedelta(hours=12))
    code = world.code()
    assert code.status is final.status
    # A real fingerprint is a hash.
    left = [getattr(code, each.name) for each in fields(code) if each.name != "fingerprint"]
    text = repr(left)
    for personal in ("Anton", "pay.example", "8899", "R-1", "request-"):
        assert personal not in text or personal in (code.bin or ""), personal
    kept = ("invoice_number", "storefront_id", "amount", "status", "fingerprint", "payments")
    assert all(getattr(code, name) == getattr(final, name) for name in kept)
    assert world.due.due(world.clock() + timedelta(days=3000), 10) == []


def test_forgetting_tells_nobody_and_asks_nobody(world):
    code = paid(world)
    asked = len(world.doku.sent)
    world.doku.mood = Mood.DOWN
    world.clock.advance(days=90)
    (work,) = world.due.due(world.clock(), 10)
    reconciled = world.reconcile(work, time_left=plenty)
    assert reconciled.finding is Finding.FORGOTTEN
    assert len(world.doku.sent) == asked
    assert derive_events(Change(code, world.code())) == []
    assert world.reconcile(work, time_left=plenty).finding is Finding.NOTHING_DUE


def test_the_number_is_never_used_twice(world):
    code = forgotten(world)
    again = world.ask(**PERSONAL)
    assert (again.generation, again.code) == (Generation.REPEATED, code)
    with pytest.raises(InvoiceNumberTaken):
        world.ask(amount=77_000)
    assert len(world.doku.orders) == 1


def test_the_api_shows_what_is_left(world):
    view = json.loads(PaymentCodeView.of(forgotten(world)).model_dump_json())
    for name in ("customer", "payment_code", "info", "metadata", "pay_url", "how_to_pay_page"):
        assert view[name] is None
    assert view["receipt"] == {"description": None, "footer": None}
    assert (view["invoice_number"], view["status"], view["amount"]) == ("INV-1", "paid", 150_000)
    assert len(world.read.one("shop", "INV-1").payments) == 1


def test_its_page_is_gone(world):
    page = ShowCode(
        codes=world.codes,
        storefronts=MemoryStorefrontStore(),
        clock=world.clock,
        bins=BINS,
        page_token=str,
        read_page_token=str,
    )
    paid(world)
    assert page("INV-1").status.state == "paid"
    world.clock.advance(days=90)
    world.work_off()
    for look in (page, page.status):
        with pytest.raises(NotFound):
            look("INV-1")


def test_a_message_that_was_heard_is_known_for_good(world):
    world.ask()
    report = world.doku.pay("INV-1")
    world.notify(report)
    for days in (90, 3650, 36_500):
        world.clock.advance(days=days)
        world.work_off()
        assert world.settle(report).outcome is SettleOutcome.KNOWN
    assert world.code().payments == 1


def test_a_late_payment_is_recorded_and_announced_and_nothing_personal_comes_back(world):
    world.ask(**PERSONAL)
    order = world.doku.orders["INV-1"]
    world.live(START + timedelta(days=92), step=timedelta(hours=6))
    before = world.code()
    assert (before.status, before.forgotten_at is None) == (Status.EXPIRED, False)
    report = world.doku.pay("INV-1")
    assert world.settle(report).payment.kind is PaymentKind.PAID_LATE
    code = world.code()
    assert (code.status, code.late, code.payments) == (Status.PAID, True, 1)
    assert (code.customer, code.payment_code, code.forgotten_at) == (
        None,
        None,
        before.forgotten_at,
    )
    (event,) = derive_events(Change(before, code))
    assert event.type is EventType.PAID_LATE
    assert "Anton" not in render(event)
    again = replace(report, receipt_number="R-2", evidence=Evidence("another"))
    assert world.settle(again).payment.kind is PaymentKind.PAID_AGAIN
    other = replace(
        again, payment_code="8" + "9" * 15, receipt_number="R-3", evidence=Evidence("a third")
    )
    assert other.payment_code != order.payment_code
    assert world.settle(other).payment.kind is PaymentKind.DIGITS_MISMATCH
    assert world.code().payment_code is None


def test_evidence_goes_after_its_code_and_what_was_paid_stays(world):
    code = paid(world)
    (before,) = world.read.one("shop", "INV-1").payments
    world.clock.advance(days=3649)
    world.work_off()
    assert world.code().forgotten_at is not None
    (payment,) = world.read.one("shop", "INV-1").payments
    assert payment == before
    world.clock.advance(days=1)
    world.work_off()
    (payment,) = world.read.one("shop", "INV-1").payments
    assert payment.report.evidence == before.report.evidence.forget()
    assert payment.report.payment_code is None
    assert payment.mark == before.mark
    assert world.settle(before.report).outcome is SettleOutcome.KNOWN
    assert world.code().payments == code.payments
    assert world.due.due(world.clock() + timedelta(days=99_999), 10) == []
    # What comes after it is kept for as long, too; what completes a payment, no longer than that.
    fuller = replace(before.report, agent_id="A-1", evidence=Evidence("fuller"))
    assert world.settle(fuller).outcome is SettleOutcome.COMPLETED
    late = replace(world.doku.pay("INV-1"), amount=Decimal(1), evidence=Evidence("late"))
    assert world.settle(late).outcome is SettleOutcome.RECORDED
    world.clock.advance(days=3650)
    world.work_off()
    shown = world.read.one("shop", "INV-1").payments
    assert len(shown) == 2
    assert {telling.evidence.body for each in shown for telling in each.tellings} == {""}
    assert {telling.payment_code for each in shown for telling in each.tellings} == {None}


@pytest.mark.parametrize(("days", "gone"), [(30, True), (365, False)])
def test_a_retention_that_was_changed_holds_for_codes_that_have_ended(world, days, gone):
    paid(world)
    world.reconcile = replace(
        world.reconcile, retention=Retention(timedelta(days=days), timedelta(days=3650))
    )
    world.clock.advance(days=90)
    world.work_off()
    assert (world.code().customer is None) is gone


def test_an_amount_that_was_left_to_a_person_lets_personal_data_go(world):
    """Decision 0009: the code stays active, and nothing is asked about it any more."""
    world.ask(**PERSONAL)
    world.notify(world.doku.pay("INV-1", amount=100_000))
    world.live(START + timedelta(days=2), step=timedelta(minutes=30))
    assert (world.code().status, world.code().due_at) == (Status.ACTIVE, None)
    world.live(START + timedelta(days=92), step=timedelta(hours=12))
    code = world.code()
    assert (code.status, code.customer, code.payments) == (Status.ACTIVE, None, 1)
    right = replace(world.doku.pay("INV-1"), amount=Decimal(150_000), evidence=Evidence("right"))
    world.settle(right)
    assert world.code().status is Status.PAID


def test_an_inquiry_about_a_forgotten_code_is_answered_as_before(world):
    code = world.ask(feature=Feature.DIPC).code
    world.doku.learn(code)
    world.notify(world.doku.pay("INV-1"))
    world.clock.advance(days=90)
    world.work_off()
    assert world.code().payment_code is None
    assert world.inquire(code.payment_code) is InquiryStatus.ALREADY_PAID


def resolved_with_a_note(world: World) -> None:
    paid(world)
    resolve = ResolvePayment(codes=world.codes, clock=world.clock)
    resolve("shop", "INV-1", "1", ResolutionKind.REFUNDED, by="ani", note="to Anton, at the shop")


def test_a_note_goes_from_the_code_with_its_customer_and_from_the_payment_with_its_evidence(world):
    resolved_with_a_note(world)
    before = world.code()
    world.clock.advance(days=90)
    world.work_off()
    code = world.code()
    assert code.last_resolution == before.last_resolution.without_note()
    assert "Anton" not in repr(derive_events(Change(before, code)))
    assert derive_events(Change(before, code)) == []
    (payment,) = world.read.one("shop", "INV-1").payments
    assert payment.resolution.note == "to Anton, at the shop"
    world.clock.advance(days=3650)
    world.work_off()
    (payment,) = world.read.one("shop", "INV-1").payments
    assert payment.resolution == code.last_resolution.resolution


def test_a_note_about_a_code_that_was_forgotten_goes_with_the_evidence(world):
    forgotten(world)
    resolve = ResolvePayment(codes=world.codes, clock=world.clock)
    resolve("shop", "INV-1", "1", ResolutionKind.REFUNDED, by="ani", note="to Anton, at the shop")
    assert world.code().last_resolution.resolution.note is not None
    world.clock.advance(days=3650)
    world.work_off()
    assert world.code().last_resolution.resolution.note is None
    (payment,) = world.read.one("shop", "INV-1").payments
    assert payment.resolution.note is None


def test_that_a_note_goes_is_no_event(world):
    resolved_with_a_note(world)
    before = world.code()
    assert derive_events(Change(before, before.without_note())) == []
    again = replace(before.last_resolution, number=2)
    (event,) = derive_events(Change(before, replace(before, last_resolution=again)))
    assert event.type is EventType.RESOLVED


# --- on request --------------------------------------------------------------------------


def forget_on_request(world: World) -> PaymentCode:
    done = world.forget([world.forget.find("INV-1")])
    assert (done.orders, done.living) == (["INV-1"], [])
    code = world.code()
    assert (code.customer, code.metadata, code.payment_code, code.pay_url) == (None,) * 4
    return code


@pytest.mark.parametrize("mood", [Mood.WELL, Mood.DOWN])
def test_a_code_that_lives_is_not_forgotten(world, mood):
    """DOKU is sent its intent, tills its digits, and its customer reads them."""
    world.doku.mood = mood
    code = world.ask(**PERSONAL).code
    assert code.is_open
    done = world.forget([world.forget.find("INV-1")])
    assert (done.orders, done.living, world.code()) == ([], [code], code)
    with pytest.raises(IllegalMove, match="cancel it first"):
        code.forget(world.clock())


def test_a_code_that_is_still_looked_at_is_forgotten_and_looked_at_as_before(world):
    world.ask(**PERSONAL)
    world.live(START + timedelta(minutes=65))
    before = world.code()
    code = forget_on_request(world)
    assert code.due_at == before.due_at is not None
    world.doku.mood = Mood.DOWN
    world.live(START + timedelta(days=10), step=timedelta(hours=3))
    assert world.code().is_at_rest
    world.live(START + timedelta(days=100), step=timedelta(days=1))
    assert world.code().customer is None
    assert world.due.due(world.clock() + timedelta(days=3000), 10) == []


def test_money_that_comes_after_it_is_known_by_the_digits_hash(world):
    world.ask(**PERSONAL)
    world.cancel("shop", "INV-1")
    forget_on_request(world)
    world.clock.advance(minutes=1)
    report = world.doku.pay("INV-1")
    other = replace(
        report, payment_code="89", receipt_number="R-other", evidence=Evidence("of other digits")
    )
    world.notify(other)
    world.notify(report)
    payments = world.read.one("shop", "INV-1").payments
    assert [each.kind for each in payments] == [PaymentKind.DIGITS_MISMATCH, PaymentKind.PAID_LATE]
    assert (world.code().status, world.code().payment_code) == (Status.PAID, None)
    # The evidence, which has the digits, goes in its time.
    world.live(START + timedelta(days=3700), step=timedelta(days=50))
    payments = world.read.one("shop", "INV-1").payments
    assert {each.report.evidence.body for each in payments} == {""}


def test_a_till_that_was_told_yes_is_asked_about_and_its_payment_is_found(world):
    code = world.ask(feature=Feature.DIPC, **PERSONAL).code
    world.doku.learn(code)
    assert world.inquire(code.payment_code) is InquiryStatus.SUCCESS
    world.cancel("shop", "INV-1")
    forget_on_request(world)
    assert world.inquire(code.payment_code) is InquiryStatus.DECLINE
    world.doku.pay("INV-1")
    world.live(START + timedelta(minutes=10), step=timedelta(minutes=1))
    assert (world.code().status, world.code().payments) == (Status.PAID, 1)


def test_the_request_repeated_gets_what_is_left_and_brings_nothing_back(world):
    world.ask(**PERSONAL)
    world.cancel("shop", "INV-1")
    code = forget_on_request(world)
    again = world.ask(**PERSONAL)
    assert (again.generation, again.code) == (Generation.REPEATED, code)
    # Its digits stay the storefront's, and another code may stand in for it.
    assert world.ask("INV-2", replaces="INV-1").code.replaces == "INV-1"
    assert world.code().customer is None


def test_who_has_nothing_here_is_not_found(world):
    with pytest.raises(NotFound):
        world.forget.find("INV-1")
    assert world.forget.find_all("anton@example.com") == []


def test_all_events_of_a_code_are_found_by_their_ids():
    code = make_full_code()
    assert code.last_payment is not None
    marks = [
        replace(code.last_payment, number=number, kind=kind)
        for number, kind in enumerate(PaymentKind, start=1)
    ]
    ends: list[dict[str, Any]] = [{}, {"cancelled_at": None, "failure": None}, {"failure": None}]
    for ended in ends:
        resolution = Resolution(kind=ResolutionKind.KEPT, by="me", at=at(days=1))
        resolved = [ResolvedPayment(time, marks[0], resolution) for time in (1, 2)]
        story = derive_story(replace(code, **ended), marks, resolved)
        ids = list(possible_ids(code, [(mark, 0 if mark.number > 1 else 2) for mark in marks]))
        assert {event.event_id for event in story} <= set(ids)
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("status", DeliveryStatus)
def test_an_event_without_personal_data_is_sent_as_it_would_have_been(status):
    new = make_record(status=status, due_at=None)
    later = make_record(status=status, due_at=at(hours=1), version=4)
    waits = status in (DeliveryStatus.PENDING, DeliveryStatus.PAUSED)
    now = at(minutes=3)
    assert new.without("{}", now).is_wanted(now) is waits
    assert later.without("{}", now).due_at == later.due_at
    assert (later.without("{}", now).version, later.without("{}", now).payload) == (5, "{}")


# --- the rules by themselves ------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "last"),
    [
        (make_code(), None),
        (make_code(status=Status.ACTIVE), None),
        (make_code(status=Status.ACTIVE, due_at=None), at(hours=1)),
        (make_code(status=Status.EXPIRED, ended_at=at(hours=1)), None),
        (make_code(status=Status.EXPIRED, due_at=None, ended_at=at(hours=2)), at(hours=2)),
        (make_code(status=Status.CANCELLED, due_at=None, ended_at=at(minutes=1)), at(hours=1)),
        (make_code(status=Status.FAILED, due_at=None), at(hours=1)),
        (replace(make_full_code(), due_at=None), at(minutes=6, microseconds=1)),
    ],
    ids=[
        "requested",
        "active",
        "left to a person",
        "watched",
        "expired",
        "cancelled",
        "failed",
        "an old mark",
    ],
)
def test_when_a_code_is_forgotten(code, last):
    expected = None if last is None else last + RETENTION.codes
    assert code.forget_at(RETENTION) == expected


@given(st.integers(1, 4000), st.integers(1, 4000))
def test_evidence_never_goes_before_its_code(codes, evidence):
    kept = {"codes": timedelta(days=codes), "evidence": timedelta(days=evidence)}
    if evidence < codes:
        with pytest.raises(ValueError, match="evidence"):
            Retention(**kept)
        return
    retention = Retention(**kept)
    world = World()
    code = paid(world)
    forget_at = code.forget_at(retention)
    assert forget_at is not None
    evidence_at = code.forget(forget_at).forget_at(retention)
    assert evidence_at is not None
    assert forget_at <= evidence_at


def test_the_hash_of_digits_is_of_this_code_s_only():
    codes = [
        make_code(number, status=Status.PAID, due_at=None, payment_code="8123")
        for number in ("INV-1", "INV-2")
    ]
    hashes = {code.forget(at(days=1)).digits_sha256 for code in codes}
    assert len(hashes) == 2
    gone = codes[0].forget(at(days=1))
    assert [gone.has_other_digits(each) for each in ("8123", "8124", None)] == [False, True, False]
    unknown = make_code(status=Status.FAILED, due_at=None).forget(at(days=1))
    assert not unknown.has_other_digits("8123")


@pytest.mark.parametrize("reason", KeptFor)
def test_a_message_that_may_be_money_stays_until_a_person_has_looked(reason):
    kept = make_kept(reason=reason)
    if reason is KeptFor.NOT_SUCCESS:
        assert kept.forget_at(RETENTION) == kept.received_at + RETENTION.evidence
    else:
        assert kept.forget_at(RETENTION) is None
    dismissed = replace(kept, dismissed="a test", dismissed_at=at(days=5000))
    assert dismissed.forget_at(RETENTION) == at(days=5000) + RETENTION.evidence


def test_an_event_that_must_still_be_sent_stays():
    for status in (DeliveryStatus.PENDING, DeliveryStatus.PAUSED):
        assert make_record(status=status).forget_at is None
    done = make_record(status=DeliveryStatus.DELIVERED, due_at=None)
    assert done.forget_at == done.keep_until
    late = START + timedelta(days=200)
    dead = replace(done, status=DeliveryStatus.DEAD, attempts=(Attempt(late, 5, 500),))
    assert dead.forget_at == late + timedelta(days=15)
