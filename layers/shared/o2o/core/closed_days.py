"""Closed days as they are on record: the editions of their books, and where closing stands."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from o2o.core.events import EventType, event_id_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedDay:
    """An edition of a day's book as it is on record, of a storefront or (None) of the stack.

    ``day`` is a WIB day as ISO text; ``count`` and ``sum`` are of its payments, in rupiah;
    ``differences`` is how many there are; ``sha256`` is of the book's JSON file.
    ``document`` is the book with the first of each list; the stack's has no list of storefronts.
    """

    storefront_id: str | None
    day: str
    edition: int
    closed_at: datetime
    count: int
    sum: Decimal
    differences: int
    messages_root: str
    previous_root: str | None
    sha256: str
    document: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BooksClosed:
    """The event that a storefront's day was closed, or closed again. ``book`` is the edition."""

    book: ClosedDay

    type: ClassVar[EventType] = EventType.BOOKS_CLOSED
    invoice_number: ClassVar[str | None] = None

    @property
    def event_id(self) -> str:
        """The same for the same edition."""
        return event_id_of(self.storefront_id, self.type, self.book.day, str(self.book.edition))

    @property
    def occurred_at(self) -> datetime:
        """As of when the day was closed."""
        return self.book.closed_at

    @property
    def storefront_id(self) -> str:
        """Whose event it is."""
        return self.book.storefront_id or ""

    @property
    def sequence(self) -> int:
        """Grows with every edition of the day."""
        return self.book.edition


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A day that is being closed, as of ``began_at``."""

    day: str
    edition: int
    began_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksState:
    """Where closing stands. Days are WIB days as ISO text.

    ``last_day`` is the newest day with a book, None before the first; ``looked_at`` is up to when
    late payments were looked for; ``again`` has the days that must be closed again.
    """

    first_day: str
    looked_at: datetime
    last_day: str | None = None
    closing: Closing | None = None
    again: tuple[str, ...] = ()
    version: int = 1

    @property
    def next_day(self) -> date:
        """The oldest day that has no book."""
        if self.last_day is None:
            return date.fromisoformat(self.first_day)
        return date.fromisoformat(self.last_day) + timedelta(days=1)

    def has(self, day: date) -> bool:
        """Whether a day has a book."""
        return self.last_day is not None and self.first_day <= str(day) <= self.last_day

    def next(self, **changes: Any) -> "BooksState":
        """The state one version on."""
        return replace(self, version=self.version + 1, **changes)
