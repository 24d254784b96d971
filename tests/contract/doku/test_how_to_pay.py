"""DOKU's instructions: only from DOKU, small, soon or not at all, and never an error."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from o2o.adapters.doku.how_to_pay import HowToPayApi, read_instructions
from o2o.core.how_to_pay import Instruction
from tests.support.examples import examples
from tests.support.wire import (
    GARBAGE,
    Request,
    Script,
    Serve,
    drip,
    raw_answer,
    reset,
    sends,
    wait_for_hang_up,
)

TOLD = {
    "payment_instruction": [
        {"channel": "Alfamart", "step": ["Go to the cashier", "Pay"], "icon": "x"},
        {"channel": "Lawson", "step": ["Pay"]},
    ],
    "more": [],
}
READ = (
    Instruction("Alfamart", ("Go to the cashier", "Pay")),
    Instruction("Lawson", ("Pay",)),
)
BODY = json.dumps(TOLD).encode()


def plenty() -> float:
    return 900.0


def little() -> float:
    """What is left for DOKU's answer is a fifth of a second."""
    return 1.2


def answers(status: int, body: bytes, **headers: str) -> Script:
    return lambda _, __: raw_answer(status, body, headers)


@pytest.fixture
def fetch(serve: Serve) -> Iterator["Fetch"]:
    fetch = Fetch(serve)
    yield fetch
    for api in fetch.made:
        api._session.close()


class Fetch:
    """Fetches what a script answers, from a server that is configured as DOKU."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.made: list[HowToPayApi] = []

    def __call__(self, script: Script, *, short: bool = False) -> tuple[Instruction, ...]:
        wire = self._serve(script)
        told = self.api(wire.url).fetch(f"{wire.url}/how-to-pay/1?a=b", little if short else plenty)
        return tuple(told)

    def api(self, base_url: str) -> HowToPayApi:
        self.made.append(HowToPayApi(base_url))
        return self.made[-1]


# --- what travels -----------------------------------------------------------------------


def test_the_instructions_are_fetched_without_credentials(fetch: Fetch) -> None:
    requests: list[Request] = []

    def script(request: Request, _: socket.socket) -> bytes:
        requests.append(request)
        return raw_answer(200, BODY, {"Set-Cookie": "a=b"})

    assert fetch(script) == READ
    (request,) = requests
    assert (request.method, request.target) == ("GET", "/how-to-pay/1?a=b")
    assert request.headers["accept-encoding"] == "identity"
    sensitive = {"client-id", "signature", "request-id", "authorization", "cookie"}
    assert not sensitive & request.headers.keys()


def test_nothing_is_taken_from_the_environment(
    fetch: Fetch, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(answers(200, BODY))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert fetch(answers(200, BODY)) == READ
    assert proxy.connections == 0


# --- from whom --------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where connections would go; no name is looked up, and none is made."""
    hosts: list[tuple[str, int]] = []

    def look_up(host: str, port: int, *_: object, **__: object) -> None:
        hosts.append((host, port))
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return hosts


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://doku.com/x", "doku.com"),
        ("https://api-sandbox.doku.com/how-to-pay/1", "api-sandbox.doku.com"),
        ("https://a.b.doku.com:443/", "a.b.doku.com"),
        ("HTTPS://API.DOKU.COM/x", "api.doku.com"),
        ("https://api.doku.com?next=https://evil.example", "api.doku.com"),
    ],
)
def test_dokus_own_hosts_are_asked(
    fetch: Fetch, asked: list[tuple[str, int]], address: str, host: str
) -> None:
    assert fetch.api("https://api.doku.com").fetch(address, plenty) == ()
    assert asked == [(host, 443)]


STRANGERS = [
    *("", "x", "/how-to-pay/1", "//api.doku.com/x", "https://", "https:///x", "https:doku.com"),
    "http://api.doku.com/x",
    "ftp://api.doku.com/x",
    "file:///etc/passwd",
    "https://api.doku.com:8443/x",
    "https://api.doku.com:port/x",
    "https://api.doku.com:99999/x",
    "https://evil.example/x",
    "https://doku.com.evil.example/x",
    "https://notdoku.com/x",
    "https://doku.com-evil.example/x",
    "https://doku.example/doku.com",
    "https://169.254.169.254/latest/meta-data?.doku.com",
    "https://[::1]/x",
    "https://[::1",
    "https://user@api.doku.com/x",
    "https://user:secret@api.doku.com/x",
    "https://api.doku.com@evil.example/x",
    # Where a host ends is told apart differently by different parsers.
    "https://evil.example\\.doku.com/x",
    "https://evil.example\\@api.doku.com/x",
    "https://evil.example#.doku.com/x",
    "https://evil.example?.doku.com",
    "https://evil.example;.doku.com@evil.example/",
    "https://evil.example%2f.doku.com/x",
    "https://evil.example%23.doku.com/x",
    "https://evil.example\uff0f.doku.com/x",
    "https://evil.example\u2044.doku.com/x",
    "https://evil.example\t.doku.com/x",
    "https://evil.example .doku.com/x",
    "https://evil.example\x00.doku.com/x",
    "https://\ud800.doku.com/x",
    "https://" + "x" * 70 + ".doku.com/x",
    "https://" + "x." * 500 + "doku.com/x",
]


@pytest.mark.parametrize("address", STRANGERS)
def test_strangers_are_not_asked(fetch: Fetch, asked: list[tuple[str, int]], address: str) -> None:
    assert fetch.api("https://api.doku.com").fetch(address, plenty) == ()
    assert asked == []


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{other}/x",
        "http://127.0.0.2:{port}/x",
        "http://localhost:{port}/x",
        "http://127.0.0.1/x",
        "http://127.0.0.1:{port}@127.0.0.1:{other}/x",
        "http://127.0.0.1:{port}\\@127.0.0.1:{other}/x",
    ],
)
def test_only_the_very_origin_that_is_configured_is_asked(
    fetch: Fetch, serve: Serve, address: str
) -> None:
    configured, other = serve(answers(200, BODY)), serve(answers(200, BODY))
    api = fetch.api(configured.url)
    asked = address.format(port=configured.port, other=other.port)
    api.fetch(asked, plenty)
    assert other.connections == 0
    assert all("@" not in request.headers["host"] for request in configured.requests)
    assert tuple(api.fetch(f"{configured.url}/x", plenty)) == READ


@given(st.text(max_size=60), st.sampled_from(["", "https://", "https://x.doku.com", "http://["]))
def test_no_address_is_an_error(address: str, start: str) -> None:
    api = HowToPayApi("https://api.doku.com")

    def hurry() -> float:
        return 1.0  # All of it is needed for the answer to the storefront.

    assert api.fetch(start + address, hurry) == ()


@given(st.text(max_size=60), st.sampled_from(["", "https://", "http://[", "//", "http://x:"]))
def test_no_address_is_an_error_with_time_left(address: str, start: str) -> None:
    # Without a configured host of their own, these are strangers, all of them.
    assert HowToPayApi("https://api.doku.com").fetch(start + address, plenty) == ()


# --- how long, how much -----------------------------------------------------------------


@pytest.mark.parametrize("left", [-1.0, 0.0, 1.0])
def test_without_time_nothing_is_asked(fetch: Fetch, serve: Serve, left: float) -> None:
    wire = serve(answers(200, BODY))
    assert fetch.api(wire.url).fetch(f"{wire.url}/x", lambda: left) == ()
    assert wire.connections == 0


def hangs(_: Request, connection: socket.socket) -> bytes:
    wait_for_hang_up(connection)
    return raw_answer(200, BODY)


def drips(_: Request, connection: socket.socket) -> None:
    drip(raw_answer(200, BODY), connection)


def drips_its_body(_: Request, connection: socket.socket) -> None:
    answer = raw_answer(200, BODY)
    connection.sendall(answer[: -len(BODY)])
    drip(BODY, connection)


@pytest.mark.parametrize("script", [hangs, drips, drips_its_body])
def test_a_slow_answer_is_not_waited_for(fetch: Fetch, script: Script) -> None:
    # Whoever waits for them gets the whole answer.
    assert fetch(script, short=True) == ()


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("status", [200, 302])
def test_a_huge_answer_is_not_read(fetch: Fetch, status: int, declared: bool) -> None:
    sent: list[int] = []

    def script(_: Request, connection: socket.socket) -> None:
        length = b"Content-Length: 1000000000\r\n" if declared else b""
        connection.sendall(b"HTTP/1.1 %d x\r\nLocation: /x\r\n%s\r\n" % (status, length))
        for _count in range(1000):
            connection.sendall(b" " * 100_000)
            sent.append(100_000)

    assert fetch(script) == ()
    assert sum(sent) < 90_000_000


def test_the_largest_answer_that_is_read(fetch: Fetch) -> None:
    assert fetch(answers(200, BODY.ljust(32 * 1024))) == READ
    assert fetch(answers(200, BODY.ljust(32 * 1024 + 1))) == ()


# --- broken answers ---------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(fetch: Fetch, serve: Serve, status: int) -> None:
    target = serve(answers(200, BODY))
    assert fetch(answers(status, BODY, Location=f"{target.url}/x")) == ()
    assert target.connections == 0


@pytest.mark.parametrize("status", [201, 204, 400, 401, 404, 429, 500, 503])
def test_another_status_tells_nothing(fetch: Fetch, status: int) -> None:
    assert fetch(answers(status, BODY)) == ()


def resets(_: Request, connection: socket.socket) -> None:
    reset(connection)


def stops_half_way(_: Request, connection: socket.socket) -> None:
    connection.sendall(raw_answer(200, BODY)[:-20])


@pytest.mark.parametrize("script", [resets, stops_half_way, *map(sends, GARBAGE)])
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.HTTPWarning")
def test_a_broken_answer_tells_nothing(fetch: Fetch, script: Script) -> None:
    assert fetch(script) == ()


def test_nobody_is_there(fetch: Fetch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert fetch.api(url).fetch(f"{url}/x", plenty) == ()


def test_a_server_without_tls(fetch: Fetch, serve: Serve) -> None:
    wire = serve(answers(200, BODY))
    url = wire.url.replace("http://", "https://")
    assert fetch.api(url).fetch(f"{url}/x", little) == ()
    assert wire.requests == []


@settings(
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.sampled_from(
        [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n"]
    ),
    st.binary(max_size=80) | st.text("0123456789:\r\n -", max_size=40).map(str.encode),
)
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.HTTPWarning")
def test_whatever_comes_back_is_no_error(fetch: Fetch, head: bytes, rest: bytes) -> None:
    assert fetch(sends(head + rest)) == ()


# --- what is told -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"7", b"[]", b"{}", b'"text"', b"{'a': 1}", b"\xff\xfe", b"\xef\xbb\xbf{}"),
        *(b"[" * 30_000, b'{"a":' * 6_000, b'{"a": ' + b"9" * 5_000 + b"}", b'{"a": NaN}'),
        *(b'{"payment_instruction": null}', b'{"payment_instruction": {"step": ["x"]}}'),
        *(b'{"payment_instruction": [null, 7, "x", []]}', b"\x1f\x8b" + b"\0" * 20),
        *(b'{"payment_instruction": [{}]}', b'{"payment_instruction": [{"step": "pay"}]}'),
        b'{"payment_instruction": [{"channel": "x", "step": [null, 1, "", " \\n", ["pay"]]}]}',
    ],
)
def test_what_is_not_as_documented_tells_nothing(body: bytes) -> None:
    assert read_instructions(body) == ()


def test_what_is_as_documented_is_read_beside_what_is_not() -> None:
    entries = [
        {"step": []},
        {"channel": 7, "step": [1, " Pay\r\n now "]},
        *TOLD["payment_instruction"],
    ]
    body = json.dumps({"payment_instruction": entries}).encode()
    assert read_instructions(body) == (Instruction("", ("Pay now",)), *READ)


def test_no_more_is_read_than_a_person_would() -> None:
    entry = {"channel": "c" * 501, "step": ["s" * 501] * 21}
    told = read_instructions(json.dumps({"payment_instruction": [entry] * 11}).encode())
    assert told == (Instruction("c" * 500, ("s" * 500,) * 20),) * 10


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "L", "Zs"]), max_size=20))
def test_texts_are_fit_for_an_answer_of_ours(text: str) -> None:
    body = json.dumps({"payment_instruction": [{"channel": text, "step": ["Pay", text]}]})
    (told,) = read_instructions(body.encode())
    for part in (told.place, *told.steps):
        assert part.isprintable()
        assert part.encode().decode() == part == part.strip()
