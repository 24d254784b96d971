"""What AWS does around the functions: the table with its stream, indexes and TTL, and the queues.

On the twins of tests/support/memory.py, which hold what the adapters hold. The numbers are those of
template.yaml.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zlib import crc32

from o2o.adapters.queue import decode_work, encode_work
from o2o.core.deliveries import EventRecord
from o2o.core.events import Change
from o2o.core.notifications import KeptNotification
from o2o.core.pages import Page
from o2o.core.timetable import Retention
from o2o.core.work import Backlog, Work
from o2o.usecases.ports import DueIndex, WorkQueue
from tests.simulation.scheduler import Outcome, Scheduler
from tests.support.memory import (
    MemoryCodeStore,
    MemoryEventStore,
    MemoryNotificationStore,
    MemoryTable,
)

RECORD_AGE = timedelta(hours=6)
"""The event source mapping gives up records of the stream that are older."""

HORIZON = timedelta(hours=24)
"""DynamoDB keeps records of the stream for so long."""

TTL_IS_LATE = timedelta(hours=48)
TTL_IS_EARLY = timedelta(hours=1)
"""It never is by design; our clocks may be."""


@dataclass
class Table(MemoryTable):
    """The table. It tells when something in it will be due, and deletes what its TTL lets go."""

    scheduler: Scheduler
    retention: Retention
    wake: Callable[[datetime], None]
    written: Callable[[Change], None]
    """Hears each write of a code, in order: the stream."""
    deleted: dict[str, EventRecord] = field(default_factory=dict)
    """The events that the TTL took."""

    def __post_init__(self) -> None:
        super().__init__()

    def let_go(self, name: str, when: datetime | None, delete: Callable[[], None]) -> None:
        """Delete an item about then, unless it is to stay by then."""
        if when is not None:
            spread = (TTL_IS_LATE + TTL_IS_EARLY).total_seconds()
            late = self.scheduler.chance_of(f"ttl {name}").random() * spread
            self.scheduler.at(when - TTL_IS_EARLY + timedelta(seconds=late), delete)


class Codes(MemoryCodeStore):
    """The codes of the table."""

    def __init__(self, table: Table) -> None:
        super().__init__(table, table.retention)
        self._table: Table = table

    def written(self, change: Change) -> None:
        self._table.written(change)
        code = change.after
        due_at = code.due_at or code.forget_at(self._table.retention)
        if due_at is not None:
            self._table.wake(due_at)


class Notifications(MemoryNotificationStore):
    """The kept notifications of the table."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._table: Table = table

    def keep(self, notification: KeptNotification) -> bool:
        is_new = super().keep(notification)
        self._written(notification)
        return is_new

    def postpone(self, notification: KeptNotification, due_at: datetime | None) -> None:
        super().postpone(notification, due_at)
        self._written(notification)

    def _written(self, notification: KeptNotification) -> None:
        key = (notification.invoice_number, notification.identity)
        kept = self._table.notifications.get(key)
        if kept is None:
            return
        if kept.due_at is not None:
            self._table.wake(kept.due_at)

        def delete() -> None:
            newest = self._table.notifications.get(key)
            if newest is not None and newest.forget_at(self._table.retention) is not None:
                del self._table.notifications[key]

        self._table.let_go(kept.identity, kept.forget_at(self._table.retention), delete)


class Events(MemoryEventStore):
    """The events of the table."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._table: Table = table

    def add(self, record: EventRecord) -> EventRecord | None:
        kept = super().add(record)
        if kept is None:
            self._written(record)
        return kept

    def save(self, record: EventRecord) -> None:
        super().save(record)
        self._written(record)

    def _written(self, record: EventRecord) -> None:
        if record.due_at is not None:
            self._table.wake(record.due_at)

        def delete() -> None:
            newest = self._table.events.get(record.event_id)
            if newest is not None and newest.forget_at == record.forget_at:
                self._table.deleted[record.event_id] = newest
                del self._table.events[record.event_id]

        self._table.let_go(record.event_id, record.forget_at, delete)


class LaggingLists:
    """Before a store whose lists are read from an index: what is new may not be shown yet."""

    def __init__(self, store: Any, scheduler: Scheduler) -> None:
        self._store = store
        self._scheduler = scheduler

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return self._late(found) if name in ("list_events", "list_codes") else found

    def _late(self, read: Callable[..., Page[Any]]) -> Callable[..., Page[Any]]:
        def page(*args: Any, **kwargs: Any) -> Page[Any]:
            found = read(*args, **kwargs)
            me = self._scheduler.current
            if me is None or self._scheduler.faults == 0:
                return found
            shown = [each for each in found.items if me.chance.random() < 0.9]
            self._scheduler.counted["list: late"] += len(shown) < len(found.items)
            return Page(shown, found.next_cursor)

        return page


class LaggingIndex(DueIndex):
    """A due index that shows some things late, and others longer than they are due."""

    def __init__(self, index: DueIndex, scheduler: Scheduler) -> None:
        self._index = index
        self._scheduler = scheduler
        self._shown: Sequence[Work] = ()

    def due(self, now: datetime, limit: int, since: datetime | None = None) -> Sequence[Work]:
        found = self._index.due(now, limit, since)
        me = self._scheduler.current
        if me is None or self._scheduler.faults == 0:
            return found
        known = [work for work in found if me.chance.random() < 0.8]
        stale = [work for work in self._shown if me.chance.random() < 0.2]
        self._shown = found
        self._scheduler.counted["index: late"] += len(known) < len(found)
        self._scheduler.counted["index: stale"] += bool(stale)
        return sorted({*stale, *known}, key=lambda work: work.urgency)[:limit]


# --- queues -----------------------------------------------------------------------------


@dataclass(eq=False)
class Message:
    """A message in a queue."""

    body: str
    chance: Random
    receives: int = 0


Handled = Callable[[Sequence[Message]], None]
"""Hears which messages of a batch must come again."""


class Queue(WorkQueue):
    """A standard queue of SQS: at least once, in any order.

    ``handle`` begins an invocation for a batch; after ``receives`` a message is a dead letter.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        name: str,
        handle: "Callable[[Queue, Sequence[Message], Handled], None]",
        *,
        batch: int,
        visibility: float,
        receives: int,
    ) -> None:
        self._scheduler = scheduler
        self.name = name
        self._handle = handle
        self._batch = batch
        self._visibility = visibility
        self._receives = receives
        self._visible: list[Message] = []
        self._hidden = 0
        self.dead: list[Message] = []

    def backlog(self) -> Backlog:
        return Backlog(len(self._visible), self._hidden)

    def put(self, work: Iterable[Work]) -> None:
        for each in work:
            body = encode_work(each)
            chance = self._scheduler.chance_of(f"{self.name} {each.identity or body}")
            doubled = chance.random() < self._scheduler.faults
            self._scheduler.counted[f"{self.name}: doubled"] += doubled
            for _ in range(1 + doubled):
                self._show(Message(body, chance), 0.01 + 2 * chance.random() ** 4)

    def redrive(self) -> int:
        """Put the dead letters back into the queue; how many they were."""
        letters, self.dead = self.dead, []
        for letter in letters:
            letter.receives = 0
            self._show(letter, 0.01)
        return len(letters)

    def _show(self, message: Message, seconds: float) -> None:
        self._hidden += 1

        def show() -> None:
            self._hidden -= 1
            if message.receives >= self._receives:
                self._scheduler.counted[f"{self.name}: dead letter"] += 1
                self.dead.append(message)
                return
            self._visible.append(message)
            # Whatever becomes visible meanwhile makes a batch with it.
            self._scheduler.after(0.05, self._poll)

        self._scheduler.after(seconds, show)

    def _poll(self) -> None:
        batch, self._visible = self._visible[: self._batch], self._visible[self._batch :]
        if not batch:
            return
        for message in batch:
            message.receives += 1
        began = self._scheduler.monotonic()

        def handled(failed: Sequence[Message]) -> None:
            left = max(began + self._visibility - self._scheduler.monotonic(), 0.01)
            for message in failed:
                self._scheduler.counted[f"{self.name}: again"] += 1
                self._show(message, left)

        self._handle(self, batch, handled)


def in_turn(
    scheduler: Scheduler, do: Callable[[Work], object], seconds: float
) -> Callable[[Queue, Sequence[Message], Handled], None]:
    """A function that handles the entries of a batch one after the other: ``each_work``."""

    def handle(queue: Queue, batch: Sequence[Message], handled: Handled) -> None:
        def run() -> list[Message]:
            failed = []
            for message in batch:
                try:
                    do(decode_work(message.body))
                except Exception as error:  # noqa: BLE001 - the queue brings it again
                    scheduler.tell(queue.name, f"entry failed: {type(error).__name__}: {error}")
                    failed.append(message)
            return failed

        def then(outcome: Outcome) -> None:
            handled(outcome.value if outcome.ok else batch)

        work = decode_work(batch[0].body)
        name = f"{queue.name} {work.identity or work.invoice_number}"
        scheduler.invoke(name, run, then, seconds=seconds)

    return handle


def at_once(
    scheduler: Scheduler, do: Callable[[Work], object], seconds: float
) -> Callable[[Queue, Sequence[Message], Handled], None]:
    """A function that handles the entries of a batch side by side: ``each_work``, ``at_once``."""

    def handle(queue: Queue, batch: Sequence[Message], handled: Handled) -> None:
        outcomes: list[tuple[Message, Outcome]] = []
        process: set[str] = set()

        def then(message: Message, outcome: Outcome) -> None:
            outcomes.append((message, outcome))
            if len(outcomes) == len(batch):
                died = any(each.crashed for _, each in outcomes)
                # All of them are one process.
                handled([each for each, one in outcomes if died or not one.ok])

        def begin(message: Message) -> None:
            work = decode_work(message.body)
            name = scheduler.invoke(
                f"{queue.name} {work.identity or work.invoice_number}",
                lambda: do(work),
                lambda outcome: then(message, outcome),
                seconds=seconds,
                process=process,
            )
            process.add(name)

        for message in batch:
            begin(message)

    return handle


# --- the stream -------------------------------------------------------------------------


@dataclass(frozen=True)
class Lost:
    """Records that the stream's consumer gave up, as its dead letter has them: by time."""

    first: datetime
    last: datetime


class Stream:
    """The table's stream: in order for each code, again after a failure, and gone after a day."""

    SHARDS = 2

    def __init__(
        self,
        scheduler: Scheduler,
        handler: Callable[[dict[str, Any]], dict[str, Any]],
    ) -> None:
        self._scheduler = scheduler
        self._handler = handler
        self._records: list[list[tuple[datetime, Change]]] = [[] for _ in range(self.SHARDS)]
        self._busy = [False] * self.SHARDS
        self._size = [100] * self.SHARDS
        self.stops_until: datetime | None = None
        """Until when nobody reads it."""
        self.lost: list[Lost] = []
        self.changes: list[Change] = []
        """All of them, for the checks."""
        self._written: list[list[tuple[datetime, Change]]] = [[] for _ in range(self.SHARDS)]
        self._begins_anew = [False] * self.SHARDS
        self._sleeps = [False] * self.SHARDS
        self.untold: set[str] = set()
        """The order numbers of whose writes some were given up."""

    def append(self, change: Change) -> None:
        """A code was written."""
        self.changes.append(change)
        shard = crc32(change.after.order_number.encode()) % self.SHARDS
        record = (self._scheduler.now, change)
        self._records[shard].append(record)
        self._written[shard].append(record)
        self._read_soon(shard, 0.2)

    def resume(self) -> None:
        """It is read again."""
        self.stops_until = None
        for shard in range(self.SHARDS):
            if self._sleeps[shard]:
                self._sleeps[shard] = False
                self._read(shard)

    def replay(self) -> None:
        """Read again whatever is not too old to be read."""
        for shard in range(self.SHARDS):
            self._begins_anew[shard] = True
            self._read_soon(shard, 0.2)

    def _read_soon(self, shard: int, seconds: float) -> None:
        if not self._busy[shard]:
            self._busy[shard] = True
            self._scheduler.after(seconds, lambda: self._read(shard))

    def _read(self, shard: int) -> None:
        now = self._scheduler.now
        if self.stops_until is not None and now < self.stops_until:
            if not self._sleeps[shard]:
                self._sleeps[shard] = True
                self._scheduler.at(self.stops_until, lambda: self._wake(shard))
            return
        if self._begins_anew[shard]:
            self._begins_anew[shard] = False
            waiting = len(self._records[shard])
            known = self._written[shard][: len(self._written[shard]) - waiting]
            self._records[shard][:0] = [each for each in known if now - each[0] <= RECORD_AGE]
        records = self._records[shard]
        self._give_up_old(records)
        if not records:
            self._busy[shard] = False
            return
        chance = self._scheduler.chance_of(f"stream {shard} batch")
        batch = records[: min(self._size[shard], chance.randint(1, 10))]
        self._scheduler.invoke(
            f"publish_events {shard}",
            lambda: self._handle(batch),
            lambda outcome: self._handled(shard, batch, outcome),
            seconds=60,
        )

    def _wake(self, shard: int) -> None:
        if self._sleeps[shard]:
            self._sleeps[shard] = False
            self._read(shard)

    def _give_up_old(self, records: list[tuple[datetime, Change]]) -> None:
        now = self._scheduler.now
        gone = [at for at, _ in records if now - at > HORIZON]
        old = [at for at, _ in records if now - at > RECORD_AGE]
        self._scheduler.counted["stream: gone"] += len(gone)
        self._scheduler.counted["stream: given up"] += len(old)
        self.untold |= {change.after.order_number for _, change in records[: len(old)]}
        if old:
            # Of what went by itself nobody gets a letter, but the alarm of the stream's age says
            # since when.
            self.lost.append(Lost(old[0], old[-1]))
            del records[: len(old)]

    def _handle(self, batch: list[tuple[datetime, Change]]) -> int:
        records = [
            {"dynamodb": {"SequenceNumber": str(number)}, "change": change}
            for number, (_, change) in enumerate(batch)
        ]
        failures = self._handler({"Records": records})["batchItemFailures"]
        return int(failures[0]["itemIdentifier"]) if failures else len(batch)

    def _handled(self, shard: int, batch: list[tuple[datetime, Change]], outcome: Outcome) -> None:
        done = outcome.value if outcome.ok else 0
        del self._records[shard][:done]
        failed = done < len(batch)
        self._scheduler.counted["stream: again"] += failed
        self._size[shard] = max(self._size[shard] // 2, 1) if failed else 100
        self._busy[shard] = False
        self._read_soon(shard, 5 if failed else 0.2)


# --- secrets ----------------------------------------------------------------------------


class NoSuchSecret(Exception):
    """As the client's own exception."""


class SecretsClient:
    """Secrets Manager's client, as far as the adapters call it."""

    class exceptions:  # noqa: N801 - the SDK's own name
        """The client's exceptions."""

        ResourceNotFoundException = NoSuchSecret

    def __init__(self) -> None:
        self.text = ""

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: ARG002, N803
        """What stands in the entry."""
        return {"SecretString": self.text}
