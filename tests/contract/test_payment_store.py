"""Payments as lists, and the search, in memory and on real engines."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from o2o.core.codes import PaymentCode, PaymentKind
from o2o.core.errors import InvalidRequest, VersionConflict
from o2o.core.events import Change
from o2o.core.pages import all_items
from o2o.core.payments import Payment, Settlement, resolve
from o2o.core.resolutions import Resolution, ResolutionKind
from o2o.core.search import find_changes
from tests.contract.conftest import Stores, Table
from tests.support.samples import at, make_code, make_completion, make_settlement

RESOLUTION = Resolution(kind=ResolutionKind.REFUNDED, by="key:k1", at=at(hours=1), note="cash")


def record(stores: Stores, settlement: Settlement) -> Payment:
    stores.codes.record(settlement)
    return settlement.payment


def late(settlement: Settlement) -> Settlement:
    """The same payment, but it calls for a person."""
    return replace(settlement, payment=replace(settlement.payment, kind=PaymentKind.PAID_LATE))


def paid(stores: Stores, invoice: str, *, days: int = 0, recorded: int = 6) -> Payment:
    """A payment of a new code, dated so many days after the first and recorded so late."""
    code = make_code(invoice)
    stores.codes.create(code)
    settlement = make_settlement(code, f"R-{invoice}", paid_at=at(days=days))
    payment = replace(settlement.payment, recorded_at=at(minutes=recorded))
    return record(stores, replace(settlement, payment=payment))


def recorded(stores: Stores, storefront: str = "shop", **between: Any) -> list[str]:
    span: dict[str, Any] = {"recorded_from": None, "recorded_to": None} | between
    found = all_items(
        lambda cursor: stores.payments.list_recorded(
            storefront,
            **span,
            limit=2,
            cursor=cursor,
        )
    )
    return [each.code.invoice_number for each in found if each.code]


def dated(stores: Stores, **between: Any) -> list[str]:
    span: dict[str, Any] = {"paid_from": None, "paid_to": None} | between
    found = all_items(
        lambda cursor: stores.payments.list_paid(
            "shop",
            **span,
            limit=2,
            cursor=cursor,
        )
    )
    return [each.code.invoice_number for each in found if each.code]


def attention(stores: Stores, storefront: str = "shop") -> list[Payment]:
    return list(
        all_items(
            lambda cursor: stores.payments.list_attention(
                storefront, recorded_to=None, limit=2, cursor=cursor
            )
        )
    )


def test_payments_are_listed_as_they_became_known_and_by_their_date(stores: Stores) -> None:
    paid(stores, "INV-1", days=3, recorded=6)
    paid(stores, "INV-2", days=1, recorded=7)
    paid(stores, "INV-3", days=2, recorded=8)
    assert recorded(stores) == ["INV-3", "INV-2", "INV-1"]
    assert recorded(stores, recorded_from=at(minutes=7)) == ["INV-3", "INV-2"]
    assert recorded(stores, recorded_to=at(minutes=7)) == ["INV-2", "INV-1"]
    assert dated(stores) == ["INV-1", "INV-3", "INV-2"]
    assert dated(stores, paid_from=at(days=2), paid_to=at(days=3)) == ["INV-1", "INV-3"]
    assert dated(stores, paid_from=at(days=2), paid_to=at(days=1)) == []
    assert recorded(stores, "other") == []


def test_the_two_lists_do_not_take_each_others_cursors(stores: Stores) -> None:
    for number in range(3):
        paid(stores, f"INV-{number}")
    by_record = stores.payments.list_recorded(
        "shop", recorded_from=None, recorded_to=None, limit=2, cursor=None
    )
    by_date = stores.payments.list_paid("shop", paid_from=None, paid_to=None, limit=2, cursor=None)
    with pytest.raises(InvalidRequest):
        stores.payments.list_paid(
            "shop", paid_from=None, paid_to=None, limit=2, cursor=by_record.next_cursor
        )
    with pytest.raises(InvalidRequest):
        stores.payments.list_recorded(
            "other", recorded_from=None, recorded_to=None, limit=2, cursor=by_record.next_cursor
        )
    with pytest.raises(InvalidRequest):
        stores.payments.list_attention(
            "shop", recorded_to=None, limit=2, cursor=by_date.next_cursor
        )


def test_a_payment_calls_for_a_person_until_it_is_resolved(stores: Stores) -> None:
    code = make_code()
    stores.codes.create(code)
    settlement = late(make_settlement(code))
    payment = record(stores, settlement)
    assert attention(stores) == [payment]
    resolved = resolve(settlement.code, payment, RESOLUTION)
    assert resolved is not None
    fuller = record(stores, resolved)
    assert attention(stores) == []
    assert stores.codes.get_payment("INV-1", "1") == fuller
    assert stores.codes.get("INV-1") == resolved.code
    assert recorded(stores) == ["INV-1"]


def test_a_payment_that_simply_pays_calls_for_nobody(stores: Stores) -> None:
    paid(stores, "INV-1")
    assert attention(stores) == []


def test_a_payment_that_comes_to_match_calls_for_nobody_any_more(stores: Stores) -> None:
    code = make_code()
    stores.codes.create(code)
    settlement = late(make_settlement(code, amount=Decimal(1)))
    payment = record(stores, settlement)
    completion = make_completion(settlement.code, payment, amount=Decimal(150_000))
    record(
        stores,
        replace(completion, payment=replace(completion.payment, kind=PaymentKind.PAID)),
    )
    assert attention(stores) == []


def search(stores: Stores, before: PaymentCode | None, after: PaymentCode) -> None:
    stores.search.change(find_changes(Change(before, after)))


def found(stores: Stores, receipt: str, storefront: str = "shop") -> list[Payment]:
    return list(
        all_items(
            lambda cursor: stores.payments.find_by_receipt(
                storefront, receipt, limit=1, cursor=cursor
            )
        )
    )


def test_a_receipt_leads_to_its_payments_however_it_is_written(stores: Stores) -> None:
    payments = []
    for invoice in ("INV-1", "INV-2"):
        code = make_code(invoice)
        stores.codes.create(code)
        settlement = make_settlement(code, "00ab-7")
        payments.append(record(stores, settlement))
        search(stores, code, settlement.code)
        search(stores, code, settlement.code)
    assert found(stores, "AB-7") == payments
    assert found(stores, "ab-") == []
    assert found(stores, "n/a") == []
    assert found(stores, "AB-7", "other") == []


def test_a_receipt_that_becomes_known_later_leads_to_its_payment_too(stores: Stores) -> None:
    code = make_code()
    stores.codes.create(code)
    settlement = make_settlement(code, "")
    payment = record(stores, settlement)
    search(stores, code, settlement.code)
    fuller = record(stores, make_completion(settlement.code, payment, receipt_number="R-7"))
    assert found(stores, "R-7") == [fuller]


def test_digits_lead_to_the_codes_that_had_them_until_they_are_forgotten(stores: Stores) -> None:
    code = make_code(payment_code="8899771234567890")
    stores.codes.create(code)
    search(stores, None, code)
    assert stores.payments.find_order_numbers("shop", "8899771234567890") == ["INV-1"]
    assert stores.payments.find_order_numbers("shop", "889977123456789") == []
    assert stores.payments.find_order_numbers("other", "8899771234567890") == []
    search(stores, code, code.wait(None).forget(at(days=90)))
    assert stores.payments.find_order_numbers("shop", "8899771234567890") == []


def test_a_search_takes_no_foreign_cursor(stores: Stores) -> None:
    for invoice in ("INV-1", "INV-2"):
        code = make_code(invoice)
        stores.codes.create(code)
        settlement = make_settlement(code, "R-7")
        record(stores, settlement)
        search(stores, code, settlement.code)
    cursor = stores.payments.find_by_receipt("shop", "R-7", limit=1, cursor=None).next_cursor
    assert cursor is not None
    for storefront, receipt in (("shop", "R-8"), ("other", "R-7")):
        with pytest.raises(InvalidRequest):
            stores.payments.find_by_receipt(storefront, receipt, limit=1, cursor=cursor)


def test_evidence_is_not_forgotten_over_a_resolution_that_came_between(table: Table) -> None:
    stores = table.stores
    code = make_code()
    stores.codes.create(code)
    settlement = late(make_settlement(code))
    payment = record(stores, settlement)
    done = resolve(settlement.code, payment, RESOLUTION)
    assert done is not None
    codes = stores.codes
    listed = codes.list_payments
    raced = False

    def list_payments(order_number: str, **page: Any) -> Any:
        nonlocal raced
        found = listed(order_number, **page)
        if not raced:
            raced = True
            codes.record(done)
        return found

    codes.list_payments = list_payments  # type: ignore[method-assign]
    with pytest.raises(VersionConflict):
        codes.forget_evidence("INV-1")
    kept = codes.get_payment("INV-1", "1")
    assert kept is not None
    assert kept.resolutions == done.payment.resolutions
