"""The whole system over HTTP: a storefront, customers, DOKU and its bad days."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.local_stack import LocalStack, new_storefront
from tests.support.patience import until

PROBLEM = "application/problem+json"


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == PROBLEM
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert re.fullmatch(r"/problems/[a-z-]+", body["type"])
    return body


# --- the main path ---------------------------------------------------------------------------


@pytest.mark.parametrize(("channel", "digits"), [("alfa", "8"), ("indomaret", "88899")])
def test_a_customer_pays(stack: LocalStack, channel: str, digits: str) -> None:
    order = stack.order(channel=channel, amount=150_000)
    answer = stack.call("POST", "/payment-codes", json=order)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/payment-codes/{order['invoice_number']}"
    code = answer.json()
    assert code["status"] == "active"
    assert re.fullmatch(rf"{digits}\d+", code["payment_code"])

    receipt = stack.pay(code)
    paid = stack.becomes(order["invoice_number"], "paid")
    assert (paid["late"], paid["payments_count"]) == (False, 1)
    (payment,) = paid["payments"]
    assert payment["amount"] == 150_000
    assert payment["source"] == "notification"
    assert payment["receipt_number"] == receipt["receipt_number"]
    assert payment["paid_at"] == receipt["paid_at"] == paid["paid_at"]


def test_the_same_request_again_is_the_same_code(stack: LocalStack) -> None:
    order = stack.order()
    first = stack.call("POST", "/payment-codes", json=order)
    again = stack.call("POST", "/payment-codes", json=order)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert stack.doku("GET", f"/orders/{order['invoice_number']}")["requests"]["generate"] == 1


def test_the_same_request_many_times_at_once_is_one_code(stack: LocalStack) -> None:
    order = stack.order()
    with ThreadPoolExecutor(10) as clients:
        answers = list(
            clients.map(lambda _: stack.call("POST", "/payment-codes", json=order), range(10))
        )
    assert {answer.status_code for answer in answers} <= {200, 201, 202}
    digits = stack.becomes(order["invoice_number"], "active")["payment_code"]
    told = {answer.json()["payment_code"] for answer in answers}
    assert told <= {digits, None}
    assert stack.doku("GET", f"/orders/{order['invoice_number']}")["payment_code"] == digits


def test_the_same_invoice_number_with_another_body_is_refused(stack: LocalStack) -> None:
    order = stack.order()
    assert stack.call("POST", "/payment-codes", json=order).status_code == 201
    other = stack.call("POST", "/payment-codes", json={**order, "amount": order["amount"] + 1})
    assert problem(other, 409)["type"] == "/problems/invoice-number-taken"
    assert stack.get(order["invoice_number"])["amount"] == order["amount"]


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer o2o_abc_def", "Basic dXNlcjpwYXNz", f"Bearer {'x' * 5000}"],
)
def test_without_a_key_nothing_is_told(stack: LocalStack, authorization: str | None) -> None:
    for method, path in (("POST", "/payment-codes"), ("GET", "/payment-codes/INV-1")):
        answer = stack.call(method, path, json={}, headers={"Authorization": authorization})
        assert problem(answer, 401)["type"] == "/problems/unauthorized"


def test_a_key_with_another_secret_opens_nothing(stack: LocalStack) -> None:
    key = stack.about["api_key"]
    forged = key[:-1] + ("a" if key[-1] != "a" else "b")
    answer = stack.call("GET", "/channels", headers={"Authorization": f"Bearer {forged}"})
    problem(answer, 401)


def test_another_storefronts_code_does_not_exist(stack: LocalStack) -> None:
    code = stack.create()
    stranger = {"Authorization": f"Bearer {new_storefront(stack, 'stranger')}"}
    path = f"/payment-codes/{code['invoice_number']}"
    problem(stack.call("GET", path, headers=stranger), 404)
    problem(stack.call("POST", f"{path}/cancel", headers=stranger), 404)
    problem(stack.call("POST", f"{path}/refresh", headers=stranger), 404)
    assert stack.call("GET", "/payment-codes", headers=stranger).json()["items"] == []
    # Nothing tells the stranger that the number is in use: it has its own.
    order = stack.order(invoice_number=code["invoice_number"])
    answer = stack.call("POST", "/payment-codes", json=order, headers=stranger)
    assert answer.status_code == 201, answer.text
    assert answer.json()["payment_code"] != code["payment_code"]
    assert stack.call("GET", path, headers=stranger).json()["amount"] == order["amount"]
    assert stack.get(code["invoice_number"])["status"] == "active"


def test_an_unknown_route_is_a_problem_too(stack: LocalStack) -> None:
    assert problem(stack.call("GET", "/nowhere"), 404)["type"] == "/problems/not-found"


# --- DOKU's bad days -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hang_before_accept", "hang_after_accept"])
def test_doku_hangs(stack: LocalStack, kind: str) -> None:
    order = stack.order()
    number = order["invoice_number"]
    stack.fault(kind=kind, operation="generate", invoice_number=number)
    answer = stack.call("POST", "/payment-codes", json=order)
    # The gateway waits for 29 seconds and no longer, as on AWS: then it would be a 504.
    assert answer.status_code == 202
    assert int(answer.headers["Retry-After"]) > 0
    assert (answer.json()["status"], answer.json()["payment_code"]) == ("requested", None)
    stack.advance(minutes=1, seconds=1)
    active = stack.becomes(number, "active")
    assert stack.doku("GET", f"/orders/{number}")["payment_code"] == active["payment_code"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error_5xx"},
        {"kind": "error_5xx", "accepted": True},
        {"kind": "rate_limited"},
        {"kind": "reset"},
        {"kind": "reset", "accepted": True},
        {"kind": "half_answer"},
        {"kind": "wrong_signature"},
        {"kind": "no_signature"},
        {"kind": "garbage"},
        {"kind": "redirect"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_an_unclear_answer_of_doku_is_no_failure(stack: LocalStack, fault: dict[str, Any]) -> None:
    order = stack.order(channel="indomaret")
    number = order["invoice_number"]
    stack.fault(operation="generate", invoice_number=number, **fault)
    answer = stack.call("POST", "/payment-codes", json=order)
    assert (answer.status_code, answer.json()["status"]) == (202, "requested")
    stack.advance(minutes=1, seconds=1)
    active = stack.becomes(number, "active")
    assert stack.doku("GET", f"/orders/{number}")["payment_code"] == active["payment_code"]


def test_a_lost_notification_is_found_by_reconciliation(stack: LocalStack) -> None:
    code = stack.create()
    stack.pay(code, notify="lost")
    assert stack.get(code["invoice_number"])["status"] == "active"
    stack.advance(minutes=16)
    paid = stack.becomes(code["invoice_number"], "paid")
    assert [payment["source"] for payment in paid["payments"]] == ["status_check"]
    # When DOKU tells after all, it is the same payment.
    stack.doku("POST", "/notify", {"invoice_number": code["invoice_number"]})
    told = until(lambda: [a for a in stack.attempts(code["invoice_number"]) if a["status"] == 200])
    assert told
    assert stack.get(code["invoice_number"])["payments_count"] == 1


@pytest.mark.parametrize("copies", [2, 50])
def test_a_notification_many_times_at_once_is_one_payment(stack: LocalStack, copies: int) -> None:
    code = stack.create()
    stack.pay(code, notify={"kind": "duplicate", "copies": copies, "concurrent": True})
    until(lambda: len(stack.attempts(code["invoice_number"])) >= copies)
    attempts = stack.attempts(code["invoice_number"])
    assert {attempt["status"] for attempt in attempts} == {200}
    paid = stack.get(code["invoice_number"])
    assert (paid["status"], paid["payments_count"], len(paid["payments"])) == ("paid", 1, 1)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "tampered"},
        {"kind": "wrong_key"},
        {"kind": "foreign_client_id"},
        {"kind": "missing_header", "header": "Client-Id"},
        {"kind": "missing_header", "header": "Request-Id"},
        {"kind": "missing_header", "header": "Request-Timestamp"},
        {"kind": "missing_header", "header": "Signature"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_a_message_that_is_not_dokus_changes_nothing(
    stack: LocalStack, fault: dict[str, Any]
) -> None:
    code = stack.create()
    stack.pay(code, notify=fault)
    assert [attempt["status"] for attempt in stack.attempts(code["invoice_number"])] == [401]
    assert stack.get(code["invoice_number"]) == code


def test_broken_json_with_a_good_signature_is_kept_and_alarmed(stack: LocalStack) -> None:
    code = stack.create()
    stack.pay(code, notify={"kind": "broken_json"})
    assert [attempt["status"] for attempt in stack.attempts(code["invoice_number"])] == [200]
    assert stack.get(code["invoice_number"]) == code
    logged = stack.log("ReceiveNotificationFunction")
    assert any("NotificationUnreadable" in line for line in logged)
    assert not any(line.get("message") == "unexpected error" for line in logged)


# --- expiry ----------------------------------------------------------------------------------


def test_doku_is_asked_before_a_code_expires(stack: LocalStack) -> None:
    code = stack.create(expires_in_minutes=5)
    stack.advance(minutes=5, seconds=1)
    stack.becomes(code["invoice_number"], "expired")
    assert stack.doku("GET", f"/orders/{code['invoice_number']}")["requests"]["status"] >= 1


def test_a_payment_in_the_last_second_is_not_lost(stack: LocalStack) -> None:
    code = stack.create(expires_in_minutes=5)
    stack.advance(minutes=4, seconds=55)
    stack.pay(code, notify="lost")
    stack.advance(seconds=6)  # past the expiry, and DOKU shows no payment yet
    assert stack.get(code["invoice_number"])["status"] == "active"
    stack.advance(minutes=1, seconds=5)
    paid = stack.becomes(code["invoice_number"], "paid")
    assert paid["late"] is False
    assert paid["paid_at"] < paid["expires_at"]


def test_an_expired_code_that_is_paid_is_paid_late(stack: LocalStack) -> None:
    code = stack.create(expires_in_minutes=1)
    stack.advance(minutes=1, seconds=1)
    stack.becomes(code["invoice_number"], "expired")
    stack.pay(code, force=True)
    assert stack.becomes(code["invoice_number"], "paid")["late"] is True


# --- bad requests ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param(b'{"amount": "25000"}', "amount", id="a field"),
        pytest.param(b"\xff\xfe\x00", "body", id="bytes that are no text"),
    ],
)
def test_what_is_wrong_is_named(stack: LocalStack, body: bytes, named: str) -> None:
    """Two that travel the whole way; all that can be wrong is in tests/unit/test_requests.py."""
    headers = {"Content-Type": "application/json"}
    answer = problem(stack.call("POST", "/payment-codes", data=body, headers=headers), 400)
    assert answer["type"] == "/problems/invalid-request"
    assert named in {param["name"] for param in answer["invalid_params"]}


def test_a_letter_is_no_emoji(stack: LocalStack) -> None:
    code = stack.create(customer={"name": "Zoë O'Brien-Müller"})
    assert code["customer"]["name"] == "Zoë O'Brien-Müller"
