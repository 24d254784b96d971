"""The calls that only a chain of codes brings, made with the permissions of the template."""

import json
from collections.abc import Mapping
from datetime import timedelta

import pytest

from local.permissions import LEADING_KEYS, Request
from o2o.entry import wiring
from tests.integration.functions import doku
from tests.support.world import START
from tests.template.permissions import NotAllowed, Roles

FORMER = "INV-FORMER"


@pytest.fixture
def replaced(stack, event):
    for channel, digits in (("alfa", "8889955000000021"), ("indomaret", "8889900000000017")):
        stack.doku.expect_request(
            f"/{channel}-online-to-offline/v2/payment-code", "POST"
        ).respond_with_handler(
            lambda request, digits=digits: doku.code(request, digits, START + timedelta(minutes=60))
        )
    order = json.loads(event("generate_code/indomaret")["body"]) | {"invoice_number": FORMER}
    former = stack.call("generate_code", event("generate_code/alfa", body=json.dumps(order)))
    assert former.status == 201
    order = json.loads(event("generate_code/alfa")["body"]) | {"replaces": FORMER}
    answer = stack.call("generate_code", event("generate_code/alfa", body=json.dumps(order)))
    assert answer.status == 201


def test_a_payment_in_a_chain_checks_the_other_codes(stack, event, replaced, monkeypatch):
    checked: list[Request] = []
    check = Roles.check

    def remember(self: Roles, function: str, request: Request, arns: Mapping[str, str]) -> None:
        checked.append(request)
        check(self, function, request, arns)

    monkeypatch.setattr(Roles, "check", remember)
    assert stack.call("receive_notification", event("receive_notification/alfa_paid")).status == 200
    assert any(
        request.action == "dynamodb:ConditionCheckItem"
        and request.context
        and f"CODE#{FORMER}" in request.context[LEADING_KEYS]
        for request in checked
    )
    assert stack.call("read_codes", event("read_codes/one")).body["status"] == "paid"


def test_the_permissions_are_really_asked_for(stack):
    """Or all of these tests would pass with none."""
    dynamodb = wiring._client("dynamodb")
    with Roles().enforced("explain_payment", [dynamodb]), pytest.raises(NotAllowed):
        dynamodb.delete_item(TableName="o2o", Key={"pk": {"S": "CODE#1"}, "sk": {"S": "CODE"}})
