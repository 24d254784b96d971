"""Whatever a stranger sends, no function answers 500: it would ring, and take a roll-out back."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.functions import routes
from tests.integration.functions.shapes import SHAPES
from tests.support.examples import examples

SERVER_ERROR = 500
ROUTES = (
    *routes.STOREFRONTS,
    ("generate_code", "mgpc"),
    ("browse_events", "redeliver_one"),
    *routes.CUSTOMERS,
    *routes.DOKUS,
    ("describe_api", "problem"),
)

# Half surrogate pairs do not travel over HTTP; API Gateway replaces them.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES = TEXTS | st.sampled_from(
    (
        *("", "0", "-1", "1e9", "9" * 30, "NaN", "null", "true", "paid", "alfa", "INV-1", "W10"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-01T03:00:00Z"),
        *("evt_" + "0" * 32, "\N{GRINNING FACE}"),
    )
)
CONTENT_TYPES = st.sampled_from(
    (
        *("application/json", "Application/JSON;charset=UTF-8", "application/json; charset=utf-16"),
        *("application/x-www-form-urlencoded", "multipart/form-data", "text/plain", ";", ",", "\0"),
    )
)
NAMES = st.sampled_from(
    (
        *("Content-Type", "content-type", "Accept", "Accept-Language", "Accept-Encoding", "Cookie"),
        *("X-Forwarded-Proto", "X-HTTP-Method-Override", "Content-Encoding", "Expect", "Range"),
        *("Client-Id", "Request-Id", "Request-Timestamp", "Signature", "Digest", "Idempotency-Key"),
    )
)
QUERY_NAMES = st.sampled_from(
    (
        *("status", "channel", "invoice_number", "created_from", "created_to", "limit", "cursor"),
        *("type", "lang", "fbclid", "", "a[]", "limit "),
    )
)


def mutated(body: str) -> st.SearchStrategy[str]:
    """A body with one of its fields, known or not, set to anything."""
    try:
        whole = json.loads(body)
    except ValueError:
        return st.just(body)
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | VALUES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=6,
    )
    names = st.sampled_from([*whole, "customer", "receipt", "metadata", "expires_at", "cursor"])
    return st.tuples(names, anything).map(lambda pair: json.dumps({**whole, pair[0]: pair[1]}))


def bodies(body: str | None) -> st.SearchStrategy[str | None]:
    return st.none() | st.just(body) | TEXTS | mutated(body or "{}")


@pytest.mark.parametrize(("function", "case"), ROUTES)
def test_no_event_is_answered_500(stack, event, logs, function, case):
    stack.doku.expect_request("/").respond_with_data("", 503)
    plain = event(f"{function}/{case}")

    @settings(
        max_examples=examples(40),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(data=st.data())
    def send(data: st.DataObject) -> None:
        draw = data.draw
        request: dict[str, Any] = {**SHAPES[draw(st.sampled_from(sorted(SHAPES)))](plain)}
        headers = {
            **request["headers"],
            **draw(st.dictionaries(NAMES, st.none() | VALUES | CONTENT_TYPES, max_size=3)),
        }
        query = draw(
            st.dictionaries(QUERY_NAMES, st.lists(VALUES, min_size=1, max_size=2), max_size=2)
        )
        request["headers"] = draw(st.sampled_from([headers, headers, headers, None]))
        request["multiValueHeaders"] = draw(
            st.sampled_from([None, {name: [value] for name, value in headers.items() if value}])
        )
        request["queryStringParameters"] = {name: all_[-1] for name, all_ in query.items()} or None
        request["multiValueQueryStringParameters"] = query or None
        body = draw(bodies(plain["body"]))
        request["body"] = body
        request["isBase64Encoded"] = body is not None and draw(st.booleans())
        if body is not None and request["isBase64Encoded"]:
            request["body"] = b64encode(body.encode("utf-8", "replace")).decode()
        answer = stack.invoke(function, request)
        assert answer["statusCode"] < SERVER_ERROR, answer
        assert "unexpected error" not in logs.getvalue()

    send()
