"""Any archive, replayed into any earlier state of its table: the payments are those of the table.

Histories of the use cases on the twins. At some moment the table is copied, as a restore would have
it; or there is an empty one. What the archive got, before and after that moment, is replayed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2o.core.archive import ArchivedMessage
from o2o.core.codes import PaymentCode, PaymentKind
from o2o.core.errors import Busy, UnreadableMessage
from o2o.core.events import derive_story
from o2o.core.notifications import KeptFor, Notification, OrderState
from o2o.core.payments import Evidence, Payment
from o2o.usecases.ports import MessageArchive
from o2o.usecases.record_message import NotificationOutcome, RecordMessage
from o2o.usecases.replay_archive import ReplayArchive, ReplayClock, Replayed
from o2o.usecases.settle import Settle
from tests.support.examples import examples
from tests.support.memory import MemoryCodeStore, MemoryMessageArchive, MemoryNotificationStore
from tests.support.memory import MemoryTable as Table
from tests.support.world import TIMETABLE, Mood, OpenReader, World, plenty, sent

NUMBERS = ("INV-1", "INV-2", "INV-3")
NAMES = st.sampled_from(NUMBERS)


def copied(table: Table) -> Table:
    """The table as it is now: what it holds never changes."""
    made = Table()
    for name in ("codes", "receipts", "claims", "notifications", "storefronts", "events"):
        getattr(made, name).update(getattr(table, name))
    made.payments = {order: dict(payments) for order, payments in table.payments.items()}
    return made


class Shuffled(MessageArchive):
    """An archive that is read in another order than messages came."""

    def __init__(self, archive: MessageArchive, order: Callable[[list[str]], list[str]]) -> None:
        self._archive = archive
        self._order = order

    def keep(self, message: ArchivedMessage) -> None:
        raise AssertionError(f"a replay archives nothing: {message}")

    def keys(self, since: datetime | None, until: datetime | None) -> Iterator[str]:
        return iter(self._order(list(self._archive.keys(since, until))))

    def get(self, key: str) -> ArchivedMessage:
        return self._archive.get(key)


def replay(
    world: World, table: Table, archive: MessageArchive | None = None, **options: bool
) -> list[Replayed]:
    """Replay the world's archive into a table."""
    then, codes = ReplayClock(), MemoryCodeStore(table)
    again = ReplayArchive(
        archive=archive or world.archive,
        reader=OpenReader(world),
        record=RecordMessage(
            settle=Settle(codes=codes, clock=then, timetable=TIMETABLE),
            notifications=MemoryNotificationStore(table),
            clock=then,
            timetable=TIMETABLE,
        ),
        clock=then,
    )
    return list(again(None, None, **options))


@dataclass
class Past:
    """A world, and its table as it was at some moment."""

    world: World
    earlier: Table

    def now(self) -> Table:
        return copied(self.world.table)


PAYMENTS = st.tuples(
    st.just("pay"), NAMES, st.sampled_from([None, 10_000]), st.integers(0, 2), st.booleans()
)
STEPS = st.one_of(
    PAYMENTS,
    PAYMENTS,
    st.tuples(st.just("refresh"), NAMES),
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("refund"), NAMES),
    st.tuples(st.just("stray")),
    st.tuples(st.just("babble")),
)
MORE = st.one_of(
    STEPS, st.tuples(st.just("cancel"), NAMES), st.tuples(st.just("live"), st.integers(1, 3000))
)


def take(world: World, step: tuple[object, ...]) -> None:  # noqa: C901 - one step a case
    """One step of a history, a second after the one before."""
    world.clock.advance(seconds=1)
    match step:
        case ("pay", str(name), amount, int(heard), bool(reusable_only)):
            if reusable_only and not world.code(name).reusable:
                return
            report = world.doku.pay(name, amount=amount)  # type: ignore[arg-type]
            for _ in range(heard):
                world.notify(report)
        case ("refresh", str(name)):
            world.refresh("shop", name, time_left=plenty)
        case ("wait", int(minutes)):
            world.clock.advance(minutes=minutes)
        case ("refund", str(name)):
            report = replace(world.doku.pay(name), evidence=Evidence(f"refund {world.clock.now}"))
            world.doku.orders[name].payments.pop()
            world.receive(sent(world.inbox.post(Notification(OrderState.REFUNDED, report))))
        case ("stray",):
            world.receive(sent(f"no message at {world.clock.now}".encode()))
        case ("babble",):
            well = world.doku.mood is Mood.WELL
            world.doku.mood = Mood.BABBLING if well else Mood.WELL
        case ("cancel", str(name)):
            if world.code(name).is_open:
                world.cancel("shop", name)
        case ("live", int(minutes)):
            world.clock.advance(minutes=minutes)
            world.work_off()


def history(before: list[tuple[object, ...]], after: list[tuple[object, ...]]) -> Past:
    """A world that lived through these steps, and its table as it was between them."""
    world = World()
    for name in NUMBERS:
        world.ask(name, reusable=name == "INV-3")
    for step in before:
        take(world, step)
    earlier = copied(world.table)
    for step in after:
        take(world, step)
    return Past(world, earlier)


def whole(table: Table) -> dict[str, list[Payment]]:
    """All that is known of the payments."""
    return {order: list(each.values()) for order, each in table.payments.items() if each}


def money(table: Table) -> set[tuple[str, object, object]]:
    """What the till took, as far as the table tells."""
    return {
        (order, each.report.receipt_number, each.report.amount)
        for order, payments in whole(table).items()
        for each in payments
    }


def standing(code: PaymentCode) -> tuple[object, ...]:
    return code.status, code.payments, code.paid_at, code.late, code.had_ended, code.last_payment


def kept(table: Table) -> dict[tuple[str, str], tuple[KeptFor, datetime]]:
    return {key: (each.reason, each.received_at) for key, each in table.notifications.items()}


@settings(max_examples=examples(100))
@given(before=st.lists(STEPS, max_size=6), after=st.lists(STEPS, max_size=10))
def test_in_the_order_in_which_they_came_all_is_as_it_was(
    before: list[tuple[object, ...]], after: list[tuple[object, ...]]
) -> None:
    past = history(before, after)
    table = past.earlier
    replay(past.world, table)
    assert whole(table) == whole(past.world.table)
    assert {name: standing(code) for name, code in table.codes.items()} == {
        name: standing(code) for name, code in past.world.table.codes.items()
    }
    assert (
        kept(table).items()
        >= {key: each for key, each in kept(past.world.table).items() if key[0] != "INV-?"}.items()
    )
    # Storefronts have heard of it all under the same ids.
    for name, code in past.world.table.codes.items():
        marks = [each.mark for each in whole(table).get(name, [])]
        told = {event.event_id for event in derive_story(code, marks)}
        assert told == {event.event_id for event in derive_story(table.codes[name], marks)}


@settings(max_examples=examples(100))
@given(
    before=st.lists(MORE, max_size=6),
    after=st.lists(MORE, max_size=10),
    data=st.data(),
)
def test_in_any_order_and_twice_the_money_is_what_it_was(
    before: list[tuple[object, ...]], after: list[tuple[object, ...]], data: st.DataObject
) -> None:
    past = history(before, after)
    table = past.earlier
    archive = Shuffled(past.world.archive, lambda keys: data.draw(st.permutations(keys)))
    replay(past.world, table, archive)
    assert money(table) == money(past.world.table)
    once = whole(table), kept(table)
    replay(past.world, table, archive)
    assert (whole(table), kept(table)) == once


@settings(max_examples=examples(50))
@given(before=st.lists(MORE, max_size=6), after=st.lists(MORE, max_size=8))
def test_into_the_table_itself_it_changes_nothing(
    before: list[tuple[object, ...]], after: list[tuple[object, ...]]
) -> None:
    past = history(before, after)
    table = past.now()
    replay(past.world, table)
    assert whole(table) == whole(past.world.table)
    assert table.codes == past.world.table.codes


@settings(max_examples=examples(50))
@given(steps=st.lists(MORE, max_size=12))
def test_into_an_empty_table_every_message_is_kept_for_a_person(
    steps: list[tuple[object, ...]],
) -> None:
    past = history([], steps)
    table = Table()
    replayed = replay(past.world, table)
    assert whole(table) == {}
    messages = {each.message.message.body for each in replayed if each.message}
    assert {each.evidence.body.encode() for each in table.notifications.values()} == messages
    assert {each.received.outcome for each in replayed if each.received} <= {
        NotificationOutcome.UNMATCHED,
        NotificationOutcome.UNREADABLE,
        NotificationOutcome.REFUNDED,
    }


@pytest.mark.parametrize("options", [{"dry_run": True}, {"dry_run": True, "unproven": True}])
def test_a_dry_run_records_nothing(options: Any) -> None:
    past = history([], [("pay", "INV-1", None, 1, False)])
    before = copied(past.earlier)
    (replayed,) = replay(past.world, past.earlier, **options)
    assert (replayed.received, replayed.is_proven) == (None, True)
    assert whole(past.earlier) == whole(before)


def test_a_code_that_was_made_since_takes_its_payment_once_it_is_made_again() -> None:
    past = history([], [("pay", "INV-1", None, 1, False)])
    table = Table()
    replay(past.world, table)
    (only,) = table.notifications.values()
    assert (only.invoice_number, only.reason) == ("INV-1", KeptFor.UNMATCHED)
    assert only.due_at is not None


def test_an_answer_about_a_code_that_is_gone_waits_for_a_person_alone() -> None:
    past = history([], [("pay", "INV-3", None, 0, False), ("wait", 2), ("refresh", "INV-3")])
    table = Table()
    replay(past.world, table)
    (only,) = table.notifications.values()
    assert (only.invoice_number, only.reason, only.due_at) == ("INV-3", KeptFor.UNMATCHED, None)


def test_of_a_reusable_code_s_payments_the_one_that_only_an_answer_told_comes_back() -> None:
    """DOKU's status shows the newest: asking again would not find it."""
    lost = ("pay", "INV-3", None, 0, False)
    found: list[tuple[object, ...]]
    found = [lost, ("wait", 2), ("refresh", "INV-3"), ("pay", "INV-3", None, 1, False)]
    past = history([], found)
    replay(past.world, past.earlier)
    assert len(whole(past.earlier)["INV-3"]) == 2


def test_what_no_key_has_signed_is_left_out_unless_it_is_asked_for() -> None:
    past = history([], [("pay", "INV-1", None, 1, False)])
    (key,) = past.world.archive.keys(None, None)
    body = past.world.archive.get(key).message.body

    def again(**options: bool) -> Replayed:
        then, codes = ReplayClock(), MemoryCodeStore(past.earlier)
        reader = OpenReader(past.world)
        reader.foreign.add(body)
        settle = Settle(codes=codes, clock=then, timetable=TIMETABLE)
        record = RecordMessage(
            settle=settle,
            notifications=MemoryNotificationStore(past.earlier),
            clock=then,
            timetable=TIMETABLE,
        )
        (only,) = ReplayArchive(
            archive=past.world.archive, reader=reader, record=record, clock=then
        )(None, None, **options)
        return only

    assert (again().received, again().is_proven) == (None, False)
    assert whole(past.earlier) == {}
    only = again(unproven=True)
    assert only.received is not None
    assert only.received.outcome is NotificationOutcome.SETTLED
    assert not only.is_proven


def test_what_is_no_message_is_passed_over() -> None:
    past = history([], [("pay", "INV-1", None, 1, False)])

    class Damaged(MemoryMessageArchive):
        def keys(self, since: datetime | None, until: datetime | None) -> Iterator[str]:
            yield "messages/damaged"
            yield from past.world.archive.keys(since, until)

        def get(self, key: str) -> ArchivedMessage:
            if key == "messages/damaged":
                raise UnreadableMessage("the archive's object can't be understood")
            return past.world.archive.get(key)

    damaged, other = replay(past.world, past.earlier, Damaged())
    assert (damaged.message, damaged.received) == (None, None)
    assert other.received is not None
    assert len(whole(past.earlier)["INV-1"]) == 1


def test_while_the_archive_is_away_whoever_is_alerted_hears_and_doku_repeats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    world.ask("INV-1")
    report = world.doku.pay("INV-1", amount=1)

    def away(_: ArchivedMessage) -> None:
        raise Busy("the archive is away")

    with monkeypatch.context() as patch:
        patch.setattr(world.archive, "keep", away)
        with pytest.raises(Busy):
            world.notify(report)
    (heard,) = world.observed
    assert heard.payment is not None
    assert heard.payment.kind is PaymentKind.AMOUNT_MISMATCH
    assert world.notify(report).outcome is NotificationOutcome.KNOWN
    assert len(list(world.archive.keys(None, None))) == 1


def test_time_stands_where_a_message_came() -> None:
    with pytest.raises(AssertionError):
        ReplayClock()()
