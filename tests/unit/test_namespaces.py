"""Several storefronts on a stack: what is one's own, and how DOKU's numbers are made of it."""

import json
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2o.adapters.doku import messages
from o2o.core.bins import Bin, BinTable
from o2o.core.channels import BinType, Channel, Feature, Partnership
from o2o.core.codes import Source, Status
from o2o.core.errors import DigitsTaken, IllegalMove, InvalidRequest, NotFound
from o2o.core.inquiries import InquiryAnswer, InquiryStatus
from o2o.core.payments import Evidence, PaymentReport
from o2o.core.storefronts import (
    LONGEST_IN_A_NAMESPACE,
    check_invoice_number,
    to_invoice_number,
    to_order_number,
)
from o2o.entry.models.codes import PaymentCodeView
from o2o.entry.models.text import INVOICE_NUMBER_PATTERN
from o2o.usecases.authorize_storefront import AuthorizeStorefront
from o2o.usecases.generate_code import Generation
from o2o.usecases.manage_storefronts import ManageStorefronts
from o2o.usecases.release_digits import ReleaseDigits
from tests.support.memory import MemoryStorefrontStore
from tests.support.samples import make_code
from tests.support.world import SeededEntropy, TurnableClock, World, plenty

NAMESPACE = "k7q2"


@pytest.fixture
def world() -> World:
    return World()


invoice_numbers = st.from_regex(
    re.compile(INVOICE_NUMBER_PATTERN, re.ASCII), fullmatch=True
).filter(lambda number: len(number) <= 64)
namespaces = st.none() | st.from_regex(re.compile("[a-z0-9]{4}", re.ASCII), fullmatch=True)


@given(st.lists(st.tuples(namespaces, invoice_numbers), min_size=2, max_size=2, unique=True))
def test_two_storefronts_never_share_an_order_number(pair):
    made = []
    for namespace, number in pair:
        try:
            check_invoice_number(namespace, number)
        except InvalidRequest:
            return
        order_number = to_order_number(namespace, number)
        assert re.fullmatch(INVOICE_NUMBER_PATTERN, order_number)
        assert len(order_number) <= 64
        assert to_invoice_number(namespace, order_number) == number
        made.append(order_number)
    assert made[0] != made[1]


@given(namespaces.filter(bool), invoice_numbers)
def test_no_plain_number_lies_in_a_namespace(namespace, number):
    if len(number) > LONGEST_IN_A_NAMESPACE:
        with pytest.raises(InvalidRequest, match="at most 58 characters"):
            to_order_number(namespace, number)
        return
    with pytest.raises(InvalidRequest, match="reserved"):
        check_invoice_number(None, to_order_number(namespace, number))


@given(invoice_numbers)
def test_the_first_storefront_s_numbers_are_plain(number):
    assert to_order_number(None, number) == number == to_invoice_number(None, number)


# --- adding storefronts -----------------------------------------------------------------


@pytest.fixture
def desk():
    return ManageStorefronts(
        storefronts=MemoryStorefrontStore(), clock=TurnableClock(), entropy=SeededEntropy()
    )


def test_the_first_storefront_has_no_namespace_and_each_later_one_its_own(desk):
    first, *later = [desk.add(f"shop-{number}", "Shop") for number in range(20)]
    assert first.namespace is None
    assert all(re.fullmatch("[a-z0-9]{4}", each.namespace) for each in later)
    assert len({each.namespace for each in later}) == 19


def test_a_namespace_that_is_taken_is_drawn_again(desk):
    first, second = desk.add("shop", "Shop"), desk.add("other", "Other")
    again = replace(desk, entropy=SeededEntropy())
    third = again.add("third", "Third")
    assert len({first.namespace, second.namespace, third.namespace}) == 3


def test_a_key_carries_its_storefront_s_namespace(desk):
    desk.add("shop", "Shop")
    other = desk.add("other", "Other")
    key = AuthorizeStorefront(storefronts=desk.storefronts)(
        f"Bearer {desk.issue_key('other').api_key}"
    )
    assert key is not None
    assert (key.storefront_id, key.namespace) == ("other", other.namespace)
    assert desk.issue_key("shop").key.namespace is None


# --- their codes ------------------------------------------------------------------------


def ask_other(world: World, invoice_number: str = "INV-1", **changes: object):
    """The storefront ``other``, which came later, asks for a code."""
    request = world.request(invoice_number, namespace=NAMESPACE, **changes)
    return world.generate("other", request, time_left=plenty)


def test_two_shops_both_count_inv_1(world):
    ours, theirs = world.ask(), ask_other(world)
    assert (ours.generation, theirs.generation) == (Generation.CREATED, Generation.CREATED)
    assert set(world.doku.orders) == {"INV-1", "k7q2._INV-1"}
    world.notify(world.doku.pay("k7q2._INV-1"))
    assert world.code("INV-1").status is Status.ACTIVE
    paid = world.code("k7q2._INV-1")
    assert (paid.status, paid.invoice_number, paid.storefront_id) == ("paid", "INV-1", "other")
    assert ask_other(world).code == paid
    # By a status check, too.
    world.doku.pay("INV-1")
    world.clock.advance(minutes=16)
    world.work_off()
    assert world.code("INV-1").status is Status.PAID


def test_a_number_in_another_s_namespace_is_refused_whether_it_exists_or_not(world):
    ask_other(world)
    for number in ("k7q2._INV-1", "k7q2._INV-2", "zzzz._INV-1"):
        with pytest.raises(InvalidRequest, match="invoice_number") as caught:
            world.ask(number)
        assert number not in str(caught.value)
        with pytest.raises(NotFound):
            world.read.one("shop", number)


def test_a_number_that_is_reserved_now_keeps_its_code(world):
    """Version 0.1 took such numbers."""
    request = world.request("abcd._INV-1")
    code = make_code("abcd._INV-1", fingerprint=request.fingerprint, status=Status.ACTIVE)
    world.codes.create(code)
    assert world.ask("abcd._INV-1").code == code
    assert world.read.one("shop", "abcd._INV-1").code == code
    with pytest.raises(InvalidRequest, match="reserved"):
        world.generate("other", request, time_left=plenty)


def test_a_chain_lies_in_one_namespace_and_shows_the_storefront_s_own_numbers(world):
    world.ask("INV-1")
    with pytest.raises(InvalidRequest, match="replaces"):
        ask_other(world, "INV-2", replaces="INV-1")
    ask_other(world, "INV-1")
    second = ask_other(world, "INV-2", replaces="INV-1").code
    first = world.code("k7q2._INV-1")
    assert (second.replaces, first.replaced_by) == ("k7q2._INV-1", "k7q2._INV-2")
    assert PaymentCodeView.of(second).replaces == "INV-1"
    assert PaymentCodeView.of(first).replaced_by == "INV-2"
    assert world.code("INV-1").status is Status.ACTIVE
    world.doku.pay("k7q2._INV-1")
    world.notify(world.doku.pay("k7q2._INV-2"))
    world.clock.advance(minutes=36)
    world.work_off()
    marks = {world.code(f"k7q2._INV-{number}").last_payment.first_paid for number in (1, 2)}
    assert marks == {None, "INV-2"}


@pytest.mark.parametrize("field", ["invoice_number", "replaces"])
def test_the_limit_in_a_namespace_is_named(world, field):
    changes = {"invoice_number": "INV-1", field: "9" * 59}
    with pytest.raises(InvalidRequest) as caught:
        ask_other(world, changes.pop("invoice_number"), **changes)
    (param,) = caught.value.params
    assert (param.name, param.reason) == (field, "must have at most 58 characters")
    assert ask_other(world, "9" * 58).generation is Generation.CREATED


def test_whatever_doku_gets_names_the_order():
    """In a request, in the answer to an inquiry, and so in what follows from either."""
    code = make_code(namespace=NAMESPACE)
    asked = json.loads(messages.compose(code, 60))
    answer = InquiryAnswer(InquiryStatus.SUCCESS, "8899551234567890", code)
    for body in (asked, json.loads(messages.compose_inquiry_answer(answer))):
        assert body["order"]["invoice_number"] == "k7q2._INV-1"


# --- BINs and digits --------------------------------------------------------------------

NUMBER = {"unique_part": "0812345678"}


def test_an_unnamed_bin_of_one_merchant_is_the_first_storefront_s(world):
    assert world.ask(feature=Feature.MGPC, **NUMBER).code.bin == "889955"
    for changes in ({"feature": Feature.MGPC}, {"channel": Channel.INDOMARET}):
        with pytest.raises(InvalidRequest, match="feature"):
            ask_other(world, **changes)
    assert ask_other(world).code.bin == "8"


def shared_bin(world: World) -> None:
    """The operator lets two storefronts share an exclusive BIN."""
    shared = Bin(
        Channel.ALFA,
        Partnership.AGGREGATOR,
        BinType.EXCLUSIVE,
        "889955",
        storefronts=frozenset({"shop", "other"}),
    )
    world.generate = replace(world.generate, bins=BinTable.of([shared]))


@pytest.mark.parametrize("feature", [Feature.MGPC, Feature.DIPC])
@pytest.mark.parametrize("end", ["paid", "expired"])
def test_freed_digits_stay_their_storefront_s_until_the_operator_lets_go(world, feature, end):
    shared_bin(world)
    code = world.ask(feature=feature, **NUMBER).code
    release = ReleaseDigits(codes=world.codes, clock=world.clock)
    with pytest.raises(IllegalMove):
        release(Channel.ALFA, code.payment_code)
    if end == "paid":
        world.settle(report_of(code, world))
    else:
        world.clock.advance(hours=2)
        world.doku.learn(code)
        world.work_off()
    assert world.code().status == end
    with pytest.raises(DigitsTaken):
        ask_other(world, feature=feature, **NUMBER)
    again = world.ask("INV-2", feature=feature, **NUMBER).code
    assert again.payment_code == code.payment_code
    world.cancel("shop", "INV-2")
    world.clock.advance(hours=2)
    assert release(Channel.ALFA, code.payment_code).order_number == "INV-2"
    taken = ask_other(world, feature=feature, **NUMBER).code
    assert taken.payment_code == code.payment_code
    with pytest.raises(DigitsTaken):
        world.ask("INV-3", feature=feature, **NUMBER)
    if feature is Feature.DIPC:
        assert world.inquire(code.payment_code) is InquiryStatus.SUCCESS


def test_generated_digits_pass_another_storefront_s_by(world):
    """Of ten, the other one had nine, so that some are drawn twice in a row."""
    narrow = Bin(
        Channel.ALFA,
        Partnership.AGGREGATOR,
        BinType.EXCLUSIVE,
        "889955",
        storefronts=frozenset({"shop", "other"}),
        unique_digits=1,
    )
    world.generate = replace(world.generate, bins=BinTable.of([narrow]))
    for number in range(9):
        world.ask(f"INV-{number}", feature=Feature.DIPC, unique_part=f"{number}")
        world.cancel("shop", f"INV-{number}")
    assert ask_other(world, feature=Feature.DIPC).code.unique_part == "9"


def test_only_digits_that_somebody_had_are_let_go(world):
    with pytest.raises(NotFound):
        ReleaseDigits(codes=world.codes, clock=world.clock)(Channel.ALFA, "8899550812345678")


def report_of(code, world: World) -> PaymentReport:
    """A payment of a code whose digits were made here."""
    return PaymentReport(
        invoice_number=code.order_number,
        payment_code=code.payment_code,
        amount=Decimal(code.amount),
        paid_at=world.clock(),
        source=Source.NOTIFICATION,
        evidence=Evidence("notification"),
        receipt_number="R-1",
    )
