"""Whoever repeats a request gets its code, whatever clock and configuration say by then."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from o2o.core.bins import BinTable
from tests.integration.functions import doku
from tests.support.world import START

ALFA_PATH = "/alfa-online-to-offline/v2/payment-code"


@pytest.mark.parametrize("change", ["clock", "bins", "amounts"])
def test_a_repeat_is_answered_with_its_code(stack, event, monkeypatch, change):
    stack.doku.expect_request(ALFA_PATH, "POST").respond_with_handler(
        lambda request: doku.code(request, "8889955000000021", START + timedelta(minutes=60))
    )
    order = json.loads(event("generate_code/alfa")["body"])
    order.pop("expires_in_minutes", None)
    order["expires_at"] = "2026-03-01T04:00:00Z"
    created = stack.call("generate_code", event("generate_code/alfa", body=json.dumps(order)))
    assert created.status == 201
    module = stack.function("generate_code")
    if change == "clock":
        stack.clock.advance(hours=2)
    elif change == "bins":
        monkeypatch.setattr(module, "generate", replace(module.generate, bins=BinTable(())))
    else:
        narrow = {
            channel: replace(each, max_amount=20_000)
            for channel, each in module.generate.channels.items()
        }
        monkeypatch.setattr(module, "generate", replace(module.generate, channels=narrow))
    again = stack.call("generate_code", event("generate_code/alfa", body=json.dumps(order)))
    assert (again.status, again.body) == (200, created.body)
    # Another request for the number is as wrong as it would be without the code.
    other = json.dumps(order | {"info": "another"})
    assert stack.call("generate_code", event("generate_code/alfa", body=other)).status == 400
