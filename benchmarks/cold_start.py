"""How long each handler's import takes, from the artefacts of `make build`, beside its floor.

    .venv/bin/python -m benchmarks.cold_start [--starts 15]

The floor is what no handler on Lambda can do without: boto3 and one client of DynamoDB. Each round
starts the floor and every handler once, in a new order, so that whatever the machine does meanwhile
meets all alike. Milliseconds are this machine's, not Lambda's: compare the multiples. Writes
benchmarks/cold_start.json and the table in docs/benchmarks.md.
"""

import argparse
import json
import platform
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks import document
from local.options import positive
from tools import artefacts, build

MEASURED = Path(__file__).with_name("cold_start.json")
FLOOR = "boto3 and one client"
_CODE = "import boto3\nboto3.client('dynamodb')\ndef lambda_handler(event, context): ...\n"


@dataclass(frozen=True, slots=True)
class Start:
    """Medians of a handler's starts: milliseconds, those of its processor, and modules."""

    cpu_ms: float
    cpu_quartiles_ms: tuple[float, float]
    wall_ms: float
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
    MEASURED.write_text(
        json.dumps({name: asdict(each) for name, each in measured.items()}, indent=1) + "\n"
    )
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
    cpu = [each["cpu_milliseconds"] for each in told]
    first, _, third = quantiles(cpu, n=4) if len(cpu) > 1 else cpu * 3
    return Start(
        cpu_ms=round(median(cpu), 1),
        cpu_quartiles_ms=(round(first, 1), round(third, 1)),
        wall_ms=round(median(each["milliseconds"] for each in told), 1),
        modules=len(told[0]["modules"]),
        times_floor=round(median(cpu) / floor, 2),
    )


def table(measured: Mapping[str, Start], starts: int) -> Iterator[str]:
    """The table of the document."""
    yield (
        f"{starts} starts of each, Python {platform.python_version()} on {platform.machine()}.\n\n"
        "| | ms of one processor | half of them between | ms | modules | times the floor |\n"
        "|---|---:|---:|---:|---:|---:|\n"
    )
    for name, each in measured.items():
        what = name if name == FLOOR else f"`{name}`"
        low, high = each.cpu_quartiles_ms
        yield (
            f"| {what} | {each.cpu_ms:.0f} | {low:.0f}-{high:.0f} | {each.wall_ms:.0f}"
            f" | {each.modules} | {each.times_floor:.2f} |\n"
        )


if __name__ == "__main__":
    main()
