"""The OpenAPI document: it is the code's, it is valid, and it says all that it should."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from o2o.entry import problems
from tools import openapi
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
    "model", ["NewPaymentCode", "PaymentCode", "PaymentCodeList", "Problem", "WebhookPayload"]
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


def test_a_webhook_is_what_is_sent() -> None:
    (webhook,) = DOCUMENT["webhooks"].values()
    headers = {each["name"] for each in webhook["post"]["parameters"]}
    assert headers == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    schema = DOCUMENT["components"]["schemas"]["WebhookPayload"]
    assert {"id", "type", "timestamp", "sequence", "data"} <= set(schema["properties"])
    # Who pays is nobody's business on the way.
    assert "customer" not in DOCUMENT["components"]["schemas"]["EventData"]["properties"]
