"""The books of closed days on DynamoDB."""

from o2o.adapters.dynamodb import listing, table
from o2o.adapters.dynamodb.store import ConditionFailed, Store
from o2o.core.closed_days import BooksState, ClosedDay
from o2o.core.errors import VersionConflict
from o2o.core.pages import Page
from o2o.usecases.ports import BooksStore


class DynamoBooksStore(BooksStore):
    """``BooksStore`` in a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get_state(self) -> BooksState | None:
        item = self._store.get(table.BOOKS_STATE)
        return table.load_books_state(item) if item else None

    def save_state(self, state: BooksState) -> None:
        condition = table.IS_ABSENT if state.version == 1 else table.follows(state)
        try:
            self._store.put(table.books_state_item(state), condition)
        except ConditionFailed as failed:
            raise VersionConflict("the state of the books changed since it was read") from failed

    def add(self, closed: ClosedDay) -> ClosedDay | None:
        try:
            self._store.put_all(
                (table.edition_item(closed), table.IS_ABSENT),
                (table.day_item(closed), table.is_older_edition(closed)),
            )
        except ConditionFailed as failed:
            taken, _ = failed.items
            if taken is None:
                raise VersionConflict("the day has a newer edition already") from failed
            return table.load_closed_day(taken)
        return None

    def get(
        self, storefront_id: str | None, day: str, edition: int | None = None
    ) -> ClosedDay | None:
        item = self._store.get(table.books_key(storefront_id, day, edition))
        return table.load_closed_day(item) if item else None

    def list_days(
        self, storefront_id: str | None, *, limit: int, cursor: str | None
    ) -> Page[ClosedDay]:
        items = self._store.query(limit + 1, **listing.days_query(storefront_id, cursor))
        more = len(items) > limit
        return Page(
            [table.load_closed_day(item) for item in items[:limit]],
            listing.write_day_cursor(items[limit - 1]) if more else None,
        )
