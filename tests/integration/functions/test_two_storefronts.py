"""Two storefronts on one stack: the keys of both, the authorizer, and every route between them."""

import json
import os
from datetime import timedelta
from typing import Any

import pytest
from werkzeug import Request, Response

from o2o.adapters.system import SystemEntropy
from o2o.core.channels import Channel
from o2o.entry import wiring
from o2o.entry.settings import Settings
from o2o.usecases.manage_storefronts import ManageStorefronts
from tests.integration.functions import doku
from tests.integration.functions.conftest import Answer
from tests.support.world import START

ALFA_PATH = "/alfa-online-to-offline/v2/payment-code"
INVOICE = "INV-20260301-0001"


@pytest.fixture
def callers(stack, event) -> dict[str, dict[str, str]]:
    """What API Gateway tells the functions of each caller, by the authorizer's own answer."""
    desk = ManageStorefronts(
        storefronts=wiring._storefronts(wiring.read_settings(Settings)),
        clock=stack.clock,
        entropy=SystemEntropy(),
    )
    found = {}
    for name in ("first", "second"):
        desk.add(name, name)
        request = event("authorize_storefront/unknown_key")
        request["headers"]["Authorization"] = f"Bearer {desk.issue_key(name).api_key}"
        found[name] = stack.invoke("authorize_storefront", request)["context"]
    assert found["first"].keys() == {"storefront_id", "key_id", "rate_limit"}
    assert found["second"].keys() == {"storefront_id", "key_id", "namespace", "rate_limit"}
    return found


@pytest.fixture
def call(stack, event, callers):
    """Calls a function as one of the two."""

    def as_one(who: str, function: str, case: str, **changes: Any) -> Answer:
        request = event(f"{function}/{case}")
        request["requestContext"]["authorizer"] = callers[who]
        body = changes.pop("body", None)
        if body is not None:
            request["body"] = json.dumps(json.loads(request["body"]) | body)
        answer: Answer = stack.call(function, request | changes)
        return answer

    return as_one


@pytest.fixture
def sent(stack) -> list[str]:
    """The invoice numbers that DOKU got."""
    numbers: list[str] = []

    def make(request: Request) -> Response:
        numbers.append(json.loads(request.data)["order"]["invoice_number"])
        digits = f"88899550000000{20 + len(numbers)}"
        return doku.code(request, digits, START + timedelta(minutes=60))

    stack.doku.expect_request(ALFA_PATH, "POST").respond_with_handler(make)
    return numbers


def test_both_count_the_same_numbers_and_doku_gets_two(call, callers, sent, stack, event):
    answers = [call(who, "generate_code", "alfa") for who in ("first", "second")]
    assert [each.status for each in answers] == [201, 201]
    assert {each.body["invoice_number"] for each in answers} == {INVOICE}
    assert {each.headers["Location"] for each in answers} == {f"/v1/payment-codes/{INVOICE}"}
    assert sent == [INVOICE, f"{callers['second']['namespace']}._{INVOICE}"]
    # DOKU pays the first one's order, and a page is its own code's.
    assert stack.call("receive_notification", event("receive_notification/alfa_paid")).status == 200
    read = {who: call(who, "read_codes", "one").body for who in callers}
    assert [read[who]["status"] for who in callers] == ["paid", "active"]
    assert read["first"]["pay_url"] != read["second"]["pay_url"]
    assert read["second"]["payment_code"] == answers[1].body["payment_code"]


@pytest.mark.parametrize(
    ("function", "case"),
    [
        ("read_codes", "one"),
        ("cancel_code", "cancel"),
        ("refresh_code", "refresh"),
        ("explain_payment", "how_to_pay"),
    ],
)
def test_each_route_finds_the_caller_s_own(call, event, sent, function, case):
    call("first", "generate_code", "alfa")
    assert call("second", function, case).status == 404
    mine = call("second", "generate_code", "alfa", body={"amount": 77_000})
    assert mine.status == 201
    parameters = {"invoice_number": sent[-1]}
    assert call("first", function, case, pathParameters=parameters).status == 404
    answer = call("second", function, case)
    if function == "refresh_code":
        assert answer.status == 503  # This DOKU answers no status checks; it was asked about ours.
        return
    assert answer.status == 200
    assert answer.body["invoice_number"] == INVOICE
    assert answer.body.get("amount", 77_000) == 77_000


def test_nothing_tells_what_the_other_one_has(call, sent):
    """Squatting and enumeration: the same answers, whether the other one has the number or not."""
    call("second", "generate_code", "alfa")
    taken, free = sent[-1], sent[-1].replace("0001", "9999")
    for number in (taken, free):
        answer = call("first", "generate_code", "alfa", body={"invoice_number": number})
        assert answer.status == 400
        assert [each["name"] for each in answer.body["invalid_params"]] == ["invoice_number"]
    assert call("first", "generate_code", "alfa").status == 201
    later = call("first", "generate_code", "alfa", body={"invoice_number": "INV-2"})
    assert later.status == 201
    again = call("second", "generate_code", "alfa", body={"invoice_number": "INV-2"})
    assert again.status == 201
    too_long = call("second", "generate_code", "alfa", body={"invoice_number": "9" * 59})
    assert too_long.body["invalid_params"] == [
        {"name": "invoice_number", "reason": "must have at most 58 characters"}
    ]


def test_another_one_s_customer_number_can_t_be_taken_over(call, stack, event, callers):
    """The first one's BIN is not the second one's, nor are its digits when they share it."""
    mine = call("first", "generate_code", "dipc")
    assert mine.status == 201
    assert call("first", "cancel_code", "cancel").body["stops_payment"] is True
    body = {"invoice_number": "INV-9"}
    theirs = call("second", "generate_code", "dipc", body=body)
    assert theirs.status == 400
    assert [each["name"] for each in theirs.body["invalid_params"]] == ["feature"]
    offers = {
        who: {
            entry["bin"]
            for offer in call(who, "read_codes", "channels").body["items"]
            for entry in offer["bins"]
        }
        for who in callers
    }
    assert offers == {"first": {"8", "889955", "88899"}, "second": {"8"}}


def test_a_shared_bin_keeps_the_digits_of_each_until_they_are_released(
    call, stack, event, monkeypatch
):
    bins = json.loads(os.environ["BINS"])
    bins[1]["storefronts"] = ["first", "second"]
    monkeypatch.setenv("BINS", json.dumps(bins))
    mine = call("first", "generate_code", "dipc")
    call("first", "cancel_code", "cancel")
    theirs = call("second", "generate_code", "dipc", body={"invoice_number": "INV-9"})
    assert (theirs.status, theirs.body["type"]) == (409, "/problems/digits-taken")
    wiring.release_digits()(Channel.ALFA, mine.body["payment_code"])
    theirs = call("second", "generate_code", "dipc", body={"invoice_number": "INV-9"})
    assert (theirs.status, theirs.body["payment_code"]) == (201, mine.body["payment_code"])
    back = call("first", "generate_code", "dipc", body={"invoice_number": "INV-10"})
    assert back.status == 409
