"""Codes that live at the merchant (DIPC): asked about, shown, paid."""

import base64
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from simulator import Bin, Simulator, SimulatorConfig
from tests.simulator.support import (
    CLIENT_ID,
    DEADLINE,
    Client,
    Json,
    Merchant,
    Reaction,
    sign,
    signed_text,
)

CODE = "8899551234567812"
PAYABLE = ("INV-DIPC-1", 15_000)


@pytest.fixture
def bills(merchant: Merchant) -> dict[str, str | tuple[str, int]]:
    """A code that can be paid."""
    merchant.bills[CODE] = PAYABLE
    return merchant.bills


def refused(doku: Client, **body: Any) -> tuple[int, Json]:
    reply = doku.control("POST", "/pay", body)
    return reply.status, reply.json


@pytest.mark.usefixtures("bills")
def test_the_exact_bytes_of_an_inquiry(doku: Client, merchant: Merchant) -> None:
    shown = doku.inquire(CODE)["inquiry"]
    (message,) = merchant.inquiries
    assert (
        message.body.decode()
        == f"""{{
  "service": {{
    "id": "ONLINE_TO_OFFLINE"
  }},
  "acquirer": {{
    "id": "ALFA"
  }},
  "channel": {{
    "id": "ONLINE_TO_OFFLINE_ALFA"
  }},
  "online_to_offline_info": {{
    "payment_code": "{CODE}"
  }},
  "online_to_offline_inquiry": {{
    "date": "{shown["at"]}",
    "identifier": []
  }}
}}"""
    )
    assert message.path == "/v1/doku/inquiries"
    assert message.is_genuine
    assert message.headers["Content-Type"] == "application/json"
    assert message.headers["Request-Id"] == shown["request_id"]
    assert "Request-Target" not in message.headers


@pytest.mark.usefixtures("bills")
def test_a_till_shows_the_merchants_answer(doku: Client, merchant: Merchant) -> None:
    shown = doku.inquire(CODE)
    inquiry = shown.pop("inquiry")
    assert shown == {
        "channel": "alfa",
        "store": "Alfa Group",
        "feature": "dipc",
        "payment_code": CODE,
        "invoice_number": "INV-DIPC-1",
        "amount": 15_000,
        "customer_name": "Anton Budiman",
        "info": "Online Shopping Store",
        "expires_at": None,
        "payable": True,
        "reason": None,
        "reason_id": None,
    }
    assert (inquiry["status"], inquiry["http_status"]) == ("success", 200)
    assert (inquiry["problem"], inquiry["fault"]) == (None, None)
    assert inquiry["url"] == merchant.inquiry_url
    assert 0 <= inquiry["latency_ms"] < 5000
    assert doku.get_status("INV-DIPC-1").status == 404
    assert doku.did("GET", "/orders")["orders"] == []


@pytest.mark.parametrize(
    ("status", "http_status", "english", "indonesian", "pay_status"),
    [
        ("billing_not_found", 404, "is unknown", "tidak dikenal", 404),
        ("billing_already_paid", 400, "has already been paid", "sudah dibayar", 409),
        ("billing_was_expired", 400, "has expired", "sudah kedaluwarsa", 409),
        ("decline", 400, "declined", "ditolak", 409),
        ("invalid_signature", 401, "refused the signature", "menolak tanda tangan", 409),
    ],
)
def test_every_other_answer_has_its_words(
    doku: Client,
    bills: dict[str, Any],
    status: str,
    http_status: int,
    english: str,
    indonesian: str,
    pay_status: int,
) -> None:
    bills[CODE] = status
    shown = doku.inquire(CODE)
    assert shown["payable"] is False
    assert english in shown["reason"]
    assert indonesian in shown["reason_id"]
    assert (shown["inquiry"]["status"], shown["inquiry"]["http_status"]) == (status, http_status)
    assert shown["inquiry"]["problem"] is None
    answered, error = refused(doku, payment_code=CODE)
    assert (answered, error["error"], error["error_id"]) == (
        pay_status,
        shown["reason"],
        shown["reason_id"],
    )
    assert error["inquiry"]["status"] == status
    assert doku.did("GET", "/orders")["orders"] == []


# --- paying ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("bills")
def test_paying_asks_then_pays_exactly_that(doku: Client, merchant: Merchant) -> None:
    paid = doku.did("POST", "/pay", {"payment_code": CODE, "receipt_number": "77"})
    assert (paid["invoice_number"], paid["amount"]) == PAYABLE
    assert (paid["feature"], paid["store"]) == ("dipc", "Alfa Group")
    assert paid["inquiry"]["status"] == "success"
    assert len(merchant.inquiries) == 1
    (message,) = merchant.wait_for(1)
    assert message.is_genuine
    assert message.json["order"] == {"invoice_number": "INV-DIPC-1", "amount": 15_000.0}
    assert message.json["online_to_offline_info"] == {"payment_code": CODE}
    assert message.json["transaction"]["original_request_id"] == paid["inquiry"]["request_id"]

    assert doku.status("INV-DIPC-1") == "PENDING"
    doku.advance(60)
    reply = doku.get_status("INV-DIPC-1")
    assert reply.json["transaction"]["status"] == "SUCCESS"
    assert reply.json["order"] == {"invoice_number": "INV-DIPC-1", "amount": 15_000}
    assert reply.json["online_to_offline_info"].keys() == {"created_date"}
    order = doku.order("INV-DIPC-1")
    assert (order["feature"], order["expires_at"]) == ("dipc", None)
    doku.advance(10_000_000)
    assert doku.status("INV-DIPC-1") == "SUCCESS"


@pytest.mark.usefixtures("bills")
def test_a_reusable_code_keeps_its_invoice_number(doku: Client, merchant: Merchant) -> None:
    receipts = {
        doku.did("POST", "/pay", {"payment_code": CODE})["receipt_number"] for _ in range(3)
    }
    assert len(receipts) == 3
    assert len(merchant.inquiries) == 3
    assert {m.invoice_number for m in merchant.wait_for(3)} == {"INV-DIPC-1"}
    assert len(doku.order("INV-DIPC-1")["payments"]) == 3


@pytest.mark.parametrize("ended", ["billing_was_expired", "decline", "billing_already_paid"])
@pytest.mark.parametrize("how", [{"inquiry": False}, {"force": True}], ids=["inquiry", "force"])
@pytest.mark.parametrize(
    "which", [{"payment_code": CODE}, {"invoice_number": "INV-DIPC-1"}], ids=["code", "number"]
)
def test_a_payment_that_follows_an_old_inquiry(
    doku: Client,
    merchant: Merchant,
    bills: dict[str, Any],
    ended: str,
    how: dict[str, bool],
    which: dict[str, str],
) -> None:
    doku.inquire(CODE)
    bills[CODE] = ended
    assert doku.inquire(CODE)["payable"] is False
    paid = doku.did("POST", "/pay", {**which, **how})
    assert (paid["invoice_number"], paid["amount"]) == PAYABLE
    assert len(merchant.inquiries) == 2
    merchant.wait_for(1)


@pytest.mark.usefixtures("bills")
def test_no_inquiry_to_follow(doku: Client, merchant: Merchant) -> None:
    status, error = refused(doku, payment_code=CODE, inquiry=False)
    assert status == 409
    assert "No inquiry of payment code" in error["error"]
    assert refused(doku, invoice_number="INV-DIPC-1")[0] == 404
    assert merchant.inquiries == []


def test_paying_by_invoice_number_asks_again(
    doku: Client, merchant: Merchant, bills: dict[str, Any]
) -> None:
    doku.inquire(CODE)
    doku.pay("INV-DIPC-1")
    assert len(merchant.inquiries) == 2
    bills[CODE] = ("INV-DIPC-2", 20_000)
    status, error = refused(doku, invoice_number="INV-DIPC-1")
    assert (status, error["error"]) == (
        409,
        f"Payment code {CODE} belongs to 'INV-DIPC-2' now.",
    )


@pytest.mark.usefixtures("bills")
def test_another_amount_than_answered(doku: Client, merchant: Merchant) -> None:
    doku.did("POST", "/pay", {"payment_code": CODE, "amount": 14_999})
    (message,) = merchant.wait_for(1)
    assert message.json["order"]["amount"] == 14_999


def test_two_tills_at_once(doku: Client, merchant: Merchant, bills: dict[str, Any]) -> None:
    def answered_together(reaction: Reaction) -> None:
        together.wait(DEADLINE)

    together = threading.Barrier(2)
    merchant.react = answered_together
    body = {"payment_code": CODE}
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: doku.did("POST", "/pay", body), range(2)))
    assert len(doku.order("INV-DIPC-1")["payments"]) == 2
    merchant.wait_for(2)


# --- who is asked ------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["8899550", "889955" + "9" * 14, "700141", "70014" + "9" * 20])
def test_codes_under_every_bin_of_direct_inquiry(
    doku: Client, merchant: Merchant, code: str
) -> None:
    merchant.bills[code] = PAYABLE
    assert doku.inquire(code)["payable"] is True


@pytest.mark.parametrize(
    "code", ["889955", "889955" + "9" * 15, "8123456789012345", "8889912345678901", "1234"]
)
def test_codes_that_nobody_is_asked_about(doku: Client, merchant: Merchant, code: str) -> None:
    reply = doku.control("POST", "/inquiry", {"payment_code": code})
    assert (reply.status, reply.json) == (
        404,
        {
            "error": f"Payment code {code} is unknown.",
            "error_id": f"Kode pembayaran {code} tidak dikenal.",
        },
    )
    assert merchant.inquiries == []


@pytest.mark.usefixtures("bills")
def test_a_registered_code_is_dokus_own_while_it_lives(doku: Client, merchant: Merchant) -> None:
    doku.register(CODE, "INV-MGPC")
    assert doku.inquire(CODE)["feature"] == "mgpc"
    assert merchant.inquiries == []
    doku.advance(3600)
    shown = doku.inquire(CODE)
    assert (shown["feature"], shown["invoice_number"]) == ("dipc", "INV-DIPC-1")
    assert doku.did("POST", "/pay", {"payment_code": CODE})["invoice_number"] == "INV-DIPC-1"
    assert doku.pay("INV-MGPC", force=True)["invoice_number"] == "INV-MGPC"


def test_a_bin_can_be_without_direct_inquiry(config: SimulatorConfig, merchant: Merchant) -> None:
    bins = (Bin(channel="alfa", type="exclusive", digits="889955", features=frozenset({"mgpc"})),)
    with Simulator(replace(config, bins=bins)) as simulator:
        doku = Client(simulator.url)
        assert doku.control("POST", "/inquiry", {"payment_code": CODE}).status == 404
    assert merchant.inquiries == []


def test_without_an_inquiry_url(config: SimulatorConfig, merchant: Merchant) -> None:
    with Simulator(replace(config, inquiry_urls={})) as simulator:
        doku = Client(simulator.url)
        shown = doku.inquire(CODE)
        assert shown["payable"] is False
        assert shown["reason"] == "No inquiry URL is configured."
        assert shown["inquiry"]["http_status"] is None
        doku.register(CODE, "INV-1")
        doku.advance(3600)
        assert doku.inquire(CODE)["reason"] == f"Payment code {CODE} has expired."
        merchant.bills[CODE] = "decline"
        urls = doku.did("POST", "/inquiry-urls", {"alfa": merchant.inquiry_url})
        assert urls == {"alfa": merchant.inquiry_url, "indomaret": None}
        assert doku.inquire(CODE)["inquiry"]["status"] == "decline"


# --- answers that DOKU refuses -------------------------------------------------------------------


def _set(**values: Any) -> Callable[[Reaction], None]:
    def change(reaction: Reaction) -> None:
        for name, value in values.items():
            setattr(reaction, name, value)

    return change


def _put(path: str, value: object) -> Callable[[Reaction], None]:
    def change(reaction: Reaction) -> None:
        *parents, last = path.split(".")
        place = reaction.document
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value

    return change


@pytest.mark.parametrize(
    ("react", "problem"),
    [
        (_set(secret_key="SK-OTHER"), "its signature is wrong"),
        (_set(target="/doku/inquiries"), "its signature is wrong"),
        (_set(sent=b"{}"), "its signature is wrong"),
        (_set(headers={"Signature": None}), "header Signature is missing"),
        (_set(headers={"Client-Id": None}), "header Client-Id is missing"),
        (_set(headers={"Client-Id": "MCH-OTHER"}), "Client-Id is another one"),
        (_set(headers={"Request-Id": "R-OTHER"}), "Request-Id is not that of the inquiry"),
        (_set(headers={"Response-Timestamp": "2021-01-24T08:30:00+00:00"}), "not of the form"),
        (_set(headers={"Response-Timestamp": "2021-01-24T08:30:00Z"}), "3600 s away"),
        (_set(body=b"[]"), "not a JSON object"),
        (_set(body=b"sorry"), "not JSON"),
        (_set(body=b'{"x": "' + b"y" * 70_000 + b'"}'), "too long"),
        (_set(length=100_000), "breaks off"),
        (_set(status=400), "success goes with HTTP 200, not 400"),
        (_set(status=302), "success goes with HTTP 200, not 302"),
        (_put("online_to_offline_inquiry.status", "fine"), "none that DOKU knows"),
        (_put("online_to_offline_inquiry.status", None), "none that DOKU knows"),
        (_put("online_to_offline_inquiry", "success"), "is not an object"),
        (_put("online_to_offline_info.payment_code", None), "payment_code is not that of"),
        (_put("online_to_offline_info.payment_code", "889955"), "payment_code is not that of"),
        (_put("online_to_offline_info.info1", "i" * 31), "info1 is not text of at most 30"),
        (_put("order.invoice_number", None), "order.invoice_number is not text"),
        (_put("order.invoice_number", " "), "order.invoice_number is blank"),
        (_put("order.amount", None), "order.amount is not whole rupiah"),
        (_put("order.amount", 0), "order.amount is not whole rupiah"),
        (_put("order.amount", "15000"), "order.amount is not whole rupiah"),
        (_put("order.amount", 15_000.5), "order.amount is not whole rupiah"),
        (_put("customer.name", None), "customer.name is not text"),
    ],
)
@pytest.mark.usefixtures("bills")
def test_an_answer_that_is_refused(
    doku: Client, merchant: Merchant, react: Callable[[Reaction], None], problem: str
) -> None:
    merchant.react = react
    shown = doku.inquire(CODE)
    assert shown["payable"] is False
    assert problem in shown["inquiry"]["problem"]
    assert problem in shown["reason"]
    assert shown["reason"].startswith("The merchant's answer is refused: ")
    assert shown["reason_id"] == "Jawaban pedagang tidak bisa dipakai."
    assert refused(doku, payment_code=CODE)[0] == 409
    assert doku.did("GET", "/orders")["orders"] == []


def test_a_refusal_has_to_be_signed_too(
    doku: Client, merchant: Merchant, bills: dict[str, Any]
) -> None:
    bills[CODE] = "billing_not_found"
    merchant.react = _set(secret_key="SK-OTHER")
    inquiry = doku.inquire(CODE)["inquiry"]
    assert (inquiry["status"], inquiry["http_status"]) == (None, 404)
    assert "signature is wrong" in inquiry["problem"]


# --- one live code, one invoice number -----------------------------------------------------------


def test_an_invoice_number_that_changes_is_refused(
    doku: Client, merchant: Merchant, bills: dict[str, Any]
) -> None:
    doku.inquire(CODE)
    bills[CODE] = ("INV-DIPC-2", 15_000)
    for _ in range(2):
        shown = doku.inquire(CODE)
        assert shown["payable"] is False
        assert shown["inquiry"]["problem"].endswith(
            "its invoice number was INV-DIPC-1 and is INV-DIPC-2"
        )
    assert refused(doku, payment_code=CODE)[0] == 409
    bills[CODE] = ("INV-DIPC-1", 16_000)
    assert doku.inquire(CODE)["payable"] is True


@pytest.mark.parametrize("why", ["paid", "declined", "long ago"])
def test_digits_may_serve_another_order_later(
    doku: Client, bills: dict[str, Any], why: str
) -> None:
    doku.inquire(CODE)
    if why == "paid":
        doku.did("POST", "/pay", {"payment_code": CODE, "inquiry": False})
    elif why == "declined":
        bills[CODE] = "decline"
        doku.inquire(CODE)
    else:
        doku.advance(301)
    bills[CODE] = ("INV-DIPC-2", 15_000)
    assert doku.inquire(CODE)["invoice_number"] == "INV-DIPC-2"
    paid = doku.did("POST", "/pay", {"payment_code": CODE})
    assert (paid["invoice_number"], paid["inquiry"]["problem"]) == ("INV-DIPC-2", None)


def test_an_invoice_number_of_another_order_is_refused(doku: Client, bills: dict[str, Any]) -> None:
    code = doku.generate("INV-1").code
    bills[CODE] = ("INV-1", 15_000)
    problem = doku.inquire(CODE)["inquiry"]["problem"]
    assert problem.endswith(f"INV-1 is the invoice number of {code}")


def test_an_order_that_came_in_between(doku: Client, bills: dict[str, Any]) -> None:
    doku.inquire(CODE)
    code = doku.generate("INV-DIPC-1").code
    status, error = refused(doku, payment_code=CODE, inquiry=False)
    assert (status, error["error"]) == (
        409,
        f"INV-DIPC-1 is the invoice number of payment code {code}.",
    )
    assert doku.order("INV-DIPC-1")["payments"] == []


# --- a merchant that does not answer -------------------------------------------------------------


def test_a_merchant_that_is_slow(config: SimulatorConfig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/hook"
        slow = replace(config, inquiry_timeout_seconds=0.05, inquiry_urls={"alfa": url})
        with Simulator(slow) as simulator:
            shown = Client(simulator.url).inquire(CODE)
    assert shown["reason"] == "No answer within 0.05 s."
    assert shown["reason_id"] == "Pedagang tidak menjawab. Silakan coba lagi."
    assert shown["inquiry"]["http_status"] is None


def test_a_merchant_that_drips(config: SimulatorConfig) -> None:
    """The time is for the whole answer: bytes that keep coming do not prolong it."""
    done = threading.Event()

    def drip() -> None:
        connection, _ = deaf.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
            while not done.wait(0.02):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/hook"
        thread = threading.Thread(target=drip)
        thread.start()
        slow = replace(config, inquiry_timeout_seconds=0.3, inquiry_urls={"alfa": url})
        with Simulator(slow) as simulator:
            shown = Client(simulator.url).inquire(CODE)
        done.set()
        thread.join()
    assert shown["reason"] == "No answer within 0.3 s."


def test_a_merchant_that_is_not_there(config: SimulatorConfig) -> None:
    with Merchant() as gone:
        url = gone.inquiry_url
    with Simulator(replace(config, inquiry_urls={"alfa": url})) as simulator:
        doku = Client(simulator.url)
        shown = doku.inquire(CODE)
        assert shown["reason"].startswith("Not reached: ")
        assert refused(doku, payment_code=CODE)[0] == 409


def test_a_stop_does_not_wait_for_the_merchant(config: SimulatorConfig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/hook"
        patient = replace(config, inquiry_timeout_seconds=600, inquiry_urls={"alfa": url})
        with Simulator(patient) as simulator:
            asking = threading.Thread(target=_ask_in_vain, args=(Client(simulator.url),))
            asking.start()
            connection, _ = deaf.accept()
        with connection:
            asking.join(DEADLINE)
            assert not asking.is_alive()


def _ask_in_vain(doku: Client) -> None:
    """Ask a simulator that ends meanwhile."""
    with suppress(OSError):
        doku.control("POST", "/inquiry", {"payment_code": CODE})


# --- spoiled inquiries ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    ["wrong_signature", "wrong_key", "foreign_client_id", "missing_header", "tampered"],
)
@pytest.mark.usefixtures("bills")
def test_an_inquiry_that_is_not_genuine(doku: Client, merchant: Merchant, kind: str) -> None:
    doku.add_fault(kind, operation="inquiry")
    shown = doku.inquire(CODE)
    (message,) = merchant.inquiries
    assert not message.is_genuine
    assert shown["payable"] is False
    inquiry = shown["inquiry"]
    assert (inquiry["fault"], inquiry["problem"]) == (kind, None)
    assert (inquiry["status"], inquiry["http_status"]) == ("invalid_signature", 401)
    assert doku.inquire(CODE)["payable"] is True
    assert merchant.inquiries[1].is_genuine


@pytest.mark.usefixtures("bills")
def test_what_is_wrong_with_them(doku: Client, merchant: Merchant) -> None:
    for kind in ("wrong_signature", "foreign_client_id", "tampered"):
        doku.add_fault(kind, operation="inquiry")
        doku.inquire(CODE)
    random, foreign, tampered = merchant.inquiries
    scheme, _, value = random.headers["Signature"].partition("=")
    assert (scheme, len(base64.b64decode(value))) == ("HMACSHA256", 32)
    assert foreign.headers["Client-Id"] == "MCH-FOREIGN-0001"
    text = signed_text(foreign.headers, foreign.path, foreign.body)
    assert foreign.headers["Signature"] == sign(text)
    assert tampered.headers["Client-Id"] == CLIENT_ID
    assert tampered.json["online_to_offline_info"]["payment_code"] != CODE
    assert len(tampered.body) == len(random.body)


@pytest.mark.parametrize("header", ["Client-Id", "Request-Id", "Request-Timestamp", "Signature"])
@pytest.mark.usefixtures("bills")
def test_an_inquiry_without_a_header(doku: Client, merchant: Merchant, header: str) -> None:
    doku.add_fault("missing_header", operation="inquiry", header=header)
    inquiry = doku.inquire(CODE)["inquiry"]
    assert header not in merchant.inquiries[0].headers
    assert (inquiry["status"], inquiry["problem"]) == ("invalid_signature", None)


@pytest.mark.usefixtures("bills")
def test_an_inquiry_of_the_wrong_channel(doku: Client, merchant: Merchant) -> None:
    doku.add_fault("wrong_channel")
    doku.inquire(CODE)
    (message,) = merchant.inquiries
    assert message.is_genuine
    assert message.json["acquirer"] == {"id": "INDOMARET"}
    assert message.json["channel"] == {"id": "ONLINE_TO_OFFLINE_INDOMARET"}
    assert message.json["online_to_offline_info"] == {"payment_code": CODE}


@pytest.mark.usefixtures("bills")
def test_dates_of_an_inquiry(doku: Client, merchant: Merchant) -> None:
    doku.add_fault("late_date")
    doku.add_fault("late_date", seconds=86_400, timestamp=True)
    doku.add_fault("compact_date")
    asked = [doku.inquire(CODE)["inquiry"]["at"] for _ in range(3)]
    instants = [datetime.fromisoformat(text) for text in asked]
    dates = [m.json["online_to_offline_inquiry"]["date"] for m in merchant.inquiries]
    stamps = [datetime.fromisoformat(m.headers["Request-Timestamp"]) for m in merchant.inquiries]
    assert datetime.fromisoformat(dates[0]) == instants[0] - timedelta(hours=2)
    assert datetime.fromisoformat(dates[1]) == instants[1] - timedelta(days=1)
    assert dates[2] == (instants[2] + timedelta(hours=7)).strftime("%Y%m%d%H%M%S")
    expected = [instants[0], instants[1] - timedelta(days=1), instants[2]]
    ahead = [stamp - instant for stamp, instant in zip(stamps, expected, strict=True)]
    assert all(timedelta(0) <= each < timedelta(hours=1) for each in ahead)
    assert all(message.is_genuine for message in merchant.inquiries)


@pytest.mark.usefixtures("bills")
def test_an_inquiry_with_broken_json(doku: Client, merchant: Merchant) -> None:
    doku.inquire(CODE)
    doku.add_fault("broken_json", operation="inquiry", invoice_number="OTHER")
    doku.add_fault("broken_json", operation="inquiry", invoice_number="INV-DIPC-1")
    merchant.bills = {}
    reply = doku.control("POST", "/inquiry", {"payment_code": CODE})
    assert reply.json["inquiry"]["fault"] == "broken_json"
    message = merchant.inquiries[1]
    assert message.is_genuine
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        _ = message.json


@pytest.mark.usefixtures("bills")
def test_faults_of_other_operations_do_not_meet_inquiries(doku: Client) -> None:
    doku.add_fault("hang_after_accept")
    doku.add_fault("lost")
    doku.add_fault("tampered", operation="notify")
    assert doku.inquire(CODE)["inquiry"]["fault"] is None
    assert [fault["remaining"] for fault in doku.did("GET", "/faults")["faults"]] == [1, 1, 1]


# --- what is kept --------------------------------------------------------------------------------


def test_inquiries_are_listed_newest_first(doku: Client, bills: dict[str, Any]) -> None:
    other = CODE + "9"
    doku.inquire(CODE)
    doku.inquire(other)
    listed = doku.did("GET", "/inquiries")["inquiries"]
    assert [(row["payment_code"], row["status"]) for row in listed] == [
        (other, "billing_not_found"),
        (CODE, "success"),
    ]
    only = doku.did("GET", f"/inquiries?payment_code={CODE}&limit=1")["inquiries"]
    assert only == listed[1:]
    doku.did("POST", "/reset")
    assert doku.did("GET", "/inquiries")["inquiries"] == []


def test_inquiries_survive_a_restart(
    config: SimulatorConfig, merchant: Merchant, tmp_path: Any
) -> None:
    kept = replace(config, database=tmp_path / "doku.sqlite")
    merchant.bills[CODE] = PAYABLE
    with Simulator(kept) as simulator:
        Client(simulator.url).inquire(CODE)
        simulator.set_inquiry_url("indomaret", "http://127.0.0.1:1/x")
    merchant.bills.clear()
    with Simulator(kept) as simulator:
        doku = Client(simulator.url)
        assert doku.did("GET", "/inquiry-urls")["indomaret"] == "http://127.0.0.1:1/x"
        paid = doku.did("POST", "/pay", {"payment_code": CODE, "inquiry": False})
    assert paid["invoice_number"] == "INV-DIPC-1"
