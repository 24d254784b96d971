"""``python -m emulator``: what `make build` made, deployed to an emulator that is not ours.

The demo's story runs there from outside, then what only a deployment shows is checked. It fails on
the first thing that is not as expected, and on a difference from AWS that is not listed, or no
longer there: see docs/emulator.md.
"""

import logging
import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from emulator.checks import CHECKS
from emulator.differences import Seen, disagreements
from emulator.stack import EmulatedStack
from local.demo import Story, UnexpectedResult
from local.errors import StackError
from tools.build import ROOT, is_up_to_date

_LACK = "python3.13"


def main() -> int:
    """Deploy, use, check; the exit code is 0 if all is as it is listed, or can't be tried here."""
    console = Console(soft_wrap=True, highlight=False)
    if not (ROOT / ".venv" / "bin" / _LACK).exists():
        console.print(f"not emulated: no {_LACK}, on PATH or in pyenv's versions folder")
        announced = {each.strip() for each in os.environ.get("O2O_LACKS", "").split(",")}
        return int(os.environ.get("CI") == "true" and _LACK not in announced)
    if not is_up_to_date():
        console.print("[red]emulate: the artefacts are not of these sources: make build")
        return 1
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    start, seen = time.monotonic(), Seen()
    try:
        with EmulatedStack(seen) as stack:
            stack.start()
            console.print(f"[dim]deployed and set up after {time.monotonic() - start:.0f} s")
            with Path(os.devnull).open("w") as nowhere:
                Story(stack.description, Console(file=nowhere)).run()
            console.print(f"[dim]the demo's story is told after {time.monotonic() - start:.0f} s")
            for check in CHECKS:
                console.print(f"[green]✓[/green] {check.__doc__} [dim]{escape(check(stack))}")
        if found := disagreements(seen):
            raise UnexpectedResult(" ".join(found))  # noqa: TRY301 (one way out)
    except (StackError, UnexpectedResult) as error:
        console.print(f"[red]emulate: {escape(str(error))}")
        return 1
    for name, places in sorted(seen.places.items()):
        console.print(f"[dim]{name}: {len(places)}x, as {places[0]}")
    console.print(
        f"[green]All is as it should be, but for {len(seen.places)} differences that are listed,"
        f" after {time.monotonic() - start:.0f} s."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
