"""The work queue on SQS. A message's body is the JSON of its work."""

import json
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Final

from o2o.adapters.dynamodb.codec import parse_instant
from o2o.core.errors import O2OError
from o2o.core.work import Backlog, Work, WorkKind
from o2o.usecases.ports import DeadLetters, WorkQueue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

    from o2o.core.deliveries import EventRecord

_BATCH = 10
"""SendMessageBatch takes this many."""

_WAITING: Final = "ApproximateNumberOfMessages"
_UNDER_WAY: Final = "ApproximateNumberOfMessagesNotVisible"


class SqsWorkQueue(WorkQueue):
    """A queue behind a client that is passed in. Errors of SQS's own are ClientErrors."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def backlog(self) -> Backlog:
        answer = self._client.get_queue_attributes(
            QueueUrl=self._queue_url, AttributeNames=[_WAITING, _UNDER_WAY]
        )
        numbers = answer["Attributes"]
        return Backlog(int(numbers[_WAITING]), int(numbers[_UNDER_WAY]))

    def put(self, work: Iterable[Work]) -> None:
        # What SQS refuses of a batch is sent once more.
        rest = iter(work)
        while batch := list(islice(rest, _BATCH)):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(index), "MessageBody": encode_work(each)}
                for index, each in enumerate(batch)
            ]
            refused = self._send(entries)
            if refused:
                refused = self._send([entry for entry in entries if entry["Id"] in refused])
            if refused:
                codes = ", ".join(sorted(set(refused.values())))
                raise O2OError(f"the queue did not take {len(refused)} entries: {codes}")

    def _send(self, entries: "list[SendMessageBatchRequestEntryTypeDef]") -> dict[str, str]:
        """Send a batch and return the error code of each entry that was refused, by its id."""
        answer = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        return {failure["Id"]: failure["Code"] for failure in answer.get("Failed", [])}


class SqsDeadLetters(DeadLetters):
    """Events that could not be delivered, in a queue for the operator."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, record: "EventRecord") -> None:
        work = Work(WorkKind.EVENT, "", record.event_id)
        self._client.send_message(QueueUrl=self._queue_url, MessageBody=encode_work(work))


def encode_work(work: Work) -> str:
    """The body of a message."""
    body = {"kind": work.kind.value, "invoice_number": work.invoice_number}
    if work.identity:
        body["identity"] = work.identity
    if work.due_at is not None:
        body["due_at"] = work.due_at.isoformat()
    return json.dumps(body)


def decode_work(body: str) -> Work:
    """The work of a message's body. Raises ValueError if there is none in it."""
    try:
        message = json.loads(body)
    except RecursionError as error:
        raise ValueError("the message is nested too deeply") from error
    match message:
        case {"kind": str(kind), "invoice_number": str(invoice_number), **others}:
            due_at = others.get("due_at")
            return Work(
                WorkKind(kind),
                invoice_number,
                str(others.get("identity", "")),
                parse_instant(due_at) if isinstance(due_at, str) else None,
            )
    raise ValueError("the message names no work")
