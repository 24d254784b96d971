"""DynamoDB streams: the order counts, so the first failure ends the batch."""

from collections.abc import Callable
from typing import Any

from o2o.entry.observability import count, log_failure


def each_record(event: dict[str, Any], handle: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Handle the records in order and answer from which one on they must come again."""
    for record in event["Records"]:
        try:
            handle(record)
        except Exception as error:  # noqa: BLE001 - it comes again, bounded by the template
            log_failure(error)
            count("BatchEntryFailed")
            number = record["dynamodb"]["SequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": number}]}
    return {"batchItemFailures": []}
