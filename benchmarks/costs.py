"""What O2O costs: the bill of an idle month, and what a million paid codes add to it.

    .venv/bin/python -m benchmarks.costs [--write]

First the use cases run on the local engine (Dynoxide) with the template's defaults, against the
DOKU simulator over HTTP, so that messages have their real sizes. Units are those of on-demand
tables: one write unit for each started KB of an item, twice that in a transaction, and one more for
each index entry that is written or removed. The bill follows from them, from the template, from
what `benchmarks.functions` measured, from prices.py and from the assumptions in bill.py. --write
puts it into docs/benchmarks.md.
"""

import argparse
import json
import logging
import queue
import sys
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import requests
from rich.console import Console
from rich.table import Table
from samtranslator.yaml_helper import yaml_parse

from benchmarks import document, functions
from benchmarks.bill import Bill, Line, Measured, total
from o2o.adapters.archive import encode
from o2o.adapters.doku.archived import DokuArchiveReader
from o2o.adapters.doku.client import DokuClient
from o2o.adapters.doku.credentials import DokuCredentials
from o2o.adapters.doku.inbox import Inbox
from o2o.adapters.dynamodb.books import DynamoBooksStore
from o2o.adapters.dynamodb.codec import Attributes, compress
from o2o.adapters.dynamodb.codes import DynamoCodeStore
from o2o.adapters.dynamodb.due import DynamoDueIndex
from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
from o2o.adapters.dynamodb.events import DynamoEventStore
from o2o.adapters.dynamodb.notifications import DynamoNotificationStore
from o2o.adapters.dynamodb.payments import DynamoPaymentStore
from o2o.adapters.dynamodb.search import DynamoSearchIndex
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.storefronts import DynamoStorefrontStore
from o2o.adapters.dynamodb.table import Due, payment_item
from o2o.adapters.system import SystemEntropy, system_clock
from o2o.core.channels import Channel
from o2o.core.code_requests import CodeRequest
from o2o.core.codes import Customer, Status
from o2o.core.events import Change
from o2o.core.notifications import DokuMessage
from o2o.core.report_columns import ReportColumns
from o2o.core.work import Work, WorkKind
from o2o.entry.settings.codes import GenerateSettings
from o2o.usecases.authorize_storefront import AuthorizeStorefront
from o2o.usecases.close_books import CloseBooks
from o2o.usecases.expire_codes import ExpireCodes, Lane
from o2o.usecases.explain_messages import ExplainMessages
from o2o.usecases.generate_code import GenerateCode
from o2o.usecases.manage_storefronts import ManageStorefronts
from o2o.usecases.read_codes import ReadCodes
from o2o.usecases.read_day import ReadDay
from o2o.usecases.receive_notification import ReceiveNotification
from o2o.usecases.reconcile import Reconcile
from o2o.usecases.reconcile_codes import ReconcileCodes
from o2o.usecases.record_message import NotificationOutcome, RecordMessage
from o2o.usecases.refresh_code import RefreshCode
from o2o.usecases.settle import Settle
from simulator import Simulator, SimulatorConfig
from tests.support import dynoxide, tables
from tests.support.capacity import CapacityMeter
from tests.support.memory import MemoryBooksFiles, MemoryMessageArchive, MemoryWorkQueue
from tests.support.storefronts import Shops
from tests.support.world import TurnableClock, plenty
from tools.life_cycle import ROOT

CREDENTIALS = DokuCredentials("MCH-COSTS-0001", "SK-made-up-for-this-run")
TARGET = "/v1/doku/notifications"
RUNS_A_MONTH = 60 * 24 * 30

_DAYS = 2
_CLOSED = 50
"""Paid codes of the day whose closing is measured."""

_OVERHEAD_BYTES = 100
"""What DynamoDB adds to the size of each item on the bill."""

Row = tuple[str, list[str], float, float]


class Bench:
    """The use cases on one table, with the simulator and a clock that can be moved."""

    def __init__(self, dynamodb_url: str, doku_url: str, clock: TurnableClock) -> None:
        self.client = boto3.client(
            "dynamodb",
            endpoint_url=dynamodb_url,
            region_name="ap-southeast-3",
            aws_access_key_id="bench",
            aws_secret_access_key="bench",  # noqa: S106 - the engine accepts any
        )
        tables.create(self.client, "costs")
        config = settings()
        store = Store(self.client, "costs", config.retention)
        codes, storefronts = DynamoCodeStore(store), DynamoStorefrontStore(store)
        doku = DokuClient(
            base_url=doku_url,
            paths=config.paths,
            credentials=lambda *, refresh=False: CREDENTIALS,  # noqa: ARG005 - the port has this parameter
            clock=system_clock,
            entropy=SystemEntropy(),
        )
        settle = Settle(codes=codes, clock=clock, timetable=config.timetable)
        self.rows: list[Row] = []
        self.stored_bytes = self.payment_bytes = self.plain_bytes = 0
        self.storefronts = ManageStorefronts(
            storefronts=storefronts, clock=clock, entropy=SystemEntropy()
        )
        self.codes = codes
        self.generate = GenerateCode(
            codes=codes,
            doku=doku,
            clock=clock,
            entropy=SystemEntropy(),
            channels=config.channels,
            bins=config.bins,
            timetable=config.timetable,
            report_columns=ReportColumns(),
            page_token=lambda invoice_number: f"{invoice_number}.{'t' * 22}",
        )
        inbox = Inbox(
            credentials=lambda *, refresh=False: CREDENTIALS,  # noqa: ARG005 - the port has this parameter
            clock=system_clock,
        )
        self.archive = archive = MemoryMessageArchive()  # costs nothing in DynamoDB
        self.receive = ReceiveNotification(
            inbox=inbox,
            record=RecordMessage(
                settle=settle,
                notifications=DynamoNotificationStore(store),
                clock=clock,
                timetable=config.timetable,
            ),
            archive=archive,
            observe=lambda received: None,  # noqa: ARG005 - nothing is counted here
            clock=clock,
        )
        ask_doku = Reconcile(
            codes=codes,
            notifications=DynamoNotificationStore(store),
            archive=archive,
            doku=doku,
            settle=settle,
            clock=clock,
            timetable=config.timetable,
        )
        self.refresh = RefreshCode(codes=codes, reconcile=ask_doku)
        self.reconcile = ReconcileCodes(
            codes=codes,
            notifications=DynamoNotificationStore(store),
            inbox=inbox,
            reconcile=ask_doku,
            settle=settle,
            clock=clock,
            timetable=config.timetable,
            retention=config.retention,
        )
        self.read = ReadCodes(codes=codes)
        events, endpoints = DynamoEventStore(store), DynamoEndpointStore(store)
        awaited, due, events_due = (
            Lane(DynamoDueIndex(store, lane), MemoryWorkQueue())
            for lane in (Due.AWAITED, Due.CODES, Due.EVENTS)
        )
        self.expire = ExpireCodes(awaited=awaited, codes=due, events=events_due, clock=clock)
        # Bus and sender cost nothing in DynamoDB.
        self.shops = Shops(events, endpoints, clock, DynamoSearchIndex(store))
        payments = DynamoPaymentStore(store)
        self.close_books = CloseBooks(
            books=DynamoBooksStore(store),
            files=MemoryBooksFiles(),
            storefronts=storefronts,
            payments=payments,
            read_day=ReadDay(
                codes=codes, payments=payments, events=events, keep_events_for=timedelta(days=90)
            ),
            explain_messages=ExplainMessages(
                codes=codes,
                notifications=DynamoNotificationStore(store),
                archive=archive,
                reader=DokuArchiveReader(lambda *, refresh=False: CREDENTIALS),  # noqa: ARG005
            ),
            clock=clock,
        )

    def create(self, invoice_number: str) -> None:
        """Create a code as a storefront does."""
        request = CodeRequest(
            invoice_number=invoice_number,
            amount=150_000,
            channel=Channel.ALFA,
            customer=Customer("Anton Budiman", "anton@example.com"),
            fingerprint="0" * 64,
            public_url="https://pay.example.com",
        )
        code = self.generate("shop", request, time_left=plenty).code
        expect(code.status is Status.ACTIVE, "the code is active")

    @property
    def archived_bytes(self) -> int:
        """How large the archive's first object is, to a hundred bytes."""
        return round(len(encode(self.archive.get(next(self.archive.keys(None, None))))), -2)

    def weigh(self) -> int:
        """About how many bytes the table keeps by now."""
        return sum(map(_weigh, self.client.scan(TableName="costs")["Items"]))

    def weigh_payment(self, invoice_number: str) -> None:
        """Note what the payment of a code takes, and what it would take in plain text."""
        (payment,) = self.codes.list_payments(invoice_number, limit=1, cursor=None).items
        item = payment_item(invoice_number, payment)
        self.payment_bytes, self.plain_bytes = _weigh(compress(item)), _weigh(item)

    @contextmanager
    def measure(self, what: str) -> Iterator[None]:
        """Record the capacity that is consumed while it is entered."""
        with CapacityMeter(self.client) as meter:
            yield
        self.rows.append((what, meter.operations, meter.read_units, meter.write_units))


def _weigh(item: Attributes) -> int:
    return len(json.dumps(item, default=lambda content: "b" * len(content))) + _OVERHEAD_BYTES


def settings() -> GenerateSettings:
    """The function's settings, from the template's defaults and dev's section of samconfig.toml."""
    template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    samconfig = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    known = {name: each.get("Default", "") for name, each in template["Parameters"].items()}
    known |= samconfig["dev"]["deploy"]["parameters"]["parameter_overrides"]
    function = template["Resources"]["GenerateCodeFunction"]["Properties"]
    variables = function["Environment"]["Variables"]
    # References to resources may have any name.
    environment = {
        name: str(known.get(value.get("Ref"), "costs")) for name, value in variables.items()
    }
    shared = {"TABLE_NAME": "costs", "READABLE_BY_01": "false"}
    return GenerateSettings.from_env(shared | environment)


class NotificationServer(ThreadingHTTPServer):
    """Queues DOKU's notifications and answers 200."""

    def __init__(self) -> None:
        self.arrived: queue.Queue[tuple[Mapping[str, str], bytes]] = queue.Queue()
        super().__init__(("127.0.0.1", 0), _Notification)

    @property
    def url(self) -> str:
        """The notification URL that is configured at DOKU."""
        return f"http://127.0.0.1:{self.server_address[1]}{TARGET}"


class _Notification(BaseHTTPRequestHandler):
    server: NotificationServer

    def do_POST(self) -> None:  # the standard library's name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.arrived.put((dict(self.headers), body))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's
        """Log nothing."""


def expect(holds: bool, what: str) -> None:  # noqa: FBT001 - as assert has it
    """Exit with an error message unless the measured operation had this result."""
    if not holds:
        sys.exit(f"costs: expected that {what}.")


def run(bench: Bench, doku: Simulator, receiver: NotificationServer, clock: TurnableClock) -> None:
    """Measure the life of a code that is paid and of one that is not."""
    authorize(bench)
    empty = bench.weigh()
    with bench.measure("POST /payment-codes"):
        bench.create("INV-1")
    before = bench.codes.get("INV-1")
    pay(doku, "INV-1")
    headers, body = receiver.arrived.get(timeout=10)
    message = DokuMessage(TARGET, headers, body)
    with bench.measure("DOKU's notification"):
        expect(
            bench.receive(message).outcome is NotificationOutcome.SETTLED,
            "the payment is news",
        )
    after = bench.codes.get("INV-1")
    if before is None or after is None:
        sys.exit("costs: expected that the code exists.")
    of_a_code = bench.weigh() - empty
    bench.shops.open("shop")
    empty = bench.weigh()
    with bench.measure("an event: published"):
        (published,) = bench.shops.publish(Change(before, after))
    with bench.measure("the event: delivered to the storefront"):
        bench.shops.deliver(published.record.event_id)
    expect(len(bench.shops.sender.posted) == 1, "the storefront was notified")
    # To a hundred: signatures and numbers are drawn, and do not compress alike.
    bench.stored_bytes = round(of_a_code + 2 * (bench.weigh() - empty), -2)
    with bench.measure("the same notification again"):
        expect(
            bench.receive(message).outcome is NotificationOutcome.KNOWN,
            "the payment is known",
        )
    with bench.measure("GET /payment-codes/{invoice_number}, paid"):
        expect(len(bench.read.one("shop", "INV-1").payments) == 1, "the payment is shown")

    bench.create("INV-2")
    clock.advance(minutes=15)
    with bench.measure("a look at an active code: not paid yet"):
        bench.reconcile(Work(WorkKind.CODE, "INV-2"), time_left=plenty)
    clock.advance(minutes=46)
    with bench.measure("the look at its expiry: expired"):
        bench.reconcile(Work(WorkKind.CODE, "INV-2"), time_left=plenty)
    code = bench.codes.get("INV-2")
    expect(code is not None and code.status is Status.EXPIRED, "the code is expired")
    for which in ("first", "last"):
        code = bench.codes.get("INV-2")
        if code is None or code.due_at is None:
            sys.exit("costs: expected that an expired code is looked at twice.")
        clock.now = code.due_at
        with bench.measure(f"the {which} look after its end"):
            bench.reconcile(Work(WorkKind.CODE, "INV-2"), time_left=plenty)
    with bench.measure("expire_codes while nothing is due"):
        queued = bench.expire().count + bench.expire.due_events().count
    expect(queued == 0, "nothing is due")
    close(bench, doku, receiver, clock)
    forget(bench, clock)


def authorize(bench: Bench) -> None:
    """Measure what it takes to know a storefront."""
    bench.storefronts.add("shop", "Shop")
    key = bench.storefronts.issue_key("shop").api_key
    known = AuthorizeStorefront(storefronts=bench.storefronts.storefronts)
    with bench.measure("an API key is checked (then cached by API Gateway)"):
        expect(known(f"Bearer {key}") is not None, "the key is valid")


def close(
    bench: Bench, doku: Simulator, receiver: NotificationServer, clock: TurnableClock
) -> None:
    """Measure what each paid code adds to the closing of its day."""
    begin_books(bench, clock)
    needed = []
    for number in (0, _CLOSED):
        pay_codes(bench, doku, receiver, (f"DAY-{index}" for index in range(number)))
        # A day is closed nineteen hours after its end: each run closes two.
        clock.advance(days=_DAYS)
        with CapacityMeter(bench.client) as meter:
            closed = bench.close_books(lambda: 900.0).closed
        expect(len(closed) == _DAYS, "two days are closed")
        needed.append((sum(day.count for day in closed), meter))
    (none, before), (paid_codes, after) = needed[0], needed[-1]
    expect((none, paid_codes) == (0, _CLOSED), "the day's payments are in its book")
    bench.rows.append(
        (
            "the closing of its day, for each paid code",
            ["BatchGetItem"],
            round((after.read_units - before.read_units) / _CLOSED, 1),
            round((after.write_units - before.write_units) / _CLOSED, 1),
        )
    )


def begin_books(bench: Bench, clock: TurnableClock) -> None:
    """Close the first days, which have nothing in them: what is paid from now on is in the next."""
    bench.close_books(lambda: 900.0)
    clock.advance(days=3)
    bench.close_books(lambda: 900.0)


def pay_codes(
    bench: Bench, doku: Simulator, receiver: NotificationServer, orders: Iterable[str]
) -> None:
    """Create codes, have them paid, and publish their events."""
    for order in orders:
        bench.create(order)
        created = bench.codes.get(order)
        pay(doku, order)
        bench.receive(DokuMessage(TARGET, *receiver.arrived.get(timeout=10)))
        paid = bench.codes.get(order)
        if created is None or paid is None:
            sys.exit("costs: expected that the code exists.")
        bench.shops.publish(Change(None, created))
        bench.shops.publish(Change(created, paid))


def forget(bench: Bench, clock: TurnableClock) -> None:
    """Measure what becomes of the paid code long after, and what there is to forget."""
    bench.weigh_payment("INV-1")
    for what in ("the personal data on a code", "the evidence of its payment"):
        code = bench.codes.get("INV-1")
        forget_at = None if code is None else code.forget_at(bench.reconcile.retention)
        if forget_at is None:
            sys.exit(f"costs: expected that {what} is forgotten.")
        clock.now = forget_at
        with bench.measure(f"{what} is forgotten"):
            bench.reconcile(Work(WorkKind.CODE, "INV-1"), time_left=plenty)
            after = bench.codes.get("INV-1")
            # The stream brings it: nothing leads from its digits any more.
            if code is not None and after is not None:
                bench.shops.publish(Change(code, after))


def pay(doku: Simulator, invoice_number: str) -> None:
    """Pay at the simulator's till."""
    with requests.Session() as session:
        session.trust_env = False
        body = json.dumps({"invoice_number": invoice_number})
        session.post(f"{doku.url}/_control/pay", data=body, timeout=10).raise_for_status()


Place = tuple[Bench, Simulator, NotificationServer, TurnableClock]


@contextmanager
def opened() -> Iterator[Place]:
    """The use cases, a till, and what hears it. Exits with a message if there is no engine."""
    program = dynoxide.find()
    if program is None:
        sys.exit("costs: Dynoxide is not installed; `make run` installs it with npm.")
    clock = TurnableClock()
    with NotificationServer() as receiver, dynoxide.run(program) as dynamodb_url:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        config = SimulatorConfig(
            client_id=CREDENTIALS.client_id,
            secret_key=CREDENTIALS.secret_key,
            notification_urls={"alfa": receiver.url},
            now=clock,
        )
        with Simulator(config) as doku:
            bench = Bench(dynamodb_url, doku.url, clock)
            yield bench, doku, receiver, clock
        receiver.shutdown()
        bench.client.close()


def measure() -> Bench:
    """Measure everything. Exits with an error message if there is no engine."""
    with opened() as place:
        run(*place)
        return place[0]


def bill_of(bench: Bench) -> Bill:
    """The bill that follows from what was measured."""
    return Bill(
        Measured(
            units={what: (read, write) for what, _, read, write in bench.rows},
            requests={what: len(operations) for what, operations, _, _ in bench.rows},
            stored_bytes=bench.stored_bytes,
            payment_bytes=bench.payment_bytes,
            plain_bytes=bench.plain_bytes,
            archived_bytes=bench.archived_bytes,
            needs=functions.read(),
        )
    )


def sums(rows: list[Row]) -> dict[str, tuple[float, float]]:
    """Read and write units by what a bill depends on: the numbers in docs/benchmarks.md."""
    units = {what: (read, write) for what, _, read, write in rows}
    looks = [what for what in units if "look" in what]
    idle, _ = units["expire_codes while nothing is due"]

    def add(*steps: str) -> tuple[float, float]:
        return sum(units[step][0] for step in steps), sum(units[step][1] for step in steps)

    return {
        "a code that is paid within 15 minutes": add("POST /payment-codes", "DOKU's notification"),
        "one event, with its webhook": add(*(what for what in units if "event" in what)),
        "a code for 60 minutes that nobody pays": add("POST /payment-codes", *looks),
        "a paid code, forgotten in two steps": add(
            *(what for what in units if "forgotten" in what)
        ),
        "the closing of its day, for a paid code": add(
            *(what for what in units if "closing" in what)
        ),
        "one look at a code through the API": add("GET /payment-codes/{invoice_number}, paid"),
        "an idle stack, in 30 days": (idle * RUNS_A_MONTH, 0),
    }


def show_units(rows: list[Row]) -> None:
    """Print all rows and the sums."""
    table = Table("what", "requests", "read units", "write units")
    for what, operations, read, write in rows:
        named = ", ".join(
            f"{operations.count(name)} {name}" if operations.count(name) > 1 else name
            for name in dict.fromkeys(operations)
        )
        table.add_row(what, named, f"{read:g}", f"{write:g}")
    table.add_section()
    for what, (read, write) in sums(rows).items():
        table.add_row(what, "", f"{read:,.0f}", f"{write:g}")
    Console(width=110).print(table)


def show_bill(title: str, lines: list[Line]) -> None:
    """Print a bill."""
    table = Table("what", "units", "USD for", "USD a month", title=title)
    for line in lines:
        table.add_row(line.what, f"{line.units:,.2f}", str(line.price), f"{line.usd:,.2f}")
    table.add_section()
    table.add_row("together", "", "", f"{total(lines):,.2f}")
    Console(width=110).print(table)


def rendered_bill(lines: Iterable[Line]) -> str:
    """A bill as it stands in the document."""
    lines = list(lines)
    rows = "".join(f"| {line.what} | {line.usd:,.2f} |\n" for line in lines)
    return f"| | USD a month |\n|---|---:|\n{rows}| **together** | **{total(lines):,.2f}** |\n"


def rendered_units(rows: list[Row]) -> str:
    """The sums as they stand in the document."""
    told = "".join(
        f"| {what} | {read:,.0f} | {write:g} |\n" for what, (read, write) in sums(rows).items()
    )
    return f"| DynamoDB, on demand | read units | write units |\n|---|---|---|\n{told}"


def rendered_levers(bill: Bill) -> str:
    """What would change the bill, as it stands in the document."""
    rows = "".join(f"| {what} | {usd:+,.2f} |\n" for what, usd in bill.levers())
    return f"| if | USD a million paid codes |\n|---|---:|\n{rows}"


def rendered_evidence(bill: Bill) -> str:
    """What evidence costs, as it stands in the document."""
    rows = "".join(
        f"| {what} | {size:,.0f} | {usd:,.2f} |\n" for what, size, usd in bill.evidence()
    )
    return f"| DOKU's message, with its payment | bytes | USD in 5 years |\n|---|---:|---:|\n{rows}"


def rendered(bench: Bench) -> dict[str, str]:
    """All that stands in the document, by its mark."""
    bill = bill_of(bench)
    return {
        "units": rendered_units(bench.rows),
        "idle": rendered_bill(bill.idle()),
        "busy": rendered_bill(bill.busy()),
        "levers": rendered_levers(bill),
        "evidence": rendered_evidence(bill),
    }


def main() -> None:
    """Measure and print the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md, too")
    options = parser.parse_args()
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it tells of features it lacks
    bench = measure()
    bill = bill_of(bench)
    show_units(bench.rows)
    show_bill("A month in which nothing happens", list(bill.idle()))
    show_bill("What a month with a million paid codes adds", list(bill.busy()))
    if options.write:
        for mark, text in rendered(bench).items():
            document.write(mark, text)


if __name__ == "__main__":
    main()
