"""Payment codes, on the command line."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from admin.events import row as event_row
from o2o.core.channels import Channel
from o2o.core.codes import PaymentCode
from o2o.core.errors import NotFound
from o2o.core.payments import CodeHistory, Payment
from o2o.entry import wiring
from o2o.usecases.browse_events import Filter

if TYPE_CHECKING:
    from admin.desk import Desk

app = typer.Typer(no_args_is_help=True, help="Payment codes: one at a time.")

Order = Annotated[
    str,
    typer.Argument(
        metavar="ORDER",
        help="The order number, as DOKU and the logs have it: the invoice number, and in front of"
        " it the storefront's namespace if it has one.",
    ),
]

_COLUMNS = (
    "order_number", "invoice_number", "storefront_id", "status", "payment_code", "channel",
    "feature", "amount", "created_at", "expires_at", "paid_at", "late", "due_at", "version",
)  # fmt: skip
_PAYMENTS = (
    "number", "kind", "amount", "paid_at", "recorded_at", "source", "receipt_number", "store_id",
    "doubts",
)  # fmt: skip
_EVENTS = ("created_at", "event_id", "type", "delivery", "attempts", "last")
_MOST = 100
_SECONDS = 20.0


@app.command("show")
def show(context: typer.Context, order_number: Order) -> None:
    """Show a code, its payments and its events. Never who pays."""
    desk: Desk = context.obj
    with desk.environment("BrowseEvents"):
        history = _history(order_number)
        code = history.code
        wanted = Filter(invoice_number=code.invoice_number, created_from=code.created_at)
        page = wiring.browse_events().many(code.storefront_id, wanted, limit=_MOST, cursor=None)
        payments = [_payment(each) for each in history.payments]
        events = [event_row(each) for each in reversed(page.items)]
        if desk.as_json:
            desk.say({**_row(code), "payments": payments, "events": events}, "")
            return
        desk.show([{"field": name, "value": _row(code)[name]} for name in _COLUMNS], _TWO)
        desk.show(payments, _PAYMENTS)
        desk.show(events, _EVENTS)


_TWO = ("field", "value")


@app.command("refresh")
def refresh(context: typer.Context, order_number: Order) -> None:
    """Ask DOKU about a code now."""
    desk: Desk = context.obj
    with desk.environment("RefreshCode"):
        owner = _history(order_number).code.storefront_id
        found = wiring.refresh_code()(owner, order_number, time_left=lambda: _SECONDS)
        if found.doku_error is not None:
            desk.fail(f"DOKU gave no answer to act on: {found.doku_error}")
        row = _row(found.code) if found.code else {}
        desk.say(row, f"{order_number} is {row.get('status')} ({found.finding}).")


@app.command("cancel")
def cancel(context: typer.Context, order_number: Order) -> None:
    """Cancel a code here. One that DOKU knows can still be paid until it expires."""
    desk: Desk = context.obj
    with desk.environment("CancelCode"):
        owner = _history(order_number).code.storefront_id
        code = wiring.cancel_code()(owner, order_number)
        stops = "can't be paid any more" if code.stops_payment else "may still be paid"
        desk.say(_row(code), f"{order_number} is {code.status}; it {stops}.")


@app.command("release-digits")
def release_digits(
    context: typer.Context,
    channel: Annotated[Channel, typer.Argument(metavar="CHANNEL", help="alfa or indomaret.")],
    payment_code: Annotated[
        str, typer.Argument(metavar="DIGITS", help="The whole payment code, BIN included.")
    ],
) -> None:
    """Let another storefront have digits that were made here and can't be paid any more."""
    desk: Desk = context.obj
    with desk.environment("GenerateCode"):
        holder = wiring.release_digits()(channel, payment_code)
        desk.say(
            {"order_number": holder.order_number, "storefront_id": holder.storefront_id},
            f"Released: {holder.order_number} of {holder.storefront_id} had them last.",
        )


def _history(order_number: str) -> CodeHistory:
    history = wiring.read_codes().codes.get_history(order_number, _MOST)
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
        "number": payment.number,
        "kind": payment.kind,
        "amount": str(report.amount),
        "paid_at": report.paid_at.isoformat(timespec="seconds"),
        "recorded_at": payment.recorded_at.isoformat(timespec="seconds"),
        "source": report.source,
        "receipt_number": report.receipt_number,
        "store_id": report.store_id,
        "doubts": ", ".join(payment.doubts),
    }
