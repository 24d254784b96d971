"""SQS batches: one failing entry comes back, the others do not."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from o2o.adapters.queue import decode_work
from o2o.core.work import Work
from o2o.entry.observability import count, log_failure

Result = TypeVar("Result")


def each_work(
    event: dict[str, Any], context: Any, handle: Callable[[Work], None]
) -> dict[str, Any]:
    """Handle each entry of a batch and answer which ones failed."""

    def one(record: SQSRecord) -> None:
        try:
            handle(decode_work(record.body))
        except Exception as error:
            log_failure(error)
            count("BatchEntryFailed")
            raise

    response = process_partial_response(
        event=event,
        record_handler=one,
        # A batch that failed as a whole is still answered entry by entry.
        processor=BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False),
        context=context,
    )
    return {"batchItemFailures": response["batchItemFailures"]}


def each_work_at_once(
    event: dict[str, Any], handle: Callable[[Work], Result], report: Callable[[Result], None]
) -> dict[str, Any]:
    """Handle the entries of a batch side by side, and answer which ones failed.

    ``handle`` runs in threads; ``report``, which counts and logs, in this one.
    """
    failures = []
    with ThreadPoolExecutor(max(len(event["Records"]), 1)) as threads:
        under_way = [
            (
                record["messageId"],
                threads.submit(lambda body: handle(decode_work(body)), record["body"]),
            )
            for record in event["Records"]
        ]
        for message_id, future in under_way:
            try:
                report(future.result())
            except Exception as error:  # noqa: BLE001 - the queue brings it again
                log_failure(error)
                count("BatchEntryFailed")
                failures.append({"itemIdentifier": message_id})
    return {"batchItemFailures": failures}
