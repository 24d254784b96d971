"""The OpenAPI document: it is the code's, it is valid, and it says all that it should."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from o2o.core.channels import Channel
from o2o.core.codes import PaymentCode, Status
from o2o.core.deliveries import EventRecord
from o2o.core.events import Event, EventType
from o2o.entry import problems
from o2o.entry.models.events import EventView, render
from tests.support.samples import NOW, make_code, make_full_code
from tools import openapi
from tools.compatibility import RELEASED
from tools.operations import OPERATIONS

DOCUMENT = json.loads(openapi.DOCUMENT.read_text("utf-8"))
OPERATIONS_OF_DOCUMENT = dict(openapi.operations(DOCUMENT))


def test_it_is_up_to_date() -> None:
    document = openapi.generate()
    for path, form in openapi.FILES.items():
        assert path.read_text("utf-8") == form(document), f"{path}: run `make openapi`"


def test_no_page_of_a_former_problem_type_is_left() -> None:
    assert openapi.left_over() == set(), "run `make openapi`"


def test_it_is_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    assert DOCUMENT["openapi"].startswith("3.1")


def test_it_has_every_route() -> None:
    assert set(OPERATIONS_OF_DOCUMENT) == set(OPERATIONS) == set(openapi.read_routes())


@pytest.mark.parametrize("route", sorted(OPERATIONS_OF_DOCUMENT))
def test_every_operation_is_described(route: str) -> None:
    operation = OPERATIONS_OF_DOCUMENT[route]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"])
    assert 5 < len(operation["summary"]) < 100
    assert operation["tags"] in [[tag["name"]] for tag in DOCUMENT["tags"]]
    # Every route can be throttled and can meet a bug, and says nothing to strangers.
    public = openapi.read_routes()[route].public
    assert operation.get("security") == ([] if public else None)
    assert {"429", "500"} <= operation["responses"].keys()
    assert ("401" in operation["responses"]) >= (not public)
    names = re.findall(r"\{(\w+)\}", route)
    told = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
    assert told == names


def test_operation_ids_are_unique() -> None:
    names = [operation["operationId"] for operation in OPERATIONS_OF_DOCUMENT.values()]
    assert len(set(names)) == len(names)


def test_every_problem_is_somebodys_and_has_a_page() -> None:
    answered = {
        slug
        for operation in OPERATIONS_OF_DOCUMENT.values()
        for response in operation["responses"].values()
        for slug in response.get("content", {}).get(problems.CONTENT_TYPE, {}).get("examples", {})
    }
    # The gateway's own word for whatever it has no better one for.
    assert answered == set(problems.BY_SLUG) - {"bad-request"}


def test_errors_are_problems() -> None:
    for route, operation in OPERATIONS_OF_DOCUMENT.items():
        for status, response in operation["responses"].items():
            # DOKU's inquiry and the customer's page have forms of their own, beside ours.
            if status[0] in "45" and "content" in response and operation["tags"] != ["DOKU"]:
                told = response["content"].keys()
                assert problems.CONTENT_TYPE in told or "text/html" in told, (route, status)


def test_what_can_be_tried_again_says_when() -> None:
    for operation in OPERATIONS_OF_DOCUMENT.values():
        for status in {"202", "429", "503"} & operation["responses"].keys():
            if (operation["operationId"], status) != ("redeliver_events", "202"):
                headers = operation["responses"][status]["headers"]
                assert headers["Retry-After"]["required"] is True


def examples() -> list[tuple[str, Any, Any]]:
    """Every example with its schema."""
    found = []
    for route, operation in OPERATIONS_OF_DOCUMENT.items():
        bodies = [("request", operation.get("requestBody", {}))]
        bodies += list(operation["responses"].items())
        for name, body in bodies:
            for media in body.get("content", {}).values():
                values = [each["value"] for each in media.get("examples", {}).values()]
                values += [media["example"]] if "example" in media else []
                found += [(f"{route} {name}", media["schema"], value) for value in values]
    return found


def test_every_example_is_one() -> None:
    # A mistake in the documents: an example of the old form, or a schema that refuses the truth.
    for name, schema, value in examples():
        told = {"components": DOCUMENT["components"], **schema}
        errors = [error.message for error in Draft202012Validator(told).iter_errors(value)]
        assert errors == [], name


@pytest.mark.parametrize(
    "model", ["PaymentCodeRequest", "PaymentCode", "PaymentCodeList", "Problem", "WebhookPayload"]
)
def test_models_have_the_names_that_readers_expect(model: str) -> None:
    assert model in DOCUMENT["components"]["schemas"]


def test_nothing_of_the_generators_is_left() -> None:
    text = json.dumps(DOCUMENT)
    assert "HTTPValidationError" not in text
    assert "Successful Response" not in text
    for operation in OPERATIONS_OF_DOCUMENT.values():
        assert "422" not in operation["responses"]
        for parameter in operation.get("parameters", ()):
            assert "null" not in json.dumps(parameter["schema"]), parameter


def test_the_reference_names_types_as_people_do() -> None:
    page = (openapi.SERVED / "reference.html").read_text("utf-8")
    kinds = set(re.findall(r'<span class="type">([^<]+)</span>', page))
    named = {each for kind in kinds for each in kind.split(" or ")}
    assert {"integer", "number", "date-time"} <= named
    assert not {"int64", "double"} & named


# --- what generators of clients make of it ------------------------------------------------------

SCHEMAS = DOCUMENT["components"]["schemas"]
TAKEN = openapi.reachable(
    SCHEMAS,
    [
        [operation.get("parameters", []), operation.get("requestBody", {})]
        for operation in OPERATIONS_OF_DOCUMENT.values()
    ],
)


def fields() -> list[tuple[str, Any]]:
    """Every field of every component, with its schema."""
    return [
        (f"{name}.{field}", schema)
        for name, component in SCHEMAS.items()
        for field, schema in component.get("properties", {}).items()
    ]


def parts(schema: Any) -> list[Any]:
    """A schema and all that is in it."""
    inner = schema.values() if isinstance(schema, dict) else schema
    below = [each for each in inner if isinstance(each, dict | list)]
    return [schema, *(part for each in below for part in parts(each))]


WORDS = {
    *("$ref", "additionalProperties", "anyOf", "description", "enum", "exclusiveMinimum", "format"),
    *("items", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "pattern"),
    *("properties", "required", "type", "x-extensible-enum"),
}
"""Of JSON Schema: a word that is none has no effect, and a bound is lost."""


def test_schemas_are_made_of_words_that_mean_something() -> None:
    for name, component in SCHEMAS.items():
        assert component.keys() <= WORDS, name
    for name, schema in fields():
        for part in parts(schema):
            assert isinstance(part, list) or part.keys() <= WORDS, name
    for route, operation in OPERATIONS_OF_DOCUMENT.items():
        for parameter in operation.get("parameters", ()):
            assert parameter["schema"].keys() <= WORDS | {"default"}, (route, parameter["name"])


def test_no_field_has_a_default() -> None:
    # TypeScript would require the field, and Go can't write an object down.
    assert [name for name, schema in fields() if "default" in schema] == []


def test_no_field_is_an_object_without_a_name() -> None:
    # It would get one that depends on the generator, and may be another component's.
    unnamed = [
        name
        for name, schema in fields()
        for part in parts(schema)
        if isinstance(part, dict) and "properties" in part
    ]
    assert unnamed == []


def test_no_name_is_what_go_calls_the_maker_of_another() -> None:
    assert {f"New{name}" for name in SCHEMAS} & SCHEMAS.keys() == set()


def test_a_field_is_of_one_type_or_null() -> None:
    # Of a choice PHP makes an empty object, and TypeScript and Go one that does not compile.
    for name, schema in fields():
        for part in parts(schema):
            if not isinstance(part, dict):
                continue
            assert not {"oneOf", "allOf"} & part.keys(), name
            if "anyOf" in part:
                kinds = [each for each in part["anyOf"] if each != {"type": "null"}]
                assert (len(kinds), len(part["anyOf"])) == (1, 2), name


def test_money_fits_into_the_numbers_of_clients() -> None:
    # Without a format it is 32 bits in Go: too few for two billion, and for a fraction.
    formats = {
        name: part.get("format")
        for name, schema in fields()
        for part in parts(schema)
        if isinstance(part, dict)
        and (part.get("type") == "number" or ("amount" in name and part.get("type") == "integer"))
    }
    assert {name for name, kind in formats.items() if kind == "double"} == {
        "Book.sum", "BookTotal.sum", "ClosedDay.sum", "EventPayment.amount", "ListedPayment.amount",
        "Payment.amount", "Refund.amount",
    }  # fmt: skip
    assert {name for name, kind in formats.items() if kind == "int64"} == {
        "ChannelOffer.max_amount", "ChannelOffer.min_amount", "EventData.amount",
        "PaymentCode.amount", "PaymentCodeRequest.amount",
    }  # fmt: skip
    assert set(formats.values()) == {"double", "int64"}


def test_answers_may_have_values_that_clients_do_not_know() -> None:
    answered = {name: schema for name, schema in SCHEMAS.items() if name not in TAKEN}
    assert "enum" not in json.dumps(answered).replace(openapi.OPEN_ENUM, "")
    status = SCHEMAS["PaymentCode"]["properties"]["status"]
    assert status["type"] == "string"
    assert status[openapi.OPEN_ENUM] == list(Status)
    assert all(f"`{value}`" in status["description"] for value in Status)
    # What is sent to us is checked.
    assert SCHEMAS["Channel"]["enum"] == list(Channel)


# --- events -------------------------------------------------------------------------------------

EVENT_OF_0_1: dict[str, Any] = {
    "id": "evt_5e2a0c8f3b714d6f9a1b2c3d4e5f6071",
    "type": "payment_code.paid",
    "timestamp": "2026-01-31T05:12:43Z",
    "sequence": 3,
    "data": {
        "invoice_number": "INV-1",
        "status": "paid",
        "payment_code": "8320980553557788",
        "channel": "alfa",
        "feature": "dgpc",
        "bin": "8",
        "unique_part": None,
        "amount": 150000,
        "reusable": False,
        "info": None,
        "receipt": {"description": None, "footer": None},
        "metadata": {"order": 17},
        "created_at": "2026-01-31T03:00:00Z",
        "expires_at": "2026-02-01T03:00:00Z",
        "paid_at": "2026-01-31T05:12:41Z",
        "late": False,
        "stops_payment": False,
        "payments_count": 1,
        "replaces": None,
        "replaced_by": None,
        "how_to_pay_page": None,
        "pay_url": None,
        "failure": None,
        "sequence": 3,
        "payment": {
            "kind": "paid",
            "amount": 150000,
            "paid_at": "2026-01-31T05:12:41Z",
            "receipt_number": "753401045003",
            "store_id": "T001",
            "first_paid": None,
        },
    },
}


@pytest.fixture
def event_schema() -> Draft202012Validator:
    schema = json.loads(openapi.EVENT_SCHEMA.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_schema_of_events_stands_for_itself(event_schema: Draft202012Validator) -> None:
    assert "#/components" not in json.dumps(event_schema.schema)
    without = {name: each for name, each in EVENT_OF_0_1.items() if name != "id"}
    assert not event_schema.is_valid(without)
    assert not event_schema.is_valid(EVENT_OF_0_1 | {"data": {"invoice_number": "INV-1"}})


def test_an_event_that_version_0_1_stored_is_sent_and_shown(
    event_schema: Draft202012Validator,
) -> None:
    assert [error.message for error in event_schema.iter_errors(EVENT_OF_0_1)] == []
    shown = json.loads(
        EventView.of(
            EventRecord(
                event_id=EVENT_OF_0_1["id"],
                storefront_id="shop",
                invoice_number="INV-1",
                type=EventType.PAID,
                created_at=NOW,
                sequence=3,
                payload=json.dumps(EVENT_OF_0_1),
                keep_until=NOW,
                due_at=None,
            )
        ).model_dump_json()
    )
    assert shown["data"] == EVENT_OF_0_1["data"]
    told = {"components": DOCUMENT["components"], **SCHEMAS["Event"]}
    assert [error.message for error in Draft202012Validator(told).iter_errors(shown)] == []


@pytest.mark.parametrize("code", [make_code(), make_full_code()], ids=["bare", "full"])
@pytest.mark.parametrize("kind", EventType)
def test_every_event_is_as_its_schema_says(
    event_schema: Draft202012Validator, kind: EventType, code: PaymentCode
) -> None:
    event = Event(EVENT_OF_0_1["id"], kind, NOW, code, code.last_payment)
    told = json.loads(render(event))
    assert [error.message for error in event_schema.iter_errors(told)] == []


@pytest.mark.parametrize("model", ["EventData", "EventPayment"])
def test_what_events_on_record_lack_is_not_required(model: str) -> None:
    released = json.loads(RELEASED.read_text("utf-8"))["components"]["schemas"][model]
    later = set(SCHEMAS[model]["required"]) - set(released["properties"])
    assert later == set(), "events of the last release lack it: add it to `_later`"


def test_a_webhook_is_what_is_sent() -> None:
    for webhook in DOCUMENT["webhooks"].values():
        headers = {each["name"] for each in webhook["post"]["parameters"]}
        assert headers == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert DOCUMENT["webhooks"].keys() == {"event", "books_closed"}
    for name in ("WebhookPayload", "BooksPayload"):
        schema = DOCUMENT["components"]["schemas"][name]
        assert {"id", "type", "timestamp", "sequence", "data"} <= set(schema["properties"])
    # Who pays is nobody's business on the way.
    assert "customer" not in DOCUMENT["components"]["schemas"]["EventData"]["properties"]
