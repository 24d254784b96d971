"""What is in the archive is checked and read as it was when it came."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from o2o.adapters.doku import signature
from o2o.adapters.doku.archived import DokuArchiveReader
from o2o.adapters.doku.credentials import DokuCredentials
from o2o.core.archive import ArchivedMessage, MessageKind
from o2o.core.codes import Source
from o2o.core.errors import UnreadableMessage
from o2o.core.notifications import DokuMessage, Notification, OrderState

KEYS = DokuCredentials("MCH-1", "SK-new", "SK-old")
READER = DokuArchiveReader(lambda *, refresh=False: KEYS)  # noqa: ARG005 - the port has this parameter
AT = "2026-03-01T03:20:00Z"
PAID = {
    "order": {"invoice_number": "INV/1", "amount": 150_000},
    "transaction": {"status": "SUCCESS", "date": "2026-03-01T03:10:00Z"},
}
PLACES = {
    MessageKind.NOTIFICATION: ("/v1/doku/notifications", signature.REQUEST_TIMESTAMP),
    MessageKind.STATUS: ("/orders/v1/status/INV%2F1", signature.RESPONSE_TIMESTAMP),
}


def archived(kind: MessageKind, content: Any = PAID, key: str = "SK-new") -> ArchivedMessage:
    path, name = PLACES[kind]
    body = json.dumps(content).encode()
    text = signature.component(
        client_id="MCH-1",
        request_id="r-1",
        timestamp=AT,
        target=path,
        body=body,
        timestamp_name=name,
    )
    headers = {"Client-Id": "MCH-1", "Request-Id": "r-1", name: AT}
    return ArchivedMessage(
        kind=kind,
        message=DokuMessage(path, headers | {"Signature": signature.sign(key, text)}, body),
        received_at=datetime(2026, 3, 1, tzinfo=UTC),
    )


kinds = pytest.mark.parametrize("kind", list(MessageKind))


@kinds
@pytest.mark.parametrize("key", ["SK-new", "SK-old"])
def test_each_of_our_keys_proves_a_message(kind: MessageKind, key: str) -> None:
    assert READER.is_proven(archived(kind, key=key))


@kinds
def test_nothing_else_does(kind: MessageKind) -> None:
    good = archived(kind)
    message = good.message
    spoilt = [
        archived(kind, key="SK-gone"),
        replace(good, message=replace(message, body=message.body + b" ")),
        replace(good, message=replace(message, path="/elsewhere")),
        *(
            replace(good, message=replace(message, headers={**message.headers, name: "x"}))
            for name in message.headers
            if name != "Client-Id"
        ),
        replace(good, message=replace(message, headers={})),
        replace(good, kind=next(each for each in MessageKind if each is not kind)),
    ]
    assert [READER.is_proven(each) for each in spoilt] == [False] * len(spoilt)


def test_a_notification_is_read_as_one() -> None:
    kept = archived(MessageKind.NOTIFICATION)
    notification = READER.read(kept)
    assert notification.payment is not None
    assert notification.payment.source is Source.NOTIFICATION
    assert notification.payment.evidence == READER.evidence(kept)
    assert READER.order_number(kept) is None


def test_an_answer_is_read_as_one_about_the_order_that_was_asked_for() -> None:
    kept = archived(
        MessageKind.STATUS, {"transaction": PAID["transaction"], "order": {"amount": 1}}
    )
    status = READER.read(kept)
    assert status.state is OrderState.SUCCESS
    assert status.payment is not None
    assert status.payment.source is Source.STATUS_CHECK
    assert status.payment.invoice_number == READER.order_number(kept) == "INV/1"


@kinds
def test_what_can_t_be_read_is_told(kind: MessageKind) -> None:
    with pytest.raises(UnreadableMessage):
        READER.read(archived(kind, []))


@kinds
def test_a_payment_that_can_t_be_read_names_its_order(kind: MessageKind) -> None:
    told = READER.read(archived(kind, {**PAID, "order": {"invoice_number": "INV/1"}}))
    assert told == Notification(OrderState.SUCCESS, None, "INV/1")


@kinds
def test_what_personal_data_was_taken_from_is_known_by_its_hash_and_read(kind: MessageKind) -> None:
    whole = archived(kind, PAID | {"customer": {"name": "Anton"}})
    left = whole.forget(json.dumps(PAID).encode(), whole.received_at)
    evidence = READER.evidence(left)
    assert evidence.digest == READER.evidence(whole).digest
    assert "Anton" not in evidence.body
    assert READER.read(left).payment is not None
    # The signature is that of the whole.
    assert not READER.is_proven(left)
