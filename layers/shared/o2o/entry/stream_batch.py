"""DynamoDB streams: an outage ends the batch, a record that is at fault itself does not."""

from collections.abc import Callable
from typing import Any

from o2o.adapters.aws import is_outage
from o2o.entry.observability import count, log_failure

Record = dict[str, Any]


def each_record(
    event: dict[str, Any], handle: Callable[[Record], None], give_up: Callable[[Record], None]
) -> dict[str, Any]:
    """Handle the records in order and answer from which one on they must come again.

    In an outage of AWS's they do. A record that fails for any other reason would fail again: it is
    given up, and those behind it go on.
    """
    for record in event["Records"]:
        try:
            _one(record, handle, give_up)
        except Exception as error:  # noqa: BLE001 - it comes again, bounded by the template
            log_failure(error)
            count("BatchEntryFailed")
            number = record["dynamodb"]["SequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": number}]}
    return {"batchItemFailures": []}


def _one(
    record: Record, handle: Callable[[Record], None], give_up: Callable[[Record], None]
) -> None:
    try:
        handle(record)
    except Exception as error:
        if is_outage(error):
            raise
        log_failure(error)
        give_up(record)
