"""A backlog: how fast what is due is worked off, and how fast events are published.

    .venv/bin/python -m benchmarks.backlog [--due 2500] [--events 2000]

Two measurements on a temporary local stack:

- So many codes are due at once, and the stack's own schedule runs each minute until none is left.
  Meanwhile one code after the other becomes due for which a customer waits: how long until it is
  looked at?
- publish_events gets batches of the table's stream, in this process, on the real engine. Its floor
  is the same requests to AWS without any of our code, in turns with it.

Writes the tables in docs/benchmarks.md.
"""

import argparse
import itertools
import json
import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console
from samtranslator.yaml_helper import yaml_parse

from benchmarks import document, picture
from benchmarks.bill import WHOLE_PROCESSOR_MB, Assumptions
from benchmarks.handlers import Context, load
from benchmarks.measuring import Spent, in_turns, keep, machine
from benchmarks.paid_to_webhook import distribution
from local.aws import REGION, client
from local.options import positive
from local.sources import backlog
from o2o.adapters.dynamodb import table
from o2o.adapters.dynamodb.codes import DynamoCodeStore
from o2o.adapters.dynamodb.due import DynamoDueIndex
from o2o.adapters.dynamodb.store import Store
from o2o.core.channels import Channel, Feature
from o2o.core.codes import Customer, PaymentCode, Status
from o2o.core.timetable import Retention
from tests.support.local_stack import LocalStack, started
from tests.support.patience import until
from tools.life_cycle import ROOT

RETENTION = Retention(codes=timedelta(days=90), evidence=timedelta(days=365))
_LOOK_SECONDS = 2.0
_QUIET_LOOKS = 5
_BATCHES = (1, 10, 100)


def make_code(number: int, due_at: datetime, **changes: Any) -> PaymentCode:
    """An active code that lives here, so that DOKU knows no order of it and says so."""
    now = datetime.now(UTC)
    code = PaymentCode(
        invoice_number=f"BACKLOG-{number}",
        storefront_id="demo",
        channel=Channel.ALFA,
        feature=Feature.DIPC,
        bin="70014",
        amount=150_000,
        reusable=False,
        customer=Customer("Anton Budiman", "anton@example.com"),
        created_at=now - timedelta(minutes=20),
        expires_at=now + timedelta(days=1),
        activated_at=now - timedelta(minutes=20),
        fingerprint="0" * 64,
        payment_code=f"70014{number:011}",
        status=Status.ACTIVE,
        due_at=due_at,
    )
    return replace(code, **changes)


# --- what is due -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of a backlog."""

    seconds: float
    in_vain: int
    """Entries that were queued though their code waited in the queue, or had been looked at."""
    failed: int
    """Looks that failed, and came again."""
    awaited: Sequence[float]
    """Seconds until what a customer waits for was looked at."""
    left: Sequence[tuple[float, int]]
    """How many were left after how many seconds."""


def drain(stack: LocalStack, due: int) -> Drained:
    """Make codes due, and wait until all were looked at."""
    store = Store(stack.dynamodb(), stack.about["outputs"]["TableName"], RETENTION)
    codes = DynamoCodeStore(store)
    oldest = datetime.now(UTC) + timedelta(hours=2)
    with ThreadPoolExecutor(8) as threads:
        made = (make_code(n, oldest + timedelta(milliseconds=n)) for n in range(due))
        list(threads.map(codes.create, made))
    # Their events: a backlog is not a rush of new codes besides.
    sqs, urls = client("sqs", stack.about["aws_url"]), [stack.about["outputs"]["WebhookQueueUrl"]]
    quiet = 0
    while quiet < _QUIET_LOOKS:
        time.sleep(_LOOK_SECONDS)
        quiet = 0 if backlog(sqs, urls) else quiet + 1
    index = DynamoDueIndex(store, table.Due.CODES)
    # What is due by then is the backlog; what was looked at is due later.
    last = oldest + timedelta(milliseconds=due)
    awaited: list[float] = []
    done = threading.Event()

    def wait_for_customers() -> None:
        for number in itertools.count(due):
            if done.is_set():
                return
            now = datetime.now(UTC)
            code = make_code(number, now, inquired_at=now - timedelta(seconds=90))
            codes.create(code)
            began = time.perf_counter()
            until(lambda code=code: _looked_at(codes, code))  # type: ignore[misc]
            awaited.append(time.perf_counter() - began)

    customers = threading.Thread(target=wait_for_customers)
    began = time.perf_counter()
    customers.start()
    stack.advance(hours=3)
    left = [(0.0, due)]
    while left[-1][1]:
        time.sleep(_LOOK_SECONDS)
        still = len(index.due(last, due))
        left.append((time.perf_counter() - began, still))
    done.set()
    while customers.is_alive():  # no need to wait for the minute any more
        stack.run_schedules()
        customers.join(_LOOK_SECONDS)
    seconds = left[-1][0]
    failed = _counted(stack, "ReconcileCodesFunction", "BatchEntryFailed")
    queued = _counted(stack, "ExpireCodesFunction", "CodesQueued")
    return Drained(seconds, queued - due - len(awaited), failed, awaited, left)


def _counted(stack: LocalStack, function: str, metric: str) -> int:
    return int(sum(sum(line.get(metric, [])) for line in stack.log(function)))


def _looked_at(codes: DynamoCodeStore, code: PaymentCode) -> bool:
    newest = codes.get(code.order_number)
    return newest is not None and newest.version > code.version


# --- publishing ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rate:
    """What an event takes: with all of ours, and its bare requests."""

    ours: Spent
    floor: Spent


@contextmanager
def environment(stack: LocalStack, function: str) -> Iterator[None]:
    """The variables of a function, for this process; and a queue of its own, which nobody reads."""
    template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    outputs = stack.about["outputs"]
    sqs = client("sqs", stack.about["aws_url"])
    url = sqs.create_queue(QueueName="benchmark")["QueueUrl"]
    variables = {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": stack.about["aws_url"],
        "AWS_ENDPOINT_URL_DYNAMODB": stack.about["dynamodb_url"],
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "POWERTOOLS_SERVICE_NAME": "o2o",
        "POWERTOOLS_METRICS_NAMESPACE": "O2O",
        "TABLE_NAME": outputs["TableName"],
        "READABLE_BY_01": "false",
        "EVENT_BUS_NAME": outputs["EventBusName"],
        "EVENT_DEAD_LETTER_QUEUE_URL": url,
        "EVENT_RETENTION_DAYS": str(template["Parameters"]["EventRetentionDays"]["Default"]),
        "WEBHOOK_QUEUE_URL": url,
    }
    former = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)


def publish(stack: LocalStack, events: int) -> dict[int, Rate]:
    """What an event costs, by the size of the batch that it is in."""
    with environment(stack, "publish_events"), redirect_stdout(StringIO()):
        handler = load("publish_events")
        numbers = itertools.count()
        found = {}
        for size in _BATCHES:
            batches = max(events // size // 4, 3)
            bare = _bare(stack, numbers, size)
            # What AWS hands over is made before the time runs.
            cases: dict[str, Callable[[], Callable[[], object]]] = {
                "ours": lambda size=size: partial(handler, _batch(numbers, size), Context()),  # type: ignore[misc]
                "floor": lambda bare=bare: bare,  # type: ignore[misc]
            }
            for case in cases.values():
                case()()  # opens the connections
            spent = in_turns(cases, batches, share=size)
            found[size] = Rate(spent["ours"], spent["floor"])
        queued = backlog(client("sqs", stack.about["aws_url"]), [os.environ["WEBHOOK_QUEUE_URL"]])
        if queued != next(numbers):
            sys.exit("Not all that was published is in the queue: the measurement is none.")
        return found


def _batch(numbers: Iterator[int], size: int) -> dict[str, Any]:
    """As many records of the stream: codes that became active."""
    records = []
    for number in itertools.islice(numbers, size):
        code = make_code(number, datetime.now(UTC), feature=Feature.DGPC)
        item = table.code_item(code, RETENTION)
        keys = {name: item[name] for name in ("pk", "sk")}
        change = {"Keys": keys, "NewImage": item, "SequenceNumber": str(number)}
        records.append({"eventName": "INSERT", "dynamodb": change})
    return {"Records": records}


def _bare(stack: LocalStack, numbers: Iterator[int], size: int) -> Callable[[], None]:
    """The same requests, of the same sizes, with nothing around them."""
    dynamodb = stack.dynamodb()
    sqs, events = (client(name, stack.about["aws_url"]) for name in ("sqs", "events"))
    name, queue, bus = (
        os.environ[each] for each in ("TABLE_NAME", "WEBHOOK_QUEUE_URL", "EVENT_BUS_NAME")
    )
    text = {"S": "x" * 500}

    def work() -> None:
        keys = [f"EVENT#bare-{number}" for number in itertools.islice(numbers, size)]
        for key in keys:
            dynamodb.put_item(
                TableName=name,
                Item={"pk": {"S": key}, "sk": {"S": "EVENT"}, "payload": text},
                ConditionExpression="attribute_not_exists(pk)",
            )
        for start in range(0, size, 10):
            batch = keys[start : start + 10]
            sqs.send_message_batch(
                QueueUrl=queue,
                Entries=[{"Id": str(n), "MessageBody": key} for n, key in enumerate(batch)],
            )
            events.put_events(
                Entries=[
                    {
                        "EventBusName": bus,
                        "Source": "o2o",
                        "DetailType": "bare",
                        "Detail": json.dumps({"text": "x" * 900}),
                    }
                    for _ in batch
                ]
            )

    return work


# --- the document --------------------------------------------------------------------------------


def drained_table(due: int, found: Drained) -> str:
    """What is written about a backlog."""
    waits = distribution(found.awaited)
    return (
        f"{due:,} codes due at once, the schedule every minute, {machine()}.\n\n"
        "| | |\n|---|---:|\n"
        f"| until the last one was looked at, seconds | {found.seconds:.0f} |\n"
        f"| looks a second | {due / found.seconds:.0f} |\n"
        f"| entries queued in vain | {found.in_vain:,} |\n"
        f"| looks that failed | {found.failed:,} |\n"
        f"| awaited codes meanwhile | {len(found.awaited):,} |\n"
        f"| until one was looked at, p50, seconds | {waits['p50'] / 1000:.1f} |\n"
        f"| slowest | {waits['slowest'] / 1000:.1f} |\n"
    )


def _draw(due: int, found: Drained) -> None:
    """How the backlog became less."""
    minutes = range(math.ceil(found.seconds / 60) + 1)
    picture.draw(
        "backlog",
        {"": found.left},
        "minutes",
        "codes that are left",
        {minute * 60: str(minute) for minute in minutes},
        {due * each / 5: f"{due * each / 5:,.0f}" for each in range(6)},
    )


def published_table(found: dict[int, Rate]) -> str:
    """What is written about publishing; the last column is computed for Lambda."""
    resources = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    function = resources["Resources"]["PublishEventsFunction"]["Properties"]
    memory = function.get("MemorySize", resources["Globals"]["Function"]["MemorySize"])
    at_once = function["Events"]["CodeChanges"]["Properties"]["ParallelizationFactor"]
    rows = "".join(
        f"| {size} | {rate.ours.cpu} | {rate.ours.wall.median:.1f} | {rate.floor.cpu}"
        f" | {rate.ours.cpu.median / rate.floor.cpu.median:.2f}"
        f" | {on_lambda(rate.ours.cpu.median, size, memory):.0f}"
        f" | {at_once * on_lambda(rate.ours.cpu.median, size, memory):,.0f} |\n"
        for size, rate in found.items()
    )
    return (
        f"{machine()}; on Lambda computed, with"
        f" {memory} MB and {at_once} batches of a shard at once.\n\n"
        "| events in a batch | ms of one processor each | half between | ms | the bare requests"
        " | half between | times the floor | a second on Lambda, one batch | of a shard |\n"
        + "|---:" * 9
        + "|\n"
        + rows
    )


def on_lambda(cpu_ms: float, size: int, memory_mb: int) -> float:
    """Events a second of one batch: its processor's share, and the requests that it waits for."""
    waits = Assumptions().dynamodb_ms * (1 + 2 * -(-size // 10) / size)
    return 1000 / (cpu_ms * WHOLE_PROCESSOR_MB / memory_mb + waits)


def main() -> None:
    """Measure both, and write what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--due", type=positive, default=2_500, help="codes that are due at once")
    parser.add_argument("--events", type=positive, default=2_000, help="events to publish")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as stack:
        rates = publish(stack, arguments.events)
    document.write("publishing", published_table(rates))
    keep("publishing", rates)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as stack:
        found = drain(stack, arguments.due)
    document.write("backlog", drained_table(arguments.due, found))
    keep("backlog", found)
    _draw(arguments.due, found)
    console = Console()
    for mark in ("publishing", "backlog"):
        console.print(document.marked(mark))


if __name__ == "__main__":
    main()
