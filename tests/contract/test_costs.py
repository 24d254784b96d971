"""What the use cases cost on the real engine: requests and units, as it counts them itself."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from o2o.core.channels import Feature
from o2o.core.codes import Status
from o2o.core.inquiries import InquiryStatus
from o2o.core.payments import Evidence
from o2o.usecases.reconcile import Finding
from o2o.usecases.record_message import NotificationOutcome
from o2o.usecases.settle import HISTORY, SettleOutcome
from tests.contract.conftest import Table
from tests.support.capacity import CapacityMeter
from tests.support.world import World, plenty


@pytest.fixture
def world(dynoxide_table: Table) -> World:
    stores = dynoxide_table.stores
    return World(stores.codes, stores.notifications)


@pytest.fixture
def meter(world: World, dynoxide_table: Table) -> Iterator[CapacityMeter]:
    """Counts from after a code was generated."""
    world.ask()
    with CapacityMeter(dynoxide_table.client) as meter:
        yield meter


def test_generating_a_code_costs_two_writes_and_no_read(dynoxide_table):
    world = World(dynoxide_table.stores.codes)
    with CapacityMeter(dynoxide_table.client) as meter:
        assert world.ask().code.status is Status.ACTIVE
    assert meter.operations == ["PutItem", "PutItem"]
    assert meter.read_units == 0
    # Intent: item, due index, listing index. Activation: the item.
    assert meter.write_units == 4


def test_a_notification_costs_one_read_and_one_transaction(world, meter):
    assert world.notify(world.doku.pay("INV-1")).outcome is NotificationOutcome.SETTLED
    assert meter.operations == ["Query", "TransactWriteItems"]
    assert meter.read_units == 1
    # Two items of at most 1 KB at two units each, and in the due index from the next look to
    # when the code is forgotten. The payment stands in two lists.
    assert meter.units_of("table") == 1 + 4
    assert meter.write_units <= 8


def test_a_repeated_notification_costs_one_read(world, meter):
    report = world.doku.pay("INV-1")
    world.notify(report)
    meter.requests.clear()
    assert world.notify(report).outcome is NotificationOutcome.KNOWN
    assert meter.operations == ["Query"]
    assert meter.read_units == 1


def test_a_notification_that_completes_a_payment_costs_one_read_and_one_transaction(world, meter):
    report = world.doku.pay("INV-1")
    world.clock.advance(minutes=2)
    checked = world.doku.check_status("INV-1", plenty).payment
    assert checked is not None
    world.settle(replace(checked, receipt_number=None))
    meter.requests.clear()
    assert world.settle(report).outcome is SettleOutcome.COMPLETED
    assert meter.operations == ["Query", "TransactWriteItems"]
    assert meter.read_units == 1
    # Three items of at most 1 KB at two units each, because the receipt number is news, and
    # nothing moves in the indexes.
    assert meter.write_units == 6


def test_a_payment_of_a_reusable_code_costs_a_third_item(dynoxide_table):
    world = World(dynoxide_table.stores.codes)
    world.ask(reusable=True)
    with CapacityMeter(dynoxide_table.client) as meter:
        world.notify(world.doku.pay("INV-1"))
    assert meter.operations == ["Query", "TransactWriteItems"]
    # It stays in the due index, where it is. The payment stands in two lists.
    assert (meter.read_units, meter.write_units) == (1, 8)


def test_of_a_code_with_many_payments_a_notification_costs_the_same_however_many(dynoxide_table):
    world = World(dynoxide_table.stores.codes)
    world.ask(reusable=True)
    first = world.doku.pay("INV-1")
    world.notify(first)
    meter = CapacityMeter(dynoxide_table.client)

    def pay(times: int) -> float:
        for _ in range(times):
            world.clock.advance(seconds=1)
            meter.requests.clear()
            with meter:
                world.notify(world.doku.pay("INV-1"))
        return meter.read_units

    pay(HISTORY)
    units = pay(1)
    # Its first payments, its newest ones, and where its receipt leads.
    assert meter.operations == ["Query", "Query", "GetItem", "TransactWriteItems"]
    assert units <= 2 * HISTORY / 4 + 1
    assert pay(30) <= units + 0.5 * 2
    meter.requests.clear()
    with meter:
        assert world.notify(replace(first, evidence=Evidence("again"))).outcome is (
            NotificationOutcome.KNOWN
        )
    assert meter.operations == ["Query", "Query", "GetItem", "GetItem"]


def test_a_read_costs_one_read_with_the_payment_in_it(world, meter):
    world.notify(world.doku.pay("INV-1"))
    meter.requests.clear()
    history = world.read.one("shop", "INV-1")
    assert len(history.payments) == 1
    assert meter.operations == ["Query"]
    assert meter.read_units == 1


def test_a_status_check_that_tells_nothing_new_costs_one_read(world, meter):
    world.notify(world.doku.pay("INV-1"))
    world.clock.advance(minutes=2)
    report = world.doku.check_status("INV-1", plenty).payment
    assert report is not None
    meter.requests.clear()
    assert world.settle(report).outcome is SettleOutcome.KNOWN
    assert meter.operations == ["Query"]


def test_what_is_due_costs_in_proportion_to_what_is_due(world, meter):
    for number in range(2, 30):
        world.ask(f"INV-{number}")
    meter.requests.clear()
    assert world.expire().count == 0
    idle = meter.read_units
    assert set(meter.operations) == {"Query"}
    assert idle <= len(meter.operations)


def test_an_inquiry_costs_two_reads_and_one_write(dynoxide_table):
    world = World(dynoxide_table.stores.codes)
    code = world.ask(feature=Feature.DIPC).code
    with CapacityMeter(dynoxide_table.client) as meter:
        assert world.inquire(code.payment_code or "") is InquiryStatus.SUCCESS
    assert meter.operations == ["GetItem", "GetItem", "PutItem"]
    assert meter.read_units == 2
    # The item, and out of and into the due index: the next look comes sooner.
    assert meter.write_units == 3


def test_an_inquiry_that_puts_no_look_forward_costs_one_unit(dynoxide_table):
    world = World(dynoxide_table.stores.codes)
    code = world.ask(feature=Feature.DIPC).code
    world.inquire(code.payment_code or "")
    world.clock.advance(seconds=30)
    with CapacityMeter(dynoxide_table.client) as meter:
        assert world.inquire(code.payment_code or "") is InquiryStatus.SUCCESS
    # The item alone: nothing moves in the indexes.
    assert meter.write_units == 1


def test_a_payment_after_an_inquiry_costs_what_any_payment_costs(dynoxide_table):
    world = World(dynoxide_table.stores.codes)
    code = world.ask(feature=Feature.DIPC).code
    world.inquire(code.payment_code or "")
    world.doku.learn(code)
    with CapacityMeter(dynoxide_table.client) as meter:
        world.notify(world.doku.pay("INV-1"))
    assert meter.operations == ["Query", "TransactWriteItems"]
    assert meter.units_of("table") == 1 + 4
    assert meter.write_units <= 8


@pytest.mark.parametrize("digits", ["8899550000000000", "9"])
def test_an_inquiry_about_unknown_digits_costs_one_read(dynoxide_table, digits):
    world = World(dynoxide_table.stores.codes)
    with CapacityMeter(dynoxide_table.client) as meter:
        assert world.inquire(digits) is InquiryStatus.NOT_FOUND
    assert meter.operations == ["GetItem"]


def test_digits_are_claimed_in_the_transaction_that_writes_the_code(dynoxide_table):
    world = World(dynoxide_table.stores.codes)
    with CapacityMeter(dynoxide_table.client) as meter:
        world.ask(feature=Feature.DIPC)
    assert meter.operations == ["TransactWriteItems"]


def test_a_payment_in_a_chain_costs_a_read_for_each_code_of_it(dynoxide_table):
    world = World(dynoxide_table.stores.codes)
    world.ask("INV-1")
    world.ask("INV-2", replaces="INV-1")
    with CapacityMeter(dynoxide_table.client) as meter:
        world.notify(world.doku.pay("INV-2"))
    assert meter.operations == ["Query", "GetItem", "TransactWriteItems"]


def test_forgetting_a_code_costs_one_read_and_one_write_and_so_does_its_evidence(world, meter):
    world.notify(world.doku.pay("INV-1"))
    for days, operations, units in (
        # The code, and in the due index to when its evidence goes.
        (90, ["GetItem", "PutItem"], 1 + 2),
        # Its payment, the code, and out of the due index.
        (3650, ["GetItem", "Query", "PutItem", "PutItem"], 1 + 1 + 1),
    ):
        world.clock.advance(days=days)
        world.expire()
        work = world.queue.take()
        assert work is not None
        meter.requests.clear()
        assert world.reconcile(work, time_left=plenty).finding is Finding.FORGOTTEN
        assert meter.operations == operations
        assert meter.write_units == units
    assert world.queue.take() is None
