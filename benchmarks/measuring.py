"""How the benchmarks measure: in turns, in processor and wall time, with the spread."""

import json
import platform
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Self

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some numbers, and between what half of them lie."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """The spread of at least one number."""
        first, _, third = quantiles(values, n=4) if len(values) > 1 else [*values] * 3
        return cls(*(round(each, 2) for each in (median(values), first, third)))

    def __str__(self) -> str:
        return f"{self.median:.1f} | {self.low:.1f}-{self.high:.1f}"


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds: of one processor, and on the clock at the wall."""

    cpu: Spread
    wall: Spread


Case = Callable[[], Callable[[], object]]
"""Prepares a call, of which the time does not count, and returns it."""


def in_turns(cases: Mapping[str, Case], rounds: int, share: int = 1) -> dict[str, Spent]:
    """What a call of each case took, or the share of it that one of so many things has.

    Each round calls every case once, in a new order: whatever the machine does meanwhile meets all
    alike.
    """
    told: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    order = random.Random(1)  # noqa: S311 - no secret
    for _ in range(rounds):
        for name in order.sample(sorted(cases), len(cases)):
            call = cases[name]()
            cpu, wall = time.process_time(), time.perf_counter()
            call()
            told[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    return {
        name: Spent(
            Spread.of([cpu * 1000 / share for cpu, _ in found]),
            Spread.of([wall * 1000 / share for _, wall in found]),
        )
        for name, found in told.items()
    }


def keep(name: str, measured: Any) -> None:
    """Write for programs what was measured, and on what, into benchmarks/<name>.json."""
    text = json.dumps({"on": machine(), "measured": measured}, indent=1, default=asdict)
    (FOLDER / f"{name}.json").write_text(text + "\n", "utf-8")


def machine() -> str:
    """What it was measured on, for the tables."""
    return f"Python {platform.python_version()} on {platform.machine()}"
