"""What a payment code costs in DynamoDB: requests and units, as the engine counts them.

    .venv/bin/python -m benchmarks.costs

The use cases run on the local engine (Dynoxide), on the template's defaults, against the DOKU
simulator over HTTP: messages have their real sizes. Units are those of on-demand tables; an item
costs one write unit for each begun KB, twice that in a transaction, and one more for each entry
of an index that is written or removed.
"""

import json
import queue
import sys
import threading
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import requests
from rich.console import Console
from rich.table import Table
from samtranslator.yaml_helper import yaml_parse

from o2o.adapters.doku.client import DokuClient
from o2o.adapters.doku.credentials import DokuCredentials
from o2o.adapters.doku.inbox import Inbox
from o2o.adapters.dynamodb.codes import DynamoCodeStore
from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
from o2o.adapters.dynamodb.events import DynamoEventStore
from o2o.adapters.dynamodb.notifications import DynamoNotificationStore
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.storefronts import DynamoStorefrontStore
from o2o.adapters.dynamodb.table import Retention
from o2o.adapters.system import SystemEntropy
from o2o.core.channels import Channel
from o2o.core.code_requests import CodeRequest
from o2o.core.codes import Customer, Status
from o2o.core.events import Change
from o2o.core.work import Work, WorkKind
from o2o.entry.settings import GenerateSettings
from o2o.usecases.authorize_storefront import AuthorizeStorefront
from o2o.usecases.expire_codes import ExpireCodes
from o2o.usecases.generate_code import GenerateCode
from o2o.usecases.manage_storefronts import ManageStorefronts
from o2o.usecases.read_codes import ReadCodes
from o2o.usecases.receive_notification import NotificationOutcome, ReceiveNotification
from o2o.usecases.reconcile import Reconcile
from o2o.usecases.reconcile_codes import ReconcileCodes
from o2o.usecases.refresh_code import RefreshCode
from o2o.usecases.settle import Settle
from simulator import Simulator, SimulatorConfig
from tests.support import dynoxide, tables
from tests.support.capacity import CapacityMeter
from tests.support.memory import MemoryWorkQueue
from tests.support.storefronts import Shops
from tests.support.world import TurnableClock, plenty
from tools.life_cycle import ROOT

CREDENTIALS = DokuCredentials("MCH-COSTS-0001", "SK-made-up-for-this-run")
TARGET = "/v1/doku/notifications"
RUNS_A_MONTH = 60 * 24 * 30

Row = tuple[str, list[str], float, float]


class Bench:
    """The use cases on one table, a DOKU and a clock to turn."""

    def __init__(self, dynamodb_url: str, doku_url: str, clock: TurnableClock) -> None:
        self.client = boto3.client(
            "dynamodb",
            endpoint_url=dynamodb_url,
            region_name="ap-southeast-3",
            aws_access_key_id="bench",
            aws_secret_access_key="bench",  # noqa: S106 - any will do there
        )
        tables.create(self.client, "costs")
        store = Store(
            self.client, "costs", Retention(codes=timedelta(days=90), evidence=timedelta(days=1825))
        )
        codes, storefronts = DynamoCodeStore(store), DynamoStorefrontStore(store)
        config = settings()
        doku = DokuClient(
            base_url=doku_url,
            paths=config.paths,
            credentials=lambda *, refresh=False: CREDENTIALS,  # noqa: ARG005 - the port's
            clock=clock,
            entropy=SystemEntropy(),
        )
        settle = Settle(codes=codes, clock=clock, timetable=config.timetable)
        self.rows: list[Row] = []
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
            page_token=lambda invoice_number: f"{invoice_number}.{'t' * 22}",
        )
        inbox = Inbox(
            credentials=lambda *, refresh=False: CREDENTIALS,  # noqa: ARG005 - the port's
            target=TARGET,
            clock=clock,
        )
        self.receive = ReceiveNotification(
            inbox=inbox,
            settle=settle,
            notifications=DynamoNotificationStore(store),
            clock=clock,
            timetable=config.timetable,
        )
        ask_doku = Reconcile(
            codes=codes, doku=doku, settle=settle, clock=clock, timetable=config.timetable
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
        )
        self.read = ReadCodes(codes=codes)
        events, endpoints = DynamoEventStore(store), DynamoEndpointStore(store)
        self.expire = ExpireCodes(
            codes=codes,
            code_queue=MemoryWorkQueue(),
            events=events,
            event_queue=MemoryWorkQueue(),
            clock=clock,
        )
        # Bus and sender cost nothing in DynamoDB.
        self.shops = Shops(events, endpoints, clock)

    def ask(self, invoice_number: str) -> None:
        """Ask for a code, as storefronts do."""
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

    @contextmanager
    def measure(self, what: str) -> Iterator[None]:
        """Note what is consumed while it is entered."""
        with CapacityMeter(self.client) as meter:
            yield
        self.rows.append((what, meter.operations, meter.read_units, meter.write_units))


def settings() -> GenerateSettings:
    """What the function gets, from the template's defaults and dev's section of samconfig.toml."""
    template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    samconfig = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    known = {name: each.get("Default", "") for name, each in template["Parameters"].items()}
    known |= samconfig["dev"]["deploy"]["parameters"]["parameter_overrides"]
    function = template["Resources"]["GenerateCodeFunction"]["Properties"]
    variables = function["Environment"]["Variables"]
    # What refers to a resource has some name.
    environment = {
        name: str(known.get(value.get("Ref"), "costs")) for name, value in variables.items()
    }
    return GenerateSettings.from_env({"TABLE_NAME": "costs", **environment})


class Mailbox(ThreadingHTTPServer):
    """Takes DOKU's notifications and answers 200."""

    def __init__(self) -> None:
        self.arrived: queue.Queue[tuple[Mapping[str, str], bytes]] = queue.Queue()
        super().__init__(("127.0.0.1", 0), _Letter)

    @property
    def url(self) -> str:
        """What is configured at DOKU."""
        return f"http://127.0.0.1:{self.server_address[1]}{TARGET}"


class _Letter(BaseHTTPRequestHandler):
    server: Mailbox

    def do_POST(self) -> None:  # the name is the standard library's
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.arrived.put((dict(self.headers), body))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's
        """Say nothing."""


def expect(holds: bool, what: str) -> None:  # noqa: FBT001 - as assert has it
    """End with a sentence if the measured thing did not happen."""
    if not holds:
        sys.exit(f"costs: it was expected that {what}.")


def run(bench: Bench, doku: Simulator, mailbox: Mailbox, clock: TurnableClock) -> None:
    """One code that is paid, one that is not, and what happens around them."""
    bench.storefronts.add("shop", "Shop")
    key = bench.storefronts.issue_key("shop").api_key
    authorize = AuthorizeStorefront(storefronts=bench.storefronts.storefronts)
    with bench.measure("an API key is checked (then cached by API Gateway)"):
        expect(authorize(f"Bearer {key}") is not None, "the key is valid")
    with bench.measure("POST /payment-codes"):
        bench.ask("INV-1")
    before = bench.codes.get("INV-1")
    pay(doku, "INV-1")
    headers, body = mailbox.arrived.get(timeout=10)
    with bench.measure("DOKU's notification"):
        expect(
            bench.receive(headers, body).outcome is NotificationOutcome.SETTLED,
            "the payment is news",
        )
    after = bench.codes.get("INV-1")
    if before is None or after is None:
        sys.exit("costs: it was expected that the code is there.")
    bench.shops.open("shop")
    with bench.measure("an event: published"):
        (published,) = bench.shops.publish(Change(before, after))
    with bench.measure("the event: delivered to the storefront"):
        bench.shops.deliver(published.record.event_id)
    expect(len(bench.shops.sender.posted) == 1, "the storefront was told")
    with bench.measure("the same notification again"):
        expect(
            bench.receive(headers, body).outcome is NotificationOutcome.KNOWN,
            "the payment is known",
        )
    with bench.measure("GET /payment-codes/{invoice_number}, paid"):
        expect(len(bench.read.one("shop", "INV-1").payments) == 1, "the payment is shown")

    bench.ask("INV-2")
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
            sys.exit("costs: it was expected that an expired code is looked at twice.")
        clock.now = code.due_at
        with bench.measure(f"the {which} look after its end"):
            bench.reconcile(Work(WorkKind.CODE, "INV-2"), time_left=plenty)
    with bench.measure("expire_codes while nothing is due"):
        queued = bench.expire().count + bench.expire.due_events().count
    expect(queued == 0, "nothing is due")


def pay(doku: Simulator, invoice_number: str) -> None:
    """Pay at the simulator's till."""
    with requests.Session() as session:
        session.trust_env = False
        body = json.dumps({"invoice_number": invoice_number})
        session.post(f"{doku.url}/_control/pay", data=body, timeout=10).raise_for_status()


def measure() -> list[Row]:
    """Run it all. Ends with a sentence if there is no engine."""
    program = dynoxide.find()
    if program is None:
        sys.exit("costs: there is no Dynoxide; `make run` sets it up, npm is needed for it.")
    clock = TurnableClock()
    with Mailbox() as mailbox, dynoxide.run(program) as dynamodb_url:
        threading.Thread(target=mailbox.serve_forever, daemon=True).start()
        config = SimulatorConfig(
            client_id=CREDENTIALS.client_id,
            secret_key=CREDENTIALS.secret_key,
            notification_urls={"alfa": mailbox.url},
            now=clock,
        )
        with Simulator(config) as doku:
            bench = Bench(dynamodb_url, doku.url, clock)
            run(bench, doku, mailbox, clock)
        mailbox.shutdown()
        bench.client.close()
    return bench.rows


def sums(rows: list[Row]) -> dict[str, tuple[float, float]]:
    """What docs/benchmarks.md says: read and write units of what matters to a bill."""
    units = {what: (read, write) for what, _, read, write in rows}
    looks = [what for what in units if "look" in what]
    idle, _ = units["expire_codes while nothing is due"]

    def add(*steps: str) -> tuple[float, float]:
        return sum(units[step][0] for step in steps), sum(units[step][1] for step in steps)

    return {
        "a code that is paid within 15 minutes": add("POST /payment-codes", "DOKU's notification"),
        "one event, with its webhook": add(*(what for what in units if "event" in what)),
        "a code for 60 minutes that nobody pays": add("POST /payment-codes", *looks),
        "one look at a code through the API": add("GET /payment-codes/{invoice_number}, paid"),
        "an idle stack, in 30 days": (idle * RUNS_A_MONTH, 0),
    }


def show(rows: list[Row]) -> None:
    """Each row, and the sums that matter."""
    console = Console(width=110)
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
    console.print(table)


def main() -> None:
    """Measure and tell."""
    show(measure())


if __name__ == "__main__":
    main()
