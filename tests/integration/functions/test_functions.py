"""The handlers on the events of `events/`: what a storefront, DOKU and the timetable get."""

import json
from datetime import timedelta

import pytest

from o2o.adapters.system import SystemEntropy
from o2o.entry import wiring
from o2o.entry.settings import Settings
from o2o.usecases.manage_storefronts import ManageStorefronts
from tests.integration.functions import doku
from tests.integration.functions.conftest import counts
from tests.support.world import START

ALFA_CODE = "8889955000000021"
ALFA_PATH = "/alfa-online-to-offline/v2/payment-code"
INVOICE = "INV-20260301-0001"


@pytest.fixture
def doku_makes_codes(stack):
    expires_at = START + timedelta(minutes=60)
    stack.doku.expect_request(ALFA_PATH, "POST").respond_with_handler(
        lambda request: doku.code(request, ALFA_CODE, expires_at)
    )
    stack.doku.expect_request(
        "/indomaret-online-to-offline/v2/payment-code", "POST"
    ).respond_with_handler(lambda request: doku.code(request, "8889900000000017", expires_at))


@pytest.fixture
def active(stack, event, doku_makes_codes):
    return stack.call("generate_code", event("generate_code/alfa")).body


# --- generate_code ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "digits"), [("alfa", ALFA_CODE), ("indomaret", "8889900000000017")]
)
def test_a_code_is_created(stack, event, doku_makes_codes, case, digits):
    answer = stack.call("generate_code", event(f"generate_code/{case}"))
    assert answer.status == 201
    assert answer.body["payment_code"] == digits
    assert answer.body["status"] == "active"
    assert answer.body["expires_at"] == "2026-03-01T04:00:00Z"
    assert answer.headers["Location"] == f"/v1/payment-codes/{answer.body['invoice_number']}"


def test_the_same_request_again_is_200_and_the_same(stack, event, doku_makes_codes):
    first = stack.call("generate_code", event("generate_code/alfa"))
    again = stack.call("generate_code", event("generate_code/base64_body"))
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert len(stack.doku.log) == 1


def test_another_body_for_the_number_is_409(stack, event, active):
    changed = json.loads(event("generate_code/alfa")["body"]) | {"amount": 160_000}
    answer = stack.call("generate_code", event("generate_code/alfa", body=json.dumps(changed)))
    assert answer.status == 409
    assert answer.body["type"] == "/problems/invoice-number-taken"
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_doku_that_breaks_is_202_and_the_code_is_on_record(stack, event):
    stack.doku.expect_request(ALFA_PATH).respond_with_data("oops", 502)
    answer = stack.call("generate_code", event("generate_code/alfa"))
    assert answer.status == 202
    assert answer.headers["Retry-After"] == "60"
    assert (answer.body["status"], answer.body["payment_code"]) == ("requested", None)
    assert stack.call("read_codes", event("read_codes/one")).body["status"] == "requested"


def test_columns_of_the_report_are_part_of_what_is_sent_again(stack, event, monkeypatch):
    columns = {"storefront": "Shop", "invoice_number": "Shop's number"}
    monkeypatch.setenv("REPORT_COLUMNS", json.dumps(columns))
    stack.doku.expect_request(ALFA_PATH).respond_with_data("oops", 502)
    assert stack.call("generate_code", event("generate_code/alfa")).status == 202
    stack.clock.advance(minutes=1)
    # Whatever is configured by now.
    stack.modules.clear()
    monkeypatch.setenv("REPORT_COLUMNS", "{}")
    stack.invoke("expire_codes", event("expire_codes/schedule"))
    (message,) = stack.take_work()
    batch = event("reconcile_codes/one_code")
    batch["Records"][0]["body"] = message["Body"]
    stack.invoke("reconcile_codes", batch)
    first, again = (request.get_data() for request, _ in stack.doku.log)
    assert again == first
    assert json.loads(first)["additional_info"] == {
        "report": [
            {"key": "Shop", "value": "shop"},
            {"key": "Shop's number", "value": INVOICE},
        ]
    }


def test_a_direct_bin_s_code_has_no_columns(stack, event, doku_makes_codes, monkeypatch):
    monkeypatch.setenv("REPORT_COLUMNS", '{"storefront": "Shop"}')
    assert stack.call("generate_code", event("generate_code/indomaret")).status == 201
    ((request, _),) = stack.doku.log
    assert "additional_info" not in json.loads(request.get_data())


def test_an_invocation_with_no_time_left_does_not_call_doku(stack, event, doku_makes_codes):
    answer = stack.call("generate_code", event("generate_code/alfa"), seconds=2.5)
    assert answer.status == 202
    assert stack.doku.log == []


def test_a_refusal_is_502_with_doku_s_words(stack, event):
    stack.doku.expect_request(ALFA_PATH).respond_with_handler(
        lambda request: doku.answer(request, {"message": ["Invalid JSON Format"]}, 400)
    )
    for _ in range(2):
        answer = stack.call("generate_code", event("generate_code/alfa"))
        assert answer.status == 502
        assert answer.body["type"] == "/problems/refused-by-doku"
        assert "Invalid JSON Format" in answer.body["detail"]
    assert stack.call("read_codes", event("read_codes/one")).body["status"] == "failed"


def test_all_wrong_fields_are_named_at_once_and_none_is_echoed(stack, event):
    answer = stack.call("generate_code", event("generate_code/four_wrong_fields"))
    assert answer.status == 400
    names = {param["name"] for param in answer.body["invalid_params"]}
    assert names == {"amount", "channel", "colour", "customer.name"}
    for sent in ("lawson", "red", "💰", "150000.5"):
        assert sent not in answer.raw


REQUEST = {
    "invoice_number": "INV-1",
    "amount": 150_000,
    "channel": "alfa",
    "customer": {"name": "Anton"},
}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({"amount": "150000"}, "amount", id="by the model"),
        pytest.param({"expires_on": "2026-02-28"}, "expires_on", id="by the core"),
        pytest.param({"bin": "7"}, "bin", id="by the settings"),
        pytest.param({"amount": float("nan")}, "body", id="by the reader"),
    ],
)
def test_whoever_refuses_it_is_400_and_named(stack, event, change, named):
    """One for each place that refuses; all cases are in tests/unit/test_requests.py."""
    body = json.dumps(REQUEST | change)
    answer = stack.call("generate_code", event("generate_code/alfa", body=body))
    assert answer.status == 400, answer.body
    assert answer.body["type"] == "/problems/invalid-request"
    assert [param["name"] for param in answer.body["invalid_params"]] == [named]
    assert stack.doku.log == []


def test_metadata_comes_back_as_it_was(stack, event, doku_makes_codes):
    metadata = {"ünï": [1, 2.5, None, {"deep": True}], "order": "A-1"}
    body = json.dumps(REQUEST | {"invoice_number": INVOICE, "metadata": metadata})
    created = stack.call("generate_code", event("generate_code/alfa", body=body)).body
    assert created["metadata"] == metadata
    assert stack.call("read_codes", event("read_codes/one")).body["metadata"] == metadata


# --- read_codes, cancel_code, refresh_code -----------------------------------------------


def test_one_code_is_read_with_its_payment(stack, event, active):
    stack.call("receive_notification", event("receive_notification/alfa_paid"))
    answer = stack.call("read_codes", event("read_codes/one"))
    assert answer.status == 200
    assert (answer.body["status"], answer.body["paid_at"]) == ("paid", "2026-03-01T03:19:58Z")
    assert answer.body["payments"] == [
        {
            "id": "1",
            "kind": "paid",
            "amount": 150_000,
            "currency": "IDR",
            "paid_at": "2026-03-01T03:19:58Z",
            "recorded_at": "2026-03-01T03:00:00Z",
            "source": "notification",
            "agent_id": "ALFAMART",
            "store_id": "JKT-0417",
            "receipt_number": "1246",
            "had_ended": False,
            "certain": True,
            "doubts": [],
            "first_paid": None,
            "needs_attention": False,
            "resolutions": [],
        }
    ]


@pytest.mark.parametrize(
    ("function", "case"),
    [
        ("read_codes", "one"),
        ("cancel_code", "cancel"),
        ("refresh_code", "refresh"),
    ],
)
def test_a_foreign_code_is_404(stack, event, active, function, case):
    foreign = event(f"{function}/{case}")
    foreign["requestContext"]["authorizer"]["storefront_id"] = "other"
    answer = stack.call(function, foreign)
    assert answer.status == 404
    assert answer.body["type"] == "/problems/not-found"


def test_the_list_shows_the_storefront_s_own(stack, event, active):
    answer = stack.call("read_codes", event("read_codes/list"))
    assert [code["invoice_number"] for code in answer.body["items"]] == [INVOICE]
    assert answer.body["next_cursor"] is None
    foreign = event("read_codes/list")
    foreign["requestContext"]["authorizer"]["storefront_id"] = "other"
    assert stack.call("read_codes", foreign).body["items"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"status": "lost"}, "status"),
        ({"cursor": "garbage"}, "cursor"),
        ({"created_from": "yesterday"}, "created_from"),
    ],
)
def test_a_bad_query_is_400_and_named(stack, event, query, field):
    multi = {name: [value] for name, value in query.items()}
    answer = stack.call(
        "read_codes",
        event(
            "read_codes/list",
            queryStringParameters=query,
            multiValueQueryStringParameters=multi,
        ),
    )
    assert answer.status == 400
    assert [param["name"] for param in answer.body["invalid_params"]] == [field]


def test_channels_tell_what_may_be_used(stack, event):
    answer = stack.call("read_codes", event("read_codes/channels"))
    by_name = {item["channel"]: item for item in answer.body["items"]}
    assert by_name["alfa"]["features"] == ["dgpc", "mgpc", "dipc"]
    assert by_name["alfa"]["max_amount"] == 2_500_000
    assert by_name["indomaret"]["bins"][0]["bin"] == "88899"


def test_cancel_says_that_it_does_not_stop_payment(stack, event, active):
    answer = stack.call("cancel_code", event("cancel_code/cancel"))
    assert answer.status == 200
    assert (answer.body["status"], answer.body["stops_payment"]) == ("cancelled", False)


def test_a_paid_code_can_t_be_cancelled(stack, event, active):
    stack.call("receive_notification", event("receive_notification/alfa_paid"))
    answer = stack.call("cancel_code", event("cancel_code/cancel"))
    assert answer.status == 409
    assert answer.body["type"] == "/problems/invalid-status"


def expect_paid_status(stack):
    stack.doku.expect_request(f"/orders/v1/status/{INVOICE}", "GET").respond_with_handler(
        lambda request: doku.answer(
            request,
            {
                "order": {"invoice_number": INVOICE, "amount": 150_000},
                "transaction": {"status": "SUCCESS", "date": "2026-03-01T03:19:58Z"},
                "acquirer": {"id": "ALFA"},
                "online_to_offline_payment": {
                    "identifier": [{"name": "AGENT_TRX_ID", "value": "1246"}]
                },
            },
        )
    )


def test_payments_are_counted_by_how_they_became_known(stack, event, active, capsys):
    expect_paid_status(stack)
    stack.call("refresh_code", event("refresh_code/refresh"))
    counted = counts(capsys.readouterr().out)
    assert (counted["PaymentFoundByStatusCheck"], counted["DokuAnswered"]) == (1, 1)
    stack.call("receive_notification", event("receive_notification/alfa_paid"))
    assert counts(capsys.readouterr().out) == {"NotificationCompleted": 1}


def test_a_payment_that_was_notified_is_counted_as_such(stack, event, active, capsys):
    stack.call("receive_notification", event("receive_notification/alfa_paid"))
    assert counts(capsys.readouterr().out) == {"PaymentOnTime": 1, "PaymentNotified": 1}


def test_refresh_asks_doku_and_shows_the_payment(stack, event, active):
    expect_paid_status(stack)
    answer = stack.call("refresh_code", event("refresh_code/refresh"))
    assert answer.status == 200
    assert answer.body["status"] == "paid"
    assert answer.body["payments"][0]["source"] == "status_check"
    # The notification that comes after all says where it was paid, and that once.
    for received in ("completed", "known"):
        told = stack.call("receive_notification", event("receive_notification/alfa_paid"))
        assert told.body == {"received": received}
    (payment,) = stack.call("read_codes", event("read_codes/one")).body["payments"]
    assert (payment["source"], payment["store_id"]) == ("notification", "JKT-0417")


def test_refresh_while_doku_is_dead_is_503(stack, event, active):
    stack.doku.expect_request(f"/orders/v1/status/{INVOICE}").respond_with_data("", 503)
    answer = stack.call("refresh_code", event("refresh_code/refresh"))
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "60"


# --- receive_notification ----------------------------------------------------------------


def test_a_notification_pays_once(stack, event, active):
    answers = [
        stack.call("receive_notification", event(f"receive_notification/{case}"))
        for case in ("alfa_paid", "base64_body", "alfa_paid")
    ]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert [answer.body["received"] for answer in answers] == ["settled", "known", "known"]
    assert stack.call("read_codes", event("read_codes/one")).body["payments_count"] == 1


def drop_header(message, name):
    headers = {key: value for key, value in message["headers"].items() if key != name}
    return message | {"headers": headers}


@pytest.mark.parametrize("case", ["altered_byte", "foreign_client", "wrong_key"])
def test_an_unverified_byte_changes_nothing(stack, event, active, case):
    before = stack.call("read_codes", event("read_codes/one")).body
    answer = stack.call("receive_notification", event(f"receive_notification/{case}"))
    assert answer.status == 401
    assert answer.body["type"] == "/problems/invalid-signature"
    assert stack.call("read_codes", event("read_codes/one")).body == before


@pytest.mark.parametrize(
    ("case", "for_us"), [("altered_byte", 1), ("wrong_key", 1), ("foreign_client", 0)]
)
def test_one_rejection_with_our_client_id_is_news(stack, event, capsys, case, for_us):
    stack.call("receive_notification", event(f"receive_notification/{case}"))
    counted = counts(capsys.readouterr().out)
    assert counted["NotificationRejected"] == 1
    assert counted.get("NotificationForUsRejected", 0) == for_us


@pytest.mark.parametrize("name", ["client-id", "request-id", "request-timestamp", "signature"])
def test_a_missing_header_is_401(stack, event, active, name):
    message = drop_header(event("receive_notification/alfa_paid"), name)
    assert stack.call("receive_notification", message).status == 401
    assert stack.call("read_codes", event("read_codes/one")).body["status"] == "active"


@pytest.mark.parametrize(
    ("case", "received"),
    [
        ("broken_json", "unreadable"),
        ("not_success", "not_success"),
        ("unknown_invoice", "unmatched"),
        ("wrong_amount", "settled"),
    ],
)
def test_what_pays_nothing_is_kept_and_acknowledged(stack, event, active, case, received, capsys):
    answer = stack.call("receive_notification", event(f"receive_notification/{case}"))
    assert (answer.status, answer.body) == (200, {"received": received})
    assert stack.call("read_codes", event("read_codes/one")).body["status"] == "active"
    metric = {
        "unreadable": "NotificationUnreadable",
        "not_success": "NotificationNotSuccess",
        "unmatched": "NotificationUnmatched",
        "settled": "PaymentAmountMismatch",
    }[received]
    assert f'"{metric}"' in capsys.readouterr().out


def test_logs_hold_nothing_personal_and_no_secret(stack, event, active, capsys, logs):
    for case in ("alfa_paid", "altered_byte", "broken_json", "unknown_invoice", "wrong_amount"):
        stack.call("receive_notification", event(f"receive_notification/{case}"))
    stack.call("generate_code", event("generate_code/four_wrong_fields"))
    expect_paid_status(stack)
    stack.call("refresh_code", event("refresh_code/refresh"))
    written = logs.getvalue() + "".join(capsys.readouterr())
    assert "payment recorded" in written
    for secret in ("Anton", "anton@", "Zoë", ALFA_CODE, doku.SECRET_KEY, "HMACSHA256"):
        assert secret not in written


def test_a_bug_is_a_500_problem_and_its_words_are_not_logged(stack, event, monkeypatch, logs):
    module = stack.function("receive_notification")

    def broken(message) -> None:
        raise RuntimeError(f"unexpected body {message.body!r}")

    monkeypatch.setattr(module, "receive", broken)
    answer = stack.call("receive_notification", event("receive_notification/alfa_paid"))
    assert answer.status == 500
    assert answer.body["type"] == "/problems/internal-error"
    out = logs.getvalue()
    assert "builtins.RuntimeError" in out
    assert "unexpected body" not in out


def test_a_function_that_fails_says_so_and_no_more(stack, event, monkeypatch, logs):
    from o2o.entry.observability import HandlerFailed

    module = stack.function("expire_codes")

    def broken() -> None:
        raise RuntimeError("Anton Budiman")

    monkeypatch.setattr(module, "expire", broken)
    with pytest.raises(HandlerFailed) as raised:
        stack.invoke("expire_codes", event("expire_codes/schedule"))
    assert raised.value.__suppress_context__
    assert "builtins.RuntimeError" in logs.getvalue()
    assert "Anton" not in logs.getvalue() + str(raised.value)


# --- the timetable -----------------------------------------------------------------------


def test_expire_codes_queues_what_is_due_and_reconcile_codes_pays_it(stack, event, active):
    expect_paid_status(stack)
    assert stack.invoke("expire_codes", event("expire_codes/schedule")) == {
        "codes": 0,
        "events": 0,
    }
    stack.clock.advance(minutes=15)
    assert stack.invoke("expire_codes", event("expire_codes/schedule")) == {
        "codes": 1,
        "events": 0,
    }
    (message,) = stack.take_work()
    batch = event("reconcile_codes/one_code")
    batch["Records"][0]["body"] = message["Body"]
    assert stack.invoke("reconcile_codes", batch) == {"batchItemFailures": []}
    assert stack.call("read_codes", event("read_codes/one")).body["status"] == "paid"


def test_one_bad_entry_comes_back_and_the_others_do_not(stack, event, active):
    expect_paid_status(stack)
    stack.clock.advance(minutes=15)
    batch = event("reconcile_codes/one_bad_entry")
    answer = stack.invoke("reconcile_codes", batch)
    assert answer == {"batchItemFailures": [{"itemIdentifier": batch["Records"][0]["messageId"]}]}
    assert stack.call("read_codes", event("read_codes/one")).body["status"] == "paid"


# --- authorize_storefront ----------------------------------------------------------------


def effect(policy):
    return {statement["Effect"] for statement in policy["policyDocument"]["Statement"]}


def test_a_key_opens_the_door_until_it_is_revoked(stack, event):
    desk = ManageStorefronts(
        storefronts=wiring._storefronts(wiring.read_settings(Settings)),
        clock=stack.clock,
        entropy=SystemEntropy(),
    )
    desk.add("shop", "The shop")
    issued = desk.issue_key("shop")
    request = event("authorize_storefront/unknown_key")
    request["headers"]["Authorization"] = f"Bearer {issued.api_key}"
    policy = stack.invoke("authorize_storefront", request)
    assert effect(policy) == {"Allow"}
    assert policy["principalId"] == "shop"
    assert policy["context"] == {
        "storefront_id": "shop",
        "key_id": issued.key.key_id,
        "rate_limit": "20",
    }
    assert policy["usageIdentifierKey"] == "shared-by-those-without"
    (resource,) = policy["policyDocument"]["Statement"][0]["Resource"]
    assert resource.endswith("/v1/*/*")
    desk.revoke_key(issued.key.key_id)
    assert effect(stack.invoke("authorize_storefront", request)) == {"Deny"}


@pytest.mark.parametrize("case", ["unknown_key", "no_key"])
def test_nobody_else_gets_in(stack, event, case):
    policy = stack.invoke("authorize_storefront", event(f"authorize_storefront/{case}"))
    assert effect(policy) == {"Deny"}
    assert "usageIdentifierKey" not in policy


def test_a_storefront_with_a_limit_is_counted_by_itself_whichever_key_it_uses(stack, event):
    store = wiring._storefronts(wiring.read_settings(Settings))
    desk = ManageStorefronts(storefronts=store, clock=stack.clock, entropy=SystemEntropy())
    desk.add("shop", "The shop")
    before = desk.issue_key("shop")
    store.put_usage_key("shop", "counts-the-shop")
    for issued in (before, desk.issue_key("shop")):
        request = event("authorize_storefront/unknown_key")
        request["headers"]["Authorization"] = f"Bearer {issued.api_key}"
        policy = stack.invoke("authorize_storefront", request)
        assert policy["usageIdentifierKey"] == "counts-the-shop"


def test_a_storefront_hears_its_limit_with_every_answer(stack, event):
    for case, status in (("list", 200), ("one", 404)):
        request = event(f"read_codes/{case}")
        request["requestContext"]["authorizer"]["rate_limit"] = "20"
        answer = stack.call("read_codes", request)
        assert answer.status == status
        assert answer.headers["RateLimit-Policy"] == '"storefront";q=20;w=1'
    # A verdict of the authorizer's that was cached before an upgrade knows none.
    assert "RateLimit-Policy" not in stack.call("read_codes", event("read_codes/list")).headers


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer o2o", "Basic abc", "Bearer o2o_x_y", "Bearer " + "o" * 5000, "Bearer é"],
)
def test_a_malformed_key_is_a_refusal_and_no_error(stack, event, header):
    request = event("authorize_storefront/unknown_key")
    request["headers"]["Authorization"] = header
    assert effect(stack.invoke("authorize_storefront", request)) == {"Deny"}
