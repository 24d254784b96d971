"""The bill of a month, idle and busy, line by line: what is there is read from the template.

Nothing here is counted by hand. Alarms, snapshots, secrets, queues, routes and schedules are those
of template.yaml in prod; metrics are those that the code counts; units, processor time and log
lines were measured; `Assumptions` has the rest.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from benchmarks import prices
from benchmarks.functions import Needs
from benchmarks.prices import MINUTES_A_MONTH, SECONDS_A_MONTH, Price
from local.template import translate
from tools.life_cycle import ROOT

GB = 1024**3
PAID_CODES = 1_000_000
WHOLE_PROCESSOR_MB = 1769
"""Lambda gives a function of this size one processor, and others in proportion."""
_POLLERS, _POLL_SECONDS = 5, 20
_METRICS_OF_A_ROUTE = 5
_IN_THE_TABLE, _ARCHIVED = (prices.STORED, prices.BACKED_UP), (prices.ARCHIVED,)
_SENT_AT_ONCE = 10
"""What the sweep queues goes in batches of SQS's size."""
_KEY_MINUTES = 5
"""DynamoDB asks KMS for a table's key again after so long."""
_SWEEP = "expire_codes"
_PLATFORM_LOG_BYTES = 480
"""Lambda's own lines START, END and REPORT about each call, where the log's format is Text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What no command here can measure. Change it to what you know of your shop."""

    dynamodb_ms: float = 5
    """One request to DynamoDB, SQS or EventBridge."""
    s3_ms: float = 30
    """One small object put into a bucket."""
    doku_ms: float = 800
    """DOKU's answer to a request for a code."""
    storefront_ms: float = 300
    """A storefront's answer to a webhook."""
    reads: float = 2
    """How often a storefront reads a code."""
    pages: float = 1
    """How often a customer opens the page of a code."""
    looks_of_a_page: float = 8
    """How often a page that is looked at for five minutes asks for news: at most so often."""
    page_kb: float = 20
    answer_kb: float = 2
    access_log_bytes: float = 600
    restored: float = 0.001
    """The share of calls that start a function anew."""
    idle_gb: float = 1
    """What the table of a stack holds that has had some traffic."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a bill: so many units at a price."""

    what: str
    units: float
    price: Price

    @property
    def usd(self) -> float:
        """US dollars."""
        return self.price.of(self.units)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured: read and write units and requests by step, needs by function."""

    units: Mapping[str, tuple[float, float]]
    requests: Mapping[str, int]
    stored_bytes: float
    """What the table keeps of a code that was paid, its payment and its events."""
    payment_bytes: float
    """What the table keeps of a payment with DOKU's message,"""
    plain_bytes: float
    """and what it would keep if that were not compressed."""
    archived_bytes: float
    """What the archive keeps of a notification."""
    needs: Mapping[str, Needs]


class Bill:
    """The bill of the template's stack in prod."""

    def __init__(self, measured: Measured, assume: Assumptions | None = None) -> None:
        self._measured = measured
        self._assume = assume or Assumptions()

    @cached_property
    def _resources(self) -> dict[str, Any]:
        samconfig = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
        given = dict(samconfig["prod"]["deploy"]["parameters"]["parameter_overrides"])
        given.pop("$include")
        known = {**given, "BuildHash": "0" * 64, "Version": "0.0.0", "Bins": "[]"}
        translated: dict[str, Any] = translate(ROOT / "template.yaml", known)["Resources"]
        return translated

    def _of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {
            name: resource.get("Properties", {})
            for name, resource in self._resources.items()
            if resource["Type"] == kind
        }

    # --- idle --------------------------------------------------------------------------------

    def idle(self) -> Iterator[Line]:
        """A month in which nothing happens."""
        functions = self._of_type("AWS::Lambda::Function")
        snapshots = {
            name: each["MemorySize"]
            for name, each in functions.items()
            if "PublishedVersions" in json.dumps(each.get("SnapStart"))
        }
        yield Line(
            f"{len(snapshots)} snapshots, one version of each function kept",
            sum(snapshots.values()) / 1024 * SECONDS_A_MONTH,
            prices.SNAPSHOT,
        )
        yield from self._watching()
        yield Line(
            f"{len(self._of_type('AWS::SecretsManager::Secret'))} secrets",
            len(self._of_type("AWS::SecretsManager::Secret")),
            prices.SECRET,
        )
        yield from self._sweep()
        queues = [
            each
            for each in self._of_type("AWS::Lambda::EventSourceMapping").values()
            if "Queue" in json.dumps(each["EventSourceArn"])
        ]
        yield Line(
            f"{len(queues)} queues, which Lambda asks whether anything has come",
            len(queues) * _POLLERS * SECONDS_A_MONTH / _POLL_SECONDS,
            prices.QUEUE_CALL,
        )
        yield Line("the table", self._assume.idle_gb, prices.STORED)
        yield Line("its backups of 35 days", self._assume.idle_gb, prices.BACKED_UP)

    def _watching(self) -> Iterator[Line]:
        alarms = self._of_type("AWS::CloudWatch::Alarm").values()
        watched = sum(
            sum("MetricStat" in each for each in alarm.get("Metrics", [])) or 1 for alarm in alarms
        )
        yield Line(
            f"{len(alarms)} alarms, which watch {watched} metrics", watched, prices.ALARM_METRIC
        )
        composite = len(self._of_type("AWS::CloudWatch::CompositeAlarm"))
        if composite:
            yield Line(f"{composite} composite alarms", composite, prices.COMPOSITE_ALARM)
        dashboards = len(self._of_type("AWS::CloudWatch::Dashboard"))
        paid = max(0, dashboards - prices.FREE_DASHBOARDS)
        yield Line(f"{dashboards} dashboards, {paid} of them paid", paid, prices.DASHBOARD)
        sent = metrics_of((ROOT / "functions" / _SWEEP / "app.py").read_text("utf-8"))
        yield Line(f"{len(sent)} metrics that the sweep sends", len(sent), prices.METRIC)

    def _sweep(self) -> Iterator[Line]:
        """What `expire_codes` costs, every minute."""
        step = "expire_codes while nothing is due"
        yield Line("the sweep: its schedule", MINUTES_A_MONTH, prices.SCHEDULED)
        waited = self._measured.requests[step] * self._assume.dynamodb_ms
        yield from self._calls("the sweep", {_SWEEP: (MINUTES_A_MONTH, waited)})
        yield Line(
            "the sweep: what it reads",
            self._measured.units[step][0] * MINUTES_A_MONTH,
            prices.READ_UNIT,
        )
        yield Line(
            "the sweep: its log",
            self._log_bytes(_SWEEP) * MINUTES_A_MONTH / GB,
            prices.LOG,
        )
        table = self._of_type("AWS::DynamoDB::Table")["Table"]
        if table.get("SSESpecification", {}).get("SSEEnabled"):
            yield Line(
                "the sweep: the key that the table is encrypted with",
                MINUTES_A_MONTH / _KEY_MINUTES,
                prices.KEY_CALL,
            )

    # --- busy --------------------------------------------------------------------------------

    def busy(self) -> Iterator[Line]:
        """What a month with a million paid codes costs more than an idle one."""
        assume, codes = self._assume, PAID_CODES
        looks = assume.pages * (1 + assume.looks_of_a_page)
        requests = codes * (2 + assume.reads + looks)
        yield Line("calls of the API", requests, prices.API_CALL)
        wait = assume.dynamodb_ms
        paid = {
            "generate_code": (codes, 2 * wait + assume.doku_ms),
            "receive_notification": (codes, 2 * wait + assume.s3_ms),
            "read_codes": (codes * assume.reads, wait),
            "show_code": (codes * looks, 2 * wait),
            "publish_events": (codes * 2, 2 * wait),
            "deliver_webhooks": (codes * 2, 3 * wait + assume.storefront_ms),
            "reconcile_codes": (codes * 2 / self._batch("ReconcileQueue"), 3 * wait),
        }
        yield from self._calls("functions", paid)
        calls = sum(calls for calls, _ in paid.values())
        memory = self._memory("generate_code") / 1024
        yield Line(
            "snapshots that are started from", calls * assume.restored * memory, prices.RESTORE
        )
        reads, writes = self._units()
        yield Line("what is read from the table", reads * codes, prices.READ_UNIT)
        yield Line("what is written to it", writes * codes, prices.WRITE_UNIT)
        kept = self._measured.stored_bytes * codes / GB
        yield Line("what it keeps, for each month that it does", kept, prices.STORED)
        yield Line("and its backups", kept, prices.BACKED_UP)
        yield Line("notifications put into the archive", codes, prices.PUT)
        archived = self._measured.archived_bytes * codes / GB
        yield Line("what the archive keeps, for each month that it does", archived, prices.ARCHIVED)
        yield Line("events on the bus", codes * 2, prices.EVENT)
        # In, out, and deleted: each event by itself, and two steps of forgetting in batches.
        forgotten = 2 * (1 / _SENT_AT_ONCE + 2 / self._batch("ReconcileQueue"))
        yield Line("calls of the queues", codes * (2 * 3 + forgotten), prices.QUEUE_CALL)
        yield from self._told(requests, paid)
        sent = assume.pages * assume.page_kb + (2 + assume.reads + looks) * assume.answer_kb
        yield Line("what is sent to the internet", sent * codes / 1024**2, prices.SENT)

    def _told(self, requests: float, paid: Mapping[str, tuple[float, float]]) -> Iterator[Line]:
        """Logs and metrics."""
        logged = sum(calls * self._log_bytes(name) for name, (calls, _) in paid.items())
        logged += requests * self._assume.access_log_bytes
        yield Line("logs", logged / GB, prices.LOG)
        yield Line("logs, for each month that they are kept", logged / GB, prices.LOG_KEPT)
        sources = [*ROOT.glob("layers/shared/o2o/entry/*.py"), *ROOT.glob("functions/*/app.py")]
        counted = {name for path in sources for name in metrics_of(path.read_text("utf-8"))}
        yield Line(f"metrics: {len(counted)} if all are sent", len(counted), prices.METRIC)
        (stage,) = self._of_type("AWS::ApiGateway::Stage").values()
        routes = sum(bool(each["MetricsEnabled"]) for each in stage["MethodSettings"])
        yield Line(f"metrics of {routes} route(s)", routes * _METRICS_OF_A_ROUTE, prices.METRIC)

    # --- what would be else ------------------------------------------------------------------

    def levers(self) -> Iterator[tuple[str, float]]:
        """What something would change in the bill of a million paid codes, in USD."""
        whole = total(self.busy())

        def otherwise(**assumed: float) -> float:
            other = Bill(self._measured, replace(self._assume, **assumed))
            return total(other.busy()) - whole

        looks = self._assume.pages * (1 + self._assume.looks_of_a_page)
        cheaper = prices.API_CALL.of(1) - prices.HTTP_API_CALL.of(1)
        yield "nobody opens the payment page", otherwise(pages=0)
        yield "a customer looks at it for a minute", otherwise(looks_of_a_page=4)
        yield "the storefront waits for the webhook and reads nothing", otherwise(reads=0)
        yield "the page alone behind an HTTP API", -cheaper * looks * PAID_CODES
        rest = (2 + self._assume.reads) * PAID_CODES
        yield "all other routes behind an HTTP API, too", -cheaper * (rest + looks * PAID_CODES)
        yield "no event bus", -prices.EVENT.of(2 * PAID_CODES)
        yield "no archive of notifications", -prices.PUT.of(PAID_CODES)
        for memory in (512, 1024):
            yield f"`deliver_webhooks` with {memory} MB", self._with_memory(memory)
        _, forgetting = self._steps("forgotten")
        yield "codes are never forgotten", -prices.WRITE_UNIT.of(forgetting * PAID_CODES)

    def _with_memory(self, memory_mb: int) -> float:
        """What another size of ``deliver_webhooks`` costs more."""
        name = "deliver_webhooks"
        waited = 3 * self._assume.dynamodb_ms + self._assume.storefront_ms
        cpu_ms = self._measured.needs[name].cpu_ms * max(1, WHOLE_PROCESSOR_MB / memory_mb)
        seconds = (cpu_ms + waited) / 1000 * memory_mb / 1024
        more = seconds - self._gb_seconds(name, waited)
        return prices.LAMBDA_TIME.of(2 * PAID_CODES * more)

    def evidence(self, years: float = 5) -> Iterator[tuple[str, float, float]]:
        """Where DOKU's messages may be kept: bytes of a payment, and USD of a million for years."""
        months = 12 * years
        for what, size, rates in (
            ("in the table, as it was", self._measured.plain_bytes, _IN_THE_TABLE),
            ("in the table, compressed", self._measured.payment_bytes, _IN_THE_TABLE),
            ("in the archive, where each is anyway", self._measured.archived_bytes, _ARCHIVED),
        ):
            yield what, size, sum(rate.of(size * PAID_CODES / GB * months) for rate in rates)

    def _steps(self, word: str) -> tuple[float, float]:
        units = [each for step, each in self._measured.units.items() if word in step]
        return sum(read for read, _ in units), sum(write for _, write in units)

    def _units(self) -> tuple[float, float]:
        """Read and write units of a code from its beginning until it is forgotten."""
        units = self._measured.units
        event = [step for step in units if "event" in step]
        steps = ["POST /payment-codes", "DOKU's notification", *event, *event]
        steps += [step for step in units if "forgotten" in step or "closing" in step]
        views = self._assume.reads + 2 * self._assume.pages * (1 + self._assume.looks_of_a_page)
        reads = units["GET /payment-codes/{invoice_number}, paid"][0] * views
        return (
            reads + sum(units[step][0] for step in steps),
            sum(units[step][1] for step in steps),
        )

    # --- functions ---------------------------------------------------------------------------

    def _calls(self, what: str, calls: Mapping[str, tuple[float, float]]) -> Iterator[Line]:
        """Lines for functions that are called so often and wait so many milliseconds each time."""
        yield Line(f"{what}: calls", sum(often for often, _ in calls.values()), prices.LAMBDA_CALL)
        yield Line(
            f"{what}: time",
            sum(often * self._gb_seconds(name, ms) for name, (often, ms) in calls.items()),
            prices.LAMBDA_TIME,
        )

    def _gb_seconds(self, name: str, waited_ms: float) -> float:
        memory = self._memory(name)
        cpu_ms = self._measured.needs[name].cpu_ms * max(1, WHOLE_PROCESSOR_MB / memory)
        return (cpu_ms + waited_ms) / 1000 * memory / 1024

    def _batch(self, queue: str) -> int:
        """How many entries of a queue its function gets at once."""
        mappings = self._of_type("AWS::Lambda::EventSourceMapping").values()
        (size,) = (
            each["BatchSize"] for each in mappings if queue in json.dumps(each["EventSourceArn"])
        )
        return int(size)

    def _function(self, name: str) -> dict[str, Any]:
        logical = "".join(word.capitalize() for word in name.split("_")) + "Function"
        return self._of_type("AWS::Lambda::Function")[logical]

    def _log_bytes(self, name: str) -> float:
        is_text = bool(self._function(name)["LoggingConfig"]["LogFormat"] == "Text")
        return self._measured.needs[name].log_bytes + is_text * _PLATFORM_LOG_BYTES

    def _memory(self, name: str) -> int:
        return int(self._function(name)["MemorySize"])


def metrics_of(source: str) -> set[str]:
    """The metrics that a module counts: names in its calls of ``count`` and its tables."""
    called = re.findall(r'\bcount\(\s*"([A-Z]\w+)"', source)
    tables = re.findall(r'^    \w+\.\w+: "([A-Z][A-Za-z]+)",$', source, re.MULTILINE)
    return {*called, *tables}


def total(lines: Iterable[Line]) -> float:
    """The sum of a bill in US dollars."""
    return sum(line.usd for line in lines)
