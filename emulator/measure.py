"""What a stack takes of this machine, and how fast it answers: `make emulate ARGS=--measure`."""

import os
import statistics
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

_TIMES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """``start``: seconds until it answers; ``memory``: bytes, shared pages shared out."""

    start: float
    processes: int
    memory: int
    create: float
    read: float

    def __str__(self) -> str:
        return (
            f"starts in {self.start:.0f} s, {self.processes} processes,"
            f" {self.memory / 2**20:.0f} MiB, a create {self.create * 1000:.0f} ms,"
            f" a read {self.read * 1000:.0f} ms"
        )


def measure(about: Mapping[str, Any], start: float, processes: Iterable[int]) -> Measured:
    """Measure a stack that is in use already: medians of 30 calls, one after the other."""
    processes = set(processes)
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {about['api_key']}"
        url = f"{about['api_url']}/payment-codes"
        creates, reads = [], []
        for number in range(_TIMES):
            order = {
                "invoice_number": f"MEASURED-{number}",
                "amount": 25_000,
                "channel": "indomaret",
                "feature": "dipc",
                "customer": {"name": "Anton Budiman"},
            }
            before = time.perf_counter()
            session.post(url, json=order, timeout=60).raise_for_status()
            between = time.perf_counter()
            session.get(f"{url}/MEASURED-{number}", timeout=60).raise_for_status()
            creates.append(between - before)
            reads.append(time.perf_counter() - between)
    return Measured(
        start=start,
        processes=len(processes),
        memory=sum(map(_memory, processes)),
        create=statistics.median(creates),
        read=statistics.median(reads),
    )


def family() -> set[int]:
    """This process and all that come from it, on Linux; elsewhere nothing."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has just ended
    found = {os.getpid()} & parents.keys()
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _memory(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
