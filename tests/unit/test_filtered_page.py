"""Pages of which only some items are wanted: none is too long, and none ends the list too early."""

from collections.abc import Callable

import pytest

from o2o.core.pages import Page
from o2o.usecases.filtered_page import filtered_page

LENGTH = 100


def numbers(limit: int, cursor: str | None) -> Page[int]:
    """A list of numbers, as a store reads it."""
    start = int(cursor or 0)
    end = min(start + limit, LENGTH)
    return Page(list(range(start, end)), str(end) if end < LENGTH else None)


@pytest.mark.parametrize(
    "wanted", [lambda n: n % 2 == 0, lambda n: n >= 90, lambda n: n in (0, 99), lambda _: False]
)
def test_all_pages_together_are_all_that_is_wanted(wanted: Callable[[int], bool]) -> None:
    found: list[int] = []
    cursor = None
    while True:
        page = filtered_page(numbers, wanted, limit=7, cursor=cursor)
        assert len(page.items) <= 7
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == list(filter(wanted, range(LENGTH)))
