"""Pages of a list of which only some items are wanted."""

from collections.abc import Callable
from typing import TypeVar

from o2o.core.pages import Page

Item = TypeVar("Item")

_PAGES_READ = 5
"""A filtered list reads this many pages at most before it answers with what it found."""


def filtered_page(
    read: Callable[[int, str | None], Page[Item]],
    wanted: Callable[[Item], bool],
    *,
    limit: int,
    cursor: str | None,
) -> Page[Item]:
    """A page of what is wanted; it may hold fewer items than the limit, even none.

    ``read`` takes a limit and a cursor, and what it raises is raised here.
    """
    found: list[Item] = []
    for _ in range(_PAGES_READ):
        page = read(limit - len(found), cursor)
        found += filter(wanted, page.items)
        cursor = page.next_cursor
        if cursor is None or len(found) >= limit:
            break
    return Page(found, cursor)
