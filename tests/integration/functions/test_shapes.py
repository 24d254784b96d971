"""Every route in every form of event that API Gateway makes."""

import json
from datetime import timedelta

import pytest
from samtranslator.yaml_helper import yaml_parse

from o2o.core.storefronts import Storefront
from o2o.entry import wiring
from o2o.entry.settings.codes import ShowSettings
from tests.integration.functions import doku, routes
from tests.integration.functions.shapes import SHAPES, Event, about, same
from tests.support.world import START
from tests.template.model import TEMPLATE

DIGITS = "8889955000000021"  # as in the events
ROUTES = (*routes.STOREFRONTS, *routes.CUSTOMERS, *routes.DOKUS, *routes.ANYBODYS)


@pytest.fixture
def shop(stack, event):
    """A storefront with a code, and a DOKU that falls silent after that."""
    wiring._storefronts(wiring.read_settings(ShowSettings)).add_storefront(
        Storefront("shop", "Toko Sejahtera", START)
    )
    stack.doku.expect_request(
        "/alfa-online-to-offline/v2/payment-code", "POST"
    ).respond_with_handler(lambda request: doku.code(request, DIGITS, START + timedelta(hours=1)))
    stack.doku.expect_request("/").respond_with_data("", 503)
    return stack.call("generate_code", event("generate_code/alfa")).body


@pytest.fixture
def ask(shop, event):
    """The event of a route, which finds what it asks for."""

    def load(function: str, case: str) -> Event:
        loaded: Event = event(f"{function}/{case}")
        if function == "show_code":
            token = shop["pay_url"].rpartition("/")[2]
            loaded = about(loaded, token=token)
        return loaded

    return load


def test_the_events_are_of_every_route(event):
    declared = {
        (entry["Properties"]["Path"], entry["Properties"]["Method"].upper())
        for resource in yaml_parse(TEMPLATE.read_text("utf-8"))["Resources"].values()
        for entry in resource.get("Properties", {}).get("Events", {}).values()
        if entry["Type"] == "Api"
    }
    driven = {
        (loaded["resource"], loaded["httpMethod"])
        for loaded in (event(f"{function}/{case}") for function, case in ROUTES)
    }
    assert driven == declared


@pytest.mark.parametrize(("function", "case"), ROUTES)
def test_an_event_is_answered_alike_in_every_shape(stack, ask, function, case):
    plain = ask(function, case)
    stack.invoke(function, plain)
    wanted = same(stack.invoke(function, plain), plain)
    context = plain["requestContext"] | {"path": "/nowhere"}  # for which DOKU has not signed
    elsewhere = {"resource": "/nowhere", "path": "/nowhere", "requestContext": context}
    assert wanted != same(stack.invoke(function, plain | elsewhere), plain)
    answers = {}
    for name, shape in SHAPES.items():
        shaped = shape(plain)
        answers[name] = same(stack.invoke(function, shaped), shaped)
    assert answers == dict.fromkeys(SHAPES, wanted)


def test_the_events_behind_a_base_path_are_answered(stack, shop, event):
    """As they lie in `events/`: with slashes, percent-encoding, base64 and stage variables."""
    again = stack.call("generate_code", event("generate_code/base_path"))
    assert (again.status, again.body["pay_url"]) == (200, shop["pay_url"])
    assert again.headers["Location"] == f"/o2o/payment-codes/{shop['invoice_number']}"
    body = json.dumps(json.loads(event("generate_code/alfa")["body"]) | {"invoice_number": "INV-2"})
    new = stack.call("generate_code", event("generate_code/base_path", body=body))
    assert new.body["pay_url"].startswith("https://pay.example.com/o2o/pay/")
    assert stack.call("read_codes", event("read_codes/base_path")).body["status"] == "active"
    page = event("show_code/base_path")
    page["pathParameters"] = {"token": shop["pay_url"].rpartition("/")[2]}
    assert stack.invoke("show_code", page)["statusCode"] == 200
    asked = stack.call("answer_inquiry", event("answer_inquiry/base_path"))
    assert asked.status == 404  # a signature that does not hold is answered 401
    paid = stack.call("receive_notification", event("receive_notification/base_path"))
    assert (paid.status, paid.body) == (200, {"received": "settled"})
    assert stack.call("read_codes", event("read_codes/base_path")).body["status"] == "paid"


@pytest.mark.parametrize("function", ["receive_notification", "answer_inquiry"])
@pytest.mark.parametrize("path", ["/doku/{}", "/v1/doku/{}", "/o2o/doku/{}/", "/O2O/doku/{}"])
def test_a_message_for_another_path_is_refused(stack, event, logs, function, path):
    """The path is signed: a proxy in front that changes it is told by the log."""
    message = event(f"{function}/base_path")
    called = path.format(message["resource"].rpartition("/")[2])
    message["requestContext"]["path"] = called
    assert stack.call(function, message).status == 401
    assert f"Signature does not hold for {called}" in logs.getvalue()
