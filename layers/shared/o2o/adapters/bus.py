"""The event bus on EventBridge."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from o2o.adapters.aws import THROTTLED
from o2o.core.deliveries import EventRecord
from o2o.core.errors import Busy, O2OError
from o2o.usecases.ports import EventBus

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "o2o"

PASSING = THROTTLED | {"InternalFailure"}
"""Why EventBridge refuses an entry that it may take later."""


class EventBridgeBus(EventBus):
    """A bus behind a client that is passed in. Errors of EventBridge's own are ClientErrors."""

    def __init__(self, client: "EventBridgeClient", bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def put(self, records: Sequence[EventRecord]) -> None:
        answer = self._client.put_events(Entries=[self._entry(record) for record in records])
        if answer["FailedEntryCount"]:
            codes = {entry["ErrorCode"] for entry in answer["Entries"] if "ErrorCode" in entry}
            refused = Busy if codes <= PASSING else O2OError
            raise refused(f"the bus did not take an event: {', '.join(sorted(codes))}")

    def _entry(self, record: EventRecord) -> "PutEventsRequestEntryTypeDef":
        detail = {"storefront_id": record.storefront_id, "payload": json.loads(record.payload)}
        return {
            "EventBusName": self._bus_name,
            "Source": SOURCE,
            "DetailType": record.type.value,
            "Detail": json.dumps(detail),
            "Time": record.created_at,
        }
