"""Whether the local stack stays as fast as it was, however many codes it has had.

    .venv/bin/python -m benchmarks.growth [--codes 100000] [--cycles 300] [--customers 1]

A cycle is a code that is created, paid at the till, notified, and read as paid; the stream makes
events of it meanwhile. So many cycles on an empty stack; then codes are written into its table,
with their records in the stream; then as many cycles again. Writes the table in docs/benchmarks.md.
"""

import argparse
import math
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks import document
from benchmarks.backlog import RETENTION, make_code
from benchmarks.measuring import keep, machine
from local.options import positive
from o2o.adapters.dynamodb.table import code_item
from o2o.core.codes import Status
from tests.support.local_stack import LocalStack, started

_BATCH = 25
"""BatchWriteItem takes this many."""


@dataclass(frozen=True, slots=True)
class Cycles:
    """How some cycles went."""

    seconds: float
    errors: int


def cycles(stack: LocalStack, number: int, customers: int) -> Cycles:
    """Live so many codes, of so many customers at a time."""

    def live(_: int) -> bool:
        try:
            code = stack.create()
            stack.pay(code)
            stack.becomes(code["invoice_number"], "paid")
        except (AssertionError, OSError) as error:
            Console(stderr=True).print(error)
            return False
        return True

    began = time.perf_counter()
    with ThreadPoolExecutor(customers) as pool:
        lived = list(track(pool.map(live, range(number)), total=number, description="cycles"))
    return Cycles(time.perf_counter() - began, lived.count(False))


def fill(stack: LocalStack, number: int) -> None:
    """Write codes of which no event is made, so that only their number tells."""
    dynamodb, name = stack.dynamodb(), stack.about["outputs"]["TableName"]
    now = datetime.now(UTC)
    items = (
        code_item(replace(make_code(n, now), status=Status.REQUESTED, due_at=None), RETENTION)
        for n in range(number)
    )
    for _ in track(range(math.ceil(number / _BATCH)), description="filling"):
        puts = [{"PutRequest": {"Item": item}} for item in islice(items, _BATCH)]
        asked: Any = {name: puts}
        while asked:
            asked = dynamodb.batch_write_item(RequestItems=asked)["UnprocessedItems"]


def main() -> None:
    """Measure, and write what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--codes", type=positive, default=100_000, help="that it has had")
    parser.add_argument("--cycles", type=positive, default=300, help="before and after")
    parser.add_argument("--customers", type=positive, default=1, help="cycles at a time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as stack:
        cycles(stack, 20, arguments.customers)  # starts the workers
        before = cycles(stack, arguments.cycles, arguments.customers)
        fill(stack, arguments.codes)
        # The stream is behind: a cycle is only as fast as before once that has been read.
        last = stack.create()
        stack.pay(last)
        stack.becomes(last["invoice_number"], "paid")
        after = cycles(stack, arguments.cycles, arguments.customers)
    rows = "".join(
        f"| {what} | {arguments.cycles / each.seconds:.1f} | {each.errors} |\n"
        for what, each in (
            ("an empty stack", before),
            (f"one that has had {arguments.codes:,} codes", after),
        )
    )
    keep("growth", {"before": before, "codes": arguments.codes, "after": after})
    document.write(
        "growth",
        f"{arguments.cycles:,} cycles each, {arguments.customers} at a time, {machine()}.\n\n"
        f"| | cycles a second | errors |\n|---|---:|---:|\n{rows}",
    )
    Console().print(document.marked("growth"))


if __name__ == "__main__":
    main()
