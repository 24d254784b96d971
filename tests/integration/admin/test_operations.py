"""Webhooks, events, codes, kept notifications and dead letters on the command line."""

import csv
import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from socket import socket
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import uvicorn
from moto import mock_aws
from typer.testing import CliRunner, Result

from admin.cli import app
from admin.environment import environment
from admin.target import Target
from admin.web.access import Access
from o2o.adapters.archive import S3MessageArchive
from o2o.adapters.doku import signature
from o2o.adapters.dynamodb.codes import DynamoCodeStore
from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
from o2o.adapters.dynamodb.events import DynamoEventStore
from o2o.adapters.dynamodb.notifications import DynamoNotificationStore
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.storefronts import DynamoStorefrontStore
from o2o.adapters.dynamodb.table import code_item
from o2o.adapters.queue import decode_work, encode_work
from o2o.adapters.system import system_clock
from o2o.core.archive import ArchivedMessage, MessageKind
from o2o.core.channels import Feature
from o2o.core.codes import Status
from o2o.core.deliveries import DeliveryStatus
from o2o.core.endpoints import PauseReason
from o2o.core.notifications import DokuMessage
from o2o.core.storefronts import Storefront
from o2o.core.work import Work, WorkKind
from o2o.entry import wiring
from tests.support import tables
from tests.support.asgi import call
from tests.support.memory import RETENTION
from tests.support.samples import (
    NOW,
    at,
    make_code,
    make_full_code,
    make_kept,
    make_own_code,
    make_settlement,
)
from tests.support.settings import BINS, CHANNELS, TIMETABLE
from tests.support.storefronts import make_record
from tests.support.world import TurnableClock

DYNAMODB = "https://dynamodb.ap-southeast-3.amazonaws.com"
"""moto's, in the region of the table."""

QUEUES = ("Webhook", "WebhookDeadLetter", "ReconcileDeadLetter", "EventDeadLetter",
          "ScheduleDeadLetter", "Reconcile")  # fmt: skip

FUNCTIONS = ("BrowseEvents", "CancelCode", "CloseBooks", "DeliverWebhooks", "GenerateCode",
             "PublishEvents", "ReadBooks", "ReadCodes", "ReadPayments", "ReceiveNotification",
             "ReconcileCodes", "RefreshCode", "ResolvePayment")  # fmt: skip


@pytest.fixture(autouse=True)
def stack(monkeypatch, tmp_path: Path):
    """A stack whose functions are told what the template would tell them."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-3")
    with mock_aws():
        tables.create(boto3.client("dynamodb"), "o2o-table")
        sqs = boto3.client("sqs")
        outputs = {
            f"{name}QueueUrl": sqs.create_queue(QueueName=name)["QueueUrl"] for name in QUEUES
        }
        boto3.client("secretsmanager").create_secret(Name="signing", SecretString="master " * 10)
        boto3.client("events").create_event_bus(Name="events")
        for bucket in ("archive", "books"):
            boto3.client("s3").create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ap-southeast-3"}
            )
        boto3.client("secretsmanager").create_secret(Name="webhooks")
        doku = json.dumps({"client_id": "MCH-1", "secret_key": "SK-1"})
        boto3.client("secretsmanager").create_secret(Name="doku", SecretString=doku)
        environment = {
            "TABLE_NAME": "o2o-table",
            "READABLE_BY_01": "false",
            "ARCHIVE_BUCKET_NAME": "archive",
            "BOOKS_BUCKET_NAME": "books",
            "SIGNING_SECRET_NAME": "signing",
            "WEBHOOK_SECRET_NAME": "webhooks",
            "WEBHOOK_DEAD_LETTER_QUEUE_URL": outputs["WebhookDeadLetterQueueUrl"],
            "WEBHOOK_QUEUE_URL": outputs["WebhookQueueUrl"],
            "WEBHOOK_RETRY_MINUTES": "[1,5]",
            "WEBHOOK_TIMEOUT_SECONDS": "10",
            "WEBHOOK_ALLOW_LOCAL": "false",
            "DOKU_BASE_URL": "https://doku.example",
            "DOKU_SECRET_NAME": "doku",
            "DOKU_TIMEOUT_SECONDS": "1",
            "OVERRIDE_NOTIFICATION_URL": "",
            "BINS": json.dumps(BINS),
            "CHANNELS": json.dumps(CHANNELS),
            "TIMETABLE": json.dumps(TIMETABLE),
            "CODE_RETENTION_DAYS": "90",
            "EVIDENCE_RETENTION_DAYS": "3650",
            "EVENT_BUS_NAME": "events",
            "EVENT_DEAD_LETTER_QUEUE_URL": outputs["EventDeadLetterQueueUrl"],
            "EVENT_RETENTION_DAYS": "90",
        }
        written = {f"{name}Function": environment for name in FUNCTIONS}
        (tmp_path / "functions.json").write_text(json.dumps(written))
        about = {"TableName": "o2o-table", **outputs}
        described = {"dynamodb_url": DYNAMODB, "outputs": about}
        (tmp_path / "stack.json").write_text(json.dumps(described))
        yield tmp_path, outputs


@pytest.fixture
def run(stack):
    folder, _ = stack

    def command(*arguments: str, ok: bool = True) -> Result:
        result = CliRunner().invoke(app, ["--state-dir", str(folder), *arguments])
        assert (result.exit_code == 0) is ok, result.output
        return result

    return command


@pytest.fixture
def answer(run):
    return lambda *arguments: json.loads(run("--json", *arguments).stdout)


@pytest.fixture
def store(stack) -> Store:
    return Store(boto3.client("dynamodb"), "o2o-table", RETENTION)


@pytest.fixture
def shop(store) -> None:
    DynamoStorefrontStore(store).add_storefront(Storefront("shop", "The shop", system_clock()))


def letters(url: str) -> list[Work]:
    messages = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [decode_work(message["Body"]) for message in messages.get("Messages", [])]


# --- webhooks --------------------------------------------------------------------------------


def test_an_endpoint_is_set_shown_paused_and_resumed(run, answer, store, shop):
    (row,) = answer("webhooks", "set", "shop", "https://shop.example/hook")
    assert (row["url"], row["status"]) == ("https://shop.example/hook", "up")
    assert "paused (operator)" in answer("webhooks", "pause", "shop")[0]["status"]
    endpoint = DynamoEndpointStore(store).get_endpoint("shop")
    assert endpoint is not None
    assert endpoint.pause_reason is PauseReason.OPERATOR
    events = DynamoEventStore(store)
    now = system_clock()
    events.add(make_record(created_at=now, status=DeliveryStatus.PAUSED, due_at=None))
    assert answer("webhooks", "resume", "shop") == {"resent": 1}
    assert answer("webhooks", "show", "shop")[0]["status"] == "up"


def test_a_secret_is_rotated_and_both_are_shown(run, answer, shop):
    run("webhooks", "set", "shop", "https://shop.example/hook")
    (first,) = answer("webhooks", "secret", "shop")
    assert first["secret"].startswith("whsec_")
    assert answer("webhooks", "rotate", "shop")[0]["secret_version"] == 2
    second, former = answer("webhooks", "secret", "shop")
    assert former == first
    assert second["secret"] != first["secret"]
    run("webhooks", "rotate", "shop", "--hours", "0")
    assert len(answer("webhooks", "secret", "shop")) == 1


def test_a_root_of_their_own_breaks_no_webhook_and_can_be_changed(run, answer, shop):
    run("webhooks", "set", "shop", "https://shop.example/hook")
    (before,) = answer("webhooks", "secret", "shop")
    assert answer("webhooks", "root", "make") == {"made": True}
    assert answer("webhooks", "root", "make") == {"made": False}
    assert answer("webhooks", "secret", "shop") == [before]
    run("webhooks", "root", "change")
    new, former = answer("webhooks", "secret", "shop")
    assert former == before
    assert (new["version"], new["secret"] != before["secret"]) == (1, True)
    run("webhooks", "root", "forget")
    assert answer("webhooks", "secret", "shop") == [new]


def test_a_new_stacks_webhooks_have_nothing_in_common_with_its_pages(run, answer, shop):
    run("webhooks", "root", "make")
    secrets = boto3.client("secretsmanager")
    root = json.loads(secrets.get_secret_value(SecretId="webhooks")["SecretString"])
    assert root["current"] != secrets.get_secret_value(SecretId="signing")["SecretString"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("webhooks", "set", "shop", "http://shop.example"), "https"),
        (("webhooks", "set", "shop", "https://10.0.0.1/"), "private"),
        (("webhooks", "set", "nobody", "https://shop.example"), "no such storefront"),
        (("webhooks", "show", "shop"), "no endpoint"),
        (("events", "redeliver", "shop", "evt_1"), "no such event"),
        (("events", "redeliver", "shop"), "--since"),
        (("codes", "show", "INV-1"), "no such payment code"),
        (("codes", "cancel", "INV-1"), "no such payment code"),
        (("notifications", "dismiss", "0a", "--reason", "x"), "no such notification"),
        (("deadletters", "redrive", "schedule"), "purge"),
        (("events", "republish"), "--since"),
        (("events", "republish", "INV-1"), "no such payment code"),
        (("events", "republish", "INV-1", "--until", "2026-03-01"), "--since"),
    ],
)
def test_a_mistake_is_one_sentence(run, shop, arguments, sentence):
    result = run(*arguments, ok=False)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.output


# --- events ----------------------------------------------------------------------------------


def test_events_are_listed_and_sent_again(run, answer, store, stack):
    _, outputs = stack
    events = DynamoEventStore(store)
    now = system_clock()
    records = [make_record(number, created_at=now, due_at=None, version=1) for number in (1, 2)]
    for record in records:
        events.add(replace(record, status=DeliveryStatus.DELIVERED))
    listed = answer("events", "list", "shop")
    assert {row["event_id"] for row in listed} == {record.event_id for record in records}
    assert answer("events", "list", "shop", "--status", "dead") == []
    assert answer("events", "redeliver", "shop", records[0].event_id) == {"count": 1}
    assert [work.identity for work in letters(outputs["WebhookQueueUrl"])] == [records[0].event_id]
    since = (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    assert answer("events", "redeliver", "shop", "--since", since) == {"count": 2}
    table = run("events", "list", "shop").stdout
    assert "pending" in table


# --- codes -----------------------------------------------------------------------------------


def test_a_code_is_shown_with_its_history_and_never_who_pays(run, answer, store):
    code = make_code()
    codes = DynamoCodeStore(store)
    codes.create(code)
    codes.record(make_settlement(code))
    DynamoEventStore(store).add(make_record(1, created_at=code.created_at))
    shown = answer("codes", "show", "INV-1")
    assert (shown["status"], len(shown["payments"]), len(shown["events"])) == ("paid", 1, 1)
    assert shown["payments"][0]["receipt_number"] == "R-1"
    assert (shown["payments_count"], shown["payments_complete"]) == (1, True)
    text = run("codes", "show", "INV-1").stdout
    assert "INV-1" in text
    assert code.customer is not None
    assert code.customer.name not in text + json.dumps(shown)


def test_a_code_is_cancelled(answer, store):
    now = system_clock()
    DynamoCodeStore(store).create(
        make_own_code(created_at=now, activated_at=now, expires_at=now + timedelta(hours=1))
    )
    assert answer("codes", "cancel", "INV-1")["status"] == "cancelled"


def test_digits_are_released_once_they_can_t_be_paid(run, answer, store):
    now = system_clock()
    code = make_own_code(created_at=now, activated_at=now, expires_at=now + timedelta(hours=1))
    DynamoCodeStore(store).create(code)
    arguments = ("codes", "release-digits", "alfa", code.payment_code)
    assert "can still be paid" in run(*arguments, ok=False).stderr
    DynamoCodeStore(store).save(replace(code, status=Status.CANCELLED, version=2))
    assert answer(*arguments) == {"order_number": "INV-1", "storefront_id": "shop"}
    assert "no payment code has" in run(*arguments, ok=False).stderr


def test_what_version_0_1_stored_is_upgraded_once(answer, store):
    code = make_code(status=Status.EXPIRED, due_at=None, ended_at=NOW)
    item = code_item(code, RETENTION) | {"ttl": {"N": "1"}}
    for name in ("due_at", "due_shard", "at_rest"):
        del item[name]
    store.put(item)
    assert answer("upgrade") == {"seen": 1, "changed": 1, "forgotten": 1, "listed": 0}
    upgraded = DynamoCodeStore(store).get("INV-1")
    assert upgraded is not None
    assert (upgraded.customer, upgraded.version) == (None, 2)
    assert answer("upgrade") == {"seen": 0, "changed": 0, "forgotten": 0, "listed": 0}


def test_answered_inquiries_that_no_payment_followed_are_listed(run, answer, store):
    codes = DynamoCodeStore(store)
    now = system_clock().replace(microsecond=0)
    asked: dict[str, Any] = {
        "created_at": now,
        "expires_at": now + timedelta(hours=1),
        "inquired_at": now,
    }
    mark = make_full_code().last_payment
    assert mark is not None
    marks = {
        "INV-1": None,
        "INV-2": replace(mark, paid_at=now + timedelta(seconds=20)),
        "INV-3": replace(mark, paid_at=now - timedelta(hours=1)),
    }
    for number, (invoice_number, last_payment) in enumerate(marks.items()):
        digits = f"889955123456789{number}"
        codes.create(
            make_own_code(invoice_number, payment_code=digits, last_payment=last_payment, **asked)
        )
    codes.create(make_own_code("INV-4", payment_code="8899551234567894", created_at=now))
    codes.create(
        make_own_code(
            "INV-5", payment_code="8899551234567895", **asked | {"created_at": now - timedelta(32)}
        )
    )
    rows = answer("codes", "inquired", "shop")
    assert {row["invoice_number"] for row in rows} == {"INV-1", "INV-3"}
    assert {row["inquired_at"] for row in rows} == {now.isoformat()}
    long_ago = (now - timedelta(days=40)).strftime("%Y-%m-%d")
    assert len(answer("codes", "inquired", "shop", "--since", long_ago)) == 3
    assert answer("codes", "inquired", "other") == []
    assert answer("codes", "show", "INV-1")["inquired_at"] == now.isoformat()
    assert "INV-1" in run("codes", "inquired", "shop").stdout


# --- notifications ---------------------------------------------------------------------------


def test_a_notification_is_dismissed_with_a_reason_and_kept(answer, store):
    DynamoNotificationStore(store).keep(make_kept())
    (row,) = answer("notifications", "list")
    assert (row["identity"], row["invoice_number"]) == ("0a1b", "INV-9")
    answer("notifications", "dismiss", "0a", "--reason", "a test of DOKU's")
    assert answer("notifications", "list") == []
    (kept,) = answer("notifications", "list", "--all")
    assert (kept["dismissed"], kept["next_look"]) == ("a test of DOKU's", None)


# --- dead letters ----------------------------------------------------------------------------


def test_dead_letters_are_listed_and_tried_again(answer, store, stack):
    _, outputs = stack
    events = DynamoEventStore(store)
    dead = make_record(1, status=DeliveryStatus.DEAD, due_at=None)
    events.add(dead)
    sqs = boto3.client("sqs")
    code = Work(WorkKind.CODE, "INV-1")
    event = Work(WorkKind.EVENT, "", dead.event_id)
    for queue, work in (("Webhook", event), ("Reconcile", code)):
        url = outputs[f"{queue}DeadLetterQueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=encode_work(work))
    for _ in range(2):  # looking takes nothing away
        rows = answer("deadletters", "list")
        assert {row["queue"] for row in rows} == {"webhook", "reconcile"}
    assert answer("deadletters", "redrive", "webhook") == {"redriven": 1}
    again = events.get(dead.event_id)
    assert again is not None
    assert again.status is DeliveryStatus.PENDING
    assert [work.identity for work in letters(outputs["WebhookQueueUrl"])] == [dead.event_id]
    assert answer("deadletters", "redrive", "reconcile") == {"redriven": 1}
    assert letters(outputs["ReconcileQueueUrl"]) == [code]
    assert answer("deadletters", "list") == []


def test_a_letter_that_fails_again_holds_up_no_other_and_stays_in_sight(
    run, answer, store, stack, shop
):
    _, outputs = stack
    now = system_clock()
    life = {"created_at": now, "activated_at": now, "expires_at": now + timedelta(hours=1)}
    codes = DynamoCodeStore(store)
    codes.create(make_own_code("INV-1", **life, metadata="{"))  # no JSON: no webhook about it
    codes.create(make_own_code("INV-2", **life, payment_code="8899551234567891"))
    sqs = boto3.client("sqs")
    for number in ("INV-1", "INV-2"):
        letter = encode_work(Work(WorkKind.CODE, number))
        sqs.send_message(QueueUrl=outputs["EventDeadLetterQueueUrl"], MessageBody=letter)
    gone = Work(WorkKind.EVENT, "", "evt_gone")
    sqs.send_message(QueueUrl=outputs["WebhookDeadLetterQueueUrl"], MessageBody=encode_work(gone))

    result = run("--json", "deadletters", "redrive", "event", ok=False)
    assert json.loads(result.stdout) == {"redriven": 1}
    said = "INV-1 is still in the queue: no events can be made of INV-1\n"
    assert result.stderr.endswith(f"\n{said}")  # below the log of what went wrong
    assert "Traceback" not in result.output
    (made,) = answer("events", "list", "shop")
    assert made["invoice_number"] == "INV-2"
    result = run("--json", "deadletters", "redrive", "webhook", ok=False)
    assert result.stderr == "evt_gone is still in the queue: event evt_gone no longer exists\n"
    left = {
        json.loads(each["body"]).get("invoice_number") for each in answer("deadletters", "list")
    }
    assert left == {"INV-1", ""}


def of_lambda(first: str, last: str) -> str:
    """A letter of the stream's source, as Lambda writes it."""
    return json.dumps(
        {
            "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 51},
            "version": "1.0",
            "timestamp": last,
            "DDBStreamBatchInfo": {
                "shardId": "shardId-00000001573689847184-864758bb",
                "startSequenceNumber": "800000000003126276362",
                "endSequenceNumber": "800000000003126276362",
                "approximateArrivalOfFirstRecord": first,
                "approximateArrivalOfLastRecord": last,
                "batchSize": 1,
                "streamArn": "arn:aws:dynamodb:ap-southeast-3:123456789012:table/T/stream/1",
            },
        }
    )


@pytest.mark.parametrize("by_lambda", [False, True])
def test_events_that_the_stream_lost_are_made_from_the_table(answer, store, stack, shop, by_lambda):
    _, outputs = stack
    now = system_clock()
    code = make_own_code(created_at=now, activated_at=now, expires_at=now + timedelta(hours=1))
    DynamoCodeStore(store).create(code)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    letter = of_lambda(stamp, stamp) if by_lambda else encode_work(Work(WorkKind.CODE, "INV-1"))
    boto3.client("sqs").send_message(
        QueueUrl=outputs["EventDeadLetterQueueUrl"], MessageBody=letter
    )
    assert answer("deadletters", "redrive", "event") == {"redriven": 1}
    (made,) = answer("events", "list", "shop")
    assert made["type"] == "payment_code.activated"
    assert [work.identity for work in letters(outputs["WebhookQueueUrl"])] == [made["event_id"]]
    again = {"made": 0, "announced": 1, "unannounced": 0, "unmade": []}
    assert answer("events", "republish", "INV-1") == again
    since = (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    assert answer("events", "republish", "--since", since) == again
    assert answer("deadletters", "list") == []


# --- the archive -----------------------------------------------------------------------------

PATH = "/v1/doku/notifications"
AT = "2026-03-01T03:20:00Z"


def archived(minutes: int, key: str = "SK-1", **order: Any) -> ArchivedMessage:
    """DOKU's notification of a payment of INV-1, signed with a key."""
    body = json.dumps(
        {
            "order": {"invoice_number": "INV-1", "amount": 150_000, **order},
            "transaction": {"status": "SUCCESS", "date": "2026-03-01T03:10:00Z"},
            "online_to_offline_payment": {
                "identifier": [{"name": "AGENT_TRX_ID", "value": f"R-{minutes}"}]
            },
        }
    ).encode()
    headers = {"Client-Id": "MCH-1", "Request-Id": "r-1", "Request-Timestamp": AT}
    text = signature.component(
        client_id="MCH-1", request_id="r-1", timestamp=AT, target=PATH, body=body
    )
    return ArchivedMessage(
        kind=MessageKind.NOTIFICATION,
        message=DokuMessage(PATH, headers | {"Signature": signature.sign(key, text)}, body),
        received_at=NOW + timedelta(minutes=minutes),
    )


@pytest.fixture
def archive(stack) -> S3MessageArchive:
    return S3MessageArchive(boto3.client("s3"), "archive")


@pytest.fixture
def payments(store):
    codes = DynamoCodeStore(store)
    codes.create(make_code())
    return lambda: codes.list_payments("INV-1", limit=10, cursor=None).items


def test_the_archive_is_replayed_and_a_second_time_changes_nothing(answer, archive, payments):
    archive.keep(archived(1))
    archive.keep(archived(2, invoice_number="INV-gone"))
    row = answer("archive", "replay")
    assert row == {
        "messages": 2, "replayed": 2, "news": 1, "known": 0, "kept": 1, "forgotten": 0,
        "unproven": 0, "damaged": 0,
    }  # fmt: skip
    (payment,) = payments()
    assert (payment.recorded_at, payment.report.receipt_number) == (archived(1).received_at, "R-1")
    (kept,) = answer("notifications", "list")
    assert (kept["invoice_number"], kept["reason"]) == ("INV-gone", "unmatched")

    again = answer("archive", "replay")
    assert (again["news"], again["known"], again["kept"]) == (0, 1, 1)
    assert payments() == [payment]
    assert len(answer("notifications", "list")) == 1


def test_a_time_of_the_archive_is_replayed(answer, archive, payments):
    for minutes in range(4):
        archive.keep(archived(minutes))
    since, until = (f"{NOW + timedelta(minutes=each):%Y-%m-%dT%H:%M:%S}" for each in (1, 2))
    assert answer("archive", "replay", "--since", since, "--until", until)["messages"] == 2
    assert {each.report.receipt_number for each in payments()} == {"R-1", "R-2"}


def test_a_dry_run_of_the_replay_checks_signatures_and_records_nothing(run, archive, payments):
    archive.keep(archived(1))
    archive.keep(archived(2, key="SK-gone"))
    said = run("archive", "replay", "--dry-run").stdout.strip()
    assert said == "2 messages, 1 of them proven. Nothing was recorded."
    assert payments() == []


def test_what_no_key_has_signed_is_left_out_until_it_is_asked_for(run, archive, payments):
    archive.keep(archived(1, key="SK-gone"))
    failed = run("archive", "replay", ok=False)
    assert "1 were left out" in failed.output
    assert "previous_secret_key" in failed.output
    assert payments() == []
    assert "1 told of payments" in run("archive", "replay", "--unproven").stdout
    assert len(payments()) == 1


def test_the_former_key_proves_it_again(answer, archive, payments):
    archive.keep(archived(1, key="SK-gone"))
    doku = {"client_id": "MCH-1", "secret_key": "SK-1", "previous_secret_key": "SK-gone"}
    boto3.client("secretsmanager").put_secret_value(SecretId="doku", SecretString=json.dumps(doku))
    assert (answer("archive", "replay")["unproven"], len(payments())) == (0, 1)


def test_what_is_no_message_is_told_and_holds_nothing_up(run, archive, payments):
    boto3.client("s3").put_object(Bucket="archive", Key="messages/2020/01/01/odd", Body=b"{")
    archive.keep(archived(1))
    failed = run("archive", "replay", ok=False)
    assert "1 objects of the archive are no messages" in failed.output
    assert len(payments()) == 1


# --- books -----------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    """The local stack's clock, to turn."""
    clock = TurnableClock(NOW)
    monkeypatch.setattr("admin.environment.SharedClock", lambda _: SimpleNamespace(now=clock))
    return clock


@pytest.fixture
def books(run, stack, clock):
    """The books of a stack since the day before NOW."""
    del run
    folder, _ = stack
    target = Target(None, None, None, folder)

    def close() -> None:
        with environment(target, "CloseBooks"):
            wiring.close_books()(lambda: 600.0)

    return close


def test_a_day_s_book_is_listed_shown_and_closed_again(run, answer, store, clock, books):
    DynamoStorefrontStore(store).add_storefront(Storefront("shop", "The shop", NOW))
    books()
    codes = DynamoCodeStore(store)
    code = make_code()
    codes.create(code)
    codes.record(make_settlement(code))
    clock.now = NOW + timedelta(days=1, hours=9)
    assert "has no book" in run("books", "close", "2026-03-01", ok=False).stderr
    books()

    assert [(each["day"], each["edition"], each["count"]) for each in answer("books", "list")] == [
        ("2026-03-01", 1, 1),
        ("2026-02-28", 1, 0),
    ]
    assert answer("books", "list", "--storefront", "other") == []
    shown = answer("books", "show", "2026-03-01", "--storefront", "shop")
    assert shown["totals"]["sum"] == 150_000
    assert [each["kind"] for each in shown["differences"]] == ["payment_without_event"]
    # A long word is folded in a narrow terminal, with a border between its pieces.
    printed = run("books", "show", "2026-03-01").stdout
    assert "payment" in printed
    assert "INV-1" in printed

    again = answer("books", "close", "2026-03-01")
    assert (again["day"], again["edition"], again["differences"]) == ("2026-03-01", 2, 1)
    assert answer("books", "list")[0]["edition"] == 2
    assert answer("books", "show", "2026-03-01", "--edition", "1")["edition"] == 1
    assert "has no such book" in run("books", "show", "2026-03-02", ok=False).stderr


# --- settlements -----------------------------------------------------------------------------

MAPPING = "docs/examples/settlement/simulator.toml"
REPORT = """Transaction Date,Order Number,Channel,Payment Code,Receipt Number,Amount,Fee,Net,Status
2026-03-01 10:30:00,TOP-1,alfa,,R-1,150000,5000,145000,SUCCESS
2026-03-01 11:30:00,TOP-1,alfa,,R-2,150000,5000,145000,SUCCESS
2026-03-01 12:30:00,INV-1,alfa,,,149000,5000,144000,SUCCESS
2026-03-01 12:30:00,=cmd(),alfa,,R-4,150000,5000,145000,SUCCESS
TOTAL,,,,,599000,20000,579000,
"""


@pytest.fixture
def paid(store, shop, tmp_path: Path):
    """A reusable code of which one notification was lost, two that were paid; and a report."""
    codes = DynamoCodeStore(store)
    for name, reusable in (("TOP-1", True), ("INV-1", False), ("INV-2", False)):
        digits = f"88995512345678{len(name)}{name[-1]}"
        code = make_own_code(
            name, feature=Feature.MGPC, reusable=reusable, payment_code=f"{digits}{reusable:d}"
        )
        codes.create(code)
        codes.record(make_settlement(code, f"R-{1 if reusable else name}", paid_at=at(minutes=30)))
    file = tmp_path / "report.csv"
    file.write_text(REPORT)
    return file


def test_a_settlement_is_matched_dry_then_written_and_then_changes_nothing(
    stack, run, answer, paid, store, tmp_path
):
    result = tmp_path / "result.csv"
    arguments = ("settlement", "match", str(paid), "--mapping", MAPPING, "--result", str(result))

    def match(*more: str) -> dict[str, Any]:
        done = run("--json", *arguments, *more, ok=False)
        assert (done.exit_code, done.stderr) == (3, "")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def outcomes() -> list[str]:
        with result.open(newline="") as rows:
            return [row["outcome"] for row in csv.DictReader(rows)]

    dry = match()
    assert (dry["missing_here"], dry["matched"], dry["skipped"]) == (1, 1, 1)
    (day,) = dry["days"]
    assert (day["lines"], day["fee"], day["net"]) == (4, "20000", "579000")
    assert outcomes() == [
        "matched", "missing_here", "amount_differs", "unknown_order", "missing_there",
    ]  # fmt: skip
    with result.open(newline="") as rows:
        written = list(csv.DictReader(rows))
    assert written[3]["order_number"] == "'=cmd()"
    assert (written[2]["amount"], written[2]["amount_here"]) == ("149000", "150000.00")
    assert written[4]["order_number"] == "INV-2"
    assert answer("codes", "show", "TOP-1")["payments_count"] == 1

    assert match("--write", "--reason", "lost notifications")["recorded"] == 1
    shown = answer("codes", "show", "TOP-1")
    assert [each["source"] for each in shown["payments"]] == ["notification", "settlement"]
    assert match("--write")["recorded_before"] == 1
    assert outcomes()[:2] == ["matched", "recorded_before"]
    assert answer("codes", "show", "TOP-1") == shown

    audited = [row for row in answer("audit") if row["command"] == "settlement match"]
    assert [row["outcome"] for row in audited] == ["done", "done"]
    assert f"file=sha256:{sha256(REPORT.encode()).hexdigest()}" in audited[0]["arguments"]
    assert str(paid) not in audited[0]["arguments"]


def test_a_settlement_that_agrees_ends_with_0_and_a_bad_one_with_1(run, paid, tmp_path):
    paid.write_text("\n".join(REPORT.splitlines()[:2]))
    arguments = ("settlement", "match", str(paid), "--mapping", MAPPING, "--day", "2026-02-28")
    assert "1 lines, 0 other rows: 1 matched. Nothing was recorded." in run(*arguments).stdout
    paid.write_text(REPORT.replace("Amount", "Nominal"))
    refused = run(*arguments, ok=False)
    assert refused.exit_code == 1
    assert "report.csv, line 1: the column 'Amount' is not there" in refused.stderr
    for name in (str(paid), MAPPING):
        kept = Path(name).read_text()
        assert "a file that is read" in run(*arguments, "--result", name, ok=False).stderr
        assert Path(name).read_text() == kept


def test_what_personal_data_was_taken_from_is_counted_and_told_only_if_asked_for(
    run, answer, archive, payments
):
    whole = archived(1)
    archive.keep(whole.forget(whole.message.body, whole.received_at))
    archive.keep(archived(2).forget(b"", whole.received_at))
    for _ in range(2):
        row = answer("archive", "replay")
        assert (row["messages"], row["forgotten"], row["replayed"]) == (2, 2, 0)
    assert "Personal data was taken from 2." in run("archive", "replay", "--dry-run").stdout
    assert payments() == []
    assert answer("archive", "replay", "--unproven")["news"] == 1
    (payment,) = payments()
    assert payment.digests == {whole.body_sha256}
    # The whole message, of a backup, tells of the same payment.
    archive.keep(whole)
    assert answer("archive", "replay")["known"] == 1
    assert payments() == [payment]


# --- the desk --------------------------------------------------------------------------------


def test_the_desk_reads_as_who_only_looks(monkeypatch, run, store, clock, books):
    """Each page by itself, with the first policy alone: the command changes nothing."""
    DynamoStorefrontStore(store).add_storefront(Storefront("shop", "The shop", NOW))
    books()
    codes = DynamoCodeStore(store)
    code = make_code()
    codes.create(code)
    codes.record(make_settlement(code))
    DynamoNotificationStore(store).keep(make_kept())
    clock.now = NOW + timedelta(days=1, hours=9)
    books()
    told = {}

    def serve(self: uvicorn.Server, sockets: list[socket]) -> None:
        for bound in sockets:
            bound.close()
        for path in (
            "about",
            "search?text=R-1",
            "search?text=8899551234567890&storefront=shop",
            "search?day=2026-03-01",
            "codes/INV-1",
            "attention",
            "inquired",
            "books",
            "books?storefront=shop",
            "books/2026-03-01",
            "endpoints",
            "events?storefront=shop&status=dead",
        ):
            headers = {"authorization": f"Bearer {token()}"}
            app: Any = self.config.app
            told[path] = call(app, "GET", f"/_desk/{path}", headers=headers)

    tokens: list[str] = []

    def token() -> str:
        return tokens[0]

    made = Access.__init__

    def remembered(self: Access) -> None:
        made(self)
        tokens.append(self.token)

    monkeypatch.setattr(Access, "__init__", remembered)
    monkeypatch.setattr(uvicorn.Server, "run", serve)
    printed = run("desk", "--no-open").stdout
    assert "only reads" in printed
    assert tokens[0] not in printed
    assert {
        path: (each.status, each.body) for path, each in told.items() if each.status != 200
    } == {}
    assert [each["id"] for each in told["search?day=2026-03-01"].json()["payments"]] == ["1"]
    assert len(told["attention"].json()["kept"]) == 1
    assert [each["day"] for each in told["books"].json()["days"]]
    shown = told["codes/INV-1"]
    assert shown.json()["payments"][0]["receipt_number"] == "R-1"
    for personal in (b"Anton", b"anton@example.com"):
        assert all(personal not in each.body for each in told.values())
