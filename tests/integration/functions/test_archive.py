"""What is acknowledged is on record and in the archive: the table first, then the archive."""

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from o2o.adapters.archive import S3MessageArchive
from o2o.core.archive import MessageKind
from o2o.core.codes import Status
from o2o.entry import wiring
from o2o.entry.settings.codes import ReceiveSettings
from tests.integration.functions.conftest import counts
from tests.integration.functions.test_failures import URL, refusal
from tests.integration.functions.test_proof import Talk, makes_the_code, told
from tests.support.outages import failing

SUCCESS = told("SUCCESS", amount=150_000)


@pytest.fixture
def talk(stack: Any, event: Any) -> Talk:
    talk = Talk(stack, event)
    talk.made = [makes_the_code]
    return talk


def archived() -> list[Any]:
    settings = wiring.read_settings(ReceiveSettings)
    archive = S3MessageArchive(wiring._client("s3"), settings.archive_bucket_name)
    return [archive.get(key) for key in archive.keys(None, None)]


def notify(stack: Any, event: Any, case: str = "alfa_paid") -> Any:
    return stack.call("receive_notification", event(f"receive_notification/{case}"))


@pytest.mark.parametrize(
    "case", ["alfa_paid", "broken_json", "not_success", "unknown_invoice", "base64_body"]
)
def test_whatever_is_acknowledged_is_archived_as_it_came(stack, event, case):
    sent = event(f"receive_notification/{case}")
    answer = stack.call("receive_notification", sent)
    assert answer.status == 200
    (kept,) = archived()
    assert (kept.kind, kept.received_at) == (MessageKind.NOTIFICATION, stack.clock.now)
    assert kept.message.path == sent["requestContext"]["path"]
    if not sent["isBase64Encoded"]:
        assert kept.message.body == sent["body"].encode()
    # Signed as it is in the archive, and with nothing else of the request's head.
    inbox = stack.function("receive_notification").receive.inbox
    assert inbox.verify(kept.message).headers == kept.message.headers


@pytest.mark.parametrize("case", ["altered_byte", "foreign_client", "wrong_key"])
def test_what_doku_did_not_sign_is_not(stack, event, case):
    assert notify(stack, event, case).status == 401
    assert archived() == []


def test_a_repeat_is_archived_as_it_came_the_second_time(stack, event):
    notify(stack, event)
    stack.clock.advance(hours=17)
    notify(stack, event)
    first, second = archived()
    assert first.message == second.message
    assert second.received_at == stack.clock.now


@pytest.mark.parametrize("error", [ReadTimeoutError(**URL), refusal("SlowDown", 503)])
def test_while_the_archive_is_away_a_payment_counts_and_doku_repeats_it(talk, event, capsys, error):
    talk.create()
    capsys.readouterr()
    with failing(wiring._client("s3"), error):
        answer = notify(talk.stack, event)
    assert (answer.status, answer.body["type"]) == (503, "/problems/busy")
    assert talk.code.payments == 1
    # Whoever is alerted by what it is has been told, for the repeat is no news.
    counted = counts(capsys.readouterr().out)
    assert (counted["PaymentDigitsMismatch"], counted["AwsUnavailable"]) == (1, 1)
    assert archived() == []

    again = notify(talk.stack, event)
    assert (again.status, again.body) == (200, {"received": "known"})
    assert len(archived()) == 1


def test_an_archive_that_refuses_is_told_and_nothing_is_acknowledged(stack, event, capsys):
    with failing(wiring._client("s3"), refusal("AccessDenied", 403)):
        assert notify(stack, event).status == 500
    assert counts(capsys.readouterr().out)["UnexpectedError"] == 1


def test_what_is_not_on_record_is_not_archived(stack, event):
    with failing(wiring._client("dynamodb"), ReadTimeoutError(**URL)):
        assert notify(stack, event).status == 503
    assert archived() == []


def test_the_answer_that_shows_a_lost_payment_is_archived(talk):
    talk.statuses = [told("PENDING"), SUCCESS]
    talk.create()
    talk.look()
    assert archived() == []
    talk.look()
    assert talk.code.status is Status.PAID
    (kept,) = archived()
    assert (kept.kind, kept.received_at) == (MessageKind.STATUS, talk.stack.clock.now)
    assert kept.message.path == talk.stack.doku.log[-1][0].path
    assert kept.message.body == talk.stack.doku.log[-1][1].get_data()


@pytest.mark.parametrize(
    "say", [told("SUCCESS", amount="many"), told("REFUNDED")], ids=["unreadable", "refunded"]
)
def test_so_is_one_that_goes_to_a_person(talk, say):
    talk.statuses = [say]
    talk.create()
    talk.refresh()
    assert [each.kind for each in archived()] == [MessageKind.STATUS]


def test_a_payment_that_doku_was_asked_for_waits_for_the_archive(talk, capsys):
    talk.statuses = [SUCCESS]
    talk.create()
    with failing(wiring._client("s3"), ReadTimeoutError(**URL)):
        assert talk.refresh().status == 503
        talk.stack.clock.now = talk.code.due_at
        one = talk.event("reconcile_codes/one_code")
        assert talk.stack.invoke("reconcile_codes", one)["batchItemFailures"] != []
    # It stays due: who is paid is asked about no more, so that nobody would archive it later.
    assert (talk.code.status, talk.code.due_at) == (Status.ACTIVE, talk.stack.clock.now)
    talk.look()
    assert talk.code.status is Status.PAID
    assert len(archived()) == 1
