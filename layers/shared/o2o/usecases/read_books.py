"""Read the books of closed days."""

from dataclasses import dataclass
from datetime import date

from o2o.core.closed_days import ClosedDay
from o2o.core.pages import Page
from o2o.usecases.owned_code import owned_book
from o2o.usecases.ports import BooksStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBooks:
    """The use case. A storefront sees its own books only."""

    books: BooksStore

    def one(self, storefront_id: str, day: date, edition: int | None = None) -> ClosedDay:
        """A day's book: its newest edition, or that one. Raises NotFound."""
        return owned_book(self.books, storefront_id, day, edition)

    def many(self, storefront_id: str, *, limit: int, cursor: str | None) -> Page[ClosedDay]:
        """The newest editions of the closed days, the newest day first.

        Raises InvalidRequest for a cursor that is not one of this list's.
        """
        return self.books.list_days(storefront_id, limit=limit, cursor=cursor)
