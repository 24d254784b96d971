"""What stands behind the question mark: strict for storefronts, generous for everybody else."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.functions import doku, routes
from tests.integration.functions.shapes import about
from tests.support.world import START

ALFA_PATH = "/alfa-online-to-offline/v2/payment-code"
INVOICE = "INV-20260301-0001"


def asking(request: dict[str, Any], *pairs: tuple[str, str]) -> dict[str, Any]:
    """An event with this query, as API Gateway hands it over."""
    multi: dict[str, list[str]] = {}
    for name, value in pairs:
        multi.setdefault(name, []).append(value)
    return request | {
        "queryStringParameters": {name: values[-1] for name, values in multi.items()},
        "multiValueQueryStringParameters": multi,
    }


def named(answer: Any) -> list[str]:
    return [param["name"] for param in answer.body["invalid_params"]]


@pytest.fixture
def codes(stack, event):
    """Three codes: two for Alfa, of which one is cancelled, and one for Indomaret."""
    for path in (ALFA_PATH, "/indomaret-online-to-offline/v2/payment-code"):
        stack.doku.expect_request(path, "POST").respond_with_handler(
            lambda request: doku.code(
                request,
                f"88899{len(stack.doku.log):011}",
                START + timedelta(minutes=60),
            )
        )
    for number, channel in enumerate(("alfa", "alfa", "indomaret"), 1):
        order = json.loads(event(f"generate_code/{channel}")["body"])
        body = json.dumps(order | {"invoice_number": f"INV-{number}"})
        assert stack.call("generate_code", event("generate_code/alfa", body=body)).status == 201
        stack.clock.advance(seconds=1)
    request = about(event("cancel_code/cancel"), invoice_number="INV-2")
    assert stack.call("cancel_code", request).status == 200


@pytest.mark.parametrize(("function", "case"), routes.STOREFRONTS)
def test_an_unknown_parameter_is_refused_by_name(stack, event, function, case):
    query = [("invoce_number", "INV-1"), ("fbclid", "secret@example.com")]
    answer = stack.call(function, asking(event(f"{function}/{case}"), *query))
    assert answer.status == 400
    assert answer.body["type"] == "/problems/invalid-request"
    assert named(answer) == ["fbclid", "invoce_number"]
    assert "secret" not in answer.raw
    assert stack.doku.log == []


@pytest.mark.parametrize(("function", "case"), routes.CUSTOMERS + routes.DOKUS + routes.ANYBODYS)
def test_what_others_open_takes_any_parameter(stack, event, function, case):
    request = event(f"{function}/{case}")
    plain = stack.invoke(function, request)
    query = [("fbclid", "IwAR0"), ("utm_source", "a"), ("utm_source", "b"), ("", "x")]
    assert stack.invoke(function, asking(request, *query))["statusCode"] == plain["statusCode"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ([("invoice_number", "INV-1")], ["INV-1"]),
        ([("invoice_number", "INV-1"), ("channel", "alfa")], ["INV-1"]),
        ([("invoice_number", "INV-1"), ("channel", "indomaret")], []),
        ([("invoice_number", "INV-1"), ("status", "cancelled")], []),
        ([("invoice_number", "INV-2"), ("status", "cancelled")], ["INV-2"]),
        ([("invoice_number", "INV-1"), ("created_from", "2026-03-01T03:00:01Z")], []),
        ([("invoice_number", "INV-2"), ("created_to", "2026-03-01T03:00:00Z")], []),
        ([("invoice_number", "NOPE")], []),
        ([("channel", "alfa")], ["INV-2", "INV-1"]),
        ([("channel", "indomaret")], ["INV-3"]),
        ([("channel", "alfa"), ("status", "active")], ["INV-1"]),
        ([("created_from", "2026-03-01T10:00:01+07:00")], ["INV-3", "INV-2"]),
        # A plus sign that nobody encoded arrives as a space.
        ([("created_from", "2026-03-01T10:00:01 07:00")], ["INV-3", "INV-2"]),
        ([("created_from", "2026-03-01T03:00:00.9999999Z")], ["INV-3", "INV-2"]),
        ([], ["INV-3", "INV-2", "INV-1"]),
    ],
)
def test_filters_find_what_they_name_and_nothing_else(stack, event, codes, query, found):
    answer = stack.call("read_codes", asking(event("read_codes/list"), *query))
    assert answer.status == 200
    assert [code["invoice_number"] for code in answer.body["items"]] == found
    assert answer.body["next_cursor"] is None


def test_another_storefront_s_number_finds_nothing(stack, event, codes):
    request = asking(event("read_codes/list"), ("invoice_number", "INV-1"))
    request["requestContext"]["authorizer"] = {"storefront_id": "other"}
    assert stack.call("read_codes", request).body == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ([("invoice_number", "")], "invoice_number"),
        ([("invoice_number", "INV/1")], "invoice_number"),
        ([("invoice_number", "INV-1\n")], "invoice_number"),
        ([("invoice_number", "INV-1"), ("invoice_number", "INV-2")], "invoice_number"),
        ([("channel", "")], "channel"),
        ([("channel", "lawson")], "channel"),
        ([("channel", "alfa"), ("channel", "indomaret")], "channel"),
        ([("status", "active,paid")], "status"),
        ([("state", "")], "state"),
        ([("Status", "paid")], "Status"),
        ([("invoice_number", "INV-1"), ("cursor", "WyIi")], "cursor"),
        ([("", "x")], "query"),
    ],
)
def test_a_filter_that_can_t_be_meant_is_named(stack, event, codes, query, name):
    answer = stack.call("read_codes", asking(event("read_codes/list"), *query))
    assert answer.status == 400
    assert named(answer) == [name]
