"""The rarer calls, made with the permissions of the template."""

import json
import os
from collections.abc import Mapping
from datetime import timedelta

import pytest

from local.permissions import LEADING_KEYS, Request
from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
from o2o.core.endpoints import Endpoint
from o2o.entry import wiring
from o2o.entry.settings import Settings
from tests.integration.functions import doku
from tests.integration.functions.conftest import ROLES
from tests.integration.functions.test_completeness import paid_at_doku, work_off
from tests.support.world import START
from tests.template.permissions import NotAllowed, Right, Roles

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


@pytest.mark.parametrize("function", ["refresh_code", "reconcile_codes"])
def test_a_payment_in_a_chain_that_doku_is_asked_for(stack, event, replaced, function):
    stack.clock.advance(minutes=20)
    paid_at_doku(stack, "2026-03-01T03:10:00Z")
    if function == "refresh_code":
        assert stack.call("refresh_code", event("refresh_code/refresh")).status == 200
    else:
        work_off(stack, event)
    assert stack.call("read_codes", event("read_codes/one")).body["status"] == "paid"


def test_a_kept_notification_goes_when_its_code_has_come(stack, event):
    assert stack.call("receive_notification", event("receive_notification/alfa_paid")).body == {
        "received": "unmatched"
    }
    stack.doku.expect_request(
        "/alfa-online-to-offline/v2/payment-code", "POST"
    ).respond_with_handler(
        lambda request: doku.code(request, "8889955000000021", START + timedelta(minutes=60))
    )
    assert stack.call("generate_code", event("generate_code/alfa")).status == 201
    stack.clock.advance(minutes=5)
    assert work_off(stack, event) == 1
    assert stack.call("read_codes", event("read_codes/one")).body["status"] == "paid"


def test_until_they_have_a_root_webhooks_are_signed_with_the_pages_secret(
    stack, event, monkeypatch
):
    name = f"{os.environ['WEBHOOK_SECRET_NAME']}-to-be"
    wiring._client("secretsmanager").create_secret(Name=name)
    monkeypatch.setenv("WEBHOOK_SECRET_NAME", name)
    store = wiring._store(wiring.read_settings(Settings))
    url = stack.doku.url_for("/hook").replace("localhost", "127.0.0.1")
    DynamoEndpointStore(store).save_endpoint(Endpoint(storefront_id="shop", url=url))
    stack.doku.expect_request("/hook", "POST").respond_with_data()
    stack.invoke("publish_events", event("publish_events/story"))
    stack.invoke("deliver_webhooks", event("deliver_webhooks/activated"))
    assert stack.doku.log
    assert Right("deliver_webhooks", "secretsmanager:GetSecretValue", "SigningSecret") in ROLES.used


def test_the_permissions_are_really_asked_for(stack):
    """Or all of these tests would pass with none."""
    dynamodb = wiring._client("dynamodb")
    with Roles().enforced("explain_payment", [dynamodb]), pytest.raises(NotAllowed):
        dynamodb.delete_item(TableName="o2o", Key={"pk": {"S": "CODE#1"}, "sk": {"S": "CODE"}})
