"""The client over a real socket: what travels, what comes back, and all that can go wrong."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from o2o.adapters.doku.client import DokuClient, TimeLimits
from o2o.adapters.doku.credentials import DokuCredentials
from o2o.core.channels import Channel, Feature
from o2o.core.codes import DokuCode, Intent, PaymentCode
from o2o.core.errors import (
    DokuBlocked,
    DokuError,
    DokuOutcomeUnknown,
    DokuRefused,
    DokuUnavailable,
    InvalidConfiguration,
    Obstacle,
)
from o2o.core.notifications import OrderState, OrderStatus
from tests.support.examples import examples
from tests.support.machine import lack
from tests.support.samples import make_code, make_own_code
from tests.support.wire import (
    ANSWERED_AT,
    CLIENT_ID,
    GARBAGE,
    SECRET,
    Request,
    Script,
    Serve,
    drip,
    mac,
    raw_answer,
    reset,
    sends,
    signed_answer,
    signed_headers,
    wait_for_hang_up,
)

PATHS = {
    (Channel.ALFA, Feature.DGPC): "/alfa-online-to-offline/v2/payment-code",
    (Channel.INDOMARET, Feature.DGPC): "/indomaret-online-to-offline/v2/payment-code",
    (Channel.ALFA, Feature.MGPC): "/alfa-online-to-offline/v2/merchant-payment-code",
}
INTENT = Intent(
    "d24a5644-6078-4249-8740-4a6dcd92df5a",
    '{"order":{"invoice_number":"INV-1","amount":150000},'
    '"online_to_offline_info":{"expired_time":60,"reusable_status":false,"info":"Café 🧾"},'
    '"customer":{"name":"Zoë Budiman","email":"zoe@example.com"}}',
)
CODE = make_code("INV-1", bin="8", intent=INTENT)
OURS = make_own_code("INV-1", feature=Feature.MGPC, payment_code="8889955000000021", intent=INTENT)
GENERATED: dict[str, Any] = {
    "order": {"invoice_number": "INV-1"},
    "online_to_offline_info": {
        "payment_code": "8889955000000021",
        "expired_date": "20210124163000",
        "expired_date_utc": "2021-01-24T09:30:00Z",
        "how_to_pay_page": "https://sandbox.doku.com/how-to-pay/1",
    },
}
DOKU_CODE = DokuCode(
    "8889955000000021",
    datetime(2021, 1, 24, 9, 30, tzinfo=UTC),
    "https://sandbox.doku.com/how-to-pay/1",
)
STATUS = {
    "order": {"invoice_number": "INV-1", "amount": "150000.00"},
    "transaction": {"status": "SUCCESS", "date": "2021-01-24T09:00:00Z"},
    "acquirer": {"id": "ALFA"},
}
CREDENTIALS = DokuCredentials(CLIENT_ID, SECRET)
QUICK = TimeLimits(total=0.3, connect=0.3, reserve=0.0, least=0.01)
PATIENT = TimeLimits(total=30.0, connect=30.0, reserve=0.0, least=0.01)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2021, 1, 24, 8, 30, 0, 999_999, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Monotonic:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Vault:
    """Credentials that can change between two readings."""

    def __init__(self, *read: DokuCredentials) -> None:
        self.read = list(read)
        self.asked: list[bool] = []

    def __call__(self, *, refresh: bool = False) -> DokuCredentials:
        self.asked.append(refresh)
        if refresh and len(self.read) > 1:
            self.read.pop(0)
        return self.read[0]


class FixedEntropy:
    def request_id(self) -> str:
        return "d895fb53-479c-4f77-a76a-ab81b40d77cb"

    def token(self, length: int) -> str:
        return "a" * length

    def randbelow(self, bound: int) -> int:
        return bound - 1


Make = Callable[..., DokuClient]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(clock: Clock) -> Iterator[Make]:
    made: list[DokuClient] = []

    def build(base_url: str, **changes: Any) -> DokuClient:
        arguments: dict[str, Any] = {
            "base_url": base_url,
            "paths": PATHS,
            "credentials": Vault(CREDENTIALS),
            "clock": clock,
            "entropy": FixedEntropy(),
            "limits": PATIENT,
        }
        made.append(DokuClient(**(arguments | changes)))
        return made[-1]

    yield build
    for client in made:
        client._session.close()


def answers(status: int, content: object) -> Script:
    return lambda request, _: signed_answer(request, status, content)


def unsigned(status: int, content: object) -> Script:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return lambda _, __: raw_answer(status, body)


def forged(status: int, content: object) -> Script:
    return lambda request, _: signed_answer(request, status, content, "another key")


def plenty() -> float:
    return 900.0


def generate(client: DokuClient, code: PaymentCode = CODE) -> DokuCode:
    return client.generate(code, plenty)


def check(client: DokuClient, invoice_number: str = "INV-1") -> OrderStatus:
    return client.check_status(invoice_number, plenty)


# --- what travels -----------------------------------------------------------------------


def test_a_code_is_generated_and_the_bytes_signed_are_the_bytes_sent(
    make: Make, serve: Serve
) -> None:
    wire = serve(answers(200, GENERATED))
    client = make(wire.url)
    assert generate(client) == DOKU_CODE
    assert generate(client, replace(CODE, channel=Channel.INDOMARET)) == DOKU_CODE
    assert generate(client, OURS) == DOKU_CODE
    for request, path in zip(wire.requests, PATHS.values(), strict=True):
        assert (request.method, request.target) == ("POST", path)
        assert request.body == INTENT.body.encode()
        assert request.headers["client-id"] == CLIENT_ID
        assert request.headers["request-id"] == INTENT.request_id
        assert request.headers["request-timestamp"] == "2021-01-24T08:30:00Z"
        assert request.headers["content-type"] == "application/json"
        assert request.headers["accept-encoding"] == "identity"
        assert request.headers["signature"] == mac(SECRET, request.component)
        assert not {"request-target", "digest", "authorization"} & request.headers.keys()


def test_a_status_is_asked_without_body_and_digest(make: Make, serve: Serve) -> None:
    wire = serve(answers(200, STATUS))
    status = check(make(wire.url))
    request = wire.requests[0]
    assert (request.method, request.target) == ("GET", "/orders/v1/status/INV-1")
    assert request.body == b""
    assert request.headers["request-id"] == FixedEntropy().request_id()
    assert request.headers["signature"] == mac(SECRET, request.component)
    assert not {"content-type", "content-length"} & request.headers.keys()
    assert status.state is OrderState.SUCCESS
    assert status.payment is not None
    assert status.payment.amount == 150_000
    evidence = status.payment.evidence
    assert json.loads(evidence.body) == STATUS
    assert evidence.headers == signed_headers(request, evidence.body.encode())
    assert evidence.headers["Response-Timestamp"] == ANSWERED_AT


def test_the_path_is_signed_as_it_is_sent(make: Make, serve: Serve) -> None:
    wire = serve(answers(200, {"transaction": {"status": "PENDING"}}))
    assert check(make(wire.url), "INV 1/ä%2e~._-").state is OrderState.PENDING
    request = wire.requests[0]
    assert request.target == "/orders/v1/status/INV%201%2F%C3%A4%252e~._-"
    assert request.headers["signature"] == mac(SECRET, request.component)


@pytest.mark.parametrize("invoice_number", [".", ".."])
def test_a_path_that_would_be_rewritten_is_not_sent(
    make: Make, serve: Serve, invoice_number: str
) -> None:
    wire = serve(answers(404, {}))
    with pytest.raises(DokuRefused):
        check(make(wire.url), invoice_number)
    assert wire.connections == 0


def test_each_attempt_is_the_same_request_with_a_fresh_timestamp(
    make: Make, serve: Serve, clock: Clock
) -> None:
    wire = serve(answers(500, {}))
    client = make(wire.url)
    for _ in range(2):
        with pytest.raises(DokuOutcomeUnknown):
            generate(client)
        clock.now += timedelta(minutes=1)
    first, second = wire.requests
    assert first.body == second.body
    assert first.headers["request-id"] == second.headers["request-id"]
    assert second.headers["request-timestamp"] == "2021-01-24T08:31:00Z"
    assert second.headers["signature"] == mac(SECRET, second.component)


def test_nothing_is_taken_from_the_environment(
    make: Make, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, proxy = serve(answers(200, GENERATED)), serve(answers(200, GENERATED))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert generate(make(wire.url)) == DOKU_CODE
    assert proxy.connections == 0


def test_cookies_are_not_kept(make: Make, serve: Serve) -> None:
    def script(request: Request, _: socket.socket) -> bytes:
        body = json.dumps(GENERATED).encode()
        headers = {**signed_headers(request, body), "Set-Cookie": "session=1"}
        return raw_answer(200, body, headers)

    wire = serve(script)
    client = make(wire.url)
    generate(client)
    generate(client)
    assert ["cookie" in request.headers for request in wire.requests] == [False, False]


def test_a_connection_is_kept_unless_it_was_idle_for_long(
    make: Make, serve: Serve, clock: Clock
) -> None:
    wire = serve(answers(200, GENERATED))
    client = make(wire.url)
    generate(client)
    clock.now += timedelta(seconds=20)
    generate(client)
    assert wire.connections == 1
    clock.now += timedelta(seconds=21)
    generate(client)
    assert (wire.connections, len(wire.requests)) == (2, 3)


# --- codes that the merchant made -------------------------------------------------------


def test_our_digits_are_registered_at_the_merchant_path(make: Make, serve: Serve) -> None:
    wire = serve(answers(200, GENERATED))
    client = make(wire.url)
    code = replace(OURS, intent=Intent("r", client.compose(OURS, 90)))
    assert generate(client, code) == DOKU_CODE
    (request,) = wire.requests
    assert request.target == "/alfa-online-to-offline/v2/merchant-payment-code"
    assert json.loads(request.body) == {
        "order": {"invoice_number": "INV-1", "amount": 150_000},
        "online_to_offline_info": {
            "expired_time": 90,
            "reusable_status": False,
            "payment_code": "8889955000000021",
        },
        "customer": {"name": "Anton Budiman", "email": "anton@example.com"},
    }


@pytest.mark.parametrize("status", [200, 409])
@pytest.mark.parametrize(
    "digits", ["8889955000000022", "889955000000021", "08889955000000021", "8"]
)
def test_other_digits_than_were_registered_leave_the_outcome_open(
    make: Make, serve: Serve, status: int, digits: str
) -> None:
    told = {**GENERATED, "online_to_offline_info": {"payment_code": digits}}
    client = make(serve(answers(status, told)).url)
    with pytest.raises(DokuOutcomeUnknown, match="other digits") as caught:
        generate(client, OURS)
    assert digits not in str(caught.value)
    # Of DOKU's own codes nothing was registered: its digits are what they are.
    assert generate(client).payment_code == digits


def test_the_url_for_notifications_is_a_setting(make: Make) -> None:
    override = "https://staging.example/v1/doku/notifications"
    plain = make("http://127.0.0.1:1")
    overriding = make("http://127.0.0.1:1", notification_url=override)
    for code in (CODE, OURS):
        body = json.loads(overriding.compose(code, 60))
        assert body.pop("additional_info") == {"override_notification_url": override}
        assert body == json.loads(plain.compose(code, 60))


def test_columns_of_the_report_go_beside_that_url(make: Make) -> None:
    override = "https://staging.example/v1/doku/notifications"
    client = make("http://127.0.0.1:1", notification_url=override)
    body = json.loads(client.compose(CODE, 60, {"Shop": "toko-satu"}))
    assert body["additional_info"] == {
        "override_notification_url": override,
        "report": [{"key": "Shop", "value": "toko-satu"}],
    }


# --- what is believed -------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201])
def test_the_signature_of_a_good_answer_must_hold(make: Make, serve: Serve, status: int) -> None:
    body = json.dumps(GENERATED).encode()

    def altered(request: Request, _: socket.socket) -> bytes:
        return raw_answer(status, body + b" ", signed_headers(request, body))

    def for_another_request(request: Request, _: socket.socket) -> bytes:
        return raw_answer(status, body, signed_headers(request, body, request_id="other"))

    def for_another_path(request: Request, _: socket.socket) -> bytes:
        return raw_answer(status, body, signed_headers(request, body, target="/other"))

    def of_another_merchant(request: Request, _: socket.socket) -> bytes:
        return raw_answer(status, body, signed_headers(request, body, client_id="MCH-2"))

    def without_timestamp(request: Request, _: socket.socket) -> bytes:
        headers = signed_headers(request, body)
        del headers["Response-Timestamp"]
        return raw_answer(status, body, headers)

    for script in (
        altered,
        for_another_request,
        for_another_path,
        of_another_merchant,
        without_timestamp,
        forged(status, GENERATED),
        unsigned(status, GENERATED),
    ):
        with pytest.raises(DokuOutcomeUnknown, match="signature does not hold"):
            generate(make(serve(script).url))
    assert generate(make(serve(answers(status, GENERATED)).url)) == DOKU_CODE


@pytest.mark.parametrize("script", [forged(200, STATUS), unsigned(200, STATUS)])
def test_an_unsigned_status_is_not_believed(make: Make, serve: Serve, script: Script) -> None:
    with pytest.raises(DokuOutcomeUnknown, match="signature"):
        check(make(serve(script).url))


def test_a_signature_with_the_previous_key_holds(make: Make, serve: Serve) -> None:
    wire = serve(lambda request, _: signed_answer(request, 200, GENERATED, "old"))
    vault = Vault(replace(CREDENTIALS, previous_secret_key="old"))
    assert generate(make(wire.url, credentials=vault)) == DOKU_CODE
    assert wire.requests[0].headers["signature"] == mac(SECRET, wire.requests[0].component)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"<html>", b"\xff\xfe", b"[]", b"null", b"[" * 50_000, b'{"order":'),
        {"order": {"invoice_number": "INV-1"}, "online_to_offline_info": {}},
        {**GENERATED, "order": {"invoice_number": "INV-2"}},
        {**GENERATED, "online_to_offline_info": {"payment_code": "8" * 26}},
        {"error": {"code": "invalid_signature", "message": "in a 200"}},
    ],
)
def test_a_signed_answer_that_can_not_be_understood(
    make: Make, serve: Serve, content: object
) -> None:
    with pytest.raises(DokuOutcomeUnknown):
        generate(make(serve(answers(200, content)).url))
    with pytest.raises(DokuOutcomeUnknown):
        check(make(serve(answers(200, b"[]")).url))


def test_a_conflict_that_brings_a_code_is_a_success(make: Make, serve: Serve) -> None:
    assert generate(make(serve(answers(409, GENERATED)).url)) == DOKU_CODE


def test_a_conflict_that_brings_a_code_must_be_signed(make: Make, serve: Serve) -> None:
    for script in (unsigned(409, GENERATED), forged(409, GENERATED)):
        with pytest.raises(DokuOutcomeUnknown):
            generate(make(serve(script).url))


# --- the table of errors ----------------------------------------------------------------


def error(code: str, message: str = "told") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "type": "invalid_request_error"}}


PAGE = b"<html>of something that stands before DOKU</html>"
INACTIVE = "PAYMENT CHANNEL IS INACTIVE"
FAILED = {"status": "FAILED", "response_code": "4001", "response_message": "told"}

TABLE: list[tuple[int, Any, Obstacle, str | None]] = [
    (400, {"message": ["Invalid JSON Format"]}, Obstacle.REFUSED, None),
    (400, {"error_messages": ["…"]}, Obstacle.REFUSED, None),
    (400, FAILED, Obstacle.REFUSED, "4001"),
    (409, error("invoice_number_taken"), Obstacle.REFUSED, "invoice_number_taken"),
    (422, {"message": "no"}, Obstacle.REFUSED, None),
    # What concerns every order ends none.
    (400, {"message": ["PAYMENT CHANNEL IS INACTIVE"]}, Obstacle.CHANNEL_INACTIVE, None),
    (400, error("inactive", "Payment channel is inactive."), Obstacle.CHANNEL_INACTIVE, "inactive"),
    (400, FAILED | {"response_message": INACTIVE}, Obstacle.CHANNEL_INACTIVE, "4001"),
    (400, error("invalid_header_request"), Obstacle.CREDENTIALS, "invalid_header_request"),
    (400, error("invalid_client_id"), Obstacle.CREDENTIALS, "invalid_client_id"),
    (400, error("invalid_signature"), Obstacle.CREDENTIALS, "invalid_signature"),
    (401, error("invalid_signature"), Obstacle.CREDENTIALS, "invalid_signature"),
    (403, {"message": "Forbidden"}, Obstacle.CREDENTIALS, None),
    (404, {"message": "No static resource x."}, Obstacle.PATH_UNKNOWN, None),
    (405, {"message": "Request method 'POST' is not supported"}, Obstacle.PATH_UNKNOWN, None),
    # DOKU did not take it.
    (400, error("request_time_out_of_range"), Obstacle.UNAVAILABLE, "request_time_out_of_range"),
    (400, {"message": "request_time_out_of_range"}, Obstacle.UNAVAILABLE, None),
    (429, error("too_many"), Obstacle.UNAVAILABLE, "too_many"),
    (429, b"", Obstacle.UNAVAILABLE, None),
    # Nobody knows.
    (409, error("idempotent_request"), Obstacle.OUTCOME_UNKNOWN, "idempotent_request"),
    (409, b"", Obstacle.OUTCOME_UNKNOWN, None),
    (400, {"error": "Bad Request", "status": 400}, Obstacle.OUTCOME_UNKNOWN, None),
    (402, {"message": "no"}, Obstacle.OUTCOME_UNKNOWN, None),
    (404, error("data_not_found"), Obstacle.OUTCOME_UNKNOWN, "data_not_found"),
    (408, {"message": "Request Timeout"}, Obstacle.OUTCOME_UNKNOWN, None),
    (413, {"message": "Too Large"}, Obstacle.OUTCOME_UNKNOWN, None),
    (500, error("internal"), Obstacle.OUTCOME_UNKNOWN, "internal"),
    (500, error("invalid_signature"), Obstacle.OUTCOME_UNKNOWN, "invalid_signature"),
    (502, PAGE, Obstacle.OUTCOME_UNKNOWN, None),
    (503, {"message": "Service Unavailable"}, Obstacle.OUTCOME_UNKNOWN, None),
    (504, b"", Obstacle.OUTCOME_UNKNOWN, None),
    (400, PAGE, Obstacle.OUTCOME_UNKNOWN, None),
    (304, b"", Obstacle.OUTCOME_UNKNOWN, None),
]
KINDS = {
    Obstacle.REFUSED: DokuRefused,
    Obstacle.UNAVAILABLE: DokuUnavailable,
    Obstacle.OUTCOME_UNKNOWN: DokuOutcomeUnknown,
}


def fails(call: Callable[[], object]) -> DokuError:
    with pytest.raises(DokuError) as caught:
        call()
    assert type(caught.value) is KINDS.get(caught.value.obstacle, DokuBlocked)
    return caught.value


@pytest.mark.parametrize("script", [answers, unsigned])
@pytest.mark.parametrize(("status", "content", "obstacle", "code"), TABLE)
def test_the_table_of_errors(
    make: Make,
    serve: Serve,
    script: Callable[[int, Any], Script],
    status: int,
    content: object,
    obstacle: Obstacle,
    code: str | None,
) -> None:
    wire = serve(script(status, content))
    failed = fails(lambda: generate(make(wire.url)))
    assert (failed.obstacle, failed.code) == (obstacle, code)
    assert str(failed).startswith(f"HTTP {status}")
    assert len(wire.requests) == 1
    if status != 404:
        assert fails(lambda: check(make(wire.url))).obstacle is obstacle


@pytest.mark.parametrize("content", [b"", PAGE, {"error": "Forbidden"}])
@pytest.mark.parametrize(
    ("status", "obstacle"),
    [
        (401, Obstacle.FIREWALL),
        (403, Obstacle.FIREWALL),
        (404, Obstacle.PATH_UNKNOWN),
        (405, Obstacle.PATH_UNKNOWN),
    ],
)
def test_what_stands_before_doku_is_not_doku(
    make: Make, serve: Serve, status: int, obstacle: Obstacle, content: object
) -> None:
    vault = Vault(CREDENTIALS)
    client = make(serve(unsigned(status, content)).url, credentials=vault)
    assert fails(lambda: generate(client)).obstacle is obstacle
    assert fails(lambda: check(client)).obstacle is obstacle
    assert vault.asked == [False, False]


@pytest.mark.parametrize("script", [answers, forged])
@pytest.mark.parametrize("status", [401, 403])
def test_a_signed_401_is_about_credentials(
    make: Make, serve: Serve, script: Callable[[int, Any], Script], status: int
) -> None:
    # If our key is wrong, DOKU's own signature can't hold for us.
    failed = fails(lambda: generate(make(serve(script(status, b"")).url)))
    assert failed.obstacle is Obstacle.CREDENTIALS


def test_a_refusal_with_a_wrong_signature_is_no_refusal(make: Make, serve: Serve) -> None:
    refusal = {"message": ["PAYMENT CHANNEL IS INACTIVE"]}
    with pytest.raises(DokuOutcomeUnknown):
        generate(make(serve(forged(400, refusal)).url))
    with pytest.raises(DokuOutcomeUnknown):
        check(make(serve(forged(404, {"message": "order not found"})).url))


@pytest.mark.parametrize("content", [error("order_not_found"), {"message": "no order"}, b""])
def test_only_doku_itself_can_know_no_order(make: Make, serve: Serve, content: object) -> None:
    unknown = OrderStatus(OrderState.UNKNOWN)
    assert check(make(serve(answers(404, content)).url)) == unknown
    for script in (unsigned(404, content), forged(404, content)):
        failed = fails(lambda script=script: check(make(serve(script).url)))  # type: ignore[misc]
        assert failed.obstacle in (Obstacle.OUTCOME_UNKNOWN, Obstacle.PATH_UNKNOWN)


@pytest.mark.parametrize("script", [answers, unsigned])
def test_a_404_that_is_not_about_the_order(
    make: Make, serve: Serve, script: Callable[[int, Any], Script]
) -> None:
    path = {"message": "No static resource orders/v1/status/INV-1."}
    failed = fails(lambda: check(make(serve(script(404, path)).url)))
    assert failed.obstacle is Obstacle.PATH_UNKNOWN


@pytest.mark.parametrize("amount", [None, "many", [], True])
def test_a_signed_success_that_can_not_be_read(make: Make, serve: Serve, amount: object) -> None:
    told = {**STATUS, "order": {"invoice_number": "INV-1", "amount": amount}}
    status = check(make(serve(answers(200, told)).url))
    assert (status.state, status.payment) == (OrderState.SUCCESS, None)
    assert status.unreadable is not None
    assert json.loads(status.unreadable.body) == told
    with pytest.raises(DokuOutcomeUnknown, match="signature"):
        check(make(serve(unsigned(200, told)).url))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(make: Make, serve: Serve, status: int) -> None:
    target = serve(answers(200, GENERATED))
    wire = serve(lambda _, __: raw_answer(status, b"", {"Location": f"{target.url}/x"}))
    with pytest.raises(DokuOutcomeUnknown, match=f"HTTP {status}"):
        generate(make(wire.url))
    assert target.connections == 0


EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@pytest.mark.parametrize("interim", [EARLY_HINTS, b"HTTP/1.1 102 Processing\r\n\r\n"])
def test_an_interim_answer_is_not_the_answer(make: Make, serve: Serve, interim: bytes) -> None:
    def hints(request: Request, _: socket.socket) -> bytes:
        return interim + interim + signed_answer(request, 200, GENERATED)

    wire = serve(hints)
    client = make(wire.url)
    assert generate(client) == DOKU_CODE
    assert generate(client) == DOKU_CODE
    assert wire.connections == 1


def test_the_message_is_short_and_printable(make: Make, serve: Serve) -> None:
    told = "bad\r\n\x1b[31m \u2028channel " + "x" * 500
    with pytest.raises(DokuRefused) as caught:
        generate(make(serve(answers(400, {"message": told})).url))
    text = str(caught.value)
    assert text.startswith("HTTP 400: bad [31m channel xxx")
    assert text.isprintable()
    assert len(text) == len("HTTP 400: ") + 200


@pytest.mark.parametrize(
    "told",
    [
        "customer Zoë Budiman is unknown",
        "ZOË  BUDIMAN",
        "no budiman here",
        "Zoë\nBudiman",
        "zoe@EXAMPLE.com is not an address",
        "x" * 195 + "Budiman",
    ],
)
def test_the_customer_is_not_in_a_message(make: Make, serve: Serve, told: str) -> None:
    with pytest.raises(DokuRefused) as caught:
        generate(make(serve(answers(400, error("bad_customer", told))).url))
    assert str(caught.value) == "HTTP 400: bad_customer"


def test_a_status_error_has_no_message(make: Make, serve: Serve) -> None:
    with pytest.raises(DokuRefused) as caught:
        check(make(serve(answers(400, error("bad", "Anton Budiman"))).url))
    assert str(caught.value) == "HTTP 400: bad"


# --- credentials ------------------------------------------------------------------------


def knows(secret: str, status: int = 401) -> Script:
    """A DOKU whose key for us is this one, and which signs with it."""

    def script(request: Request, _: socket.socket) -> bytes:
        if request.headers["signature"] != mac(secret, request.component):
            return signed_answer(request, status, error("invalid_signature"), secret)
        return signed_answer(request, 200, GENERATED, secret)

    return script


@pytest.mark.parametrize("status", [400, 401])
def test_credentials_that_changed_are_read_anew(make: Make, serve: Serve, status: int) -> None:
    wire = serve(knows("new", status))
    vault = Vault(CREDENTIALS, DokuCredentials(CLIENT_ID, "new", SECRET))
    client = make(wire.url, credentials=vault)
    assert generate(client) == DOKU_CODE
    assert vault.asked == [False, True]
    first, second = wire.requests
    assert first.body == second.body
    assert first.headers["request-id"] == second.headers["request-id"]
    assert generate(client) == DOKU_CODE
    assert vault.asked == [False, True, False]


def test_only_a_refusal_is_about_credentials(make: Make, serve: Serve) -> None:
    for status in (200, 302, 500):
        vault = Vault(CREDENTIALS, DokuCredentials(CLIENT_ID, "new"))
        wire = serve(answers(status, error("invalid_signature")))
        with pytest.raises(DokuOutcomeUnknown):
            generate(make(wire.url, credentials=vault))
        assert (vault.asked, len(wire.requests)) == ([False], 1)


def test_credentials_that_stay_wrong_are_tried_once(make: Make, serve: Serve) -> None:
    wire = serve(knows("new"))
    vault = Vault(CREDENTIALS)
    failed = fails(lambda: generate(make(wire.url, credentials=vault)))
    assert (failed.obstacle, failed.code) == (Obstacle.CREDENTIALS, "invalid_signature")
    assert (vault.asked, len(wire.requests)) == ([False, True], 1)


def test_new_credentials_that_are_wrong_too_are_tried_once(make: Make, serve: Serve) -> None:
    wire = serve(knows("new"))
    vault = Vault(CREDENTIALS, DokuCredentials(CLIENT_ID, "b"), DokuCredentials(CLIENT_ID, "c"))
    failed = fails(lambda: generate(make(wire.url, credentials=vault)))
    assert failed.obstacle is Obstacle.CREDENTIALS
    assert len(wire.requests) == 2


def test_the_refusal_of_a_request_that_went_out_twice_proves_nothing(
    make: Make, serve: Serve
) -> None:
    """Not even the client itself can know what the first of the two sends did."""
    told = [error("invalid_signature"), {"message": ["Invalid JSON Format"]}]

    def script(request: Request, _: socket.socket) -> bytes:
        return raw_answer(400, json.dumps(told.pop(0)).encode())

    wire = serve(script)
    vault = Vault(CREDENTIALS, DokuCredentials(CLIENT_ID, "new"))
    failed = fails(lambda: generate(make(wire.url, credentials=vault)))
    assert failed.obstacle is Obstacle.OUTCOME_UNKNOWN
    assert len(wire.requests) == 2


def test_a_kept_connection_that_broke_is_not_sent_to_twice(make: Make, serve: Serve) -> None:
    """The first request on it may have arrived, so that its repeat would be a second send."""

    def script(request: Request, connection: socket.socket) -> bytes | None:
        if len(wire.requests) == 1:
            return signed_answer(request, 200, GENERATED)
        reset(connection)
        return None

    wire = serve(script)
    client = make(wire.url)
    assert generate(client) == DOKU_CODE
    assert fails(lambda: generate(client)).obstacle is Obstacle.OUTCOME_UNKNOWN
    assert (len(wire.requests), wire.connections) == (2, 1)


@pytest.mark.parametrize(
    ("raised", "obstacle"),
    [
        (InvalidConfiguration("the entry is a placeholder"), Obstacle.CREDENTIALS),
        (OSError("no network"), Obstacle.UNAVAILABLE),
    ],
)
def test_credentials_that_can_not_be_read(
    make: Make, serve: Serve, raised: Exception, obstacle: Obstacle
) -> None:
    def broken(*, refresh: bool = False) -> DokuCredentials:
        raise raised

    wire = serve(answers(200, GENERATED))
    assert fails(lambda: generate(make(wire.url, credentials=broken))).obstacle is obstacle
    assert wire.connections == 0


# --- time -------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [-5.0, 0.0, 2.0, 2.9])
def test_without_time_nothing_is_sent(make: Make, serve: Serve, left: float) -> None:
    wire = serve(answers(200, GENERATED))
    client = make(wire.url, limits=TimeLimits(), monotonic=Monotonic())
    with pytest.raises(DokuUnavailable, match="no time"):
        client.generate(CODE, lambda: left)
    with pytest.raises(DokuUnavailable, match="no time"):
        client.check_status("INV-1", lambda: left)
    assert wire.connections == 0


def test_with_just_enough_time_it_is_sent(make: Make, serve: Serve) -> None:
    client = make(serve(answers(200, GENERATED)).url, limits=TimeLimits(), monotonic=Monotonic())
    assert client.generate(CODE, lambda: 3.0) == DOKU_CODE


def test_new_credentials_get_what_time_is_left(make: Make, serve: Serve) -> None:
    monotonic = Monotonic()

    def slow(*, refresh: bool = False) -> DokuCredentials:
        monotonic.now += 29.995 if refresh else 0
        return DokuCredentials(CLIENT_ID, "new" if refresh else SECRET)

    wire = serve(knows("new"))
    with pytest.raises(DokuUnavailable, match="no time"):
        generate(make(wire.url, credentials=slow, monotonic=monotonic))
    assert len(wire.requests) == 1


def test_an_answer_that_does_not_come(make: Make, serve: Serve) -> None:
    hung_up: list[bool] = []

    def hang(request: Request, connection: socket.socket) -> bytes:
        hung_up.append(wait_for_hang_up(connection))
        return signed_answer(request, 200, GENERATED)

    with pytest.raises(DokuOutcomeUnknown, match="no whole answer"):
        generate(make(serve(hang).url, limits=QUICK))
    # The invocation's own end is nearer than the limit.
    ending = make(serve(hang).url, limits=replace(PATIENT, reserve=2.0))
    with pytest.raises(DokuOutcomeUnknown, match="no whole answer"):
        ending.generate(CODE, lambda: 2.2)


def dripping_headers(request: Request, connection: socket.socket) -> None:
    drip(signed_answer(request, 200, GENERATED), connection)


def dripping_body(request: Request, connection: socket.socket) -> None:
    head, _, body = signed_answer(request, 200, GENERATED).partition(b"\r\n\r\n")
    connection.sendall(head + b"\r\n\r\n")
    drip(body, connection)


def dripping_continues(request: Request, connection: socket.socket) -> None:
    for _ in range(200):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.02)
    connection.sendall(signed_answer(request, 200, GENERATED))


@pytest.mark.parametrize("script", [dripping_headers, dripping_body, dripping_continues])
def test_a_slow_drip_does_not_outlive_the_limit(make: Make, serve: Serve, script: Script) -> None:
    with pytest.raises(DokuOutcomeUnknown, match="no whole answer"):
        generate(make(serve(script).url, limits=QUICK))


# --- broken connections -----------------------------------------------------------------


def test_a_refused_connection(make: Make) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DokuUnavailable, match="can't be reached"):
        generate(make(f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize("host", ["doku.invalid", "x" * 70 + ".invalid"])
def test_a_name_that_leads_nowhere(make: Make, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    def look_up(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(DokuError) as caught:
        generate(make(f"http://{host}"))
    assert not isinstance(caught.value, DokuRefused)


def test_a_connection_that_is_not_accepted_in_time(make: Make) -> None:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as listener:
        waiting = []
        try:
            for _ in range(8):
                one = socket.socket()
                waiting.append(one)
                one.settimeout(0.1)
                try:
                    one.connect(listener.getsockname())
                except TimeoutError:
                    break
            else:
                lack("full backlog", "this kernel accepts connections without end")
            port = listener.getsockname()[1]
            with pytest.raises(DokuUnavailable, match="can't be reached"):
                generate(make(f"http://127.0.0.1:{port}", limits=QUICK))
        finally:
            for one in waiting:
                one.close()


def test_a_failed_handshake_has_sent_nothing(make: Make) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        client = make(f"https://127.0.0.1:{listener.getsockname()[1]}", limits=QUICK)
        # Nobody answers the hello.
        with pytest.raises(DokuUnavailable, match="can't be reached"):
            generate(client)


def test_a_server_without_tls(make: Make, serve: Serve) -> None:
    wire = serve(answers(200, GENERATED))
    wire_url = wire.url.replace("http://", "https://")
    with pytest.raises(DokuUnavailable, match="can't be reached"):
        generate(make(wire_url, limits=QUICK))
    assert wire.requests == []


def resets(_: Request, connection: socket.socket) -> None:
    reset(connection)


def hangs_up(_: Request, connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def resets_half_way(request: Request, connection: socket.socket) -> None:
    connection.sendall(signed_answer(request, 200, GENERATED)[:-20])
    reset(connection)


def half_an_answer(request: Request, connection: socket.socket) -> None:
    connection.sendall(signed_answer(request, 200, GENERATED)[:-20])


def half_the_headers(request: Request, connection: socket.socket) -> None:
    connection.sendall(signed_answer(request, 200, GENERATED)[:60])


def chunked(*chunks: bytes) -> Script:
    def script(request: Request, connection: socket.socket) -> None:
        headers = signed_headers(request, json.dumps(GENERATED).encode())
        head = raw_answer(200, b"", headers).replace(
            b"Content-Length: 0", b"Transfer-Encoding: chunked"
        )
        connection.sendall(head + b"".join(chunks))

    return script


@pytest.mark.parametrize(
    "script",
    [
        *(resets, hangs_up, resets_half_way, half_an_answer, half_the_headers),
        *(chunked(b"5\r\n{"), chunked(b"zz\r\n{}\r\n"), chunked(b"-1\r\n{}\r\n"), chunked()),
        *map(sends, GARBAGE),
    ],
)
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.HTTPWarning")
def test_a_broken_answer_leaves_the_outcome_open(make: Make, serve: Serve, script: Script) -> None:
    wire = serve(script)
    with pytest.raises(DokuOutcomeUnknown):
        generate(make(wire.url))
    assert len(wire.requests) == 1


def test_a_chunked_answer_is_fine(make: Make, serve: Serve) -> None:
    body = json.dumps(GENERATED).encode()
    pieces = (body[:7], body[7:], b"")
    script = chunked(*(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces))
    assert generate(make(serve(script).url)) == DOKU_CODE


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("status", [200, 302, 400])
def test_a_huge_body_is_not_read(
    make: Make,
    serve: Serve,
    status: int,
    declared: bool,
) -> None:
    sent: list[int] = []

    def script(_: Request, connection: socket.socket) -> None:
        length = b"Content-Length: 1000000000\r\n" if declared else b""
        connection.sendall(b"HTTP/1.1 %d x\r\nLocation: /x\r\n%s\r\n" % (status, length))
        for _count in range(1000):
            connection.sendall(b" " * 100_000)
            sent.append(100_000)

    with pytest.raises(DokuOutcomeUnknown, match="too large"):
        generate(make(serve(script).url))
    assert sum(sent) < 90_000_000


def test_the_largest_body_that_is_read(make: Make, serve: Serve) -> None:
    body = json.dumps(GENERATED).encode().ljust(64 * 1024)
    assert generate(make(serve(answers(200, body)).url)) == DOKU_CODE
    with pytest.raises(DokuOutcomeUnknown, match="too large"):
        generate(make(serve(answers(200, body + b" ")).url))


@settings(
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.sampled_from(
        [
            b"",
            b"HTTP/1.1 ",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 400 x\r\nTransfer-Encoding: chunked\r\n\r\n",
        ]
    ),
    st.binary(max_size=80) | st.text("0123456789:\r\n -", max_size=40).map(str.encode),
)
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.HTTPWarning")
def test_whatever_comes_back_only_doku_errors_are_raised(
    make: Make, serve: Serve, head: bytes, rest: bytes
) -> None:
    wire = serve(sends(head + rest))
    with pytest.raises(DokuError):
        generate(make(wire.url))


# --- settings ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base_url",
    [
        *("", "api.doku.com", "ftp://x", "https://", "https://x/y", "https://x?y", "http://a b"),
        *("http://*x", "http://x:99999", "http://x:port"),
    ],
)
def test_a_base_url_is_a_scheme_and_a_host(make: Make, base_url: str) -> None:
    with pytest.raises(InvalidConfiguration, match="base URL"):
        make(base_url)


@pytest.mark.parametrize("path", ["", "alfa", "/a/../b", "/a b", "/a#b", "/%7Ea"])
def test_a_path_that_would_be_rewritten_is_a_wrong_setting(make: Make, path: str) -> None:
    with pytest.raises(InvalidConfiguration):
        make("http://127.0.0.1:1", paths={(Channel.ALFA, Feature.MGPC): path})


def test_a_trailing_slash_does_no_harm(make: Make, serve: Serve) -> None:
    wire = serve(answers(200, GENERATED))
    assert generate(make(f"{wire.url}/")) == DOKU_CODE
    assert wire.requests[0].target == PATHS[Channel.ALFA, Feature.DGPC]


def test_a_path_that_is_no_longer_configured_is_not_refused_for_good(make: Make) -> None:
    with pytest.raises(DokuUnavailable, match="indomaret dgpc"):
        generate(make("http://127.0.0.1:1", paths={}), replace(CODE, channel=Channel.INDOMARET))
    paths = {(Channel.ALFA, Feature.DGPC): "/alfa"}
    with pytest.raises(DokuUnavailable, match="alfa mgpc"):
        generate(make("http://127.0.0.1:1", paths=paths), OURS)


def test_a_code_without_a_request_to_doku_is_not_asked_for(make: Make, serve: Serve) -> None:
    wire = serve(answers(200, GENERATED))
    with pytest.raises(DokuUnavailable):
        generate(make(wire.url), replace(CODE, intent=None))
    with pytest.raises(DokuUnavailable):
        generate(make(wire.url), replace(OURS, feature=Feature.DIPC, intent=None))
    assert wire.connections == 0
