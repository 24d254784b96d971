"""The books of closed days, on the command line."""

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from admin.audit import audited
from admin.terminal import PAGE
from o2o.core.closed_days import ClosedDay
from o2o.core.pages import all_items
from o2o.entry import wiring

if TYPE_CHECKING:
    from admin.terminal import Terminal
    from o2o.usecases.close_books import CloseBooks

app = typer.Typer(no_args_is_help=True, help="The books: what was paid on a day, closed.")

Day = Annotated[
    datetime, typer.Argument(metavar="DATE", formats=["%Y-%m-%d"], help="A day in WIB.")
]
OfStorefront = Annotated[
    str | None, typer.Option("--storefront", help="A storefront's; otherwise the whole stack's.")
]

_COLUMNS = ("day", "edition", "closed_at", "count", "sum", "differences")
_ALL_THE_TIME = 3600.0


@app.command("list")
def list_books(context: typer.Context, storefront: OfStorefront = None) -> None:
    """List the closed days, the newest first."""
    terminal: Terminal = context.obj
    with terminal.environment("ReadBooks"):
        books = wiring.read_books().books
        days = all_items(lambda cursor: books.list_days(storefront, limit=PAGE, cursor=cursor))
        terminal.show([_row(each) for each in days], _COLUMNS)


@app.command("show")
def show_book(
    context: typer.Context,
    day: Day,
    storefront: OfStorefront = None,
    edition: Annotated[int | None, typer.Option(help="Otherwise the newest.")] = None,
) -> None:
    """Show a day's book: its sums, and what does not agree."""
    terminal: Terminal = context.obj
    with terminal.environment("ReadBooks"):
        closed = wiring.read_books().books.get(storefront, str(day.date()), edition)
        if closed is None:
            terminal.fail(f"{day.date()} has no such book")
        book: dict[str, Any] = json.loads(closed.document)
        if terminal.as_json:
            terminal.say(book, "")
            return
        terminal.show([_row(closed)], _COLUMNS)
        terminal.show(book["totals"]["by"], ("channel", "kind", "currency", "count", "sum"))
        columns = ("kind", "storefront_id", "order_number", "invoice_number", "payment", "message")
        rows = [dict.fromkeys(columns) | each for each in book["differences"]]
        terminal.show(rows, columns)


@app.command("close")
@audited
def close_book(context: typer.Context, day: Day) -> None:
    """Close a day again, now: a new edition, and the former ones stay."""
    terminal: Terminal = context.obj
    with terminal.environment("CloseBooks"):
        close = wiring.close_books()
        closed = _close(close, day.date())
        if closed is None:
            terminal.fail("another run is under way: it will close the day")
        terminal.say(
            _row(closed),
            f"Closed {closed.day} again, edition {closed.edition}: {closed.count} payments,"
            f" {closed.differences} differences.",
        )


def _close(close: "CloseBooks", day: date) -> ClosedDay | None:
    """The day's new book; None if another run has begun with it."""
    close.again(day)
    run = close(lambda: _ALL_THE_TIME)
    return next((each for each in run.closed if each.day == str(day)), None)


def _row(closed: ClosedDay) -> dict[str, Any]:
    whole = closed.sum == closed.sum.to_integral_value()
    return {
        "day": closed.day,
        "edition": closed.edition,
        "closed_at": closed.closed_at.isoformat(timespec="seconds"),
        "count": closed.count,
        "sum": int(closed.sum) if whole else str(closed.sum),
        "differences": closed.differences,
        "messages_root": closed.messages_root,
        "previous_root": closed.previous_root,
        "sha256": closed.sha256,
    }
