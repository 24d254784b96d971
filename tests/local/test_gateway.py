"""The REST API over HTTP: events as API Gateway builds them, and its own answers."""

import base64
import contextlib
import http.client
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from starlette.responses import PlainTextResponse

from local.gateway import MAX_BODY_BYTES, MAX_EVENT_BYTES, MAX_HEAD_BYTES, Gateway, Router
from local.ports import HOST, PortChoice, port_of
from local.servers import Servers
from local.stack import ROOT
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

    def raw(self, method: str, path: str) -> tuple[int, Any]:
        """Status and body for a request that `requests` would make tidy."""
        host = self.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=CALL_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path, headers=LET_IN)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

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
def base_path() -> str:
    return ""


@pytest.fixture
def call(shop: Shop, base_path: str) -> Iterator[Caller]:
    with gateway(shop, shop.clock.now, base_path) as caller:
        yield caller


@contextlib.contextmanager
def gateway(shop: Shop, now: Callable[[], datetime], base_path: str = "") -> Iterator[Caller]:
    """A gateway before the small application, on a clock."""
    with shop.pool("GuardFunction") as guard, PortChoice(what="API", option="").listen() as bound:
        functions: Any = {"EchoFunction": Mirror(shop), "GuardFunction": guard}
        servers = Servers([(Gateway(shop.blueprint.api, functions, now, base_path), bound)])
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
    assert event["pathParameters"] == {"name": "anton%20b"}
    assert event["queryStringParameters"] == {"a": "2", "empty": "", "q": "&"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "empty": [""], "q": ["&"]}
    assert event["headers"]["x-ten"] == "10"
    assert event["multiValueHeaders"]["x-ten"] == ["10"]
    assert event["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert event["headers"]["Authorization"] == LET_IN["Authorization"]
    assert event["stageVariables"] is None
    assert (event["body"], event["isBase64Encoded"]) == (None, False)
    context = event["requestContext"]
    assert context["resourcePath"] == "/greetings/{name}"
    assert (context["stage"], context["httpMethod"]) == ("v1", "GET")
    assert context["path"] == "/greetings/anton%20b"
    assert f"http://{context['domainName']}" == call.url
    assert context["requestId"]
    identity = context["identity"]
    assert (identity.pop("sourceIp"), identity.pop("userAgent")) == (
        "127.0.0.1",
        event["headers"]["User-Agent"],
    )
    assert set(identity.values()) == {None}


def test_an_event_has_what_aws_s_have(call: Caller) -> None:
    event = call.event("POST", "/open", data=b"a")
    plain = json.loads((ROOT / "events/receive_notification/alfa_paid.json").read_text("utf-8"))
    assert event.keys() == plain.keys()
    assert event["requestContext"].keys() == plain["requestContext"].keys()
    assert event["requestContext"]["identity"].keys() == plain["requestContext"]["identity"].keys()
    assert not {name.lower() for name in event["headers"]} & {"connection", "content-length"}


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


@pytest.mark.parametrize("base_path", ["/o2o", "/shops/o2o", "/greetings"])
def test_behind_a_base_path_both_paths_have_it(call: Caller, base_path: str) -> None:
    event = call.event("GET", f"{base_path}/greetings/anton/", headers=LET_IN)
    assert event["resource"] == event["requestContext"]["resourcePath"] == "/greetings/{name}"
    assert event["pathParameters"] == {"name": "anton"}
    assert event["path"] == event["requestContext"]["path"] == f"{base_path}/greetings/anton/"
    event = call.event("GET", f"{base_path}//greetings", headers=LET_IN)
    assert event["resource"] == "/greetings"
    assert event["requestContext"]["path"] == f"{base_path}//greetings"


@pytest.mark.parametrize("base_path", ["/o2o"])
@pytest.mark.parametrize("path", ["/greetings", "/o2", "/o2obscure/greetings", "/a/o2o/greetings"])
def test_outside_of_the_base_path_there_is_no_api(call: Caller, path: str) -> None:
    answer = call("GET", path, headers=LET_IN)
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})


def test_of_slashes_at_the_front_one_is_left(call: Caller) -> None:
    _, event = call.raw("GET", "//greetings")
    assert event["path"] == event["requestContext"]["path"] == "/greetings"


def test_a_method_in_small_letters_is_another_method(call: Caller) -> None:
    assert call.raw("GET", "/greetings")[0] == 200
    assert call.raw("get", "/greetings") == (404, {"title": "Not found"})


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
    answer = call("POST", "/open", data=b"x" * (MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.text) == (
        413,
        "HTTP content length exceeded 10485760 bytes.",
    )


def test_an_event_beyond_six_megabytes_is_too_large_for_a_function(call: Caller) -> None:
    for size in (MAX_EVENT_BYTES, MAX_BODY_BYTES):
        answer = call("POST", "/open", data=b"x" * size)
        assert (answer.status_code, answer.json()) == (413, {"message": "Request Too Long"})
    assert call("POST", "/open", data=b"x" * (MAX_EVENT_BYTES // 3)).status_code == 200


def test_an_answer_beyond_six_megabytes_is_a_502(call: Caller) -> None:
    # The mirror writes what it saw as JSON in JSON: a quotation mark grows to four letters.
    answer = call("POST", "/open", data=b'"' * (MAX_EVENT_BYTES // 3))
    assert (answer.status_code, answer.json()) == (502, {"title": "Internal server error"})


def test_a_head_beyond_ten_kilobytes_is_refused(call: Caller) -> None:
    assert call("POST", "/open", headers={"X-Long": "x" * 9000}).status_code == 200
    for head in ({"headers": {"X-Long": "x" * MAX_HEAD_BYTES}}, {"params": {"a": "x" * 10_240}}):
        answer = call("POST", "/open", **head)
        assert (answer.status_code, answer.text) == (
            431,
            "HTTP header is larger than 10240 bytes.",
        )


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


# --- the usage plan --------------------------------------------------------------------------


class Clock:
    """Stands still, so that no bucket fills while a test runs."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_each_key_has_its_own_rate(shop: Shop) -> None:
    clock = Clock()
    with gateway(shop, clock) as call:

        def statuses(token: str, times: int, method: str = "GET", name: str = "a") -> list[int]:
            headers = {"Authorization": f"let-me-in-{token}"}
            path = f"/counted/{name}"
            return [call(method, path, headers=headers).status_code for _ in range(times)]

        assert statuses("counted-1", 5) == [200, 200, 200, 429, 429]
        assert statuses("counted-1", 1, name="b") == [429]  # one rate for all routes
        assert statuses("counted-2", 4) == [200, 200, 200, 429]
        # A method with a rate of its own is counted by itself.
        assert statuses("counted-2", 2, "POST") == [200, 429]
        clock.now += timedelta(seconds=1)
        assert statuses("counted-1", 3) == [200, 200, 429]
        clock.now += timedelta(days=1)
        assert statuses("counted-1", 4) == [200, 200, 200, 429]


def test_a_route_that_counts_refuses_who_has_no_key(shop: Shop) -> None:
    with gateway(shop, Clock()) as call:
        refused = call("GET", "/counted/a", headers=LET_IN)
        assert (refused.status_code, refused.json()) == (403, {"message": "Forbidden"})
        assert call("GET", "/greetings", headers=LET_IN).status_code == 200


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


def test_no_idle_connection_is_closed_under_a_client_that_is_about_to_send() -> None:
    with PortChoice(what="API", option="").listen() as bound:
        (server,) = Servers([(PlainTextResponse("here"), bound)])._servers
    assert server.config.timeout_keep_alive >= 60


def test_a_path_with_letters_that_mean_something_elsewhere(shop: Shop) -> None:
    router = Router(shop.blueprint.api.routes)
    found = router.find("GET", "/greetings/a.b+c(d)")
    assert found is not None
    assert found[1] == {"name": "a.b+c(d)"}
    assert router.find("GET", "/greetingsXanton") is None
