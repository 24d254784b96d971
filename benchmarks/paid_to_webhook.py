"""How long it takes from a payment at the till until the storefront receives the webhook.

    .venv/bin/python -m benchmarks.paid_to_webhook [payments] [customers]

Starts a temporary local stack and a receiver. Customers pay in parallel, each one the next code as
soon as the storefront has received the webhook. The time runs from the request to the till to pay
until the receiver has the signed event. In between are DOKU's notification, its verification, the
settlement, the table's stream, the event bus, the queue and the POST. Writes the distribution into
docs/benchmarks.md.
"""

import argparse
import json
import math
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import document, picture
from benchmarks.measuring import keep, machine
from local.options import positive
from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
from o2o.adapters.dynamodb.store import Store
from tests.support.local_stack import LocalStack
from tests.support.receivers import Handler, receiver

PATIENCE_SECONDS = 60.0


class Arrivals:
    """Records when the storefront's events arrive."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], float] = {}
        self._changed = threading.Condition()

    def receive(self, request: Handler) -> None:
        """Record an event and answer 204."""
        now = time.perf_counter()
        body = json.loads(request.body)
        with self._changed:
            self._times[body["type"], body["data"].get("invoice_number")] = now
            self._changed.notify_all()
        request.send_response(204)
        request.end_headers()

    def time_of(self, kind: str, invoice_number: str) -> float:
        """Wait for an event; returns its ``time.perf_counter``. Raises TimeoutError."""
        event = (f"payment_code.{kind}", invoice_number)
        with self._changed:
            if not self._changed.wait_for(lambda: event in self._times, timeout=PATIENCE_SECONDS):
                raise TimeoutError(f"no event payment_code.{kind} of {invoice_number}")
            return self._times[event]


def measure(payments: int, customers: int) -> list[float]:
    """Seconds from the till to the receiver, for each payment."""
    arrivals = Arrivals()
    with (
        tempfile.TemporaryDirectory() as folder,
        receiver(arrivals.receive) as end,
        ThreadPoolExecutor(customers) as pool,
        Progress(transient=True) as progress,
    ):
        stack = LocalStack(folder=Path(folder))
        stack.start()
        try:
            store = Store(stack.dynamodb(), stack.about["outputs"]["TableName"])
            endpoints = DynamoEndpointStore(store)
            endpoint = endpoints.get_endpoint("demo")
            if endpoint is None:
                raise LookupError("the demo storefront has no endpoint")
            endpoints.save_endpoint(endpoint.point_to(end.url))
            task = progress.add_task("Codes", total=payments)

            def create(_: int) -> dict[str, Any]:
                code = stack.create(expires_in_minutes=24 * 60)
                arrivals.time_of("activated", code["invoice_number"])
                progress.advance(task)
                return code

            codes = list(pool.map(create, range(payments)))
            progress.reset(task, description="Payments", total=payments)

            def pay(code: dict[str, Any]) -> float:
                began = time.perf_counter()
                stack.pay(code)
                seconds = arrivals.time_of("paid", code["invoice_number"]) - began
                progress.advance(task)
                return seconds

            return list(pool.map(pay, codes))
        finally:
            stack.stop()


def distribution(seconds: Sequence[float]) -> dict[str, float]:
    """Extremes and percentiles in milliseconds, by name."""
    several = [*seconds, *seconds] if len(seconds) == 1 else seconds  # Python 3.11 wants two
    cuts = statistics.quantiles(several, n=100, method="inclusive")
    quantiles = {
        "fastest": min(seconds),
        "p50": cuts[49],
        "p90": cuts[89],
        "p99": cuts[98],
        "slowest": max(seconds),
    }
    return {name: value * 1000 for name, value in quantiles.items()}


def write(found: dict[str, float], payments: int, customers: int) -> None:
    """Write the numbers into the document."""
    rows = "\n".join(f"| {name} | {value:,.0f} |" for name, value in found.items())
    document.write(
        "paid-to-webhook",
        f"{payments:,} payments, {customers} customers at a time, {machine()}.\n\n"
        f"| | milliseconds |\n|---|---:|\n{rows}\n",
    )


def main() -> None:
    """Measure, print the results and write them into the document."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("payments", type=positive, nargs="?", default=1_000)
    parser.add_argument("customers", type=positive, nargs="?", default=4)
    options = parser.parse_args()
    payments, customers = options.payments, options.customers
    seconds = sorted(measure(payments, customers))
    found = distribution(seconds)
    table = Table("", "milliseconds", title=f"Paid at the till to webhook received, {payments}x")
    for name, value in found.items():
        table.add_row(name, f"{value:,.0f}")
    Console().print(table)
    write(found, payments, customers)
    keep("paid_to_webhook", {"milliseconds": [round(each * 1000, 1) for each in seconds]})
    draw(seconds)


def draw(seconds: Sequence[float]) -> None:
    """Which share of the payments arrived within how long; the slowest hundredth is left out."""
    shown = seconds[: math.ceil(len(seconds) * 0.99)]
    end = math.ceil(shown[-1] * 10) * 100
    step = math.ceil(end / 1000) * 100 // 2
    picture.draw(
        "paid-to-webhook",
        {"": [(each * 1000, place / len(seconds)) for place, each in enumerate(shown, 1)]},
        "milliseconds from the till to the storefront",
        "share of the payments",
        {tick: str(tick) for tick in range(0, end + step, step)},
        {each / 4: f"{each * 25} %" for each in range(5)},
    )


if __name__ == "__main__":
    main()
