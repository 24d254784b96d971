"""Every request for a code that can't be: refused by name, by the reader, the model or the core."""

import base64
import json
from typing import Any

import pytest
from pydantic import ValidationError

from o2o.core.errors import InvalidRequest
from o2o.entry import problems
from o2o.entry.body import check_json_body
from o2o.entry.models.requests import NewPaymentCode
from tests.support.world import World, plenty

JSON = {"Content-Type": "application/json"}
REQUEST = {
    "invoice_number": "INV-1",
    "amount": 150_000,
    "channel": "alfa",
    "customer": {"name": "Anton"},
}


def names_refused(document: dict[str, Any]) -> list[str]:
    """What a request is refused for, on its way from the wire into the use case."""
    world = World()
    try:
        event = check_json_body({"headers": JSON, "body": json.dumps(document)})
        request = NewPaymentCode.model_validate(json.loads(event["body"])).to_request()
        world.generate("shop", request, time_left=plenty)
    except ValidationError as error:
        return [problems._field_name(("body", *each["loc"])) for each in error.errors()]
    except InvalidRequest as error:
        return [param.name for param in error.params]
    finally:
        assert bool(world.doku.sent) == (world.codes.get("INV-1") is not None)
    return []


def test_a_good_request_is_not_refused() -> None:
    assert names_refused(REQUEST) == []


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"customer": {"name": "Anton", "email": ""}}, {}),
        (
            {"customer": {"name": "Anton", "email": " anton@example.com\n"}},
            {"customer": {"name": "Anton", "email": "anton@example.com"}},
        ),
        (
            {"customer": {"name": "Anton", "email": "anton@\u200bexample.com\u00a0"}},
            {"customer": {"name": "Anton", "email": "anton@example.com"}},
        ),
        ({"feature": ""}, {}),
        ({"feature": None, "reusable": None, "receipt": None}, {}),
        ({"reusable": "", "receipt": " ", "metadata": "", "expires_in_minutes": ""}, {}),
        ({"bin": ""}, {}),
        ({"bin": " 8 "}, {"bin": "8"}),
        ({"unique_part": "\t"}, {}),
        (
            {"feature": "mgpc", "unique_part": "12\u200b34 "},
            {"feature": "mgpc", "unique_part": "1234"},
        ),
        ({"expires_in_minutes": 60.0}, {"expires_in_minutes": 60}),
        ({"expires_at": ""}, {}),
        ({"expires_at": " 2026-03-01T05:00:00Z\n"}, {"expires_at": "2026-03-01T05:00:00Z"}),
        (
            {"expires_at": "2026-03-01T12:00:00.1234567+07:00"},
            {"expires_at": "2026-03-01T05:00:00.123456Z"},
        ),
        (
            {"expires_at": "2026-03-01t05:00:00.123456789z"},
            {"expires_at": "2026-03-01T05:00:00.123456Z"},
        ),
        ({"expires_on": " "}, {}),
        ({"expires_on": "2026-03-01\n"}, {"expires_on": "2026-03-01"}),
        ({"expires_on": "", "expires_in_minutes": 5}, {"expires_in_minutes": 5}),
        ({"info": ""}, {}),
        ({"info": "\u200b\n"}, {}),
        ({"receipt": {"footer": ""}}, {"receipt": {}}),
        ({"receipt": {"description": " "}}, {"receipt": {}}),
        ({"replaces": ""}, {}),
        ({"amount": 150_000.0}, {"amount": 150_000}),
    ],
    ids=lambda value: f"{value!a:.60}",
)
def test_what_forms_and_clipboards_add_changes_nothing(
    change: dict[str, Any], same: dict[str, Any]
) -> None:
    assert names_refused(REQUEST | change) == []
    generous, plain = (
        NewPaymentCode.model_validate(REQUEST | each).to_request() for each in (change, same)
    )
    assert generous == plain


def test_a_till_s_text_is_kept_as_it_was_sent() -> None:
    sent = {
        "customer": {"name": " Anton\u00a0🎉\n"},
        "info": "Kopi\u2615",
        "receipt": {"footer": "\t1 "},
    }
    request = NewPaymentCode.model_validate(REQUEST | sent).to_request()
    assert request.customer.name == " Anton\u00a0🎉\n"
    assert (request.info, request.receipt.footer) == ("Kopi\u2615", "\t1 ")


def test_what_a_till_does_not_get_is_not_counted() -> None:
    assert names_refused(REQUEST | {"info": "i" * 30 + "\u200b\r\n"}) == []
    assert names_refused(REQUEST | {"info": "i" * 29 + " i"}) == ["info"]


def test_a_letter_is_no_emoji() -> None:
    assert names_refused(REQUEST | {"customer": {"name": "Zoë O'Brien-Müller"}}) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"invoice_number": ""}, "invoice_number"),
        ({"invoice_number": "a" * 65}, "invoice_number"),
        ({"invoice_number": "INV/1"}, "invoice_number"),
        ({"invoice_number": "INV 1"}, "invoice_number"),
        ({"invoice_number": ".."}, "invoice_number"),
        ({"invoice_number": "INV-1\n"}, "invoice_number"),
        ({"invoice_number": "INV-é"}, "invoice_number"),
        ({"invoice_number": "INV-💰"}, "invoice_number"),
        ({"invoice_number": 1}, "invoice_number"),
        ({"amount": -150_000}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": 150_000.5}, "amount"),
        ({"amount": "150000"}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": 10**30}, "amount"),
        ({"amount": 9_999}, "amount"),
        ({"channel": "ALFA"}, "channel"),
        ({"channel": None}, "channel"),
        ({"feature": "open"}, "feature"),
        ({"channel": "indomaret", "feature": "dipc"}, "feature"),
        ({"feature": ["dgpc", "mgpc"]}, "feature"),
        ({"billing_type": "OPEN_BILL"}, "billing_type"),
        ({"unique_part": "1234"}, "unique_part"),
        ({"feature": "mgpc", "unique_part": "12x4"}, "unique_part"),
        ({"feature": "mgpc", "unique_part": "1" * 15}, "unique_part"),
        ({"feature": "dipc", "unique_part": 1234}, "unique_part"),
        ({"feature": "dipc", "bin": "8"}, "bin"),
        ({"replaces": "INV-0"}, "replaces"),
        ({"replaces": "INV-1"}, "replaces"),
        ({"replaces": "INV/0"}, "replaces"),
        ({"bin": "x"}, "bin"),
        ({"bin": "7"}, "bin"),
        ({"customer": None}, "customer"),
        ({"customer": "Anton"}, "customer"),
        ({"customer": {}}, "customer.name"),
        ({"customer": {"name": "  "}}, "customer.name"),
        ({"customer": {"name": "A" * 65}}, "customer.name"),
        ({"customer": {"name": "\u3164\u200b\ufe0f"}}, "customer.name"),
        ({"customer": {"name": "🎉"}}, "customer.name"),
        ({"customer": {"name": "Anton", "email": "an ton@example.com"}}, "customer.email"),
        ({"customer": {"name": "Anton", "email": "anton🎉@example.com"}}, "customer.email"),
        ({"customer": {"name": "Anton", "email": "anton\u0000@example.com"}}, "customer.email"),
        ({"customer": {"name": "Anton", "email": "anton"}}, "customer.email"),
        ({"customer": {"name": "Anton", "phone": "1"}}, "customer.phone"),
        ({"expires_in_minutes": 0}, "expires_in_minutes"),
        ({"expires_in_minutes": 1.5}, "expires_in_minutes"),
        ({"expires_in_minutes": 43_201}, "expires_in_minutes"),
        ({"expires_at": "2026-03-01T05:00:00"}, "expires_at"),
        ({"expires_at": 1_772_334_000}, "expires_at"),
        ({"expires_at": "2026-02-30T05:00:00Z"}, "expires_at"),
        ({"expires_at": "2026-03-01T02:59:59Z"}, "expires_at"),
        ({"expires_on": "1 March"}, "expires_on"),
        ({"expires_on": "2026-02-28"}, "expires_on"),
        ({"expires_on": "2026-03-01", "expires_in_minutes": 5}, "expires_on"),
        ({"reusable": "yes"}, "reusable"),
        ({"reusable": 1}, "reusable"),
        ({"info": "i" * 31}, "info"),
        ({"receipt": {"footer": "f" * 129}}, "receipt.footer"),
        ({"receipt": {"description": "for indomaret only"}}, "receipt.description"),
        ({"metadata": "text"}, "metadata"),
        ({"metadata": {"a": "x" * 2048}}, "metadata"),
        ({"colour": "red"}, "colour"),
        ({"invoice_number": None}, "invoice_number"),
        ({"amount": 2_500_001}, "amount"),
        ({"channel": "lawson"}, "channel"),
        ({"channel": ["alfa"]}, "channel"),
        ({"bin": "88899"}, "bin"),
        ({"expires_in_minutes": -1}, "expires_in_minutes"),
        ({"expires_in_minutes": "60"}, "expires_in_minutes"),
        ({"expires_in_minutes": 10**12}, "expires_in_minutes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"expires_on": "2020-01-01"}, "expires_on"),
        ({"expires_on": "2026-13-01"}, "expires_on"),
        ({"expires_on": "9999-12-31"}, "expires_on"),
        ({"expires_on": "2100-01-01", "expires_in_minutes": 5}, "expires_on"),
        ({"customer": {"name": ""}}, "customer.name"),
        ({"customer": {"name": "Anton", "email": "x" * 128 + "@example.com"}}, "customer.email"),
        ({"info": "🍜"}, "info"),
        ({"receipt": "thanks"}, "receipt"),
        ({"metadata": []}, "metadata"),
        ({"channel": "indomaret", "feature": "mgpc"}, "feature"),
        ({"channel": "indomaret", "bin": "8"}, "bin"),
    ],
    ids=lambda value: f"{value!r:.60}",
)
def test_a_bad_field_is_named(change: dict[str, Any], field: str) -> None:
    assert names_refused(REQUEST | change) == [field]


@pytest.mark.parametrize("field", REQUEST)
def test_a_missing_field_is_named(field: str) -> None:
    assert names_refused({name: REQUEST[name] for name in REQUEST if name != field}) == [field]


# --- bodies ----------------------------------------------------------------------------------


def name_refused(event: dict[str, Any]) -> str:
    with pytest.raises(InvalidRequest) as refused:
        check_json_body(event)
    (param,) = refused.value.params
    return param.name


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "[]",
        '"text"',
        "{broken",
        '{"amount": NaN}',
        '{"metadata": {"a": Infinity}}',
        '{"metadata": {"a": 1e999}}',
        '{"amount": 10000, "amount": 20000}',
        '{"customer": {"name": "\\ud83d"}}',
        '{"a": ' * 17 + "1" + "}" * 17,
        "[" * 8_000 + "]" * 8_000,
        '{"a": "' + "x" * 1_000_000 + '"}',
        '{"amount": ' + "9" * 5_000 + "}",
    ],
    ids=lambda body: f"{body!r:.40}",
)
def test_a_bad_body_is_named(body: str | None) -> None:
    assert name_refused({"headers": JSON, "body": body}) == "body"


@pytest.mark.parametrize("encoded", ["%%%", "//8=", base64.b64encode(b"\xff\xfe\x00").decode()])
def test_a_body_that_is_no_text_is_named(encoded: str) -> None:
    assert name_refused({"headers": JSON, "body": encoded, "isBase64Encoded": True}) == "body"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "", None]
)
def test_another_content_type_is_named(content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    assert name_refused({"headers": headers, "body": json.dumps(REQUEST)}) == "Content-Type"


@pytest.mark.parametrize(
    ("document", "fingerprint"),
    [
        (
            {
                "invoice_number": "INV-1",
                "amount": 25_000,
                "channel": "alfa",
                "customer": {"name": "Anton Budiman"},
            },
            "e9f51aed702aed6424950ba9cbaf52cfbf32924da997063db57ccc8b3721bec0",
        ),
        (
            {
                "invoice_number": "INV-2",
                "amount": 150_000,
                "channel": "indomaret",
                "customer": {"name": " Zoë  O\u2019Brien ", "email": "zoe@example.com"},
                "feature": "mgpc",
                "bin": "88899",
                "unique_part": "0123",
                "expires_at": "2026-03-01T10:00:00.123456+07:00",
                "reusable": True,
                "info": " Kopi  Senja ",
                "receipt": {"description": "A", "footer": " B "},
                "metadata": {"b": 1, "a": [1.5, None, "é"]},
                "replaces": "INV-1",
            },
            "ebbef2cef3e96766e58652ada3b7a66326f41210df019c44f536925d3deff336",
        ),
        (
            {
                "invoice_number": "INV-3",
                "amount": 10_000,
                "channel": "alfa",
                "customer": {"name": "A", "email": None},
                "feature": "dgpc",
                "expires_on": "2026-03-02",
                "receipt": {},
                "metadata": {},
            },
            "9f43197765533d5b949548b9e43e43c4b127b1454247b3afa95f52278c7bc8d9",
        ),
    ],
)
def test_a_request_keeps_its_fingerprint(document: dict[str, Any], fingerprint: str) -> None:
    """Codes that exist have it stored: if it changed, none of their requests could be repeated."""
    assert NewPaymentCode.model_validate(document).to_request().fingerprint == fingerprint
