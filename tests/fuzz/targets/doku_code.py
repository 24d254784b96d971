"""DOKU's answer to a request for a code, as `tests/fuzz/doku_client.py` reads it.

Only a signed answer about this very order brings a code, with the digits that stand in it; anything
else is one of DOKU's errors, and none of them says who the customer is.
"""

import json

from o2o.core.codes import Customer, Intent
from o2o.core.errors import DokuError
from tests.fuzz.doku_client import PATH, REQUEST_ID, client, travel
from tests.fuzz.functions import PERSON, SECRETS, must_not_tell
from tests.fuzz.seeds import doku_answers
from tests.support.samples import make_code

_SENT = {
    "order": {"invoice_number": "INV-1", "amount": 150000},
    "customer": {"name": PERSON, "email": "budiwati@rahasia.example"},
}
CODE = make_code(
    customer=Customer(PERSON, "budiwati@rahasia.example"),
    intent=Intent(REQUEST_ID, json.dumps(_SENT)),
)
_ECHOES = tuple(
    b"HTTP/1.1 400 x\nSignature: sign\n\n" + json.dumps({"error": error}).encode()
    for error in (
        {"code": PERSON.split()[0], "message": "is no name"},
        {"code": "invalid_email", "message": "budiwati@"},
    )
)
SEEDS = _ECHOES + doku_answers(
    {
        "order": {"invoice_number": "INV-1", "amount": 150000},
        "online_to_offline_info": {
            "payment_code": "8889940000000123",
            "created_date": "20260301100001",
            "created_date_utc": "2026-03-01T03:00:01Z",
            "expired_date": "20260301110001",
            "expired_date_utc": "2026-03-01T04:00:01Z",
            "how_to_pay_page": "https://jokul.doku.com/how-to-pay/v2/x",
            "how_to_pay_api": "https://api.doku.com/how-to-pay/v2/y",
        },
    },
    PERSON,
)


def check(data: bytes) -> None:
    """Raise AssertionError if an answer is believed or told of wrongly."""
    wire, signed = travel(data, PATH)
    try:
        made = client(wire).generate(CODE, lambda: 15.0)
    except DokuError as error:
        must_not_tell(f"{error} {error.code} {error!r}", *SECRETS, *PERSON.split(), "budiwati@")
        return
    assert signed is not None, made
    message = json.loads(signed.decode("utf-8-sig"))
    assert message["order"]["invoice_number"].strip() == CODE.order_number
    assert str(message["online_to_offline_info"]["payment_code"]).strip() == made.payment_code
    assert made.payment_code.isascii()
    assert made.payment_code.isdigit()
    for link in (made.how_to_pay_page, made.how_to_pay_api):
        assert link is None or link.startswith(("https://", "http://"))
