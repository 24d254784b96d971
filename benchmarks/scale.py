"""What a stack would meet at ten million codes a day, computed; nobody has run it at that size.

    .venv/bin/python -m benchmarks.scale [--codes 10000000]

From write units that are measured on the local engine, processor times that `benchmarks.functions`
measured, the template, AWS's documented limits, and the assumptions below. Writes the tables in
docs/scale.md.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rich.console import Console
from samtranslator.yaml_helper import yaml_parse

from benchmarks import bill, closing, costs, document, functions
from benchmarks.backlog import on_lambda
from local.options import positive
from o2o.adapters.dynamodb.table import DUE_SHARDS
from o2o.usecases.expire_codes import LIMIT
from tools.life_cycle import ROOT

DOCUMENT = document.DOCUMENT.with_name("scale.md")
CODES, DAY = 10_000_000, 24 * 3600
PARTITION_WRITES = 1_000
"""What one key of DynamoDB's takes in a second ("Partitions and data distribution")."""
TABLE_WRITES, API_CALLS, CONCURRENCY = 40_000, 2_500, 1_000
"""Quotas of an account in ap-southeast-3: docs/quotas.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What no command here can measure. Change it to what you know of your shop."""

    peak: float = 5
    """The busiest second, in averages."""
    paid: float = 0.6
    """The share of codes that are paid, within 15 minutes; the others live for an hour."""
    largest: float = 1 / 3
    """The share of the largest storefront."""
    reads: float = 1
    """How often a storefront reads a code. Nobody opens the page of one."""
    events: float = 2
    """Activated, and paid or expired: each with a webhook."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that is met at so many codes a second, evenly over the day."""

    what: str
    codes: float
    raised_by: str
    alarm: str
    at_peak: bool = True
    """Whether the busiest second meets it, not the whole day."""


class Scale:
    """A day of so many codes."""

    def __init__(
        self, codes: int, rows: Iterable[costs.Row], assume: Assumptions | None = None
    ) -> None:
        self._codes = codes / DAY
        self._units = {what: writes for what, _, _, writes in rows}
        self._assume = assume or Assumptions()
        self._needs = functions.read()
        self._template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))

    def _default(self, parameter: str) -> float:
        return float(self._template["Parameters"][parameter]["Default"])

    def _function(self, name: str) -> dict[str, Any]:
        logical = "".join(word.capitalize() for word in name.split("_")) + "Function"
        found: dict[str, Any] = self._template["Resources"][logical]["Properties"]
        return found

    def _memory(self, name: str) -> int:
        shared = self._template["Globals"]["Function"]["MemorySize"]
        return int(self._function(name).get("MemorySize", shared))

    def _seconds(self, name: str, waited_ms: float) -> float:
        cpu_ms = self._needs[name].cpu_ms * bill.WHOLE_PROCESSOR_MB / self._memory(name)
        return (cpu_ms + waited_ms) / 1000

    # --- of a code ---------------------------------------------------------------------------

    @property
    def _unpaid(self) -> float:
        return 1 - self._assume.paid

    @cached_property
    def _looks_of_unpaid(self) -> int:
        return sum("look" in step for step in self._units)

    @property
    def asks(self) -> float:
        """Looks at a code for which DOKU is asked."""
        return self._unpaid * self._looks_of_unpaid

    @property
    def due(self) -> float:
        """Entries that become due: looks, and one step of forgetting, two of a paid code."""
        return self.asks + 1 + self._assume.paid

    @property
    def writes(self) -> float:
        """Write units of a code until it is forgotten."""
        units = self._units
        looks = sum(each for step, each in units.items() if "look" in step)
        event = sum(each for step, each in units.items() if "event" in step)
        forgotten = [each for step, each in units.items() if "forgotten" in step]
        return (
            units["POST /payment-codes"]
            + self._assume.paid * (units["DOKU's notification"] + sum(forgotten))
            + self._unpaid * (looks + forgotten[0])
            + self._assume.events * event
        )

    @property
    def due_writes(self) -> float:
        """Writes of the due index: in, moved, and out."""
        paid = 1 + 2 + 2 + 1
        unpaid = 1 + 2 * self._looks_of_unpaid + 1
        return self._assume.paid * paid + self._unpaid * unpaid

    @property
    def calls(self) -> float:
        """Calls of the API."""
        return 1 + self._assume.paid + self._assume.reads

    @property
    def invocations(self) -> float:
        """Of functions; looks come five at a time."""
        return self.calls + 2 * self._assume.events + self.due / 5

    @property
    def busy_seconds(self) -> float:
        """Of functions."""
        assumed = bill.Assumptions()
        wait, assume = assumed.dynamodb_ms, self._assume
        return (
            self._seconds("generate_code", 2 * wait + assumed.doku_ms)
            + assume.paid * self._seconds("receive_notification", 2 * wait + assumed.s3_ms)
            + assume.reads * self._seconds("read_codes", wait)
            + assume.events
            / on_lambda(self._needs["publish_events"].cpu_ms, 1, self._memory("publish_events"))
            + assume.events * self._deliver_seconds
            + self.asks * (2 * wait + assumed.doku_ms) / 1000
        )

    @property
    def _deliver_seconds(self) -> float:
        assumed = bill.Assumptions()
        return self._seconds("deliver_webhooks", 3 * assumed.dynamodb_ms + assumed.storefront_ms)

    # --- tables ------------------------------------------------------------------------------

    def takes(self) -> Iterator[tuple[str, float]]:
        """What is needed in an average second."""
        yield "codes", self._codes
        yield "write units", self._codes * self.writes
        yield "calls of the API", self._codes * self.calls
        yield "calls of DOKU", self._codes * (1 + self.asks)
        yield "entries that become due", self._codes * self.due
        yield "webhooks", self._codes * self._assume.events
        yield "invocations", self._codes * self.invocations
        yield "functions at once", self._codes * self.busy_seconds

    def limits(self) -> list[Limit]:
        """What is met first, first."""
        doku_seconds = bill.Assumptions().doku_ms / 1000
        concurrency, together = self._default("ReconcileConcurrency"), 10
        webhooks = self._default("WebhookConcurrency") * together / self._deliver_seconds
        ceiling, rate = self._default("MaxWriteUnits"), self._default("StorefrontRateLimit")
        asked = 1 + self._assume.reads
        books = closing.Computed.read()
        found = [
            Limit(
                f"`ReconcileConcurrency`, {concurrency:.0f}: {concurrency / doku_seconds:.0f} looks"
                " a second",
                concurrency / doku_seconds / self.asks,
                "the parameter, to 100; agree on a rate with DOKU first",
                "`CodesOverdue`",
            ),
            Limit(
                f"`expire_codes` queues {LIMIT:,} a minute",
                LIMIT / 60 / self.due,
                "`LIMIT` in `usecases/expire_codes.py`: a run has 60 s",
                "`CodesOverdue`",
            ),
            Limit(
                f"`MaxWriteUnits`, {ceiling:,.0f}",
                ceiling / self.writes,
                f"the parameter, to the account's quota of {TABLE_WRITES:,}",
                "`TableThrottled`",
            ),
            Limit(
                f"the account's quota of {TABLE_WRITES:,} write units a table",
                TABLE_WRITES / self.writes,
                "a quota request",
                "`TableThrottled`",
            ),
            Limit(
                f"`StorefrontRateLimit`, {rate:.0f} a second, of the largest storefront",
                rate / asked / self._assume.largest,
                "the parameter; or several storefronts",
                "429 in the API's access log",
            ),
            Limit(
                f"API Gateway's {API_CALLS:,} calls a second",
                API_CALLS / self.calls,
                "a quota request",
                "429 in the API's access log",
            ),
            Limit(
                f"Lambda's {CONCURRENCY:,} at once",
                CONCURRENCY / self.busy_seconds,
                "a quota request; DOKU's routes can have [reserves](quotas.md#reserving-for-doku)",
                "`FunctionsThrottled`",
            ),
            Limit(
                f"`WebhookConcurrency`, {self._default('WebhookConcurrency'):.0f}:"
                f" {webhooks:.0f} webhooks a second",
                webhooks / self._assume.events,
                "the parameter, to 100",
                "`WebhookQueueOld`",
            ),
            Limit(
                "**one key:** the largest storefront's list of events",
                PARTITION_WRITES / self._assume.events / self._assume.largest,
                "more partitions for a list: a change of the table, and of cursors",
                "`TableThrottled`",
            ),
            Limit(
                f"the due index: {DUE_SHARDS} shards for codes",
                DUE_SHARDS * PARTITION_WRITES / self.due_writes,
                "`DUE_SHARDS`, which may [grow](upgrading.md#what-may-change)",
                "`TableThrottled`",
            ),
            Limit(
                f"`close_books`: a day's files in one run of {books.timeout:.0f} s",
                books.most_in_a_run / self._assume.paid / DAY,
                "its `Timeout`, to 900, with its schedule; several stacks",
                "`BooksLate`",
                at_peak=False,
            ),
            Limit(
                "`close_books`: a day is closed in a day",
                books.most_in_a_day / self._assume.paid / DAY,
                "a stack for some of the storefronts",
                "`BooksLate`",
                at_peak=False,
            ),
        ]
        return sorted(found, key=lambda each: each.codes)

    def keys(self) -> Iterator[tuple[str, float]]:
        """What many writes share: writes in the busiest second."""
        codes = self._codes * self._assume.peak
        largest = codes * self._assume.largest
        yield "index `listing`, the largest storefront's events", largest * self._assume.events
        yield "index `listing`, the largest storefront's codes", largest
        yield "index `listing`, the largest storefront's payments; index `paid`, the same", largest
        # Of a code its digits, when they are there and when they are forgotten, and its receipt.
        yield "the largest storefront's search entries: digests, which can be split", 3 * largest
        yield f"index `due`, each of {DUE_SHARDS} shards", codes * self.due_writes / DUE_SHARDS
        yield "a storefront's endpoint, an API key: read, not written", 0

    def rendered(self) -> dict[str, str]:
        """All tables, by their mark."""
        peak = self._assume.peak
        takes = "".join(f"| {what} | {n:,.0f} | {n * peak:,.0f} |\n" for what, n in self.takes())
        limits = "".join(
            f"| {each.what} | {each.codes * DAY / 1e6:,.1f}"
            f" | {each.codes * DAY / (peak if each.at_peak else 1) / 1e6:,.1f}"
            f" | {each.raised_by} | {each.alarm} |\n"
            for each in self.limits()
        )
        keys = "".join(f"| {what} | {n:,.0f} | {PARTITION_WRITES:,} |\n" for what, n in self.keys())
        return {
            "takes": f"| | an average second | the busiest |\n|---|---:|---:|\n{takes}",
            "limits": "| limit | millions of codes a day, evenly | with that peak | what raises it"
            f" | alarm |\n|---|---:|---:|---|---|\n{limits}",
            "keys": f"| key | writes in the busiest second | limit |\n|---|---:|---:|\n{keys}",
        }


def main() -> None:
    """Compute, and write what was computed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--codes", type=positive, default=CODES, help="a day")
    codes: int = parser.parse_args().codes
    for mark, text in Scale(codes, costs.measure().rows).rendered().items():
        document.write(mark, text, DOCUMENT)
        Console(width=160).print(text)


if __name__ == "__main__":
    main()
