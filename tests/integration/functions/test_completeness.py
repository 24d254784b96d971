"""What DOKU can't show, through the handlers: looks after an inquiry, and what is complete."""

from typing import Any

import pytest

from tests.integration.functions import doku
from tests.integration.functions.conftest import Stack

INVOICE = "INV-20260301-0001"


def paid_at_doku(stack: Stack, date: str, receipt: str = "1246") -> None:
    """From now on DOKU's status check shows a payment of the code."""
    stack.doku.clear()
    stack.doku.expect_request(f"/orders/v1/status/{INVOICE}", "GET").respond_with_handler(
        lambda request: doku.answer(
            request,
            {
                "order": {"invoice_number": INVOICE, "amount": 150_000},
                "transaction": {"status": "SUCCESS", "date": date},
                "acquirer": {"id": "ALFA"},
                "online_to_offline_payment": {
                    "identifier": [{"name": "AGENT_TRX_ID", "value": receipt}]
                },
            },
        )
    )


def unknown_at_doku(stack: Stack) -> None:
    """DOKU knows no order: nobody has paid the code yet."""
    stack.doku.clear()
    stack.doku.expect_request(f"/orders/v1/status/{INVOICE}", "GET").respond_with_handler(
        lambda request: doku.answer(request, {"error": {"message": "not found"}}, 404)
    )


def work_off(stack: Stack, event: Any) -> int:
    """What is due goes through the queue, as every minute; how much it was."""
    queued: int = stack.invoke("expire_codes", event("expire_codes/schedule"))["codes"]
    for message in stack.take_work():
        batch = event("reconcile_codes/one_code")
        batch["Records"][0]["body"] = message["Body"]
        assert stack.invoke("reconcile_codes", batch) == {"batchItemFailures": []}
    return queued


@pytest.fixture
def code(stack: Stack, event: Any) -> Any:
    assert stack.call("generate_code", event("generate_code/dipc")).status == 201
    return lambda: stack.call("read_codes", event("read_codes/one")).body


def ask_at_the_till(stack: Stack, event: Any) -> None:
    assert stack.call("answer_inquiry", event("answer_inquiry/alfa")).status == 200


def test_a_lost_notification_is_found_90_seconds_after_the_inquiry(stack, event, code):
    assert code()["inquired_at"] is None
    stack.clock.advance(minutes=20)
    unknown_at_doku(stack)
    assert work_off(stack, event) == 1  # the look of 15 minutes after its activation
    ask_at_the_till(stack, event)
    assert code()["inquired_at"] == "2026-03-01T03:20:00Z"
    paid_at_doku(stack, "2026-03-01T03:20:20Z")
    stack.clock.advance(seconds=89)
    assert work_off(stack, event) == 0
    stack.clock.advance(seconds=1)
    assert work_off(stack, event) == 1
    found = code()
    assert (found["status"], found["payments_count"]) == ("paid", 1)
    assert found["payments"][0]["source"] == "status_check"
    # Another till may have been told as well: DOKU does not know that the code is for one payment.
    assert found["payments_complete"] is None


def test_a_cashier_who_takes_minutes_is_waited_for(stack, event, code):
    ask_at_the_till(stack, event)
    unknown_at_doku(stack)
    for seconds in (90, 210):
        stack.clock.advance(seconds=seconds)
        assert work_off(stack, event) == 1
        assert code()["status"] == "active"
    paid_at_doku(stack, "2026-03-01T03:08:00Z")
    stack.clock.advance(minutes=7)
    assert work_off(stack, event) == 1
    assert code()["status"] == "paid"


def test_that_nothing_was_paid_is_complete_once_doku_was_asked_for_the_last_time(
    stack, event, code
):
    unknown_at_doku(stack)
    seen = []
    for minutes in (60, 1, 35, 1045):
        stack.clock.advance(minutes=minutes)
        work_off(stack, event)
        seen.append((code()["status"], code()["payments_complete"]))
    assert seen == [("active", None), ("expired", None), ("expired", None), ("expired", True)]
