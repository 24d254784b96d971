"""The clock moves past a day's close: the storefront reads its book and is told of it."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from standardwebhooks import Webhook

from o2o.core.wib import WIB
from tests.support.local_stack import LocalStack
from tests.support.patience import until
from tests.support.receivers import receiver, status
from tests.system.test_webhooks import Merchant
from tools.openapi import EVENT_SCHEMA

SCHEMA = Draft202012Validator(json.loads(EVENT_SCHEMA.read_text("utf-8")))


@pytest.fixture
def merchant(stack: LocalStack) -> Iterator[Merchant]:
    with receiver(status(204)) as end:
        yield Merchant(stack, f"books-{next(stack.numbers)}", end)


def book(merchant: Merchant, day: date) -> dict[str, Any] | None:
    merchant.stack.run_schedules()
    answer = merchant.stack.call("GET", f"/books/{day}", headers=merchant.headers)
    return answer.json() if answer.status_code == 200 else None


def told(merchant: Merchant, day: date) -> list[dict[str, Any]]:
    """The events of a day's books that came, verified as their owner would."""
    bodies = [
        Webhook(merchant.secret).verify(post.body, post.headers)
        for post in list(merchant.end.posts)
        if json.loads(post.body)["type"] == "books.closed"
    ]
    return [each for each in bodies if each["data"]["books"]["day"] == str(day)]


def test_a_day_is_closed_read_and_heard_of(merchant: Merchant) -> None:
    code = merchant.create(amount=25_000)
    merchant.stack.pay(code)
    until(lambda: merchant.get(f"/payment-codes/{code['invoice_number']}")["status"] == "paid")
    (payment,) = merchant.get(f"/payment-codes/{code['invoice_number']}")["payments"]
    day = datetime.fromisoformat(payment["paid_at"]).astimezone(WIB).date()
    answer = merchant.stack.call("GET", f"/books/{day}", headers=merchant.headers)
    assert answer.status_code == 404
    # By an hour past its close, whatever the hour of the day is.
    for _ in range(4):
        merchant.stack.advance(hours=12)

    found = until(lambda: book(merchant, day))

    assert (found["count"], found["sum"], found["edition"]) == (1, 25_000, 1)
    assert (found["differences"], found["listed_differences"]) == (0, [])
    assert found["codes"]["created"] == {"paid": 1}
    (event,) = until(lambda: told(merchant, day))
    assert [error.message for error in SCHEMA.iter_errors(event)] == []
    assert (event["id"], event["sequence"]) == (found["event_id"], 1)
    listed = merchant.get("/books")["items"]
    assert event["data"]["books"] == next(each for each in listed if each["day"] == str(day))
    before = next(each for each in listed if each["day"] == str(day - timedelta(days=1)))
    assert found["previous_root"] == before["messages_root"]
