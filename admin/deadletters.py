"""Dead letters, on the command line: what could not be done, and another try."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

from admin.audit import audited
from admin.environment import StackEnvironment
from o2o.adapters.aws import is_outage
from o2o.adapters.queue import decode_work
from o2o.core.errors import Busy, NotFound, O2OError
from o2o.core.work import WorkKind
from o2o.entry import wiring

if TYPE_CHECKING:
    from admin.terminal import Terminal

app = typer.Typer(no_args_is_help=True, help="Dead letters: what could not be done.")

_COLUMNS = ("queue", "sent_at", "message_id", "body")
_HIDDEN_SECONDS = 30
_MOST = 100

_ABOUT = timedelta(minutes=5)
"""Around the arrival of records: when they arrived, and what a code says happened, differ."""


class Queue(StrEnum):
    """The queues of dead letters."""

    WEBHOOK = "webhook"
    RECONCILE = "reconcile"
    EVENT = "event"
    SCHEDULE = "schedule"

    @property
    def output(self) -> str:
        """The stack's output that has its URL."""
        return f"{self.capitalize()}DeadLetterQueueUrl"


_REDRIVEN_TO = {Queue.WEBHOOK: "WebhookQueueUrl", Queue.RECONCILE: "ReconcileQueueUrl"}

QueueName = Annotated[Queue, typer.Argument(metavar="QUEUE", help="webhook, reconcile or event.")]


@app.command("list")
def list_letters(context: typer.Context) -> None:
    """List what is in each queue, 100 letters at most; all of them stay there."""
    terminal: Terminal = context.obj
    with terminal.environment("BrowseEvents") as stack:
        sqs = stack.client("sqs")
        rows = []
        for queue in Queue:
            url = stack.outputs[queue.output]
            letters = list(_take(sqs, url))
            rows += [{"queue": queue, **_row(each)} for each in letters]
            _give_back(sqs, url, letters)
        terminal.show(rows, _COLUMNS)


@app.command("redrive")
@audited
def redrive(context: typer.Context, queue: QueueName) -> None:
    """Retry the letters of a queue: fix the cause first. What fails again stays there."""
    terminal: Terminal = context.obj
    if queue is Queue.SCHEDULE:
        terminal.fail(f"letters of {queue} need no retry: the next run did their work; purge them")
    with terminal.environment("BrowseEvents", "PublishEvents") as stack:
        sqs, url = stack.client("sqs"), stack.outputs[queue.output]
        count = 0
        left: dict[str, tuple[dict[str, Any], Exception]] = {}
        try:
            with Progress(disable=terminal.as_json, transient=True) as progress:
                task = progress.add_task("Retrying", total=None)
                for each in _take(sqs, url):
                    try:
                        _again(stack, sqs, queue, each["Body"])
                    except Exception as error:
                        left[each["MessageId"]] = each, error
                        if is_outage(error):
                            raise
                        continue
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
                    count += 1
                    progress.update(task, completed=count)
        finally:
            _give_back(sqs, url, [each for each, _ in left.values()])
        terminal.say({"redriven": count}, f"{count} letters are being retried.")
        if left:
            terminal.fail(*(_still_there(each["Body"], error) for each, error in left.values()))


def _again(stack: StackEnvironment, sqs: Any, queue: Queue, body: str) -> None:
    """A dead event begins a new round of tries; anything else goes back as it is.

    What became no event is made from the table.
    """
    if queue is Queue.EVENT:
        _republish(body)
        return
    try:
        work = decode_work(body)
    except ValueError:
        work = None
    if work is not None and work.kind is WorkKind.EVENT:
        browse = wiring.browse_events()
        record = browse.events.get(work.identity)
        if record is None:
            raise NotFound(f"event {work.identity} no longer exists")
        browse.resend(record.storefront_id, [record.event_id])
        return
    sqs.send_message(QueueUrl=stack.outputs[_REDRIVEN_TO[queue]], MessageBody=body)


def _republish(body: str) -> None:
    """The events of a code, or of the time of the records that Lambda gave up."""
    again = wiring.republish_events()
    letter = json.loads(body)
    records = letter.get("DDBStreamBatchInfo")
    if records is None:
        done = again.of_code(decode_work(body).invoice_number)
    else:
        first, last = (
            datetime.fromisoformat(records[f"approximateArrivalOf{which}Record"])
            for which in ("First", "Last")
        )
        done = again.of_time(first - _ABOUT, last + _ABOUT)
    if done.unmade:
        raise O2OError(f"no events can be made of {', '.join(done.unmade)}")
    if done.unannounced:
        raise Busy("the bus does not take events now; everything else is done: repeat it later")


def _take(sqs: Any, url: str) -> Iterator[dict[str, Any]]:
    for _ in range(_MOST):
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=1,
            VisibilityTimeout=_HIDDEN_SECONDS,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        if not answer.get("Messages"):
            return
        yield from answer["Messages"]


def _give_back(sqs: Any, url: str, letters: Iterable[dict[str, Any]]) -> None:
    """Let the next look see them at once."""
    for each in letters:
        sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=each["ReceiptHandle"], VisibilityTimeout=0
        )


def _still_there(body: str, error: Exception) -> str:
    """Which letter could not be retried. The words of a bug may be personal, so only its name."""
    try:
        work = decode_work(body)
        name = work.identity or work.invoice_number
    except ValueError:
        name = "A letter that names no work"
    why = str(error) if isinstance(error, O2OError) else type(error).__name__
    return f"{name} is still in the queue: {why}"


def _row(message: dict[str, Any]) -> dict[str, Any]:
    milliseconds = int(message["Attributes"]["SentTimestamp"])
    sent_at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return {
        "sent_at": sent_at.isoformat(timespec="seconds"),
        "message_id": message["MessageId"],
        "body": message["Body"],
    }
