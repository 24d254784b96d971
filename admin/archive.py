"""The archive of DOKU's messages, on the command line."""

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, TextColumn

from admin.audit import audited
from o2o.entry import wiring
from o2o.usecases.record_message import NotificationOutcome

if TYPE_CHECKING:
    from admin.terminal import Terminal
    from o2o.usecases.replay_archive import Replayed

app = typer.Typer(no_args_is_help=True, help="DOKU's signed messages, outside the table.")

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
_NEWS = {NotificationOutcome.SETTLED, NotificationOutcome.COMPLETED}
_KNOWN = {NotificationOutcome.KNOWN}


@app.callback()
def about_the_archive() -> None:
    """DOKU's signed messages, outside the table."""


@app.command("replay")
@audited
def replay(
    context: typer.Context,
    since: Annotated[
        datetime | None,
        typer.Option(formats=_FORMATS, help="Received from then on, in UTC; otherwise all."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=_FORMATS, help="Received until then, in UTC; otherwise now."),
    ] = None,
    unproven: Annotated[  # noqa: FBT002 - a switch of the command line
        bool, typer.Option("--unproven", help="Also what no key that we have has signed.")
    ] = False,
    dry_run: Annotated[  # noqa: FBT002 - the same
        bool, typer.Option("--dry-run", help="Check the signatures, and record nothing.")
    ] = False,
) -> None:
    """Put what DOKU signed on record again, in a table that was restored. Twice does no harm."""
    terminal: Terminal = context.obj
    begin, end = (each and each.replace(tzinfo=UTC) for each in (since, until))
    counted: Counter[str] = Counter()
    shown = TextColumn("{task.completed} messages, {task.description}")
    with terminal.environment("ReceiveNotification"):
        with Progress(shown, disable=terminal.as_json, transient=True) as progress:
            task = progress.add_task("", total=None)
            for each in wiring.replay_archive()(begin, end, unproven=unproven, dry_run=dry_run):
                counted.update(_kinds(each))
                progress.update(task, advance=1, description=each.key.partition("/")[2][:19])
        _say(terminal, counted, dry_run=dry_run)


def _kinds(each: "Replayed") -> list[str]:
    """What one object counts as."""
    if each.message is None:
        return ["messages", "damaged"]
    outcome = each.received.outcome if each.received else None
    kind = "news" if outcome in _NEWS else "known" if outcome in _KNOWN else "kept"
    if each.is_forgotten:
        return ["messages", "forgotten", *([] if outcome is None else ["replayed", kind])]
    return [
        "messages",
        *([] if each.is_proven else ["unproven", *([] if outcome else ["left_out"])]),
        *([] if outcome is None else ["replayed", kind]),
    ]


def _say(terminal: "Terminal", counted: Counter[str], *, dry_run: bool) -> None:
    row = {
        name: counted[name]
        for name in (
            *("messages", "replayed", "news", "known", "kept"),
            *("forgotten", "unproven", "damaged"),
        )
    }
    sentence = (
        f"{row['messages']} messages, {row['replayed']} replayed: {row['news']} told of payments"
        f" that were missing, or more of them, {row['known']} of what is known,"
        f" {row['kept']} are among the kept notifications."
    )
    if dry_run:
        proven = row["messages"] - row["forgotten"] - row["unproven"] - row["damaged"]
        sentence = f"{row['messages']} messages, {proven} of them proven. Nothing was recorded."
    if row["forgotten"]:
        sentence += f" Personal data was taken from {row['forgotten']}."
    terminal.say(row, sentence)
    left_out = counted["left_out"]
    wrong = []
    if left_out and not dry_run:
        wrong.append(
            f"{left_out} were left out, because no key that we have has signed them: put the former"
            f" key into DOKU's secret as previous_secret_key and repeat this, or repeat it with"
            f" --unproven if you trust who can write to the bucket."
        )
    if row["damaged"]:
        wrong.append(f"{row['damaged']} objects of the archive are no messages.")
    if wrong:
        terminal.fail(*wrong)
