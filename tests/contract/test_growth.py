"""However often a reusable code is paid, its own item stays as small as it was."""

import json
from collections.abc import Callable
from datetime import timedelta

from o2o.adapters.dynamodb.codec import Attributes
from o2o.adapters.dynamodb.table import code_item, code_key
from o2o.core.codes import PaymentCode, Status
from o2o.core.payments import CodeHistory, settle
from o2o.core.timetable import Timetable
from tests.contract.conftest import Stores, Table, memory_stores
from tests.support.memory import RETENTION
from tests.support.samples import at, make_own_code, make_report

TIMETABLE = Timetable(
    requested=(timedelta(minutes=1),),
    active=(timedelta(minutes=15),),
    inquired=(timedelta(seconds=90),),
    grace=timedelta(minutes=1),
    guess=timedelta(minutes=30),
    look_again=(timedelta(minutes=35),),
)
REUSABLE = make_own_code(reusable=True, expires_at=at(days=30))
COUNTERS = {"payments", "version"}
"""Numbers: they grow by a digit at 10, 100, 1,000 payments, and a number has at most 38."""


def size(item: Attributes) -> int:
    """What an item takes, but for its counters."""
    mark = {**item["last_payment"]["M"], "number": None}
    return len(
        json.dumps({name: item[name] for name in item.keys() - COUNTERS} | {"last_payment": mark})
    )


def pay(stores: Stores, code: PaymentCode, number: int) -> PaymentCode:
    """The code after one more payment, each with a receipt of its own."""
    report = make_report(
        receipt_number=f"R-{number:05}",
        payment_code=code.payment_code,
        paid_at=at(seconds=number),
    )
    settlement = settle(CodeHistory(code), report, now=at(seconds=number + 1), timetable=TIMETABLE)
    assert settlement is not None
    stores.codes.record(settlement)
    return settlement.code


def pay_often(stores: Stores, times: int, look: Callable[[PaymentCode], Attributes]) -> set[int]:
    """The sizes that the code's item had after each of so many payments."""
    stores.codes.create(REUSABLE)
    code = REUSABLE
    sizes = set()
    for number in range(times):
        code = pay(stores, code, number)
        sizes.add(size(look(code)))
    paid = stores.codes.get("INV-1")
    assert paid == code
    assert (code.status, code.payments, code.version) == (Status.ACTIVE, times, times + 1)
    return sizes


def count_all(stores: Stores, page_size: int) -> int:
    """How many payments the pages hold; each comes once, in order."""
    seen: list[int] = []
    cursor = None
    while True:
        page = stores.codes.list_payments("INV-1", limit=page_size, cursor=cursor)
        assert len(page.items) <= page_size
        seen += [payment.number for payment in page.items]
        cursor = page.next_cursor
        if cursor is None:
            assert seen == list(range(1, len(seen) + 1))
            return len(seen)


def test_ten_thousand_payments_of_one_code() -> None:
    stores = memory_stores()
    sizes = pay_often(stores, 10_000, lambda code: code_item(code, RETENTION))
    assert len(sizes) == 1
    assert count_all(stores, 999) == 10_000


def test_the_item_that_is_stored_does_not_grow(dynoxide_table: Table) -> None:
    key = code_key("INV-1").attributes

    def look(_: PaymentCode) -> Attributes:
        table = dynoxide_table
        return dict(table.client.get_item(TableName=table.name, Key=key)["Item"])

    stores = dynoxide_table.stores
    sizes = pay_often(stores, 300, look)
    assert len(sizes) == 1
    assert sizes.pop() < 1536
    assert count_all(stores, 50) == 300
    for number in (0, 100, 299):
        report = make_report(receipt_number=f"R-{number:05}")
        assert len(stores.codes.find_alike(report, 50)) == (50 if number == 299 else 51)
