"""Two storefronts on one stack: what each of them tries on the other, over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.support.local_stack import LocalStack, new_storefront
from tests.support.patience import until


@dataclass(frozen=True)
class Shop:
    """A storefront with its key."""

    stack: LocalStack
    headers: Mapping[str, str]

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.stack.call(method, path, headers=dict(self.headers), **options)

    def ask(self, invoice_number: str, **changes: Any) -> requests.Response:
        order = self.stack.order(invoice_number=invoice_number, **changes)
        return self.call("POST", "/payment-codes", json=order)

    def status(self, invoice_number: str) -> Any:
        return self.call("GET", f"/payment-codes/{invoice_number}").json().get("status")


@pytest.fixture(scope="module")
def first(fresh_stack: LocalStack) -> Shop:
    """The storefront that the stack began with."""
    return Shop(fresh_stack, {})


@pytest.fixture(scope="module")
def second(fresh_stack: LocalStack) -> Shop:
    """A storefront that came later."""
    return Shop(fresh_stack, {"Authorization": f"Bearer {new_storefront(fresh_stack, 'second')}"})


def orders(stack: LocalStack) -> dict[str, Any]:
    """What DOKU knows, by its invoice numbers."""
    return {order["invoice_number"]: order for order in stack.doku("GET", "/orders")["orders"]}


def test_both_count_inv_1_and_each_is_paid_its_own(first: Shop, second: Shop) -> None:
    ours, theirs = first.ask("INV-1"), second.ask("INV-1")
    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert ours.json()["invoice_number"] == theirs.json()["invoice_number"] == "INV-1"
    assert ours.json()["payment_code"] != theirs.json()["payment_code"]
    assert ours.json()["pay_url"] != theirs.json()["pay_url"]
    first.stack.pay(theirs.json())
    until(lambda: second.status("INV-1") == "paid")
    assert first.status("INV-1") == "active"
    # Events, too, are each one's own, and name the storefront's number.
    events = until(lambda: second.call("GET", "/events?type=payment_code.paid").json()["items"])
    assert [event["invoice_number"] for event in events] == ["INV-1"]
    assert first.call("GET", "/events?type=payment_code.paid").json()["items"] == []
    page = requests.get(theirs.json()["pay_url"], timeout=10)
    assert page.status_code == 200
    assert "INV-1" in page.text
    assert "._INV-1" not in page.text


def test_a_status_check_and_a_replacement_stay_in_the_namespace(first: Shop, second: Shop) -> None:
    assert first.ask("INV-2").status_code == second.ask("INV-2").status_code == 201
    replacing = second.ask("INV-3", replaces="INV-2")
    assert replacing.status_code == 201, replacing.text
    assert replacing.json()["replaces"] == "INV-2"
    assert second.status("INV-2") == "cancelled"
    assert first.status("INV-2") == "active"
    refreshed = second.call("POST", "/payment-codes/INV-3/refresh")
    assert refreshed.status_code == 200, refreshed.text
    assert refreshed.json()["status"] == "active"


def test_squatting_and_enumeration_find_nothing(first: Shop, second: Shop) -> None:
    assert second.ask("INV-4").status_code == 201
    numbers = [number for number in orders(first.stack) if number.endswith("._INV-4")]
    (taken,) = numbers
    for number in (taken, taken.replace("INV-4", "INV-NEVER")):
        answer = first.ask(number)
        assert answer.status_code == 400
        assert [each["name"] for each in answer.json()["invalid_params"]] == ["invoice_number"]
        for method, action in (("GET", ""), ("POST", "/cancel"), ("POST", "/refresh")):
            assert first.call(method, f"/payment-codes/{number}{action}").status_code == 404
    # What one has taken is free for the other, whoever comes first.
    assert first.ask("INV-5").status_code == second.ask("INV-5").status_code == 201
    assert first.ask("INV-4").status_code == 201


def test_a_customer_s_number_can_t_be_taken_over(first: Shop, second: Shop) -> None:
    number = {"feature": "dipc", "bin": "889955", "unique_part": "0812345678"}
    mine = first.ask("INV-6", **number)
    assert mine.status_code == 201, mine.text
    first.stack.pay(mine.json())
    until(lambda: first.status("INV-6") == "paid")
    theirs = second.ask("INV-6", **number)
    assert theirs.status_code == 400
    assert [each["name"] for each in theirs.json()["invalid_params"]] == ["feature"]
    again = first.ask("INV-7", **number)
    assert (again.status_code, again.json()["payment_code"]) == (201, mine.json()["payment_code"])
