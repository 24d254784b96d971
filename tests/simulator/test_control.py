"""The control API and the pages: what a person or a program does to the simulator."""

import csv
import http.client
import io
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.simulator.support import (
    ALFA,
    DEADLINE,
    INDOMARET,
    SECRET_KEY,
    Client,
    Merchant,
    generation,
)

# --- the till ----------------------------------------------------------------------------------


def test_an_inquiry_shows_what_the_cashier_sees(doku: Client) -> None:
    code = doku.generate(customer__name="Siti <b>").code
    bill = doku.did("POST", "/inquiry", {"payment_code": code})
    assert bill["store"] == "Alfa Group"
    assert bill["customer_name"] == "Siti <b>"
    assert bill["amount"] == 19_000
    assert bill["info"] == "Merchant Demo Store"
    assert bill["payable"] is True
    assert doku.order()["paid"] == 0


def test_paying_by_code(doku: Client, merchant: Merchant) -> None:
    code = doku.generate().code
    paid = doku.did("POST", "/pay", {"payment_code": code})
    assert (paid["invoice_number"], paid["amount"]) == ("INV-1", 19_000)
    assert re.fullmatch(r"\d{12}", paid["receipt_number"])
    merchant.wait_for(1)
    (payment,) = doku.order()["payments"]
    assert payment["receipt_number"] == paid["receipt_number"]


def refused(doku: Client, body: dict[str, Any]) -> tuple[int, str]:
    reply = doku.control("POST", "/pay", body)
    return reply.status, reply.json["error"]


def test_a_till_refuses_what_it_does_not_know(doku: Client) -> None:
    unknown = {"payment_code": "8000000000000000"}
    assert refused(doku, unknown) == (404, "Payment code 8000000000000000 is unknown.")
    status, sentence = refused(doku, {"invoice_number": "NEVER"})
    assert (status, sentence) == (404, "Invoice number 'NEVER' is unknown.")


def test_a_till_refuses_a_second_payment(doku: Client) -> None:
    code = doku.generate().code
    doku.pay()
    assert refused(doku, {"payment_code": code}) == (
        409,
        f"Payment code {code} has already been paid.",
    )
    bill = doku.did("POST", "/inquiry", {"payment_code": code})
    assert (bill["payable"], bill["reason"]) == (
        False,
        f"Payment code {code} has already been paid.",
    )
    assert len(doku.order()["payments"]) == 1


def test_a_reusable_code_is_paid_again(doku: Client, merchant: Merchant) -> None:
    doku.generate(online_to_offline_info__reusable_status=True)
    doku.pay()
    doku.pay()
    messages = merchant.wait_for(2)
    receipts = {m.json["online_to_offline_payment"]["identifier"][2]["value"] for m in messages}
    assert len(receipts) == 2


def test_a_till_refuses_an_expired_code(doku: Client) -> None:
    code = doku.generate().code
    doku.advance(3600)
    assert refused(doku, {"payment_code": code}) == (409, f"Payment code {code} has expired.")


def test_a_till_can_be_forced(doku: Client, merchant: Merchant) -> None:
    doku.generate()
    doku.pay()
    doku.advance(3600)
    doku.pay(force=True, amount=5)
    messages = merchant.wait_for(2)
    assert messages[1].json["order"]["amount"] == 5
    assert [payment["amount"] for payment in doku.order()["payments"]] == [19_000, 5]


@pytest.mark.parametrize("status", ["EXPIRED", "REFUNDED", "SUCCESS"])
def test_a_till_respects_a_status_by_hand(doku: Client, status: str) -> None:
    doku.generate()
    doku.did("POST", "/orders/INV-1/status", {"status": status})
    assert refused(doku, {"invoice_number": "INV-1"})[0] == 409


def test_a_failed_try_can_be_repeated(doku: Client) -> None:
    doku.generate()
    doku.did("POST", "/orders/INV-1/status", {"status": "FAILED"})
    doku.pay()
    doku.advance(60)
    assert doku.status() == "SUCCESS"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"amount": 0}, "amount is whole rupiah"),
        ({"amount": 1.5}, "amount is whole rupiah"),
        ({"amount": True}, "amount is whole rupiah"),
        ({"force": 1}, "force is true or false"),
        ({"inquiry": "no"}, "inquiry is true or false"),
        ({"store_id": ""}, "store_id is text"),
        ({"receipt_number": "a\nb"}, "receipt_number is text"),
        ({"payment_code": "8123"}, "one of them"),
        ({"notify": "earthquake"}, "kind is one of"),
        ({"notify": "reset"}, "is a fault of"),
        ({"notify": 7}, "notify is"),
        ({"notify": {"kind": "lost", "times": 2}}, "notify is"),
        ({"tip": 100}, "no field 'tip'"),
    ],
)
def test_a_payment_that_makes_no_sense(doku: Client, more: dict[str, Any], sentence: str) -> None:
    doku.generate()
    status, error = refused(doku, {"invoice_number": "INV-1", **more})
    assert status == 400
    assert sentence in error
    assert doku.order()["payments"] == []


@pytest.mark.parametrize("code", ["", "12a4", "1" * 26, "١٢٣", 812])
def test_a_code_that_is_no_code(doku: Client, code: object) -> None:
    assert refused(doku, {"payment_code": code})[0] == 400


# --- everything else ---------------------------------------------------------------------------


def test_the_overview_shows_what_there_is(doku: Client, merchant: Merchant) -> None:
    about = doku.did("GET", "")
    assert about["url"] == doku.url
    assert about["channels"][0]["notification_url"] == merchant.url
    assert about["channels"][0]["inquiry_url"] == merchant.inquiry_url
    assert [
        [(own["digits"], own["type"], own["features"]) for own in channel["bins"]]
        for channel in about["channels"]
    ] == [
        [
            ("8", "general", ["dgpc"]),
            ("889955", "exclusive", ["dipc", "mgpc"]),
            ("70014", "direct", ["dipc", "mgpc"]),
        ],
        [("88899", "direct", ["dgpc"])],
    ]
    assert "POST /_control/pay" in about["routes"]
    assert SECRET_KEY not in str(about)


def test_the_clock_moves_both_ways(doku: Client) -> None:
    doku.generate()
    doku.advance(86_400)
    assert doku.status() == "EXPIRED"
    doku.advance(-86_400)
    assert doku.status() == "PENDING"


@pytest.mark.parametrize("seconds", ["1", None, True, 1e300, -1e11, 1e11])
def test_a_clock_has_limits(doku: Client, seconds: object) -> None:
    reply = doku.control("POST", "/clock", {"advance_seconds": seconds})
    assert reply.status == 400
    assert reply.json["error"]
    assert doku.did("GET", "/clock")["offset_seconds"] == 0


def test_orders_come_newest_first(doku: Client) -> None:
    for number in range(3):
        doku.generate(f"INV-{number}")
    listed = [order["invoice_number"] for order in doku.did("GET", "/orders?limit=2")["orders"]]
    assert listed == ["INV-2", "INV-1"]


def test_the_settlement_report_has_what_an_aggregator_s_codes_took_on_a_day(doku: Client) -> None:
    of_doku = doku.generate("INV-1", online_to_offline_info__reusable_status=True).code
    doku.generate("INV-2", path=INDOMARET)
    for receipt in ("R-1", None):
        doku.pay("INV-1", receipt_number=receipt)
    doku.pay("INV-2", receipt_number="R-3")
    answer = doku.control("GET", "/settlement")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    header, first, second, total = csv.reader(io.StringIO(answer.body.decode()))
    assert header[:3] == ["Transaction Date", "Order Number", "Channel"]
    assert first[1:] == [
        "INV-1", "alfa", f"'{of_doku}", "R-1", "19000", "5000", "14000", "SUCCESS",
    ]  # fmt: skip
    assert second[4] == ""
    assert total == ["TOTAL", "", "", "", "", "38000", "10000", "28000", ""]
    other_day = doku.control("GET", "/settlement?day=2021-01-24").body.decode()
    assert [row[0] for row in csv.reader(io.StringIO(other_day))][1:] == ["TOTAL"]
    assert doku.control("GET", "/settlement?day=x").status == 400


def test_the_settlement_report_has_the_columns_that_orders_were_given(doku: Client) -> None:
    for number, columns in (
        ("INV-1", {"shop": "one", "invoice": "A-1"}),
        ("INV-2", {}),
        ("INV-3", {"invoice": "C-3"}),
    ):
        report = [{"key": key, "value": value} for key, value in columns.items()]
        doku.generate(number, additional_info__report=report)
        doku.pay(number)
    text = doku.control("GET", "/settlement").body.decode()
    header, *rows = csv.reader(io.StringIO(text))
    assert header[-3:] == ["Status", "shop", "invoice"]
    assert [row[-2:] for row in rows] == [["one", "A-1"], ["", ""], ["", "C-3"], ["", ""]]
    assert {len(row) for row in rows} == {len(header)}


def test_what_the_till_took_comes_oldest_first_and_in_pages(doku: Client) -> None:
    codes = [
        doku.generate(f"INV-{number}", online_to_offline_info__reusable_status=True).code
        for number in range(2)
    ]
    for number in (0, 1, 0):
        doku.pay(f"INV-{number}", receipt_number=f"R-{number}", store_id="T123")
    first = doku.did("GET", "/payments?limit=2")["payments"]
    assert [(each["invoice_number"], each["receipt_number"]) for each in first] == [
        ("INV-0", "R-0"),
        ("INV-1", "R-1"),
    ]
    assert first[0]["payment_code"] == codes[0]
    assert (first[0]["amount"], first[0]["store_id"]) == (19_000, "T123")
    last = first[-1]["id"]
    (third,) = doku.did("GET", f"/payments?limit=2&after={last}")["payments"]
    assert third["invoice_number"] == "INV-0"
    assert doku.did("GET", f"/payments?after={third['id']}")["payments"] == []
    of_one = doku.did("GET", f"/payments?payment_code={codes[1]}")["payments"]
    assert [each["invoice_number"] for each in of_one] == ["INV-1"]
    assert doku.control("GET", "/payments?after=x").status == 400


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "99999999999", "²"])
def test_a_limit_has_limits(doku: Client, limit: str) -> None:
    path = f"/orders?limit={limit.replace('²', '%C2%B2')}"
    assert doku.control("GET", path).status == 400


def test_the_log_of_requests_holds_no_secret(doku: Client) -> None:
    doku.post(ALFA, generation("INV-1"), request_id="R-1")
    doku.post(ALFA, generation("INV-2"), request_id="R-2", secret_key="SK-OTHER")
    doku.get_status("INV-1")
    doku.send("GET", "/nowhere", {})
    reply = doku.control("GET", "/requests")
    logged = [
        (row["method"], row["operation"], row["invoice_number"], row["status"])
        for row in reply.json["requests"]
    ]
    assert logged == [
        ("GET", "other", None, 404),
        ("GET", "status", "INV-1", 200),
        ("POST", "generate", "INV-2", 401),
        ("POST", "generate", "INV-1", 200),
    ]
    for secret in (SECRET_KEY, "HMACSHA256", "Anton"):
        assert secret not in reply.body.decode()
    assert len(doku.did("GET", "/requests?invoice_number=INV-2")["requests"]) == 1


def test_reset_forgets_everything_but_the_settings(doku: Client, merchant: Merchant) -> None:
    doku.post(ALFA, generation(), request_id="R-1")
    doku.pay()
    merchant.wait_for(1)
    doku.add_fault("error_5xx", invoice_number="OTHER")
    doku.advance(100)
    doku.did("POST", "/reset")
    assert doku.did("GET", "/orders")["orders"] == []
    assert doku.did("GET", "/requests")["requests"] == []
    assert doku.did("GET", "/faults") == {"hanging": 0, "faults": []}
    assert doku.did("GET", "/clock")["offset_seconds"] == 100
    assert doku.post(ALFA, generation(), request_id="R-1").status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("GET", "/orders/NEVER", None, 404),
        ("GET", "/orders/NEVER/more/than/this", None, 404),
        ("DELETE", "/faults/x", None, 404),
        ("DELETE", "/faults/99999999999999999999", None, 404),
        ("PUT", "/pay", {}, 405),
        ("POST", "/pay", [], 400),
        ("POST", "/pay", None, 400),
        ("POST", "/orders/NEVER/status", {"status": "PAID"}, 400),
        ("POST", "/orders/NEVER/status", {"status": "FAILED"}, 404),
        ("POST", "/notify", {"invoice_number": "NEVER"}, 404),
        ("POST", "/notify", {}, 400),
        ("POST", "/notify", {"invoice_number": "NEVER", "notify": "none"}, 400),
        ("POST", "/notify", {"channel": "giro", "document": {}}, 400),
        ("POST", "/notify", {"channel": "alfa", "document": []}, 400),
        ("POST", "/notification-urls", {"alfa": "ftp://x"}, 400),
        ("POST", "/notification-urls", {"alfa": "http://[x"}, 400),
        ("POST", "/notification-urls", {"giro": "https://x/"}, 400),
        ("POST", "/inquiry-urls", {"alfa": "https://x/#a"}, 400),
        ("POST", "/inquiry-urls", {"giro": "https://x/"}, 400),
        ("GET", "/inquiries?limit=0", None, 400),
    ],
)
def test_errors_are_sentences(
    doku: Client, method: str, path: str, body: object, status: int
) -> None:
    reply = doku.control(method, path, body)
    assert reply.status == status
    assert reply.json["error"].endswith(".")


def test_pages_of_other_sites_can_not_drive_it(doku: Client) -> None:
    body = b'{"invoice_number": "INV-1"}'
    doku.generate()
    foreign = doku.send("POST", "/_control/pay", {"Origin": "https://evil.example"}, body)
    assert foreign.status == 403
    own = doku.send("POST", "/_control/pay", {"Origin": doku.url}, body)
    assert own.status == 200


# --- pages -------------------------------------------------------------------------------------


def test_the_cashier_page_loads_nothing_from_elsewhere(doku: Client) -> None:
    page = doku.send("GET", "/cashier", {})
    assert page.status == 200
    text = page.body.decode()
    assert "http://" not in text
    assert "https://" not in text
    assert not re.search(r"<[^>]+\s(src|href|style|on\w+)=", text)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; connect-src 'self'")
    assert policy.count("'sha256-") == 2
    assert doku.send("GET", "/", {}).headers["Location"] == "/cashier"
    assert doku.send("HEAD", "/cashier", {}).body == b""


# --- the wire ----------------------------------------------------------------------------------


def test_a_connection_is_kept_alive(doku: Client) -> None:
    connection = http.client.HTTPConnection(doku.address, timeout=DEADLINE)
    sockets = set()
    for _ in range(3):
        connection.request("GET", "/_control/clock")
        connection.getresponse().read()
        assert connection.sock is not None
        sockets.add(connection.sock.getsockname())
    connection.close()
    assert len(sockets) == 1


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("POST /x HTTP/1.1\r\nContent-Length: many\r\n", 400),
        ("POST /x HTTP/1.1\r\nContent-Length: -1\r\n", 400),
        ("POST /x HTTP/1.1\r\nContent-Length: 1048577\r\n", 413),
        (f"POST /x HTTP/1.1\r\nContent-Length: {'9' * 5000}\r\n", 413),
        ("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", 411),
        ("POST /x HTTP/9.9\r\n", 505),
        ("nonsense\r\n", 400),
        (f"GET /{'x' * 70_000} HTTP/1.1\r\n", 414),
        (f"GET /x HTTP/1.1\r\nLong: {'x' * 70_000}\r\n", 431),
    ],
    ids=lambda value: str(value)[:40],
)
def test_broken_http_gets_a_json_error(
    doku: Client, capfd: pytest.CaptureFixture[str], head: str, status: int
) -> None:
    host, port = doku.address.split(":")
    with socket.create_connection((host, int(port)), timeout=DEADLINE) as connection:
        connection.sendall(head.encode() + b"Host: x\r\n\r\n")
        came = b""
        while b"\r\n\r\n" not in came or not came.endswith(b"}"):
            more = connection.recv(65536)
            assert more, came
            came += more
    assert came.startswith(f"HTTP/1.1 {status} ".encode())
    assert b'{"message":' in came
    assert capfd.readouterr().err == ""


def test_a_client_that_leaves_in_the_middle_leaves_no_trace(
    doku: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    host, port = doku.address.split(":")
    with socket.create_connection((host, int(port)), timeout=DEADLINE) as connection:
        connection.sendall(f"POST {ALFA} HTTP/1.1\r\nContent-Length: 100\r\n\r\n{{".encode())
    doku.generate()
    assert capfd.readouterr().err == ""


def test_many_clients_at_once(doku: Client) -> None:
    with ThreadPoolExecutor(40) as pool:
        same = list(pool.map(lambda _: doku.post(ALFA, generation(), request_id="R"), range(40)))
    assert sorted(reply.status for reply in same) == [200] + [409] * 39
    assert len({reply.body for reply in same}) == 1
