"""DOKU's messages that could not be settled, on the command line."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from admin.audit import audited
from o2o.core.notifications import KeptNotification
from o2o.entry import wiring

if TYPE_CHECKING:
    from admin.terminal import Terminal

app = typer.Typer(no_args_is_help=True, help="Kept notifications: list, assign, dismiss.")

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
    terminal: Terminal = context.obj
    with terminal.environment("ReconcileCodes"):
        kept = wiring.resolve_notifications().all()
        rows = [_row(each) for each in kept if everything or each.dismissed is None]
        terminal.show(rows, _COLUMNS)


@app.command("assign")
@audited
def assign(
    context: typer.Context,
    identity: Identity,
    invoice_number: Annotated[str, typer.Argument(metavar="INVOICE", help="Whose payment it is.")],
) -> None:
    """Settle a notification as a payment of this code."""
    terminal: Terminal = context.obj
    with terminal.environment("ReconcileCodes"):
        settled = wiring.resolve_notifications().assign(identity, invoice_number)
        kind = str(settled.payment.kind if settled.payment else settled.outcome)
        terminal.say(
            {"invoice_number": invoice_number, "payment": kind},
            f"Assigned to {invoice_number}: {kind}.",
        )


@app.command("dismiss")
@audited
def dismiss(
    context: typer.Context,
    identity: Identity,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the message.")],
) -> None:
    """Take a notification off the list. It is kept as evidence."""
    terminal: Terminal = context.obj
    with terminal.environment("ReconcileCodes"):
        kept = wiring.resolve_notifications().dismiss(identity, reason)
        terminal.say(_row(kept), f"Dismissed {kept.identity[:_SHORT]}.")


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
