"""SQS batches: one failing entry comes back, the others do not."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from o2o.adapters.queue import decode_work
from o2o.core.work import Work
from o2o.entry.observability import count, log_failure

Result = TypeVar("Result")


def each_work(
    event: dict[str, Any],
    handle: Callable[[Work], Result],
    report: Callable[[Result], None],
    *,
    at_once: bool = False,
) -> dict[str, Any]:
    """Handle each entry of a batch, and answer which ones failed.

    ``at_once``: they are handled side by side, in threads; ``report``, which counts and logs, runs
    in this one all the same.
    """
    works = [
        (record["messageId"], partial(_handle, handle, record["body"]))
        for record in event["Records"]
    ]
    failures = []
    with ThreadPoolExecutor(max(len(works), 1)) as threads:
        results = [
            (message_id, threads.submit(work).result if at_once else work)
            for message_id, work in works
        ]
        for message_id, result in results:
            try:
                report(result())
            except Exception as error:  # noqa: BLE001 - the queue brings it again
                log_failure(error)
                count("BatchEntryFailed")
                failures.append({"itemIdentifier": message_id})
    return {"batchItemFailures": failures}


def _handle(handle: Callable[[Work], Result], body: str) -> Result:
    return handle(decode_work(body))
