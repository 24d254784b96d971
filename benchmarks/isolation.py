"""What a storefront notices while another one sends all that it can.

    .venv/bin/python -m benchmarks.isolation [calls] [senders]

Starts a temporary local stack. One storefront reads a code and creates one in turn, ten times a
second, and DOKU inquires about another: first alone, then while the first storefront floods the API
from several senders, with its rate limited to the template's default, and with no real limit.
Writes the medians and the slowest of a hundred into docs/benchmarks.md. The stack, the senders and
DOKU's simulator share this machine, so the numbers say how the three compare, not what AWS does.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests
from rich.console import Console
from rich.table import Table
from samtranslator.yaml_helper import yaml_parse

from benchmarks import document
from benchmarks.measuring import keep, machine
from local.options import positive
from tests.support.local_stack import LocalStack, new_storefront

ROOT = Path(__file__).parent.parent
PACE_SECONDS = 0.1
LIMITS = ("StorefrontRateLimit", "StorefrontBurstLimit")
CALLS = ("read", "create", "inquiry")

Times = dict[str, list[float]]


def defaults() -> dict[str, str]:
    """The storefronts' limits as the template has them."""
    parameters = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))["Parameters"]
    return {name: str(parameters[name]["Default"]) for name in LIMITS}


@contextmanager
def running(parameters: dict[str, str]) -> Iterator[LocalStack]:
    """A local stack in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = tuple(f"--parameter={name}={value}" for name, value in parameters.items())
        stack = LocalStack(folder=Path(folder), arguments=arguments)
        stack.start()
        try:
            yield stack
        finally:
            stack.http.close()
            stack.stop()


@contextmanager
def flood(stack: LocalStack, senders: int) -> Iterator[Counter[int]]:
    """Have the first storefront send as fast as it is answered; counts its answers."""
    over, answers = threading.Event(), Counter[int]()
    pool = ThreadPoolExecutor(senders)

    def send() -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {stack.about['api_key']}"
            while not over.is_set():
                answer = session.get(
                    f"{stack.about['api_url']}/payment-codes?limit=100", timeout=60
                )
                answers[answer.status_code] += 1

    sending = [pool.submit(send) for _ in range(senders)]
    try:
        yield answers
    finally:
        over.set()
        pool.shutdown()
        for each in sending:
            each.result()


def measure(stack: LocalStack, key: str, inquired: str, calls: int) -> Times:
    """Seconds of each call of the other storefront's, and of DOKU's. Each must succeed."""
    headers = {"Authorization": f"Bearer {key}"}
    code = stack.order()
    answer = stack.call("POST", "/payment-codes", json=code, headers=headers)
    answer.raise_for_status()
    times: Times = {name: [] for name in CALLS}

    def read() -> None:
        path = f"/payment-codes/{code['invoice_number']}"
        stack.call("GET", path, headers=headers).raise_for_status()

    def create() -> None:
        order = stack.order()
        stack.call("POST", "/payment-codes", json=order, headers=headers).raise_for_status()

    def inquire() -> None:
        stack.doku("POST", "/inquiry", {"payment_code": inquired})

    each: dict[str, Callable[[], None]] = dict(zip(CALLS, (read, create, inquire), strict=True))
    for _ in range(calls):
        for name, call in each.items():
            began = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - began)
        time.sleep(PACE_SECONDS)
    return times


def story(calls: int, senders: int) -> tuple[dict[str, Times], Counter[int]]:
    """The three measurements by name, and how the limited flood was answered."""
    found: dict[str, Times] = {}
    refused: Counter[int] = Counter()
    for name, parameters in (("limited", defaults()), ("unlimited", {})):
        with running(parameters) as stack:
            key = new_storefront(stack, "other")
            inquired = stack.create(feature="dipc", bin="889955")["payment_code"]
            measure(stack, key, inquired, 10)  # functions are loaded at their first call
            if name == "limited":
                found["alone"] = measure(stack, key, inquired, calls)
            with flood(stack, senders) as answers:
                found[name] = measure(stack, key, inquired, calls)
            refused = refused or answers
    return found, refused


def row(seconds: Sequence[float]) -> tuple[str, str]:
    """The median and the 99th percentile in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"{cuts[49] * 1000:,.0f}", f"{cuts[98] * 1000:,.0f}"


def main() -> None:
    """Measure, print the results and write them into the document."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("calls", type=positive, nargs="?", default=200)
    parser.add_argument("senders", type=positive, nargs="?", default=16)
    options = parser.parse_args()
    found, answers = story(options.calls, options.senders)
    titles = {
        "alone": "alone",
        "limited": "beside a flood, at the default rate",
        "unlimited": "beside a flood without a limit",
    }
    table = Table("", *(f"{call}, {what}" for call in CALLS for what in ("p50", "p99")))
    lines = ["| | " + " | ".join(f"{call} p50 | p99" for call in CALLS) + " |"]
    lines.append("|---|" + "---:|" * 2 * len(CALLS))
    for name, title in titles.items():
        cells = [cell for call in CALLS for cell in row(found[name][call])]
        table.add_row(title, *cells)
        lines.append(f"| {title} | {' | '.join(cells)} |")
    Console().print(table)
    keep("isolation", {"seconds": found, "answers_to_the_flood": answers})
    document.write(
        "isolation",
        f"{options.calls:,} calls of each kind, {options.senders} senders, milliseconds,"
        f" {machine()}. Of the flood at the default rate {answers[200]:,} requests were let in and"
        f" {answers[429]:,} refused.\n\n" + "\n".join(lines) + "\n",
    )


if __name__ == "__main__":
    main()
