"""Lists and their cursors."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.table import Key
from o2o.core.codes import PaymentCode
from o2o.core.errors import InvalidRequest
from o2o.core.pages import Page
from o2o.core.payments import Payment
from o2o.core.storefronts import ApiKey, Storefront
from tests.contract.conftest import Stores, Table, pay
from tests.support.samples import at, make_code, make_completion, make_kept, make_settlement


def list_codes(
    stores: Stores,
    storefront_id: str = "shop",
    created_from: datetime | None = None,
    created_to: datetime | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[PaymentCode]:
    return stores.codes.list_codes(
        storefront_id,
        created_from=created_from,
        created_to=created_to,
        limit=limit,
        cursor=cursor,
    )


def fill(stores: Stores, count: int, storefront_id: str = "shop") -> list[PaymentCode]:
    """Codes of a storefront, the newest first, one a minute."""
    codes = [
        make_code(
            f"{storefront_id}-{(number * 5) % count}",
            storefront_id=storefront_id,
            created_at=at(minutes=number),
        )
        for number in range(count)
    ]
    for code in codes:
        stores.codes.create(code)
    return codes[::-1]


def test_a_storefront_lists_its_own_codes_newest_first(stores: Stores) -> None:
    mine = fill(stores, 7)
    theirs = fill(stores, 3, "shop-2")
    assert list_codes(stores) == Page(mine, None)
    assert list_codes(stores, "shop-2") == Page(theirs, None)
    assert list_codes(stores, "nobody") == Page([], None)


def test_a_list_shows_codes_as_they_are_now(stores: Stores) -> None:
    newest, *older = fill(stores, 3)
    paid = make_settlement(newest)
    stores.codes.record(paid)
    assert list_codes(stores) == Page([paid.code, *older], None)


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
def test_pages_follow_each_other_without_gap_or_overlap(stores: Stores, limit: int) -> None:
    codes = fill(stores, 7)
    fill(stores, 3, "other")
    seen: list[PaymentCode] = []
    cursor = None
    pages = 0
    while True:
        page = list_codes(stores, limit=limit, cursor=cursor)
        assert len(page.items) == min(limit, len(codes) - len(seen))
        seen += page.items
        pages += 1
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == codes
    assert pages == -(-len(codes) // limit)


def test_a_page_is_not_disturbed_by_newer_codes(stores: Stores) -> None:
    codes = fill(stores, 4)
    cursor = list_codes(stores, limit=2).next_cursor
    stores.codes.create(make_code("newer", created_at=at(days=1)))
    assert list_codes(stores, cursor=cursor) == Page(codes[2:], None)


def test_more_codes_than_one_batch_holds(stores: Stores) -> None:
    codes = fill(stores, 103)
    assert list_codes(stores, limit=102).items == codes[:102]


def test_a_span_includes_both_ends(stores: Stores) -> None:
    codes = fill(stores, 7)
    first, last = at(minutes=2), at(minutes=4)
    tick = timedelta(microseconds=1)
    assert list_codes(stores, created_from=first).items == codes[:5]
    assert list_codes(stores, created_from=first + tick).items == codes[:4]
    assert list_codes(stores, created_to=last).items == codes[2:]
    assert list_codes(stores, created_to=last - tick).items == codes[3:]
    assert list_codes(stores, created_from=first, created_to=last).items == codes[2:5]
    assert list_codes(stores, created_from=first, created_to=first).items == codes[4:5]
    assert list_codes(stores, created_from=last, created_to=first) == Page([], None)


def test_a_span_has_pages(stores: Stores) -> None:
    codes = fill(stores, 7)
    span: dict[str, Any] = {"created_from": at(minutes=1), "created_to": at(minutes=5)}
    first = list_codes(stores, **span, limit=3)
    assert first.items == codes[1:4]
    assert list_codes(stores, **span, cursor=first.next_cursor) == Page(codes[4:6], None)
    # The same position in the whole list.
    assert list_codes(stores, cursor=first.next_cursor) == Page(codes[4:], None)


def test_a_cursor_is_of_no_use_elsewhere(stores: Stores) -> None:
    fill(stores, 3)
    fill(stores, 3, "other")
    cursor = list_codes(stores, limit=1).next_cursor
    assert cursor is not None
    refusals: list[Callable[[], Any]] = [
        lambda: list_codes(stores, "other", cursor=cursor),
        lambda: list_codes(stores, created_to=at(minutes=1), cursor=cursor),
        lambda: list_codes(stores, created_from=at(minutes=3), cursor=cursor),
        lambda: list_codes(
            stores, created_from=at(minutes=3), created_to=at(minutes=2), cursor=cursor
        ),
        lambda: stores.storefronts.list_keys("shop", limit=1, cursor=cursor),
        lambda: stores.storefronts.list_storefronts(limit=1, cursor=cursor),
        lambda: stores.notifications.list_kept(limit=1, cursor=cursor),
    ]
    for refusal in refusals:
        with pytest.raises(InvalidRequest) as caught:
            refusal()
        assert [param.name for param in caught.value.params] == ["cursor"]


def forge(*parts: object) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode())
        .rstrip(b"=")
        .decode()
    )


_INSTANT = "2026-03-01T03:01:00.000000Z"
_OWN = ("CODES#shop", _INSTANT, "CODE#shop-2", "CODE")


def test_the_forgeries_below_are_wrong_in_one_point_only(table: Table) -> None:
    stores = table.stores
    codes = fill(stores, 3)
    assert list_codes(stores, cursor=forge(*_OWN)).items == codes[2:]


FORGED = [
    "",
    "!",
    "é",
    "\ud800",
    "A",
    "bm8",
    forge(*_OWN) + "=",
    forge(*_OWN) + "\n",
    " " + forge(*_OWN),
    forge("CODES#other", *_OWN[1:]),
    forge("CODES#shop", "2026-03-01T03:01:00Z", *_OWN[2:]),
    forge("CODES#shop", "2026-03-01T10:01:00.000000+07:00", *_OWN[2:]),
    forge("CODES#shop", "2026-03-01T03:01:00.000000", *_OWN[2:]),
    forge("CODES#shop", "0001-01-01T00:00:00+14:00", *_OWN[2:]),
    forge("CODES#shop", "yesterday", *_OWN[2:]),
    forge("CODES#shop", 0, *_OWN[2:]),
    forge(*_OWN[:2], "KEY#shop-2", "CODE"),
    forge(*_OWN[:2], "CODE", "CODE"),
    forge(*_OWN[:2], "CODE#\ud800", "CODE"),
    forge(*_OWN[:2], "CODE#" + "x" * 3000, "CODE"),
    forge(*_OWN[:2], "CODE#" + "x" * 9000, "CODE"),
    forge(*_OWN[:2], "CODE#shop-2", "PAYMENT#R-1"),
    forge(*_OWN[:2], "CODE#shop-2", ""),
    forge(*_OWN, "more"),
    forge(*_OWN[:3]),
    forge({"listing": "CODES#shop"}),
    base64.urlsafe_b64encode(b"[" * 3000).decode(),
    base64.urlsafe_b64encode(json.dumps(_OWN).encode()).rstrip(b"=").decode(),
]


def test_a_forged_cursor_is_refused(stores: Stores) -> None:
    fill(stores, 3)
    for cursor in FORGED:
        with pytest.raises(InvalidRequest) as caught:
            list_codes(stores, cursor=cursor)
        assert [param.name for param in caught.value.params] == ["cursor"]
        assert not cursor or cursor not in str(caught.value)


def test_every_list_has_pages(stores: Stores) -> None:
    storefronts = [Storefront(f"shop-{n}", f"Shop {n}", at(minutes=n), f"ns{n}") for n in range(3)]
    keys = [ApiKey(f"key{n}", "shop-1", "0" * 64, at(minutes=n)) for n in range(3)]
    kept = [make_kept("INV-1", f"{n}", received_at=at(minutes=n)) for n in range(3)]
    for number in range(3):
        stores.storefronts.add_storefront(storefronts[number])
        stores.storefronts.put_key(keys[number])
        stores.notifications.keep(kept[number])
    stores.storefronts.put_key(ApiKey("other", "shop-2", "0" * 64, at(minutes=1)))

    def all_of(read: Callable[..., Page[Any]]) -> list[Any]:
        first = read(limit=2, cursor=None)
        assert len(first.items) == 2
        second = read(limit=2, cursor=first.next_cursor)
        assert second.next_cursor is None
        return [*first.items, *second.items]

    assert all_of(stores.storefronts.list_storefronts) == storefronts[::-1]
    assert all_of(lambda **page: stores.storefronts.list_keys("shop-1", **page)) == keys[::-1]
    assert all_of(stores.notifications.list_kept) == kept[::-1]


def between_index_and_items(table: Table, happens: Callable[[], Any]) -> None:
    """Let something happen once the index has answered, as if the index were behind."""
    pending = [happens]

    def after_query(**_: Any) -> None:
        if pending:
            pending.pop()()

    table.client.meta.events.register("after-call.dynamodb.Query", after_query, "behind")


@pytest.fixture
def behind(table: Table) -> Any:
    yield table
    table.client.meta.events.unregister("after-call.dynamodb.Query", unique_id="behind")


def delete(table: Table, invoice_number: str) -> None:
    key = {"pk": {"S": f"CODE#{invoice_number}"}, "sk": {"S": "CODE"}}
    table.client.delete_item(TableName=table.name, Key=key)


def test_a_code_that_is_gone_since_is_passed_over(behind: Table) -> None:
    codes = fill(behind.stores, 4)
    between_index_and_items(behind, lambda: delete(behind, codes[1].invoice_number))
    page = list_codes(behind.stores, limit=3)
    assert page.items == [codes[0], codes[2]]
    assert list_codes(behind.stores, cursor=page.next_cursor).items == codes[3:]


def test_a_code_that_is_anothers_by_now_is_passed_over(behind: Table) -> None:
    codes = fill(behind.stores, 3)
    other = make_code(codes[1].invoice_number, storefront_id="other")

    def change_hands() -> None:
        delete(behind, other.invoice_number)
        assert behind.stores.codes.create(other) is None

    between_index_and_items(behind, change_hands)
    assert list_codes(behind.stores).items == [codes[0], codes[2]]


# --- A code's payments ---


def pay_reusable(
    stores: Stores, receipts: Sequence[str], invoice_number: str = "INV-1"
) -> list[Payment]:
    """Payments of a new code, in the order in which they are listed: as they were recorded."""
    return list(pay(stores, make_code(invoice_number, reusable=True), receipts))


ODD = ["R-2", "R-10", "R-1", "é", "Z", "PAYMENT#0000000001", "", "\U0010ffff", "0", "R-2", "\ud800"]


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 11, 12])
def test_pages_of_payments_follow_each_other(stores: Stores, limit: int) -> None:
    payments = pay_reusable(stores, ODD)
    pay_reusable(stores, ["R-0", "R-1", "z"], "INV-10")
    pay_reusable(stores, ["R-0", "R-1", "z"], "INV")
    seen: list[Payment] = []
    pages, cursor = 0, None
    while pages == 0 or cursor is not None:
        page = stores.codes.list_payments("INV-1", limit=limit, cursor=cursor)
        assert len(page.items) == min(limit, len(payments) - len(seen))
        seen += page.items
        pages, cursor = pages + 1, page.next_cursor
    assert seen == payments
    assert pages == -(-len(payments) // limit)


@pytest.mark.parametrize("odd", ["x" * 2000, "\ud800", "é" * 300, "\U0001f9fe" * 100])
def test_a_page_may_end_at_the_oddest_payment(stores: Stores, odd: str) -> None:
    first, last = pay_reusable(stores, [odd, "R-2"])
    page = stores.codes.list_payments("INV-1", limit=1, cursor=None)
    assert page.items == [first]
    rest = stores.codes.list_payments("INV-1", limit=1, cursor=page.next_cursor)
    assert rest == Page([last], None)


def test_a_code_without_payments_lists_none(stores: Stores) -> None:
    nothing: Page[Payment] = Page([], None)
    assert stores.codes.list_payments("INV-1", limit=5, cursor=None) == nothing
    stores.codes.create(make_code())
    assert stores.codes.list_payments("INV-1", limit=5, cursor=None) == nothing


def test_payments_that_come_later_do_not_disturb_a_page(stores: Stores) -> None:
    payments = pay_reusable(stores, ["R-1", "R-3", "R-5"])
    cursor = stores.codes.list_payments("INV-1", limit=1, cursor=None).next_cursor
    code = stores.codes.get("INV-1")
    assert code is not None
    # Whatever its receipt, a later one comes last.
    later = make_settlement(code, "R-0")
    stores.codes.record(later)
    rest = stores.codes.list_payments("INV-1", limit=9, cursor=cursor)
    assert rest == Page([*payments[1:], later.payment], None)


def test_a_payment_that_is_completed_keeps_its_place(stores: Stores) -> None:
    payments = pay_reusable(stores, ["", "R-2", "R-3"])
    code = stores.codes.get("INV-1")
    assert code is not None
    cursor = stores.codes.list_payments("INV-1", limit=1, cursor=None).next_cursor
    completion = make_completion(code, payments[0], receipt_number="R-9")
    stores.codes.record(completion)
    page = stores.codes.list_payments("INV-1", limit=9, cursor=None)
    assert page == Page([completion.payment, *payments[1:]], None)
    rest = stores.codes.list_payments("INV-1", limit=9, cursor=cursor)
    assert rest == Page(payments[1:], None)


_OWN_PAYMENT = ("CODE#INV-1", "PAYMENT#0000000001")


def test_the_forged_payments_below_are_wrong_in_one_point_only(table: Table) -> None:
    stores = table.stores
    payments = pay_reusable(stores, ["R-1", "R-2"])
    page = stores.codes.list_payments("INV-1", limit=1, cursor=None)
    assert page.next_cursor == forge(*_OWN_PAYMENT)
    rest = stores.codes.list_payments("INV-1", limit=1, cursor=forge(*_OWN_PAYMENT))
    assert rest == Page(payments[1:], None)


FORGED_PAYMENTS = [
    *("", "!", "é", "\ud800", "A", "bm8", "Ui0x"),
    forge(*_OWN_PAYMENT) + "=",
    forge(*_OWN_PAYMENT) + "\n",
    " " + forge(*_OWN_PAYMENT),
    forge("CODE#INV-2", "PAYMENT#0000000001"),
    forge("CODE#INV-1", "0000000001"),
    forge("CODE#INV-1", "CODE"),
    forge("CODE#INV-1", "RECEIPT#r-1"),
    forge("CODE#INV-1", "PAYMENT#\ud800"),
    forge("CODE#INV-1", "PAYMENT#" + "x" * 600),
    forge("CODE#INV-1", "PAYMENT#" + "x" * 9000),
    forge("CODE#INV-1", 1),
    forge("CODE#INV-1"),
    forge(*_OWN_PAYMENT, "more"),
    forge({"pk": "CODE#INV-1"}),
    base64.urlsafe_b64encode(b"[" * 3000).decode(),
    base64.urlsafe_b64encode(json.dumps(_OWN_PAYMENT).encode()).rstrip(b"=").decode(),
]


def test_a_forged_cursor_of_payments_is_refused(stores: Stores) -> None:
    pay_reusable(stores, ["R-1", "R-2"])
    for cursor in FORGED_PAYMENTS:
        with pytest.raises(InvalidRequest) as caught:
            stores.codes.list_payments("INV-1", limit=1, cursor=cursor)
        assert [param.name for param in caught.value.params] == ["cursor"]
        assert not cursor or cursor not in str(caught.value)


def test_the_lists_of_codes_and_payments_do_not_take_each_others_cursors(stores: Stores) -> None:
    pay_reusable(stores, ["R-1", "R-2"])
    pay_reusable(stores, ["R-1", "R-2"], "INV-2")
    of_codes = list_codes(stores, limit=1).next_cursor
    of_payments = stores.codes.list_payments("INV-1", limit=1, cursor=None).next_cursor
    refusals: list[Callable[[], Any]] = [
        lambda: stores.codes.list_payments("INV-2", limit=1, cursor=of_payments),
        lambda: stores.codes.list_payments("INV-1", limit=1, cursor=of_codes),
        lambda: list_codes(stores, cursor=of_payments),
    ]
    for refusal in refusals:
        with pytest.raises(InvalidRequest):
            refusal()


def test_a_scan_goes_on_to_the_end_of_the_table(table: Table) -> None:
    """DynamoDB ends a page after a megabyte; here after each item."""
    for number in range(5):
        table.stores.codes.create(make_code(f"INV-{number}"))
    events = table.client.meta.events
    events.register(
        "provide-client-params.dynamodb.Scan", lambda params, **_: params | {"Limit": 1}, "one"
    )
    try:
        scanned = Store(table.client, table.name).scan("attribute_exists(#pk)", names={"#pk": "pk"})
        found = {Key.of(item).pk for item in scanned}
    finally:
        events.unregister("provide-client-params.dynamodb.Scan", unique_id="one")
    assert found == {f"CODE#INV-{number}" for number in range(5)}
