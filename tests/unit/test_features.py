"""Merchant-made codes, direct inquiry, digits and their claims, and codes that replace others."""

from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import pytest

from o2o.core.bins import Bin, BinTable
from o2o.core.channels import BinType, Channel, Feature, Partnership
from o2o.core.code_requests import Expiry
from o2o.core.codes import PaymentKind, Status
from o2o.core.errors import (
    DigitsTaken,
    IllegalMove,
    InvalidConfiguration,
    InvalidRequest,
    VersionConflict,
)
from o2o.core.inquiries import InquiryStatus
from o2o.usecases.generate_code import Generation
from o2o.usecases.record_message import NotificationOutcome
from tests.support.world import BINS, START, Mood, World, plenty

MGPC = {"feature": Feature.MGPC}
DIPC = {"feature": Feature.DIPC}
NUMBER = {"unique_part": "0812345678"}
DIGITS = "8899550812345678"


@pytest.fixture
def world() -> World:
    return World()


# --- Merchant-made codes ------------------------------------------------------------------


def test_a_storefront_s_own_digits_are_registered_at_doku(world):
    code = world.ask(**MGPC, **NUMBER).code
    assert (code.status, code.payment_code, code.unique_part) == (
        Status.ACTIVE,
        DIGITS,
        "0812345678",
    )
    assert world.doku.orders["INV-1"].payment_code == DIGITS
    assert world.notify(world.doku.pay("INV-1")).outcome is NotificationOutcome.SETTLED


def test_digits_are_generated_where_none_are_given(world):
    codes = [world.ask(f"INV-{number}", **MGPC).code for number in range(20)]
    digits = {code.payment_code for code in codes}
    assert len(digits) == 20
    assert all(each and each.startswith("889955") and len(each) == 16 for each in digits)


@pytest.mark.parametrize("feature", [Feature.MGPC, Feature.DIPC])
def test_two_live_codes_never_share_digits_across_storefronts_too(world, feature):
    world.ask(feature=feature, **NUMBER)
    with pytest.raises(DigitsTaken):
        world.generate("other", world.request("INV-2", feature=feature, **NUMBER), time_left=plenty)
    assert world.codes.get("INV-2") is None
    assert len(world.doku.sent) == (feature is Feature.MGPC)


@pytest.mark.parametrize(
    ("feature", "end"),
    [
        (Feature.MGPC, "paid"),
        (Feature.MGPC, "expired"),
        (Feature.MGPC, "failed"),
        (Feature.MGPC, "cancelled"),
        # Nobody can refuse a code that lives here.
        (Feature.DIPC, "paid"),
        (Feature.DIPC, "expired"),
        (Feature.DIPC, "cancelled"),
    ],
)
def test_a_top_up_customer_keeps_one_number_for_life(world, feature, end):
    if end == "failed":
        world.doku.mood = Mood.REFUSING
        with pytest.raises(Exception, match="Invalid JSON"):
            world.ask(feature=feature, **NUMBER)
        world.doku.mood = Mood.WELL
    else:
        world.ask(feature=feature, **NUMBER)
    if end == "paid":
        world.settle(replace(report_of(world, "INV-1"), payment_code=DIGITS))
    if end == "expired":
        world.live(START + timedelta(minutes=62))
    if end == "cancelled":
        world.cancel("shop", "INV-1")
    if end == "cancelled" and feature is Feature.MGPC:
        # It can still be paid at DOKU until it expires there.
        with pytest.raises(DigitsTaken):
            world.ask("INV-2", feature=feature, **NUMBER)
        world.clock.advance(hours=1)
    assert world.code("INV-1").status == end
    again = world.ask("INV-2", feature=feature, **NUMBER).code
    assert (again.status, again.payment_code) == (Status.ACTIVE, DIGITS)
    assert world.codes.find_by_digits(Channel.ALFA, DIGITS) == again


def report_of(world: World, invoice_number: str):
    """A payment at a till, for a code that lives here, too."""
    other = World()
    other.clock.now = world.clock.now
    other.ask(invoice_number)
    return other.doku.pay(invoice_number)


def test_the_same_request_again_is_the_same_code_with_the_same_digits(world):
    first = world.ask(**DIPC).code
    again = world.ask(**DIPC)
    assert again.generation is Generation.REPEATED
    assert again.code == first


@pytest.mark.parametrize("changes", [{"unique_part": "1" * 15}, {"unique_part": ""}])
def test_digits_that_do_not_fit_are_refused_by_name(world, changes):
    with pytest.raises(InvalidRequest, match="unique_part"):
        world.ask(**MGPC, **changes)


def test_a_bin_is_for_its_storefronts_only(world):
    exclusive = Bin(
        Channel.ALFA,
        Partnership.AGGREGATOR,
        BinType.EXCLUSIVE,
        "889955",
        storefronts=frozenset({"other"}),
    )
    generate = replace(world.generate, bins=BinTable.of([BINS.bins[0], exclusive]))
    with pytest.raises(InvalidRequest, match="feature"):
        generate("shop", world.request(**MGPC), time_left=plenty)
    assert generate("other", world.request(**MGPC), time_left=plenty).code.bin == "889955"


def test_where_several_bins_fit_one_must_be_named(world):
    direct = Bin(Channel.ALFA, Partnership.DIRECT, BinType.DIRECT, "77801")
    generate = replace(world.generate, bins=BinTable.of([*BINS.bins, direct]))
    with pytest.raises(InvalidRequest, match="bin: is needed"):
        generate("shop", world.request(**MGPC), time_left=plenty)
    request = world.request(**MGPC, bin="77801")
    code = generate("shop", request, time_left=plenty).code
    assert code.payment_code is not None
    assert code.payment_code.startswith("77801")
    assert len(code.payment_code) == 16


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"only_features": frozenset({Feature.DGPC})}, "has no dgpc"),
        ({"only_features": frozenset()}, "features is empty"),
        ({"storefronts": frozenset()}, "nobody may use it"),
        ({"unique_digits": 0}, "1 to 14"),
        ({"unique_digits": 15}, "1 to 14"),
    ],
)
def test_options_that_make_no_sense_name_the_entry(options, sentence):
    with pytest.raises(InvalidConfiguration, match=sentence) as raised:
        Bin(Channel.ALFA, Partnership.AGGREGATOR, BinType.EXCLUSIVE, "889955", **options)
    assert "'889955'" in str(raised.value)


# --- Direct inquiry -----------------------------------------------------------------------


def test_a_code_that_lives_here_is_active_at_once_and_doku_is_not_called(world):
    world.doku.mood = Mood.DOWN
    generated = world.ask(**DIPC, **NUMBER)
    assert generated.generation is Generation.CREATED
    assert generated.code.status is Status.ACTIVE
    assert world.doku.sent == []


def test_an_inquiry_is_answered_by_what_became_of_the_code(world):
    assert world.inquire(DIGITS) is InquiryStatus.NOT_FOUND
    world.ask(**DIPC, **NUMBER)
    assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    world.notify(replace(report_of(world, "INV-1"), payment_code=DIGITS))
    assert world.inquire(DIGITS) is InquiryStatus.ALREADY_PAID


def test_an_inquiry_after_the_expiry_is_answered_alike_before_and_after_it_is_expired(world):
    world.ask(**DIPC, **NUMBER)
    world.clock.advance(minutes=60)
    assert world.code().status is Status.ACTIVE
    assert world.inquire(DIGITS) is InquiryStatus.WAS_EXPIRED
    world.live(START + timedelta(minutes=62))
    assert world.code().status is Status.EXPIRED
    assert world.inquire(DIGITS) is InquiryStatus.WAS_EXPIRED


def test_an_inquiry_after_cancel_is_declined(world):
    world.ask(**DIPC, **NUMBER)
    world.cancel("shop", "INV-1")
    assert world.inquire(DIGITS) is InquiryStatus.DECLINE


def test_an_inquiry_that_is_not_on_record_is_declined(world, monkeypatch):
    """Or cancelling would not know that a till may take the money just now."""
    code = world.ask(feature=Feature.DIPC).code

    def lose(_: object) -> NoReturn:
        raise VersionConflict("another write came first")

    monkeypatch.setattr(world.codes, "save", lose)
    assert world.inquire(code.payment_code) is InquiryStatus.DECLINE


def test_an_inquiry_about_another_channel_or_a_registered_code_pays_nothing(world):
    world.ask(**DIPC, **NUMBER)
    assert world.inquire(DIGITS, Channel.INDOMARET) is InquiryStatus.NOT_FOUND
    assert world.inquire(DIGITS, None) is InquiryStatus.NOT_FOUND
    registered = world.ask("INV-2", **MGPC).code.payment_code
    assert registered is not None
    assert world.inquire(registered) is InquiryStatus.DECLINE


def test_a_reusable_code_can_be_inquired_and_paid_again(world):
    world.ask(**DIPC, **NUMBER, reusable=True)
    for payments in (1, 2, 3):
        assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
        world.clock.advance(minutes=1)
        world.notify(
            replace(report_of(world, "INV-1"), payment_code=DIGITS, receipt_number=f"R-{payments}")
        )
        assert world.code().payments == payments


@pytest.mark.parametrize("end", ["cancelled", "expired"])
def test_a_payment_that_follows_an_answered_inquiry_is_never_lost(world, end):
    world.ask(**DIPC, **NUMBER)
    world.clock.advance(minutes=59)
    assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    if end == "cancelled":
        code = world.cancel("shop", "INV-1")
        assert code.stops_payment is False
    else:
        world.live(START + timedelta(minutes=63))
    assert world.code().status == end
    world.clock.advance(seconds=1)
    # Even if somebody else has the digits by now.
    world.ask("INV-2", **DIPC, **NUMBER)
    receipt = world.notify(replace(report_of(world, "INV-1"), payment_code=DIGITS))
    assert receipt.payment is not None
    assert receipt.payment.kind is PaymentKind.PAID_LATE
    assert (world.code("INV-1").status, world.code("INV-2").status) == (
        Status.PAID,
        Status.ACTIVE,
    )


def test_cancel_tells_whether_it_stops_payment(world):
    for number, feature in enumerate(Feature):
        world.ask(f"INV-{number}", feature=feature)
    stops = [world.cancel("shop", f"INV-{number}").stops_payment for number in range(3)]
    assert dict(zip(Feature, stops, strict=True)) == {
        Feature.DGPC: False,
        Feature.MGPC: False,
        Feature.DIPC: True,
    }


def test_an_inquiry_that_overtakes_a_cancel_is_seen_by_it(world):
    """The inquiry's answer is written down first: cancel decides again on what it finds."""
    world.ask(**DIPC, **NUMBER)
    save = world.codes.save
    inquired: list[InquiryStatus] = []

    def save_after_an_inquiry(code) -> None:
        if code.status is Status.CANCELLED and not inquired:
            inquired.append(world.inquire(DIGITS))
        save(code)

    world.codes.save = save_after_an_inquiry
    code = world.cancel("shop", "INV-1")
    assert inquired == [InquiryStatus.SUCCESS]
    assert (code.status, code.stops_payment) == (Status.CANCELLED, False)


def test_a_lost_notification_of_a_code_that_lives_here_is_found(world):
    world.ask(**DIPC, **NUMBER)
    assert world.inquire(DIGITS) is InquiryStatus.SUCCESS
    # DOKU has an order of this number from the payment on.
    other = World()
    other.ask("INV-1")
    other.doku.pay("INV-1")
    world.doku.orders = other.doku.orders
    world.live(START + timedelta(minutes=15))
    assert world.code().status is Status.PAID


# --- Replacing ----------------------------------------------------------------------------

INDOMARET = {"channel": Channel.INDOMARET}


def test_a_customer_who_changes_channel_has_one_live_code(world):
    world.ask("INV-A")
    new = world.ask("INV-B", replaces="INV-A", **INDOMARET).code
    old = world.code("INV-A")
    assert (old.status, old.replaced_by) == (Status.CANCELLED, "INV-B")
    assert (new.status, new.replaces) == (Status.ACTIVE, "INV-A")
    assert world.ask("INV-B", replaces="INV-A", **INDOMARET).generation is Generation.REPEATED


@pytest.mark.parametrize("first", ["INV-A", "INV-B", "INV-C"])
@pytest.mark.parametrize("second", ["INV-A", "INV-B", "INV-C"])
def test_if_two_of_a_chain_are_paid_the_second_names_the_first(world, first, second):
    world.ask("INV-A")
    world.ask("INV-B", replaces="INV-A", **INDOMARET)
    world.ask("INV-C", replaces="INV-B")
    assert world.notify(world.doku.pay(first)).payment.kind in (
        PaymentKind.PAID,
        PaymentKind.PAID_LATE,
    )
    world.clock.advance(minutes=1)
    again = world.notify(world.doku.pay(second)).payment
    assert (again.kind, again.first_paid) == (PaymentKind.PAID_AGAIN, first)
    assert world.code(second).status is Status.PAID


def test_a_hanging_doku_does_not_keep_the_customer_from_changing(world):
    world.doku.mood = Mood.FORGETFUL
    world.ask("INV-A")
    world.doku.mood = Mood.WELL
    world.ask("INV-B", replaces="INV-A", **INDOMARET)
    assert world.code("INV-A").status is Status.CANCELLED
    world.live(START + timedelta(minutes=5))
    assert world.code("INV-A").status is Status.CANCELLED
    world.notify(world.doku.pay("INV-A"))
    assert (world.code("INV-A").status, world.code("INV-A").late) == (Status.PAID, True)


def test_a_paid_code_can_t_be_replaced(world):
    world.ask("INV-A")
    world.notify(world.doku.pay("INV-A"))
    with pytest.raises(IllegalMove, match=r"is paid can.t be replaced"):
        world.ask("INV-B", replaces="INV-A")
    assert world.codes.get("INV-B") is None


@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_a_code_that_has_ended_can_be_replaced(world, end):
    world.ask("INV-A")
    if end == "expired":
        world.live(START + timedelta(hours=2))
    else:
        world.cancel("shop", "INV-A")
    world.ask("INV-B", replaces="INV-A")
    assert (world.code("INV-A").status, world.code("INV-A").replaced_by) == (end, "INV-B")


def test_a_code_is_replaced_once(world):
    world.ask("INV-A")
    world.ask("INV-B", replaces="INV-A")
    with pytest.raises(InvalidRequest, match="replaces: was already replaced"):
        world.ask("INV-C", replaces="INV-A")


def test_a_foreign_or_unknown_code_can_t_be_replaced(world):
    world.generate("other", world.request("INV-A"), time_left=plenty)
    for number in ("INV-A", "INV-X", "INV-B"):
        with pytest.raises(InvalidRequest, match="replaces"):
            world.ask("INV-B", replaces=number)
    assert world.codes.get("INV-B") is None


def test_a_replacement_may_take_over_the_digits_of_a_code_that_lives_here(world):
    world.ask("INV-A", **DIPC, **NUMBER)
    new = world.ask("INV-B", replaces="INV-A", amount=200_000, **DIPC, **NUMBER).code
    assert new.payment_code == DIGITS
    assert world.code("INV-A").status is Status.CANCELLED
    assert world.codes.find_by_digits(Channel.ALFA, DIGITS) == new


def test_a_payment_and_a_replacement_at_once_both_see_each_other(world):
    """A payment that lands between reading and writing is seen, and stops the replacement."""
    world.ask("INV-A")
    create = world.codes.create
    paid: list[object] = []

    def create_after_a_payment(code, **options: object) -> object:
        if not paid:
            paid.append(world.notify(world.doku.pay("INV-A")))
        return create(code, **options)

    world.codes.create = create_after_a_payment
    with pytest.raises(IllegalMove, match="paid"):
        world.ask("INV-B", replaces="INV-A")
    assert world.codes.get("INV-B") is None


def test_two_payments_on_a_chain_at_once_are_not_both_the_first(world):
    world.ask("INV-A")
    world.ask("INV-B", replaces="INV-A")
    first, second = world.doku.pay("INV-A"), world.doku.pay("INV-B")
    record = world.codes.record
    between: list[object] = []

    def record_after_the_other(settlement) -> object:
        if not between:
            between.append(None)
            between.append(world.notify(first))
        return record(settlement)

    world.codes.record = record_after_the_other
    payment = world.notify(second).payment
    assert (payment.kind, payment.first_paid) == (PaymentKind.PAID_AGAIN, "INV-A")


def test_a_chain_has_an_end(world):
    world.ask("INV-0", **DIPC)
    for number in range(1, 20):
        world.ask(f"INV-{number}", replaces=f"INV-{number - 1}", **DIPC)
    with pytest.raises(InvalidRequest, match="too often"):
        world.ask("INV-20", replaces="INV-19", **DIPC)


def test_expiries_are_kept_for_all_features(world):
    for number, feature in enumerate(Feature):
        code = world.ask(f"INV-{number}", feature=feature, expiry=Expiry(in_minutes=5)).code
        assert code.expires_at == START + timedelta(minutes=5)
