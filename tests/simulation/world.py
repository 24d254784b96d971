"""All functions of the stack, wired as the template wires them, in virtual time.

Each call of a port passes the scheduler: any other invocation may come in between, and anything may
go wrong. The use cases, DOKU's client and the inbox are the real ones; the stores are the twins.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast
from unittest.mock import patch

from o2o.adapters.aws import is_outage
from o2o.adapters.doku.client import DokuClient
from o2o.adapters.doku.inbox import Inbox
from o2o.adapters.secrets import SecretCredentials
from o2o.core.deliveries import Attempt, EventRecord
from o2o.core.endpoints import Endpoint
from o2o.core.errors import InvalidRequest, UntrustedMessage
from o2o.core.events import Change
from o2o.core.notifications import DokuMessage
from o2o.core.storefronts import Storefront, to_invoice_number, to_order_number
from o2o.core.timetable import Retention
from o2o.core.work import Backlog, Work
from o2o.entry import stream_batch
from o2o.entry.models.events import render
from o2o.usecases.browse_events import BrowseEvents
from o2o.usecases.deliver_webhooks import DeliverWebhooks
from o2o.usecases.expire_codes import ExpireCodes, Lane
from o2o.usecases.manage_endpoints import ManageEndpoints
from o2o.usecases.ports import DueIndex, WorkQueue
from o2o.usecases.publish_events import Published, PublishEvents
from o2o.usecases.read_codes import CodeFilter
from o2o.usecases.republish_events import RepublishEvents
from o2o.usecases.resolve_notifications import ResolveNotifications
from tests.simulation.cloud import (
    Codes,
    Events,
    LaggingIndex,
    LaggingLists,
    Notifications,
    Queue,
    SecretsClient,
    Stream,
    Table,
    at_once,
    in_turn,
)
from tests.simulation.doku import BASE_URL, CLIENT_ID, PATHS, Doku, Network, OutgoingMessage
from tests.simulation.faults import Faults
from tests.simulation.scheduler import CRASHES, Outcome, Port, Scheduler
from tests.support.memory import (
    MemoryDueIndex,
    MemoryEndpointStore,
    MemoryLane,
    MemoryMessageArchive,
    MemorySearchIndex,
    MemoryStorefrontStore,
)
from tests.support.storefronts import RETRIES, secrets_of
from tests.support.world import START, SeededEntropy, UseCases

NAMESPACES = {"shop": None, "other": "othr"}
"""Two storefronts that count their orders alike."""
SHOPS = tuple(NAMESPACES)
RETENTION = Retention(codes=timedelta(days=30), evidence=timedelta(days=60))
EVENTS_KEPT = timedelta(days=40)
SWEEPS_EVERY = 60.0
API_SECONDS, QUEUE_SECONDS, VISIBILITY = 29.0, 60.0, 360.0
WEBHOOK_VISIBILITY = 180.0


class Poison(Exception):
    """No event can be made of a record."""


@dataclass
class Receivers:
    """The storefronts' endpoints: each address answers a status code, or an error's word."""

    scheduler: Scheduler
    answers: dict[str, int | str] = field(default_factory=dict)
    taken: dict[str, set[str]] = field(default_factory=dict)
    """By storefront, the ids of the events that it took."""
    bodies: dict[str, set[bytes]] = field(default_factory=dict)
    """What was sent under each id."""

    def check(self, url: str) -> None:
        """As the port."""
        if not url.startswith("https://"):
            raise InvalidRequest.of("url", "must begin with https://")

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """As the port."""
        answer = self.answers.get(url, 204)
        event_id = headers["webhook-id"]
        self.bodies.setdefault(event_id, set()).add(body)
        if isinstance(answer, str):
            return Attempt(self.scheduler.clock(), 10_000, error=answer)
        if answer < 300:
            self.taken.setdefault(url.split("/")[2].split("-", maxsplit=1)[0], set()).add(event_id)
        return Attempt(self.scheduler.clock(), 12, status_code=answer)


@dataclass
class Bus:
    """The bus for outsiders."""

    heard: set[str] = field(default_factory=set)
    is_away: bool = False

    def put(self, records: Sequence[EventRecord]) -> None:
        """As the port."""
        if self.is_away:
            raise ConnectionError("the bus is away")
        self.heard |= {record.event_id for record in records}


class Letters:
    """Dead letters that a person works off."""

    def __init__(self) -> None:
        self.work: list[Work] = []
        self.events: set[str] = set()

    def backlog(self) -> Backlog:
        """As the port."""
        return Backlog(len(self.work))

    def put(self, letters: EventRecord | Iterable[Work]) -> None:
        """As both ports of dead letters."""
        if isinstance(letters, EventRecord):
            self.events.add(letters.event_id)
        else:
            self.work.extend(letters)


class OwnEntropy(SeededEntropy):
    """Each invocation has its own, so that what is left out of a plan changes no other's."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(scheduler.seed)
        self._scheduler = scheduler
        self._shared = self._random

    @property
    def _random(self) -> Random:
        me = self._scheduler.current
        return self._shared if me is None else me.chance

    @_random.setter
    def _random(self, chance: Random) -> None:
        self._shared = chance


class Stack(UseCases):
    """The deployed stack, and DOKU."""

    def __init__(self, scheduler: Scheduler, faults: Faults) -> None:
        self.scheduler = scheduler
        self.on_write: Callable[[Change], None] = _ignore
        """Replaced by whoever checks each write."""
        self.poisoned: set[str] = set()
        """Order numbers of whose writes no event can be made, until somebody mends it."""
        self.acknowledged: set[bytes] = set()
        """The notifications that were answered 2xx."""
        self.keys = ["doku-key-0"]
        """DOKU's own keys, the newest last."""
        self.doku = Doku(
            Random(scheduler.seed),
            lambda: scheduler.now,
            CLIENT_ID,
            lambda: self.keys[-1],
            faults,
        )
        self._wire()

    # --- wiring ---

    def _wire(self) -> None:
        scheduler = self.scheduler
        self.table = Table(scheduler, RETENTION, self._wake, self._written)
        self.codes = Codes(self.table)
        self.notifications = Notifications(self.table)
        self.events = Events(self.table)
        self.endpoints = MemoryEndpointStore(self.table)
        self.storefronts = MemoryStorefrontStore(self.table)
        self.receivers = Receivers(scheduler)
        self.archive = MemoryMessageArchive()
        self.bus = Bus()
        self.letters = Letters()
        self.secrets = SecretsClient()
        self.know_key("doku-key-0")
        self.stream = Stream(scheduler, self._publish)
        self.work_queue = Queue(
            scheduler,
            "reconcile_codes",
            in_turn(scheduler, self._reconcile, QUEUE_SECONDS),
            batch=5,
            visibility=VISIBILITY,
            receives=5,
        )
        self.awaited_queue = Queue(
            scheduler,
            "reconcile_codes awaited",
            in_turn(scheduler, self._reconcile, QUEUE_SECONDS),
            batch=5,
            visibility=VISIBILITY,
            receives=5,
        )
        self.webhook_queue = Queue(
            scheduler,
            "deliver_webhooks",
            at_once(scheduler, self._deliver, QUEUE_SECONDS),
            batch=10,
            visibility=WEBHOOK_VISIBILITY,
            # Fewer than the template's, so that dead letters come about.
            receives=5,
        )
        codes = self.port("codes", LaggingLists(self.codes, scheduler), is_once=_is_transaction)
        notifications = self.port("notifications", self.notifications)
        events = self.port("events", LaggingLists(self.events, scheduler))
        endpoints = self.port("endpoints", self.endpoints)
        storefronts = self.port("storefronts", self.storefronts)
        letters = self.port("letters", self.letters)
        archive = self.port("archive", self.archive)
        sender = Port(scheduler, "receiver", self.receivers, faults=CRASHES)
        webhook_queue = self.port("webhook queue", self.webhook_queue)
        clock, entropy = scheduler.clock, OwnEntropy(scheduler)
        doku = self._doku_client(entropy)
        inbox = Inbox(credentials=self._credentials("inbox"), clock=clock)
        super().__init__(
            codes=codes,
            notifications=notifications,
            archive=archive,
            doku=doku,
            inbox=inbox,
            clock=clock,
            entropy=entropy,
            retention=RETENTION,
        )
        self.expire = ExpireCodes(
            awaited=self._lane("awaited", self.port("awaited queue", self.awaited_queue)),
            codes=self._lane("codes", self.port("work queue", self.work_queue)),
            events=self._lane("events", webhook_queue),
            clock=clock,
        )
        self.publish = PublishEvents(
            events=events,
            search=self.port("search", MemorySearchIndex(self.table)),
            queue=webhook_queue,
            bus=Port(scheduler, "bus", self.bus),
            dead_letters=letters,
            render=render,
            keep_for=EVENTS_KEPT,
            report=_ignore,
        )
        self.deliver = DeliverWebhooks(
            events=events,
            endpoints=endpoints,
            sender=sender,
            dead_letters=letters,
            secrets_of=secrets_of,
            clock=clock,
            machine_clock=clock,
            entropy=entropy,
            retries=RETRIES,
        )
        self.browse = BrowseEvents(events=events, queue=webhook_queue, clock=clock)
        self.manage = ManageEndpoints(
            endpoints=endpoints,
            storefronts=storefronts,
            sender=sender,
            secrets_of=secrets_of,
            browse=self.browse,
            clock=clock,
        )
        self.republish = RepublishEvents(
            codes=codes,
            events=events,
            storefronts=storefronts,
            publish=self.publish,
            is_outage=is_outage,
            clock=clock,
        )
        self.resolve = ResolveNotifications(
            inbox=inbox, notifications=notifications, settle=self.settle
        )
        for shop in SHOPS:
            self.storefronts.add_storefront(Storefront(shop, shop, START, NAMESPACES[shop]))
            self.endpoints.save_endpoint(Endpoint(storefront_id=shop, url=address(shop, 0)))

    def port(
        self,
        name: str,
        target: object,
        is_once: Callable[[str, Any, Any], bool] = lambda *_: False,
    ) -> Any:
        """A port whose calls pass the scheduler."""
        return Port(self.scheduler, name, target, is_once=is_once)

    def _index(self, lane: MemoryLane) -> DueIndex:
        return MemoryDueIndex(self.table, lane, RETENTION)

    def _lane(self, lane: MemoryLane, queue: WorkQueue) -> Lane:
        index = self.port(f"due {lane}", self._index(lane))
        return Lane(LaggingIndex(index, self.scheduler), queue)

    def due(self, now: datetime, limit: int) -> list[Work]:
        """Whatever is due, in any lane."""
        lanes: tuple[MemoryLane, ...] = ("awaited", "codes", "events")
        return [work for lane in lanes for work in self._index(lane).due(now, limit)]

    def _credentials(self, function: str) -> SecretCredentials:
        return SecretCredentials(
            cast(
                "Any",
                _SecretsPort(self.port(f"secrets of {function}", self.secrets), self.secrets),
            ),
            "doku",
            report=_ignore,
            monotonic=self.scheduler.monotonic,
        )

    def _doku_client(self, entropy: "OwnEntropy") -> DokuClient:
        client = DokuClient(
            base_url=BASE_URL,
            paths=PATHS,
            credentials=self._credentials("client"),
            clock=self.scheduler.clock,
            entropy=entropy,
            monotonic=self.scheduler.monotonic,
        )
        network = Port(self.scheduler, "DOKU", self.doku, faults=CRASHES)
        client._session.mount("https://", Network(network.answer))
        return client

    def know_key(self, key: str, previous: str | None = None) -> None:
        """The operator writes DOKU's key."""
        entry = {"client_id": CLIENT_ID, "secret_key": key, "previous_secret_key": previous or ""}
        self.secrets.text = json.dumps(entry)

    def codes_of(self, shop: str) -> Any:
        """The first page of a storefront's codes."""
        return self.read.many(shop, CodeFilter(), limit=50, cursor=None)

    # --- functions that AWS starts ---

    def _reconcile(self, work: Work) -> object:
        return self.reconcile(work, time_left=self.scheduler.time_left)

    def _deliver(self, work: Work) -> object:
        return self.deliver(work.identity)

    def _publish(self, event: dict[str, Any]) -> dict[str, Any]:
        """``publish_events``, whose handler has the same lines."""
        published: list[Published] = []

        def keep(record: dict[str, Any]) -> None:
            change: Change = record["change"]
            if change.after.order_number in self.poisoned:
                raise Poison
            published.extend(self.publish.keep(change))

        def give_up(record: dict[str, Any]) -> None:
            order_number = record["change"].after.order_number
            self.publish.give_up(order_number)
            self.stream.untold.add(order_number)
            self.scheduler.counted["stream: poison"] += 1

        answer = stream_batch.each_record(event, keep, give_up)
        self.publish.hand_on([each.record for each in published])
        return answer

    def _wake(self, due_at: datetime) -> None:
        """The schedule runs each minute; here only in those in which anything may be due."""
        self.scheduler.at(due_at + timedelta(seconds=SWEEPS_EVERY / 2), self._sweep)

    def _sweep(self) -> None:
        now = self.scheduler.now
        if not self.due(now, 1):
            return
        if now < self._next_sweep:
            return
        self._next_sweep = now + timedelta(seconds=SWEEPS_EVERY)

        def run() -> None:
            self.expire()
            self.expire.due_events()

        self.scheduler.invoke("expire_codes", run, seconds=60)
        # What is still due then is queued again.
        self.scheduler.at(self._next_sweep, self._sweep)

    _next_sweep = START

    def _written(self, change: Change) -> None:
        self.stream.append(change)
        self.on_write(change)

    # --- DOKU calls ---

    def hear(self) -> None:
        """Whatever DOKU sends now; then again when it sends more."""
        for message in self.doku.outbox():
            self._hear(message)
        self.hear_later()

    def hear_later(self) -> None:
        """Wait for what DOKU sends next."""
        at = self.doku.next_outgoing_at()
        if at is not None and at != self._hears_at:
            self._hears_at = at

            def hear() -> None:
                self._hears_at = None
                self.hear()

            self.scheduler.at(max(at, self.scheduler.now), hear)

    _hears_at: datetime | None = None

    def _hear(self, message: OutgoingMessage) -> None:
        sent = DokuMessage(message.path, message.headers, message.body)

        def then(outcome: Outcome) -> None:
            status = 200
            if isinstance(outcome.error, UntrustedMessage):
                status = 401
            elif not outcome.ok:
                status = 502
            self.scheduler.counted[f"notifications answered {status}"] += 1
            if outcome.ok:
                self.acknowledged.add(sent.body)
            self.doku.acknowledged(message, status)
            self.hear_later()

        name = f"receive_notification {message.invoice_number}"
        self.scheduler.invoke(name, lambda: self.receive(sent), then, seconds=API_SECONDS)

    def inquire(self, digits: str, channel: str, then: Callable[[str | None], None]) -> None:
        """A cashier types digits; ``then`` hears which order the till may take money for."""
        message = self.doku.inquire(digits, channel)
        sent = DokuMessage(message.path, message.headers, message.body)

        def run() -> Any:
            try:
                return self.answer(sent)
            except Exception:  # noqa: BLE001 - as the handler: a cashier waits
                return self.answer.decline(sent)

        def answered(outcome: Outcome) -> None:
            if not outcome.ok:
                then(None)
                return
            response = outcome.value.response
            then(
                self.doku.inquiry_answered(
                    message, response.http_status, response.headers, response.body
                )
            )

        self.scheduler.invoke(f"answer_inquiry {digits}", run, answered, seconds=API_SECONDS)


class _SecretsPort:
    """The client of Secrets Manager: its ``exceptions`` are no call."""

    def __init__(self, port: Any, client: SecretsClient) -> None:
        self.get_secret_value = port.get_secret_value
        self.exceptions = client.exceptions


def owner(order_number: str) -> str:
    """The storefront whose order that is."""
    other = to_order_number(NAMESPACES["other"], "")
    return "other" if order_number.startswith(other) else "shop"


def invoice_of(order_number: str) -> str:
    """An order number as its storefront writes it."""
    return to_invoice_number(NAMESPACES[owner(order_number)], order_number)


def address(shop: str, number: int) -> str:
    """One of a storefront's addresses."""
    return f"https://{shop}-{number}/hook"


def quiet() -> AbstractContextManager[object]:
    """Neither logs nor metrics: 10,000 runs have much to tell."""
    stack = ExitStack()
    stack.enter_context(patch.object(stream_batch, "log_failure", _ignore))
    stack.enter_context(patch.object(stream_batch, "count", _ignore))
    return stack


def _ignore(*_: object, **__: object) -> None:
    return None


def _is_transaction(method: str, args: Any, kwargs: Any) -> bool:
    """Whether the adapter writes in a transaction, which the SDK repeats under one token."""
    if method == "create":
        return args[0].merchant_made or kwargs.get("replaced") is not None
    return method in ("record", "forget_evidence")
