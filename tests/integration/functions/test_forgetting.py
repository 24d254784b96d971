"""What must hold on a code although its time is over, through the handlers.

DynamoDB deletes what has a TTL in the past, at any time after it; here it does so at once.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from werkzeug import Request, Response

from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.upgrade import Upgrade, Upgraded
from o2o.core.timetable import Retention
from o2o.entry import wiring
from o2o.entry.settings import Settings
from tests.integration.functions import doku
from tests.integration.functions.conftest import Stack
from tests.integration.functions.shapes import about
from tests.support.items import readable
from tests.support.world import START

INVOICE = "INV-20260301-0001"
ALFA_PATH = "/alfa-online-to-offline/v2/payment-code"


@pytest.fixture
def doku_makes_codes(stack):
    def make(request: Request) -> Response:
        return doku.code(request, "8889955000000021", stack.clock.now + timedelta(minutes=60))

    stack.doku.expect_request(ALFA_PATH, "POST").respond_with_handler(make)


def dynamodb():
    return wiring._client("dynamodb"), wiring.read_settings(Settings).table_name


def everything() -> list[dict[str, Any]]:
    client, name = dynamodb()
    found: list[dict[str, Any]] = client.scan(TableName=name, ConsistentRead=True)["Items"]
    return found


def all_text() -> str:
    """All that the table tells whoever reads it."""
    return json.dumps(readable(everything()))


def let_dynamodb_delete(stack: Stack) -> None:
    client, name = dynamodb()
    for item in everything():
        if "ttl" in item and int(item["ttl"]["N"]) <= stack.clock.now.timestamp():
            key = {"pk": item["pk"], "sk": item["sk"]}
            client.delete_item(TableName=name, Key=key)


def a_minute(stack: Stack, event) -> None:
    """The schedule, and whatever it queued."""
    stack.invoke("expire_codes", event("expire_codes/schedule"))
    for message in stack.take_work():
        batch = event("reconcile_codes/one_code")
        batch["Records"][0]["body"] = message["Body"]
        assert stack.invoke("reconcile_codes", batch) == {"batchItemFailures": []}


@pytest.fixture
def paid(stack, event, doku_makes_codes):
    """A paid code."""
    created = stack.call("generate_code", event("generate_code/alfa"))
    assert created.status == 201
    assert stack.call("receive_notification", event("receive_notification/alfa_paid")).status == 200
    return created.body


def test_a_number_is_never_used_twice_and_its_payment_is_known_for_good(stack, event, paid):
    stack.clock.advance(days=3700)
    for _ in range(3):
        let_dynamodb_delete(stack)
        a_minute(stack, event)
    # Neither by another request, nor by its own, which gets what is left.
    other = json.dumps(json.loads(event("generate_code/alfa")["body"]) | {"amount": 160_000})
    assert stack.call("generate_code", event("generate_code/alfa", body=other)).status == 409
    again = stack.call("generate_code", event("generate_code/alfa"))
    assert (again.status, again.body["status"]) == (200, "paid")
    for name in ("customer", "payment_code", "pay_url", "metadata", "info"):
        assert again.body[name] is None
    # Nor does the message of then pay anything.
    stack.call("receive_notification", event("receive_notification/alfa_paid"))
    read = stack.call("read_codes", event("read_codes/one")).body
    assert read["payments_count"] == len(read["payments"]) == 1
    assert read["payments"][0]["receipt_number"] == "1246"


def test_nothing_personal_is_left_in_the_table(stack, event, paid):
    stack.clock.advance(days=90)
    a_minute(stack, event)
    text = all_text()
    for personal in ("Anton", "anton@example.com", paid["pay_url"]):
        assert personal not in text
    assert "Signature" in text
    stack.clock.advance(days=3650)
    a_minute(stack, event)
    text = all_text()
    for gone in ("Signature", "HMACSHA256", "8889955000000021"):
        assert gone not in text


def test_the_old_pay_link_opens_nothing(stack, event, paid):
    page = about(event("show_code/page"), token=paid["pay_url"].rpartition("/")[2])
    assert stack.invoke("show_code", page)["statusCode"] == 200
    stack.clock.advance(days=90)
    a_minute(stack, event)
    assert stack.invoke("show_code", page)["statusCode"] == 404


def test_a_payment_that_doku_dates_in_the_past_deletes_nothing(stack, event, doku_makes_codes):
    """DOKU's date of this payment is more than the retention before the code."""
    stack.clock.advance(days=100)
    assert stack.call("generate_code", event("generate_code/alfa")).status == 201
    stack.call("receive_notification", event("receive_notification/alfa_paid"))
    let_dynamodb_delete(stack)
    a_minute(stack, event)
    read = stack.call("read_codes", event("read_codes/one"))
    assert (read.status, read.body["payments_count"]) == (200, 1)
    assert read.body["customer"] is not None


# --- What version 0.1 left in the table ---------------------------------------------------


def as_of_version_0_1(item: dict[str, Any]) -> dict[str, Any]:
    """The item as version 0.1 wrote it."""
    kind = item["pk"]["S"].partition("#")[0]
    if kind == "CODE":
        for name in ("at_rest", "due_at", "due_shard"):
            item.pop(name, None)
        item["ttl"] = {"N": str(int((START + timedelta(days=90)).timestamp()))}
    if item["sk"]["S"].startswith("PAYMENT#"):
        for name in ("code", "listing", "created_at", "paid_to", "paid_at"):
            del item[name]
    return item


@pytest.mark.parametrize(("age", "forgotten"), [(10, 0), (89, 0), (91, 1)])
def test_items_of_version_0_1_are_upgraded(stack, event, paid, age, forgotten):
    client, name = dynamodb()
    for item in everything():
        client.put_item(TableName=name, Item=as_of_version_0_1(item))
    stack.clock.advance(days=age)
    read = stack.call("read_codes", event("read_codes/one")).body
    assert (read["status"], read["payments_count"]) == ("paid", 1)
    retention = Retention(timedelta(days=90), timedelta(days=3650))
    upgrade = Upgrade(Store(client, name, retention))
    assert upgrade(stack.clock.now) == Upgraded(2, 2, forgotten, listed=1)
    assert upgrade(stack.clock.now) == Upgraded(0, 0, 0, 0)
    stack.clock.advance(days=91)
    let_dynamodb_delete(stack)
    a_minute(stack, event)
    left = stack.call("read_codes", event("read_codes/one")).body
    assert (left["status"], left["customer"], left["payments_count"]) == ("paid", None, 1)
    assert stack.call("generate_code", event("generate_code/alfa")).status == 200


def test_a_code_that_version_0_1_wrote_meanwhile_is_forgotten_all_the_same(stack, event, paid):
    """It knows no final codes, and drops the mark."""
    client, name = dynamodb()
    for item in everything():
        item.pop("at_rest", None)
        client.put_item(TableName=name, Item=item)
    stack.clock.advance(days=90)
    a_minute(stack, event)
    assert stack.doku.log[-1][0].path == ALFA_PATH
    assert stack.call("read_codes", event("read_codes/one")).body["customer"] is None
