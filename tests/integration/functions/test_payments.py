"""Payments over all codes, through the handlers: lists, the search, and what was done about one."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.functions import doku
from tests.integration.functions.conftest import Answer, Stack
from tests.integration.functions.test_completeness import paid_at_doku, work_off
from tests.support.world import START

INVOICE = "INV-20260301-0001"


@pytest.fixture
def doku_makes_codes(stack) -> None:
    stack.doku.expect_request(
        "/alfa-online-to-offline/v2/payment-code", "POST"
    ).respond_with_handler(
        lambda request: doku.code(request, "8889955000000021", START + timedelta(minutes=60))
    )


@pytest.fixture
def pay(stack, event, doku_makes_codes) -> Callable[..., None]:
    """Makes a code with a payment of which its notification tells no receipt."""

    def make(*, reusable: bool) -> None:
        asked = event("generate_code/alfa")
        body = json.dumps(json.loads(asked["body"]) | {"reusable": reusable})
        assert stack.call("generate_code", asked | {"body": body}).status == 201
        assert notify(stack, event, without="identifier").status == 200

    return make


@pytest.fixture
def paid(pay) -> None:
    pay(reusable=False)


def notify(stack: Stack, event: Any, *, without: str = "") -> Answer:
    """DOKU's notification of the payment, signed as it stands."""
    told = event("receive_notification/alfa_paid")
    message = json.loads(told["body"])
    message["online_to_offline_payment"].pop(without, None)
    body = json.dumps(message)
    path = told["requestContext"]["path"]
    signed = doku.request_headers(path, body.encode(), f"r{without}", "2026-03-01T03:20:00Z")
    headers = {name: value for name, value in told["headers"].items() if name.lower() not in signed}
    answer: Answer = stack.call(
        "receive_notification", told | {"body": body, "headers": headers | signed}
    )
    return answer


def listed(stack: Stack, event: Any, **query: str) -> list[dict[str, Any]]:
    """`GET /payments`."""
    request = event("read_payments/day", queryStringParameters=query)
    request["multiValueQueryStringParameters"] = {name: [each] for name, each in query.items()}
    answer = stack.call("read_payments", request)
    assert answer.status == 200, answer.raw
    items: list[dict[str, Any]] = answer.body["items"]
    return items


@pytest.mark.parametrize("who", ["notification", "refresh", "look"])
def test_whoever_learns_the_receipt_lets_it_lead_to_the_payment(stack, event, pay, who):
    # About one that may be paid again, DOKU is asked again.
    pay(reusable=who != "notification")
    assert listed(stack, event, receipt_number="1246") == []
    if who == "notification":
        assert notify(stack, event).status == 200
    else:
        paid_at_doku(stack, "2026-03-01T03:19:58Z")
    if who == "look":
        stack.clock.advance(minutes=15)
        assert work_off(stack, event) == 1
    elif who == "refresh":
        assert stack.call("refresh_code", event("refresh_code/refresh")).status == 200
    found = listed(stack, event, receipt_number="01246")
    assert found[-1]["invoice_number"] == INVOICE
    assert {each["receipt_number"] for each in found} == {"1246"}
    assert listed(stack, event, paid_from="2026-03-01", paid_to="2026-03-01")[-1] == found[-1]
    assert listed(stack, event, recorded_from="2026-03-01T00:00:00Z")[-1] == found[-1]
    assert [each for each in found if each["needs_attention"]] == listed(
        stack, event, resolution="open"
    )


def test_digits_lead_to_payments_until_they_are_forgotten(stack, event, paid):
    published = event("publish_events/story")
    last = published["Records"][-1]
    digits = last["dynamodb"]["NewImage"]["payment_code"]["S"]
    assert listed(stack, event, payment_code=digits) == []
    stack.invoke("publish_events", published)
    (found,) = listed(stack, event, payment_code=digits)
    assert (found["invoice_number"], found["id"]) == (INVOICE, "1")
    forgotten = deepcopy(last)
    forgotten["dynamodb"]["OldImage"] = last["dynamodb"]["NewImage"]
    del forgotten["dynamodb"]["NewImage"]["payment_code"]
    stack.invoke("publish_events", {"Records": [forgotten]})
    assert listed(stack, event, payment_code=digits) == []


def test_what_was_done_about_a_payment_is_on_record(stack, event, paid):
    answer = stack.call("resolve_payment", event("resolve_payment/refunded"))
    assert answer.status == 200, answer.raw
    (resolution,) = answer.body["resolutions"]
    assert resolution["resolution"] == "refunded"
    assert resolution["resolved_at"] == "2026-03-01T03:00:00Z"
    assert listed(stack, event, resolution="refunded") == [answer.body]
    foreign = event("resolve_payment/refunded")
    foreign["requestContext"]["authorizer"]["storefront_id"] = "other"
    assert stack.call("resolve_payment", foreign).status == 404
