"""What we write to DOKU, byte for byte, and the tolerant reading of what DOKU writes."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from o2o.adapters.doku import messages
from o2o.core.channels import Channel, Feature
from o2o.core.codes import Customer, PaymentCode, Receipt, Source
from o2o.core.errors import UnreadableMessage
from o2o.core.inquiries import Inquiry, InquiryAnswer, InquiryStatus
from o2o.core.notifications import OrderState, OrderStatus
from o2o.core.payments import Evidence
from o2o.core.till_text import till_text
from tests.support.samples import make_own_code

V1, _, V4 = json.loads((Path(__file__).parents[2] / "doku-vectors.json").read_text("utf-8"))

CODE = PaymentCode(
    invoice_number="INV-20210124-0001",
    storefront_id="shop",
    channel=Channel.ALFA,
    feature=Feature.DGPC,
    bin="8",
    amount=150_000,
    reusable=False,
    customer=Customer("Anton Budiman", "anton@example.com"),
    created_at=datetime(2021, 1, 24, 8, 30, tzinfo=UTC),
    expires_at=datetime(2021, 1, 24, 9, 30, tzinfo=UTC),
    fingerprint="f",
    info="Merchant Demo Store",
    receipt=Receipt(footer="Call Center 021 555-0525"),
)

GENERATED = {
    "order": {"invoice_number": "INV-20210124-0001"},
    "online_to_offline_info": {
        "payment_code": "8889955000000021",
        "created_date": "20210124153000",
        "expired_date": "20210124163000",
        "created_date_utc": "2021-01-24T08:30:00Z",
        "expired_date_utc": "2021-01-24T09:30:00Z",
        "how_to_pay_page": "https://sandbox.doku.com/how-to-pay/1",
        "how_to_pay_api": "https://api-sandbox.doku.com/how-to-pay/1",
    },
}

NOTIFICATION: dict[str, Any] = {
    "service": {"id": "ONLINE_TO_OFFLINE"},
    "acquirer": {"id": "ALFA"},
    "channel": {"id": "ONLINE_TO_OFFLINE_ALFA"},
    "transaction": {
        "status": "SUCCESS",
        "date": "2021-08-12T07:06:28Z",
        "original_request_id": "5b8e438f-fac1-4103-9e0e-ebfdc38b5acb",
    },
    "order": {"invoice_number": "INV-20210125-0001", "amount": 150000},
    "online_to_offline_info": {"payment_code": "0896512345678123"},
    "online_to_offline_payment": {
        "identifier": [
            {"name": "AGENT_ID", "value": "ALFAMART"},
            {"name": "AGENT_STORE_ID", "value": "store"},
            {"name": "AGENT_TRX_ID", "value": "1246"},
        ]
    },
}
PAID_AT = datetime(2021, 8, 12, 7, 6, 28, tzinfo=UTC)
HEADERS = {"Request-Timestamp": "2021-08-12T07:10:00Z"}

STATUS: dict[str, Any] = {
    "order": {"invoice_number": "INV-67220100000", "amount": 120000},
    "transaction": {
        "status": "SUCCESS",
        "date": "2021-12-29T02:37:35Z",
        "original_request_id": "INV-67220100000",
    },
    "service": {"id": "ONLINE_TO_OFFLINE"},
    "acquirer": {"id": "ALFA"},
    "channel": {"id": "ONLINE_TO_OFFLINE_ALFA"},
    "online_to_offline_info": {
        "created_date": "20211229093735",
        "expired_date": "20211229100732",
        "reusable_status": "false",
    },
    "online_to_offline_payment": {"identifier": [{"name": "AGENT_TRX_ID", "value": "77"}]},
}


def evidence(message: object, headers: dict[str, str] | None = None) -> Evidence:
    body = message if isinstance(message, str) else json.dumps(message)
    return Evidence(body, HEADERS if headers is None else headers)


def changed(message: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy with one field set; ... removes it."""
    copy: dict[str, Any] = json.loads(json.dumps(message))
    *way, last = path.split(".")
    inner = copy
    for name in way:
        inner = inner[name]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return copy


# --- composing --------------------------------------------------------------------------


def test_the_documented_request_byte_for_byte() -> None:
    assert messages.compose(CODE, 60) == V1["body"]


def test_only_what_was_given_is_sent() -> None:
    bare = replace(CODE, customer=Customer("A"), info=None, receipt=Receipt(), reusable=True)
    assert json.loads(messages.compose(bare, 1440)) == {
        "order": {"invoice_number": "INV-20210124-0001", "amount": 150000},
        "online_to_offline_info": {"expired_time": 1440, "reusable_status": True},
        "customer": {"name": "A"},
    }


@pytest.mark.parametrize(
    ("channel", "receipt", "sent"),
    [
        (Channel.ALFA, Receipt("what", "bye"), {"alfa_info": {"footer_message": "bye"}}),
        (Channel.ALFA, Receipt("what"), {}),
        (
            Channel.INDOMARET,
            Receipt("what", "bye"),
            {"indomaret_info": {"description": "what", "footer_message": "bye"}},
        ),
        (Channel.INDOMARET, Receipt("what"), {"indomaret_info": {"description": "what"}}),
    ],
)
def test_each_channel_gets_its_own_receipt_fields_only(
    channel: Channel, receipt: Receipt, sent: dict[str, Any]
) -> None:
    body = json.loads(messages.compose(replace(CODE, channel=channel, receipt=receipt), 60))
    told = {name: body[name]["receipt"] for name in body if name.endswith(("alfa_info", "et_info"))}
    assert told == sent


@given(st.text(min_size=1))
@example("Zoë 🧾")
@example("\ud83d alone")
def test_any_name_makes_a_body_that_can_be_sent(name: str) -> None:
    body = messages.compose(replace(CODE, customer=Customer(name)), 60)
    told = json.loads(body.encode())["customer"]["name"]
    assert told == till_text(name)


def test_what_was_sent_is_known_again() -> None:
    sent = messages.parse_sent(messages.compose(CODE, 60))
    assert sent.invoice_number == CODE.invoice_number
    assert {"Anton Budiman", "Anton", "Budiman", "anton@example.com", "anton"} == set(sent.personal)
    assert "Anton" not in repr(sent)


@pytest.mark.parametrize("feature", [Feature.MGPC, Feature.DGPC])
def test_only_digits_of_ours_are_registered(feature: Feature) -> None:
    code = replace(CODE, feature=feature, bin="889955", payment_code="8899551234567890")
    info = json.loads(messages.compose(code, 60))["online_to_offline_info"]
    assert info.get("payment_code") == ("8899551234567890" if feature is Feature.MGPC else None)
    assert info["info"] == "Merchant Demo Store"


def test_the_url_for_notifications_can_be_overridden() -> None:
    url = "https://staging.example/v1/doku/notifications"
    body = json.loads(messages.compose(CODE, 60, url))
    assert body["additional_info"] == {"override_notification_url": url}
    assert "additional_info" not in json.loads(messages.compose(CODE, 60, None))


def test_columns_of_the_report_byte_for_byte() -> None:
    plain = messages.compose(CODE, 60)
    report = {"Shop": "toko-satu", "№ of Shop": "INV-7"}
    columns = '[{"key":"Shop","value":"toko-satu"},{"key":"№ of Shop","value":"INV-7"}]'
    told = f'"additional_info":{{"report":{columns}}}}}'
    assert messages.compose(CODE, 60, None, report) == f"{plain[:-1]},{told}"
    assert messages.compose(CODE, 60, None, {}) == plain
    both = messages.compose(CODE, 60, "https://other.example/notifications", report)
    assert json.loads(both)["additional_info"] == {
        "override_notification_url": "https://other.example/notifications",
        "report": json.loads(columns),
    }


# --- the answer to a request ------------------------------------------------------------


def test_a_code() -> None:
    answer = messages.parse_code(json.dumps(GENERATED), "INV-20210124-0001")
    assert answer.payment_code == "8889955000000021"
    assert answer.expires_at == datetime(2021, 1, 24, 9, 30, tzinfo=UTC)
    assert answer.how_to_pay_page == "https://sandbox.doku.com/how-to-pay/1"
    assert answer.how_to_pay_api == "https://api-sandbox.doku.com/how-to-pay/1"


@pytest.mark.parametrize(
    ("utc", "compact", "expected"),
    [
        (..., "20210124163000", datetime(2021, 1, 24, 9, 30, tzinfo=UTC)),
        ("soon", "20210124163000", datetime(2021, 1, 24, 9, 30, tzinfo=UTC)),
        (None, 20210124163000, datetime(2021, 1, 24, 9, 30, tzinfo=UTC)),
        (
            "2021-01-24T16:30:00+07:00",
            "20300101000000",
            datetime(2021, 1, 24, 9, 30, tzinfo=UTC),
        ),
        ("0001-01-01T00:00:00+14:00", ..., None),
        (..., "20219924163000", None),
        (..., [], None),
        (..., ..., None),
    ],
)
def test_the_expiry_is_utc_first_then_wib_then_ours(
    utc: object, compact: object, expected: datetime | None
) -> None:
    answer = changed(GENERATED, "online_to_offline_info.expired_date_utc", utc)
    answer = changed(answer, "online_to_offline_info.expired_date", compact)
    assert messages.parse_code(json.dumps(answer), "INV-20210124-0001").expires_at == expected


@pytest.mark.parametrize("digits", ["0" * 25, "8", 8889955000000021])
def test_digits_are_kept_as_they_are(digits: object) -> None:
    answer = changed(GENERATED, "online_to_offline_info.payment_code", digits)
    read = messages.parse_code(json.dumps(answer), "INV-20210124-0001")
    assert read.payment_code == str(digits)


@pytest.mark.parametrize(
    "digits", ["", "1" * 26, "12a4", "١٢٣", "-1", -1, 1.0, True, None, [], ...]
)
def test_a_code_without_usable_digits_is_unreadable(digits: object) -> None:
    answer = changed(GENERATED, "online_to_offline_info.payment_code", digits)
    with pytest.raises(UnreadableMessage, match=r"payment_code can't"):
        messages.parse_code(json.dumps(answer), "INV-20210124-0001")


@pytest.mark.parametrize("told", ["INV-2", None, ...])
def test_a_code_for_another_invoice_number_is_unreadable(told: object) -> None:
    answer = changed(GENERATED, "order.invoice_number", told)
    with pytest.raises(UnreadableMessage, match=r"invoice_number"):
        messages.parse_code(json.dumps(answer), "INV-20210124-0001")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "//host/x", "https://a b", 7, None, ...])
def test_a_link_that_is_none_is_left_out(link: object) -> None:
    answer = changed(GENERATED, "online_to_offline_info.how_to_pay_page", link)
    assert messages.parse_code(json.dumps(answer), "INV-20210124-0001").how_to_pay_page is None


# --- notifications ----------------------------------------------------------------------


def test_a_notification() -> None:
    told = evidence(NOTIFICATION)
    notification = messages.parse_notification(told)
    payment = notification.payment
    assert notification.state is OrderState.SUCCESS
    assert payment is not None
    assert payment.invoice_number == "INV-20210125-0001"
    assert payment.payment_code == "0896512345678123"
    assert payment.amount == 150_000
    assert payment.paid_at == PAID_AT
    assert payment.source is Source.NOTIFICATION
    assert payment.evidence is told
    assert (payment.acquirer, payment.agent_id) == ("ALFA", "ALFAMART")
    assert (payment.store_id, payment.receipt_number) == ("store", "1246")


def test_a_notification_as_doku_prints_it() -> None:
    body = json.dumps(NOTIFICATION, indent=2).replace("150000", "150000.00")
    payment = messages.parse_notification(evidence("\ufeff" + body)).payment
    assert payment is not None
    assert payment.amount == 150_000


@pytest.mark.parametrize("amount", ["150000", "150000.00", '"150000"', '"150000.00"', "1.5e5"])
def test_every_form_of_an_amount(amount: str) -> None:
    payment = messages.parse_notification(
        evidence(json.dumps(NOTIFICATION).replace("150000", amount))
    ).payment
    assert payment is not None
    assert payment.amount == Decimal(150_000)


@pytest.mark.parametrize(
    "amount",
    [
        *("0", "-1", "true", "null", "[]", "NaN", "Infinity", "-Infinity", '"NaN"', '"a lot"'),
        *("1e400", "1e99999999999999999999", "9" * 13, "9" * 5000, '""', "0.5" + "1" * 40),
    ],
)
def test_no_amount(amount: str) -> None:
    body = json.dumps(NOTIFICATION).replace("150000", amount)
    try:
        told = messages.parse_notification(evidence(body))
    except UnreadableMessage:
        # The whole message is not JSON.
        assert amount in ("NaN", "Infinity", "-Infinity", "1e" + "9" * 20, "9" * 5000)
    else:
        assert (told.state, told.payment) == (OrderState.SUCCESS, None)


@given(st.decimals("0.01", 999_999_999_999, places=2), st.sampled_from(["{}", '"{}"']))
def test_amounts_are_read_exactly(amount: Decimal, form: str) -> None:
    body = json.dumps(NOTIFICATION).replace("150000", form.format(f"{amount:f}"))
    payment = messages.parse_notification(evidence(body)).payment
    assert payment is not None
    assert payment.amount == amount


@given(st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30)))  # noqa: DTZ001
def test_dates_are_read_in_both_forms(naive: datetime) -> None:
    wib = naive.replace(microsecond=0)
    utc_text = f"{wib.isoformat()}+07:00"
    for text in (wib.strftime("%Y%m%d%H%M%S"), utc_text):
        payment = messages.parse_notification(
            evidence(changed(NOTIFICATION, "transaction.date", text))
        ).payment
        assert payment is not None
        assert payment.paid_at.tzinfo is UTC
        assert payment.paid_at == datetime.fromisoformat(utc_text)


def test_the_other_spelling_of_identifier() -> None:
    other = changed(
        NOTIFICATION,
        "online_to_offline_payment",
        {"identifer": [{"name": "agent_trx_id", "value": 1246}]},
    )
    payment = messages.parse_notification(evidence(other)).payment
    assert payment is not None
    assert payment.receipt_number == "1246"


@pytest.mark.parametrize(
    "identifiers",
    [
        *(..., None, [], {}, "AGENT_TRX_ID", [None, 1, "x", [], {}], [{"name": "AGENT_TRX_ID"}]),
        [{"name": "AGENT_TRX_ID", "value": " "}],
        [{"name": "AGENT_TRX_ID", "value": True}],
        [{"name": "AGENT_TRX_ID", "value": "\ud800"}],
        [{"name": "AGENT_TRX_ID", "value": "x" * 129}],
        [{"name": "AGENT_TRX_ID", "value": {"deep": 1}}],
        [{"name": ["AGENT_TRX_ID"], "value": "1"}],
    ],
)
def test_a_receipt_number_that_is_not_usable_is_none(identifiers: object) -> None:
    message = changed(NOTIFICATION, "online_to_offline_payment.identifier", identifiers)
    payment = messages.parse_notification(evidence(message)).payment
    assert payment is not None
    assert payment.receipt_number is None


@pytest.mark.parametrize(
    "path",
    [
        *("service", "acquirer", "channel", "online_to_offline_payment"),
        *("online_to_offline_info", "online_to_offline_info.payment_code"),
    ],
)
@pytest.mark.parametrize("value", [..., None, {}])
def test_optional_parts_may_be_missing(path: str, value: object) -> None:
    if path.endswith("payment_code") and value == {}:
        value = ...
    payment = messages.parse_notification(evidence(changed(NOTIFICATION, path, value))).payment
    assert payment is not None
    assert payment.amount == 150_000


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("order", [..., None, [], "x", {}]),
        ("order.invoice_number", [..., None, "", [], "\ud800", "x" * 129]),
        ("transaction", [..., None, []]),
        ("transaction.status", [..., None, "", [], {}]),
    ],
)
def test_a_success_that_names_no_order_is_unreadable(path: str, values: list[object]) -> None:
    for value in values:
        with pytest.raises(UnreadableMessage):
            messages.parse_notification(evidence(changed(NOTIFICATION, path, value)))


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("order.amount", [..., None, [], "", "many", True]),
        ("online_to_offline_info.payment_code", ["", "12x", "1" * 26, {}]),
    ],
)
def test_a_success_whose_payment_is_unreadable_names_its_order(
    path: str, values: list[object]
) -> None:
    for value in values:
        told = messages.parse_notification(evidence(changed(NOTIFICATION, path, value)))
        assert (told.state, told.payment) == (OrderState.SUCCESS, None)
        assert told.unreadable_order == NOTIFICATION["order"]["invoice_number"]


@pytest.mark.parametrize("date", [..., None, "", "yesterday", "2021-08-12T07:06:28", [], True])
def test_without_a_date_of_its_own_a_notification_has_its_time_stamp(date: object) -> None:
    dateless = changed(NOTIFICATION, "transaction.date", date)
    dateless = changed(dateless, "online_to_offline_info.created_date", "20210801140000")
    payment = messages.parse_notification(evidence(dateless)).payment
    assert payment is not None
    assert (payment.paid_at, payment.dated) == (datetime(2021, 8, 12, 7, 10, tzinfo=UTC), False)
    assert payment.instant is None


@pytest.mark.parametrize(
    ("created", "dated"), [("20210812140628", False), ("20210812140627", True), (None, True)]
)
def test_a_status_check_may_give_the_creation_for_a_date(
    created: str | None, *, dated: bool
) -> None:
    message = changed(NOTIFICATION, "online_to_offline_info.created_date", created)
    payment = messages.parse_order_status(evidence(message), "INV-20210125-0001").payment
    assert payment is not None
    assert payment.dated is dated
    # A notification's date is its own, whatever else it equals.
    told = messages.parse_notification(evidence(message)).payment
    assert told is not None
    assert told.dated


@pytest.mark.parametrize("state", ["PENDING", "EXPIRED", "FAILED", "REFUNDED"])
def test_other_states_need_nothing_else(state: str) -> None:
    body = evidence({"transaction": {"status": state}})
    assert messages.parse_order_status(body, "INV-1").state == state
    assert messages.parse_order_status(body, "INV-1").payment is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(("order.amount", value) for value in (..., None, "many", True, "9" * 29)),
        ("online_to_offline_info.payment_code", "8-9"),
    ],
)
def test_a_success_whose_payment_can_not_be_read_is_a_success(path: str, value: object) -> None:
    told = evidence(changed(STATUS, path, value))
    status = messages.parse_order_status(told, "INV-67220100000")
    assert status == OrderStatus(OrderState.SUCCESS, unreadable=told)


@pytest.mark.parametrize("status", ["UNKNOWN", "TIMEOUT", "REDIRECT", "Settled"])
def test_a_status_that_the_protocol_does_not_name_is_no_failure(status: str) -> None:
    """That DOKU knows no order it says by 404, in no message."""
    body = evidence(changed(STATUS, "transaction.status", status))
    assert messages.parse_order_status(body, "INV-67220100000") == OrderStatus(OrderState.OTHER)


def test_an_order_without_a_transaction_is_pending() -> None:
    body = evidence({"order": {"invoice_number": "INV-1", "status": "ORDER_GENERATED"}})
    assert messages.parse_order_status(body, "INV-1").state is OrderState.PENDING


def test_the_status_of_the_order_is_not_that_of_the_payment() -> None:
    body = changed(changed(STATUS, "transaction.status", "PENDING"), "order.status", "SUCCESS")
    assert messages.parse_order_status(evidence(body), "INV-67220100000").state == "PENDING"


def test_the_status_of_another_order_is_unreadable() -> None:
    with pytest.raises(UnreadableMessage, match=r"invoice_number"):
        messages.parse_order_status(evidence(STATUS), "INV-1")


# --- errors -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            {"error": {"code": "invalid_header_request", "message": "m", "type": "t"}},
            "invalid_header_request",
            "m",
        ),
        ({"error": {"code": "c", "message": ["m", "n"]}}, "c", "m; n"),
        ({"error": {"code": "not a code", "message": None}}, None, None),
        ({"message": ["PAYMENT CHANNEL IS INACTIVE"]}, None, "PAYMENT CHANNEL IS INACTIVE"),
        ({"message": "No static resource x."}, None, "No static resource x."),
        ({"error_messages": ["a", 1, "b"]}, None, "a; b"),
        (
            {"status": "FAILED", "response_code": "4001", "response_message": "told"},
            "4001",
            "told",
        ),
        ({"status": "failed", "response_message": ["m", "n"]}, None, "m; n"),
    ],
)
def test_the_shapes_of_an_error(body: object, code: str | None, message: str | None) -> None:
    complaint = messages.parse_complaint(json.dumps(body))
    assert complaint is not None
    assert (complaint.code, complaint.message) == (code, message)
    assert not complaint.names("something else")
    if told := code or message:
        assert complaint.names("something else", told.lower())


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"errors": 1}, {"message": {}}, {"error": None}),
        # A router's.
        {"error": "Not Found", "status": 404},
        {"status": "SUCCESS", "response_message": "told"},
        {"status": "FAILED", "response_code": "4001"},
    ],
)
def test_another_shape_is_no_error_of_doku(body: object) -> None:
    assert messages.parse_complaint(json.dumps(body)) is None


# --- inquiries --------------------------------------------------------------------------

INQUIRY: dict[str, Any] = {
    "service": {"id": "ONLINE_TO_OFFLINE"},
    "acquirer": {"id": "ALFA"},
    "channel": {"id": "ONLINE_TO_OFFLINE_ALFA"},
    "online_to_offline_info": {"payment_code": "8896512345678123"},
    "online_to_offline_inquiry": {"date": "2020-08-11T08:45:42Z", "identifier": []},
}


def test_an_inquiry() -> None:
    inquiry = messages.parse_inquiry(evidence(INQUIRY))
    assert inquiry == Inquiry(Channel.ALFA, "8896512345678123")
    assert "8896512345678123" not in repr(inquiry)


@pytest.mark.parametrize("name", ["service", "online_to_offline_inquiry"])
@pytest.mark.parametrize("value", [..., None, "20200811154542", {"date": "20200811154542"}])
def test_only_the_digits_and_the_channel_of_an_inquiry_are_needed(name: str, value: object) -> None:
    assert messages.parse_inquiry(evidence(changed(INQUIRY, name, value))).channel is Channel.ALFA


@pytest.mark.parametrize(
    ("acquirer", "channel", "read"),
    [
        ("ALFA", "ONLINE_TO_OFFLINE_ALFA", Channel.ALFA),
        ("INDOMARET", "ONLINE_TO_OFFLINE_INDOMARET", Channel.INDOMARET),
        ("ALFA", "ONLINE_TO_OFFLINE_INDOMARET", None),
        ("INDOMARET", "ONLINE_TO_OFFLINE_ALFA", None),
        ("BCA", "VIRTUAL_ACCOUNT_BCA", None),
        ("alfa", "ONLINE_TO_OFFLINE_ALFA", None),
        (None, "ONLINE_TO_OFFLINE_ALFA", None),
        ("ALFA", ["ONLINE_TO_OFFLINE_ALFA"], None),
    ],
)
def test_an_inquiry_for_a_channel_of_ours_or_none(
    acquirer: object, channel: object, read: Channel | None
) -> None:
    message = changed(changed(INQUIRY, "acquirer.id", acquirer), "channel.id", channel)
    assert messages.parse_inquiry(evidence(message)) == Inquiry(read, "8896512345678123")


@pytest.mark.parametrize("digits", ["8", "0" * 25, 8896512345678123, " 8896512345678123 "])
def test_digits_that_are_inquired(digits: object) -> None:
    message = changed(INQUIRY, "online_to_offline_info.payment_code", digits)
    assert messages.parse_inquiry(evidence(message)).payment_code == str(digits).strip()


@pytest.mark.parametrize(
    "digits", ["", "1" * 26, "12a4", "١٢٣", "8-9", -1, 1.0, True, None, [], {}, ...]
)
def test_an_inquiry_without_usable_digits_is_unreadable(digits: object) -> None:
    message = changed(INQUIRY, "online_to_offline_info.payment_code", digits)
    with pytest.raises(UnreadableMessage, match=r"payment_code can't"):
        messages.parse_inquiry(evidence(message))


# --- the answer to an inquiry -----------------------------------------------------------

PAYABLE = make_own_code(
    "INV-20210125-0001",
    payment_code="8896512345678123",
    customer=Customer("Zoë Budiman", "anton@example.com"),
    info="Merchant Demo Store",
)


def test_the_documented_answer_byte_for_byte() -> None:
    answer = InquiryAnswer(InquiryStatus.SUCCESS, PAYABLE.payment_code, PAYABLE)
    assert messages.compose_inquiry_answer(answer) == V4["body"]


def test_a_payable_code_is_told_with_what_it_has() -> None:
    bare = replace(PAYABLE, customer=Customer("A"), info=None)
    answer = InquiryAnswer(InquiryStatus.SUCCESS, "8896512345678123", bare)
    assert json.loads(messages.compose_inquiry_answer(answer)) == {
        "order": {"invoice_number": "INV-20210125-0001", "amount": 150000},
        "online_to_offline_info": {"payment_code": "8896512345678123"},
        "online_to_offline_inquiry": {"status": "success"},
        "customer": {"name": "A"},
        "additional_info": {},
    }


@pytest.mark.parametrize("payment_code", ["0" * 25, None])
@pytest.mark.parametrize("status", [*InquiryStatus])
def test_any_other_answer_tells_the_digits_and_the_status_alone(
    status: InquiryStatus, payment_code: str | None
) -> None:
    answer = InquiryAnswer(status, payment_code)
    assert json.loads(messages.compose_inquiry_answer(answer)) == {
        "online_to_offline_info": {"payment_code": payment_code} if payment_code else {},
        "online_to_offline_inquiry": {"status": status.value},
        "additional_info": {},
    }


@given(st.text(min_size=1), st.text())
@example("\ud83d alone", "\udfff")
def test_any_text_makes_an_answer_that_can_be_sent(name: str, info: str) -> None:
    code = replace(PAYABLE, customer=Customer(name), info=info)
    body = messages.compose_inquiry_answer(InquiryAnswer(InquiryStatus.SUCCESS, "8", code))
    told = json.loads(body.encode())
    assert told["customer"]["name"] == till_text(name)
    assert told["online_to_offline_info"]["info1"] == till_text(info)
