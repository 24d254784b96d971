"""Dataclasses to DynamoDB attributes and back.

Written out instead of taken from pydantic, which the functions that only read and write
items need not import. Items outlive the code that wrote them, and old and new code run
side by side: reading ignores what it does not know and takes the default of what is
missing; None is not stored. Long texts are compressed (decision 0092), and read in either form.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    NamedTuple,
    TypeAlias,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)
else:
    Record = TypeVar("Record")

Attributes: TypeAlias = dict[str, Any]
"""Attribute names to DynamoDB's typed values, as in ``{"status": {"S": "paid"}}``."""

_LONG = 256
"""Bytes: a text that is longer is worth compressing."""

_COMPRESSED = b"\xff"
"""Stands before a text that is compressed. No text begins so in UTF-8."""


def instant_text(instant: datetime) -> str:
    """An aware instant as text of fixed width in UTC, so that texts sort as instants do."""
    if instant.tzinfo is None:
        raise ValueError("the instant has no offset")
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_instant(text: str) -> datetime:
    """The instant of a text. Raises ValueError if it is none or has no offset."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("the instant has no offset")
    return instant


def dump(record: "DataclassInstance") -> Attributes:
    """The fields of a dataclass as attributes."""
    return {
        field.name: _dump(value)
        for field in fields(record)
        if (value := getattr(record, field.name)) is not None
    }


def _dump(value: object) -> dict[str, Any]:  # noqa: PLR0911 - one for each type
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str() | Decimal():
            # Amounts too: a number of DynamoDB's has 38 digits and loses trailing zeros.
            return _dump_text(str(value))
        case datetime():
            return {"S": instant_text(value)}
        case Mapping():
            return {"M": {name: _dump(entry) for name, entry in value.items()}}
        case tuple():
            return {"L": [_dump(entry) for entry in value]}
        case _:
            return {"M": dump(cast("DataclassInstance", value))}


def _dump_text(text: str) -> dict[str, Any]:
    try:
        text.encode()
    except UnicodeEncodeError:
        # Evidence that is not UTF-8: DynamoDB takes no such text, but any bytes.
        return {"B": text.encode("utf-8", "surrogatepass")}
    return {"S": text}


def compress(attributes: Attributes) -> Attributes:
    """The same with its long texts compressed: a write costs by the begun KB of its item.

    Keys and what an index sorts by must not be among them.
    """
    return {name: _compress(value) for name, value in attributes.items()}


def _compress(value: dict[str, Any]) -> dict[str, Any]:
    match value:
        case {"S": str(text)} if len(content := text.encode()) > _LONG:
            return {"B": _COMPRESSED + zlib.compress(content)}
        case {"M": dict(entries)}:
            return {"M": compress(entries)}
        case {"L": list(entries)}:
            return {"L": [_compress(entry) for entry in entries]}
    return value


def load_text(value: Mapping[str, Any]) -> str:
    """The text of a value, in whichever form it was written."""
    if "S" in value:
        return str(value["S"])
    content: bytes = value["B"]
    if content.startswith(_COMPRESSED):
        content = zlib.decompress(content.removeprefix(_COMPRESSED))
    return content.decode("utf-8", "surrogatepass")


def load(record: type[Record], attributes: Mapping[str, Any]) -> Record:
    """The dataclass of an item. Raises TypeError if a field without a default is missing."""
    values: dict[str, Any] = {}
    for name, field in _plan(record).items():
        if name in attributes:
            values[name] = field.read(attributes[name])
        elif field.none_if_missing:
            values[name] = None
    return record(**values)


class _Field(NamedTuple):
    read: Callable[[Mapping[str, Any]], Any]
    none_if_missing: bool
    """It may be None, which is not stored, and has no default that says so."""


@cache
def _plan(record: type) -> dict[str, _Field]:
    hints = get_type_hints(record)
    plan: dict[str, _Field] = {}
    for field in fields(record):
        hint = hints[field.name]
        required = field.default is MISSING and field.default_factory is MISSING
        optional = get_origin(hint) is UnionType
        if optional:
            (hint,) = (kind for kind in get_args(hint) if kind is not NoneType)
        plan[field.name] = _Field(_reader(hint), none_if_missing=required and optional)
    return plan


_SCALARS: dict[object, Callable[[Mapping[str, Any]], Any]] = {
    str: load_text,
    int: lambda value: int(value["N"]),
    bool: lambda value: value["BOOL"],
    Decimal: lambda value: Decimal(value["S"]),
    datetime: lambda value: parse_instant(value["S"]),
}


def _reader(hint: object) -> Callable[[Mapping[str, Any]], Any]:
    if hint in _SCALARS:
        return _SCALARS[hint]
    if get_origin(hint) is dict:
        read = _reader(get_args(hint)[1])
        return lambda value: {name: read(entry) for name, entry in value["M"].items()}
    if get_origin(hint) is tuple:
        read_each = _reader(get_args(hint)[0])
        return lambda value: tuple(read_each(entry) for entry in value["L"])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda value: hint(value["S"])
    if isinstance(hint, type) and is_dataclass(hint):
        return lambda value: load(hint, value["M"])
    raise TypeError(f"no way to read {hint}")
