"""How long each handler's import takes, from the artefacts of `make build`, beside its floor.

    .venv/bin/python -m benchmarks.cold_start [--starts 15]

The floor is what no handler on Lambda can do without: boto3 and one client of DynamoDB. Each round
starts the floor and every handler once, in a new order, so that whatever the machine does meanwhile
meets all alike. Milliseconds are this machine's, not Lambda's: compare the multiples. Writes
benchmarks/cold_start.json and the table in docs/benchmarks.md.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks import document
from benchmarks.measuring import Spread, keep, machine
from local.options import positive
from tools import artefacts, build

FLOOR = "boto3 and one client"
_CODE = "import boto3\nboto3.client('dynamodb')\ndef lambda_handler(event, context): ...\n"


@dataclass(frozen=True, slots=True)
class Start:
    """Medians of a handler's starts: milliseconds, those of its processor, and modules."""

    cpu_ms: Spread
    wall_ms: Spread
    modules: int
    times_floor: float = 1.0
    """By processor time."""


def main() -> None:
    """Measure all handlers, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--starts", type=positive, default=15, help="starts of each handler")
    starts: int = parser.parse_args().starts
    if not build.is_up_to_date():
        sys.exit("The artefacts are out of date: run `make build` first.")
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder), starts)
    keep("cold_start", measured)
    document.write("cold-start", "".join(table(measured, starts)))
    Console().print(document.marked("cold-start"))


def measure(folder: Path, starts: int) -> dict[str, Start]:
    """Every handler by its folder, the floor first."""
    path = artefacts.lay_out(folder)
    bare = folder / "bare"
    bare.mkdir()
    (bare / "app.py").write_text(_CODE)
    functions = artefacts.read_functions().values()
    cases = {FLOOR: (next(iter(functions)), [bare, *path])} | {
        each.folder.removeprefix("functions/"): (each, [build.BUILT / each.name, *path])
        for each in functions
    }
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in cases}
    order = random.Random(1)  # noqa: S311 - no secret
    for _ in track(range(starts), description="rounds"):
        for name in order.sample(sorted(cases), len(cases)):
            done = artefacts.start(*cases[name])
            if done.returncode:
                sys.exit(done.stderr)
            told[name].append(json.loads(done.stdout))
    floor = median(each["cpu_milliseconds"] for each in told[FLOOR])
    return {name: _start(each, floor) for name, each in told.items()}


def _start(told: list[dict[str, Any]], floor: float) -> Start:
    cpu = Spread.of([each["cpu_milliseconds"] for each in told])
    return Start(
        cpu_ms=cpu,
        wall_ms=Spread.of([each["milliseconds"] for each in told]),
        modules=len(told[0]["modules"]),
        times_floor=round(cpu.median / floor, 2),
    )


def table(measured: Mapping[str, Start], starts: int) -> Iterator[str]:
    """The table of the document."""
    yield (
        f"{starts} starts of each, {machine()}.\n\n"
        "| | ms of one processor | half of them between | ms | modules | times the floor |\n"
        "|---|---:|---:|---:|---:|---:|\n"
    )
    for name, each in measured.items():
        what = name if name == FLOOR else f"`{name}`"
        cpu, wall = each.cpu_ms, each.wall_ms
        yield (
            f"| {what} | {cpu.median:.0f} | {cpu.low:.0f}-{cpu.high:.0f} | {wall.median:.0f}"
            f" | {each.modules} | {each.times_floor:.2f} |\n"
        )


if __name__ == "__main__":
    main()
