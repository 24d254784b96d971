"""A day from its first minute until nothing is due any more, and the comparison at its end."""

import contextlib
import functools
import heapq
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

from local.aws import client
from local.stack import BINS
from o2o.adapters.dynamodb.due import DynamoDueIndex
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.table import Due
from tests.support.local_stack import LocalStack, run_module
from tests.support.patience import CALL_SECONDS, PATIENCE_SECONDS, until
from tests.support.receivers import receiver
from tools.day.compare import Record, differences, unseen
from tools.day.plan import DAY, HOUR, MINUTE, Order, Plan, Visit
from tools.day.shop import NAMES, Postponed, Receiver, Refused, Street, event_of

_CROWD = 400
"""Messages in a queue beyond which the clock waits: a minute of the day has few real ones."""
_FAR = timedelta(days=2)
"""What is due later than that is only to be forgotten."""

_LOOK_SECONDS = 0.2
_QUEUES = ("AwaitedQueue", "ReconcileQueue", "WebhookQueue")

Say = Callable[[str], None]
_client = functools.cache(client)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A day in numbers."""

    codes: int
    seed: int
    paid_codes: int
    payments: int
    lost: int
    doubled: int
    late: int
    away_minutes: int
    kills: int
    repeats: int
    """Requests of shops and tills that had to be repeated."""
    webhooks: int
    events: int
    unseen: int
    turned_away: int
    """Customers whom the till refused, or who never got digits."""
    differences: int
    day_seconds: float
    """Real seconds in which the day passed; until nothing was due it took longer."""
    creates_per_second: float


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """What happens at a time of the day, in seconds."""

    at: float
    act: "Callable[[], Entry | None]" = field(compare=False)
    """Does it; returns what is to be tried later instead."""
    alone: bool = field(default=False, compare=False)
    """Whether it is done before anything that comes after it, not by one of several clients."""


class Day:
    """One day on a stack of its own."""

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        *,
        step_minutes: float = 5,
        clients: int = 8,
        workers: int = 2,
        shops: Sequence[str] = NAMES,
        say: Say = lambda _: None,
    ) -> None:
        # As on every local stack, but for all shops.
        bins = [{**each, "storefronts": shops} for each in BINS]
        self._plan = plan
        self._step = step_minutes * MINUTE
        self._clients = clients
        self._say = say
        self.stack = LocalStack(
            folder=folder / "state",
            arguments=("--workers", str(workers), "--parameter", f"Bins={json.dumps(bins)}"),
        )
        self._street = Street(self.stack, clients, shops)
        self._receiver = Receiver()
        self._began = datetime.now(UTC)
        self._sold_seconds = 0.0
        self._killed = 0
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start the stack, and open the shops."""
        with contextlib.ExitStack() as undo:
            undo.callback(self._stop)
            self.stack.start()
            base = undo.enter_context(receiver(self._receiver.take)).url.removesuffix("/hook")
            self._street.open(self._receiver, lambda path: base + path)
            self._undo = undo.pop_all()
        self._began = self._now()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self._undo.close()

    def _stop(self) -> None:
        self._street.http.close()
        self.stack.http.close()
        if self.stack.process is not None:
            self.stack.stop()

    def live(self) -> None:
        """Live it, until nothing is due. Raises Refused for an answer that nobody expects."""
        begun = time.monotonic()
        self._sell()
        self._sold_seconds = time.monotonic() - begun
        self._settle_all()

    # --- the day -----------------------------------------------------------------------------

    def _sell(self) -> None:
        """Do what is planned, and move the clock along."""
        agenda = self._agenda()
        step = 0
        with ThreadPoolExecutor(self._clients) as pool:
            while agenda:
                running: list[Future[Entry | None]] = []
                while agenda and agenda[0].at < (step + 1) * self._step:
                    entry = heapq.heappop(agenda)
                    if entry.alone:
                        entry.act()
                    else:
                        running.append(pool.submit(entry.act))
                for each in running:
                    if later := each.result():
                        heapq.heappush(agenda, later)
                step += 1
                if self._plan.days == 1:
                    until(lambda: max(self._waiting()) < _CROWD, "the queues to get shorter")
                else:
                    self._catch_up()
                self._turn_to(self._began + timedelta(seconds=step * self._step))
                if step * self._step % (2 * HOUR * self._plan.days) == 0:
                    self._say(self._progress())

    def _catch_up(self) -> None:
        """Wait until all is done and published: days pass here in less time than that takes.

        Otherwise books would be closed, by the clock, before the events of their day are there.
        """
        newest = self._street.newest
        if newest is not None:
            shop, invoice_number = newest
            path = f"/events?invoice_number={invoice_number}"
            until(
                lambda: self._street.call("GET", shop, path).json()["items"],
                "all changes to be published",
            )
        self._drain()

    def _agenda(self) -> "list[Entry]":
        """Everything that is planned, as a heap."""
        street, plan = self._street, self._plan
        agenda = [Entry(at, self._kill, alone=True) for at in plan.kills]
        for order in plan.orders:
            agenda.append(Entry(order.at, partial(street.create, order)))
            agenda += [Entry(each.at, partial(self._visit, order, each)) for each in order.visits]
            if order.cancelled_at is not None:
                agenda.append(Entry(order.cancelled_at, partial(street.cancel, order)))
        for span in plan.away:
            agenda.append(Entry(span.begins, partial(self._away, span.fault), alone=True))
            agenda.append(Entry(span.ends, partial(self._away, None), alone=True))
        heapq.heapify(agenda)
        return agenda

    def _visit(self, order: Order, visit: Visit) -> "Entry | None":
        try:
            self._street.visit(order, visit)
        except Postponed:
            later = replace(visit, at=visit.at + 2 * self._step)
            return Entry(later.at, partial(self._visit, order, later))
        return None

    def _away(self, fault: Mapping[str, Any] | None) -> None:
        if fault is None:
            self._street.doku("DELETE", "/faults")
        else:
            for operation in ("generate", "status"):
                self._street.doku(
                    "POST", "/faults", {**fault, "operation": operation, "times": None}
                )

    def _kill(self) -> None:
        """Kill every process of the stack in the middle of its work, and start it again."""
        self.stack.kill()
        self._killed += 1
        self.stack.start()

    # --- its end -----------------------------------------------------------------------------

    def _settle_all(self) -> None:
        """Turn the clock to whatever is due next, until nothing is but to be forgotten."""
        self._say("The day is over; the clock goes on until nothing is due")
        self._settle()
        # What is published is published in order: behind the last code, nothing is left.
        last = Order(
            shop=0, invoice_number="LAST", at=DAY, channel="alfa", feature="dgpc", bin=None,
            amount=10_000, expires_in_minutes=10, reusable=False, visits=(), cancelled_at=None,
        )  # fmt: skip
        self._street.create(last)
        self._settle()
        until(
            lambda: "payment_code.expired" in self._receiver.types((0, "LAST")),
            "all changes to be published",
            seconds=3_600,  # there may be hundreds of thousands
        )
        self._turn_to(self._now() + timedelta(minutes=3))
        self._settle()

    def turn_and_settle(self, instant: datetime) -> None:
        """Turn the clock forward, and wait until all that is due then is done."""
        self._turn_to(instant)
        self._drain()

    @property
    def now(self) -> datetime:
        """The stack's time."""
        return self._now()

    @property
    def street(self) -> Street:
        """The shops and the till."""
        return self._street

    @property
    def receiver(self) -> Receiver:
        """What the shops were sent."""
        return self._receiver

    @property
    def plan(self) -> Plan:
        """What was to happen."""
        return self._plan

    def _settle(self) -> None:
        while True:
            self._drain()
            due_at = self._next_due()
            if due_at is None or due_at - self._now() > _FAR:
                return
            self._turn_to(max(due_at, self._now()) + timedelta(minutes=30))
            self._say(self._progress())

    def _drain(self) -> None:
        """Until nothing is due now, and no message waits."""
        seen: object = None
        deadline = 0.0
        while True:
            due_at, waiting = self._next_due(), self._waiting()
            is_due = due_at is not None and due_at <= self._now()
            if not is_due and not any(waiting):
                return
            if seen != (seen := (due_at, waiting)):
                deadline = time.monotonic() + PATIENCE_SECONDS
            if time.monotonic() > deadline:
                raise Refused(f"nothing happens: due since {due_at}, {waiting} messages wait")
            if not any(waiting):
                self._turn_to(self._now())
            time.sleep(_LOOK_SECONDS)

    def _next_due(self) -> datetime | None:
        store = Store(
            _client("dynamodb", self.stack.about["dynamodb_url"]),
            self.stack.about["outputs"]["TableName"],
        )
        never = datetime.max.replace(tzinfo=UTC)
        dues = [work.due_at for lane in Due for work in DynamoDueIndex(store, lane).due(never, 1)]
        return min((due_at for due_at in dues if due_at is not None), default=None)

    # --- the stack ---------------------------------------------------------------------------

    def _now(self) -> datetime:
        return datetime.fromisoformat(self._console("GET", "clock")["now"])

    def _turn_to(self, instant: datetime) -> None:
        """Turn the clock forward to an instant, and run what is scheduled."""
        seconds = max(0.0, (instant - self._now()).total_seconds())
        self._console("POST", "clock", {"advance_seconds": seconds})

    def _console(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.stack.http.request(
            method,
            f"{self.stack.about['console_url']}/_local/{path}",
            json=body,
            timeout=CALL_SECONDS,
        )
        answer.raise_for_status()
        return answer.json()

    def _waiting(self) -> list[int]:
        """How many messages wait in each work queue."""
        sqs = _client("sqs", self.stack.about["aws_url"])
        urls = [self.stack.about["outputs"][f"{name}Url"] for name in _QUEUES]
        name = "ApproximateNumberOfMessages"
        return [
            int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])
            for url in urls
        ]

    # --- what is seen from outside -----------------------------------------------------------

    def look(self) -> Record:
        """Read the till's record, every shop's lists, and what is left for a person."""
        self._say("The till's record and the API's are compared")
        street = self._street
        taken = defaultdict(list)
        for number, each in street.taken():
            taken[number].append(each)
        codes = [
            (shop.place, code)
            for shop in street.shops
            for code in street.pages(shop.place, "/payment-codes")
        ]
        paid = {
            (place, code["invoice_number"]) for place, code in codes if code["payments_count"]
        } | taken.keys()
        with ThreadPoolExecutor(self._clients) as pool:
            payments = dict(
                pool.map(
                    lambda number: (
                        number,
                        list(street.pages(number[0], f"/payment-codes/{number[1]}/payments")),
                    ),
                    sorted(paid),
                )
            )
        listed, undelivered = defaultdict(list), []
        for shop in street.shops:
            for event in street.pages(shop.place, "/events"):
                listed[shop.place, event["invoice_number"]].append(event_of(event))
                if event["delivery"]["status"] != "delivered":
                    undelivered.append(event["id"])
        return Record(
            ordered=street.ordered,
            taken=taken,
            lost=frozenset(
                visit.receipt_number for visit in self._plan.visits() if visit.notify == "lost"
            ),
            codes=codes,
            payments=payments,
            received=self._receiver.received,
            listed=listed,
            undelivered=undelivered,
            forged=self._receiver.forged,
            kept=self._left(),
        )

    def _left(self) -> list[str]:
        """Kept notifications and dead letters."""
        left = []
        for words in (("notifications", "list"), ("deadletters", "list")):
            done = run_module("admin", "--state-dir", str(self.stack.folder), "--json", *words)
            left += [f"{words[0]} {json.dumps(each)}" for each in json.loads(done.stdout)]
        return left

    # --- what is said ------------------------------------------------------------------------

    def _progress(self) -> str:
        hours = (self._now() - self._began).total_seconds() / 3600
        events = sum(map(len, self._receiver.received.values()))
        asked = len(self._street.ordered)
        return (
            f"{hours:5.1f} h: {asked:,} codes, {events:,} webhooks, {self._killed} kills,"
            f" {self._waiting()} messages wait"
        )

    def figures(self, record: Record) -> Figures:
        """The day in numbers, with its differences."""
        came = {each.receipt_number for taken in record.taken.values() for each in taken}
        kinds = Counter(
            visit.notify if isinstance(visit.notify, str) else visit.notify["kind"]
            for visit in self._plan.visits()
            if visit.receipt_number in came
        )
        received = [each for events in record.received.values() for each in events]
        return Figures(
            codes=len(record.ordered),
            seed=self._plan.seed,
            paid_codes=len(record.taken),
            payments=len(came),
            lost=kinds["lost"],
            doubled=kinds["duplicate"],
            late=kinds["late"],
            away_minutes=round(sum(each.ends - each.begins for each in self._plan.away) / 60),
            kills=self._killed,
            repeats=self._street.repeats,
            webhooks=len(received),
            events=len({each.event_id for each in received}),
            unseen=unseen(record),
            turned_away=sum(self._street.turned_away.values()),
            differences=len(list(differences(record))),
            day_seconds=round(self._sold_seconds, 1),
            creates_per_second=round(len(record.ordered) / self._sold_seconds, 1),
        )
