"""Pages of lists."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from o2o.core.errors import InvalidRequest

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list; ``next_cursor`` is opaque, None at the end."""

    items: Sequence[Item]
    next_cursor: str | None = None


def not_a_cursor() -> InvalidRequest:
    """The error for a cursor that another list wrote, or nobody."""
    return InvalidRequest.of("cursor", "is not a cursor of this list")


def all_items(read: Callable[[str | None], Page[Item]]) -> Iterator[Item]:
    """Every item of a list that ``read`` reads, page after page, from its beginning."""
    cursor: str | None = None
    while True:
        page = read(cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return
