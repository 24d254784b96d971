"""The command line: ``python -m tools.day``."""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.options import positive
from tools.day.books import Ledger
from tools.day.compare import differences
from tools.day.plan import make_plan
from tools.day.run import Day
from tools.day.shop import NAMES

_SHOWN = 50
_MISMATCHED = 0.01
"""Codes of which another amount is paid, if there are books to list it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Live a day and compare; 1 if anything differs."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.day", description="A compressed day on a temporary local stack."
    )
    add = parser.add_argument
    add("--codes", type=positive, default=500, help="codes that are asked for (%(default)s)")
    add("--days", type=positive, default=1, help="how many days; more than one are closed, too")
    add("--seed", type=int, default=1, help="another day (%(default)s)")
    add("--kills", type=int, default=20, help="how often the stack is killed (%(default)s)")
    add("--step", type=positive, default=5, help="minutes the clock moves at a time (%(default)s)")
    add("--clients", type=positive, default=8, help="shops' and tills' threads (%(default)s)")
    add("--workers", type=positive, default=2, help="processes per function (%(default)s)")
    add("--folder", type=Path, help="where the stack's data stays, to look at it afterwards")
    add("--write", type=Path, metavar="FILE", help="write the figures there, as JSON")
    options = parser.parse_args(arguments)
    # Whoever ends it shall leave no stack behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    shops = NAMES if options.days == 1 else NAMES[:2]
    plan = make_plan(
        codes=options.codes,
        seed=options.seed,
        kills=options.kills,
        shops=len(shops),
        days=options.days,
        mismatched=0 if options.days == 1 else _MISMATCHED,
    )
    console = Console(width=140)
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as temporary,
        Day(
            options.folder or Path(temporary),
            plan,
            step_minutes=options.step,
            clients=options.clients,
            workers=options.workers,
            shops=shops,
            say=lambda text: console.print(text, highlight=False),
        ) as day,
    ):
        day.live()
        record = day.look()
        found = list(differences(record))
        figures = asdict(day.figures(record))
        if options.days > 1:
            ledger = Ledger(day, Path(temporary))
            for step in (ledger.close, ledger.settle, ledger.verify):
                console.print(f"The books: {step.__doc__}", highlight=False)
                found += step()
            figures |= ledger.figures()
            console.print("\n".join(ledger.named), highlight=False)
    figures["differences"] = len(found)
    figures["seconds"] = round(time.monotonic() - begun, 1)
    table = Table("", "", title=f"{options.codes:,} codes in {options.days} days")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)
    for each in found[:_SHOWN]:
        console.print(f"- {each}", highlight=False)
    if len(found) > _SHOWN:
        console.print(f"- and {len(found) - _SHOWN:,} more")
    if options.write is not None:
        options.write.write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
