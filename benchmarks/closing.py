"""How long the closing of a day takes, by its payments; what a million of them would take.

    .venv/bin/python -m benchmarks.closing [--payments 4000]

Codes are created, paid at the simulator's till, notified and announced on the local engine, as in
`benchmarks.costs`; then their day is closed, once with so many payments and once with a quarter of
them: what a payment adds is the same in both, or the closing is not linear. Counted are processor
time, requests to DynamoDB and to the books' bucket; and, when the day is closed again, memory at
its peak. A million payments are computed from that. Writes the table in docs/benchmarks.md.
"""

import argparse
import json
import math
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from rich.console import Console
from rich.progress import track
from samtranslator.yaml_helper import yaml_parse

from benchmarks import costs, document, functions
from benchmarks.measuring import FOLDER, keep, machine
from local.options import positive
from o2o.core.closed_days import ClosedDay
from o2o.usecases.close_books import CloseBooks
from o2o.usecases.read_day import ENOUGH
from tests.support.capacity import CapacityMeter
from tests.support.memory import MemoryBooksFiles
from tools.life_cycle import ROOT

MANY = 1_000_000
MEASURED = FOLDER / "closing.json"

PAGE_MS, FILE_MS = 20, 60
"""Assumed: a request for a page of a hundred items, and one for a slice of the books' bucket."""

_MB = 1024**2


class CountedFiles(MemoryBooksFiles):
    """The books' bucket, which counts its requests."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = 0

    def write(self, key: str, parts: Iterable[bytes]) -> str:
        """Write a file, as the port says."""
        self.requests += 1
        return super().write(key, parts)

    def read(self, key: str) -> bytes | None:
        """Read a file, as the port says."""
        self.requests += 1
        return super().read(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What the closing of a day took."""

    payments: int
    cpu_seconds: float
    pages: Mapping[str, int]
    """Requests to DynamoDB, by operation."""
    files: int
    """Requests to the books' bucket."""
    peak_mb: float
    """Memory at the peak, beyond what was there before."""

    def beyond(self, smaller: "Closed") -> "Adds":
        """What each payment more than those of another day takes."""
        more = self.payments - smaller.payments
        pages = sum(self.pages.values()) - sum(smaller.pages.values())
        return Adds(
            cpu_ms=1000 * (self.cpu_seconds - smaller.cpu_seconds) / more,
            pages=pages / more,
            files=(self.files - smaller.files) / more,
            kb=1024 * (self.peak_mb - smaller.peak_mb) / more,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Adds:
    """What a payment adds to the closing of its day."""

    cpu_ms: float
    pages: float
    files: float
    kb: float

    @property
    def seconds(self) -> float:
        """All of its time, one thing after the other, on a processor of its own."""
        return (self.cpu_ms + self.pages * PAGE_MS + self.files * FILE_MS) / 1000


def close(bench: costs.Bench) -> Closed:
    """Close the day that is over; then close it again, for its memory."""
    files = CountedFiles()
    close_books = replace(bench.close_books, files=files)
    with CapacityMeter(bench.client) as meter:
        began = time.process_time()
        day = _busiest(close_books)
        cpu = time.process_time() - began
    requests = files.requests
    close_books.again(date.fromisoformat(day.day))
    tracemalloc.start()
    again = _busiest(close_books)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    costs.expect(again.count == day.count, "the day has the same payments again")
    return Closed(
        payments=day.count,
        cpu_seconds=cpu,
        pages=dict(Counter(meter.operations)),
        files=requests,
        peak_mb=peak / _MB,
    )


def _busiest(close_books: CloseBooks) -> ClosedDay:
    """The busiest of the days that a run closes, which has all the time that it needs."""
    days = close_books(lambda: math.inf).closed
    costs.expect(len(days) > 0, "a day is closed")
    return max(days, key=lambda each: each.count)


def measure(payments: int) -> list[Closed]:
    """A day of a quarter of the payments, and one of all."""
    found = []
    with costs.opened() as (bench, doku, receiver, clock):
        bench.storefronts.add("shop", "Shop")
        close_books = bench.close_books
        close_books(lambda: math.inf)
        clock.advance(days=3)
        close_books(lambda: math.inf)
        for number in (payments // 4, payments):
            orders = [f"{number}-PAYMENTS-{index:07}" for index in range(number)]
            paid = track(orders, description=f"{number:,} payments", console=Console(stderr=True))
            costs.pay_codes(bench, doku, receiver, paid)
            clock.advance(days=2)
            found.append(close(bench))
            costs.expect(found[-1].payments == number, "the day has all its payments")
    return found


def rendered(smaller: Closed, larger: Closed) -> str:
    """What is written into the document."""
    rows = "".join(
        f"| {each.payments:,} | {each.cpu_seconds:.1f} | {sum(each.pages.values()):,}"
        f" | {each.files:,} | {each.peak_mb:.1f} |\n"
        for each in (smaller, larger)
    )
    adds = larger.beyond(smaller)
    return (
        f"{machine()}.\n\n"
        "| payments of the day | seconds of one processor | requests to DynamoDB | to the bucket"
        " | MB of memory at the peak |\n"
        f"|---:|---:|---:|---:|---:|\n{rows}"
        f"| **a payment adds** | **{1000 * adds.cpu_ms:,.0f} µs** | **{adds.pages:.2f}**"
        f" | **{adds.files:.4f}** | **{adds.kb:.2f} KB** |\n\n"
        + Computed(smaller, larger).rendered(MANY)
    )


class Computed:
    """A day of any number of payments, from two that were measured, and the template."""

    def __init__(self, smaller: Closed, larger: Closed) -> None:
        template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
        function = template["Resources"]["CloseBooksFunction"]["Properties"]
        self.timeout = float(function["Timeout"])
        self.memory = float(function["MemorySize"])
        """MB."""
        self._adds = larger.beyond(smaller)
        at_rest = functions.read()["close_books"].peak_mb
        self._base = at_rest + larger.peak_mb - self._adds.kb * larger.payments / 1024

    @classmethod
    def read(cls) -> Self:
        """From what was measured last."""
        known = json.loads(MEASURED.read_text("utf-8"))["measured"]
        return cls(*(Closed(**each) for each in known))

    def seconds(self, payments: int) -> float:
        """Of work."""
        return self._adds.seconds * payments

    def runs(self, payments: int) -> int:
        """One behind the other, each until it begins nothing more."""
        return math.ceil(self.seconds(payments) / (self.timeout - ENOUGH))

    def peak_mb(self, payments: int) -> float:
        """Of memory."""
        return self._base + self._adds.kb * payments / 1024

    @property
    def most_in_memory(self) -> float:
        """How many payments a day may have until the memory is full."""
        return (self.memory - self._base) * 1024 / self._adds.kb

    @property
    def most_in_a_day(self) -> float:
        """How many payments a day may have until its closing takes a day."""
        return 24 * 3600 * (self.timeout - ENOUGH) / self.timeout / self._adds.seconds

    def rendered(self, payments: int) -> str:
        """What is written into the document."""
        runs = self.runs(payments)
        return (
            f"| {payments:,} payments, computed | |\n|---|---:|\n"
            f"| minutes of work | {self.seconds(payments) / 60:,.0f} |\n"
            f"| runs, which begin nothing in the last {ENOUGH / 60:.0f} of their"
            f" {self.timeout / 60:.0f} minutes | {runs} |\n"
            f"| hours until the day is closed | {runs * self.timeout / 3600:.1f} |\n"
            f"| MB of memory, of {self.memory:,.0f} | {self.peak_mb(payments):,.0f} |\n"
        )


def main() -> None:
    """Measure, and write what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--payments", type=positive, default=4_000, help="of the day")
    found = measure(parser.parse_args().payments)
    keep("closing", found)
    document.write("closing", rendered(*found))
    Console(width=140).print(document.marked("closing"))


if __name__ == "__main__":
    main()
