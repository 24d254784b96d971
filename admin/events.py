"""Events and their delivery, on the command line."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.progress import Progress

from admin.audit import audited
from admin.terminal import StorefrontId, Terminal
from o2o.core.deliveries import DeliveryStatus, EventRecord
from o2o.core.events import EventType
from o2o.entry import wiring
from o2o.usecases.browse_events import EventFilter
from o2o.usecases.republish_events import Republished

app = typer.Typer(
    no_args_is_help=True, help="Events: what was sent to storefronts, and what was not yet."
)

Since = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="In UTC; otherwise a day ago."),
]
Until = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="In UTC; otherwise now."),
]
Status = Annotated[
    DeliveryStatus | None, typer.Option(help="Only events with this delivery status.")
]

_COLUMNS = ("created_at", "event_id", "type", "invoice_number", "delivery", "attempts", "last")
_MOST = 1_000


@app.command("list")
def list_events(
    context: typer.Context,
    storefront_id: StorefrontId,
    since: Since = None,
    until: Until = None,
    type_: Annotated[EventType | None, typer.Option("--type", help="Only of this type.")] = None,
    status: Status = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="At most this many.")] = 50,
) -> None:
    """List a storefront's events, newest first."""
    terminal: Terminal = context.obj
    with terminal.environment("BrowseEvents"):
        browse = wiring.browse_events()
        wanted = _filter(since, until, type_, status)
        found: list[EventRecord] = []
        cursor: str | None = None
        while len(found) < limit:
            page = browse.many(storefront_id, wanted, limit=limit - len(found), cursor=cursor)
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        terminal.show([row(each) for each in found], _COLUMNS)


@app.command("redeliver")
@audited
def redeliver(
    context: typer.Context,
    storefront_id: StorefrontId,
    event_ids: Annotated[list[str] | None, typer.Argument(metavar="[EVENT]...")] = None,
    since: Since = None,
    until: Until = None,
    type_: Annotated[EventType | None, typer.Option("--type", help="Only of this type.")] = None,
    status: Status = None,
) -> None:
    """Send events again: those that are named, or all that the options find."""
    terminal: Terminal = context.obj
    if not event_ids and since is None:
        terminal.fail("name events, or give --since")
    if event_ids and (since or until or type_ or status):
        terminal.fail("name events or give options, not both")
    with terminal.environment("BrowseEvents"):
        browse = wiring.browse_events()
        if event_ids:
            count = browse.resend(storefront_id, event_ids).count
        else:
            wanted = _filter(since, until, type_, status)
            count, cursor = 0, None
            with Progress(disable=terminal.as_json, transient=True) as progress:
                task = progress.add_task("Sending again", total=None)
                while True:
                    resent = browse.resend_all(storefront_id, wanted, cursor=cursor)
                    count, cursor = count + resent.count, resent.next_cursor
                    progress.update(task, completed=count)
                    if cursor is None:
                        break
        terminal.say({"count": count}, f"{count} events are being sent again.")


@app.command("republish")
@audited
def republish(
    context: typer.Context,
    order_number: Annotated[
        str | None, typer.Argument(metavar="[ORDER]", help="The order number, as logs have it.")
    ] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Make the missing events of a code, or of a time, and put all of them on the bus again."""
    terminal: Terminal = context.obj
    if (order_number is None) == (since is None):
        terminal.fail("name a code's order number, or give --since")
    if order_number is not None and until is not None:
        terminal.fail("--until goes with --since")
    with terminal.environment("PublishEvents"):
        again = wiring.republish_events()
        if order_number is not None:
            done = again.of_code(order_number)
        else:
            wanted = _filter(since, until, None, None)
            done = again.of_time(wanted.created_from or wiring.clock(), wanted.created_to)
        say_republished(terminal, done)


def say_republished(terminal: Terminal, done: Republished) -> None:
    """What came of it; the bus may have failed."""
    if done.unannounced:
        terminal.fail(f"The bus did not take {done.unannounced} events: repeat this once it does.")
    if done.unmade:
        terminal.fail(
            f"Everything else is done; no events can be made of {', '.join(done.unmade)}."
        )
    terminal.say(
        asdict(done),
        f"{done.made} events were missing and are being sent. The bus got {done.announced}.",
    )


def row(record: EventRecord) -> dict[str, Any]:
    """An event in a table."""
    last = record.attempts[-1] if record.attempts else None
    return {
        "created_at": record.created_at.isoformat(timespec="seconds"),
        "event_id": record.event_id,
        "type": record.type,
        "invoice_number": record.invoice_number,
        "delivery": record.status,
        "attempts": len(record.attempts),
        "last": None if last is None else str(last.status_code or last.error),
    }


def _filter(
    since: datetime | None,
    until: datetime | None,
    type_: EventType | None,
    status: DeliveryStatus | None,
) -> EventFilter:
    return EventFilter(
        type=type_,
        status=status,
        created_from=since.replace(tzinfo=UTC) if since else wiring.clock() - timedelta(days=1),
        created_to=until.replace(tzinfo=UTC) if until else None,
    )
