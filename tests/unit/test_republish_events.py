"""Events that the stream did not bring are made again from the table, under the same ids."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from o2o.core.codes import Failure, PaymentKind, Refund, Source, Status
from o2o.core.errors import Busy, NotFound
from o2o.core.events import Change, EventType, derive_events, derive_story
from o2o.core.payments import CodeHistory, Evidence, settle
from o2o.core.storefronts import Storefront
from o2o.usecases.republish_events import Republished
from tests.support.memory import MemoryCodeStore
from tests.support.samples import make_code, make_own_code, make_report, make_settlement
from tests.support.storefronts import Shops
from tests.support.world import START, TIMETABLE


@pytest.fixture
def codes() -> MemoryCodeStore:
    return MemoryCodeStore()


@pytest.fixture
def shops() -> Shops:
    shops = Shops()
    shops.open()
    shops.storefronts.add_storefront(Storefront("shop", "The shop", START))
    return shops


@pytest.fixture
def changes(codes: MemoryCodeStore) -> list[Change]:
    """A code that was made and paid."""
    code = make_own_code()
    settlement = make_settlement(code)
    codes.create(code)
    codes.record(settlement)
    return [Change(None, code), Change(code, settlement.code)]


def ids(changes: list[Change]) -> list[str]:
    return [event.event_id for change in changes for event in derive_events(change)]


def test_a_code_tells_its_events_under_the_ids_that_its_writes_gave_them(codes, changes) -> None:
    payments = codes.list_payments("INV-1", limit=9, cursor=None).items
    story = derive_story(changes[-1].after, [payment.mark for payment in payments])
    assert [event.event_id for event in story] == ids(changes)
    assert [event.type for event in story] == ["payment_code.activated", "payment_code.paid"]
    assert all(first.occurred_at <= second.occurred_at for first, second in pairwise(story))


@pytest.mark.parametrize("published", [0, 1, 2])
def test_what_is_missing_is_made_and_nobody_is_sent_anything_twice(
    shops, codes, changes, published
) -> None:
    for change in changes[:published]:
        shops.publish(change)
    shops.work_off()
    shops.clock.advance(minutes=3)
    republish = shops.republish(codes)
    assert republish.of_code("INV-1") == Republished(made=2 - published, announced=2)
    assert republish.of_code("INV-1") == Republished(made=0, announced=2)
    shops.work_off()
    for change in changes:
        assert not any(each.is_new for each in shops.publish(change))  # it was late, not lost
    shops.work_off()
    assert sorted(shops.sender.ids("https://shop.example/hook")) == sorted(ids(changes))


@pytest.mark.parametrize(("ended", "minute"), [(True, -60), (False, 6 * 24 * 60)])
@pytest.mark.parametrize("stored_before_this_version", [True, False])
def test_cash_whose_lateness_is_known_only_later_is_told_once(
    shops, codes, ended, minute, stored_before_this_version
) -> None:
    """A status check without a date found it, then the notification came."""
    now = START + timedelta(hours=2)
    code = make_own_code(status=Status.EXPIRED, ended_at=now) if ended else make_own_code()
    codes.create(code)
    found = make_report(
        payment_code=None, source=Source.STATUS_CHECK, dated=False, receipt_number=None
    )
    first = settle(CodeHistory(code), found, now=now, timetable=TIMETABLE)
    assert first is not None
    codes.record(first)
    told = make_report(
        payment_code=None,
        paid_at=code.deadline + timedelta(minutes=minute),
        evidence=Evidence("another"),
    )
    second = settle(CodeHistory(first.code, [first.payment]), told, now=now, timetable=TIMETABLE)
    assert second is not None
    codes.record(second)
    assert {first.payment.kind, second.payment.kind} == {PaymentKind.PAID, PaymentKind.PAID_LATE}
    for event in derive_events(Change(code, first.code)):
        event_id = f"evt_{7:032}" if stored_before_this_version else event.event_id
        shops.publisher.keep_one(replace(event, event_id=event_id))
    shops.clock.advance(hours=3)
    shops.republish(codes).of_code("INV-1")
    paid = {EventType.PAID, EventType.PAID_LATE}
    everything = {"created_from": None, "created_to": None, "limit": 9, "cursor": None}
    events = shops.events.list_events("shop", **everything).items
    assert len([event for event in events if event.type in paid]) == 1


def test_a_time_has_what_only_later_turned_out_to_be_the_payment(shops, codes) -> None:
    """Its event is dated when the payment was recorded, hours before the write that was lost."""
    code = make_own_code()
    codes.create(code)
    now = START + timedelta(minutes=2)
    wrong = make_report(payment_code=None, amount=Decimal(140_000), receipt_number="R-1")
    first = settle(CodeHistory(code), wrong, now=now, timetable=TIMETABLE)
    assert first is not None
    codes.record(first)
    for change in (Change(None, code), Change(code, first.code)):
        shops.publish(change)
    shops.work_off()
    right = make_report(payment_code=None, receipt_number="R-1", evidence=Evidence("another"))
    later = now + timedelta(hours=9)
    second = settle(CodeHistory(first.code, [first.payment]), right, now=later, timetable=TIMETABLE)
    assert second is not None
    assert (second.payment.number, second.payment.kind) == (1, PaymentKind.PAID)
    codes.record(second)
    shops.clock.now = later + timedelta(hours=9)
    minute = timedelta(minutes=1)
    republish = shops.republish(codes)
    assert republish.of_time(later - minute, later + minute) == Republished(made=1, announced=1)
    assert republish.of_time(later - minute, later + minute) == Republished()
    assert republish.of_time(now - 2 * minute, now - minute) == Republished(announced=1)
    shops.work_off()
    (lost,) = derive_events(Change(first.code, second.code))
    assert lost.type is EventType.PAID
    assert shops.sender.ids("https://shop.example/hook")[-1] == lost.event_id


def test_what_a_clock_that_is_behind_dated_before_the_code_is_made_too(shops, codes) -> None:
    """Two invocations do not agree on the time to the millisecond."""
    code = make_own_code()
    codes.create(code)
    codes.save(code.cancel(now=code.created_at - timedelta(seconds=1), timetable=TIMETABLE))
    assert shops.republish(codes).of_code("INV-1").made == 2


def test_a_time_has_the_events_of_its_codes_and_no_others(shops, codes, changes) -> None:
    before = changes[0].after.created_at - timedelta(days=1)
    shops.clock.advance(days=1)
    republish = shops.republish(codes)
    assert republish.of_time(before - timedelta(days=1), before) == Republished()
    assert republish.of_time(before, shops.clock()) == Republished(made=2, announced=2)


def test_what_would_have_been_deleted_is_not_made(shops, codes, changes) -> None:
    shops.clock.advance(days=91)
    assert shops.republish(codes).of_code("INV-1") == Republished()


def test_the_bus_gets_later_what_it_did_not_take(shops, codes, changes) -> None:
    shops.bus.is_away = True
    for change in changes:
        shops.publish(change)
    republish = shops.republish(codes)
    shops.clock.advance(minutes=3)
    assert republish.of_code("INV-1") == Republished(unannounced=2)
    shops.bus.is_away = False
    assert republish.of_code("INV-1") == Republished(announced=2)
    assert [record.event_id for record in shops.bus.heard] == ids(changes)[::-1]


def test_a_code_that_is_not_there_has_no_events(shops, codes) -> None:
    with pytest.raises(NotFound):
        shops.republish(codes).of_code("INV-9")


NOW = START + timedelta(minutes=30)
FAILURE = Failure("refused")


@pytest.mark.parametrize(
    ("ended", "event_type"),
    [
        ({"status": Status.EXPIRED}, EventType.EXPIRED),
        ({"status": Status.CANCELLED}, EventType.CANCELLED),
        ({"status": Status.FAILED}, EventType.FAILED),
        ({"status": Status.PAID, "cancelled_at": NOW}, EventType.CANCELLED),
        ({"status": Status.PAID, "failure": FAILURE}, EventType.FAILED),
        # As version 0.1 left a code that was cancelled and paid.
        ({"status": Status.PAID, "expires_at": NOW + timedelta(hours=1)}, EventType.CANCELLED),
        ({"status": Status.PAID, "expires_at": NOW - timedelta(minutes=1)}, EventType.EXPIRED),
    ],
)
def test_how_a_code_ended_is_told_though_it_was_paid_later(ended, event_type) -> None:
    code = replace(make_code(), ended_at=NOW, **ended)
    (event,) = derive_story(code, [])
    assert (event.type, event.occurred_at) == (event_type, NOW)


def test_a_refund_is_told() -> None:
    code = replace(make_code(), refund=Refund(NOW))
    assert [event.type for event in derive_story(code, [])] == [EventType.REFUNDED]


def test_a_code_of_which_no_event_can_be_made_holds_up_no_other(shops, codes) -> None:
    codes.create(make_own_code("INV-1", metadata="{"))  # no JSON: no webhook about it
    codes.create(make_own_code("INV-2", payment_code="8899551234567891"))
    done = shops.republish(codes).of_time(START - timedelta(hours=1))
    assert done == Republished(made=1, announced=1, unmade=("INV-1",))
    assert [record.invoice_number for record in shops.bus.heard] == ["INV-2"]
    assert len(shops.reported) == 1


def test_in_an_outage_nothing_is_called_unmade(shops, codes) -> None:
    codes.create(make_own_code())

    def fail(_: object) -> str:
        raise Busy("the table is throttled")

    shops.publisher = replace(shops.publisher, render=fail)
    with pytest.raises(Busy):
        shops.republish(codes).of_time(START - timedelta(hours=1))
