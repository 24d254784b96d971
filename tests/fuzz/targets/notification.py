"""A request to ``POST /doku/notifications``; ``Signature: sign`` stands for DOKU's own.

Only what DOKU signed changes anything. Whatever else it is, it is acknowledged and on record, and
an amount is recorded as its digits say.
"""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

from tests.fuzz.doku import signed
from tests.fuzz.functions import (
    PERSON,
    RIVAL,
    SECRETS,
    Answer,
    Request,
    functions,
    must_be_declared,
    must_not_tell,
)
from tests.fuzz.seeds import doku_requests

PATH = "/doku/notifications"
SEEDS = doku_requests("receive_notification", PATH)


def check(data: bytes) -> None:
    """Raise AssertionError if a request is believed, refused or told of wrongly."""
    request, is_doku_s = signed(Request.read(data), f"/v1{PATH}")
    stack = functions()
    answer = stack.invoke("receive_notification", _at(request).event(PATH))
    must_be_declared(answer, "POST", PATH)
    must_not_tell(answer.text + answer.told, *SECRETS, PERSON, RIVAL)
    if not is_doku_s:
        assert answer.status == 401
        assert not answer.is_written
    elif answer.status == 200:
        _must_be_on_record(answer, request.body)


def _at(request: Request) -> Request:
    return Request("POST", PATH, request.query, request.headers, request.body)


def _must_be_on_record(answer: Answer, body: bytes) -> None:
    stack = functions()
    outcome = json.loads(answer.body)["received"]
    new = [
        payment
        for code, payments in stack.after["payments"].items()
        for number, payment in payments.items()
        if number not in stack.before["payments"].get(code, {})
    ]
    assert len(new) == (outcome == "settled")
    kept = stack.after["notifications"]
    assert answer.is_written or outcome == "known"
    assert bool(kept) == (outcome in {"unmatched", "unreadable", "not_success", "refunded"})
    for each in (*(payment.report for payment in new), *kept.values()):
        assert each.evidence.body == body.decode("utf-8", "backslashreplace")
    for payment in new:
        assert payment.report.amount == _amount(body)


def _amount(body: bytes) -> Decimal | None:
    """What another reader makes of the amount."""
    message: Any = json.loads(body.decode("utf-8-sig"), parse_float=Decimal)
    with suppress(ArithmeticError):
        return Decimal(message["order"]["amount"])
    return None
