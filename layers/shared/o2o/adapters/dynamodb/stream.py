"""The table's stream, of which events are made: changes of codes, and closed days."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from o2o.adapters.dynamodb import table
from o2o.core.closed_days import ClosedDay
from o2o.core.events import Change


def order_number(record: Mapping[str, Any]) -> str | None:
    """The order number of the code that a record is about. It is in its key, whatever else is.

    None: it is about no code.
    """
    keys = record["dynamodb"]["Keys"]
    return table.order_number(keys) if table.is_code(keys) else None


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


def read_closed(record: Mapping[str, Any]) -> ClosedDay | None:
    """The edition of a storefront's book in a record of the stream, or None: it is none."""
    images = record["dynamodb"]
    if "NewImage" not in images or not table.is_edition(images["Keys"]):
        return None
    return table.load_closed_day(_with_bytes(images["NewImage"]))


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
