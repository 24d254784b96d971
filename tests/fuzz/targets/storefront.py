"""A request of a storefront's to any of its routes: first line, headers, an empty line, the body.

It is answered by a declared status that tells nothing personal in an error and nothing of another
storefront's ever. A question changes nothing, a command its own codes alone, and the code that is
made has the amount and the customer that were sent.
"""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

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
from tests.fuzz.seeds import body_of, events, written

ROUTES = (
    ("POST", "/payment-codes", "generate_code"),
    ("GET", "/payment-codes", "read_codes"),
    ("GET", "/payment-codes/{invoice_number}", "read_codes"),
    ("GET", "/payment-codes/{invoice_number}/payments", "read_codes"),
    ("GET", "/payment-codes/{invoice_number}/how-to-pay", "explain_payment"),
    ("GET", "/payments", "read_payments"),
    (
        "POST",
        "/payment-codes/{invoice_number}/payments/{payment}/resolution",
        "resolve_payment",
    ),
    ("POST", "/payment-codes/{invoice_number}/cancel", "cancel_code"),
    ("POST", "/payment-codes/{invoice_number}/refresh", "refresh_code"),
    ("GET", "/channels", "read_codes"),
    ("GET", "/events", "browse_events"),
    ("GET", "/events/{event_id}", "browse_events"),
    ("POST", "/events/redeliver", "browse_events"),
)
JSON = {"Content-Type": "application/json"}
FULL = {
    "invoice_number": "NEW-1",
    "amount": 150_000,
    "channel": "alfa",
    "customer": {"name": PERSON, "email": "budiwati@rahasia.example"},
    "feature": "mgpc",
    "bin": "889955",
    "unique_part": "0812345679",
    "expires_in_minutes": 60,
    "reusable": True,
    "info": "Toko №7",
    "receipt": {"footer": "Terima kasih"},
    "metadata": {"cart": [1, 2.5, None, {"a": "b"}]},
    "replaces": "WAITS",
}
DATES = {"expires_at": "2026-03-02T10:00:00+07:00", "expires_on": "2026-03-02"}


def _new(**changes: Any) -> bytes:
    return written("POST /payment-codes", JSON, json.dumps({**FULL, **changes}).encode())


SEEDS = (
    _new(),
    _new(feature="dgpc", bin=None, unique_part=None, replaces=None),
    *(
        _new(expires_in_minutes=None, feature="dipc", **{name: each})
        for name, each in DATES.items()
    ),
    _new(channel="indomaret", feature=None, bin=None, receipt={"description": "a", "footer": "b"}),
    *(written("POST /payment-codes", JSON, body_of(each)) for each in events("generate_code")),
    *(
        written("POST /events/redeliver", JSON, json.dumps(body).encode())
        for body in (
            {"event_ids": ["evt_" + "0" * 32]},
            {"created_from": "2026-03-01T00:00:00Z", "created_to": "2026-03-02T00:00:00Z"},
            {"type": "payment_code.paid", "status": "dead", "cursor": "WyJl"},
        )
    ),
    b"GET /payment-codes?limit=1&channel=alfa&status=active&created_from=2026-03-01T03:00:00Z",
    b"GET /payment-codes?invoice_number=OWN&created_to=2026-03-01T10:00:00+07:00&cursor=WyJl",
    b"GET /payment-codes/AGAIN/payments?limit=1&cursor=WyJl",
    b"GET /payment-codes/AGAIN",
    b"GET /payment-codes/k7q2._INV-1",
    b"GET /payments?paid_from=2026-03-01&paid_to=2026-03-02&kind=paid&certain=true&limit=1000",
    b"GET /payments?receipt_number=R-1&resolution=open&amount=150000&store_id=T1",
    b"GET /payments?payment_code=8123456789012346&limit=1&cursor=WyJl",
    b"GET /payments?recorded_from=2026-03-01T03:00:00Z&channel=alfa\nAccept: text/csv",
    written(
        "POST /payment-codes/AGAIN/payments/1/resolution",
        JSON,
        b'{"resolution": "refunded", "reference": "TRF-1", "note": "in cash"}',
    ),
    written(
        "POST /payment-codes/k7q2._INV-1/payments/1/resolution", JSON, b'{"resolution": "kept"}'
    ),
    b"GET /payment-codes/OWN%20/how-to-pay",
    b"GET /payment-codes/OWN/how-to-pay",
    b"POST /payment-codes/OWN/cancel\nX-Forwarded-Proto: http",
    b"POST /payment-codes/k7q2._INV-1/cancel",
    b"POST /payment-codes/WAITS/refresh",
    b"GET /channels",
    b"GET /events?type=payment_code.paid&status=pending&limit=100",
    b"GET /events/evt_00000000000000000000000000000000",
)


def check(data: bytes) -> None:
    """Raise AssertionError if a request is answered wrongly or does what it may not."""
    request = Request.read(data)
    found = _route(request)
    if found is None:
        return  # API Gateway's own answer
    resource, function, parameters = found
    answer = functions().invoke(function, request.event(resource, parameters))
    must_be_declared(answer, request.method, resource)
    must_not_tell(answer.text + answer.told, *SECRETS, RIVAL)
    if not _names_say(PERSON, request):
        must_not_tell(answer.told, PERSON)
        if answer.status >= 400:
            must_not_tell(answer.text, PERSON)
    if request.method == "GET":
        assert not answer.is_written
    _must_change_own_alone(answer)
    if answer.status == 201:
        _must_be_as_sent(answer, request)


def _route(request: Request) -> tuple[str, str, dict[str, str] | None] | None:
    sent = request.path.split("/")
    for method, resource, function in ROUTES:
        route = resource.split("/")
        if (
            method == request.method
            and len(route) == len(sent)
            and all(a == b or (a[:1] == "{" and b) for a, b in zip(route, sent, strict=True))
        ):
            variable = {a[1:-1]: b for a, b in zip(route, sent, strict=True) if a[:1] == "{"}
            return resource, function, variable or None
    return None


def _names_say(words: str, request: Request) -> bool:
    """Whether it stands in the name of a field or parameter, which a refusal has to say."""
    names = [name for name, _ in parse_qsl(request.query, keep_blank_values=True)]

    def note(pairs: list[tuple[str, Any]]) -> None:
        names.extend(name for name, _ in pairs)

    with suppress(ValueError, RecursionError):
        json.loads(request.body, object_pairs_hook=note)
    return any(words.casefold() in name.casefold() for name in names)


def _must_change_own_alone(answer: Answer) -> None:
    before = functions().before
    for kind, entries in functions().after.items():
        for key, entry in entries.items():
            if before[kind].get(key) != entry:
                assert answer.status < 500
                # The payments of a code are kept together.
                owned = entry[1].code if kind == "payments" else entry
                owner = getattr(owned, "storefront_id", None)
                assert owner == "shop" or kind == "claims", (kind, key)


def _must_be_as_sent(answer: Answer, request: Request) -> None:
    sent = json.loads(request.body)
    code = functions().after["codes"][sent["invoice_number"]]
    assert code.amount == sent["amount"]
    assert code.customer.name == sent["customer"]["name"]
    shown = json.loads(answer.body)
    assert shown["amount"] == sent["amount"]
    assert shown["invoice_number"] == sent["invoice_number"]
    if sent.get("metadata") is not None:
        assert shown["metadata"] == sent["metadata"]
