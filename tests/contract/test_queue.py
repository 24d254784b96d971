"""The work queue, over moto's SQS."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from o2o.adapters.queue import SqsWorkQueue, decode_work, encode_work
from o2o.core.errors import O2OError
from o2o.core.work import Backlog, Work, WorkKind
from tests.contract.conftest import REGION
from tests.support.memory import MemoryWorkQueue
from tests.support.samples import NOW, at

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

WORK = [
    Work(WorkKind.CODE, "INV-1"),
    Work(WorkKind.CODE, "INV-2", due_at=at(microseconds=1)),
    Work(WorkKind.NOTIFICATION, "-", "0a1b☕", NOW),
]


def many(count: int) -> list[Work]:
    return [Work(WorkKind.CODE, f"INV-{number}") for number in range(count)]


@pytest.fixture
def sqs(aws: None) -> "SQSClient":
    return boto3.client("sqs", region_name=REGION)


@pytest.fixture
def queue_url(sqs: "SQSClient", request: pytest.FixtureRequest) -> Iterator[str]:
    url = sqs.create_queue(QueueName="work")["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


def receive(sqs: "SQSClient", url: str) -> list[Work]:
    """All that can be received."""
    found: list[Work] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [decode_work(message["Body"]) for message in messages]
    return found


@pytest.mark.parametrize("work", WORK)
def test_work_survives_the_message(work: Work) -> None:
    assert decode_work(encode_work(work)) == work


def test_a_message_may_know_more_than_we_do() -> None:
    body = {**json.loads(encode_work(WORK[2])), "attempt": 3}
    assert decode_work(json.dumps(body)) == WORK[2]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"kind": "code"}',
        '{"kind": 1, "invoice_number": "INV-1"}',
        '{"kind": "cake", "invoice_number": "INV-1"}',
        '{"kind": "code", "invoice_number": null}',
        '{"kind": "code", "invoice_number": "INV-1", "due_at": "soon"}',
        '{"kind": "code", "invoice_number": "INV-1", "due_at": "2026-03-01T10:00:00"}',
        "[" * 100_000,
    ],
)
def test_a_message_without_work_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_work(body)


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 25])
def test_everything_arrives(sqs: "SQSClient", queue_url: str, count: int) -> None:
    queue = SqsWorkQueue(sqs, queue_url)
    queue.put(iter(many(count)))
    assert sum(queue.backlog()) == count
    arrived = receive(sqs, queue_url)
    assert sorted(arrived, key=str) == sorted(many(count), key=str)


def test_what_is_under_way_is_backlog_too(sqs: "SQSClient", queue_url: str) -> None:
    queue = SqsWorkQueue(sqs, queue_url)
    queue.put(many(3))
    (message,) = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=1)["Messages"]
    assert queue.backlog() == Backlog(2, 1)
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    assert queue.backlog() == Backlog(2, 0)


class Refusing:
    """Takes a batch but for some entries, as often as it is told to."""

    def __init__(self, times: int, *refused: str) -> None:
        self.times = times
        self.refused = refused
        self.batches: list[list[str]] = []

    def __call__(self, params: dict[str, Any], **_: Any) -> Any:
        entries = json.loads(params["body"])["Entries"]
        self.batches.append([json.loads(e["MessageBody"])["invoice_number"] for e in entries])
        if len(self.batches) > self.times:
            return None
        failed = [
            {"Id": e["Id"], "Code": "InternalError", "SenderFault": False}
            for e, name in zip(entries, self.batches[-1], strict=True)
            if name in self.refused
        ]
        taken = [{"Id": e["Id"], "MessageId": "m", "MD5OfMessageBody": "0"} for e in entries]
        return SimpleNamespace(status_code=200), {"Successful": taken, "Failed": failed}


def put_through(sqs: "SQSClient", url: str, refusing: Refusing, work: list[Work]) -> None:
    sqs.meta.events.register("before-call.sqs.SendMessageBatch", refusing)
    SqsWorkQueue(sqs, url).put(work)


def test_what_is_refused_is_sent_once_more_alone(sqs: "SQSClient", queue_url: str) -> None:
    refusing = Refusing(1, "INV-1", "INV-3")
    put_through(sqs, queue_url, refusing, many(11))
    assert refusing.batches == [
        [f"INV-{number}" for number in range(10)],
        ["INV-1", "INV-3"],
        ["INV-10"],
    ]


def test_what_is_refused_twice_is_an_error(sqs: "SQSClient", queue_url: str) -> None:
    refusing = Refusing(2, "INV-1", "INV-3")
    with pytest.raises(O2OError, match="2 entries: InternalError"):
        put_through(sqs, queue_url, refusing, many(4))
    assert len(refusing.batches) == 2


def test_the_queue_in_memory_is_first_in_first_out() -> None:
    queue = MemoryWorkQueue()
    assert queue.take() is None
    queue.put(iter(WORK))
    assert sum(queue.backlog()) == 3
    assert [queue.take() for _ in range(4)] == [*WORK, None]
    assert sum(queue.backlog()) == 0
