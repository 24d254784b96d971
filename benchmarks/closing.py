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
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from hashlib import file_digest
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import track
from samtranslator.yaml_helper import yaml_parse

from benchmarks import costs, document
from benchmarks.measuring import FOLDER, keep, machine
from local.options import positive
from o2o.core.closed_days import ClosedDay
from o2o.usecases.close_books import CloseBooks
from o2o.usecases.ports import BooksFiles
from o2o.usecases.read_day import ENOUGH
from tests.support.capacity import CapacityMeter
from tools.life_cycle import ROOT

MANY = 1_000_000
MEASURED = FOLDER / "closing.json"

PAGE_MS, FILE_MS = 20, 60
"""Assumed: a request for a page of a hundred items, and one for a slice of the books' bucket."""

_MB = 1024**2


class CountedFiles(BooksFiles):
    """The books' bucket as a folder, so that it takes no memory; it counts its requests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.requests = 0
        self._read_until: dict[str, tuple[float, int]] = {}
        self._made: dict[str, tuple[float, int]] = {}

    def write(self, key: str, parts: Iterable[bytes]) -> str:
        """Write a file, as the port says."""
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError), path.open("xb") as file:
            file.writelines(parts)
        self.requests += 1
        kind, day, *_ = key.split("/")
        here = self._read_until if kind == "slices" else self._made
        here[day] = time.process_time(), self.requests
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()

    def read(self, key: str) -> bytes | None:
        """Read a file, as the port says."""
        self.requests += 1
        path = self._folder / key
        return path.read_bytes() if path.exists() else None

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys below a prefix, as the port says."""
        found = (self._folder / prefix).rglob("*.*")
        yield from sorted(str(each.relative_to(self._folder)) for each in found)

    def making(self, day: str) -> tuple[float, int]:
        """From a day's last slice to its last file: seconds of a processor, and requests."""
        begun, ended = self._read_until[day], self._made[day]
        return ended[0] - begun[0], ended[1] - begun[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What the closing of a day took."""

    payments: int
    cpu_seconds: float
    pages: Mapping[str, int]
    """Requests to DynamoDB, by operation."""
    files: int
    """Requests to the books' bucket."""
    making_cpu_seconds: float
    making_files: int
    """Of these, what its files took once all was read: that is not divided into slices."""
    peak_mb: float
    """Memory at the peak, beyond what was there before."""

    def beyond(self, smaller: "Closed") -> "Adds":
        """What each payment more than those of another day takes."""
        more = self.payments - smaller.payments
        pages = sum(self.pages.values()) - sum(smaller.pages.values())
        making_ms = 1000 * (self.making_cpu_seconds - smaller.making_cpu_seconds)
        making_ms += (self.making_files - smaller.making_files) * FILE_MS
        return Adds(
            cpu_ms=1000 * (self.cpu_seconds - smaller.cpu_seconds) / more,
            pages=pages / more,
            files=(self.files - smaller.files) / more,
            making_ms=making_ms / more,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Adds:
    """What a payment adds to the closing of its day."""

    cpu_ms: float
    pages: float
    files: float
    making_ms: float
    """Of it, until the files are made."""

    @property
    def seconds(self) -> float:
        """All of its time, one thing after the other, on a processor of its own."""
        return (self.cpu_ms + self.pages * PAGE_MS + self.files * FILE_MS) / 1000


def close(bench: costs.Bench, folder: Path) -> Closed:
    """Close the day that is over; then close it again, for its memory."""
    files = CountedFiles(folder)
    close_books = replace(bench.close_books, files=files)
    with CapacityMeter(bench.client) as meter:
        began = time.process_time()
        day = _busiest(close_books)
        cpu = time.process_time() - began
    requests, (making_cpu, making_files) = files.requests, files.making(day.day)
    return Closed(
        payments=day.count,
        cpu_seconds=cpu,
        pages=dict(Counter(meter.operations)),
        files=requests,
        making_cpu_seconds=making_cpu,
        making_files=making_files,
        peak_mb=_peak_mb(close_books, day),
    )


def _peak_mb(close_books: CloseBooks, day: ClosedDay) -> float:
    """Memory at the peak of another closing of the day."""
    close_books.again(date.fromisoformat(day.day))
    tracemalloc.start()
    again = _busiest(close_books)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    costs.expect(again.count == day.count, "the day has the same payments again")
    return peak / _MB


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
        costs.begin_books(bench, clock)
        for number in (payments // 4, payments):
            orders = [f"{number}-PAYMENTS-{index:07}" for index in range(number)]
            paid = track(orders, description=f"{number:,} payments", console=Console(stderr=True))
            costs.pay_codes(bench, doku, receiver, paid)
            clock.advance(days=2)
            with tempfile.TemporaryDirectory() as folder:
                found.append(close(bench, Path(folder)))
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
        f" | **{adds.files:.4f}** | |\n\n" + Computed(smaller, larger).rendered(MANY)
    )


class Computed:
    """A day of any number of payments, from two that were measured, and the template."""

    def __init__(self, smaller: Closed, larger: Closed) -> None:
        template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
        function = template["Resources"]["CloseBooksFunction"]["Properties"]
        self.timeout = float(function["Timeout"])
        self._adds = larger.beyond(smaller)

    @classmethod
    def read(cls) -> Self:
        """From what was measured last."""
        known = json.loads(MEASURED.read_text("utf-8"))["measured"]
        return cls(*(Closed(**each) for each in known))

    @property
    def most_in_a_run(self) -> float:
        """How many payments a day may have until one run can't make its files."""
        return self.timeout * 1000 / self._adds.making_ms

    @property
    def most_in_a_day(self) -> float:
        """How many payments a day may have until its closing takes a day."""
        return 24 * 3600 * (self.timeout - ENOUGH) / self.timeout / self._adds.seconds

    def rendered(self, payments: int) -> str:
        """What is written into the document."""
        work = self._adds.seconds * payments
        runs = math.ceil(work / (self.timeout - ENOUGH))
        return (
            f"| {payments:,} payments, computed | |\n|---|---:|\n"
            f"| minutes of work | {work / 60:,.0f} |\n"
            f"| runs, which begin nothing in the last {ENOUGH / 60:.0f} of their"
            f" {self.timeout / 60:.0f} minutes | {runs} |\n"
            f"| seconds of the last run, of {self.timeout:.0f}: files are made in one"
            f" | {self._adds.making_ms * payments / 1000:.0f} |\n"
            f"| hours until the day is closed | {runs * self.timeout / 3600:.1f} |\n"
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
