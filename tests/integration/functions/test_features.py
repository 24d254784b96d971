"""Merchant-made codes, direct inquiry and how to pay, on the events of `events/`."""

import base64
import hashlib
import hmac
import json
import os
from datetime import timedelta
from typing import Any

import pytest
from werkzeug import Response

from tests.integration.functions import doku
from tests.integration.functions.conftest import Answer, counts
from tests.support.world import START

DIGITS = "8899550812345678"
MERCHANT_PATH = "/alfa-online-to-offline/v2/merchant-payment-code"


def holds(answer: Answer, target: str = "/v1/doku/inquiries") -> bool:
    """Whether an answer is signed as section 2 of the protocol says, by our own few lines."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    digest = base64.b64encode(hashlib.sha256(answer.raw.encode()).digest()).decode()
    text = (
        f"Client-Id:{doku.CLIENT_ID}\n"
        "Request-Id:7d1f3c1e-51f2-4f7e-9f0b-6f0f5b7a9c11\n"
        f"Response-Timestamp:{headers['response-timestamp']}\n"
        f"Request-Target:{target}\n"
        f"Digest:{digest}"
    )
    mac = hmac.new(doku.SECRET_KEY.encode(), text.encode(), hashlib.sha256).digest()
    told = headers["signature"]
    assert headers["client-id"] == doku.CLIENT_ID
    assert headers["request-id"] == "7d1f3c1e-51f2-4f7e-9f0b-6f0f5b7a9c11"
    return told == "HMACSHA256=" + base64.b64encode(mac).decode()


def inquire(stack: Any, event: Any, case: str = "alfa") -> tuple[int, str, dict[str, Any]]:
    answer = stack.call("answer_inquiry", event(f"answer_inquiry/{case}"))
    # Whoever does not even know our Client-Id gets nothing signed.
    assert ("Signature" not in answer.headers) if case == "foreign_client" else holds(answer)
    assert answer.headers["Content-Type"] == "application/json"
    return answer.status, answer.body["online_to_offline_inquiry"]["status"], answer.body


@pytest.fixture
def dipc(stack, event):
    answer = stack.call("generate_code", event("generate_code/dipc"))
    assert answer.status == 201
    return answer.body


# --- Merchant-made codes ------------------------------------------------------------------


def test_merchant_made_digits_are_registered_at_their_own_path(stack, event):
    sent = []

    def register(request) -> Response:
        sent.append(json.loads(request.data))
        return doku.code(request, DIGITS, START + timedelta(minutes=60))

    stack.doku.expect_request(MERCHANT_PATH, "POST").respond_with_handler(register)
    answer = stack.call("generate_code", event("generate_code/mgpc"))
    assert answer.status == 201
    assert (answer.body["payment_code"], answer.body["unique_part"]) == (DIGITS, "0812345678")
    assert [body["online_to_offline_info"]["payment_code"] for body in sent] == [DIGITS]


def test_digits_that_are_not_registered_yet_are_not_shown(stack, event):
    stack.doku.expect_request(MERCHANT_PATH).respond_with_data("oops", 500)
    answer = stack.call("generate_code", event("generate_code/mgpc"))
    assert answer.status == 202
    assert (answer.body["payment_code"], answer.body["unique_part"]) == (None, None)


def test_taken_digits_are_409(stack, event, dipc):
    body = json.loads(event("generate_code/dipc")["body"]) | {"invoice_number": "INV-2"}
    answer = stack.call("generate_code", event("generate_code/dipc", body=json.dumps(body)))
    assert answer.status == 409
    assert answer.body["type"] == "/problems/digits-taken"
    assert dipc["invoice_number"] not in json.dumps(answer.body)


# --- Direct inquiry -----------------------------------------------------------------------


@pytest.mark.parametrize("case", ["alfa", "compact_date"])
def test_a_payable_code_is_answered_with_all_that_the_till_needs(stack, event, dipc, case):
    status, word, body = inquire(stack, event, case)
    assert (status, word) == (200, "success")
    assert body == {
        "order": {"invoice_number": "INV-20260301-0001", "amount": 150_000},
        "online_to_offline_info": {"payment_code": DIGITS, "info1": "Merchant Demo Store"},
        "online_to_offline_inquiry": {"status": "success"},
        "customer": {"name": "Anton Budiman"},
        "additional_info": {},
    }
    assert stack.doku.log == []


def test_asked_again_it_is_the_same_invoice_number(stack, event, dipc):
    numbers = {inquire(stack, event)[2]["order"]["invoice_number"] for _ in range(3)}
    assert numbers == {"INV-20260301-0001"}


@pytest.mark.parametrize("case", ["unknown_digits", "wrong_channel"])
def test_unknown_digits_are_not_found(stack, event, dipc, case):
    assert inquire(stack, event, case)[:2] == (404, "billing_not_found")


def test_an_expired_code_was_expired(stack, event, dipc):
    stack.clock.advance(minutes=60)
    assert inquire(stack, event)[:2] == (400, "billing_was_expired")


def test_a_cancelled_code_is_declined(stack, event, dipc):
    cancelled = stack.call("cancel_code", event("cancel_code/cancel")).body
    assert (cancelled["status"], cancelled["stops_payment"]) == ("cancelled", True)
    assert inquire(stack, event)[:2] == (400, "decline")


def test_a_registered_code_is_declined(stack, event):
    stack.doku.expect_request(MERCHANT_PATH, "POST").respond_with_handler(
        lambda request: doku.code(request, DIGITS, START + timedelta(minutes=60))
    )
    stack.call("generate_code", event("generate_code/mgpc"))
    assert inquire(stack, event)[:2] == (400, "decline")


@pytest.mark.parametrize("case", ["wrong_key", "altered_byte", "foreign_client"])
def test_a_bad_signature_is_401_and_changes_nothing(stack, event, dipc, case):
    before = stack.call("read_codes", event("read_codes/one")).body
    assert inquire(stack, event, case)[:2] == (401, "invalid_signature")
    assert stack.call("read_codes", event("read_codes/one")).body == before


@pytest.mark.parametrize(
    ("case", "for_us"), [("altered_byte", 1), ("wrong_key", 1), ("foreign_client", 0)]
)
def test_one_rejection_with_our_client_id_is_news(stack, event, capsys, case, for_us):
    inquire(stack, event, case)
    counted = counts(capsys.readouterr().out)
    assert counted["InquiryInvalidSignature"] == 1
    assert counted.get("InquiryForUsRejected", 0) == for_us


def test_a_code_that_doku_does_not_make_says_nothing_of_doku(stack, event, capsys):
    stack.call("generate_code", event("generate_code/dipc"))
    assert counts(capsys.readouterr().out) == {"CodeCreated": 1}


def test_broken_json_is_declined(stack, event):
    assert inquire(stack, event, "broken_json")[:2] == (400, "decline")


def test_our_own_failure_is_declined_signed_and_counted(
    stack, event, dipc, monkeypatch, logs, capsys
):
    module = stack.function("answer_inquiry")
    codes = module.answer.codes

    def broken(channel, payment_code) -> None:
        raise RuntimeError("Anton Budiman")

    monkeypatch.setattr(type(codes), "find_by_digits", lambda _, *args: broken(*args))
    assert inquire(stack, event)[:2] == (400, "decline")
    assert '"UnexpectedError"' in capsys.readouterr().out
    assert "Anton" not in logs.getvalue()


def test_inquiries_leave_no_personal_data_in_the_log(stack, event, dipc, logs, capsys):
    inquire(stack, event)
    inquire(stack, event, "wrong_key")
    written = logs.getvalue() + "".join(capsys.readouterr())
    assert "inquiry answered" in written
    for secret in ("Anton", DIGITS, doku.SECRET_KEY, "HMACSHA256"):
        assert secret not in written


# --- Payments and how to pay --------------------------------------------------------------


def test_payments_are_paged(stack, event, dipc):
    listed = stack.call("read_codes", event("read_codes/payments"))
    assert listed.body == {"items": [], "next_cursor": None}


def test_how_to_pay_is_told_in_both_languages_for_every_brand(stack, event, dipc):
    answer = stack.call("explain_payment", event("explain_payment/how_to_pay"))
    assert answer.status == 200
    assert answer.body["doku"] == []
    brands = ["Alfamart", "Alfamidi", "Alfaexpress", "Lawson", "Dan+Dan"]
    for language, sentence in {
        "id": "Minggu, 1 Maret 2026, 11.00 WIB",
        "en": "Sunday, 1 March 2026, 11:00 WIB",
    }.items():
        assert [entry["place"] for entry in answer.body[language]] == brands
        text = " ".join(answer.body[language][0]["steps"])
        assert sentence in text
        assert "8899 5508 1234 5678" in text
        assert "Rp150.000" in text


def test_a_bin_s_biller_is_named_also_for_a_code_that_was_there_before(
    stack, event, dipc, monkeypatch
):
    told = stack.call("explain_payment", event("explain_payment/how_to_pay")).body
    assert "melakukan pembayaran DOKU." in told["id"][0]["steps"][1]
    bins = json.loads(os.environ["BINS"])
    named = [entry | {"biller": "Kopi Senja"} for entry in bins if entry["bin"] == dipc["bin"]]
    monkeypatch.setenv("BINS", json.dumps(named))
    stack.modules.clear()
    told = stack.call("explain_payment", event("explain_payment/how_to_pay")).body
    assert "melakukan pembayaran Kopi Senja." in told["id"][0]["steps"][1]
    assert "make a Kopi Senja payment" in told["en"][0]["steps"][1]
    monkeypatch.setenv("BINS", "[]")
    stack.modules.clear()
    told = stack.call("explain_payment", event("explain_payment/how_to_pay")).body
    assert "melakukan pembayaran DOKU." in told["id"][0]["steps"][1]


def test_doku_s_own_instructions_come_along(stack, event):
    def with_instructions(request) -> Response:
        answer = doku.code(request, "8123", START + timedelta(minutes=60))
        return doku.answer(
            request,
            json.loads(answer.data)
            | {
                "online_to_offline_info": json.loads(answer.data)["online_to_offline_info"]
                | {"how_to_pay_api": stack.doku.url_for("/how-to-pay/1")}
            },
        )

    stack.doku.expect_request(
        "/alfa-online-to-offline/v2/payment-code", "POST"
    ).respond_with_handler(with_instructions)
    stack.doku.expect_request("/how-to-pay/1", "GET").respond_with_json(
        {"payment_instruction": [{"channel": "Alfamart", "step": ["Satu", "Dua"], "new": 1}]}
    )
    stack.call("generate_code", event("generate_code/alfa"))
    answer = stack.call("explain_payment", event("explain_payment/how_to_pay"))
    assert answer.body["doku"] == [{"place": "Alfamart", "steps": ["Satu", "Dua"]}]


def test_a_code_that_can_t_be_paid_is_not_explained(stack, event, dipc):
    stack.call("cancel_code", event("cancel_code/cancel"))
    answer = stack.call("explain_payment", event("explain_payment/how_to_pay"))
    assert answer.status == 409
