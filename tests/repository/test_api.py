"""docs/api.md: every field, route, parameter and problem is in it.

That its examples are true is tested in tests/system/test_documents.py.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from samtranslator.yaml_helper import yaml_parse

from o2o.core.channels import Channel, Feature
from o2o.core.codes import PaymentKind, Source, Status
from o2o.core.inquiries import InquiryStatus
from o2o.entry import problems
from o2o.entry.models.codes import ChannelOffer, HowToPayView, PaymentCodeView
from o2o.entry.models.payments import NewResolution
from o2o.entry.models.requests import MAX_METADATA_BYTES, NewPaymentCode
from o2o.usecases.record_message import NotificationOutcome
from tests.support.documents import ROOT, read, rows, section

TEXT = read("docs/api.md")

RESOLVE = "POST /payment-codes/{invoice_number}/payments/{payment}/resolution"

DOCUMENTED: list[tuple[type[BaseModel], str]] = [
    (NewPaymentCode, "## `POST /payment-codes`"),
    (PaymentCodeView, "## The payment code"),
    (HowToPayView, "## `GET /payment-codes/{invoice_number}/how-to-pay`"),
    (ChannelOffer, "## `GET /channels`"),
    (NewResolution, f"## `{RESOLVE}`"),
]


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """A model's fields by their dotted names, inner ones included, with their limits."""
    schema = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        yield prefix + name, schema[name]
        annotations = (field.annotation, *get_args(field.annotation))
        for inner in annotations:
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from fields(inner, f"{prefix}{name}.")


def limits(schema: dict[str, Any]) -> set[str]:
    """The numbers that a schema sets for a value, as text."""
    parts = [schema, *schema.get("anyOf", [])]
    names = ("minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum")
    return {str(part[name]) for part in parts for name in names if name in part}


@pytest.mark.parametrize(
    ("model", "heading"), DOCUMENTED, ids=lambda value: getattr(value, "__name__", "")
)
def test_every_field_is_described(model, heading):
    described = set(rows(section(TEXT, heading)))
    existing = {name for name, _ in fields(model)}
    assert existing - described == set(), f"not in docs/api.md, {heading}"
    assert described - existing == set(), f"in docs/api.md, {heading}, and nowhere else"


def test_every_limit_of_a_request_is_told():
    told: dict[str, str] = {}
    for model, heading in ((NewResolution, f"## `{RESOLVE}`"), DOCUMENTED[0]):
        told = rows(section(TEXT, heading))
        for name, schema in fields(model):
            row = told.get(name, "")
            # A text that is there is not empty.
            asked = limits(schema) - ({"1"} if model is NewResolution else set())
            missing = {limit for limit in asked if not re.search(rf"\b{limit}\b", row)}
            assert missing == set(), name
    assert f"{MAX_METADATA_BYTES} bytes" in told["metadata"]


@pytest.mark.parametrize("heading", ["## `POST /payment-codes`", "## The payment code"])
def test_every_value_of_an_enumeration_is_told(heading):
    told = rows(section(TEXT, heading))
    values = {
        "channel": Channel,
        "feature": Feature,
        "status": Status,
        "payments.kind": PaymentKind,
        "payments.source": Source,
    }
    for name, enumeration in values.items():
        for value in enumeration if name in told else ():
            assert f"`{value}`" in told[name], name


def test_every_route_is_described():
    template = yaml_parse(read("template.yaml"))
    routes = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}"
        for resource in template["Resources"].values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "Api"
    }
    described = set(re.findall(r"^(?:##+|\|) `([A-Z]+ /[^`]*)`(?: \|.*)?$", TEXT, re.MULTILINE))
    assert routes == described


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("list_payment_codes", "## `GET /payment-codes`"),
        ("list_payments", "## `GET /payment-codes/{invoice_number}/payments`"),
        ("list_all_payments", "## `GET /payments`"),
    ],
)
def test_every_parameter_of_a_list_is_described(name, heading):
    document = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    operations = [each for item in document["paths"].values() for each in item.values()]
    (operation,) = [each for each in operations if each["operationId"] == name]
    in_the_query = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    assert set(rows(section(TEXT, heading))) == in_the_query


def test_every_problem_is_described():
    described = {
        name: cells.partition("|")[0].strip()
        for name, cells in rows(section(TEXT, "## Problems")).items()
    }
    known = {kind.uri: str(kind.status) for kind in problems.BY_SLUG.values()}
    # The gateway's own, with whatever status it found.
    known["/problems/bad-request"] = "4xx"
    assert described == known
    assert set(re.findall(r'"type":"(/problems/[^"]+)"', read("template.yaml"))) <= set(known)


def test_everything_that_becomes_of_a_notification_is_described():
    assert set(rows(section(TEXT, "### `POST /doku/notifications`"))) == set(NotificationOutcome)


def test_everything_that_an_inquiry_is_answered_is_described():
    described = rows(section(TEXT, "### `POST /doku/inquiries`"))
    assert {status: cells[:3] for status, cells in described.items()} == {
        status: str(status.http_status) for status in InquiryStatus
    }
