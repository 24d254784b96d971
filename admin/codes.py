"""Payment codes, on the command line."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress, TextColumn

from admin.audit import audited
from admin.events import row as event_row
from admin.terminal import PAGE, StorefrontId
from o2o.core.channels import Channel
from o2o.core.codes import LONGEST_LIFE, PaymentCode
from o2o.core.errors import NotFound
from o2o.core.pages import all_items
from o2o.core.payments import CodeHistory, Payment
from o2o.entry import wiring
from o2o.usecases.browse_events import EventFilter
from o2o.usecases.read_codes import CodeFilter

if TYPE_CHECKING:
    from admin.terminal import Terminal
    from o2o.usecases.forget_codes import Forgetting, FoundOrder

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
    "feature", "amount", "created_at", "expires_at", "inquired_at", "paid_at", "late",
    "unconfirmed", "due_at", "version",
)  # fmt: skip
_INQUIRED = (
    "inquired_at",
    "order_number",
    "invoice_number",
    "status",
    "amount",
    "payments",
    "due_at",
)
_PAYMENTS = (
    "number", "kind", "amount", "paid_at", "recorded_at", "source", "receipt_number", "store_id",
    "doubts",
)  # fmt: skip
_EVENTS = ("created_at", "event_id", "type", "delivery", "attempts", "last")
_MOST = 100
_SECONDS = 20.0


@app.command("show")
def show(context: typer.Context, order_number: Order) -> None:
    """Show a code, at most a hundred of its payments and of its events. Never who pays."""
    terminal: Terminal = context.obj
    with terminal.environment("BrowseEvents"):
        history = _history(order_number)
        code = history.code
        wanted = EventFilter(invoice_number=code.invoice_number, created_from=code.created_at)
        page = wiring.browse_events().many(code.storefront_id, wanted, limit=_MOST, cursor=None)
        payments = [_payment(each) for each in history.own]
        events = [event_row(each) for each in reversed(page.items)]
        row = _row(code)
        row |= {
            "payments_count": code.payments,
            "payments_complete": code.payments_complete or None,
        }
        if terminal.as_json:
            terminal.say({**row, "payments": payments, "events": events}, "")
            return
        terminal.show([{"field": name, "value": value} for name, value in row.items()], _TWO)
        terminal.show(payments, _PAYMENTS)
        terminal.show(events, _EVENTS)


_TWO = ("field", "value")


@app.command("refresh")
@audited
def refresh(context: typer.Context, order_number: Order) -> None:
    """Ask DOKU about a code now."""
    terminal: Terminal = context.obj
    with terminal.environment("RefreshCode"):
        owner = _history(order_number).code.storefront_id
        found = wiring.refresh_code()(owner, order_number, time_left=lambda: _SECONDS)
        if found.doku_error is not None:
            terminal.fail(f"DOKU gave no answer to act on: {found.doku_error}")
        row = _row(found.code) if found.code else {}
        terminal.say(row, f"{order_number} is {row.get('status')} ({found.finding}).")


@app.command("cancel")
@audited
def cancel(context: typer.Context, order_number: Order) -> None:
    """Cancel a code here. One that DOKU knows can still be paid until it expires."""
    terminal: Terminal = context.obj
    with terminal.environment("CancelCode"):
        owner = _history(order_number).code.storefront_id
        code = wiring.cancel_code()(owner, order_number)
        stops = "can't be paid any more" if code.stops_payment else "may still be paid"
        terminal.say(_row(code), f"{order_number} is {code.status}; it {stops}.")


@app.command("forget")
@audited
def forget(
    context: typer.Context,
    order_number: Annotated[
        str | None, typer.Argument(metavar="[ORDER]", help="The order number of one code.")
    ] = None,
    email: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="All codes of this e-mail address instead. It reads the whole table.",
        ),
    ] = None,
    yes: Annotated[  # noqa: FBT002 - a switch of the command line
        bool, typer.Option("--yes", help="Ask no question before --email is done.")
    ] = False,
) -> None:
    """Take from codes all that is personal, because who paid asks for it. There is no way back."""
    terminal: Terminal = context.obj
    if (order_number is None) is (email is None or not email.strip()):
        terminal.fail("give an order number, or --email and an address")
    with terminal.environment("ReconcileCodes"):
        forget_codes = wiring.forget_codes()
        if order_number is not None:
            found = [forget_codes.find(order_number)]
        else:
            found = forget_codes.find_all(str(email))
            if not terminal.as_json:
                terminal.show([_found(each) for each in found], _FOUND)
            if found and not yes:
                typer.confirm("Forget these, for good?", abort=True, err=True)
        shown = TextColumn("{task.completed} messages of the archive read, {task.description}")
        with Progress(shown, disable=terminal.as_json, transient=True) as progress:
            task = progress.add_task("", total=None)
            done = forget_codes(
                found,
                passed=lambda key: progress.update(
                    task, advance=1, description=key.partition("/")[2][:19]
                ),
            )
        _say_forgotten(terminal, done)


_FOUND = ("order_number", "storefront_id", "status", "created_at", "forgotten_at", "what")


def _found(order: "FoundOrder") -> dict[str, Any]:
    code = order.code
    row: dict[str, Any] = dict.fromkeys(_FOUND)
    if code is not None:
        row = _row(code, _FOUND[:-1])
    what = "all of it" if order.is_theirs else "what DOKU's messages say of this address"
    return row | {
        "order_number": order.order_number,
        "what": "nothing: it lives" if order.is_theirs and order.lives else what,
    }


def _say_forgotten(terminal: "Terminal", done: "Forgetting") -> None:
    until = done.locked_until
    row = {
        "orders": done.orders,
        "living": [code.order_number for code in done.living],
        "messages": done.messages,
        "locked": done.locked,
        "locked_until": until and until.isoformat(timespec="seconds"),
        "damaged": done.damaged,
    }
    sentence = (
        f"{len(done.orders)} orders are forgotten; personal data was taken from {done.messages}"
        f" messages in the archive."
    )
    if until is not None:
        sentence += (
            f"\nA lock of the archive keeps {done.locked} of them as they were, too, the last one"
            f" until {until:%Y-%m-%d %H:%M} UTC: nobody can delete them before. The archive's"
            f" lifecycle does so after that, no sooner than in 35 days; or repeat this then."
        )
    terminal.say(row, sentence)
    wrong = [
        f"{code.order_number} was not touched: it is {code.status}. Cancel it first, or wait until"
        f" it has ended, after {code.expires_at:%Y-%m-%d %H:%M} UTC, and repeat this."
        for code in done.living
    ]
    if done.damaged:
        wrong.append(f"{done.damaged} objects of the archive are no messages: nobody read them.")
    if wrong:
        terminal.fail(*wrong)


@app.command("release-digits")
@audited
def release_digits(
    context: typer.Context,
    channel: Annotated[Channel, typer.Argument(metavar="CHANNEL", help="alfa or indomaret.")],
    payment_code: Annotated[
        str, typer.Argument(metavar="DIGITS", help="The whole payment code, BIN included.")
    ],
) -> None:
    """Let another storefront have digits that were made here and can't be paid any more."""
    terminal: Terminal = context.obj
    with terminal.environment("GenerateCode"):
        holder = wiring.release_digits()(channel, payment_code)
        terminal.say(
            {"order_number": holder.order_number, "storefront_id": holder.storefront_id},
            f"Released: {holder.order_number} of {holder.storefront_id} had them last.",
        )


@app.command("inquired")
def inquired(
    context: typer.Context,
    storefront_id: StorefrontId,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="Codes created since then, in UTC; otherwise in the last 31 days.",
        ),
    ] = None,
) -> None:
    """List a storefront's codes that a till was told it may take money for, and no payment since.

    The newest inquiry first.
    """
    terminal: Terminal = context.obj
    with terminal.environment("ReadCodes"):
        read = wiring.read_codes()
        created_from = since.replace(tzinfo=UTC) if since else wiring.clock() - LONGEST_LIFE
        codes = all_items(
            lambda cursor: read.many(
                storefront_id, CodeFilter(created_from=created_from), limit=PAGE, cursor=cursor
            )
        )
        found = [
            (code.unpaid_inquiry_at, _row(code, _INQUIRED))
            for code in codes
            if code.unpaid_inquiry_at
        ]
        found.sort(key=lambda each: each[0], reverse=True)
        terminal.show([row for _, row in found], _INQUIRED)


def _history(order_number: str) -> CodeHistory:
    history = wiring.read_codes().codes.get_history(order_number, _MOST)
    if history is None:
        raise NotFound("there is no such payment code")
    return history


def _row(code: PaymentCode, columns: tuple[str, ...] = _COLUMNS) -> dict[str, Any]:
    values = {name: getattr(code, name) for name in columns}
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
