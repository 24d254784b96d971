"""The lists of the table: their queries, and the cursors that name a place in one list only.

A list is a partition of the index ``listing``, or the payments in the partition of their code.
"""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from o2o.adapters.dynamodb.codec import Attributes, instant_text, parse_instant
from o2o.adapters.dynamodb.table import (
    LISTING_INDEX,
    PAYMENT,
    Key,
    code_key,
    key_part,
    notification_key,
)
from o2o.core.pages import not_a_cursor

_LONGEST_CURSOR = 4096

# --- The payments of a code -------------------------------------------------------------


def payments_query(order_number: str, after: Key | None) -> dict[str, Any]:
    """The parameters that query a code's payments, as they were recorded."""
    query: dict[str, Any] = {
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :payment)",
        "ExpressionAttributeValues": {
            ":pk": {"S": code_key(order_number).pk},
            ":payment": {"S": PAYMENT},
        },
        "ConsistentRead": True,
    }
    return query if after is None else query | {"ExclusiveStartKey": after.attributes}


def write_payment_cursor(key: Key) -> str:
    """An opaque text that names a place among the payments of one code and no other."""
    return _write_cursor(*key)


def read_payment_cursor(order_number: str, cursor: str) -> Key:
    """The place. Raises InvalidRequest unless the list of this very code wrote the cursor."""
    match _read_cursor(cursor):
        case [str(), str(sk)]:
            key = Key(code_key(order_number).pk, sk)
            part = sk.removeprefix(PAYMENT)
            if part != sk and key_part(part) == part and write_payment_cursor(key) == cursor:
                return key
    raise not_a_cursor()


def history_query(order_number: str) -> dict[str, Any]:
    """The parameters that query a code and then its payments: CODE sorts before PAYMENT#."""
    return {
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :code AND :last",
        "ExpressionAttributeValues": {
            ":pk": {"S": code_key(order_number).pk},
            ":code": {"S": "CODE"},
            ":last": {"S": PAYMENT + "\U0010ffff"},
        },
        "ConsistentRead": True,
    }


# --- The kept notifications of an order ---------------------------------------------------


def notifications_query(invoice_number: str) -> dict[str, Any]:
    """The parameters that query what is kept about an order."""
    return {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": notification_key(invoice_number, "").pk}},
        "ConsistentRead": True,
    }


# --- Index "listing" --------------------------------------------------------------------


class Position(NamedTuple):
    """A place in a list; positions sort as their entries do, oldest first."""

    created_at: datetime
    key: Key


@dataclass(frozen=True, slots=True)
class Span:
    """A list, or the part of it that was made between two instants, both included."""

    listing: str
    created_from: datetime | None = None
    created_to: datetime | None = None
    _kind: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # CODES lists CODE items, and so on.
        object.__setattr__(self, "_kind", self.listing.partition("#")[0].removesuffix("S"))

    def __contains__(self, position: Position) -> bool:
        created_at, (pk, sk) = position
        return (
            (self.created_from is None or self.created_from <= created_at)
            and (self.created_to is None or created_at <= self.created_to)
            and self._is_key(pk, names_all=True)
            and self._is_key(sk, names_all=False)
        )

    def _is_key(self, text: str, *, names_all: bool) -> bool:
        kind, separator, part = text.partition("#")
        return kind == self._kind and key_part(part) == part and bool(separator or not names_all)

    @property
    def is_empty(self) -> bool:
        """Whether it ends before it begins: DynamoDB refuses to look."""
        return bool(self.created_from and self.created_to and self.created_to < self.created_from)

    @property
    def query(self) -> dict[str, Any]:
        """The parameters that query it, newest first."""
        condition, values = "listing = :listing", {":listing": {"S": self.listing}}
        if self.created_from:
            values[":from"] = {"S": instant_text(self.created_from)}
        if self.created_to:
            values[":to"] = {"S": instant_text(self.created_to)}
        if self.created_from and self.created_to:
            condition += " AND created_at BETWEEN :from AND :to"
        elif self.created_from:
            condition += " AND created_at >= :from"
        elif self.created_to:
            condition += " AND created_at <= :to"
        return {
            "IndexName": LISTING_INDEX,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": False,
        }

    def start_after(self, position: Position) -> Attributes:
        """The key that a query goes on after."""
        return {
            "listing": {"S": self.listing},
            "created_at": {"S": instant_text(position.created_at)},
            **position.key.attributes,
        }

    def write_cursor(self, position: Position) -> str:
        """An opaque text that names a position in this list and no other."""
        return _write_cursor(self.listing, instant_text(position.created_at), *position.key)

    def read_cursor(self, cursor: str) -> Position:
        """The position. Raises InvalidRequest unless this very list wrote the cursor."""
        position = _read_position(cursor)
        if position is None or position not in self or self.write_cursor(position) != cursor:
            raise not_a_cursor()
        return position


def _read_position(cursor: str) -> Position | None:
    match _read_cursor(cursor):
        case [str(), str(created_at), str(pk), str(sk)]:
            with suppress(OverflowError, ValueError):
                return Position(parse_instant(created_at).astimezone(UTC), Key(pk, sk))
    return None


def read_position(entry: Mapping[str, Any]) -> Position:
    """Where an entry of the listing index stands."""
    return Position(parse_instant(entry["created_at"]["S"]), Key.of(entry))


# --- Cursors ----------------------------------------------------------------------------


def _write_cursor(*parts: str) -> str:
    text = json.dumps(parts, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _read_cursor(cursor: str) -> object:
    """What a cursor holds, no matter who wrote it; None for garbage."""
    if len(cursor) > _LONGEST_CURSOR:
        return None
    try:
        text = b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True)
        return json.loads(text)
    except (RecursionError, ValueError):
        return None
