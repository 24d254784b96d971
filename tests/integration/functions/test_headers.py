"""Headers as clients really write them: judged once, by one rule."""

import json
from datetime import timedelta

import pytest

from tests.integration.functions import doku
from tests.support.world import START


@pytest.mark.parametrize("function", ["generate_code", "browse_events"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "Application/JSON"},
        {"content-type": "APPLICATION/JSON; CHARSET=UTF-8"},
        {"CONTENT-TYPE": " application/json;charset=utf-8"},
        {"Content-Type": "\tapplication/json ; x=y"},
        # A proxy added its own: one of the two is right, and both are JSON here.
        {"Content-Type": "Application/Json", "content-type": "application/json"},
    ],
    ids=str,
)
def test_json_is_json_however_it_is_spelt(stack, event, headers, function):
    stack.doku.expect_request("/alfa-online-to-offline/v2/payment-code").respond_with_handler(
        lambda request: doku.code(request, "8889955000000021", START + timedelta(minutes=60))
    )
    case = {"generate_code": "alfa", "browse_events": "redeliver_range"}[function]
    answer = stack.call(function, event(f"{function}/{case}", headers=headers))
    assert answer.status in (201, 202), answer.body


@pytest.mark.parametrize("function", ["generate_code", "browse_events"])
@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"Content-Type": None},
        {"Content-Type": ""},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "application/json-patch+json"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": ";"},
    ],
    ids=str,
)
def test_what_is_not_json_is_refused_by_name(stack, event, logs, headers, function):
    case = {"generate_code": "alfa", "browse_events": "redeliver_range"}[function]
    answer = stack.call(function, event(f"{function}/{case}", headers=headers))
    assert answer.status == 400
    assert [param["name"] for param in answer.body["invalid_params"]] == ["Content-Type"]
    assert "unexpected" not in logs.getvalue()


@pytest.mark.parametrize(
    ("function", "case"),
    [("cancel_code", "cancel"), ("refresh_code", "refresh")],
)
@pytest.mark.parametrize("content_type", ["Application/JSON", "text/plain", "multipart/form-data"])
def test_a_route_without_a_body_does_not_care(stack, event, function, case, content_type):
    """Clients send a Content-Type, and sometimes an empty object, with every POST."""
    headers = {"Content-Type": content_type}
    for body in (None, "", "{}", "\x00", json.dumps({"reason": "x"})):
        answer = stack.call(function, event(f"{function}/{case}", headers=headers, body=body))
        assert answer.status == 404, answer.body
