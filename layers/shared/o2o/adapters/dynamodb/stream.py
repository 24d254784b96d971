"""The table's stream, of which events are made."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from o2o.adapters.dynamodb import table
from o2o.core.events import Change


def order_number(record: Mapping[str, Any]) -> str:
    """The order number of the code that a record is about. It is in its key, whatever else is."""
    return table.order_number(record["dynamodb"]["Keys"])


def read_change(record: Mapping[str, Any]) -> Change | None:
    """The write of a code in a record of the stream as Lambda gets it, or None: it is none."""
    images = record["dynamodb"]
    if "NewImage" not in images or not table.is_code(images["Keys"]):
        return None
    before = images.get("OldImage")
    return Change(
        before=table.load_code(_with_bytes(before)) if before else None,
        after=table.load_code(_with_bytes(images["NewImage"])),
    )


def _with_bytes(value: Any) -> Any:
    """Lambda writes bytes in base64."""
    match value:
        case {"B": str(text)}:
            return {"B": b64decode(text)}
        case dict():
            return {name: _with_bytes(entry) for name, entry in value.items()}
        case list():
            return [_with_bytes(entry) for entry in value]
    return value
