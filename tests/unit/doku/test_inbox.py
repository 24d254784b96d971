"""The inbox: nothing is opened unless DOKU signed exactly this for exactly this path."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2o.adapters.doku.credentials import DokuCredentials
from o2o.adapters.doku.inbox import REFRESH_EVERY, Inbox
from o2o.core.channels import Channel
from o2o.core.codes import Customer
from o2o.core.errors import UnreadableMessage, UntrustedMessage
from o2o.core.inquiries import Inquiry, InquiryAnswer, InquiryStatus, SignedResponse
from o2o.core.notifications import DokuMessage, OrderState
from tests.support.samples import make_own_code
from tests.support.wire import CLIENT_ID, SECRET, Request, mac

V4 = json.loads((Path(__file__).parents[2] / "doku-vectors.json").read_text("utf-8"))[2]

TARGET = "/v1/doku/notifications"
# As DOKU prints it: two spaces, LF, no final newline, two decimals.
BODY = (
    json.dumps(
        {
            "transaction": {"status": "SUCCESS", "date": "2021-08-12T07:06:28Z"},
            "order": {"invoice_number": "INV-20210125-0001", "amount": 19000},
            "online_to_offline_info": {"payment_code": "8896512345678123"},
        },
        indent=2,
    )
    .replace("19000", "19000.00")
    .encode()
)
SENT_AT = "2021-08-12T07:06:30Z"


class Vault:
    """The credentials, of which a refresh may find newer ones."""

    def __init__(self, credentials: DokuCredentials) -> None:
        self.cached = self.stored = credentials
        self.refreshed = 0

    def __call__(self, *, refresh: bool = False) -> DokuCredentials:
        if refresh:
            self.refreshed += 1
            self.cached = self.stored
        return self.cached


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2021, 8, 12, 19, 7, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def vault() -> Vault:
    return Vault(DokuCredentials(CLIENT_ID, SECRET))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(vault: Vault, clock: Clock) -> Inbox:
    return Inbox(credentials=vault, clock=clock)


def response(
    body: bytes = BODY, *, secret: str = SECRET, target: str = TARGET, **changes: str
) -> dict[str, str]:
    """The headers that DOKU would send with a body."""
    headers = {
        "Client-Id": CLIENT_ID,
        "Request-Id": "fdb69f47-96da-499d-acec-7cdc318ab2fe",
        "Request-Timestamp": SENT_AT,
        **{name.replace("_", "-").title(): value for name, value in changes.items()},
    }
    lowered = {name.lower(): value for name, value in headers.items()}
    headers["Signature"] = mac(secret, Request("POST", target, lowered, body).component)
    return headers


def said(headers: Mapping[str, str], body: bytes = BODY, path: str = TARGET) -> DokuMessage:
    return DokuMessage(path, headers, body)


def test_a_signed_message_is_opened(inbox: Inbox, vault: Vault) -> None:
    headers = response()
    evidence = inbox.verify(
        said({**headers, "User-Agent": "x", "X-Forwarded-For": "1.2.3.4"}, BODY)
    )
    assert evidence.body.encode() == BODY
    assert evidence.headers == headers
    notification = inbox.read_notification(evidence)
    assert notification.state is OrderState.SUCCESS
    assert notification.payment is not None
    assert notification.payment.amount == 19_000
    assert vault.refreshed == 0


@pytest.mark.parametrize("change", [str.lower, str.upper, str.title])
def test_header_names_come_in_any_case(inbox: Inbox, change: Callable[[str], str]) -> None:
    headers = {change(name): f" {value} " for name, value in response().items()}
    assert inbox.verify(said(headers, BODY)).headers == response()


@pytest.mark.parametrize("name", ["Client-Id", "Request-Id", "Request-Timestamp", "Signature"])
@pytest.mark.parametrize("value", [None, "", " "])
def test_each_header_is_needed(inbox: Inbox, vault: Vault, name: str, value: str | None) -> None:
    headers = response()
    if value is None:
        del headers[name]
    else:
        headers[name] = value
    with pytest.raises(UntrustedMessage, match=f"{name} is missing"):
        inbox.verify(said(headers, BODY))
    assert vault.refreshed == 0


@pytest.mark.parametrize(
    "timestamp",
    [
        *("now", "2021-08-12 07:06:30Z", "2021-08-12T07:06:30", "2021-08-12T07:06:30+00:00"),
        *("2021-08-12T07:06:30.000Z", "20210812140630", "2021-13-12T07:06:30Z"),
        *("2021-08-12T07:06:61Z", "2021-08-12T07:06:30Z\n2021-08-12T07:06:30Z"),
    ],
)
def test_a_malformed_timestamp(inbox: Inbox, timestamp: str) -> None:
    with pytest.raises(UntrustedMessage, match="Request-Timestamp is malformed"):
        inbox.verify(said(response(request_timestamp=timestamp), BODY))


@pytest.mark.parametrize("timestamp", ["2021-08-12T07:06:30Z", "2019-01-01T00:00:00Z"])
def test_a_late_message_is_opened(inbox: Inbox, timestamp: str) -> None:
    headers = response(request_timestamp=timestamp)
    assert inbox.verify(said(headers, BODY)).headers["Request-Timestamp"] == timestamp


def test_a_foreign_client_id(inbox: Inbox) -> None:
    with pytest.raises(UntrustedMessage, match="Client-Id is not ours"):
        inbox.verify(said(response(client_id="MCH-2"), BODY))


@pytest.mark.parametrize(
    "target", ["/doku/notifications", TARGET + "/", TARGET.upper(), TARGET + "?a=b", ""]
)
def test_a_message_for_another_path(inbox: Inbox, target: str) -> None:
    with pytest.raises(UntrustedMessage, match="Signature does not hold"):
        inbox.verify(said(response(target=target), BODY))


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (response(target="/v1/doku/notification"), BODY),
        (response(secret="another"), BODY),
        (response(request_timestamp="now"), BODY),
        (response() | {"Signature": ""}, BODY),
        (response(), BODY.ljust(99_999)),
    ],
)
def test_what_is_rejected_with_our_client_id_is_probably_for_us(
    inbox: Inbox, headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(UntrustedMessage) as rejected:
        inbox.verify(said(headers, body))
    assert rejected.value.for_us
    for client_id in ("MCH-2", "", CLIENT_ID.lower() + "x"):
        with pytest.raises(UntrustedMessage) as rejected:
            inbox.verify(said(headers | {"Client-Id": client_id}, body))
        assert not rejected.value.for_us


def test_another_key(inbox: Inbox) -> None:
    with pytest.raises(UntrustedMessage, match="Signature does not hold"):
        inbox.verify(said(response(secret="another"), BODY))


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_one_byte_that_differs_anywhere(place: int, difference: int) -> None:
    inbox = Inbox(credentials=Vault(DokuCredentials(CLIENT_ID, SECRET)), clock=Clock())
    altered = bytearray(BODY)
    altered[place] ^= difference
    with pytest.raises(UntrustedMessage, match="Signature does not hold"):
        inbox.verify(said(response(), bytes(altered)))


@given(st.data())
def test_one_header_character_that_differs_anywhere(data: st.DataObject) -> None:
    inbox = Inbox(credentials=Vault(DokuCredentials(CLIENT_ID, SECRET)), clock=Clock())
    headers = response()
    name = data.draw(st.sampled_from(["Client-Id", "Request-Id", "Request-Timestamp"]))
    place = data.draw(st.integers(0, len(headers[name]) - 1))
    other = data.draw(st.characters().filter(lambda one: one != headers[name][place]))
    altered = headers[name][:place] + other + headers[name][place + 1 :]
    if altered.strip() == headers[name]:
        return
    with pytest.raises(UntrustedMessage):
        inbox.verify(said({**headers, name: altered}, BODY))


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=9)), st.binary(max_size=99))
def test_nothing_crashes_the_inbox(headers: dict[str, str], body: bytes) -> None:
    inbox = Inbox(credentials=Vault(DokuCredentials(CLIENT_ID, SECRET)), clock=Clock())
    with pytest.raises(UntrustedMessage):
        inbox.verify(said(headers, body))
    with pytest.raises(UntrustedMessage):
        inbox.verify(said({**response(), **headers, "Request-Id": "\ud800"}, body))


def test_a_body_that_no_message_has(inbox: Inbox) -> None:
    largest = BODY.ljust(64 * 1024)
    assert inbox.verify(said(response(largest), largest)).body.encode() == largest
    with pytest.raises(UntrustedMessage, match="too large"):
        inbox.verify(said(response(largest + b" "), largest + b" "))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe{}", b"[" * 50_000, b'{"a": NaN}'])
def test_a_signed_message_that_can_not_be_read_is_evidence(inbox: Inbox, body: bytes) -> None:
    evidence = inbox.verify(said(response(body), body))
    assert evidence.headers == response(body)
    with pytest.raises(UnreadableMessage):
        inbox.read_notification(evidence)


# --- rotation ---------------------------------------------------------------------------


def test_the_previous_key_still_opens(inbox: Inbox, vault: Vault) -> None:
    vault.cached = DokuCredentials(CLIENT_ID, "new", SECRET)
    inbox.verify(said(response(), BODY))
    inbox.verify(said(response(secret="new"), BODY))
    assert vault.refreshed == 0


@pytest.mark.parametrize(
    ("stored", "headers"),
    [
        (DokuCredentials(CLIENT_ID, "new"), response(secret="new")),
        (DokuCredentials("MCH-2", SECRET), response(client_id="MCH-2")),
    ],
)
def test_new_credentials_are_found(
    inbox: Inbox, vault: Vault, stored: DokuCredentials, headers: dict[str, str]
) -> None:
    vault.stored = stored
    inbox.verify(said(headers, BODY))
    inbox.verify(said(headers, BODY))
    assert vault.refreshed == 1


def test_bad_signatures_do_not_make_us_read_the_secret_all_the_time(
    inbox: Inbox, vault: Vault, clock: Clock
) -> None:
    def knock() -> None:
        with pytest.raises(UntrustedMessage):
            inbox.verify(said(response(secret="guess"), BODY))

    for _ in range(5):
        knock()
    assert vault.refreshed == 1
    clock.now += REFRESH_EVERY - timedelta(seconds=1)
    knock()
    assert vault.refreshed == 1
    clock.now += timedelta(seconds=1)
    knock()
    knock()
    assert vault.refreshed == 2


# --- inquiries and our answers ----------------------------------------------------------

INQUIRY = json.dumps(
    {
        "acquirer": {"id": "ALFA"},
        "channel": {"id": "ONLINE_TO_OFFLINE_ALFA"},
        "online_to_offline_info": {"payment_code": "8896512345678123"},
        "online_to_offline_inquiry": {"date": "20200811154542", "identifier": []},
    }
).encode()
PAYABLE = InquiryAnswer(
    InquiryStatus.SUCCESS,
    "8896512345678123",
    make_own_code(
        "INV-20210125-0001",
        payment_code="8896512345678123",
        customer=Customer("Zoë Budiman", "anton@example.com"),
        info="Merchant Demo Store",
    ),
)


def would_doku_believe(
    answer: SignedResponse, request_id: str, target: str, secret: str = SECRET
) -> bool:
    """What DOKU does with our answer: section 2 of its protocol, and nothing of ours."""
    digest = base64.b64encode(hashlib.sha256(answer.body.encode("utf-8")).digest()).decode()
    lines = (
        "Client-Id:" + answer.headers["Client-Id"],
        "Request-Id:" + request_id,
        "Response-Timestamp:" + answer.headers["Response-Timestamp"],
        "Request-Target:" + target,
        "Digest:" + digest,
    )
    expected = hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).digest()
    scheme, _, told = answer.headers["Signature"].partition("=")
    return scheme == "HMACSHA256" and base64.b64decode(told) == expected


def test_a_signed_inquiry_is_read(inbox: Inbox) -> None:
    evidence = inbox.verify(said(response(INQUIRY), INQUIRY))
    assert inbox.read_inquiry(evidence) == Inquiry(Channel.ALFA, "8896512345678123")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe{}", b"[" * 50_000, b"{}", BODY[:-1]])
def test_a_signed_inquiry_that_can_not_be_read(inbox: Inbox, body: bytes) -> None:
    with pytest.raises(UnreadableMessage):
        inbox.read_inquiry(inbox.verify(said(response(body), body)))


def test_the_documented_answer_to_the_last_header() -> None:
    clock = Clock()
    clock.now = datetime(2020, 8, 11, 8, 45, 43, 999_999, tzinfo=UTC)
    inbox = Inbox(
        credentials=Vault(DokuCredentials(V4["client_id"], V4["secret_key"])),
        clock=clock,
    )
    headers = {"client-id": V4["client_id"], "request-id": V4["request_id"]}
    asked = DokuMessage(V4["request_target"], headers, b"")
    assert inbox.sign_response(asked, PAYABLE) == SignedResponse(
        200,
        {
            "Client-Id": V4["client_id"],
            "Request-Id": V4["request_id"],
            "Response-Timestamp": V4["timestamp"],
            "Signature": V4["signature"],
        },
        V4["body"],
    )


STATUSES = {
    InquiryStatus.SUCCESS: 200,
    InquiryStatus.NOT_FOUND: 404,
    InquiryStatus.ALREADY_PAID: 400,
    InquiryStatus.WAS_EXPIRED: 400,
    InquiryStatus.DECLINE: 400,
    InquiryStatus.INVALID_SIGNATURE: 401,
}


@pytest.mark.parametrize("status", [*InquiryStatus])
def test_every_answer_is_signed(inbox: Inbox, status: InquiryStatus) -> None:
    headers = response(INQUIRY)
    answer = inbox.sign_response(said(headers), InquiryAnswer(status, "8896512345678123"))
    assert answer.http_status == STATUSES[status]
    assert json.loads(answer.body)["online_to_offline_inquiry"] == {"status": status.value}
    assert answer.headers["Client-Id"] == CLIENT_ID
    assert answer.headers["Request-Id"] == headers["Request-Id"]
    assert answer.headers["Response-Timestamp"] == "2021-08-12T19:07:00Z"
    assert would_doku_believe(answer, headers["Request-Id"], TARGET)


@pytest.mark.parametrize("headers", [{}, {"Client-Id": ""}, {"Client-Id": "MCH-0002"}])
def test_nothing_is_signed_for_who_does_not_know_our_client_id(
    inbox: Inbox, headers: Mapping[str, str]
) -> None:
    asked = said({**headers, "Request-Id": "chosen-by-a-stranger"})
    answer = inbox.sign_response(asked, InquiryAnswer(InquiryStatus.INVALID_SIGNATURE))
    assert (answer.http_status, answer.headers) == (401, {})
    assert json.loads(answer.body)["online_to_offline_inquiry"] == {"status": "invalid_signature"}


def test_an_answer_holds_for_its_own_inquiry_only(inbox: Inbox) -> None:
    answer = inbox.sign_response(said(response(INQUIRY)), PAYABLE)
    request_id = response()["Request-Id"]
    assert would_doku_believe(answer, request_id, TARGET)
    assert not would_doku_believe(answer, "another", TARGET)
    assert not would_doku_believe(answer, request_id, TARGET + "/")
    assert not would_doku_believe(answer, request_id, TARGET, "another")
    # It is no request of DOKU's either: the timestamp goes by another name.
    request = {**answer.headers, "Request-Timestamp": answer.headers["Response-Timestamp"]}
    with pytest.raises(UntrustedMessage, match="Signature does not hold"):
        inbox.verify(said(request, answer.body.encode()))


def test_an_answer_is_signed_with_the_newest_key(inbox: Inbox, vault: Vault) -> None:
    vault.cached = DokuCredentials(CLIENT_ID, "new", SECRET)
    answer = inbox.sign_response(said(response(INQUIRY)), PAYABLE)
    assert would_doku_believe(answer, response()["Request-Id"], TARGET, "new")


@pytest.mark.parametrize(
    "headers",
    [
        *({}, {"Request-Id": ""}, {"Request-Id": "a b"}, {"Request-Id": "é"}),
        *({"Request-Id": "x" * 129}, {"Request-Id": "a\r\nSet-Cookie: b"}),
        {"Request-Id": "\ud800"},
    ],
)
def test_what_can_not_stand_in_a_header_is_not_echoed(
    inbox: Inbox, headers: Mapping[str, str]
) -> None:
    asked = said({"Client-Id": CLIENT_ID, **headers})
    answer = inbox.sign_response(asked, InquiryAnswer(InquiryStatus.INVALID_SIGNATURE))
    assert answer.headers["Request-Id"] == ""
    assert would_doku_believe(answer, "", TARGET)


def test_a_sealed_answer_keeps_customers_out_of_logs(inbox: Inbox) -> None:
    assert "Budiman" not in repr(inbox.sign_response(said(response(INQUIRY)), PAYABLE))
