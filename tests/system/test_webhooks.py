"""From the till to the storefront's own receiver, over the whole stack."""

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator
from standardwebhooks import Webhook

from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
from o2o.adapters.dynamodb.store import Store
from o2o.core.endpoints import Endpoint
from tests.support.local_stack import LocalStack, new_storefront, webhook_secret
from tests.support.patience import CALL_SECONDS, until
from tests.support.receivers import Post, Receiver, receiver, status
from tools.openapi import EVENT_SCHEMA

HALF_A_DAY = timedelta(hours=12)
SCHEMA = Draft202012Validator(json.loads(EVENT_SCHEMA.read_text("utf-8")))


class Merchant:
    """A storefront with a receiver of its own."""

    def __init__(self, stack: LocalStack, name: str, end: Receiver) -> None:
        self.stack = stack
        self.end = end
        self.headers = {"Authorization": f"Bearer {new_storefront(stack, name)}"}
        outputs = stack.about["outputs"]
        endpoints = DynamoEndpointStore(Store(stack.dynamodb(), outputs["TableName"]))
        endpoints.save_endpoint(Endpoint(storefront_id=name, url=end.url))
        self.secret = webhook_secret(stack, name)

    def create(self, **changes: Any) -> dict[str, Any]:
        order = self.stack.order(**changes)
        answer = self.stack.call("POST", "/payment-codes", json=order, headers=self.headers)
        assert answer.status_code == 201, answer.text
        code: dict[str, Any] = answer.json()
        return code

    def get(self, path: str, **query: Any) -> Any:
        answer = self.stack.call("GET", path, params=query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def hears(self, invoice_number: str, kind: str, times: int = 1) -> dict[str, Any]:
        """What the receiver is told of a code, verified as its owner would."""

        def look() -> list[Post]:
            told = [(post, json.loads(post.body)) for post in list(self.end.posts)]
            found = [
                post
                for post, body in told
                if body["type"] in (kind, f"payment_code.{kind}")
                and body["data"]["invoice_number"] == invoice_number
            ]
            return found if len(found) >= times else []

        post = until(look)[-1]
        # By this machine's clock, as every receiver does; that of the stack may be ahead.
        told: dict[str, Any] = Webhook(self.secret).verify(post.body, post.headers)
        assert told["id"] == post.headers["webhook-id"]
        assert [error.message for error in SCHEMA.iter_errors(told)] == []
        return told


@pytest.fixture
def merchant(stack: LocalStack, request: pytest.FixtureRequest) -> Iterator[Merchant]:
    with receiver(status(204)) as end:
        yield Merchant(stack, f"merchant-{next(stack.numbers)}", end)


def test_paid_at_the_till_and_heard_of_by_the_storefront(merchant: Merchant) -> None:
    code = merchant.create(metadata={"order": 7})
    invoice = code["invoice_number"]
    assert merchant.hears(invoice, "activated")["data"]["payment_code"] == code["payment_code"]
    receipt = merchant.stack.pay(code)
    told = merchant.hears(invoice, "paid")
    assert told["data"]["status"] == "paid"
    assert told["data"]["metadata"] == {"order": 7}
    assert told["data"]["payment"]["receipt_number"] == receipt["receipt_number"]
    assert "customer" not in told["data"]

    def delivered() -> Any:
        found = merchant.get("/events", type="payment_code.paid")["items"]
        return next((each for each in found if each["delivery"]["status"] == "delivered"), None)

    event = until(delivered)
    assert event["id"] == told["id"]
    assert [attempt["status_code"] for attempt in event["delivery"]["attempts"]] == [204]
    assert merchant.get(f"/events/{event['id']}") == event


def test_an_event_shows_a_payment_as_the_api_does(merchant: Merchant) -> None:
    code = merchant.create(amount=100_000)
    invoice = code["invoice_number"]
    merchant.stack.pay(code, amount=40_000)
    less = merchant.hears(invoice, "amount_mismatch")["data"]["payment"]
    merchant.stack.pay(code, force=True)
    whole = merchant.hears(invoice, "paid")["data"]["payment"]
    shown = merchant.get(f"/payment-codes/{invoice}/payments")["items"]
    # What was done about a payment has an event of its own.
    assert [each.pop("resolution") for each in (less, whole)] == [None, None]
    assert [each.pop("needs_attention") for each in shown] == [True, False]
    assert [each.pop("resolutions") for each in shown] == [[], []]
    assert [less, whole] == shown
    assert (less["amount"], whole["amount"]) == (40_000, 100_000)
    order = merchant.stack.doku("GET", "/orders")["orders"][0]["invoice_number"]
    merchant.stack.doku("POST", "/notify", {"invoice_number": order, "status": "REFUNDED"})
    refunded = merchant.hears(invoice, "payment.refunded")["data"]
    assert (refunded["refund"]["amount"], refunded["payment"]) == (100_000, None)


def test_what_ends_a_code_is_an_event_of_its_schema(merchant: Merchant) -> None:
    code = merchant.create()
    answer = merchant.stack.call(
        "POST", f"/payment-codes/{code['invoice_number']}/cancel", headers=merchant.headers
    )
    assert answer.status_code == 200
    merchant.hears(code["invoice_number"], "cancelled")
    order = merchant.stack.order()
    merchant.stack.fault(kind="refused", operation="generate", times=1)
    merchant.stack.call("POST", "/payment-codes", json=order, headers=merchant.headers)
    told = merchant.hears(order["invoice_number"], "failed")
    assert told["data"]["failure"]["reason"] == "refused"


def close_the_day(stack: LocalStack) -> None:
    """Move the clock to a moment after which no day is closed for hours: that is an event, too."""
    now = datetime.fromisoformat(stack.doku("GET", "/clock")["now"])
    # A day in WIB ends at 17:00 UTC, and is closed 19 hours later.
    then = now.astimezone(UTC).replace(hour=12, minute=30) + timedelta(days=1)
    stack.advance(seconds=(then - now).total_seconds())
    closed = then.date() - timedelta(days=1)

    def is_closed() -> bool:
        stack.run_schedules()
        return stack.call("GET", f"/books/{closed}").status_code == 200

    until(is_closed)


@pytest.fixture
def undisturbed(own_stack: LocalStack) -> Iterator[Merchant]:
    """A merchant who came after the last day was closed."""
    own_stack.start()
    close_the_day(own_stack)
    with receiver(status(204)) as end:
        yield Merchant(own_stack, "undisturbed", end)


def test_a_receiver_that_fails_three_times_gets_it_the_fourth(undisturbed: Merchant) -> None:
    merchant = undisturbed
    merchant.end.answer = status(500)
    invoice = merchant.create(expires_in_minutes=30 * 24 * 60)["invoice_number"]

    def delivery(attempts: int) -> dict[str, Any]:
        def look() -> Any:
            found = [event["delivery"] for event in merchant.get("/events")["items"]]
            return next((each for each in found if len(each["attempts"]) == attempts), None)

        found: dict[str, Any] = until(look)
        return found

    for attempts in (1, 2, 3):
        waiting = delivery(attempts)
        assert waiting["status"] == "pending"
        assert waiting["next_attempt_at"] is not None
        if attempts == 3:
            merchant.end.answer = status(204)
        merchant.stack.advance(hours=1)
    told = merchant.hears(invoice, "activated", times=4)
    delivered = delivery(4)
    assert delivered["status"] == "delivered"
    assert [each["status_code"] for each in delivered["attempts"]] == [500, 500, 500, 204]
    assert {post.headers["webhook-id"] for post in merchant.end.posts} == {told["id"]}


def ask_doku(stack: LocalStack, invoice_number: str) -> requests.Response:
    """A status check of the DOKU that the stack runs on, by a client of its own."""
    doku, path = stack.about["doku"], f"/orders/v1/status/{invoice_number}"
    headers = {
        "Client-Id": doku["client_id"],
        "Request-Id": f"own-{next(stack.numbers)}",
        "Request-Timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    text = "\n".join(f"{name}:{value}" for name, value in headers.items())
    mac = hmac.digest(
        doku["secret_key"].encode(), f"{text}\nRequest-Target:{path}".encode(), sha256
    )
    headers["Signature"] = "HMACSHA256=" + base64.b64encode(mac).decode()
    return stack.http.get(doku["base_url"] + path, headers=headers, timeout=CALL_SECONDS)


def test_programs_outside_keep_their_clock_when_the_stacks_is_moved(own_stack: LocalStack) -> None:
    """Receivers of webhooks and clients of DOKU's know the machine's clock only."""
    own_stack.start()
    own_stack.advance(hours=24)
    for is_restarted in (False, True):
        if is_restarted:
            own_stack.stop()
            own_stack.start()
        with receiver(status(204)) as end:
            merchant = Merchant(own_stack, f"merchant-{next(own_stack.numbers)}", end)
            code = merchant.create()
            assert datetime.fromisoformat(code["created_at"]) > datetime.now(UTC) + HALF_A_DAY
            merchant.stack.pay(code)
            told = merchant.hears(code["invoice_number"], "paid")
            assert datetime.fromisoformat(told["timestamp"]) > datetime.now(UTC) + HALF_A_DAY
            # DOKU knows the code of a later storefront by its order number.
            (newest,) = own_stack.doku("GET", "/orders?limit=1")["orders"]
            assert ask_doku(own_stack, newest["invoice_number"]).status_code == 200


def test_an_event_is_sent_again_on_demand(merchant: Merchant) -> None:
    invoice = merchant.create()["invoice_number"]
    told = merchant.hears(invoice, "activated")
    answer = merchant.stack.call(
        "POST",
        "/events/redeliver",
        json={"event_ids": [told["id"]]},
        headers=merchant.headers,
    )
    assert (answer.status_code, answer.json()) == (202, {"count": 1, "next_cursor": None})
    assert merchant.hears(invoice, "activated", times=2) == told


def test_another_storefront_hears_and_sees_nothing(merchant: Merchant, stack: LocalStack) -> None:
    invoice = merchant.create()["invoice_number"]
    told = merchant.hears(invoice, "activated")
    assert stack.call("GET", f"/events/{told['id']}").status_code == 404
    stranger = stack.create()
    stack.pay(stranger)
    stack.becomes(stranger["invoice_number"], "paid")
    merchant.stack.pay(merchant.get(f"/payment-codes/{invoice}"))
    merchant.hears(invoice, "paid")
    bodies = [json.loads(post.body) for post in merchant.end.posts]
    assert {each["data"]["invoice_number"] for each in bodies if "books" not in each["data"]} == {
        invoice
    }
