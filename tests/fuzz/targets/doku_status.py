"""DOKU's answer to a status check, as `tests/fuzz/doku_client.py` reads it.

Only a signed answer about this very order says anything of it. A SUCCESS is never lost: it comes
with its payment, whose amount is what its digits say, or with its evidence.
"""

import json
from decimal import Decimal

from o2o.adapters.doku.messages import STATUS_PATH
from o2o.core.errors import DokuError
from o2o.core.notifications import OrderState
from tests.fuzz.doku_client import client, travel
from tests.fuzz.functions import PERSON, SECRETS, must_not_tell
from tests.fuzz.seeds import doku_answers

SEEDS = doku_answers(
    {
        "order": {"invoice_number": "INV-1", "amount": 150000.00, "currency": "IDR"},
        "transaction": {
            "status": "SUCCESS",
            "date": "2026-03-01T03:05:00Z",
            "original_request_id": "5e3c4f9a",
        },
        "channel": {"id": "ONLINE_TO_OFFLINE_ALFA"},
        "acquirer": {"id": "ALFA"},
        "online_to_offline_info": {
            "payment_code": "8889940000000123",
            "created_date": "20260301100001",
        },
        "online_to_offline_payment": {
            "identifier": [{"name": "AGENT_TRX_ID", "value": "1246"}],
            "identifer": [{"name": "AGENT_STORE_ID", "value": "JKT-0417"}],
        },
    },
    PERSON,
)


def check(data: bytes) -> None:
    """Raise AssertionError if an answer is believed or lost wrongly."""
    wire, signed = travel(data, STATUS_PATH + "INV-1")
    try:
        status = client(wire).check_status("INV-1", lambda: 15.0)
    except DokuError as error:
        must_not_tell(f"{error} {error.code} {error!r}", *SECRETS, *PERSON.split())
        return
    assert signed is not None, status
    if status.state is OrderState.UNKNOWN:
        return
    message = json.loads(signed.decode("utf-8-sig"), parse_float=Decimal)
    named = (message.get("order") or {}).get("invoice_number") if _has_order(message) else None
    assert named is None or str(named).strip() == "INV-1"
    said = message.get("transaction")
    said = said.get("status") if isinstance(said, dict) else None
    if isinstance(said, str) and said.strip().upper() == "SUCCESS":
        assert status.state is OrderState.SUCCESS
        assert status.payment is not None or status.unreadable is not None
    if status.payment is not None:
        assert status.payment.amount == Decimal(message["order"]["amount"])
        assert status.payment.evidence.body == signed.decode("utf-8", "backslashreplace")


def _has_order(message: dict[str, object]) -> bool:
    return isinstance(message.get("order"), dict)
