"""DOKU's routes: what is checked, in which order, and what is answered."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from simulator import Simulator, SimulatorConfig
from tests.simulator.support import (
    ALFA,
    INDOMARET,
    STATUS,
    Client,
    Reply,
    generation,
    timestamp,
)


def error_code(reply: Reply) -> str:
    return str(reply.json["error"]["code"])


# --- the order of the checks -------------------------------------------------------------------


@pytest.mark.parametrize("last", range(4))
def test_each_header_is_asked_for_in_dokus_order(doku: Client, last: int) -> None:
    names = ["Client-Id", "Request-Id", "Request-Timestamp", "Signature"]
    body = b"no JSON"
    headers = doku.headers(ALFA, body, client_id="MCH-OTHER", at="never")
    for name in names[last:]:
        del headers[name]
    reply = doku.send("POST", ALFA, headers, body)
    assert reply.status == 400
    assert reply.json == {
        "error": {
            "code": "invalid_header_request",
            "message": f"Header {names[last]} is required",
            "type": "invalid_request_error",
        }
    }
    assert "Signature" not in reply.headers


def test_timestamp_then_client_then_signature_then_body(doku: Client) -> None:
    body = b"no JSON"
    stranger = {"client_id": "MCH-OTHER", "secret_key": "SK-OTHER"}
    late = doku.post(ALFA, body, at=timestamp(-3700), **stranger)
    assert (late.status, error_code(late)) == (400, "request_time_out_of_range")
    client = doku.post(ALFA, body, **stranger)
    assert (client.status, error_code(client)) == (401, "invalid_client_id")
    assert "Signature" not in client.headers
    key = doku.post(ALFA, body, secret_key="SK-OTHER")
    assert (key.status, error_code(key)) == (401, "invalid_signature")
    assert key.is_signed
    json_error = doku.post(ALFA, body)
    assert (json_error.status, json_error.json) == (400, {"message": "Invalid JSON Format"})
    assert json_error.is_signed


@pytest.mark.parametrize(
    ("offset", "status"), [(-3590, 200), (3590, 200), (-3610, 400), (3610, 400)]
)
def test_timestamps_an_hour_away_are_refused(doku: Client, offset: int, status: int) -> None:
    assert doku.post(ALFA, generation(), at=timestamp(offset)).status == status


@pytest.mark.parametrize(
    "text", ["2021-02-31T00:00:00Z", "2021-02-01T00:00:00+07:00", "2021-02-01T00:00:00.000Z", "x"]
)
def test_timestamps_of_another_form_are_refused(doku: Client, text: str) -> None:
    assert error_code(doku.post(ALFA, generation(), at=text)) == "invalid_header_request"


def test_a_request_id_has_at_most_128_characters(doku: Client) -> None:
    assert doku.post(ALFA, generation("A"), request_id="r" * 128).status == 200
    refused = doku.post(ALFA, generation("B"), request_id="r" * 129)
    assert error_code(refused) == "invalid_header_request"


def test_the_signature_covers_path_and_body(doku: Client) -> None:
    body = json.dumps(generation()).encode()
    headers = doku.headers(ALFA, body)
    assert doku.send("POST", INDOMARET, headers, body).status == 401
    assert doku.send("POST", ALFA, headers, body.replace(b"19000", b"19001")).status == 401
    assert doku.send("POST", ALFA, headers, body).status == 200


def test_the_digest_of_nothing_is_refused_on_a_status_check(doku: Client) -> None:
    doku.generate()
    path = STATUS + "INV-1"
    refused = doku.send("GET", path, doku.headers(path, b""))
    assert error_code(refused) == "invalid_signature"


@pytest.mark.parametrize("status", [400, 401])
def test_credential_errors_have_a_configured_status(config: SimulatorConfig, status: int) -> None:
    with Simulator(replace(config, credentials_error_status=status)) as simulator:
        assert Client(simulator.url).post(ALFA, {}, secret_key="SK-OTHER").status == status


# --- making a code -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "channel", "start"), [(ALFA, "alfa", "8"), (INDOMARET, "indomaret", "88899")]
)
def test_a_code(doku: Client, path: str, channel: str, start: str) -> None:
    doku.advance(86_400)
    reply = doku.post(path, generation(online_to_offline_info__expired_time=90))
    assert reply.status == 200
    assert reply.is_signed
    assert reply.json["order"] == {"invoice_number": "INV-1"}
    info = reply.json["online_to_offline_info"]
    code = info["payment_code"]
    assert len(code) == 16
    assert code.isdigit()
    assert code.startswith(start)
    created = datetime.fromisoformat(info["created_date_utc"])
    expires = datetime.fromisoformat(info["expired_date_utc"])
    assert expires - created == timedelta(minutes=90)
    for compact, utc in (("created_date", created), ("expired_date", expires)):
        assert info[compact] == (utc + timedelta(hours=7)).strftime("%Y%m%d%H%M%S")
    page = doku.send("GET", info["how_to_pay_page"].removeprefix(doku.url), {})
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert code[:4] in page.body.decode()
    assert "Rp19.000" in page.body.decode()
    api = doku.send("GET", info["how_to_pay_api"].removeprefix(doku.url), {})
    assert how_to_pay(api, code) == "id"
    address = info["how_to_pay_api"].removeprefix(doku.url)
    assert how_to_pay(doku.send("GET", address, {"Accept-Language": "en-GB"}), code) == "en"
    assert doku.order()["channel"] == channel


def how_to_pay(reply: Reply, code: str) -> str:
    """Check the shape of the How-To-Pay API; its language."""
    assert reply.status == 200
    assert reply.json.keys() == {"payment_instruction"}
    (instruction,) = reply.json["payment_instruction"]
    assert instruction.keys() == {"channel", "step"}
    assert instruction["channel"] in {"Alfa Group", "Indomaret"}
    assert len(instruction["step"]) == 5
    assert sum(code in step for step in instruction["step"]) == 1
    language = reply.headers["Content-Language"]
    assert ("cashier" in instruction["step"][1]) == (language == "en")
    return language


def test_optional_fields_have_defaults(doku: Client) -> None:
    body = {"order": {"invoice_number": "INV-1", "amount": 1}, "customer": {"name": "Ani"}}
    info = doku.post(ALFA, body).json["online_to_offline_info"]
    made, ends = info["created_date_utc"], info["expired_date_utc"]
    assert datetime.fromisoformat(ends) - datetime.fromisoformat(made) == timedelta(hours=1)
    assert doku.order()["reusable"] is False


@pytest.mark.parametrize(
    ("path", "own"),
    [
        (ALFA, {"alfa_info": {"receipt": {"footer_message": "Call Center"}}}),
        (INDOMARET, {"indomaret_info": {"receipt": {"description": "Pulsa"}}}),
        (INDOMARET, {"indomaret_info": {"receipt": {"footer_message": "Call Center"}}}),
        (ALFA, {"additional_info": {"anything": 1}}),
    ],
)
def test_each_channel_takes_its_own_fields(doku: Client, path: str, own: dict[str, Any]) -> None:
    assert doku.post(path, {**generation(), **own}).status == 200


@pytest.mark.parametrize(
    ("path", "own"),
    [
        (INDOMARET, {"alfa_info": {"receipt": {"footer_message": "Call Center"}}}),
        (ALFA, {"indomaret_info": {"receipt": {"footer_message": "Call Center"}}}),
        (ALFA, {"alfa_info": {"receipt": {"description": "Pulsa"}}}),
        (ALFA, {"surprise": 1}),
        (ALFA, {"order": {"invoice_number": "I", "amount": 1, "currency": "IDR"}}),
        (ALFA, {"online_to_offline_info": {"payment_code": "8123"}}),
        (ALFA, {"customer": "Ani"}),
    ],
)
def test_strictly_unknown_fields_break_the_json_format(
    strict: Client, path: str, own: dict[str, Any]
) -> None:
    reply = strict.post(path, {**generation(), **own})
    assert (reply.status, reply.json) == (400, {"message": "Invalid JSON Format"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"text"',
        b"{",
        b"\xff",
        b'{"order": NaN}',
        b'{"order": {"invoice_number": "\\ud800", "amount": 1}}',
        b'{"order":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"order":' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"order": {"amount": ' + b"9" * 5000 + b"}}",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_bytes_that_are_no_json_object(doku: Client, body: bytes) -> None:
    reply = doku.post(ALFA, body)
    assert (reply.status, reply.json) == (400, {"message": "Invalid JSON Format"})


@pytest.mark.parametrize(
    ("change", "value", "field"),
    [
        ("order__invoice_number", None, "order.invoice_number"),
        ("order__invoice_number", "", "order.invoice_number"),
        ("order__invoice_number", "I" * 65, "order.invoice_number"),
        ("order__invoice_number", 7, "order.invoice_number"),
        ("order__amount", None, "order.amount"),
        ("order__amount", 0, "order.amount"),
        ("order__amount", -1, "order.amount"),
        ("order__amount", 10**12, "order.amount"),
        ("order__amount", 19_000.5, "order.amount"),
        ("order__amount", "19000.50", "order.amount"),
        ("order__amount", "19,000", "order.amount"),
        ("order__amount", "-19000", "order.amount"),
        ("order__amount", "1" * 13, "order.amount"),
        ("order__amount", "٣", "order.amount"),
        ("order__amount", 1e300, "order.amount"),
        ("order__amount", True, "order.amount"),
        ("online_to_offline_info__expired_time", 0, "online_to_offline_info.expired_time"),
        ("online_to_offline_info__expired_time", 10**8, "online_to_offline_info.expired_time"),
        ("online_to_offline_info__reusable_status", "no", "online_to_offline_info.reusable_status"),
        ("online_to_offline_info__info", "i" * 31, "online_to_offline_info.info"),
        ("customer__name", None, "customer.name"),
        ("customer__name", " ", "customer.name"),
        ("customer__name", "n" * 65, "customer.name"),
        ("customer__name", "a\nb", "customer.name"),
        ("customer__email", "e" * 129, "customer.email"),
        ("alfa_info__receipt__footer_message", "f" * 129, "alfa_info.receipt.footer_message"),
        (
            "additional_info__override_notification_url",
            "https://other.example/elsewhere",
            "additional_info.override_notification_url",
        ),
        ("additional_info__report", {"key": "k", "value": "v"}, "additional_info.report"),
        ("additional_info__report", ["k"], "additional_info.report[0]"),
        ("additional_info__report", [{"value": "v"}], "additional_info.report[0].key"),
        ("additional_info__report", [{"key": "k"}], "additional_info.report[0].value"),
        ("additional_info__report", [{"key": "k", "value": 5}], "additional_info.report[0].value"),
        ("additional_info__report", [{"key": 5, "value": "v"}], "additional_info.report[0].key"),
        (
            "additional_info__report",
            [{"key": "k", "value": "v"}, {"key": "k" * 65, "value": "v"}],
            "additional_info.report[1].key",
        ),
    ],
)
def test_limits_of_fields(doku: Client, change: str, value: object, field: str) -> None:
    reply = doku.post(ALFA, generation(**{change: value}))
    assert reply.status == 400
    (message,) = reply.json["error_messages"]
    assert message.startswith(f"{field} ")
    assert doku.did("GET", "/orders")["orders"] == []


def test_the_longest_values_are_taken(doku: Client) -> None:
    reply = doku.post(
        ALFA,
        generation(
            "I" * 64,
            order__amount=10**12 - 1,
            online_to_offline_info__expired_time=10**8 - 1,
            online_to_offline_info__info="i" * 30,
            customer__name="ñ" * 64,
            customer__email="e" * 128,
            alfa_info__receipt__footer_message="f" * 128,
            additional_info__report=[{"key": "k" * 64, "value": "v" * 512}],
        ),
    )
    assert reply.status == 200


def test_columns_of_the_report_are_kept_with_their_order(doku: Client) -> None:
    columns = [{"key": "Shop", "value": "toko-satu"}, {"key": "No.", "value": "7"}]
    doku.generate("INV-1", additional_info__report=columns)
    doku.generate("INV-2")
    assert doku.order("INV-1")["report"] == columns
    assert [each["report"] for each in doku.did("GET", "/orders")["orders"]] == [[], columns]


def test_a_path_that_is_not_routed(doku: Client) -> None:
    reply = doku.post("/alfa-virtual-account/v2/payment-code", generation())
    assert reply.status == 404
    assert reply.json["message"].startswith("No static resource alfa-virtual-account")


def test_a_path_that_is_routed_for_another_method(doku: Client) -> None:
    assert doku.send("GET", ALFA, doku.headers(ALFA, None)).status == 405
    assert doku.post(STATUS + "INV-1", {}).status == 405


def test_hundred_codes_are_all_different(doku: Client) -> None:
    codes = {doku.generate(f"INV-{number}").code for number in range(100)}
    assert len(codes) == 100
    assert len({code[:6] for code in codes}) > 50


# --- the same again ----------------------------------------------------------------------------


def test_a_repeated_request_gets_409_and_the_first_bytes(doku: Client) -> None:
    first = doku.post(ALFA, generation(), request_id="R-1")
    again = doku.post(ALFA, generation(), request_id="R-1", at=timestamp(-5))
    assert (first.status, again.status) == (200, 409)
    assert again.body == first.body
    assert again.is_signed
    assert len(doku.did("GET", "/orders")["orders"]) == 1
    assert doku.order()["requests"] == {"generate": 2}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (ALFA, generation("INV-2")),
        (ALFA, json.dumps(generation(), indent=1).encode()),
        (ALFA, b"no JSON"),
        (INDOMARET, generation()),
    ],
    ids=["another order", "other bytes", "no JSON", "another channel"],
)
def test_a_request_id_with_something_else(doku: Client, path: str, body: object) -> None:
    doku.post(ALFA, generation(), request_id="R-1")
    reply = doku.post(path, body, request_id="R-1")
    assert (reply.status, error_code(reply)) == (409, "idempotent_request")


def test_an_invoice_number_under_another_request_id(doku: Client) -> None:
    doku.generate()
    for path in (ALFA, INDOMARET):
        reply = doku.post(path, generation())
        assert (reply.status, error_code(reply)) == (409, "duplicate_invoice_number")


def test_a_refused_request_may_be_corrected_under_its_request_id(doku: Client) -> None:
    assert doku.post(ALFA, generation(order__amount=0), request_id="R-1").status == 400
    assert doku.post(ALFA, generation(), request_id="R-1").status == 200


# --- status ------------------------------------------------------------------------------------


def test_a_status_from_pending_to_success(doku: Client) -> None:
    doku.generate(online_to_offline_info__reusable_status=False)
    pending = doku.get_status("INV-1")
    assert pending.status == 200
    assert pending.is_signed
    assert pending.json["transaction"] == {"status": "PENDING", "original_request_id": "INV-1"}
    assert pending.json["online_to_offline_info"].keys() == {
        "created_date",
        "expired_date",
        "reusable_status",
    }
    assert "online_to_offline_payment" not in pending.json

    paid = doku.pay(receipt_number="TRX-9", store_id="S-1")
    doku.advance(55)
    assert doku.status() == "PENDING"
    doku.advance(5)
    reply = doku.get_status("INV-1")
    assert reply.json["order"] == {"invoice_number": "INV-1", "amount": 19_000}
    assert reply.json["transaction"]["status"] == "SUCCESS"
    assert reply.json["transaction"]["date"] == paid["paid_at"]
    assert reply.json["acquirer"] == {"id": "ALFA"}
    assert reply.json["channel"] == {"id": "ONLINE_TO_OFFLINE_ALFA"}
    assert reply.json["online_to_offline_info"]["reusable_status"] == "false"
    assert reply.json["online_to_offline_payment"]["identifier"] == [
        {"name": "AGENT_ID", "value": "ALFAMART"},
        {"name": "AGENT_STORE_ID", "value": "S-1"},
        {"name": "AGENT_TRX_ID", "value": "TRX-9"},
    ]
    assert "payment_code" not in reply.body.decode()


def test_a_status_check_of_an_unknown_order(doku: Client) -> None:
    reply = doku.get_status("NEVER")
    assert reply.status == 404
    assert reply.is_signed
    assert doku.order("NEVER")["requests"] == {"status": 1}


def test_an_unpaid_order_expires_at_its_instant(frozen: "Frozen") -> None:
    frozen.doku.post(ALFA, generation())
    frozen.now += timedelta(minutes=60, seconds=-1)
    assert frozen.doku.status() == "PENDING"
    frozen.now += timedelta(seconds=1)
    assert frozen.doku.status() == "EXPIRED"


def test_a_payment_in_the_last_second_is_never_called_expired(frozen: "Frozen") -> None:
    frozen.doku.post(ALFA, generation())
    frozen.now += timedelta(minutes=60, seconds=-1)
    frozen.doku.pay(notify="none")
    for seconds, status in ((1, "PENDING"), (58, "PENDING"), (1, "SUCCESS")):
        frozen.now += timedelta(seconds=seconds)
        assert frozen.doku.status() == status


def test_an_invoice_number_travels_percent_encoded(doku: Client) -> None:
    doku.generate("INV 1/ü")
    assert doku.get_status(quote("INV 1/ü", safe="")).json["order"]["invoice_number"] == "INV 1/ü"


@pytest.mark.parametrize("status", ["PENDING", "SUCCESS", "EXPIRED", "FAILED", "REFUNDED"])
def test_a_status_by_hand(doku: Client, status: str) -> None:
    doku.generate()
    assert doku.did("POST", "/orders/INV-1/status", {"status": status})["forced"] is True
    assert doku.status() == status
    doku.did("POST", "/orders/INV-1/status", {"status": None})
    assert doku.status() == "PENDING"


class Frozen:
    """A simulator whose clock belongs to the test."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 16, 59, 30, tzinfo=UTC)
        self.doku = Client("http://127.0.0.1:0")

    def text(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def frozen(config: SimulatorConfig) -> Iterator[Frozen]:
    shared = Frozen()
    with Simulator(replace(config, now=lambda: shared.now)) as simulator:
        shared.doku = Client(simulator.url)
        yield shared


def test_a_shared_clock_can_not_be_moved_from_here(frozen: Frozen) -> None:
    reply = frozen.doku.control("POST", "/clock", {"advance_seconds": 1})
    assert reply.status == 409
    assert "shares the clock" in reply.json["error"]
    assert frozen.doku.now() == "2026-01-31T16:59:30Z"
