"""GET /books and what lies below it."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from o2o.entry import wiring
from o2o.entry.http import Api
from o2o.entry.models.books import BookView, ClosedDayList
from o2o.entry.models.text import Day

api = Api()
books = wiring.read_books()


@api.routes.get("/books/<date>")
def get_book(
    date: Annotated[Day, Path()], edition: Annotated[int | None, Query(ge=1, le=9999)] = None
) -> BookView:
    """The book of a closed day, in WIB: its newest edition, or another."""
    return BookView.of(books.one(api.storefront_id, date, edition))


@api.routes.get("/books")
def list_books(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
) -> ClosedDayList:
    """The closed days, the newest first, each in its newest edition."""
    return ClosedDayList.of(books.many(api.storefront_id, limit=limit, cursor=cursor))


lambda_handler = api.handler()
