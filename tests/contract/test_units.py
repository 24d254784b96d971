"""What each operation of the stores costs in capacity units, on the real engine.

The examples are of less than 1 KB; a write costs one unit for each begun KB, twice that
in a transaction, and one unit for each index entry that it adds or removes. A request that
is refused costs its item's writes and returns what is there: it saves the read.
"""

from dataclasses import replace

import pytest

from o2o.core.channels import Channel
from o2o.core.codes import Move
from o2o.core.errors import DigitsTaken, VersionConflict
from tests.contract.conftest import Stores, Table
from tests.support.capacity import CapacityMeter
from tests.support.due import lane_of
from tests.support.samples import (
    at,
    make_code,
    make_completion,
    make_kept,
    make_own_code,
    make_report,
    make_settlement,
)


@pytest.fixture
def stores(dynoxide_table: Table) -> Stores:
    return dynoxide_table.stores


@pytest.fixture
def meter(dynoxide_table: Table) -> CapacityMeter:
    return CapacityMeter(dynoxide_table.client)


def test_creating_is_one_write_and_two_index_entries(stores: Stores, meter: CapacityMeter) -> None:
    with meter:
        stores.codes.create(make_code())
    assert meter.operations == ["PutItem"]
    assert (meter.units_of("table"), meter.units_of("due"), meter.units_of("listing")) == (1, 1, 1)
    assert meter.write_units == 3


def test_a_taken_invoice_number_costs_no_read(stores: Stores, meter: CapacityMeter) -> None:
    code = make_code()
    stores.codes.create(code)
    with meter:
        assert stores.codes.create(code) == code
    assert meter.operations == ["PutItem"]
    assert meter.read_units == 0


def test_reading_is_one_unit(stores: Stores, meter: CapacityMeter) -> None:
    stores.codes.create(make_code())
    with meter:
        stores.codes.get("INV-1")
    assert meter.operations == ["GetItem"]
    assert meter.read_units == 1


def test_reading_a_code_with_its_payment_is_one_unit_too(
    stores: Stores, meter: CapacityMeter
) -> None:
    code = make_code()
    stores.codes.create(code)
    stores.codes.record(make_settlement(code))
    with meter:
        history = stores.codes.get_history("INV-1", 20)
    assert history is not None
    assert len(history.payments) == 1
    assert meter.operations == ["Query"]
    assert meter.read_units == 1


def test_a_later_look_moves_one_index_entry(stores: Stores, meter: CapacityMeter) -> None:
    code = make_code()
    stores.codes.create(code)
    with meter:
        stores.codes.save(code.wait(at(minutes=5)))
    assert meter.operations == ["PutItem"]
    assert (meter.units_of("table"), meter.units_of("due"), meter.units_of("listing")) == (1, 2, 0)


def test_a_change_that_moves_no_instant_touches_no_index(
    stores: Stores, meter: CapacityMeter
) -> None:
    code = make_own_code()
    stores.codes.create(code)
    with meter:
        stores.codes.save(code.wait(code.due_at))
    assert meter.write_units == 1


def test_what_is_awaited_moves_to_its_lane_as_to_another_instant(
    stores: Stores, meter: CapacityMeter
) -> None:
    code = make_code()
    stores.codes.create(code)
    with meter:
        stores.codes.save(code.wait(code.due_at))
    assert (meter.units_of("table"), meter.units_of("due")) == (1, 2)


def test_a_lost_race_is_one_refused_write(stores: Stores, meter: CapacityMeter) -> None:
    code = make_code()
    stores.codes.create(code)
    stores.codes.save(code.wait(None))
    with meter, pytest.raises(VersionConflict):
        stores.codes.save(code.wait(None))
    assert [request.error for request in meter.requests] == ["ConditionalCheckFailedException"]


def test_a_payment_is_one_transaction_and_moves_the_code_in_the_due_index(
    stores: Stores, meter: CapacityMeter
) -> None:
    code = make_code()
    stores.codes.create(code)
    with meter:
        stores.codes.record(make_settlement(code))
    assert meter.operations == ["TransactWriteItems"]
    # In the due index from its next look to when it is forgotten; the payment is in its lists.
    assert (meter.units_of("table"), meter.units_of("due")) == (4, 2)
    assert (meter.units_of("listing"), meter.units_of("paid")) == (1, 1)
    assert stores.due.due(at(days=89), 10) == []


def test_a_payment_of_a_reusable_code_also_writes_where_its_receipt_leads(
    stores: Stores, meter: CapacityMeter
) -> None:
    code = make_code(reusable=True)
    stores.codes.create(code)
    with meter:
        stores.codes.record(make_settlement(code))
    assert meter.operations == ["TransactWriteItems"]
    # Three items at two units each, and in the due index from a look to when it is forgotten.
    assert (meter.units_of("table"), meter.units_of("due")) == (6, 2)


def test_a_payment_without_a_receipt_leads_from_nowhere(
    stores: Stores, meter: CapacityMeter
) -> None:
    code = make_code(reusable=True)
    stores.codes.create(code)
    with meter:
        stores.codes.record(make_settlement(code, "-"))
    assert meter.units_of("table") == 4


def test_completing_a_payment_costs_what_recording_it_did(
    stores: Stores, meter: CapacityMeter
) -> None:
    stores.codes.create(make_code())
    first = make_settlement(make_code())
    stores.codes.record(first)
    with meter:
        stores.codes.record(make_completion(first.code, first.payment, store_id="S-9"))
    assert meter.operations == ["TransactWriteItems"]
    # Two items, and nothing moves in the indexes.
    assert (meter.units_of("table"), meter.write_units) == (4, 4)


def test_a_lost_payment_costs_no_read(stores: Stores, meter: CapacityMeter) -> None:
    code = make_code()
    stores.codes.create(code)
    settlement = make_settlement(code)
    stores.codes.record(settlement)
    with meter, pytest.raises(VersionConflict):
        stores.codes.record(settlement)
    assert meter.operations == ["TransactWriteItems"]
    assert meter.read_units == 0


def test_what_is_alike_is_one_query_and_two_reads(stores: Stores, meter: CapacityMeter) -> None:
    code = make_code(reusable=True)
    stores.codes.create(code)
    for number in range(12):
        settlement = make_settlement(code, f"R-{number:02}")
        stores.codes.record(settlement)
        code = settlement.code

    def requests(receipt_number: str | None) -> list[str]:
        meter.requests.clear()
        with meter:
            stores.codes.find_alike(make_report(receipt_number=receipt_number), 4)
        return meter.operations

    assert requests("R-03") == ["Query", "GetItem", "GetItem"]
    assert meter.read_units == 3
    # Of the newest ones, only where its receipt leads; of an unknown one, that it leads nowhere.
    assert requests("R-11") == ["Query", "GetItem"]
    assert requests("R-99") == ["Query", "GetItem"]
    assert requests(None) == ["Query"]
    assert meter.read_units == 1


def test_listing_reads_the_index_once_and_each_code_once(
    stores: Stores, meter: CapacityMeter
) -> None:
    for number in range(10):
        stores.codes.create(make_code(f"INV-{number}", created_at=at(minutes=number)))
    with meter:
        page = stores.codes.list_codes(
            "shop", created_from=None, created_to=None, limit=8, cursor=None
        )
    assert len(page.items) == 8
    assert meter.operations == ["Query", "BatchGetItem"]
    assert meter.units_of("listing") == 0.5
    assert meter.units_of("table") == 8


def test_expire_codes_costs_what_is_due_not_what_exists(
    stores: Stores, meter: CapacityMeter
) -> None:
    for number in range(100):
        stores.codes.create(make_code(f"INV-{number}", due_at=at(days=1)))
    stores.codes.create(make_code("INV-due", due_at=at()))
    with meter:
        assert len(lane_of(stores.codes, "codes").due(at(hours=1), 1000)) == 1
    # One look at each of eight shards, half a unit each, and the items are never touched.
    assert meter.operations == ["Query"] * 8
    assert (meter.units_of("due"), meter.units_of("table")) == (4, 0)


def test_keeping_a_message_is_one_write(stores: Stores, meter: CapacityMeter) -> None:
    with meter:
        stores.notifications.keep(make_kept(due_at=None))
    assert meter.operations == ["PutItem"]
    assert (meter.units_of("table"), meter.units_of("due"), meter.units_of("listing")) == (1, 0, 1)


def test_an_api_key_is_one_read(stores: Stores, meter: CapacityMeter) -> None:
    with meter:
        stores.storefronts.get_key("abc123def456")
    assert meter.operations == ["GetItem"]


def test_claiming_digits_is_one_transaction(stores: Stores, meter: CapacityMeter) -> None:
    with meter:
        stores.codes.create(make_own_code())
    assert meter.operations == ["TransactWriteItems"]
    assert (meter.units_of("table"), meter.units_of("due"), meter.units_of("listing")) == (4, 1, 1)
    assert meter.read_units == 0


def test_taken_digits_cost_no_read(stores: Stores, meter: CapacityMeter) -> None:
    stores.codes.create(make_own_code())
    with meter, pytest.raises(DigitsTaken):
        stores.codes.create(make_own_code("INV-2"))
    assert meter.operations == ["TransactWriteItems"]
    assert meter.read_units == 0


def test_replacing_is_in_the_same_transaction(stores: Stores, meter: CapacityMeter) -> None:
    former = make_own_code()
    stores.codes.create(former)
    replaced = former.move(Move.CANCEL, ended_at=at(minutes=1), replaced_by="INV-2")
    with meter:
        stores.codes.create(make_own_code("INV-2"), former_holder="INV-1", replaced=replaced)
    assert meter.operations == ["TransactWriteItems"]
    # Two codes and a claim at two units each; the former code keeps its place in the indexes.
    assert (meter.units_of("table"), meter.units_of("due"), meter.units_of("listing")) == (6, 1, 1)


def test_an_inquiry_reads_the_claim_and_the_code(stores: Stores, meter: CapacityMeter) -> None:
    code = make_own_code()
    stores.codes.create(code)
    with meter:
        assert stores.codes.find_by_digits(Channel.ALFA, "8899551234567890") == code
    assert meter.operations == ["GetItem", "GetItem"]
    assert meter.read_units == 2


def test_digits_that_nobody_claimed_are_one_read(stores: Stores, meter: CapacityMeter) -> None:
    with meter:
        assert stores.codes.find_by_digits(Channel.ALFA, "8899551234567890") is None
    assert meter.operations == ["GetItem"]
    assert meter.read_units == 1


def test_a_payment_of_a_chain_checks_the_others_in_its_transaction(
    stores: Stores, meter: CapacityMeter
) -> None:
    code, other = make_code(), make_code("INV-2")
    stores.codes.create(code)
    stores.codes.create(other)
    with meter:
        stores.codes.record(replace(make_settlement(code), seen=(other,)))
    assert meter.operations == ["TransactWriteItems"]
    # Two writes and a check, at two units each.
    assert meter.units_of("table") == 6


def test_a_page_of_payments_is_one_query(stores: Stores, meter: CapacityMeter) -> None:
    code = make_code()
    stores.codes.create(code)
    for number in range(12):
        settlement = make_settlement(code, f"R-{number:02}")
        stores.codes.record(settlement)
        code = settlement.code
    with meter:
        page = stores.codes.list_payments("INV-1", limit=4, cursor=None)
        stores.codes.list_payments("INV-1", limit=4, cursor=page.next_cursor)
    assert meter.operations == ["Query", "Query"]
    # Less than 4 KB each.
    assert meter.read_units == 2
