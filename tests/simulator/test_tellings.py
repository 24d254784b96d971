"""Well signed status checks and notifications that say something odd, each on demand."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.faults import KINDS
from simulator.store import Store
from simulator.tellings import FIELDS, TELLINGS, spoil
from tests.simulator.support import INDOMARET, Client, Json, Merchant


def identifiers(document: Json) -> dict[str, str]:
    pairs = document.get("online_to_offline_payment", {}).get("identifier", [])
    return {pair["name"]: pair["value"] for pair in pairs}


def paid(doku: Client, **details: Any) -> Json:
    """A code that was paid half an hour after its creation, with the plain telling of it."""
    doku.generate()
    doku.advance(1800)
    doku.pay(receipt_number="000123", store_id="T007", notify="none", **details)
    doku.advance(60)
    return doku.get_status("INV-1").json


def status(doku: Client) -> Json:
    reply = doku.get_status("INV-1")
    assert (reply.status, reply.is_signed) == (200, True)
    return reply.json


def notification(doku: Client, merchant: Merchant) -> Json:
    count = len(merchant.messages)
    doku.did("POST", "/notify", {"invoice_number": "INV-1"})
    message = merchant.wait_for(count + 1)[-1]
    assert message.is_genuine
    return message.json


def told(doku: Client, merchant: Merchant, operation: str) -> Json:
    return status(doku) if operation == "status" else notification(doku, merchant)


NAMES = (
    "order",
    "transaction",
    "online_to_offline_info",
    "online_to_offline_payment",
    "identifier",
    "name",
    "value",
    "invoice_number",
    "amount",
    "date",
)
ADDED = {*NAMES, "service", "acquirer", "channel"}
EMPTY = Store(None)
BOTH = pytest.mark.parametrize("operation", ["status", "notify"])


@BOTH
@pytest.mark.parametrize(
    ("field", "left"),
    [
        ("receipt", {"AGENT_ID", "AGENT_STORE_ID"}),
        ("store", {"AGENT_ID", "AGENT_TRX_ID"}),
        ("brand", {"AGENT_STORE_ID", "AGENT_TRX_ID"}),
        ("identifiers", set()),
    ],
)
def test_a_payment_without_some_of_its_identity(
    doku: Client, merchant: Merchant, operation: str, field: str, left: set[str]
) -> None:
    plain = paid(doku)
    doku.add_fault("missing_field", operation=operation, field=field)
    odd = told(doku, merchant, operation)
    assert identifiers(odd).keys() == left
    assert ("online_to_offline_payment" in odd) == (field != "identifiers")
    assert odd["transaction"]["date"] == plain["transaction"]["date"]
    clean = told(doku, merchant, operation)
    assert len(identifiers(clean)) == 3


@BOTH
def test_a_payment_without_a_date(doku: Client, merchant: Merchant, operation: str) -> None:
    paid(doku)
    doku.add_fault("missing_field", operation=operation, field="date")
    odd = told(doku, merchant, operation)
    assert odd["transaction"].keys() == {"status", "original_request_id"}
    assert len(identifiers(odd)) == 3


@BOTH
@pytest.mark.parametrize("number", ["0", "-", "N/A"])
def test_a_placeholder_as_receipt(
    doku: Client, merchant: Merchant, operation: str, number: str
) -> None:
    paid(doku)
    doku.add_fault("wrong_receipt", operation=operation, receipt_number=number)
    odd = identifiers(told(doku, merchant, operation))
    assert odd == {"AGENT_ID": "ALFAMART", "AGENT_STORE_ID": "T007", "AGENT_TRX_ID": number}


def test_two_payments_with_the_same_receipt_number(doku: Client, merchant: Merchant) -> None:
    doku.generate(online_to_offline_info__reusable_status=True)
    doku.add_fault("wrong_receipt", operation="notify", receipt_number="000777", times=2)
    for amount in (19_000, 18_000):
        doku.pay(amount=amount)
    messages = [message.json for message in merchant.wait_for(2)]
    assert {identifiers(each)["AGENT_TRX_ID"] for each in messages} == {"000777"}
    assert {each["order"]["amount"] for each in messages} == {19_000, 18_000}


@BOTH
def test_another_amount(doku: Client, merchant: Merchant, operation: str) -> None:
    paid(doku)
    doku.add_fault("wrong_amount", operation=operation)
    doku.add_fault("wrong_amount", operation=operation, amount=5)
    assert told(doku, merchant, operation)["order"]["amount"] == 19_001
    assert told(doku, merchant, operation)["order"]["amount"] == 5
    assert told(doku, merchant, operation)["order"]["amount"] == 19_000


@BOTH
def test_an_unreadable_amount(doku: Client, merchant: Merchant, operation: str) -> None:
    paid(doku)
    doku.add_fault("unreadable_amount", operation=operation)
    odd = told(doku, merchant, operation)
    assert odd["order"] == {"invoice_number": "INV-1", "amount": "N/A"}
    assert odd["transaction"]["status"] == "SUCCESS"


@BOTH
def test_another_currency(doku: Client, merchant: Merchant, operation: str) -> None:
    paid(doku)
    doku.add_fault("foreign_currency", operation=operation)
    odd = told(doku, merchant, operation)
    assert odd["order"] == {"invoice_number": "INV-1", "amount": 19_000, "currency": "USD"}


@BOTH
def test_dated_at_the_codes_creation(doku: Client, merchant: Merchant, operation: str) -> None:
    plain = paid(doku)
    doku.add_fault("created_date", operation=operation)
    odd = told(doku, merchant, operation)
    assert odd["transaction"]["date"] == doku.order()["created_at"]
    assert odd["transaction"]["date"] < plain["transaction"]["date"]
    assert len(identifiers(odd)) == 3


@BOTH
def test_dated_wrongly_by_a_time_zone(doku: Client, merchant: Merchant, operation: str) -> None:
    plain = paid(doku)
    doku.add_fault("shifted_date", operation=operation)
    doku.add_fault("shifted_date", operation=operation, seconds=3600)
    right = datetime.fromisoformat(plain["transaction"]["date"])
    odd, later = (
        datetime.fromisoformat(told(doku, merchant, operation)["transaction"]["date"])
        for _ in range(2)
    )
    assert odd == right - timedelta(hours=7)
    assert odd < datetime.fromisoformat(doku.order()["created_at"])
    assert later == right + timedelta(hours=1)


def test_the_first_payment_of_a_reusable_code(doku: Client) -> None:
    doku.generate(online_to_offline_info__reusable_status=True)
    first = doku.pay(receipt_number="1", notify="none")
    doku.advance(120)
    last = doku.pay(receipt_number="2", amount=18_000, notify="none")
    doku.advance(60)
    doku.add_fault("first_payment")
    odd, plain = status(doku), status(doku)
    for document, payment in ((odd, first), (plain, last)):
        assert document["transaction"]["date"] == payment["paid_at"]
        assert document["order"]["amount"] == payment["amount"]
        assert identifiers(document)["AGENT_TRX_ID"] == payment["receipt_number"]
    assert odd.keys() == plain.keys()


@BOTH
def test_refunded_after_a_payment(doku: Client, merchant: Merchant, operation: str) -> None:
    paid(doku)
    assert told(doku, merchant, operation)["transaction"]["status"] == "SUCCESS"
    doku.add_fault("other_status", operation=operation)
    odd = told(doku, merchant, operation)
    assert odd["transaction"]["status"] == "REFUNDED"
    assert identifiers(odd)["AGENT_TRX_ID"] == "000123"


def test_refunded_without_a_payment(doku: Client, merchant: Merchant) -> None:
    doku.generate()
    doku.add_fault("other_status", operation="status")
    assert status(doku)["transaction"]["status"] == "REFUNDED"
    assert status(doku)["transaction"]["status"] == "PENDING"
    doku.did("POST", "/notify", {"invoice_number": "INV-1", "status": "REFUNDED"})
    (message,) = merchant.wait_for(1)
    assert message.is_genuine
    assert message.json["transaction"]["status"] == "REFUNDED"


def test_null_ids(doku: Client) -> None:
    doku.generate()
    doku.add_fault("null_ids")
    odd = status(doku)
    assert odd["transaction"]["status"] == "PENDING"
    assert odd["transaction"]["date"] == doku.order()["created_at"]
    assert (odd["service"], odd["acquirer"], odd["channel"]) == ({"id": None},) * 3


# --- which telling it meets ----------------------------------------------------------------------


def test_it_waits_for_a_status_check_that_tells_of_a_payment(doku: Client) -> None:
    doku.generate()
    number = doku.add_fault("missing_field", operation="status")["id"]
    assert status(doku)["transaction"]["status"] == "PENDING"
    doku.pay(notify="none")
    doku.advance(60)
    assert identifiers(status(doku)).keys() == {"AGENT_ID", "AGENT_STORE_ID"}
    assert len(identifiers(status(doku))) == 3
    (fault,) = doku.did("GET", "/faults")["faults"]
    assert (fault["id"], fault["used"]) == (number, 1)
    requests = doku.did("GET", "/requests")["requests"]
    assert [each["fault"] for each in requests[:3]] == [None, "missing_field", None]


def test_it_is_for_a_channel_or_for_an_order(doku: Client, merchant: Merchant) -> None:
    doku.generate("INV-A")
    doku.generate("INV-I", INDOMARET)
    doku.add_fault("wrong_amount", operation="notify", channel="indomaret", amount=1)
    doku.add_fault("wrong_amount", operation="notify", invoice_number="INV-A", amount=2)
    doku.pay("INV-I")
    merchant.wait_for(1)
    doku.pay("INV-A")
    merchant.wait_for(2)
    amounts = {each.invoice_number: each.json["order"]["amount"] for each in merchant.messages}
    assert amounts == {"INV-I": 1, "INV-A": 2}


def test_one_payment_can_be_told_oddly(doku: Client, merchant: Merchant) -> None:
    doku.generate()
    doku.pay(notify={"kind": "missing_field", "field": "store"})
    (message,) = merchant.wait_for(1)
    assert identifiers(message.json).keys() == {"AGENT_ID", "AGENT_TRX_ID"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(["0001-01-01T00:00:00Z", "2026-02-31T00:00:00Z", "2026-01-31T05:12:43Z"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", TELLINGS)
@given(document=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=5))
def test_whatever_a_person_sends_by_hand_can_be_told_oddly(kind: str, document: Json) -> None:
    """A kind of fault that fails would be tried without end."""
    values = {name: each.default for name, each in KINDS[kind].parameters.items()}
    fields = FIELDS if kind == "missing_field" else (None,)
    for field in fields:
        told = spoil(kind, document, {**values, "field": field}, EMPTY)
        assert json.loads(json.dumps(told)).keys() <= document.keys() | ADDED


def test_a_document_by_hand_is_told_oddly_as_far_as_it_goes(
    doku: Client, merchant: Merchant
) -> None:
    """Whatever a person sends: no kind of fault fails on it."""
    kinds = ("missing_field", "wrong_receipt", "created_date", "shifted_date", "other_status")
    for kind in kinds:
        doku.did("POST", "/notify", {"channel": "alfa", "document": {}, "notify": kind})
    bodies = [json.loads(message.body) for message in merchant.wait_for(len(kinds))]
    assert {"transaction": {"status": "REFUNDED"}} in bodies
