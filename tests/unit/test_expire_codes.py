"""A backlog: nothing is queued twice, the oldest goes first, and nobody waits behind old work."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2o.core.channels import Feature
from o2o.core.work import Work, WorkKind
from o2o.usecases.expire_codes import LIMIT, ROUND, Lane
from o2o.usecases.ports import DueIndex
from tests.support.examples import examples
from tests.support.memory import MemoryWorkQueue
from tests.support.samples import make_kept
from tests.support.world import START, Mood, World

MINUTE = timedelta(minutes=1)


@dataclass
class Index(DueIndex):
    """What is due, by name; what is dealt with leaves it."""

    due_at: dict[str, datetime] = field(default_factory=dict)

    def due(self, now: datetime, limit: int, since: datetime | None = None) -> Sequence[Work]:
        found = [
            Work(WorkKind.CODE, name, due_at=due_at)
            for name, due_at in self.due_at.items()
            if due_at <= now and (since is None or since <= due_at)
        ]
        return sorted(found, key=lambda work: work.urgency)[:limit]


@pytest.fixture
def index() -> Index:
    return Index()


@pytest.fixture
def queue() -> MemoryWorkQueue:
    return MemoryWorkQueue()


@pytest.fixture
def lane(index: Index, queue: MemoryWorkQueue) -> Lane:
    return Lane(index, queue)


def take(queue: MemoryWorkQueue, count: int) -> list[str]:
    taken = [queue.take() for _ in range(count)]
    return [work.invoice_number for work in taken if work]


@pytest.mark.parametrize("apart", [timedelta(), timedelta(seconds=1)], ids=["at once", "apart"])
def test_a_backlog_is_queued_once_the_oldest_first(index, queue, lane, apart) -> None:
    """Three times as many as fit are due, and a quarter of what fits is done each minute."""
    names = [f"INV-{number:05}" for number in range(3 * LIMIT)]
    index.due_at = {name: START - timedelta(hours=5) + apart * n for n, name in enumerate(names)}
    taken: list[str] = []
    now = START
    while len(taken) < len(names):
        lane.fill(now)
        assert sum(queue.backlog()) <= LIMIT
        done = take(queue, LIMIT // 4)
        for name in done:
            del index.due_at[name]
        taken += done
        now += MINUTE
        assert now < START + ROUND
    assert taken == names


def test_of_many_that_are_due_at_one_instant_none_is_left_out(
    index, queue, lane, monkeypatch
) -> None:
    """Orders of a sale expire at midnight, and DOKU takes its time: they stay due meanwhile."""
    monkeypatch.setattr("o2o.usecases.expire_codes.LIMIT", 4)
    names = [f"INV-{number}" for number in range(9)]
    index.due_at = dict.fromkeys(names, START)
    taken = []
    for minute in range(3):
        lane.fill(START + minute * MINUTE)
        taken += take(queue, 3)
    assert taken == names


def test_what_failed_is_queued_again_once_the_queue_is_empty(index, queue, lane) -> None:
    index.due_at = {"INV-1": START, "INV-2": START}
    assert lane.fill(START).count == 2
    assert lane.fill(START + MINUTE).count == 0
    assert take(queue, 9) == ["INV-1", "INV-2"]
    assert lane.fill(START + 2 * MINUTE).count == 2


def test_what_is_under_way_alone_is_queued_again(index, queue, lane) -> None:
    """It may have failed, and the queue hides it for six minutes: nobody waits for that."""
    index.due_at = {"INV-1": START, "INV-2": START + MINUTE}
    lane.fill(START)
    take(queue, 1)
    queue.under_way = 1
    assert lane.fill(START + MINUTE).count == 2


def test_what_is_under_way_takes_room(index, queue, lane, monkeypatch) -> None:
    monkeypatch.setattr("o2o.usecases.expire_codes.LIMIT", 3)
    index.due_at = {f"INV-{number}": START for number in range(9)}
    queue.under_way = 2
    assert lane.fill(START).count == 1


def test_what_got_lost_is_queued_again_though_the_queue_is_never_empty(index, queue, lane) -> None:
    """A message that can't be handled stays in the queue for half an hour."""
    index.due_at = {"INV-1": START}
    lane.fill(START)
    take(queue, 1)
    queue.put([Work(WorkKind.CODE, "poison")])
    assert lane.fill(START + MINUTE).count == 0
    assert lane.fill(START + ROUND).count == 1


def test_what_becomes_due_goes_on_behind_what_is_queued(index, queue, lane) -> None:
    index.due_at = {"INV-2": START}
    lane.fill(START)
    index.due_at |= {"INV-1": START, "INV-3": START + MINUTE}
    assert lane.fill(START + MINUTE).count == 2
    assert take(queue, 9) == ["INV-2", "INV-1", "INV-3"]


def test_an_overdue_that_is_queued_is_told_all_the_same(index, queue, lane) -> None:
    """The alarm must ring for what waits in the queue, too."""
    index.due_at = {"INV-1": START}
    for minutes in range(5):
        assert lane.fill(START + minutes * MINUTE).overdue == minutes * MINUTE
    index.due_at.clear()
    assert lane.fill(START + 5 * MINUTE).overdue == timedelta()


def test_what_the_queue_refused_is_not_passed_over(index, queue, lane, monkeypatch) -> None:
    index.due_at = {"INV-1": START}
    queue.put([Work(WorkKind.CODE, "another")])

    def refuse(_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as outage:
        outage.setattr(queue, "put", refuse)
        with pytest.raises(ConnectionError):
            lane.fill(START)
    assert lane.fill(START + MINUTE).count == 1


@settings(max_examples=examples(100))
@given(st.integers(0, 2**32), st.integers(1, 8), st.sampled_from([0, 1, 60]))
def test_whatever_happens_each_is_queued_in_its_time_and_seldom_twice(
    seed: int, limit: int, spread: int
) -> None:
    """Some work fails, some messages get lost, some stay in the queue, new work comes."""
    chance = Random(seed)
    index, queue = Index(), MemoryWorkQueue()
    lane = Lane(index, queue)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("o2o.usecases.expire_codes.LIMIT", limit)
        began = START - ROUND
        for minute in range(120):
            now = START + minute * MINUTE
            for number in range(chance.randint(0, 2) if minute < 60 else 0):
                due_at = now - timedelta(seconds=chance.randint(0, spread))
                index.due_at[f"{minute}-{number}"] = due_at
            waiting = set(queue.entries)
            queued = lane.fill(now).count
            if not waiting or now - began >= ROUND:
                began = now
            else:
                # Nothing that waits is queued again.
                assert len(set(queue.entries)) == len(waiting) + queued
            for name in take(queue, chance.randint(1, 4)):
                if chance.random() < 0.8:
                    index.due_at.pop(name, None)
    assert not index.due_at


# --- what somebody awaits ----------------------------------------------------------------------


@pytest.fixture
def world() -> World:
    return World()


def awaited(world: World) -> list[str]:
    """What stands in the lane of its own."""
    world.clock.advance(minutes=2)
    return [work.invoice_number for work in world.expire.awaited.index.due(world.clock(), 99)]


def test_nobody_who_was_told_to_wait_waits_behind_old_work(world: World) -> None:
    for number in range(20):
        world.ask(f"OLD-{number}")
    world.clock.advance(minutes=16)
    world.doku.mood = Mood.DOWN
    world.ask("INV-1")
    assert awaited(world) == ["INV-1"]
    world.doku.mood = Mood.WELL
    world.work_off()
    assert awaited(world) == []


def test_a_till_that_may_have_taken_the_money_waits_behind_nothing(world: World) -> None:
    digits = world.ask(feature=Feature.DIPC, unique_part="0812345678").code.payment_code
    assert digits is not None
    world.clock.advance(minutes=20)
    world.work_off()
    assert awaited(world) == []
    world.inquire(digits)
    assert awaited(world) == ["INV-1"]
    # DOKU has been asked for the last time after it: the next look is one of many.
    for _ in range(10):
        world.clock.advance(minutes=2)
        world.work_off()
    world.clock.advance(hours=3)
    assert awaited(world) == []


def test_money_whose_code_may_come_is_awaited(world: World) -> None:
    world.notifications.keep(make_kept("INV-9", "0a1b", due_at=START + MINUTE))
    assert awaited(world) == ["INV-9"]
