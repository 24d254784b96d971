"""What each function needs: memory at its peak, processor time and log for a call.

    .venv/bin/python -m benchmarks.functions [rounds]

Starts a temporary local stack, has each function called in each round, and reads from Linux what
its worker processes used. A worker is forked from a process that has loaded all packages, so that
memory is rather too much than too little. Writes benchmarks/functions.json, from which
`benchmarks.costs` reckons, and the table in docs/benchmarks.md.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import document
from benchmarks.measuring import FOLDER, keep, machine
from local.options import positive
from tests.support.local_stack import LocalStack, started
from tests.support.patience import until

MEASURED = FOLDER / "functions.json"
_QUIET = 50
_CODES = 3
"""How many codes are made in a round."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Needs:
    """Memory in MB at the peak; for a call, milliseconds of one processor and bytes of log."""

    peak_mb: int
    cpu_ms: float
    log_bytes: float


def read() -> dict[str, Needs]:
    """What was measured last, by the function's folder."""
    known = json.loads(MEASURED.read_text("utf-8"))["measured"]
    return {name: Needs(**needs) for name, needs in known.items()}


def workers(stack: LocalStack) -> Iterator[tuple[str, int]]:
    """Function and process id of each worker of the stack: its output goes to its log."""
    logs = str((stack.folder / "logs").resolve())
    for process in Path("/proc").glob("[0-9]*"):
        try:
            output = (process / "fd" / "1").readlink()
        except OSError:
            continue  # not ours, or gone
        if str(output.parent) == logs and output.stem.endswith("Function"):
            yield output.stem, int(process.name)


def folder_of(function: str) -> str:
    """The folder of a function that is called ``SomeNameFunction``: ``some_name``."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", function.removesuffix("Function")).lower()


def used(stack: LocalStack) -> dict[str, Needs]:
    """The highest peak of each function's workers, the time of all of them, and its log's size."""
    total: dict[str, Needs] = {}
    for function, pid in workers(stack):
        name = folder_of(function)
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        cpu_ms = (int(fields[11]) + int(fields[12])) * 1000 / _TICKS
        status = Path(f"/proc/{pid}/status").read_text()
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        peak_mb = int(peak[1]) // 1024 if peak else 0
        log = (stack.folder / "logs" / f"{function}.log").stat().st_size
        others = total.get(name, Needs(0, 0, 0))
        total[name] = Needs(max(others.peak_mb, peak_mb), others.cpu_ms + cpu_ms, log)
    return total


def measure(rounds: int) -> dict[str, Needs]:
    """What each function needed, after it was called often enough to have loaded all it loads."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as stack:
        work = Work(stack)
        work.all(3)  # starts all workers, and opens their connections
        before, events_before = used(stack), events(stack)
        work.all(rounds)
        after = used(stack)
        times = {"generate_code": _CODES * rounds} | {
            name: number - events_before[name] for name, number in events(stack).items()
        }
    return {
        name: Needs(
            needs.peak_mb,
            round((needs.cpu_ms - before[name].cpu_ms) / times.get(name, rounds), 1),
            round((needs.log_bytes - before[name].log_bytes) / times.get(name, rounds)),
        )
        for name, needs in sorted(after.items())
    }


def events(stack: LocalStack) -> dict[str, int]:
    """How many events were published and delivered; these functions do several at a time."""
    said = {
        "publish_events": ("PublishEventsFunction", "event published"),
        "deliver_webhooks": ("DeliverWebhooksFunction", "webhook"),
    }
    return {
        name: sum(line.get("message") == message for line in stack.log(function))
        for name, (function, message) in said.items()
    }


class Work:
    """Has every function called, one call after the other."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack

    def all(self, rounds: int) -> None:
        """Call each function in each round, as a rule once."""
        for index in range(rounds):
            code = self._stack.create()
            path = f"/payment-codes/{code['invoice_number']}"
            self._ok("GET", path)
            self._ok("GET", f"{path}/how-to-pay")
            self._ok("GET", "/pay/" + code["pay_url"].rpartition("/pay/")[2])
            self._ok("POST", f"{path}/refresh")
            self._ok("GET", "/openapi.json")
            self._ok("GET", "/events?limit=20")
            self._ok("GET", "/books?limit=20")
            self._ok("GET", "/payments?limit=20")
            # A key that the API has not seen yet, so that it asks.
            unknown = {"Authorization": f"Bearer o2o_{time.monotonic_ns()}_{index}"}
            self._stack.call("GET", "/channels", headers=unknown)
            self._stack.pay(code)
            self._stack.attempts(code["invoice_number"])
            self._ok("POST", f"{path}/payments/1/resolution", json={"resolution": "fulfilled"})
            asked = self._stack.create(bin="70014", feature="dipc")
            self._stack.doku("POST", "/inquiry", {"payment_code": asked["payment_code"]})
            self._ok("POST", f"/payment-codes/{asked['invoice_number']}/cancel")
            self._stack.create(expires_in_minutes=60)
        for _ in range(rounds):
            self._stack.run_schedules()
        self._stack.advance(minutes=61)
        self._rest()

    def _ok(self, method: str, path: str, **options: Any) -> None:
        answer = self._stack.call(method, path, **options)
        if not answer.ok:
            sys.exit(f"functions: {method} {path} was answered {answer.status_code}.")

    def _rest(self) -> None:
        """Wait until no function works any more."""
        looks: list[dict[str, Needs]] = []

        def rests() -> bool:
            looks.append(used(self._stack))
            return len(looks) > _QUIET and all(each == looks[-1] for each in looks[-_QUIET:])

        until(rests)


def main() -> None:
    """Measure, print the results and write them down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rounds", type=positive, nargs="?", default=40)
    rounds: int = parser.parse_args().rounds
    found = measure(rounds)
    table = Table("function", "MB", "CPU ms", "bytes of log")
    for name, needs in found.items():
        table.add_row(name, str(needs.peak_mb), f"{needs.cpu_ms:g}", f"{needs.log_bytes:g}")
    Console().print(table)
    keep("functions", found)
    rows = "\n".join(
        f"| `{name}` | {needs.peak_mb} | {needs.cpu_ms:g} | {needs.log_bytes:g} |"
        for name, needs in found.items()
    )
    document.write(
        "functions",
        f"{rounds} rounds, {machine()}. For a call; "
        "of `publish_events` and `deliver_webhooks` for an event.\n\n"
        "| function | MB at its peak | ms of one processor | bytes of log |\n"
        f"|---|---:|---:|---:|\n{rows}\n",
    )


if __name__ == "__main__":
    main()
