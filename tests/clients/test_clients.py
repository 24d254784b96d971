"""Generated clients read what the API sends: every amount, and what a later version may add.

The clients are those of docs/clients.md. What a client read is compared with the JSON that it got.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.clients import making
from tests.clients.making import COMMANDS, KINDS, SHOPS, Client, Shop
from tests.support.local_stack import LocalStack
from tests.support.machine import lack
from tests.support.patience import until

Json = Any
OpenShop = Callable[[str, str], Shop]


shops = pytest.mark.parametrize("kind", SHOPS)


# --- what is generated ----------------------------------------------------------------------------

COMPLAINTS = {
    "OpenAPI 3.1 support is still in beta": "true of openapi-generator 7",
    "(reserved word) cannot be used": "Go: the generator says which other name it takes",
    "Date (model name matches existing language type)": (
        "TypeScript: of a day in a path, for which it takes its own Date all the same"
    ),
    "Skipping generation of Webhooks": "as it was told to",
    "supplied by user": "it leaves out what it was told to",
}
"""What a generator may say, and why."""


def test_each_client_has_its_command() -> None:
    assert set(COMMANDS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_generator_has_nothing_to_complain_of(kind: str, client: Client) -> None:
    complaints = [
        line
        for line in client.printed.splitlines()
        if re.search(r"warn|error|unable|skip", line, re.IGNORECASE)
        and not any(known in line for known in COMPLAINTS)
    ]
    assert complaints == []


UNTYPED = {
    "python": ("o2o_client/models/*.py", r"^    (\w+): .*\b(?:Any|object)\b"),
    "pydantic": ("o2o_models.py", r"^    (\w+): .*\b(?:Any|object)\b"),
    "typescript": ("schema.d.ts", r"^ +(\w+)\??: (?:unknown|any|object|Record)\b"),
    "typescript-fetch": ("client/models/*.ts", r"^    (\w+)\??: .*\b(?:any|object|unknown)\b"),
    "php": ("client/lib/Model/*.php", r"^        '(\w+)' => '.*\b(?:mixed|object)\b"),
    "go": ("o2o/model_*.go", r"^\t(\w+) .*\binterface\{\}.*`json"),
}
"""Where a client's models are, and how a field without a type looks there."""


@pytest.mark.parametrize("kind", UNTYPED)
def test_only_what_is_the_shops_own_has_no_type(kind: str, client: Client) -> None:
    files, untyped = UNTYPED[kind]
    found = {name.lower() for name in re.findall(untyped, client.generated(files), re.MULTILINE)}
    # `metadata` is any JSON; the others are where clients keep what they do not know.
    assert found - {"metadata", "additional_properties", "additionalproperties"} == set()


# --- what the client reads ------------------------------------------------------------------------


def instant(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).timestamp())


def of_refund(refund: Json) -> Json:
    return None if refund is None else {"amount": refund["amount"]}


def of_payment(payment: Json) -> Json:
    """What the programs print of a payment; an event of version 0.1 has less of it."""
    return {
        "kind": payment["kind"],
        "amount": payment["amount"],
        "currency": payment.get("currency"),
        "paid_at": instant(payment["paid_at"]),
        "recorded_at": instant(payment.get("recorded_at")),
        "source": payment.get("source"),
        "agent_id": payment.get("agent_id"),
        "receipt_number": payment["receipt_number"],
    }


def of_code(code: Json) -> Json:
    return {
        "invoice_number": code["invoice_number"],
        "status": code["status"],
        "amount": code["amount"],
        "customer": code["customer"]["name"] if code["customer"] else None,
        "paid_at": instant(code["paid_at"]),
        "refund": of_refund(code["refund"]),
        "payments": [of_payment(each) for each in code["payments"]],
        "payments_complete": code["payments_complete"],
        "sequence": code["sequence"],
    }


def of_event(event: Json) -> Json:
    data = event["data"]
    return {
        "id": event["id"],
        "type": event["type"],
        "timestamp": instant(event["timestamp"]),
        "delivery": event["delivery"]["status"],
        "status": data["status"],
        "amount": data["amount"],
        "refund": of_refund(data.get("refund")),
        "payment": of_payment(data["payment"]) if data["payment"] else None,
    }


def compare(stack: LocalStack, path: str, form: Callable[[Json], Json], told: Any) -> Json:
    """What a client reads is what is sent, at an instant at which that stands still."""

    def look() -> Json:
        before = stack.call("GET", path)
        read = told()
        after = stack.call("GET", path)
        assert before.status_code == after.status_code == 200, before.text
        if before.text != after.text:
            return None
        assert read == form(before.json())
        return before.json()

    return until(look)


def notify(stack: LocalStack, invoice_number: str, **changes: Any) -> None:
    """Send DOKU's notification of a payment with other facts."""
    code = stack.get(invoice_number)
    stack.doku(
        "POST",
        "/notify",
        {
            "channel": "alfa",
            "document": {
                "service": {"id": "ONLINE_TO_OFFLINE"},
                "acquirer": {"id": "ALFA"},
                "channel": {"id": "ONLINE_TO_OFFLINE_ALFA"},
                "transaction": {"status": "SUCCESS", "date": code["created_at"]},
                "order": {"invoice_number": invoice_number, "amount": code["amount"]},
                "online_to_offline_info": {"payment_code": code["payment_code"]},
                "online_to_offline_payment": {
                    "identifier": [
                        {"name": "AGENT_ID", "value": "ALFAMART"},
                        {"name": "AGENT_STORE_ID", "value": "T001"},
                        {"name": "AGENT_TRX_ID", "value": f"R-{invoice_number}"},
                    ]
                },
            }
            | changes,
        },
    )


@shops
def test_a_shop_sells(kind: str, open_shop: OpenShop, stack: LocalStack) -> None:
    shop = open_shop(stack.about["api_url"], stack.about["api_key"])
    whole, less, fraction = (f"{kind}-{name}" for name in ("whole", "less", "fraction"))
    created = shop("create", invoice_number=whole, amount=25_000)
    assert created == of_code(stack.get(whole))
    assert (created["status"], created["amount"]) == ("active", 25_000)
    assert shop("create", invoice_number=whole, amount=25_000)["invoice_number"] == whole
    for number in (less, fraction):
        shop("create", invoice_number=number, amount=100_000)
    stack.pay(stack.get(whole))
    stack.pay(stack.get(less), amount=40_000)
    notify(stack, fraction, order={"invoice_number": fraction, "amount": 99_999.5})
    until(lambda: all(stack.get(each)["payments"] for each in (whole, less, fraction)))
    notify(
        stack,
        whole,
        transaction={"status": "REFUNDED"},
        order={"invoice_number": whole, "amount": 25_000},
    )
    until(lambda: stack.get(whole)["refund"])

    paid = {}
    for number in (whole, less, fraction):
        path = f"/payment-codes/{number}"
        read = compare(stack, path, of_code, lambda each=number: shop("read", invoice_number=each))
        paid[number] = [payment["amount"] for payment in read["payments"]]
        compare(
            stack,
            f"{path}/payments",
            lambda page: [of_payment(each) for each in page["items"]],
            lambda each=number: shop("payments", invoice_number=each),
        )
    assert paid == {whole: [25_000], less: [40_000], fraction: [99_999.5]}
    compare(
        stack,
        "/payment-codes?limit=100",
        lambda page: [of_code(each) for each in page["items"]],
        lambda: shop("codes"),
    )
    compare(
        stack,
        "/channels",
        lambda page: [
            [each["channel"], each["min_amount"], each["max_amount"], each["features"]]
            for each in page["items"]
        ],
        lambda: shop("channels"),
    )
    assert shop("read", invoice_number="INV-0") == {"problem": "/problems/not-found", "status": 404}


@shops
def test_a_shop_reads_its_events(kind: str, open_shop: OpenShop, stack: LocalStack) -> None:
    shop = open_shop(stack.about["api_url"], stack.about["api_key"])
    number = f"{kind}-event"
    shop("create", invoice_number=number, amount=100_000)
    notify(stack, number, order={"invoice_number": number, "amount": 99_999.5})
    mismatch = f"/events?invoice_number={number}&type=payment_code.amount_mismatch"
    event = until(lambda: stack.call("GET", mismatch).json()["items"])[0]
    assert event["data"]["payment"]["amount"] == 99_999.5
    compare(
        stack,
        "/events?limit=100",
        lambda page: [of_event(each) for each in page["items"]],
        lambda: shop("events"),
    )
    assert shop("redeliver", event_id=event["id"]) == 1
    path = f"/events/{event['id']}"
    compare(stack, path, of_event, lambda: shop("event", event_id=event["id"]))


# --- what a later version, and an earlier one, may send -------------------------------------------

SCHEMAS = json.loads(making.DOCUMENT.read_text("utf-8"))["components"]["schemas"]


def example_of(schema: Json) -> Json:  # noqa: C901, PLR0911 - one for each type
    """An answer of a later version: of this schema, with more fields, other values, large sums."""
    if "$ref" in schema:
        return example_of(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0])
    match schema:
        case {"type": "object", "properties": fields}:
            return {name: example_of(each) for name, each in fields.items()} | {
                "added_later": {"anything": [1, None, "text"]}
            }
        case {"type": "object"}:
            return {"order": 17}
        case {"type": "array", "items": items}:
            return [example_of(items)]
        case {"type": "integer", "format": "int64"}:
            return 999_999_999_999
        case {"type": "integer"}:
            return 7
        case {"type": "number"}:
            return 999_999_999_999.75
        case {"type": "boolean"}:
            return True
        case {"format": "date-time"}:
            return "2026-01-31T05:12:41.972164Z"
        case {"pattern": _}:
            return "evt_5e2a0c8f3b714d6f9a1b2c3d4e5f6071"
    assert schema["type"] == "string"
    return "not known yet"


def serve(httpserver: HTTPServer, path: str, answer: Json) -> Json:
    httpserver.expect_request(path).respond_with_json(answer)
    return answer


@shops
def test_a_shop_reads_a_later_version(
    kind: str, open_shop: OpenShop, httpserver: HTTPServer
) -> None:
    shop = open_shop(httpserver.url_for("/v9"), "key")
    code = serve(httpserver, "/v9/payment-codes/INV-1", example_of(SCHEMAS["PaymentCode"]))
    event = serve(httpserver, "/v9/events", example_of(SCHEMAS["EventList"]))
    channels = serve(httpserver, "/v9/channels", example_of(SCHEMAS["ChannelList"]))
    assert shop("read", invoice_number="INV-1") == of_code(code)
    assert (code["status"], code["amount"]) == ("not known yet", 999_999_999_999)
    assert shop("events") == [of_event(each) for each in event["items"]]
    assert shop("channels")[0][1:3] == [channels["items"][0]["min_amount"]] * 2


@shops
def test_a_shop_reads_an_event_of_an_earlier_version(
    kind: str, open_shop: OpenShop, httpserver: HTTPServer
) -> None:
    shop = open_shop(httpserver.url_for("/v1"), "key")
    events = example_of(SCHEMAS["EventList"])
    (event,) = events["items"]
    data = event["data"]
    data["payment"] = {name: data["payment"][name] for name in SCHEMAS["EventPayment"]["required"]}
    event["data"] = {name: data[name] for name in SCHEMAS["EventData"]["required"]}
    serve(httpserver, "/v1/events", events)
    assert shop("events") == [of_event(event)]


@pytest.mark.parametrize("kind", ["pydantic"])
def test_models_alone_read_a_webhook(kind: str, client: Client, stack: LocalStack) -> None:
    number = "pydantic-1"
    stack.create(invoice_number=number)
    notify(stack, number, order={"invoice_number": number, "amount": 24_999.5})
    mismatch = f"/events?invoice_number={number}&type=payment_code.amount_mismatch"
    event = until(lambda: stack.call("GET", mismatch).json()["items"])[0]
    body = {name: event[name] for name in ("id", "type", "timestamp", "sequence", "data")}
    (client.folder / "body.json").write_text(json.dumps(body))
    (client.folder / "later.json").write_text(json.dumps(example_of(SCHEMAS["WebhookPayload"])))
    program = (
        "from pathlib import Path; from o2o_models import WebhookPayload;"
        "[print(each.data.amount, each.data.payment.amount) for each in"
        " (WebhookPayload.model_validate_json(Path(name).read_text())"
        " for name in ('body.json', 'later.json'))]"
    )
    printed = client.run("python", "-c", program)
    assert printed.split() == ["25000", "24999.5", "999999999999", "999999999999.75"]


def test_the_linter_has_nothing_to_complain_of() -> None:
    if not (making.MODULES / ".bin" / "redocly").exists():
        lack("npm packages", "install npm, then run make again")
    making.run(making.HERE, "redocly", "lint", "--config", "redocly.yaml", making.DOCUMENT)
