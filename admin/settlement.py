"""DOKU's settlement reports, on the command line."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from admin.audit import audited_if
from admin.settlement_file import Unusable, read_mapping, read_report
from o2o.core import payments_csv
from o2o.core.settlements import Judgement, Puzzle, SettlementLine, Verdict, sums
from o2o.entry import wiring

if TYPE_CHECKING:
    from admin.settlement_file import Report
    from admin.terminal import Terminal

app = typer.Typer(no_args_is_help=True, help="DOKU's settlement reports.")

DIFFERENCES = 3
"""The exit code if report and record differ."""

_RESULT = (
    "line", "order_number", "outcome", "payment", "amount", "amount_here", "fee", "net", "paid_at",
    "receipt_number", "source", "note",
)  # fmt: skip
_SUMS = ("day", "lines", "amount", "fee", "net")

_NOTES = {
    Verdict.RECORDED_BEFORE: "this line was recorded before",
    Verdict.RECORDED: "recorded now: its notification never came",
    Verdict.MISSING_HERE: "no payment on record is this one; --write records it",
    Verdict.AMOUNT_DIFFERS: "the payment on record has another amount",
    Verdict.UNKNOWN_ORDER: "no payment code has this order number",
    Verdict.MISSING_THERE: "on record, and not in the report",
}
_PUZZLES = {
    Puzzle.OTHER_RECEIPT: "a payment of this amount and time has another receipt number",
    Puzzle.NEAR: "a payment of this amount is near in time: it may be the same",
    Puzzle.SAME_RECEIPT: "a payment or another line has this receipt number",
    Puzzle.PAID_ONCE: "its code can be paid once, and was",
    Puzzle.NO_DATE: "it has no date and no receipt number, and its code may have several payments",
    Puzzle.OLDER_ORDER: "it is older than its payment code",
    Puzzle.CHANGED: "it says nothing that the record has not",
}


@app.callback()
def about_settlements() -> None:
    """DOKU's settlement reports."""


@app.command("match")
@audited_if("write")
def match(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="DOKU's report: CSV or XLSX.", dir_okay=False)
    ],
    mapping: Annotated[
        Path, typer.Option(help="The mapping file: which column is which.", dir_okay=False)
    ],
    write: Annotated[  # noqa: FBT002 - a switch of the command line
        bool, typer.Option("--write", help="Record what is missing here; otherwise nothing is.")
    ] = False,
    record: Annotated[
        list[int] | None,
        typer.Option(
            metavar="LINE",
            help="With --write: a line that is ambiguous, and is a payment of its own; again for"
            " more lines.",
        ),
    ] = None,
    result: Annotated[
        Path | None, typer.Option(help="Write a CSV with a row for each line.", dir_okay=False)
    ] = None,
    day: Annotated[
        list[datetime] | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="A day in WIB of which the report has every payment, and again for more days;"
            " otherwise all from its first payment's to its last one's.",
        ),
    ] = None,
) -> None:
    """Compare a settlement report with the payments on record. Exit code 3: they differ."""
    terminal: Terminal = context.obj
    if result is not None and result.resolve() in (file.resolve(), mapping.resolve()):
        terminal.fail("--result names a file that is read")
    try:
        report = read_report(file, read_mapping(mapping))
    except Unusable as error:
        terminal.fail(str(error))
    if unknown := {*(record or ())} - {line.number for line in report.lines}:
        terminal.fail(f"--record: the report has no payment in line {min(unknown)}")
    if record and not write:
        terminal.fail("--record needs --write")
    days = [each.date() for each in day or ()]
    judged: list[Judgement] = []
    with terminal.environment("GenerateCode"), _kept(terminal, result, judged):
        _run(terminal, report, days, judged, decided=record or [], write=write)
    counted = Counter(str(each.verdict) for each in judged)
    _say(terminal, report, counted, write=write)
    if any(not each.verdict.agrees for each in judged):
        raise typer.Exit(DIFFERENCES)


def _run(
    terminal: "Terminal",
    report: "Report",
    days: list[date],
    judged: list[Judgement],
    *,
    decided: list[int],
    write: bool,
) -> None:
    """Collect every judgement, with a progress bar on a terminal."""
    console = Console(stderr=True)
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *shown,
        console=console,
        transient=True,
        disable=terminal.as_json or not console.is_terminal,
    ) as progress:
        task = progress.add_task("lines", total=len(report.lines))
        matched = wiring.match_settlement()(report.lines, days=days, write=write, decided=decided)
        for each in matched:
            judged.append(each)
            progress.update(task, advance=1 if each.line else 0)


@contextmanager
def _kept(terminal: "Terminal", result: Path | None, judged: list[Judgement]) -> Iterator[None]:
    """Write the result, also of a run that breaks off; what it wrote is on record."""
    if result is None:
        yield
        return
    try:
        opened = result.open("w", encoding="utf-8", newline="")
    except OSError as error:
        terminal.fail(f"{result} can't be written: {error.strerror}")
    with opened:
        try:
            yield
        finally:
            last = float("inf")
            in_order = sorted(judged, key=lambda each: each.number or last)
            opened.write(payments_csv.write([_RESULT, *map(_cells, in_order)]))


def _cells(judged: Judgement) -> list[str]:
    return ["" if value is None else str(value) for value in _row(judged).values()]


def _row(judged: Judgement) -> dict[str, Any]:
    line, payment = judged.line, judged.payment
    known = payment.report if payment else None
    paid_at = line.paid_at if line else known and known.paid_at
    note = _PUZZLES[judged.puzzle] if judged.puzzle else _NOTES.get(judged.verdict)
    order_number = line.order_number if line else known and known.invoice_number
    return {
        "line": judged.number,
        "order_number": order_number,
        "outcome": judged.verdict,
        "payment": payment and payment.payment_id,
        "amount": line and line.amount,
        "amount_here": known and known.amount,
        "fee": line and line.fee,
        "net": line and line.net,
        "paid_at": _when(line) if line else paid_at and paid_at.isoformat(timespec="seconds"),
        "receipt_number": line.receipt_number if line else known and known.receipt_number,
        "source": known and known.source,
        "note": note,
    }


def _when(line: SettlementLine) -> str | None:
    if line.paid_at is None:
        return None
    return str(line.day) if line.paid_until else line.paid_at.isoformat(timespec="seconds")


def _say(terminal: "Terminal", report: "Report", counted: Counter[str], *, write: bool) -> None:
    per_day = [
        {
            "day": each.day and str(each.day),
            "lines": each.lines,
            "amount": str(each.amount),
            "fee": str(each.fee),
            "net": str(each.net),
        }
        for each in sums(report.lines)
    ]
    found = {str(verdict): counted[verdict] for verdict in Verdict}
    if not terminal.as_json:
        terminal.show(per_day, _SUMS)
    told = ", ".join(
        f"{number} {name.replace('_', ' ')}" for name, number in found.items() if number
    )
    ending = "" if write else " Nothing was recorded."
    terminal.say(
        {"sha256": report.sha256, "skipped": report.skipped, **found, "days": per_day},
        f"{len(report.lines)} lines, {report.skipped} other rows: {told}.{ending}",
    )
