"""DOKU's messages that matched no code, on the command line."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from o2o.entry import wiring
from o2o.usecases.ports import KeptNotification

if TYPE_CHECKING:
    from admin.cli import Desk

app = typer.Typer(no_args_is_help=True, help="Notifications that were kept: look, assign, dismiss.")

Identity = Annotated[
    str, typer.Argument(metavar="IDENTITY", help="As `list` shows it, or how it begins.")
]

_COLUMNS = ("received_at", "identity", "invoice_number", "reason", "next_look", "dismissed")
_SHORT = 12


@app.command("list")
def list_kept(
    context: typer.Context,
    everything: Annotated[  # noqa: FBT002 - a switch of the command line
        bool, typer.Option("--all", help="Those that were dismissed, too.")
    ] = False,
) -> None:
    """List what was kept, newest first."""
    desk: Desk = context.obj
    with desk.inside("ReconcileCodes"):
        box = wiring.unmatched().box
        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = box.list_kept(limit=100, cursor=cursor)
            rows += [_row(each) for each in page.items if everything or each.dismissed is None]
            cursor = page.next_cursor
            if cursor is None:
                break
        desk.show(rows, _COLUMNS)


@app.command("assign")
def assign(
    context: typer.Context,
    identity: Identity,
    invoice_number: Annotated[str, typer.Argument(metavar="INVOICE", help="Whose payment it is.")],
) -> None:
    """Settle a notification as a payment of this code."""
    desk: Desk = context.obj
    with desk.inside("ReconcileCodes"):
        payment = wiring.unmatched().assign(identity, invoice_number)
        kind = "known" if payment is None else str(payment.kind)
        desk.tell(
            {"invoice_number": invoice_number, "payment": kind},
            f"Assigned to {invoice_number}: {kind}.",
        )


@app.command("dismiss")
def dismiss(
    context: typer.Context,
    identity: Identity,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the message.")],
) -> None:
    """Look at a notification no more. It is kept as evidence."""
    desk: Desk = context.obj
    with desk.inside("ReconcileCodes"):
        kept = wiring.unmatched().dismiss(identity, reason)
        desk.tell(_row(kept), f"Dismissed {kept.identity[:_SHORT]}.")


def _row(kept: KeptNotification) -> dict[str, Any]:
    due_at = kept.due_at
    return {
        "received_at": kept.received_at.isoformat(timespec="seconds"),
        "identity": kept.identity,
        "invoice_number": kept.invoice_number,
        "reason": kept.reason,
        "next_look": None if due_at is None else due_at.isoformat(timespec="seconds"),
        "dismissed": kept.dismissed,
    }
