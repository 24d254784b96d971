"""Storefronts to deliver to: on the twins, with a sender that is told what to come back with."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from o2o.core.deliveries import Attempt, EventRecord
from o2o.core.endpoints import Endpoint
from o2o.core.errors import Busy, InvalidRequest, O2OError
from o2o.core.events import Change, EventType
from o2o.core.retries import RetrySchedule
from o2o.core.work import Work
from o2o.entry.models.events import render
from o2o.usecases.browse_events import BrowseEvents
from o2o.usecases.deliver_webhooks import Delivered, DeliverWebhooks
from o2o.usecases.expire_codes import ExpireCodes, Lane
from o2o.usecases.manage_endpoints import ManageEndpoints
from o2o.usecases.ports import CodeStore, EndpointStore, EventStore, SearchIndex
from o2o.usecases.publish_events import Published, PublishEvents
from o2o.usecases.republish_events import RepublishEvents
from tests.support.due import lane_of
from tests.support.memory import (
    MemoryCodeStore,
    MemoryEndpointStore,
    MemoryEventStore,
    MemorySearchIndex,
    MemoryStorefrontStore,
    MemoryTable,
    MemoryWorkQueue,
)
from tests.support.world import START, SeededEntropy, TurnableClock

RETRIES = RetrySchedule(
    tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 300, 600, 840, 1200, 1440))
)


def make_record(number: int = 1, **changes: object) -> EventRecord:
    """An event that was published just now."""
    fields: dict[str, object] = {
        "event_id": f"evt_{number:032x}",
        "type": EventType.PAID,
        "storefront_id": "shop",
        "invoice_number": f"INV-{number}",
        "sequence": 3,
        "created_at": START,
        "payload": '{"id": "evt", "data": {}}',
        "keep_until": START + timedelta(days=90),
    }
    return EventRecord(**fields | changes)  # type: ignore[arg-type]


def secret_of(storefront_id: str, version: int) -> str:
    """Another one for each storefront and version."""
    return "whsec_" + b64encode(sha256(f"{storefront_id} {version}".encode()).digest()).decode()


def secrets_of(storefront_id: str, version: int) -> list[str]:
    """As many as there are while nothing is changed: one."""
    return [secret_of(storefront_id, version)]


@dataclass
class FakeWebhookSender:
    """Answers by host: a status code, or the word of an error."""

    clock: TurnableClock
    answers: dict[str, int | str] = field(default_factory=dict)
    posted: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def check(self, url: str) -> None:
        if not url.startswith("https://"):
            raise InvalidRequest.of("url", "must begin with https://")

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        self.posted.append((url, headers, body))
        self.meanwhile()
        answer = self.answers.get(url, 204)
        if isinstance(answer, str):
            return Attempt(self.clock(), 10_000, error=answer)
        return Attempt(self.clock(), 12, status_code=answer)

    def ids(self, url: str) -> list[str]:
        return [headers["webhook-id"] for to, headers, _ in self.posted if to == url]


@dataclass
class FakeBus:
    """A bus that can be away."""

    heard: list[EventRecord] = field(default_factory=list)
    is_away: bool = False

    def put(self, records: Sequence[EventRecord]) -> None:
        if self.is_away:
            raise O2OError("the bus is away")
        self.heard.extend(records)


class FakeQueue(MemoryWorkQueue):
    """A queue that can be away."""

    is_away = False

    def put(self, work: Iterable[Work]) -> None:
        if self.is_away:
            raise Busy("the queue is away")
        super().put(work)


class Shops:
    """Everything that brings events to storefronts, on a clock to turn."""

    def __init__(
        self,
        events: EventStore | None = None,
        endpoints: EndpointStore | None = None,
        clock: TurnableClock | None = None,
        search: SearchIndex | None = None,
    ) -> None:
        table = MemoryTable()
        self.clock = clock or TurnableClock()
        self.events = events or MemoryEventStore(table)
        self.endpoints = endpoints or MemoryEndpointStore(table)
        self.storefronts = MemoryStorefrontStore(table)
        self.queue = FakeQueue()
        self.sender = FakeWebhookSender(self.clock)
        self.bus = FakeBus()
        self.letters = MemoryWorkQueue()
        self.reported: list[Exception] = []
        self.dead: list[str] = []
        self.deliver = DeliverWebhooks(
            events=self.events,
            endpoints=self.endpoints,
            sender=self.sender,
            dead_letters=self,
            secrets_of=secrets_of,
            clock=self.clock,
            machine_clock=lambda: START,
            entropy=SeededEntropy(),
            retries=RETRIES,
        )
        self.publisher = PublishEvents(
            events=self.events,
            search=search or MemorySearchIndex(table),
            queue=self.queue,
            bus=self.bus,
            dead_letters=self.letters,
            render=render,
            keep_for=timedelta(days=90),
            report=self.reported.append,
        )
        codes = MemoryCodeStore(table)
        self.expire = ExpireCodes(
            awaited=Lane(lane_of(codes, "awaited"), MemoryWorkQueue()),
            codes=Lane(lane_of(codes, "codes"), MemoryWorkQueue()),
            events=Lane(lane_of(self.events, "events"), self.queue),
            clock=self.clock,
        )
        self.browse = BrowseEvents(events=self.events, queue=self.queue, clock=self.clock)
        self.admin = ManageEndpoints(
            endpoints=self.endpoints,
            storefronts=self.storefronts,
            sender=self.sender,
            secrets_of=secrets_of,
            browse=self.browse,
            clock=self.clock,
        )

    def put(self, record: EventRecord) -> None:
        """The dead letters: see ``DeadLetters``."""
        self.dead.append(record.event_id)

    def publish(self, change: Change) -> Sequence[Published]:
        """A batch of one record of the stream."""
        published = self.publisher.keep(change)
        self.publisher.hand_on([each.record for each in published])
        return published

    def republish(self, codes: CodeStore) -> RepublishEvents:
        """The way back of these codes' events."""
        return RepublishEvents(
            codes=codes,
            events=self.events,
            storefronts=self.storefronts,
            publish=self.publisher,
            is_outage=lambda error: isinstance(error, Busy),
            clock=self.clock,
        )

    def open(self, storefront_id: str = "shop") -> str:
        """Give a storefront an endpoint."""
        url = f"https://{storefront_id}.example/hook"
        self.endpoints.save_endpoint(Endpoint(storefront_id=storefront_id, url=url))
        return url

    def add(self, number: int = 1, **changes: object) -> EventRecord:
        """A new event, published now."""
        now = self.clock()
        record = make_record(
            number,
            **{
                "created_at": now,
                "keep_until": now + timedelta(days=90),
            }
            | changes,
        )
        assert self.events.add(record) is None
        return record

    def record(self, event_id: str) -> EventRecord:
        found = self.events.get(event_id)
        assert found is not None
        return found

    def endpoint(self, storefront_id: str = "shop") -> Endpoint:
        found = self.endpoints.get_endpoint(storefront_id)
        assert found is not None
        return found

    def work_off(self) -> list[Delivered]:
        """Whatever is due, queued and delivered."""
        self.expire.due_events()
        done = []
        while (work := self.queue.take()) is not None:
            done.append(self.deliver(work.identity))
        return done

    def live(self, until: datetime, step: timedelta = timedelta(minutes=1)) -> list[Delivered]:
        """Let time pass and deliver what is due at every step; what became of it."""
        done = []
        while self.clock.now < until:
            self.clock.now = min(until, self.clock.now + step)
            done += self.work_off()
        return done
