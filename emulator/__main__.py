"""``python -m emulator``: what `make build` made, deployed to an emulator that is not ours.

The demo's story runs there from outside, then what only a deployment shows is checked, and answers
and events are compared. It fails on the first thing that is not as expected, and on a difference
that is not listed, or no longer there: see docs/emulator.md.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import ClientError
from rich.console import Console
from rich.markup import escape

from emulator import answers, shapes
from emulator.checks import CHECKS, logged_events
from emulator.differences import Seen, disagreements
from emulator.measure import family, measure
from emulator.stack import EmulatedStack
from local.demo import Story, UnexpectedResult, own_stack
from local.errors import StackError
from tools.build import ROOT, is_up_to_date

_LACK = "python3.13"


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy, use, check; the exit code is 0 if all is as it is listed, or can't be tried here."""
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    parser.add_argument(
        "--measure", action="store_true", help="measure both stacks before they are compared"
    )
    options = parser.parse_args(arguments)
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
            _use(stack, seen, console, measured=options.measure)
        if found := disagreements(seen):
            raise UnexpectedResult("\n".join(["", *found]))  # noqa: TRY301 (one way out)
    except (StackError, UnexpectedResult, ClientError) as error:
        console.print(f"[red]emulate: {escape(str(error))}")
        return 1
    for name, places in sorted(seen.places.items()):
        console.print(f"[dim]{escape(name)}: {len(places)}x, as in {escape(places[0])}")
    console.print(
        f"[green]All is as it should be, but for {len(seen.places)} differences that are listed,"
        f" after {time.monotonic() - start:.0f} s."
    )
    return 0


def _use(stack: EmulatedStack, seen: Seen, console: Console, *, measured: bool) -> None:
    before = time.monotonic()

    def say(what: str, result: str = "") -> None:
        now = time.monotonic() - before
        console.print(f"[dim]{now:4.0f} s [green]✓[/green] {what} [dim]{escape(result)}")

    stack.start()
    started = time.monotonic() - before
    say("The stack is deployed and set up.")
    with Path(os.devnull).open("w") as nowhere:
        Story(stack.description, Console(file=nowhere)).run()
    say("The demo's story is as it is on the local stack.")
    for check in CHECKS:
        result = check(stack)
        say(str(check.__doc__), result)
    theirs = answers.ask(stack.description)
    if measured:
        say("The emulator", str(measure(stack.description, started, family())))
    ours_before, started_at = family(), time.monotonic()
    with own_stack() as about:
        started = time.monotonic() - started_at
        ours = answers.ask(about)
        if measured:
            say("The local stack", str(measure(about, started, family() - ours_before)))
    for difference in answers.differences(ours, theirs):
        seen.note(difference, "answers")
    say("Answers are compared with the local stack's.", f"{len(ours)} answers")
    events = [event for lines in stack.logs().values() for event in logged_events(lines)]
    for difference in shapes.differences(shapes.examples(), shapes.by_source(events)):
        seen.note(difference, "events")
    if "API -requestContext.domainName" in seen.places:
        seen.note("domain-name", "the parameter PublicUrl")
    say("Events are compared with the examples of AWS's.", f"{len(events)} events")


if __name__ == "__main__":
    sys.exit(main())
