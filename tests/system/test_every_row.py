"""Every row of DOKU's convenience store page, over HTTP: channel, partnership, BIN type, feature.

docs/features.md names the tests of this file row by row.
"""

import base64
import hashlib
import hmac
import json
import re
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import requests

from local.storefront import STOREFRONT
from tests.support import dynoxide
from tests.support.local_stack import LocalStack
from tests.support.patience import CALL_SECONDS, until

ROOT = Path(__file__).parents[2]


class Row(NamedTuple):
    """A row of the page's tables."""

    channel: str
    partnership: str
    bin_type: str
    feature: str


ROWS = [
    Row("alfa", "aggregator", "general", "dgpc"),
    Row("alfa", "aggregator", "exclusive", "mgpc"),
    Row("alfa", "aggregator", "exclusive", "dipc"),
    Row("alfa", "direct", "direct", "mgpc"),
    Row("alfa", "direct", "direct", "dipc"),
    Row("indomaret", "direct", "direct", "dgpc"),
    # Inferred, and offered only where a BIN's entry names them.
    Row("indomaret", "direct", "direct", "mgpc"),
    Row("indomaret", "direct", "direct", "dipc"),
]


def bin_of(stack: LocalStack, row: Row) -> str:
    """The BIN that `GET /channels` offers for a row."""
    channels = {item["channel"]: item for item in stack.call("GET", "/channels").json()["items"]}
    (found,) = (
        entry["bin"]
        for entry in channels[row.channel]["bins"]
        if (entry["partnership"], entry["bin_type"]) == (row.partnership, row.bin_type)
        and row.feature in entry["features"]
    )
    return str(found)


def create(stack: LocalStack, row: Row, **changes: Any) -> dict[str, Any]:
    chosen = {"channel": row.channel, "feature": row.feature, "bin": bin_of(stack, row)}
    return stack.create(**chosen, **changes)


def inquire(stack: LocalStack, payment_code: str) -> Any:
    """What the till shows when the cashier types the code."""
    return stack.doku("POST", "/inquiry", {"payment_code": payment_code})


def inquired_status(stack: LocalStack, payment_code: str) -> str:
    """What DOKU was told, of an answer whose signature the simulator has checked."""
    stack.http.post(
        f"{stack.about['doku']['base_url']}/_control/inquiry",
        json={"payment_code": payment_code},
        timeout=CALL_SECONDS,
    )
    asked = stack.doku("GET", f"/inquiries?payment_code={payment_code}&limit=1")["inquiries"]
    assert asked[0]["problem"] is None
    return str(asked[0]["status"])


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_a_code_that_is_paid_once(stack: LocalStack, row: Row) -> None:
    code = create(stack, row)
    assert re.fullmatch(rf"{bin_of(stack, row)}\d+", code["payment_code"])
    assert len(code["payment_code"]) <= 25
    stack.pay(code)
    paid = stack.becomes(code["invoice_number"], "paid")
    assert (paid["payments_count"], paid["late"]) == (1, False)


@pytest.mark.parametrize("row", [row for row in ROWS if row.feature != "dipc"], ids="-".join)
def test_doku_s_report_has_columns_for_an_aggregator_s_bin(stack: LocalStack, row: Row) -> None:
    code = create(stack, row)
    columns = [
        {"key": "Storefront", "value": STOREFRONT},
        {"key": "Invoice number", "value": code["invoice_number"]},
    ]
    order = stack.doku("GET", f"/orders/{code['invoice_number']}")
    assert order["report"] == (columns if row.partnership == "aggregator" else [])


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_a_code_that_is_paid_more_than_once(stack: LocalStack, row: Row) -> None:
    code = create(stack, row, reusable=True)
    for payments in (1, 2):
        stack.pay(code)
        until(lambda: stack.get(code["invoice_number"])["payments_count"] == payments)  # noqa: B023
    view = stack.get(code["invoice_number"])
    assert view["status"] == "active"
    assert len({payment["receipt_number"] for payment in view["payments"]}) == 2
    listed = stack.call("GET", f"/payment-codes/{code['invoice_number']}/payments?limit=1").json()
    assert len(listed["items"]) == 1
    rest = stack.call(
        "GET",
        f"/payment-codes/{code['invoice_number']}/payments",
        params={"cursor": listed["next_cursor"]},
    ).json()
    assert (len(rest["items"]), rest["next_cursor"]) == (1, None)


def test_of_lost_payments_on_a_reusable_code_one_is_found_and_it_says_so(
    stack: LocalStack,
) -> None:
    code = stack.create(reusable=True)
    for _ in range(3):
        stack.pay(code, notify="lost")
    stack.advance(minutes=16)
    until(lambda: stack.get(code["invoice_number"])["payments_count"])
    view = stack.get(code["invoice_number"])
    assert (view["payments_count"], view["payments_complete"]) == (1, None)


@pytest.mark.parametrize("row", [row for row in ROWS if row.feature != "dgpc"], ids="-".join)
def test_a_storefront_s_own_digits(stack: LocalStack, row: Row) -> None:
    part = f"{uuid.uuid4().int % 10**12:012d}"
    code = create(stack, row, unique_part=part)
    assert code["payment_code"] == bin_of(stack, row) + part
    order = stack.order(
        channel=row.channel, feature=row.feature, bin=bin_of(stack, row), unique_part=part
    )
    refused = stack.call("POST", "/payment-codes", json=order)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/digits-taken")
    stack.pay(code)
    stack.becomes(code["invoice_number"], "paid")
    # The customer keeps the number for the next top-up.
    again = stack.call("POST", "/payment-codes", json=order)
    assert again.status_code == 201, again.text
    assert again.json()["payment_code"] == code["payment_code"]


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_how_to_pay(stack: LocalStack, row: Row) -> None:
    code = create(stack, row)
    answer = stack.call("GET", f"/payment-codes/{code['invoice_number']}/how-to-pay").json()
    brands = {"alfa": "Alfamart", "indomaret": "Indomaret"}
    for language in ("id", "en"):
        assert answer[language][0]["place"] == brands[row.channel]
        assert len(answer[language][0]["steps"]) >= 4
    # DOKU has instructions for codes that it knows.
    assert bool(answer["doku"]) is (row.feature != "dipc")


@pytest.mark.parametrize(
    "wish",
    [
        {"feature": ["dgpc", "mgpc"]},
        {"billing_type": "OPEN"},
        {"amount": None},
        # The BIN that its entry gives no features has the documented ones.
        {"channel": "indomaret", "bin": "88899", "feature": "mgpc"},
        {"channel": "indomaret", "bin": "88899", "feature": "dipc"},
        {"channel": "indomaret", "bin": "8"},
    ],
    ids=str,
)
def test_one_feature_and_a_fixed_bill_only(stack: LocalStack, wish: dict[str, Any]) -> None:
    answer = stack.call("POST", "/payment-codes", json=stack.order(**wish))
    assert answer.status_code == 400
    assert {param["name"] for param in answer.json()["invalid_params"]} <= wish.keys()


# --- direct inquiry -----------------------------------------------------------------------

DIPC = Row("alfa", "aggregator", "exclusive", "dipc")


def test_inquiry_then_payment(stack: LocalStack) -> None:
    code = create(stack, DIPC, info="Merchant Demo Store")
    shown = inquire(stack, code["payment_code"])
    assert shown["amount"] == 25_000
    assert inquired_status(stack, code["payment_code"]) == "success"
    stack.pay(code)
    stack.becomes(code["invoice_number"], "paid")
    assert inquired_status(stack, code["payment_code"]) == "billing_already_paid"


def test_inquiry_after_the_expiry(stack: LocalStack) -> None:
    code = create(stack, DIPC, expires_in_minutes=1)
    stack.advance(minutes=3)
    assert inquired_status(stack, code["payment_code"]) == "billing_was_expired"


def test_inquiry_after_cancel(stack: LocalStack) -> None:
    code = create(stack, DIPC)
    cancelled = stack.call("POST", f"/payment-codes/{code['invoice_number']}/cancel").json()
    assert (cancelled["status"], cancelled["stops_payment"]) == ("cancelled", True)
    assert inquired_status(stack, code["payment_code"]) == "decline"


def test_inquiry_about_unknown_digits(stack: LocalStack) -> None:
    digits = bin_of(stack, DIPC) + "0000000001"
    assert inquired_status(stack, digits) == "billing_not_found"


def test_a_payment_that_follows_an_inquiry_is_never_lost(stack: LocalStack) -> None:
    code = create(stack, DIPC)
    inquire(stack, code["payment_code"])
    cancelled = stack.call("POST", f"/payment-codes/{code['invoice_number']}/cancel").json()
    assert cancelled["stops_payment"] is False
    stack.advance(minutes=1)
    stack.pay(code, inquiry=False)
    paid = stack.becomes(code["invoice_number"], "paid")
    assert (paid["late"], paid["had_ended"]) == (True, True)
    assert paid["payments"][0]["kind"] == "paid_late"


def test_a_lost_notification_after_an_inquiry_is_found_in_two_minutes(stack: LocalStack) -> None:
    code = create(stack, DIPC)
    stack.advance(minutes=20)  # the next look would be the one at its expiry
    stack.pay(code, notify="lost")
    asked = stack.get(code["invoice_number"])
    assert (asked["status"], asked["inquired_at"] is None) == ("active", False)
    stack.advance(minutes=2)
    paid = stack.becomes(code["invoice_number"], "paid")
    assert [payment["source"] for payment in paid["payments"]] == ["status_check"]


def ask_as_doku(
    stack: LocalStack, payment_code: str, *, secret_key: str | None = None
) -> requests.Response:
    """An inquiry made and an answer checked by these few lines alone (protocol, section 2)."""
    doku, url = stack.about["doku"], stack.about["inquiry_url"]
    body = json.dumps(
        {
            "service": {"id": "ONLINE_TO_OFFLINE"},
            "acquirer": {"id": "ALFA"},
            "channel": {"id": "ONLINE_TO_OFFLINE_ALFA"},
            "online_to_offline_info": {"payment_code": payment_code},
            "online_to_offline_inquiry": {"date": "2026-08-11T08:45:42Z", "identifier": []},
        },
        indent=2,
    ).encode()
    request_id = str(uuid.uuid4())

    def signed(timestamp_name: str, timestamp: str, content: bytes, key: str) -> str:
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        text = (
            f"Client-Id:{doku['client_id']}\nRequest-Id:{request_id}\n"
            f"{timestamp_name}:{timestamp}\nRequest-Target:{urlsplit(url).path}\nDigest:{digest}"
        )
        mac = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
        return "HMACSHA256=" + base64.b64encode(mac).decode()

    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    key = secret_key or doku["secret_key"]
    answer = stack.http.post(
        url,
        data=body,
        headers={
            "Client-Id": doku["client_id"],
            "Request-Id": request_id,
            "Request-Timestamp": now,
            "Signature": signed("Request-Timestamp", now, body, key),
            "Content-Type": "application/json",
        },
        timeout=CALL_SECONDS,
    )
    assert answer.headers["Client-Id"] == doku["client_id"]
    assert answer.headers["Request-Id"] == request_id
    assert answer.headers["Signature"] == signed(
        "Response-Timestamp",
        answer.headers["Response-Timestamp"],
        answer.content,
        doku["secret_key"],
    )
    return answer


def test_every_answer_is_signed(stack: LocalStack) -> None:
    live, paid, cancelled = (create(stack, DIPC) for _ in range(3))
    registered = create(stack, Row("alfa", "aggregator", "exclusive", "mgpc"))
    stack.pay(paid)
    stack.becomes(paid["invoice_number"], "paid")
    stack.call("POST", f"/payment-codes/{cancelled['invoice_number']}/cancel")
    expected = {
        live["payment_code"]: (200, "success"),
        paid["payment_code"]: (400, "billing_already_paid"),
        cancelled["payment_code"]: (400, "decline"),
        registered["payment_code"]: (400, "decline"),
        bin_of(stack, DIPC) + "1": (404, "billing_not_found"),
    }
    for payment_code, (status, word) in expected.items():
        answer = ask_as_doku(stack, payment_code)
        body = answer.json()
        assert (answer.status_code, body["online_to_offline_inquiry"]["status"]) == (status, word)
        assert body["online_to_offline_info"]["payment_code"] == payment_code
    stranger = ask_as_doku(stack, live["payment_code"], secret_key="SK-of-a-stranger")
    assert stranger.status_code == 401
    assert stranger.json()["online_to_offline_inquiry"]["status"] == "invalid_signature"


# --- many at once -------------------------------------------------------------------------

MANY = 60


def test_the_same_digits_many_times_at_once_are_one_code(stack: LocalStack) -> None:
    dynoxide.need()  # moto copies its whole table for each transaction, and so many take too long
    row = Row("alfa", "aggregator", "exclusive", "mgpc")
    part = f"{uuid.uuid4().int % 10**12:012d}"
    orders = [
        stack.order(feature="mgpc", bin=bin_of(stack, row), unique_part=part) for _ in range(MANY)
    ]
    with ThreadPoolExecutor(50) as clients:
        answers = list(
            clients.map(lambda order: stack.call("POST", "/payment-codes", json=order), orders)
        )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: MANY - 1}
    for order, answer in zip(orders, answers, strict=True):
        found = stack.call("GET", f"/payment-codes/{order['invoice_number']}").status_code
        assert found == (200 if answer.status_code == 201 else 404)


def test_one_invoice_number_with_two_bodies_at_once_is_one_code(stack: LocalStack) -> None:
    dynoxide.need()
    first, second = stack.order(amount=25_000), stack.order(amount=50_000)
    second["invoice_number"] = first["invoice_number"]
    orders = [first, second] * (MANY // 2)
    with ThreadPoolExecutor(50) as clients:
        answers = list(
            clients.map(lambda order: stack.call("POST", "/payment-codes", json=order), orders)
        )
    won = stack.becomes(first["invoice_number"], "active")
    for order, answer in zip(orders, answers, strict=True):
        if order["amount"] == won["amount"]:
            assert answer.status_code in (200, 201, 202)
        else:
            assert answer.status_code == 409
    assert [answer.status_code for answer in answers].count(201) <= 1
    assert stack.doku("GET", f"/orders/{first['invoice_number']}")["requests"]["generate"] == 1


# --- replacing ----------------------------------------------------------------------------


def test_an_alfa_code_gives_way_to_an_indomaret_code(stack: LocalStack) -> None:
    old = stack.create()
    new = stack.create(channel="indomaret", replaces=old["invoice_number"])
    seen = stack.get(old["invoice_number"])
    assert (seen["status"], seen["replaced_by"]) == ("cancelled", new["invoice_number"])
    assert seen["stops_payment"] is False
    stack.pay(new)
    stack.becomes(new["invoice_number"], "paid")
    stack.pay(old)
    again = stack.becomes(old["invoice_number"], "paid")
    (payment,) = again["payments"]
    assert (payment["kind"], payment["first_paid"]) == ("paid_again", new["invoice_number"])


def test_the_successor_of_a_paid_reusable_code_is_paid_not_paid_again(stack: LocalStack) -> None:
    old = stack.create(reusable=True)
    stack.pay(old)
    until(lambda: stack.get(old["invoice_number"])["payments_count"])
    new = stack.create(replaces=old["invoice_number"])
    stack.pay(new)
    paid = stack.becomes(new["invoice_number"], "paid")
    (payment,) = paid["payments"]
    assert (payment["kind"], payment["first_paid"]) == ("paid", None)
    assert paid["payments_complete"] is True


# --- the document -------------------------------------------------------------------------


def test_the_document_has_every_row() -> None:
    document = (ROOT / "docs" / "features.md").read_text("utf-8")
    for row in ROWS:
        assert f"test_a_code_that_is_paid_once[{'-'.join(row)}]" in document
        assert f"test_a_code_that_is_paid_more_than_once[{'-'.join(row)}]" in document
    for name in re.findall(r"`(test_[a-z_]+)", document):
        assert name in globals(), name
