"""A cursor of any list: a line with the list's name, and the cursor.

Only what this very list wrote is taken, and a list's own cursors are read as they were written.
"""

from contextlib import suppress
from datetime import UTC, datetime

from o2o.adapters.dynamodb.listing import (
    Position,
    Span,
    read_payment_cursor,
    write_payment_cursor,
)
from o2o.adapters.dynamodb.table import Key, code_key, codes_listing, events_listing
from o2o.core.errors import InvalidRequest

AT = datetime(2026, 3, 1, 3, tzinfo=UTC)
LISTS = {
    "codes": Span(codes_listing("shop")),
    "some codes": Span(codes_listing("shop"), AT, AT),
    "events": Span(events_listing("shop")),
    "rival's codes": Span(codes_listing("rival")),
}
KEYS = {
    "codes": code_key("INV-1"),
    "some codes": code_key("INV-1"),
    "events": Key("EVENT#evt_1", "EVENT"),
    "rival's codes": code_key("k7q2._INV-1"),
}
WRITTEN = {name: each.write_cursor(Position(AT, KEYS[name])) for name, each in LISTS.items()}
PAYMENT = Key(code_key("INV-1").pk, "PAYMENT#0000000001")
SEEDS = (
    *(f"{name}\n{cursor}".encode() for name in LISTS for cursor in WRITTEN.values()),
    f"INV-1\n{write_payment_cursor(PAYMENT)}".encode(),
    f"INV-2\n{write_payment_cursor(PAYMENT)}".encode(),
)


def check(data: bytes) -> None:
    """Raise AssertionError if a list takes a cursor that it did not write."""
    name, _, cursor = data.decode("utf-8", "replace").partition("\n")
    with suppress(InvalidRequest):
        if name in LISTS:
            span = LISTS[name]
            position = span.read_cursor(cursor)
            assert position in span
            assert span.write_cursor(position) == cursor
            for other, each in LISTS.items():
                assert other == name or each.listing == span.listing or not _takes(each, cursor)
        else:
            key = read_payment_cursor(name, cursor)
            assert key.pk == code_key(name).pk
            assert key.sk.startswith("PAYMENT#")
            assert write_payment_cursor(key) == cursor
            assert not any(_takes(each, cursor) for each in LISTS.values())


def _takes(span: Span, cursor: str) -> bool:
    try:
        span.read_cursor(cursor)
    except InvalidRequest:
        return False
    return True
