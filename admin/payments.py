"""Payments over all codes, on the command line: lists, exports, the search, and resolutions."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import click
import typer
from rich.console import Console
from rich.progress import Progress

from admin.audit import audited
from admin.codes import Order
from admin.terminal import PAGE, StorefrontId
from o2o.core import payments_csv
from o2o.core.codes import LONGEST_LIFE
from o2o.core.errors import InvalidRequest, NotFound
from o2o.core.pages import all_items
from o2o.core.payments import Payment
from o2o.core.resolutions import ResolutionKind
from o2o.core.wib import WIB
from o2o.entry import wiring
from o2o.usecases.read_codes import CodeFilter
from o2o.usecases.read_payments import PaymentFilter, Resolved

if TYPE_CHECKING:
    from admin.terminal import Terminal

app = typer.Typer(
    no_args_is_help=True, help="Payments: list, export, and record what was done about one."
)

_DAY = ["%Y-%m-%d"]
Day = Annotated[
    datetime | None,
    typer.Option(formats=_DAY, help="A day in WIB by DOKU's date of the payment."),
]
From = Annotated[
    datetime | None,
    typer.Option("--from", formats=_DAY, help="The first day in WIB by DOKU's date of a payment."),
]
To = Annotated[datetime | None, typer.Option(formats=_DAY, help="The last day.")]

COLUMNS = (
    "order_number", "payment", "kind", "amount", "paid_at", "channel", "receipt_number",
    "store_id", "certain", "needs_attention", "resolution",
)  # fmt: skip
_MOST = 1_000


@app.command("list")
def list_payments(
    context: typer.Context,
    storefront_id: StorefrontId,
    from_: From = None,
    to: To = None,
    resolution: Annotated[
        Resolved | None, typer.Option(help="`open`: what calls for a person.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="At most this many.")] = 50,
) -> None:
    """List a storefront's payments, newest first."""
    terminal: Terminal = context.obj
    with terminal.environment("ReadPayments"):
        wanted = PaymentFilter(paid_from=_day(from_), paid_to=_day(to), resolution=resolution)
        found = islice(_payments(storefront_id, wanted), limit)
        terminal.show([row(each) for each in found], COLUMNS)


@app.command("export")
def export(
    context: typer.Context,
    storefront_id: StorefrontId,
    output: Annotated[Path, typer.Argument(help="The CSV file to write; - is standard output.")],
    from_: From = None,
    to: To = None,
) -> None:
    """Write a storefront's payments as CSV, newest first: as `GET /payments` has them."""
    terminal: Terminal = context.obj
    wanted = PaymentFilter(paid_from=_day(from_), paid_to=_day(to))
    with terminal.environment("ReadPayments"), terminal.sentences():
        try:
            with click.open_file(str(output), "w", encoding="utf-8", atomic=True) as file:
                count = _write(file, _payments(storefront_id, wanted))
        except OSError as error:
            terminal.fail(f"{output} can't be written: {error.strerror}")
    if str(output) != "-":
        terminal.say({"payments": count}, f"Wrote {count} payments to {output}.")


def _write(file: IO[str], payments: Iterator[Payment]) -> int:
    file.write(payments_csv.write([payments_csv.COLUMNS]))
    count = 0
    with Progress(transient=True, console=Console(stderr=True)) as progress:
        task = progress.add_task("Payments", total=None)
        for payment in payments:
            file.write(payments_csv.write([payments_csv.row(payment)]))
            count += 1
            progress.advance(task)
    return count


@app.command("resolve")
@audited
def resolve(
    context: typer.Context,
    order_number: Order,
    payment: Annotated[str, typer.Argument(metavar="PAYMENT", help="As `find` shows it, as 1.")],
    resolution: Annotated[
        ResolutionKind, typer.Argument(help="fulfilled, refunded, kept or not_ours.")
    ],
    reference: Annotated[
        str | None, typer.Option(help="Your own, such as the number of a bank transfer.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="It goes with the payment's evidence.")] = None,
) -> None:
    """Record what was done about a payment. The storefront gets `payment.resolved`."""
    terminal: Terminal = context.obj
    with terminal.environment("ResolvePayment"):
        code = wiring.resolve_payment().codes.get(order_number)
        if code is None:
            raise NotFound("there is no such payment code")
        resolving = wiring.resolve_payment()(
            code.storefront_id,
            order_number,
            payment,
            resolution,
            by=terminal.target.caller(),
            reference=reference,
            note=note,
        )
        said = "Recorded" if resolving.is_news else "It was said before"
        terminal.say(
            row(resolving.payment),
            f"{said}: payment {payment} of {order_number} is {resolution}.",
        )


def find(
    context: typer.Context,
    storefront_id: StorefrontId,
    text: Annotated[
        str,
        typer.Argument(
            metavar="TEXT", help="A receipt number, a payment code, an invoice or order number."
        ),
    ] = "",
    store: Annotated[str | None, typer.Option(help="Only of this store.")] = None,
    amount: Annotated[int | None, typer.Option(min=1, help="Only of these rupiah.")] = None,
    day: Day = None,
) -> None:
    """Find payments by what a customer has in hand, or by amount, store and day."""
    terminal: Terminal = context.obj
    narrowed = {"store_id": store, "amount": amount}
    if not text and day is None:
        terminal.fail("give a receipt number, digits or an order number, or --day")
    with terminal.environment("ReadPayments", "ReadCodes"):
        on = _day(day)
        found: dict[tuple[str, str], Payment] = {}
        for wanted in ways(text, {**narrowed, "paid_from": on, "paid_to": on}):
            for payment in _payments(storefront_id, wanted):
                found[_place(payment)] = payment
        for payment in _of_order(storefront_id, text) if text else ():
            found[_place(payment)] = payment
        terminal.show([row(each) for _, each in sorted(found.items())], COLUMNS)


def attention(
    context: typer.Context,
    storefront_id: StorefrontId,
) -> None:
    """List what calls for a person: a storefront's payments, and tills that took no money.

    DOKU's messages that match no code are in `notifications list`.
    """
    terminal: Terminal = context.obj
    with terminal.environment("ReadPayments", "ReadCodes"):
        rows = [
            {
                **{name: row(payment)[name] for name in ("order_number", "payment", "amount")},
                "why": " ".join(payment.attention),
                "since": payment.recorded_at.isoformat(timespec="seconds"),
            }
            for payment in _payments(storefront_id, PaymentFilter(resolution=Resolved.OPEN))
        ]
        created_from = wiring.clock() - LONGEST_LIFE
        codes = all_items(
            lambda cursor: wiring.read_codes().many(
                storefront_id, CodeFilter(created_from=created_from), limit=PAGE, cursor=cursor
            )
        )
        rows += [
            {
                "order_number": code.order_number,
                "payment": None,
                "amount": str(code.amount),
                "why": "inquired_and_unpaid",
                "since": code.unpaid_inquiry_at.isoformat(timespec="seconds"),
            }
            for code in codes
            if code.unpaid_inquiry_at and code.is_final
        ]
        terminal.show(rows, ("order_number", "payment", "amount", "why", "since"))


def _payments(storefront_id: str, wanted: PaymentFilter) -> Iterator[Payment]:
    read = wiring.read_payments()
    return all_items(lambda cursor: read.many(storefront_id, wanted, limit=PAGE, cursor=cursor))


def ways(text: str, narrowed: dict[str, Any]) -> Iterator[PaymentFilter]:
    """What a person may mean by a text: a receipt number, or digits. Without one, a day's."""
    if not text:
        yield PaymentFilter(**narrowed)
        return
    digits = "".join(text.split())
    # A till may print a number in groups.
    for written in dict.fromkeys((text, digits)):
        yield PaymentFilter(receipt_number=written, **narrowed)
    if digits.isascii() and digits.isdigit():
        yield PaymentFilter(payment_code=digits, **narrowed)


def _of_order(storefront_id: str, number: str) -> list[Payment]:
    """The payments of an order, or of a storefront's invoice number."""
    codes = wiring.read_codes().codes
    try:
        history = codes.get_history(number, _MOST)
    except InvalidRequest:
        return []
    if history is None or history.code.storefront_id != storefront_id:
        return []
    return history.own


def _place(payment: Payment) -> tuple[str, str]:
    order_number = payment.code.order_number if payment.code else payment.report.invoice_number
    return order_number, payment.payment_id


def _day(day: datetime | None) -> date | None:
    return None if day is None else day.date()


def row(payment: Payment) -> dict[str, Any]:
    """A payment as tables show it; its date is in WIB, as on the receipt."""
    report, resolution = payment.report, payment.resolution
    return {
        "order_number": _place(payment)[0],
        "payment": payment.payment_id,
        "kind": payment.kind,
        "amount": str(report.amount),
        "paid_at": report.paid_at.astimezone(WIB).isoformat(timespec="seconds"),
        "recorded_at": payment.recorded_at.astimezone(UTC).isoformat(timespec="seconds"),
        "channel": payment.code.channel if payment.code else None,
        "receipt_number": report.receipt_number,
        "store_id": report.store_id,
        "certain": not payment.doubts,
        "needs_attention": payment.needs_attention,
        "resolution": resolution.kind if resolution else None,
    }
