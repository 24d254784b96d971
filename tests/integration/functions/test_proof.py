"""What counts as proof, over HTTP: which of DOKU's answers may end or move a code, and which not.

Decisions 0032, 0040 and 0041.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from werkzeug import Request, Response

from o2o.core.codes import Status
from o2o.entry import wiring
from o2o.entry.settings.codes import DokuSettings
from tests.integration.functions import doku
from tests.integration.functions.shapes import about
from tests.support.samples import make_own_code, make_settlement
from tests.support.world import START

DIGITS = "8123456789012345"
INVOICE = "INV-20260301-0001"
ALFA_PATH = "/alfa-online-to-offline/v2/payment-code"
STATUS_PATH = f"/orders/v1/status/{INVOICE}"
DAY = timedelta(days=1)

Say = Callable[[Request], Response]


def signed(status: int, content: object) -> Say:
    return lambda request: doku.answer(request, content, status)


def unsigned(status: int, content: object) -> Say:
    body = content if isinstance(content, str) else json.dumps(content)
    return lambda _: Response(body, status)


def makes_the_code(request: Request) -> Response:
    return doku.code(request, DIGITS, START + timedelta(hours=1))


def told(status: str, **order: object) -> Say:
    return signed(
        200,
        {
            "order": {"invoice_number": INVOICE, "amount": 150_000, **order},
            "transaction": {"status": status, "date": "2026-03-01T03:10:00Z"},
        },
    )


INACTIVE = {"message": ["PAYMENT CHANNEL IS INACTIVE"]}
NO_PATH = {"message": "No static resource alfa-online-to-offline/v2/payment-code."}
BAD_REQUEST = {"message": ["Invalid JSON Format"]}
FORBIDDEN = "<html><title>403 Forbidden</title></html>"
UNKNOWN = {"error": {"code": "data_not_found", "message": "Data not found"}}
SIGNATURE = {"error": {"code": "invalid_signature", "message": "Invalid Signature"}}


class Talk:
    """The stack and a DOKU that says what a test lets it say, the last of it again and again."""

    def __init__(self, stack: Any, event: Any) -> None:
        self.stack, self.event = stack, event
        self.made: list[Say] = []
        self.statuses: list[Say] = []
        stack.doku.expect_request(ALFA_PATH, "POST").respond_with_handler(
            lambda request: self._say(self.made, request)
        )
        stack.doku.expect_request(STATUS_PATH, "GET").respond_with_handler(
            lambda request: self._say(self.statuses, request)
        )

    @staticmethod
    def _say(answers: list[Say], request: Request) -> Response:
        say = answers.pop(0) if len(answers) > 1 else answers[0]
        return say(request)

    @property
    def asked(self) -> int:
        return len(self.stack.doku.log)

    def create(self, **changes: object) -> Any:
        loaded = self.event("generate_code/alfa")
        body = json.loads(loaded["body"]) | changes
        return self.stack.call("generate_code", loaded | {"body": json.dumps(body)})

    def read(self) -> Any:
        return self.stack.call("read_codes", self.event("read_codes/one")).body

    def refresh(self) -> Any:
        return self.stack.call("refresh_code", self.event("refresh_code/refresh"))

    @property
    def code(self) -> Any:
        code = wiring._codes(wiring.read_settings(DokuSettings)).get(INVOICE)
        assert code is not None
        return code

    @property
    def kept(self) -> Any:
        store = wiring._notifications(wiring.read_settings(DokuSettings))
        return store.list_kept(limit=10, cursor=None).items

    def look(self) -> None:
        """The next look of the timetable."""
        assert self.code.due_at is not None
        self.stack.clock.now = max(self.stack.clock.now, self.code.due_at)
        answer = self.stack.invoke("reconcile_codes", self.event("reconcile_codes/one_code"))
        assert answer == {"batchItemFailures": []}

    def live(self, until: timedelta) -> None:
        """All looks until then."""
        while self.code.due_at is not None and self.code.due_at <= START + until:
            self.look()
        self.stack.clock.now = max(self.stack.clock.now, START + until)


@pytest.fixture
def talk(stack, event) -> Talk:
    return Talk(stack, event)


# --- A refusal after an unknown outcome ---------------------------------------------------


def test_a_crash_a_repeat_and_a_refusal_leave_the_code_as_unknown_as_it_was(talk, monkeypatch):
    """DOKU accepted the first send; we crashed; the storefront repeats; a repeat is refused."""
    talk.made = [makes_the_code, unsigned(400, BAD_REQUEST)]

    def crash(*_: object, **__: object) -> None:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr("o2o.usecases.generate_code.take_digits", crash)
        assert talk.create().status == 500
    assert talk.create().status == 202
    talk.look()
    assert talk.refresh().body["status"] == "requested"
    assert (talk.read()["failure"], talk.read()["pending_reason"]) == (None, "refused")
    talk.statuses = [told("SUCCESS")]
    talk.live(timedelta(hours=2))
    assert (talk.read()["status"], talk.read()["paid_at"]) == ("paid", "2026-03-01T03:10:00Z")


def test_a_request_that_the_client_itself_sent_twice_is_not_failed_by_a_refusal(talk, monkeypatch):
    """The first send was accepted, and a lying 401 made the client read the secret anew."""
    monkeypatch.setattr("o2o.adapters.secrets._REFRESH_EVERY", 0)
    talk.made = [makes_the_code, unsigned(401, SIGNATURE), unsigned(400, BAD_REQUEST)]
    assert talk.create(invoice_number="INV-2").status == 201
    wiring._client("secretsmanager").put_secret_value(
        SecretId=wiring.read_settings(DokuSettings).doku_secret_name,
        SecretString=json.dumps({"client_id": doku.CLIENT_ID, "secret_key": "SK-new"}),
    )
    answer = talk.create()
    assert (answer.status, answer.body["status"]) == (202, "requested")
    assert talk.asked == 3


# --- What concerns everybody --------------------------------------------------------------

EVERYBODY_S = [
    (signed(400, INACTIVE), "channel_inactive", "DokuChannelInactive"),
    (unsigned(400, INACTIVE), "channel_inactive", "DokuChannelInactive"),
    (
        unsigned(
            400,
            {"status": "FAILED", "response_code": "9", "response_message": INACTIVE["message"][0]},
        ),
        "channel_inactive",
        "DokuChannelInactive",
    ),
    (unsigned(404, NO_PATH), "path_unknown", "DokuPathUnknown"),
    (unsigned(403, FORBIDDEN), "firewall", "DokuFirewall"),
    (unsigned(401, ""), "firewall", "DokuFirewall"),
    (unsigned(401, SIGNATURE), "credentials", "DokuCredentialsRejected"),
]


@pytest.mark.parametrize(("fault", "reason", "metric"), EVERYBODY_S)
def test_a_fault_that_concerns_everybody_burns_no_order(talk, capsys, fault, reason, metric):
    talk.made = [fault]
    first, again = talk.create(), talk.create()
    for answer in (first, again):
        assert (answer.status, answer.headers["Retry-After"]) == (202, "60")
        assert (answer.body["status"], answer.body["pending_reason"]) == ("requested", reason)
        assert answer.body["failure"] is None
    assert f'"{metric}":[1.0]' in capsys.readouterr().out
    talk.look()
    assert talk.refresh().body["pending_reason"] == reason
    # The fault is over: the same number becomes a code by itself.
    talk.made = [makes_the_code]
    talk.look()
    body = talk.create().body
    assert (body["status"], body["payment_code"], body["pending_reason"]) == (
        "active",
        DIGITS,
        None,
    )


def test_a_code_that_waits_for_the_channel_to_its_end_fails_with_the_reason(talk, capsys):
    talk.made, talk.statuses = [unsigned(400, INACTIVE)], [signed(404, UNKNOWN)]
    talk.create()
    talk.live(timedelta(hours=2))
    body = talk.read()
    assert (body["status"], body["unconfirmed"]) == ("failed", False)
    assert body["failure"] == {
        "reason": "unknown",
        "message": "DOKU did not confirm the code in time: channel_inactive",
        "doku_code": None,
    }
    assert "CodeUnconfirmed" not in capsys.readouterr().out


@pytest.mark.parametrize("act", ["cancel", "replace"])
def test_a_storefront_need_not_wait_for_it(talk, stack, event, act):
    talk.made = [unsigned(400, INACTIVE)]
    talk.create()
    if act == "cancel":
        assert stack.call("cancel_code", event("cancel_code/cancel")).status == 200
    else:
        stack.doku.expect_request(
            "/indomaret-online-to-offline/v2/payment-code", "POST"
        ).respond_with_handler(makes_the_code)
        other = {"channel": "indomaret", "receipt": {"description": "x"}}
        answer = talk.create(invoice_number="INV-2", replaces=INVOICE, **other)
        assert answer.status == 201
    body = talk.read()
    assert (body["status"], body["pending_reason"]) == ("cancelled", None)


# --- What DOKU did not sign, or nobody can read ---------------------------------------------


@pytest.mark.parametrize(
    "denial",
    [
        unsigned(404, UNKNOWN),
        unsigned(404, "<html>not here</html>"),
        unsigned(400, BAD_REQUEST),
        unsigned(403, FORBIDDEN),
        # DOKU's own word, and a contradiction: it gave us the digits.
        signed(404, UNKNOWN),
        told("SOMETHING_NEW"),
    ],
)
def test_what_is_no_proof_ends_no_active_code_before_a_person_is_told(talk, capsys, denial):
    talk.made, talk.statuses = [makes_the_code], [denial]
    talk.create()
    talk.live(timedelta(hours=1, minutes=29))
    assert (talk.read()["status"], talk.read()["unconfirmed"]) == ("active", False)
    assert "CodeUnconfirmed" not in capsys.readouterr().out
    talk.live(timedelta(hours=1, minutes=31))
    assert (talk.read()["status"], talk.read()["unconfirmed"]) == ("expired", True)
    assert '"CodeUnconfirmed":[1.0]' in capsys.readouterr().out
    # It is final in bounded time, so that personal data goes.
    talk.live(30 * DAY)
    assert (talk.code.due_at, talk.code.unconfirmed) == (None, True)
    assert talk.asked < 40


def test_a_later_word_of_doku_s_confirms_an_expiry(talk):
    talk.made = [makes_the_code]
    talk.statuses = [unsigned(404, UNKNOWN)]
    talk.create()
    talk.live(timedelta(hours=1, minutes=31))
    assert talk.read()["unconfirmed"] is True
    talk.statuses = [told("EXPIRED")]
    talk.look()
    assert (talk.read()["status"], talk.read()["unconfirmed"]) == ("expired", False)


def test_an_expiry_without_doku_s_word_says_so_in_its_event(talk):
    from o2o.core.events import Change, derive_events
    from o2o.entry.models.events import render

    talk.made, talk.statuses = [makes_the_code], [unsigned(404, UNKNOWN)]
    talk.create()
    talk.live(timedelta(hours=1, minutes=29))
    before = talk.code
    talk.look()
    (expired,) = derive_events(Change(before, talk.code))
    assert json.loads(render(expired))["data"]["unconfirmed"] is True


@pytest.mark.parametrize("ask", ["look", "refresh"])
@pytest.mark.parametrize("amount", [None, "many", True])
def test_a_success_that_can_t_be_read_is_never_expired_and_goes_to_a_person(
    talk, capsys, amount, ask
):
    talk.made, talk.statuses = [makes_the_code], [told("SUCCESS", amount=amount)]
    talk.create()
    talk.stack.clock.now += timedelta(minutes=15)
    capsys.readouterr()
    assert ask == "look" or talk.refresh().status == 200
    talk.look()
    assert '"ReconciledUnreadable":[1.0]' in capsys.readouterr().out
    (kept,) = talk.kept
    assert (kept.invoice_number, kept.reason, kept.due_at) == (INVOICE, "unreadable", None)
    assert json.loads(kept.evidence.body)["order"]["amount"] == amount
    # Not even if DOKU then says something else, or nothing at all.
    talk.statuses = [told("EXPIRED"), told("SUCCESS", amount=amount), unsigned(500, "")]
    talk.live(30 * DAY)
    assert (talk.code.status, talk.code.due_at) == (Status.ACTIVE, None)
    assert len(talk.kept) == 1
    # The mistake is mended: asked again, the payment is found.
    talk.statuses = [told("SUCCESS")]
    assert talk.refresh().body["status"] == "paid"


def test_the_same_unreadable_bytes_again_cost_no_write(talk):
    talk.made, talk.statuses = [makes_the_code], [told("SUCCESS", amount=None)]
    talk.create()
    talk.stack.clock.now += timedelta(minutes=5)
    talk.refresh()
    written: list[str] = []
    events = wiring._client("dynamodb").meta.events
    events.register(
        "before-call.dynamodb", lambda model, **_: written.append(model.name), unique_id="count"
    )
    try:
        talk.refresh()
    finally:
        events.unregister("before-call.dynamodb", unique_id="count")
    assert not {"PutItem", "TransactWriteItems", "UpdateItem"} & set(written)


@pytest.mark.parametrize("first", ["requested", "active"])
def test_a_success_of_another_amount_is_never_ended_by_silence(talk, first):
    talk.made = [makes_the_code if first == "active" else unsigned(502, "")]
    talk.create()
    talk.statuses = [told("SUCCESS", amount=1), unsigned(500, "")]
    talk.live(timedelta(hours=1))
    talk.live(30 * DAY)
    assert (talk.code.status, talk.code.due_at, talk.code.payments) == (first, None, 1)


# --- A view that trusts another key ----------------------------------------------------------


def test_a_payment_of_an_earlier_use_of_the_number_is_not_shown(talk, stack, event):
    talk.made = [makes_the_code]
    created = talk.create().body
    codes = wiring._codes(wiring.read_settings(DokuSettings))
    former = make_settlement(talk.code, "R-OLD")
    codes.record(former)
    # The number is used anew: the code is younger than what was paid under it.
    table = wiring.read_settings(DokuSettings).table_name
    wiring._client("dynamodb").update_item(
        TableName=table,
        Key={"pk": {"S": f"CODE#{INVOICE}"}, "sk": {"S": "CODE"}},
        UpdateExpression="SET created_at = :now",
        ExpressionAttributeValues={":now": {"S": "2026-03-02T03:07:00.000000Z"}},
    )
    assert talk.read()["payments"] == []
    listed = stack.call("read_codes", event("read_codes/payments")).body
    assert (listed["items"], listed["next_cursor"]) == ([], None)
    token = created["pay_url"].rpartition("/")[2]
    shown = stack.invoke("show_code", about(event("show_code/page"), token=token))
    assert shown["statusCode"] == 200
    assert "R-OLD" not in shown["body"]


def test_a_claim_that_outlived_its_code_lends_nobody_else_s_bill(stack, event):
    """The code that the claim names has other digits: its number was used again."""
    codes = wiring._codes(wiring.read_settings(DokuSettings))
    digits = json.loads(event("answer_inquiry/alfa")["body"])["online_to_offline_info"]
    codes.create(make_own_code("INV-1", payment_code=digits["payment_code"], created_at=START))
    wiring._client("dynamodb").update_item(
        TableName=wiring.read_settings(DokuSettings).table_name,
        Key={"pk": {"S": "CODE#INV-1"}, "sk": {"S": "CODE"}},
        UpdateExpression="SET payment_code = :other",
        ExpressionAttributeValues={":other": {"S": "8899559999999999"}},
    )
    answer = stack.call("answer_inquiry", event("answer_inquiry/alfa"))
    assert answer.status == 404
    assert answer.body["online_to_offline_inquiry"]["status"] == "billing_not_found"
    assert "order" not in answer.body
