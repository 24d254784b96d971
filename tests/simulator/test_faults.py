"""Every fault of DOKU's own routes, over a real socket."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.simulator.support import (
    ALFA,
    DEADLINE,
    INDOMARET,
    STATUS,
    Client,
    Reply,
    eventually,
    generation,
)

REQUEST_ID = "R-1"


def ask(doku: Client) -> Reply:
    """Ask for the same code under the same Request-Id, as a client does after a failure."""
    return doku.post(ALFA, generation(), request_id=REQUEST_ID)


def orders(doku: Client) -> list[Any]:
    return list(doku.did("GET", "/orders")["orders"])


@contextmanager
def opened(doku: Client) -> Iterator[socket.socket]:
    """The same request on a bare socket, sent."""
    body = json.dumps(generation()).encode()
    headers = {
        **doku.headers(ALFA, body, request_id=REQUEST_ID),
        "Host": doku.address,
        "Content-Length": str(len(body)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    host, port = doku.address.split(":")
    with socket.create_connection((host, int(port)), timeout=DEADLINE) as connection:
        connection.sendall(f"POST {ALFA} HTTP/1.1\r\n{head}\r\n".encode() + body)
        yield connection


def hanging(doku: Client) -> int:
    return int(doku.did("GET", "/faults")["hanging"])


def test_hang_after_accept(doku: Client) -> None:
    doku.add_fault("hang_after_accept")
    with opened(doku) as connection:
        eventually(lambda: orders(doku), "the order is kept")
        connection.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    again = ask(doku)
    assert again.status == 409
    assert len(orders(doku)) == 1
    assert again.code == doku.order()["payment_code"]


def test_a_client_that_leaves_ends_the_hanging(doku: Client) -> None:
    doku.add_fault("hang_after_accept", seconds=3600)
    with opened(doku):
        eventually(lambda: hanging(doku) == 1, "the request hangs")
    eventually(lambda: hanging(doku) == 0, "no request hangs")
    assert doku.did("GET", "/requests")["requests"][0]["status"] is None


@pytest.mark.parametrize("kind", ["hang_after_accept", "hang_before_accept"])
@pytest.mark.parametrize("release", ["DELETE /faults", "POST /faults/release", "POST /reset"])
def test_a_released_hang_answers(doku: Client, kind: str, release: str) -> None:
    doku.add_fault(kind)
    replies: list[Reply] = []
    thread = threading.Thread(target=lambda: replies.append(ask(doku)))
    thread.start()
    eventually(lambda: hanging(doku) == 1, "the request hangs")
    assert len(orders(doku)) == (1 if kind == "hang_after_accept" else 0)
    method, path = release.split()
    doku.did(method, path)
    thread.join(DEADLINE)
    assert replies[0].status == 200
    assert replies[0].is_signed


def test_a_hang_ends_by_itself(doku: Client) -> None:
    doku.add_fault("hang_before_accept", seconds=0.01)
    assert ask(doku).status == 200


def test_hang_before_accept_keeps_nothing_for_a_client_that_left(doku: Client) -> None:
    doku.add_fault("hang_before_accept")
    with opened(doku):
        eventually(lambda: hanging(doku) == 1, "the request hangs")
    eventually(lambda: hanging(doku) == 0, "no request hangs")
    assert orders(doku) == []
    assert ask(doku).status == 200


@pytest.mark.parametrize(("accepted", "later"), [(False, 200), (True, 409)])
def test_error_5xx(doku: Client, *, accepted: bool, later: int) -> None:
    doku.add_fault("error_5xx", status=502, accepted=accepted)
    assert ask(doku).status == 502
    assert len(orders(doku)) == int(accepted)
    assert ask(doku).status == later


def test_rate_limited(doku: Client) -> None:
    doku.add_fault("rate_limited", retry_after=7, times=2)
    for _ in range(2):
        reply = ask(doku)
        assert reply.status == 429
        assert reply.headers["Retry-After"] == "7"
    assert ask(doku).status == 200


def test_unavailable(doku: Client) -> None:
    doku.add_fault("unavailable")
    reply = ask(doku)
    assert (reply.status, reply.json) == (400, {"message": ["PAYMENT CHANNEL IS INACTIVE"]})
    assert orders(doku) == []


@pytest.mark.parametrize("accepted", [False, True])
def test_reset(doku: Client, *, accepted: bool) -> None:
    doku.add_fault("reset", accepted=accepted)
    with opened(doku) as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)
    assert len(orders(doku)) == int(accepted)


def test_half_answer(doku: Client) -> None:
    doku.add_fault("half_answer")
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(doku)
    half = bytes(caught.value.partial)
    whole = ask(doku)
    assert whole.status == 409
    assert whole.body.startswith(half)
    assert len(half) == len(whole.body) // 2


def test_slow_drip(doku: Client) -> None:
    doku.add_fault("slow_drip", seconds_per_byte=0)
    reply = ask(doku)
    assert reply.status == 200
    assert reply.is_signed


def test_slow_drip_is_slow(doku: Client) -> None:
    doku.add_fault("slow_drip", seconds_per_byte=60)
    with opened(doku) as connection:
        came = b""
        while b"\r\n\r\n{" not in came:
            came += connection.recv(65536)
        assert came.endswith(b"\r\n\r\n{")
        connection.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.recv(1)


@pytest.mark.parametrize("accepted", [False, True])
def test_huge_body(doku: Client, *, accepted: bool) -> None:
    doku.add_fault("huge_body", bytes=3_000_000, accepted=accepted)
    reply = ask(doku)
    assert len(reply.body) > 3_000_000
    assert reply.is_signed
    assert ("online_to_offline_info" in reply.json) is accepted


def test_wrong_signature(doku: Client) -> None:
    doku.add_fault("wrong_signature")
    reply = ask(doku)
    assert reply.status == 200
    assert reply.code
    assert reply.headers["Signature"].startswith("HMACSHA256=")
    assert not reply.is_signed
    assert ask(doku).is_signed


def test_no_signature(doku: Client) -> None:
    doku.add_fault("no_signature")
    reply = ask(doku)
    assert reply.status == 200
    assert reply.code
    assert not reply.headers.keys() & {"Signature", "Response-Timestamp"}


def test_redirect(doku: Client) -> None:
    doku.add_fault("redirect")
    reply = ask(doku)
    assert reply.status == 302
    assert reply.headers["Location"] == f"{doku.url}/redirected"
    doku.add_fault("redirect", status=307, location="http://127.0.0.1:1/x")
    reply = ask(doku)
    assert reply.status == 307
    assert reply.headers["Location"] == "http://127.0.0.1:1/x"


def test_garbage(doku: Client) -> None:
    doku.add_fault("garbage")
    reply = ask(doku)
    assert reply.status == 200
    assert reply.is_signed
    with pytest.raises(ValueError, match="Expecting value"):
        _ = reply.json


def test_not_found(doku: Client) -> None:
    ask(doku)
    doku.add_fault("not_found")
    assert doku.get_status("INV-1").status == 404
    assert doku.get_status("INV-1").status == 200


@pytest.mark.parametrize("signed", [True, False])
def test_a_404_signed_or_not(doku: Client, *, signed: bool) -> None:
    ask(doku)
    doku.add_fault("not_found", signed=signed)
    reply = doku.get_status("INV-1")
    assert (reply.status, reply.json["error"]["code"]) == (404, "data_not_found")
    assert reply.is_signed is signed


def test_a_whole_channel_is_inactive(doku: Client) -> None:
    doku.add_fault("unavailable", channel="alfa", times=None, signed=False)
    for number in ("INV-1", "INV-2"):
        reply = doku.post(ALFA, generation(number))
        assert (reply.status, reply.json) == (400, {"message": ["PAYMENT CHANNEL IS INACTIVE"]})
        assert not reply.is_signed
    assert doku.post(INDOMARET, generation("INV-3")).status == 200
    assert doku.get_status("INV-3").status == 200


@pytest.mark.parametrize(
    ("shape", "document"),
    [
        ("error", {"error": {"code": "C", "message": "M", "type": "invalid_request_error"}}),
        ("message", {"message": ["M"]}),
        ("error_messages", {"error_messages": ["M"]}),
        ("response_code", {"status": "FAILED", "response_code": "C", "response_message": "M"}),
        ("other", {"status": 403, "error": "M"}),
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_refused_in_every_shape(doku: Client, shape: str, document: Any, *, signed: bool) -> None:
    doku.add_fault("refused", status=403, shape=shape, code="C", message="M", signed=signed)
    reply = ask(doku)
    assert (reply.status, reply.json, reply.is_signed) == (403, document, signed)
    assert orders(doku) == []


def test_refused_although_accepted(doku: Client) -> None:
    doku.add_fault("refused", accepted=True)
    assert ask(doku).status == 400
    assert ask(doku).status == 409
    assert len(orders(doku)) == 1


def test_a_repeated_request_is_refused_although_the_first_was_accepted(doku: Client) -> None:
    doku.add_fault("refused_repeat", times=2)
    assert ask(doku).status == 200
    for _ in range(2):
        again = ask(doku)
        assert (again.status, again.is_signed) == (400, False)
        assert again.json["error"]["code"] == "invalid_request"
    assert ask(doku).status == 409
    assert len(orders(doku)) == 1


def link(doku: Client) -> str:
    """The path of the How-To-Pay API of a new code."""
    address: str = ask(doku).json["online_to_offline_info"]["how_to_pay_api"]
    return address.removeprefix(doku.url)


@pytest.mark.parametrize("operation", ["generate", "status", "how_to_pay"])
@pytest.mark.parametrize("kind", ["firewall", "not_routed"])
def test_what_stands_before_every_route(doku: Client, kind: str, operation: str) -> None:
    how = link(doku)
    calls = {
        "generate": lambda: ask(doku),
        "status": lambda: doku.get_status("INV-1"),
        "how_to_pay": lambda: doku.send("GET", how, {}),
    }
    clean = {name: call().status for name, call in calls.items()}
    doku.add_fault(kind, operation=operation)
    for name, call in calls.items():
        reply = call()
        if name != operation:
            assert reply.status == clean[name]
        elif kind == "firewall":
            assert (reply.status, reply.headers["Content-Type"]) == (403, "text/html")
            assert reply.body.startswith(b"<html>")
        else:
            assert reply.status == 404
            assert reply.json["message"] == f"No static resource {reply.target[1:]}."
        assert name != operation or not reply.is_signed
    assert {name: call().status for name, call in calls.items()} == clean


def test_a_firewall_for_all(doku: Client) -> None:
    how = link(doku)
    doku.add_fault("firewall", times=None, status=406)
    assert ask(doku).status == doku.get_status("INV-1").status == 406
    assert doku.send("GET", how, {}).status == 406


def test_early_hints_come_before_the_answer(doku: Client) -> None:
    doku.add_fault("early_hints")
    with opened(doku) as connection, connection.makefile("rb") as stream:
        assert stream.readline() == b"HTTP/1.1 103 Early Hints\r\n"
        assert stream.readline() == b"Link: </style.css>; rel=preload\r\n"
        assert stream.readline() == b"\r\n"
        assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
    assert len(orders(doku)) == 1


@pytest.mark.parametrize("kind", ["error_5xx", "garbage", "reset"])
def test_a_fault_of_the_status_check(doku: Client, kind: str) -> None:
    doku.add_fault(kind, operation="status")
    assert ask(doku).status == 200
    if kind == "reset":
        with pytest.raises(ConnectionError):
            doku.get_status("INV-1")
    else:
        assert doku.get_status("INV-1").body != doku.get_status("INV-1").body


# --- whose turn it is --------------------------------------------------------------------------


def test_a_fault_for_one_invoice_number(doku: Client) -> None:
    doku.add_fault("error_5xx", invoice_number="INV-2", times=None)
    assert doku.post(ALFA, generation("INV-1")).status == 200
    assert doku.post(ALFA, generation("INV-2")).status == 503
    assert doku.post(ALFA, generation("INV-2")).status == 503
    path = STATUS + "INV-2"
    assert doku.send("GET", path, doku.headers(path, None)).status == 503


def test_faults_take_turns_and_count(doku: Client) -> None:
    doku.add_fault("error_5xx", operation="generate", status=500)
    doku.add_fault("error_5xx", operation="generate", status=501, times=2)
    assert [ask(doku).status for _ in range(4)] == [500, 501, 501, 200]
    used = [(f["used"], f["remaining"]) for f in doku.did("GET", "/faults")["faults"]]
    assert used == [(1, 0), (2, 0)]


def test_a_request_with_bad_credentials_meets_no_fault(doku: Client) -> None:
    doku.add_fault("error_5xx")
    assert doku.post(ALFA, generation(), secret_key="SK-OTHER").status == 401
    assert ask(doku).status == 503


def test_one_fault_can_be_deleted(doku: Client) -> None:
    first = doku.add_fault("error_5xx", status=500)["id"]
    doku.add_fault("error_5xx", status=502)
    assert doku.did("DELETE", f"/faults/{first}") == {"cleared": 1}
    assert doku.control("DELETE", f"/faults/{first}").status == 404
    assert ask(doku).status == 502


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({}, "kind is one of"),
        ({"kind": "earthquake"}, "kind is one of"),
        ({"kind": ["reset"]}, "kind is one of"),
        ({"kind": "reset", "operation": "notify"}, "is a fault of"),
        ({"kind": "lost", "operation": "generate"}, "is a fault of"),
        ({"kind": "reset", "operation": "pay"}, "operation is one of"),
        ({"kind": "reset", "seconds": 1}, "no parameter"),
        ({"kind": "reset", "times": 0}, "times is"),
        ({"kind": "reset", "times": True}, "times is"),
        ({"kind": "reset", "accepted": "yes"}, "accepted is true or false"),
        ({"kind": "reset", "invoice_number": 1}, "invoice_number is text"),
        ({"kind": "error_5xx", "status": 200}, "between 500 and 599"),
        ({"kind": "error_5xx", "status": None}, "status is a whole number"),
        ({"kind": "late", "seconds": "soon"}, "seconds is a number"),
        ({"kind": "redirect", "location": "a\r\nb"}, "printable ASCII"),
        ({"kind": "redirect", "location": ""}, "1 to 500 characters"),
        ({"kind": "missing_header", "header": "Host"}, "header is one of"),
        ({"kind": "missing_field", "field": "amount"}, "field is one of"),
        ({"kind": "missing_field", "field": ["date"]}, "field is one of"),
        ({"kind": "missing_field", "operation": "generate"}, "is a fault of"),
        ({"kind": "other_status", "status": "PAID"}, "status is one of"),
        ({"kind": "refused", "shape": "xml"}, "shape is one of"),
        ({"kind": "reset", "channel": "giro"}, "channel is one of"),
        ({"kind": "reset", "channel": ["alfa"]}, "channel is one of"),
        ({"kind": "shifted_date", "seconds": 1e9}, "between -1e+07 and 1e+07"),
    ],
)
def test_faults_that_do_not_exist(doku: Client, fault: object, sentence: str) -> None:
    reply = doku.control("POST", "/faults", fault)
    assert reply.status == 400
    assert sentence in reply.json["error"]
