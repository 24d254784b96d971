"""What stands in for AWS locally, where moto alone would not do."""

from collections.abc import Iterator
from datetime import timedelta

import boto3
import pytest
from moto import mock_aws
from moto.sqs.models import Queue, SQSBackend

from local import cloud
from local.aws import REGION
from tests.support.world import START


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(SQSBackend, "is_message_valid_based_on_retention_period", cloud._is_kept)
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


def test_what_is_too_old_does_not_come(queue, time_machine) -> None:
    sqs = boto3.client("sqs", region_name=REGION)
    time_machine.move_to(START, tick=False)
    sqs.send_message(QueueUrl=queue, MessageBody="1")
    time_machine.move_to(START + timedelta(hours=1), tick=False)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
