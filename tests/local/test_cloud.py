"""What stands in for AWS locally, where moto alone would not do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws
from moto.core import utils
from moto.sqs import models as queues
from moto.sqs.models import Queue, SQSBackend

from local import cloud
from local.aws import REGION
from tests.support.world import START


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(SQSBackend, "is_message_valid_based_on_retention_period", cloud._is_kept)
    monkeypatch.setattr(queues, "unix_time_millis", cloud._milliseconds)
    with mock_aws():
        made = boto3.client("sqs", region_name=REGION).create_queue(
            QueueName="work", Attributes={"MessageRetentionPeriod": "3600"}
        )
        yield made["QueueUrl"]


def test_what_waits_in_a_queue_is_not_counted_for_each_message(queue, monkeypatch) -> None:
    sqs = boto3.client("sqs", region_name=REGION)
    for number in range(10):
        sqs.send_message(QueueUrl=queue, MessageBody=str(number))

    def count(_: Queue) -> int:
        raise AssertionError("the whole queue was counted")

    monkeypatch.setattr(Queue, "approximate_number_of_messages", property(count))
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert len(received) == 10


def test_the_time_is_no_date_for_each_message(queue, monkeypatch) -> None:
    """What a call makes dates for does not grow with what waits."""
    sqs = boto3.client("sqs", region_name=REGION)
    made = 0

    def count() -> datetime:
        nonlocal made
        made += 1
        return datetime.now(UTC).replace(tzinfo=None)

    monkeypatch.setattr(utils, "utcnow", count)

    def dates() -> int:
        nonlocal made
        for number in range(10):
            sqs.send_message(QueueUrl=queue, MessageBody=str(number))
        made = 0
        (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        sqs.change_message_visibility(
            QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
        return made

    assert dates() == dates()


def test_what_is_hidden_comes_back_by_the_clock(queue, time_machine) -> None:
    sqs = boto3.client("sqs", region_name=REGION)
    time_machine.move_to(START, tick=False)
    sqs.send_message(QueueUrl=queue, MessageBody="1", DelaySeconds=60)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    time_machine.move_to(START + timedelta(seconds=61), tick=False)
    assert sqs.receive_message(QueueUrl=queue, VisibilityTimeout=30)["Messages"]
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    time_machine.move_to(START + timedelta(seconds=92), tick=False)
    assert sqs.receive_message(QueueUrl=queue)["Messages"]


def test_what_is_too_old_does_not_come(queue, time_machine) -> None:
    sqs = boto3.client("sqs", region_name=REGION)
    time_machine.move_to(START, tick=False)
    sqs.send_message(QueueUrl=queue, MessageBody="1")
    time_machine.move_to(START + timedelta(hours=1), tick=False)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
