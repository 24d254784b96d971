"""The lists of the table: their queries, and the cursors that name a place in one list only.

A list is a partition of the index ``listing`` or ``paid``, or items of one partition of the table.
"""

import json
import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from o2o.adapters.dynamodb.codec import Attributes, instant_text, parse_instant
from o2o.adapters.dynamodb.table import (
    DAY,
    LISTING_INDEX,
    PAID_INDEX,
    PAYMENT,
    Key,
    books_key,
    code_key,
    key_part,
    notification_key,
    search_place,
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


# --- The search -------------------------------------------------------------------------


def search_query(storefront_id: str, by: str, value: str, cursor: str | None) -> dict[str, Any]:
    """The parameters that query a storefront's entries of one value. Raises InvalidRequest."""
    pk, prefix = search_place(storefront_id, by, value)
    query: dict[str, Any] = {
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :value)",
        "ExpressionAttributeValues": {":pk": {"S": pk}, ":value": {"S": prefix}},
    }
    if cursor is None:
        return query
    match _read_cursor(cursor):
        case [str(found), str(sk)] if found == pk and sk.startswith(prefix):
            return query | {"ExclusiveStartKey": Key(pk, sk).attributes}
    raise not_a_cursor()


def write_search_cursor(item: Mapping[str, Any]) -> str:
    """An opaque text that names a place among the entries of one value."""
    return _write_cursor(*Key.of(item))


def write_found_cursor(storefront_id: str, payment_code: str, key: Key) -> str:
    """An opaque text that names a payment among those that digits lead to."""
    # Not the digits themselves: a cursor is written into logs of what is called.
    place = search_place(storefront_id, "digits", payment_code)
    return _write_cursor(*place, *key)


def read_found_cursor(storefront_id: str, payment_code: str, cursor: str | None) -> Key | None:
    """The payment. Raises InvalidRequest unless a search for these digits wrote the cursor."""
    if cursor is None:
        return None
    match _read_cursor(cursor):
        case [str(), str(), str(pk), str(sk)]:
            key = Key(pk, sk)
            if write_found_cursor(storefront_id, payment_code, key) == cursor:
                return key
    raise not_a_cursor()


# --- The books --------------------------------------------------------------------------


def days_query(storefront_id: str | None, cursor: str | None) -> dict[str, Any]:
    """The parameters that query the closed days, the newest first. Raises InvalidRequest."""
    pk = books_key(storefront_id, "").pk
    query: dict[str, Any] = {
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :day)",
        "ExpressionAttributeValues": {":pk": {"S": pk}, ":day": {"S": DAY}},
        "ConsistentRead": True,
        "ScanIndexForward": False,
    }
    if cursor is None:
        return query
    match _read_cursor(cursor):
        case [str(found), str(sk)] if (
            found == pk and _DAY.fullmatch(sk) and _write_cursor(found, sk) == cursor
        ):
            return query | {"ExclusiveStartKey": Key(pk, sk).attributes}
    raise not_a_cursor()


def write_day_cursor(item: Mapping[str, Any]) -> str:
    """An opaque text that names a place among the closed days of one storefront."""
    return _write_cursor(*Key.of(item))


_DAY = re.compile(DAY + r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


# --- The kept notifications of an order ---------------------------------------------------


def notifications_query(invoice_number: str) -> dict[str, Any]:
    """The parameters that query what is kept about an order."""
    return {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": notification_key(invoice_number, "").pk}},
        "ConsistentRead": True,
    }


# --- The indexes of lists ---------------------------------------------------------------


class Position(NamedTuple):
    """A place in a list; positions sort as their entries do, oldest first."""

    created_at: datetime
    key: Key


@dataclass(frozen=True, slots=True)
class Span:
    """A list, or the part of it that lies between two instants, both included.

    ``index`` names its attributes: the list's name, and the instant that it is sorted by.
    """

    listing: str
    created_from: datetime | None = None
    created_to: datetime | None = None
    index: str = LISTING_INDEX
    _kind: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # CODES lists CODE items, and so on.
        object.__setattr__(self, "_kind", self.listing.partition("#")[0].removesuffix("S"))

    def lists(self, item: Mapping[str, Any]) -> bool:
        """Whether an item is still in the list."""
        return bool(item.get(self._name_attribute) == {"S": self.listing})

    @property
    def _name_attribute(self) -> str:
        return _INDEXES[self.index][0]

    @property
    def _sort_attribute(self) -> str:
        return _INDEXES[self.index][1]

    def __contains__(self, position: Position) -> bool:
        created_at, (pk, sk) = position
        return (
            (self.created_from is None or self.created_from <= created_at)
            and (self.created_to is None or created_at <= self.created_to)
            and self._is_key(pk, _PARTITIONS.get(self._kind, self._kind), names_all=True)
            and self._is_key(sk, self._kind, names_all=False)
        )

    def _is_key(self, text: str, wanted: str, *, names_all: bool) -> bool:
        kind, separator, part = text.partition("#")
        return kind == wanted and key_part(part) == part and bool(separator or not names_all)

    @property
    def is_empty(self) -> bool:
        """Whether it ends before it begins: DynamoDB refuses to look."""
        return bool(self.created_from and self.created_to and self.created_to < self.created_from)

    @property
    def query(self) -> dict[str, Any]:
        """The parameters that query it, newest first."""
        sort = self._sort_attribute
        condition = f"{self._name_attribute} = :listing"
        values = {":listing": {"S": self.listing}}
        if self.created_from:
            values[":from"] = {"S": instant_text(self.created_from)}
        if self.created_to:
            values[":to"] = {"S": instant_text(self.created_to)}
        if self.created_from and self.created_to:
            condition += f" AND {sort} BETWEEN :from AND :to"
        elif self.created_from:
            condition += f" AND {sort} >= :from"
        elif self.created_to:
            condition += f" AND {sort} <= :to"
        return {
            "IndexName": self.index,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": False,
        }

    def start_after(self, position: Position) -> Attributes:
        """The key that a query goes on after."""
        return {
            self._name_attribute: {"S": self.listing},
            self._sort_attribute: {"S": instant_text(position.created_at)},
            **position.key.attributes,
        }

    def write_cursor(self, position: Position) -> str:
        """An opaque text that names a position in this list and no other."""
        name = self.listing if self.index == LISTING_INDEX else f"{self.index} {self.listing}"
        return _write_cursor(name, instant_text(position.created_at), *position.key)

    def read_cursor(self, cursor: str) -> Position:
        """The position. Raises InvalidRequest unless this very list wrote the cursor."""
        position = _read_position(cursor)
        if position is None or position not in self or self.write_cursor(position) != cursor:
            raise not_a_cursor()
        return position

    def read_position(self, entry: Mapping[str, Any]) -> Position:
        """Where an entry of its index stands."""
        return Position(parse_instant(entry[self._sort_attribute]["S"]), Key.of(entry))


def _read_position(cursor: str) -> Position | None:
    match _read_cursor(cursor):
        case [str(), str(created_at), str(pk), str(sk)]:
            with suppress(OverflowError, ValueError):
                return Position(parse_instant(created_at).astimezone(UTC), Key(pk, sk))
    return None


_INDEXES = {LISTING_INDEX: ("listing", "created_at"), PAID_INDEX: ("paid_to", "paid_at")}

_PARTITIONS = {"PAYMENT": "CODE", "ATTENTION": "CODE"}
"""What stands in the partition of something else."""


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
