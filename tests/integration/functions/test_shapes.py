"""Every route in every form of event that API Gateway makes."""

from datetime import timedelta

import pytest
from samtranslator.yaml_helper import yaml_parse

from o2o.core.storefronts import Storefront
from o2o.entry import wiring
from o2o.entry.settings import ShowSettings
from tests.integration.functions import doku, routes
from tests.integration.functions.shapes import SHAPES, Event, about, same
from tests.support.world import START
from tests.template.model import TEMPLATE

DIGITS = "8123456789012345"
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
    lost = stack.invoke(function, plain | {"resource": "/nowhere", "path": "/nowhere"})
    assert wanted != same(lost, plain)
    answers = {}
    for name, shape in SHAPES.items():
        shaped = shape(plain)
        answers[name] = same(stack.invoke(function, shaped), shaped)
    assert answers == dict.fromkeys(SHAPES, wanted)
