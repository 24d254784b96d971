"""A storefront reads its own books, whatever the store says."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from o2o.core.closed_days import ClosedDay
from o2o.core.errors import NotFound
from o2o.usecases.read_books import ReadBooks
from tests.support.memory import MemoryBooksStore

DAY = ClosedDay(
    storefront_id="shop",
    day="2026-03-01",
    edition=1,
    closed_at=datetime(2026, 3, 2, 12, tzinfo=UTC),
    count=1,
    sum=Decimal(150_000),
    differences=0,
    messages_root="a" * 64,
    previous_root=None,
    sha256="b" * 64,
    document="{}",
)


class Confused(MemoryBooksStore):
    """A store that finds anybody's book."""

    def get(
        self, storefront_id: str | None, day: str, edition: int | None = None
    ) -> ClosedDay | None:
        del storefront_id
        return super().get("shop", day, edition)


def test_a_storefront_reads_its_own_book_and_no_other() -> None:
    books = Confused()
    books.add(DAY)
    read = ReadBooks(books=books)

    assert read.one("shop", date(2026, 3, 1)) == DAY
    with pytest.raises(NotFound):
        read.one("other", date(2026, 3, 1))


def test_the_newest_edition_or_another() -> None:
    books = MemoryBooksStore()
    books.add(DAY)
    second = replace(DAY, edition=2)
    books.add(second)
    read = ReadBooks(books=books)

    assert read.one("shop", date(2026, 3, 1)) == second
    assert read.one("shop", date(2026, 3, 1), 1) == DAY
    with pytest.raises(NotFound):
        read.one("shop", date(2026, 3, 1), 3)
    assert read.many("shop", limit=10, cursor=None).items == [second]
