"""Nothing fails in silence: each failure has its answer, its line in the log and its count."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)

from o2o.core.errors import InvalidConfiguration, UnreadableMessage
from o2o.entry import wiring
from tests.integration.functions.conftest import SECRET_KEY, counts
from tests.support.outages import failing

ENDPOINT = "https://dynamodb.example"
URL = {"endpoint_url": ENDPOINT}
OUTAGES: dict[str, Exception] = {
    "read time-out": ReadTimeoutError(**URL),
    "connect time-out": ConnectTimeoutError(**URL),
    "unreachable": EndpointConnectionError(**URL),
    "closed": ConnectionClosedError(**URL),
    "anything below": HTTPClientError(error=OSError("no route to anton@example.com")),
}


def refusal(code: str, status: int) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "about anton@example.com"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "Query")


@pytest.fixture
def lines(logs: Any) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [json.loads(line) for line in logs.getvalue().splitlines()]


ROUTES = {
    "generate_code": "alfa",
    "read_codes": "one",
    "cancel_code": "cancel",
    "refresh_code": "refresh",
    "explain_payment": "how_to_pay",
    "browse_events": "redeliver_range",
    "receive_notification": "alfa_paid",
}


@pytest.mark.parametrize("function", sorted(ROUTES))
def test_a_time_out_of_aws_is_503_on_every_route(stack, event, lines, capsys, function):
    request = event(f"{function}/{ROUTES[function]}")
    with failing(wiring._client("dynamodb"), ReadTimeoutError(**URL)):
        answer = stack.call(function, request)
    assert answer.status == 503
    assert answer.body["type"] == "/problems/busy"
    assert answer.headers["Retry-After"] == "1"
    (line,) = [line for line in lines() if line["message"] == "AWS gave no answer"]
    assert (line["level"], line["error"]) == ("WARNING", "botocore.exceptions.ReadTimeoutError")
    assert any("store.py" in place for place in line["where"])
    counted = counts(capsys.readouterr().out)
    assert counted["AwsUnavailable"] == 1
    assert "UnexpectedError" not in counted


@pytest.mark.parametrize("outage", sorted(OUTAGES))
def test_every_way_of_not_answering_is_503(stack, event, logs, outage):
    with failing(wiring._client("dynamodb"), OUTAGES[outage]):
        assert stack.call("read_codes", event("read_codes/one")).status == 503
    assert "example.com" not in logs.getvalue()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InternalServerError", 500),
        ("ServiceUnavailable", 503),
        ("TooManyRequestsException", 400),
        ("ThrottlingException", 400),
    ],
)
def test_what_aws_says_it_can_t_do_just_now_is_503(stack, event, lines, code, status):
    with failing(wiring._client("secretsmanager"), refusal(code, status)):
        answer = stack.call("generate_code", event("generate_code/alfa"))
    assert answer.status == 503
    (line,) = [line for line in lines() if line["message"] == "AWS gave no answer"]
    assert (line["aws_code"], line["operation"]) == (code, "Query")


def test_what_aws_refuses_is_a_bug(stack, event, lines, logs, capsys):
    with failing(wiring._client("dynamodb"), refusal("ValidationException", 400)):
        answer = stack.call("read_codes", event("read_codes/one"))
    assert (answer.status, answer.body["type"]) == (500, "/problems/internal-error")
    (line,) = lines()
    assert line["message"] == "unexpected error"
    assert line["aws_code"] == "ValidationException"
    assert "example.com" not in logs.getvalue()
    assert counts(capsys.readouterr().out) == {"UnexpectedError": 1}


@pytest.mark.parametrize("entry", ["{", "[]", '{"client_id": "MCH"}'])
def test_a_malformed_secret_is_told_by_name_with_every_notification(
    stack, event, lines, logs, capsys, entry
):
    name = stack.function("receive_notification").receive.inbox._credentials._name
    wiring._client("secretsmanager").put_secret_value(SecretId=name, SecretString=entry)
    for _ in range(2):
        answer = stack.call("receive_notification", event("receive_notification/alfa_paid"))
        assert (answer.status, answer.body["type"]) == (500, "/problems/internal-error")
        assert name not in answer.raw
    told = [line for line in lines() if line["message"] == "unexpected error"]
    assert len(told) == 2
    assert told[0]["error"] == "o2o.core.errors.InvalidConfiguration"
    assert told[0]["reason"].startswith(f"the Secrets Manager entry '{name}': ")
    assert any("secrets.py" in place for place in told[0]["where"])
    assert counts(capsys.readouterr().out)["UnexpectedError"] == 2


@pytest.mark.parametrize("kind", [InvalidConfiguration, UnreadableMessage])
def test_an_error_without_a_problem_type_is_told(
    stack, event, lines, logs, monkeypatch, capsys, kind
):
    module = stack.function("read_codes")

    class Broken:
        def one(self, *_: Any) -> None:
            raise kind("Anton")

    monkeypatch.setattr(module, "read", Broken())
    assert stack.call("read_codes", event("read_codes/one")).status == 500
    (line,) = lines()
    assert line["error"] == f"o2o.core.errors.{kind.__name__}"
    assert counts(capsys.readouterr().out) == {"UnexpectedError": 1}
    # Only a setting's words are known to be about nobody.
    assert ("Anton" in logs.getvalue()) == (kind is InvalidConfiguration)


def test_payments_are_taken_while_secrets_manager_is_away(stack, event, lines, monkeypatch, capsys):
    stack.call("receive_notification", event("receive_notification/wrong_key"))
    credentials = stack.function("receive_notification").receive.inbox._credentials
    monkeypatch.setattr(credentials, "_fresh_until", 0.0)
    monkeypatch.setattr(credentials, "_asked_at", 0.0)
    capsys.readouterr()
    with failing(wiring._client("secretsmanager"), EndpointConnectionError(**URL)):
        answer = stack.call("receive_notification", event("receive_notification/alfa_paid"))
    assert answer.status == 200
    assert [line["message"] for line in lines()].count("AWS gave no answer") == 1
    assert counts(capsys.readouterr().out)["AwsUnavailable"] == 1


def test_an_inquiry_is_declined_with_our_signature_while_the_table_is_away(
    stack, event, lines, capsys
):
    with failing(wiring._client("dynamodb"), ReadTimeoutError(**URL)):
        answer = stack.call("answer_inquiry", event("answer_inquiry/alfa"))
    assert answer.status == 400
    assert answer.body["online_to_offline_inquiry"]["status"] == "decline"
    assert any(name.lower() == "signature" for name in answer.headers)
    counted = counts(capsys.readouterr().out)
    assert (counted["AwsUnavailable"], counted["InquiryDecline"]) == (1, 1)


@pytest.mark.parametrize(
    ("function", "case"),
    [("reconcile_codes", "one_code"), ("deliver_webhooks", "activated")],
)
def test_a_batch_that_meets_an_outage_comes_again_and_is_no_bug(
    stack, event, lines, capsys, function, case
):
    request = event(f"{function}/{case}")
    with failing(wiring._client("dynamodb"), ReadTimeoutError(**URL)):
        failures = stack.invoke(function, request)["batchItemFailures"]
    assert len(failures) == len(request["Records"])
    assert {line["message"] for line in lines()} == {"AWS gave no answer"}
    counted = counts(capsys.readouterr().out)
    assert counted["AwsUnavailable"] == counted["BatchEntryFailed"] == len(failures)
    assert "UnexpectedError" not in counted


def test_no_failure_tells_a_secret(stack, event, logs):
    with failing(wiring._client("dynamodb"), HTTPClientError(error=OSError(SECRET_KEY))):
        stack.call("receive_notification", event("receive_notification/alfa_paid"))
    assert SECRET_KEY not in logs.getvalue()
