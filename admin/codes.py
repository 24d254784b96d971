"""Payment codes, on the command line."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from admin.events import row as event_row
from o2o.core.codes import PaymentCode
from o2o.core.errors import NotFound
from o2o.core.payments import CodeHistory, Payment
from o2o.entry import wiring
from o2o.usecases.browse_events import Filter

if TYPE_CHECKING:
    from admin.desk import Desk

app = typer.Typer(no_args_is_help=True, help="Payment codes: one at a time.")

Invoice = Annotated[str, typer.Argument(metavar="INVOICE", help="The invoice number.")]

_COLUMNS = (
    "invoice_number", "storefront_id", "status", "payment_code", "channel", "feature", "amount",
    "created_at", "expires_at", "paid_at", "late", "unconfirmed", "due_at", "version",
)  # fmt: skip
_PAYMENTS = ("kind", "amount", "paid_at", "recorded_at", "source", "receipt_number", "store_id")
_EVENTS = ("created_at", "event_id", "type", "delivery", "attempts", "last")
_MOST = 100
_SECONDS = 20.0


@app.command("show")
def show(context: typer.Context, invoice_number: Invoice) -> None:
    """Show a code, its payments and its events. Never who pays."""
    desk: Desk = context.obj
    with desk.environment("BrowseEvents"):
        history = _history(invoice_number)
        code = history.code
        wanted = Filter(invoice_number=invoice_number, created_from=code.created_at)
        page = wiring.browse_events().many(code.storefront_id, wanted, limit=_MOST, cursor=None)
        payments = [_payment(each) for each in history.own]
        events = [event_row(each) for each in reversed(page.items)]
        if desk.as_json:
            desk.say({**_row(code), "payments": payments, "events": events}, "")
            return
        desk.show([{"field": name, "value": _row(code)[name]} for name in _COLUMNS], _TWO)
        desk.show(payments, _PAYMENTS)
        desk.show(events, _EVENTS)


_TWO = ("field", "value")


@app.command("refresh")
def refresh(context: typer.Context, invoice_number: Invoice) -> None:
    """Ask DOKU about a code now."""
    desk: Desk = context.obj
    with desk.environment("RefreshCode"):
        owner = _history(invoice_number).code.storefront_id
        found = wiring.refresh_code()(owner, invoice_number, time_left=lambda: _SECONDS)
        if found.doku_error is not None:
            desk.fail(f"DOKU gave no answer to act on: {found.doku_error}")
        row = _row(found.code) if found.code else {}
        desk.say(row, f"{invoice_number} is {row.get('status')} ({found.finding}).")


@app.command("cancel")
def cancel(context: typer.Context, invoice_number: Invoice) -> None:
    """Cancel a code here. One that DOKU knows can still be paid until it expires."""
    desk: Desk = context.obj
    with desk.environment("CancelCode"):
        owner = _history(invoice_number).code.storefront_id
        code = wiring.cancel_code()(owner, invoice_number)
        stops = "can't be paid any more" if code.stops_payment else "may still be paid"
        desk.say(_row(code), f"{invoice_number} is {code.status}; it {stops}.")


def _history(invoice_number: str) -> CodeHistory:
    history = wiring.read_codes().codes.get_history(invoice_number, _MOST)
    if history is None:
        raise NotFound("there is no such payment code")
    return history


def _row(code: PaymentCode) -> dict[str, Any]:
    values = {name: getattr(code, name) for name in _COLUMNS}
    return {
        name: value.isoformat(timespec="seconds") if hasattr(value, "isoformat") else value
        for name, value in values.items()
    }


def _payment(payment: Payment) -> dict[str, Any]:
    report = payment.report
    return {
        "kind": payment.kind,
        "amount": str(report.amount),
        "paid_at": report.paid_at.isoformat(timespec="seconds"),
        "recorded_at": payment.recorded_at.isoformat(timespec="seconds"),
        "source": report.source,
        "receipt_number": report.receipt_number,
        "store_id": report.store_id,
    }
