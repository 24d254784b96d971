"""Payments, and the notifications that report them to the merchant."""

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from simulator import Simulator, SimulatorConfig
from tests.simulator.support import (
    ALFA,
    INDOMARET,
    SECRET_KEY,
    Client,
    Merchant,
    eventually,
    generation,
    sign,
    signed_text,
)

HALF_AN_HOUR = 30 * 60


def test_the_exact_bytes_of_a_notification(doku: Client, merchant: Merchant) -> None:
    code = doku.post(ALFA, generation(), request_id="R-1").code
    paid = doku.pay(receipt_number="1246", store_id="store")
    (message,) = merchant.wait_for(1)
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
  "transaction": {{
    "status": "SUCCESS",
    "date": "{paid["paid_at"]}",
    "original_request_id": "R-1"
  }},
  "order": {{
    "invoice_number": "INV-1",
    "amount": 19000.00
  }},
  "online_to_offline_info": {{
    "payment_code": "{code}"
  }},
  "online_to_offline_payment": {{
    "identifier": [
      {{
        "name": "AGENT_ID",
        "value": "ALFAMART"
      }},
      {{
        "name": "AGENT_STORE_ID",
        "value": "store"
      }},
      {{
        "name": "AGENT_TRX_ID",
        "value": "1246"
      }}
    ]
  }}
}}"""
    )
    assert message.path == "/v1/doku/notifications"
    assert message.is_genuine
    assert message.headers["Content-Type"] == "application/json"
    assert "Request-Target" not in message.headers


def test_indomaret_has_its_own_names_and_its_own_url(doku: Client, merchant: Merchant) -> None:
    doku.generate(path=INDOMARET)
    doku.pay()
    (message,) = merchant.wait_for(1)
    assert message.path == "/v1/doku/notifications/indomaret"
    assert message.is_genuine
    assert message.json["acquirer"] == {"id": "INDOMARET"}
    assert message.json["channel"] == {"id": "ONLINE_TO_OFFLINE_INDOMARET"}
    identifiers = message.json["online_to_offline_payment"]["identifier"]
    assert identifiers[0] == {"name": "AGENT_ID", "value": "INDOMARET"}


@pytest.mark.parametrize(
    ("form", "written"),
    [("decimal", b": 19000.00\n"), ("integer", b": 19000\n"), ("string", b': "19000"\n')],
)
def test_forms_of_an_amount(
    config: SimulatorConfig, merchant: Merchant, form: str, written: bytes
) -> None:
    with Simulator(replace(config, amount_form=form)) as simulator:
        doku = Client(simulator.url)
        doku.generate()
        doku.pay()
        (message,) = merchant.wait_for(1)
    assert written in message.body
    assert message.is_genuine


def test_a_payment_without_a_receipt_number(doku: Client, merchant: Merchant) -> None:
    doku.generate()
    doku.pay(receipt_number=None)
    (message,) = merchant.wait_for(1)
    names = [i["name"] for i in message.json["online_to_offline_payment"]["identifier"]]
    assert names == ["AGENT_ID", "AGENT_STORE_ID"]


def test_a_notification_url_of_the_order(doku: Client, merchant: Merchant) -> None:
    with Merchant() as other:
        doku.generate(additional_info__override_notification_url=other.url)
        doku.pay()
        (message,) = other.wait_for(1)
    assert message.is_genuine
    assert merchant.messages == []


def delivered(doku: Client, *, invoice_number: str = "INV-1") -> Callable[[], bool]:
    def probe() -> bool:
        return all(
            item["state"] == "delivered" for item in doku.order(invoice_number)["notifications"]
        )

    return probe


def test_the_log_of_an_attempt(doku: Client, merchant: Merchant) -> None:
    doku.generate()
    number = doku.pay()["notification"]
    eventually(delivered(doku), "the notification is delivered")
    (item,) = doku.order()["notifications"]
    assert (item["id"], item["state"], item["due_at"]) == (number, "delivered", None)
    (attempt,) = item["attempts"]
    assert attempt["number"] == 1
    assert attempt["status"] == 200
    assert attempt["url"] == merchant.url
    assert attempt["duration_ms"] >= 0
    assert attempt["request_id"] == merchant.messages[0].headers["Request-Id"]


def test_retries_follow_dokus_timetable(doku: Client, merchant: Merchant) -> None:
    merchant.statuses = [500, 302, 401, 503]
    doku.generate()
    doku.pay()
    for count, seconds in enumerate((HALF_AN_HOUR, 6 * 3600, 17.5 * 3600), start=1):
        noted(doku, count)
        (item,) = doku.order()["notifications"]
        assert item["state"] == "pending"
        first = item["attempts"][0]["at"]
        assert seconds_between(first, item["due_at"]) == seconds
        doku.advance(seconds_between(doku.now(), item["due_at"]) - 5)
        assert len(doku.attempts()) == count
        doku.advance(6)
        merchant.wait_for(count + 1)
    eventually(lambda: doku.order()["notifications"][0]["state"] == "given up", "DOKU gives up")
    assert [attempt["status"] for attempt in doku.attempts()] == [500, 302, 401, 503]
    bodies = {message.body for message in merchant.messages}
    assert len(bodies) == 1
    assert all(message.is_genuine for message in merchant.messages)
    times = [attempt["at"] for attempt in doku.attempts()]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert len({message.headers["Request-Id"] for message in merchant.messages}) == 4


def noted(doku: Client, count: int) -> None:
    eventually(lambda: len(doku.attempts()) == count, f"attempt {count} is noted")


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def test_a_retry_that_is_taken_is_the_last(doku: Client, merchant: Merchant) -> None:
    merchant.statuses = [500, 204]
    doku.generate()
    doku.pay()
    noted(doku, 1)
    doku.advance(24 * 3600)
    eventually(delivered(doku), "the retry is delivered")
    assert [attempt["status"] for attempt in doku.attempts()] == [500, 204]


def test_a_time_scale_shortens_the_timetable(config: SimulatorConfig, merchant: Merchant) -> None:
    merchant.statuses = [500]
    with Simulator(replace(config, time_scale=60)) as simulator:
        doku = Client(simulator.url)
        doku.generate()
        doku.pay()
        noted(doku, 1)
        (item,) = doku.order()["notifications"]
        assert seconds_between(item["attempts"][0]["at"], item["due_at"]) == 30


def test_retries_may_keep_their_request_id(config: SimulatorConfig, merchant: Merchant) -> None:
    merchant.statuses = [500]
    with Simulator(replace(config, retries_keep_request_id=True)) as simulator:
        doku = Client(simulator.url)
        doku.generate()
        doku.pay()
        noted(doku, 1)
        doku.advance(HALF_AN_HOUR)
        first, second = merchant.wait_for(2)
    assert first.headers["Request-Id"] == second.headers["Request-Id"]


def test_a_shared_clock_is_looked_at(config: SimulatorConfig, merchant: Merchant) -> None:
    offset = [timedelta(0)]
    merchant.statuses = [500]
    with Simulator(replace(config, now=lambda: datetime.now(UTC) + offset[0])) as simulator:
        doku = Client(simulator.url)
        doku.generate()
        doku.pay()
        noted(doku, 1)
        offset[0] = timedelta(seconds=HALF_AN_HOUR)
        simulator.wake()
        merchant.wait_for(2)


def test_a_merchant_that_does_not_answer(config: SimulatorConfig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/hook"
        slow = replace(config, notification_timeout_seconds=0.05, notification_urls={"alfa": url})
        with Simulator(slow) as simulator:
            doku = Client(simulator.url)
            doku.generate()
            doku.pay()
            eventually(lambda: len(doku.attempts()) == 1, "the attempt times out")
            (attempt,) = doku.attempts()
    assert attempt["status"] is None
    assert attempt["outcome"] == "no answer in time"


def test_a_merchant_that_is_not_there(config: SimulatorConfig) -> None:
    with Merchant() as gone:
        url = gone.url
    with Simulator(replace(config, notification_urls={"alfa": url})) as simulator:
        doku = Client(simulator.url)
        doku.generate()
        doku.generate("INV-2", INDOMARET)
        doku.pay()
        doku.pay("INV-2")
        eventually(lambda: doku.attempts() and doku.attempts("INV-2"), "both tries are noted")
        assert doku.attempts()[0]["outcome"].startswith("not reached")
        assert doku.attempts("INV-2")[0]["outcome"] == "no notification URL is configured"


def test_a_notification_url_can_be_set_while_it_runs(doku: Client) -> None:
    with Merchant() as other:
        assert doku.did("POST", "/notification-urls", {"alfa": other.url})["alfa"] == other.url
        doku.generate()
        doku.pay()
        other.wait_for(1)


def test_no_notification_at_all(doku: Client, merchant: Merchant) -> None:
    doku.generate("INV-1")
    doku.generate("INV-2")
    assert doku.pay("INV-1", notify="none")["notification"] is None
    doku.pay("INV-2")
    (message,) = merchant.wait_for(1)
    assert message.invoice_number == "INV-2"
    assert doku.order("INV-1")["notifications"] == []


# --- by hand -----------------------------------------------------------------------------------


def test_a_notification_by_hand(doku: Client, merchant: Merchant) -> None:
    doku.generate()
    doku.pay()
    doku.did("POST", "/notify", {"invoice_number": "INV-1"})
    first, second = merchant.wait_for(2)
    assert first.body == second.body
    assert first.headers["Request-Id"] != second.headers["Request-Id"]


def test_a_notification_by_hand_of_one_of_several_payments(
    doku: Client, merchant: Merchant
) -> None:
    doku.generate(online_to_offline_info__reusable_status=True)
    first = doku.pay()["receipt_number"]
    doku.pay()
    merchant.wait_for(2)
    doku.did("POST", "/notify", {"invoice_number": "INV-1", "receipt_number": first})
    assert first.encode() in merchant.wait_for(3)[-1].body
    unknown = {"invoice_number": "INV-1", "receipt_number": "none"}
    assert doku.control("POST", "/notify", unknown).status == 409


def test_a_notification_of_another_status(doku: Client, merchant: Merchant) -> None:
    doku.generate()
    assert doku.control("POST", "/notify", {"invoice_number": "INV-1"}).status == 409
    doku.did("POST", "/notify", {"invoice_number": "INV-1", "status": "FAILED"})
    (message,) = merchant.wait_for(1)
    assert message.json["transaction"]["status"] == "FAILED"
    assert message.is_genuine


def test_any_document_as_a_notification(doku: Client, merchant: Merchant) -> None:
    document = {"order": {"invoice_number": "FOREIGN", "amount": 5}, "news": ["ü", 1.5, None]}
    doku.did("POST", "/notify", {"channel": "alfa", "document": document})
    (message,) = merchant.wait_for(1)
    assert message.is_genuine
    assert message.json == document
    assert b'"amount": 5.00' in message.body
    eventually(delivered(doku, invoice_number="FOREIGN"), "the attempt is noted")


# --- spoiled notifications ---------------------------------------------------------------------


def spoiled(doku: Client, merchant: Merchant, kind: str, **more: object) -> tuple[bool, str]:
    """Pay with a fault; whether the message is genuine, and which retry came clean."""
    merchant.statuses = [401]
    code = doku.generate().code
    doku.add_fault(kind, **more)
    doku.pay()
    eventually(lambda: len(doku.attempts()) == 1, "the spoiled attempt is noted")
    assert doku.attempts()[0]["fault"] == kind
    doku.advance(HALF_AN_HOUR)
    merchant.wait_for(2)
    clean = merchant.messages[1]
    assert clean.is_genuine
    assert clean.json["order"]["amount"] == 19_000
    assert clean.json["online_to_offline_info"]["payment_code"] == code
    return merchant.messages[0].is_genuine, code


def test_wrong_amount(doku: Client, merchant: Merchant) -> None:
    genuine, _ = spoiled(doku, merchant, "wrong_amount")
    assert genuine
    assert merchant.messages[0].json["order"]["amount"] == 19_001


def test_wrong_amount_of_choice(doku: Client, merchant: Merchant) -> None:
    spoiled(doku, merchant, "wrong_amount", amount=1)
    assert b'"amount": 1.00' in merchant.messages[0].body


def test_wrong_digits(doku: Client, merchant: Merchant) -> None:
    genuine, code = spoiled(doku, merchant, "wrong_digits")
    assert genuine
    other = merchant.messages[0].json["online_to_offline_info"]["payment_code"]
    assert other != code
    assert other[:-1] == code[:-1]


def test_one_altered_byte(doku: Client, merchant: Merchant) -> None:
    genuine, _ = spoiled(doku, merchant, "tampered")
    assert not genuine
    bad, clean = (message.body for message in merchant.messages)
    assert sum(a != b for a, b in zip(bad, clean, strict=True)) == 1
    text = signed_text(merchant.messages[0].headers, merchant.messages[0].path, clean)
    assert merchant.messages[0].headers["Signature"] == sign(text)


def test_wrong_key(doku: Client, merchant: Merchant) -> None:
    genuine, _ = spoiled(doku, merchant, "wrong_key")
    assert not genuine
    assert merchant.messages[0].body == merchant.messages[1].body


def test_foreign_client_id(doku: Client, merchant: Merchant) -> None:
    genuine, _ = spoiled(doku, merchant, "foreign_client_id")
    assert not genuine
    message = merchant.messages[0]
    assert message.headers["Client-Id"] == "MCH-FOREIGN-0001"
    text = signed_text(message.headers, message.path, message.body)
    assert message.headers["Signature"] == sign(text, SECRET_KEY)


@pytest.mark.parametrize("header", ["Client-Id", "Request-Id", "Request-Timestamp", "Signature"])
def test_missing_header(doku: Client, merchant: Merchant, header: str) -> None:
    merchant.statuses = [401]
    doku.generate()
    doku.add_fault("missing_header", header=header)
    doku.pay()
    (message,) = merchant.wait_for(1)
    assert header not in message.headers
    assert len(message.headers.keys() & {"Client-Id", "Request-Id", "Signature"}) >= 2


def test_broken_json_with_a_good_signature(doku: Client, merchant: Merchant) -> None:
    doku.generate()
    doku.add_fault("broken_json")
    doku.pay()
    (message,) = merchant.wait_for(1)
    assert message.is_genuine
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        _ = message.json


def test_lost(doku: Client, merchant: Merchant) -> None:
    doku.generate("INV-1")
    doku.generate("INV-2")
    doku.add_fault("lost", invoice_number="INV-1")
    doku.pay("INV-1")
    eventually(lambda: doku.attempts("INV-1"), "the loss is noted")
    doku.advance(24 * 3600)
    assert doku.order("INV-1")["notifications"][0]["state"] == "lost"
    doku.did("POST", "/notify", {"invoice_number": "INV-1"})
    (message,) = merchant.wait_for(1)
    assert message.invoice_number == "INV-1"
    assert doku.status("INV-1") == "SUCCESS"


@pytest.mark.parametrize("concurrent", [True, False])
def test_duplicates(doku: Client, merchant: Merchant, *, concurrent: bool) -> None:
    doku.generate()
    doku.pay(notify={"kind": "duplicate", "copies": 50, "concurrent": concurrent})
    messages = merchant.wait_for(50)
    eventually(lambda: len(doku.attempts()) == 50, "every copy is noted")
    assert all(message.is_genuine for message in messages)
    assert len({message.body for message in messages}) == 1
    assert len({message.headers["Request-Id"] for message in messages}) == 50
    assert doku.order()["notifications"][0]["state"] == "delivered"


def test_duplicates_under_one_request_id(doku: Client, merchant: Merchant) -> None:
    doku.generate()
    doku.pay(notify={"kind": "duplicate", "copies": 3, "same_request_id": True})
    messages = merchant.wait_for(3)
    assert len({message.headers["Request-Id"] for message in messages}) == 1


def test_late(doku: Client, merchant: Merchant) -> None:
    doku.generate()
    doku.pay(notify={"kind": "late", "seconds": 7200})
    eventually(lambda: due_later(doku), "the notification is put off")
    doku.advance(7100)
    doku.post(ALFA, generation("INV-2"))
    doku.pay("INV-2")
    assert [message.invoice_number for message in merchant.wait_for(1)] == ["INV-2"]
    doku.advance(101)
    message = merchant.wait_for(2)[1]
    assert message.invoice_number == "INV-1"
    assert message.is_genuine
    assert seconds_between(message.json["transaction"]["date"], doku.now()) >= 7200


def test_reordered(doku: Client, merchant: Merchant) -> None:
    for number in (1, 2, 3):
        doku.generate(f"INV-{number}")
    doku.pay("INV-1", notify={"kind": "reordered", "others": 2, "seconds": 3600})
    doku.pay("INV-2")
    eventually(delivered(doku, invoice_number="INV-2"), "the second one is delivered")
    doku.pay("INV-3")
    messages = merchant.wait_for(3)
    assert [message.invoice_number for message in messages] == ["INV-2", "INV-3", "INV-1"]


def test_reordered_with_nothing_else_only_waits(doku: Client, merchant: Merchant) -> None:
    doku.generate()
    doku.pay(notify="reordered")
    eventually(lambda: due_later(doku), "the notification is put off")
    assert merchant.messages == []
    doku.advance(60)
    merchant.wait_for(1)


def due_later(doku: Client) -> bool:
    due_at = doku.order()["notifications"][0]["due_at"]
    return due_at is not None and seconds_between(doku.now(), due_at) > 30
