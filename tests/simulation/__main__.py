"""Run many seeds.

make simulate ARGS="--seeds 10000"
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.console import Console

from tests.simulation.plan import Plan
from tests.simulation.run import Run
from tests.simulation.shrink import checks_of, shrink

CHUNK = 20


def run_seeds(seeds: Sequence[int]) -> tuple[Counter[str], dict[int, list[str]]]:
    """Run some seeds; what was counted, and the violations by seed."""
    counted: Counter[str] = Counter()
    wrong: dict[int, list[str]] = {}
    for seed in seeds:
        try:
            result = Run(Plan.draw(seed))()
        except Exception as error:  # noqa: BLE001 - the other seeds go on
            wrong[seed] = [f"{type(error).__name__}: {error}"]
            continue
        counted += result.counted
        if result.violations:
            wrong[seed] = result.violations
    return counted, wrong


def summary(counted: Counter[str], seconds: float) -> str:
    """One paragraph."""
    died = sum(times for name, times in counted.items() if name.startswith("died: "))
    faults = sum(times for name, times in counted.items() if name.startswith("fault: "))
    lies = sum(times for name, times in counted.items() if name.startswith("DOKU: "))
    return (
        f"{counted['runs']:,} seeds, {counted['codes']:,} codes, "
        f"{counted['payments']:,} payments at tills, {counted['events']:,} events; "
        f"{counted['steps']:,} steps, {counted['invocations']:,} invocations, "
        f"{counted['port calls']:,} calls of ports, "
        f"{faults:,} faults at them, {died:,} invocations killed, {lies:,} lies of DOKU's; "
        f"{counted['simulated days']:,} days in {seconds:,.0f} seconds"
    )


def tell(console: Console, plan: Plan) -> int:
    """Run one plan and print its story."""
    result = Run(plan, tell=True)()
    for line in result.story:
        console.print(f"{line.at:%d %H:%M:%S.%f} {line.who}: {line.what}", markup=False)
    for violation in result.violations:
        console.print(f"VIOLATION {violation}", markup=False)
    return 1 if result.violations else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1000, help="how many; default: 1000")
    parser.add_argument("--first", type=int, default=0, help="the first seed; default: 0")
    parser.add_argument("--jobs", type=int, default=2, help="processes; default: 2")
    parser.add_argument("--seed", type=int, help="run this seed alone, and tell its story")
    parser.add_argument("--plan", type=Path, help="run a plan that was written down")
    parser.add_argument("--counts", action="store_true", help="print all that was counted")
    asked = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 200)
    if asked.plan:
        return tell(console, Plan.read(asked.plan.read_text()))
    if asked.seed is not None:
        return tell(console, Plan.draw(asked.seed))

    began = time.monotonic()
    last = asked.first + asked.seeds
    chunks = [range(first, min(first + CHUNK, last)) for first in range(asked.first, last, CHUNK)]
    counted: Counter[str] = Counter()
    wrong: dict[int, list[str]] = {}
    with ProcessPoolExecutor(asked.jobs) as pool:
        for more, found in pool.map(run_seeds, chunks):
            counted += more
            wrong |= found
    console.print(summary(counted, time.monotonic() - began), markup=False, soft_wrap=True)
    if asked.counts:
        for name, times in sorted(counted.items()):
            console.print(f"  {name}: {times:,}", markup=False)
    if not wrong:
        console.print("No guarantee was broken.")
        return 0
    by_check: Counter[str] = Counter()
    for violations in wrong.values():
        by_check.update(checks_of(violations))
    console.print(f"{len(wrong)} seeds broke a guarantee: {dict(by_check)}", markup=False)
    for seed, violations in sorted(wrong.items()):
        console.print(f"  seed {seed}: {violations[0]}", markup=False)
    seed, violations = min(wrong.items())
    check = violations[0].split(":")[0]
    console.print(f"The shortest history of seed {seed} that breaks “{check}”:", markup=False)
    shortest = shrink(Plan.draw(seed), check)
    console.print(shortest.write(), markup=False, soft_wrap=True)
    tell(console, shortest)
    return 1


if __name__ == "__main__":
    sys.exit(main())
