"""The images of a record of the table's stream, as JSON.

The batch always goes on: the record behind it becomes its event, whatever this one holds.
"""

import json
from typing import Any

from o2o.adapters.dynamodb import table
from o2o.core.codes import Status
from tests.fuzz.functions import PERSON, RIVAL, SECRETS, functions, must_not_tell
from tests.fuzz.seeds import events
from tests.support.memory import RETENTION
from tests.support.samples import NOW, make_code

_LAST = table.code_item(
    make_code("LAST", status=Status.ACTIVE, activated_at=NOW, payment_code="8123"), RETENTION
)
SEEDS = tuple(
    json.dumps({name: record["dynamodb"].get(name) for name in ("NewImage", "OldImage")})
    .replace("Anton Budiman", PERSON)
    .encode()
    for event in events("publish_events")
    for record in event["Records"]
)


def check(data: bytes) -> None:
    """Raise AssertionError if a record holds another one up, or tells of its customer."""
    try:
        images = json.loads(data)
    except (ValueError, RecursionError):
        return  # AWS sends JSON
    if not isinstance(images, dict):
        return
    stack = functions()
    answer = stack.invoke(
        "publish_events", {"Records": [_record("FIRST", images), _record("LAST", _IMAGES)]}
    )
    assert json.loads(answer.body) == {"batchItemFailures": []}
    new = stack.after["events"].keys() - stack.before["events"].keys()
    assert "LAST" in {stack.after["events"][each].invoice_number for each in new}
    must_not_tell(answer.told, *SECRETS, PERSON, RIVAL)


_IMAGES = {"NewImage": _LAST}


def _record(order_number: str, images: dict[str, Any]) -> dict[str, Any]:
    held = {name: images[name] for name in ("NewImage", "OldImage") if images.get(name)}
    keys = {"pk": {"S": f"CODE#{order_number}"}, "sk": {"S": "CODE"}}
    return {"dynamodb": {"Keys": keys, "SequenceNumber": order_number, **held}}
