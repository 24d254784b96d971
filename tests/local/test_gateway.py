"""The REST API over HTTP: events as API Gateway builds them, and its own answers."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import requests

from local.gateway import MAX_BODY_BYTES, Gateway, Router
from local.ports import HOST, PortChoice, port_of
from local.servers import Servers
from tests.local.shop import Shop
from tests.support.patience import CALL_SECONDS

LET_IN = {"Authorization": "let-me-in"}


class Caller:
    """Speaks to one gateway."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        return self._session.request(method, self.url + path, timeout=CALL_SECONDS, **options)

    def event(self, method: str, path: str, **options: Any) -> Any:
        """The event that the function saw."""
        answer = self(method, path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def close(self) -> None:
        self._session.close()


class Mirror:
    """In place of a pool: answers each event with the event itself, unless there is a wish."""

    def __init__(self, shop: Shop) -> None:
        self._echo = shop.pools["EchoFunction"]

    def submit(self, event: Any) -> Future[Any]:
        echoed = self._echo.submit(event)
        if (event["queryStringParameters"] or {}).get("wish"):
            return echoed
        answer: Future[Any] = Future()
        echoed.add_done_callback(
            lambda done: answer.set_result(
                {"statusCode": 200, "body": json.dumps(done.result()["event"])}
            )
        )
        return answer


@pytest.fixture
def call(shop: Shop) -> Iterator[Caller]:
    with shop.pool("GuardFunction") as guard, PortChoice(what="API", option="").listen() as bound:
        functions: Any = {"EchoFunction": Mirror(shop), "GuardFunction": guard}
        servers = Servers([(Gateway(shop.blueprint.api, functions, shop.clock.now), bound)])
        servers.start()
        caller = Caller(f"http://{HOST}:{port_of(bound)}")
        yield caller
        caller.close()
        servers.stop()


# --- events ----------------------------------------------------------------------------------


def test_a_request_becomes_a_proxy_event(call: Caller) -> None:
    event = call.event(
        "GET", "/greetings/anton%20b?a=1&a=2&empty=&q=%26", headers={**LET_IN, "X-Ten": "10"}
    )
    assert event["resource"] == "/greetings/{name}"
    assert event["path"] == "/greetings/anton%20b"
    assert event["httpMethod"] == "GET"
    assert event["pathParameters"] == {"name": "anton b"}
    assert event["queryStringParameters"] == {"a": "2", "empty": "", "q": "&"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "empty": [""], "q": ["&"]}
    assert event["headers"]["x-ten"] == "10"
    assert event["multiValueHeaders"]["x-ten"] == ["10"]
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert event["stageVariables"] is None
    assert (event["body"], event["isBase64Encoded"]) == (None, False)
    context = event["requestContext"]
    assert context["resourcePath"] == "/greetings/{name}"
    assert (context["stage"], context["httpMethod"]) == ("v1", "GET")
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["requestId"]


def test_without_query_or_parameters_there_is_null(call: Caller) -> None:
    event = call.event("GET", "/greetings", headers=LET_IN)
    assert event["queryStringParameters"] is None
    assert event["multiValueQueryStringParameters"] is None
    assert event["pathParameters"] is None


def test_the_fixed_path_goes_before_the_variable_one(call: Caller) -> None:
    assert call.event("GET", "/greetings/mine", headers=LET_IN)["resource"] == "/greetings/mine"


def test_a_slash_at_the_end_is_routed_as_without_it_and_handed_on(call: Caller) -> None:
    event = call.event("GET", "/greetings/anton/", headers=LET_IN)
    assert event["resource"] == "/greetings/{name}"
    assert event["pathParameters"] == {"name": "anton"}
    assert event["path"] == event["requestContext"]["path"] == "/greetings/anton/"
    assert call.event("GET", "/greetings/", headers=LET_IN)["resource"] == "/greetings"


def test_a_greedy_parameter_takes_the_rest(call: Caller) -> None:
    event = call.event("GET", "/files/a/b/c.txt", headers=LET_IN)
    assert (event["resource"], event["pathParameters"]) == (
        "/files/{path+}",
        {"path": "a/b/c.txt"},
    )


@pytest.mark.parametrize(
    ("content_type", "body", "expected", "encoded"),
    [
        ("application/json", '{"name": "Béla 💸"}'.encode(), '{"name": "Béla 💸"}', False),
        ("text/plain; charset=utf-8", b"a\r\n b", "a\r\n b", False),
        (None, b"bare", "bare", False),
        ("application/json", b"\xff\xfe", base64.b64encode(b"\xff\xfe").decode(), True),
        ("image/png", b"text after all", base64.b64encode(b"text after all").decode(), True),
    ],
)
def test_bodies_arrive_byte_for_byte(
    call: Caller, content_type: str | None, body: bytes, expected: str, encoded: bool
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    event = call.event("POST", "/open", data=body, headers=headers)
    assert (event["body"], event["isBase64Encoded"]) == (expected, encoded)


# --- answers ---------------------------------------------------------------------------------


def test_status_headers_and_binary_bodies_of_an_answer(call: Caller) -> None:
    answer = call("GET", "/greetings?wish=cookies", headers=LET_IN)
    assert (answer.status_code, answer.content) == (201, b"secret")
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["X-Flag"] == "true"
    assert answer.raw.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    assert answer.headers["x-amzn-requestid"]


@pytest.mark.parametrize("wish", ["raise", "exit", "nonsense"])
def test_a_function_without_a_usable_answer_is_a_502(call: Caller, wish: str) -> None:
    answer = call("GET", f"/greetings?wish={wish}", headers=LET_IN)
    assert (answer.status_code, answer.json()) == (502, {"title": "Internal server error"})


def test_an_unknown_route_is_answered_as_the_template_says(call: Caller) -> None:
    for method, path in (("GET", "/nowhere"), ("PATCH", "/greetings"), ("GET", "/greetings//")):
        answer = call(method, path, headers=LET_IN)
        assert (answer.status_code, answer.json()) == (404, {"title": "Not found"})


def test_a_body_beyond_ten_megabytes_is_refused(call: Caller) -> None:
    largest = call("POST", "/open", data=b"x" * MAX_BODY_BYTES)
    assert largest.status_code == 200
    answer = call("POST", "/open", data=b"x" * (MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.json()) == (413, {"message": "Request Too Long"})


def test_an_answer_that_takes_too_long_is_a_504(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.gateway.TIMEOUT_SECONDS", 0.05)
    answer = call("GET", "/greetings?wish=sleep", headers=LET_IN)
    assert (answer.status_code, answer.json()) == (504, {"title": "Endpoint request timed out"})


def test_three_hundred_connections_at_once(call: Caller) -> None:
    def one(number: int) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(f"{call.url}/open", data=str(number), timeout=CALL_SECONDS)
            return answer.json()["body"]

    with ThreadPoolExecutor(300) as clients:
        assert list(clients.map(one, range(300))) == [str(number) for number in range(300)]


# --- the authorizer --------------------------------------------------------------------------


def test_without_its_identity_header_the_authorizer_is_not_asked(call: Caller) -> None:
    answer = call("GET", "/greetings")
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "title": "Unauthorized",
        "request": answer.headers["x-amzn-requestid"],
    }


def test_the_authorizers_context_reaches_the_function_as_text(call: Caller) -> None:
    event = call.event("GET", "/greetings", headers=LET_IN)
    seen = event["requestContext"]["authorizer"]
    assert (seen["principalId"], seen["name"], seen["admin"]) == ("anton", "Anton", "true")
    assert seen["asked"].isdigit()


@pytest.mark.parametrize(
    ("token", "status"),
    [("other", 403), ("unauthorized", 401), ("broken", 500), ("raise", 500)],
)
def test_denials_and_failures_of_the_authorizer(call: Caller, token: str, status: int) -> None:
    assert call("GET", "/greetings", headers={"Authorization": token}).status_code == status


def test_a_verdict_is_kept_for_its_time_and_for_its_caller_only(call: Caller, shop: Shop) -> None:
    def asked(token: str) -> int:
        event = call.event("GET", "/greetings", headers={"Authorization": token})
        return int(event["requestContext"]["authorizer"]["asked"])

    first = asked("let-me-in-1")
    assert asked("let-me-in-1") == first
    assert asked("let-me-in-2") == first + 1
    shop.clock.advance(299)
    assert asked("let-me-in-1") == first
    shop.clock.advance(2)
    assert asked("let-me-in-1") == first + 2


def test_a_route_without_authorizer_is_open(call: Caller) -> None:
    assert "authorizer" not in call.event("POST", "/open")["requestContext"]


def test_the_gateway_ends_with_connections_open(shop: Shop) -> None:
    with PortChoice(what="API", option="").listen() as bound:
        servers = Servers([(Gateway(shop.blueprint.api, shop.pools, shop.clock.now), bound)])
        servers.start()
        caller = Caller(f"http://{HOST}:{port_of(bound)}")
        assert caller("GET", "/nowhere").status_code == 404
        servers.stop()
    with pytest.raises(requests.ConnectionError):
        caller("GET", "/nowhere")
    caller.close()


def test_a_path_with_letters_that_mean_something_elsewhere(shop: Shop) -> None:
    router = Router(shop.blueprint.api.routes)
    found = router.find("GET", "/greetings/a.b+c(d)")
    assert found is not None
    assert found[1] == {"name": "a.b+c(d)"}
    assert router.find("GET", "/greetingsXanton") is None
