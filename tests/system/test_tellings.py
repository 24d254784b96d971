"""What DOKU tells of payments oddly, twice, late or wrongly, over HTTP: what the storefront sees.

Each case was wrong once: two payments for one, one for two, or `late` for what was in time.
"""

from typing import Any

import pytest

from tests.support.local_stack import LocalStack
from tests.support.patience import until


def refresh(stack: LocalStack, invoice: str) -> dict[str, Any]:
    answer = stack.call("POST", f"/payment-codes/{invoice}/refresh")
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


def notified(stack: LocalStack, invoice: str, *, number: int = 1) -> None:
    """Wait until DOKU's notifications of an order were accepted."""

    def accepted() -> bool:
        listed = stack.doku("GET", f"/orders/{invoice}")["notifications"]
        return len(listed) >= number and all(each["state"] == "delivered" for each in listed)

    until(accepted)


def types(stack: LocalStack, invoice: str, *, number: int) -> list[str]:
    """The types of a code's events, once there are so many."""

    def look() -> list[str] | None:
        items = stack.call("GET", f"/events?invoice_number={invoice}").json()["items"]
        return [each["type"] for each in reversed(items)] if len(items) >= number else None

    return until(look)


@pytest.mark.parametrize("odd", ["created_date", "missing_field"])
def test_a_check_without_receipt_and_then_the_notification_are_one_payment(
    stack: LocalStack, odd: str
) -> None:
    code = stack.create()
    invoice = code["invoice_number"]
    stack.advance(minutes=5)
    receipt = stack.pay(code, notify="none")
    stack.advance(minutes=2)
    stack.fault(
        kind="missing_field", operation="status", field="identifiers", invoice_number=invoice
    )
    if odd == "created_date":
        stack.fault(kind="created_date", operation="status", invoice_number=invoice)
    checked = refresh(stack, invoice)
    assert (checked["status"], checked["payments_count"]) == ("paid", 1)
    assert checked["payments"][0]["receipt_number"] is None

    stack.doku("POST", "/notify", {"invoice_number": invoice})
    notified(stack, invoice)
    told = stack.get(invoice)
    (payment,) = told["payments"]
    assert (payment["kind"], payment["certain"]) == ("paid", True)
    assert payment["receipt_number"] == receipt["receipt_number"]
    assert payment["source"] == "notification"
    assert told["paid_at"] == payment["paid_at"] == receipt["paid_at"]
    assert types(stack, invoice, number=2) == ["payment_code.activated", "payment_code.paid"]


def test_a_wrong_amount_and_then_the_right_one_of_one_receipt_are_one_payment(
    stack: LocalStack,
) -> None:
    code = stack.create()
    invoice = code["invoice_number"]
    stack.pay(code, notify={"kind": "wrong_amount", "amount": 24_999})
    notified(stack, invoice)
    assert stack.get(invoice)["payments"][0]["kind"] == "amount_mismatch"
    stack.advance(minutes=2)
    paid = refresh(stack, invoice)
    (payment,) = paid["payments"]
    assert (paid["status"], payment["kind"], payment["amount"]) == ("paid", "paid", 25_000)
    assert payment["doubts"] == ["tellings_disagree"]


@pytest.mark.parametrize(
    "odd",
    [
        {"kind": "missing_field", "field": "receipt"},
        {"kind": "wrong_receipt", "receipt_number": "0"},
        {"kind": "wrong_receipt", "receipt_number": "N/A"},
    ],
    ids=["none", "zero", "not available"],
)
def test_two_stores_that_print_no_receipt_number_are_two_payments(
    stack: LocalStack, odd: dict[str, Any]
) -> None:
    code = stack.create(reusable=True)
    invoice = code["invoice_number"]
    for store in ("T001", "T002"):
        stack.pay(code, store_id=store, notify=odd)
    notified(stack, invoice, number=2)
    told = stack.get(invoice)
    assert {each["store_id"] for each in told["payments"]} == {"T001", "T002"}
    assert [each["certain"] for each in told["payments"]] == [True, True]


def test_one_receipt_number_at_two_brands_is_two_payments(stack: LocalStack) -> None:
    code = stack.create(reusable=True)
    for brand in ("ALFAMART", "LAWSON"):
        stack.pay(code, agent_id=brand, store_id="T001", receipt_number="001246")
    notified(stack, code["invoice_number"], number=2)
    assert stack.get(code["invoice_number"])["payments_count"] == 2


def test_who_paid_before_the_deadline_is_not_late_though_the_code_had_ended(
    stack: LocalStack,
) -> None:
    code = stack.create(expires_in_minutes=10)
    invoice = code["invoice_number"]
    stack.advance(minutes=5)
    # DOKU cannot be asked, and its notification does not come.
    stack.fault(kind="error_5xx", operation="status", times=None, invoice_number=invoice)
    stack.pay(code, notify="none")
    stack.advance(minutes=10)
    stack.advance(minutes=40)
    stack.becomes(invoice, "expired")
    stack.doku("DELETE", "/faults")
    stack.doku("POST", "/notify", {"invoice_number": invoice})
    paid = stack.becomes(invoice, "paid")
    assert (paid["late"], paid["had_ended"], paid["payments"][0]["kind"]) == (False, True, "paid")
    page = stack.http.get(code["pay_url"], timeout=60).text
    assert "setelah batas waktu" not in page


def test_another_currency_pays_nothing(stack: LocalStack) -> None:
    code = stack.create()
    stack.pay(code, notify={"kind": "foreign_currency", "currency": "USD"})
    notified(stack, code["invoice_number"])
    told = stack.get(code["invoice_number"])
    assert told["status"] == "active"
    (payment,) = told["payments"]
    assert (payment["kind"], payment["currency"]) == ("amount_mismatch", "USD")


def test_a_payment_dated_before_its_code_pays_and_is_marked(stack: LocalStack) -> None:
    code = stack.create()
    stack.pay(code, notify={"kind": "shifted_date", "seconds": -7 * 3600})
    paid = stack.becomes(code["invoice_number"], "paid")
    assert paid["payments"][0]["doubts"] == ["dated_before_code"]


def test_a_refund_after_the_payment_is_told(stack: LocalStack) -> None:
    code = stack.create()
    invoice = code["invoice_number"]
    stack.pay(code)
    stack.becomes(invoice, "paid")
    for _ in range(2):
        stack.doku("POST", "/notify", {"invoice_number": invoice, "status": "REFUNDED"})
    notified(stack, invoice, number=3)
    told = stack.get(invoice)
    assert (told["status"], told["refund"]["amount"]) == ("paid", 25_000)
    assert types(stack, invoice, number=3)[-1] == "payment.refunded"
