"""The event sources that call functions: schedules, queues and streams."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.blueprint import QueueSource, Schedule, StreamSource
from local.functions import FunctionError, FunctionPool
from local.lambda_events import queue_event, stream_event
from o2o.adapters.queue import SqsWorkQueue

_WAIT_SECONDS = 5
_PAUSE_SECONDS = 1.0
_STREAM_PAUSE_SECONDS = 0.25
_RECEIVE_LIMIT = 10  # SQS gives no more at once


class Scheduler:
    """Runs the schedules at their rates in real time, and all of them on request."""

    def __init__(
        self, schedules: Iterable[Schedule], functions: Mapping[str, FunctionPool]
    ) -> None:
        self._schedules = tuple(schedules)
        self._functions = functions
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start; each schedule also runs at once, for what fell due while the stack was stopped."""
        for schedule in self._schedules:
            threading.Thread(target=self._run, args=(schedule,), daemon=True).start()

    def run_all(self) -> list[str]:
        """Run all schedules now, wait until they end, and return the names of those that failed."""
        running = {each.name: self._submit(each) for each in self._schedules}
        return [name for name, future in running.items() if future.exception() is not None]

    def stop(self) -> None:
        """Stop running schedules."""
        self._stopping.set()

    def _submit(self, schedule: Schedule) -> Future[Any]:
        return self._functions[schedule.function].submit(json.loads(schedule.payload))

    def _run(self, schedule: Schedule) -> None:
        while not self._stopping.is_set():
            self._submit(schedule)
            self._stopping.wait(schedule.every_seconds)


class QueuePoller:
    """Passes the messages of a queue to its function, as an SQS event source does.

    A message that fails stays in the queue and is received again after the visibility time-out;
    the queue's own redrive policy moves it to the dead-letter queue.
    """

    def __init__(self, source: QueueSource, function: FunctionPool, sqs: Any) -> None:
        self._source = source
        self._function = function
        self._sqs = sqs
        self._slots = threading.Semaphore(source.max_concurrency or function.limit)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="queue", daemon=True)

    def start(self) -> None:
        """Start polling."""
        self._thread.start()

    def stop(self) -> None:
        """Stop polling; batches that are being processed go on."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._slots.acquire()
            try:
                messages = self._receive()
            except (BotoCoreError, ClientError):
                self._stopping.wait(_PAUSE_SECONDS)
                messages = []
            if not messages or self._stopping.is_set():
                self._slots.release()
                continue
            event = queue_event(messages, self._source.queue_arn)
            self._function.submit(event).add_done_callback(partial(self._finish, messages=messages))

    def _receive(self) -> list[dict[str, Any]]:
        response = self._sqs.receive_message(
            QueueUrl=self._source.queue_url,
            MaxNumberOfMessages=min(self._source.batch_size, _RECEIVE_LIMIT),
            WaitTimeSeconds=_WAIT_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(response.get("Messages", ()))

    def _finish(self, done: Future[Any], messages: Sequence[Mapping[str, Any]]) -> None:
        try:
            failed = failed_items(
                done,
                [each["MessageId"] for each in messages],
                partial=self._source.partial_failures,
            )
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
                if message["MessageId"] not in failed
            ]
            if entries:
                with contextlib.suppress(BotoCoreError, ClientError):
                    self._sqs.delete_message_batch(QueueUrl=self._source.queue_url, Entries=entries)
        finally:
            self._slots.release()


def failed_items(done: Future[Any], identifiers: Sequence[str], *, partial: bool) -> set[str]:
    """The identifiers of those items of a batch that failed.

    ``partial``: the function reports failed items (``ReportBatchItemFailures``). All items count as
    failed if the function failed or its report is invalid, as in Lambda.
    """
    everything = set(identifiers)
    if done.cancelled() or done.exception() is not None:
        return everything
    report = done.result()
    if not partial or not report:
        return set()
    try:
        failed = {item["itemIdentifier"] for item in report["batchItemFailures"] or ()}
    except (KeyError, TypeError):
        return everything
    return failed if failed.issubset(everything) else everything


def matches(pattern: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a record has, in each field that a filter names, one of the filter's values.

    A value is a text, or ``{"prefix": …}``: how one begins.
    """
    for name, wanted in pattern.items():
        found = record.get(name)
        if isinstance(wanted, Mapping):
            if not isinstance(found, Mapping) or not matches(wanted, found):
                return False
        elif not any(_fits(each, found) for each in wanted):
            return False
    return True


def _fits(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(found, str) and found.startswith(wanted["prefix"])
    return bool(found == wanted)


def backlog(sqs: Any, queue_urls: Iterable[str]) -> int:
    """How many messages wait in queues or are being processed."""
    return sum(sum(SqsWorkQueue(sqs, url).backlog()) for url in queue_urls)


class StreamPoller:
    """Passes the changes of a table to a function, in order, as a stream's event source does.

    Its position is kept in the file ``checkpoint``, so that a restart continues there; but only
    when ``is_quiet``: what the functions made of earlier records must not hang on a queue that does
    not outlive the stack. ``give_up`` gets the ARN of the failure queue and a notice when a batch
    has used up its retries.
    """

    def __init__(
        self,
        source: StreamSource,
        function: FunctionPool,
        streams: Any,
        stream_arn: str,
        checkpoint: Path,
        give_up: Callable[[str, Mapping[str, Any]], None],
        is_quiet: Callable[[], bool] = lambda: True,
    ) -> None:
        self._source = source
        self._function = function
        self._streams = streams
        self._stream_arn = stream_arn
        self._checkpoint = checkpoint
        self._give_up = give_up
        self._is_quiet = is_quiet
        self._kept: dict[str, str] = {}
        """The position in the file."""
        self._stopping = threading.Event()
        self._done: dict[str, str] = {}
        self._iterators: dict[str, str] = {}
        self._known_shards: list[str] | None = None

    def start(self) -> None:
        """Start reading at the checkpoint, if it is of this stream."""
        with contextlib.suppress(FileNotFoundError, KeyError, TypeError, ValueError):
            kept = json.loads(self._checkpoint.read_text())
            # The engine may be another one now, or a moto that has begun anew.
            self._done = kept["done"] if kept["stream"] == self._stream_arn else {}
            self._kept = dict(self._done)
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Stop reading; an unfinished batch is read again after a restart."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                busy = sum(self._read(shard) for shard in self._shards()) > 0
                self._keep()
            except (BotoCoreError, ClientError):
                self._iterators.clear()  # expired, or the engine failed: get new ones
                self._known_shards = None
                busy = False
            if not busy:
                self._stopping.wait(_STREAM_PAUSE_SECONDS)

    def _shards(self) -> list[str]:
        """Asked for again only when one has ended: Dynoxide reads its whole stream to answer."""
        if self._known_shards is None:
            described = self._streams.describe_stream(StreamArn=self._stream_arn)
            shards = described["StreamDescription"]["Shards"]
            self._known_shards = [shard["ShardId"] for shard in shards]
        return self._known_shards

    def _read(self, shard: str) -> bool:
        """Deliver the next records of a shard; returns whether there were any."""
        iterator = self._iterators.get(shard)
        if iterator is None:
            start = (
                {
                    "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                    "SequenceNumber": self._done[shard],
                }
                if shard in self._done
                else {"ShardIteratorType": "TRIM_HORIZON"}
            )
            iterator = self._streams.get_shard_iterator(
                StreamArn=self._stream_arn, ShardId=shard, **start
            )["ShardIterator"]
        response = self._streams.get_records(
            ShardIterator=iterator, Limit=min(self._source.batch_size, 1000)
        )
        records = response["Records"]
        if records:
            self._deliver([record for record in records if self._is_wanted(record)])
            if self._stopping.is_set():
                return True  # may not be delivered: leave the checkpoint, to read it again
            self._done[shard] = records[-1]["dynamodb"]["SequenceNumber"]
        following = response.get("NextShardIterator")
        if following and records:
            self._iterators[shard] = following
        else:  # The shard has ended; or, after a refused transaction, moto has put another there.
            self._iterators.pop(shard, None)
        if not following:
            self._known_shards = None
        return bool(records)

    def _keep(self) -> None:
        if self._done == self._kept or not self._is_quiet():
            return
        fresh = self._checkpoint.with_name(f"{self._checkpoint.name}.new")
        fresh.write_text(json.dumps({"stream": self._stream_arn, "done": self._done}))
        fresh.replace(self._checkpoint)
        self._kept = dict(self._done)

    def _is_wanted(self, record: Mapping[str, Any]) -> bool:
        patterns = self._source.patterns
        return not patterns or any(matches(pattern, record) for pattern in patterns)

    def _deliver(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Call the function with a batch until all of it succeeded or its retries are used up."""
        tries = 0
        while records and not self._stopping.is_set():
            done = self._function.submit(stream_event(records, self._stream_arn))
            with contextlib.suppress(CancelledError, FunctionError):
                done.result()
            numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
            failed = failed_items(done, numbers, partial=self._source.partial_failures)
            first = next((i for i, number in enumerate(numbers) if number in failed), None)
            if first is None:
                return
            if first:
                records, tries = (
                    records[first:],
                    0,
                )  # the records before the first failure succeeded
                continue
            if self._source.bisect and len(records) > 1:
                half = len(records) // 2
                self._deliver(records[:half])
                records, tries = records[half:], 0
                continue
            tries += 1
            if self._source.max_retries is not None and tries > self._source.max_retries:
                self._abandon(numbers, tries)
                return
            self._stopping.wait(_PAUSE_SECONDS)

    def _abandon(self, numbers: Sequence[str], tries: int) -> None:
        if self._source.on_failure_arn is None:
            return
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        notice = {
            "requestContext": {
                "functionArn": self._function.arn,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": tries,
            },
            "version": "1.0",
            "timestamp": now,
            "DDBStreamBatchInfo": {
                "startSequenceNumber": numbers[0],
                "endSequenceNumber": numbers[-1],
                "approximateArrivalOfFirstRecord": now,
                "approximateArrivalOfLastRecord": now,
                "batchSize": len(numbers),
                "streamArn": self._stream_arn,
            },
        }
        self._give_up(self._source.on_failure_arn, notice)
