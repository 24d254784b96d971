"""A day is closed: what was paid, what agrees, and what does not."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import pytest

from o2o.core.channels import Channel
from o2o.core.closed_days import Closing
from o2o.core.codes import Status
from o2o.core.errors import InvalidRequest
from o2o.core.merkle import merkle_root
from o2o.core.notifications import Notification, OrderState
from o2o.core.payments_csv import COLUMNS
from o2o.core.resolutions import Resolution, ResolutionKind
from o2o.core.storefronts import Storefront
from o2o.core.wib import day_span
from o2o.usecases import close_books, read_day
from tests.support.books import BooksWorld, TimeToGo
from tests.support.memory import MemoryBooksFiles
from tests.support.world import Mood, sent

DAY = date(2026, 3, 2)
"""The day on which the tests' customers pay; the world's first day is the one before."""


@pytest.fixture
def world() -> BooksWorld:
    return BooksWorld()


def lines(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def pay(world: BooksWorld, invoice_number: str = "INV-1", **changes: Any) -> None:
    """A code that is made and paid now."""
    amount = changes.pop("paid", None)
    world.ask(invoice_number, **changes)
    world.notify(world.doku.pay(invoice_number, amount=amount))


def kinds(world: BooksWorld, day: date = DAY, storefront_id: str | None = "shop") -> list[str]:
    return [each["kind"] for each in world.book(day, storefront_id)["differences"]]


def test_a_day_is_closed_nineteen_hours_after_its_end_and_no_sooner(world: BooksWorld) -> None:
    world.run(world.end(DAY - timedelta(days=1)))
    assert world.run(world.end(DAY) - timedelta(seconds=1)).closed == []

    (closed,) = world.run(world.end(DAY)).closed

    assert (closed.day, closed.edition, closed.storefront_id) == (str(DAY), 1, None)
    assert world.run().closed == []


def test_counts_and_sums_by_channel_and_kind(world: BooksWorld) -> None:
    pay(world, "INV-1")
    pay(world, "INV-2", amount=20_000, channel=Channel.INDOMARET)
    pay(world, "INV-3", amount=30_000, paid=29_000)
    world.run(world.end(DAY))

    book = world.book(DAY)

    assert book["totals"] == {
        "count": 3,
        "sum": 199_000,
        "by": [
            {
                "channel": "alfa",
                "kind": "amount_mismatch",
                "currency": "IDR",
                "count": 1,
                "sum": 29_000,
            },
            {"channel": "alfa", "kind": "paid", "currency": "IDR", "count": 1, "sum": 150_000},
            {"channel": "indomaret", "kind": "paid", "currency": "IDR", "count": 1, "sum": 20_000},
        ],
    }
    assert world.book(DAY, None)["totals"] == book["totals"]
    # DOKU said that the third was paid: it never expires.
    assert book["codes"] == {
        "created": {"active": 1, "paid": 2},
        "channels": {"alfa": 2, "indomaret": 1},
        "ended": {},
    }
    assert book["events"] == {"pending": 6}
    assert (book["difference_count"], book["differences"]) == (0, [])


def test_a_day_without_anything_has_its_book(world: BooksWorld) -> None:
    world.run(world.end(DAY))

    book = world.book(DAY)

    assert book["totals"] == {"count": 0, "sum": 0, "by": []}
    assert (book["day"], book["edition"], book["differences"]) == ("2026-03-02", 1, [])
    assert lines(world.file(DAY, 1, "payments.csv")) == []


def test_a_payment_is_of_the_day_on_which_it_was_made_in_wib(world: BooksWorld) -> None:
    first, last = day_span(DAY)
    for number, instant in enumerate([first, last], start=1):
        world.clock.now = instant
        pay(world, f"INV-{number}")
    world.clock.now = last + timedelta(microseconds=1)
    pay(world, "INV-3")
    world.run(world.end(DAY))

    rows = lines(world.file(DAY, 1, "payments.csv"))

    assert [each["invoice_number"] for each in rows] == ["INV-1", "INV-2"]
    assert [each["paid_at_wib"] for each in rows] == [
        "2026-03-02T00:00:00+07:00",
        "2026-03-02T23:59:59+07:00",
    ]
    assert world.file(DAY, 1, "storefronts/shop.csv") == world.file(DAY, 1, "payments.csv")
    assert tuple(rows[0]) == COLUMNS


def test_the_files_are_named_by_their_digests_and_the_book_by_the_item(world: BooksWorld) -> None:
    pay(world)
    world.run(world.end(DAY))

    book = world.book(DAY, None)

    assert sorted(book["files"]) == [
        "messages.csv",
        "payments.csv",
        "storefronts/shop.csv",
        "storefronts/shop.json",
    ]
    for name, digest in book["files"].items():
        assert sha256(world.file(DAY, 1, name)).hexdigest() == digest
    assert world.closed(DAY).sha256 == book["files"]["storefronts/shop.json"]
    assert world.closed(DAY, None).sha256 == sha256(world.file(DAY, 1, "books.json")).hexdigest()


def test_each_message_is_explained_and_the_root_binds_the_day_before(world: BooksWorld) -> None:
    before = world.run(world.end(DAY - timedelta(days=1))).closed[0]
    world.clock.now = day_span(DAY)[0] + timedelta(hours=12)
    pay(world)
    world.run(world.end(DAY))

    rows = lines(world.file(DAY, 1, "messages.csv"))

    since, until = day_span(DAY)
    assert [each["key"] for each in rows] == list(world.archive.keys(since, until))
    assert [(each["order_number"], each["payment"], each["outcome"]) for each in rows] == [
        ("INV-1", "1", "on_record")
    ]
    messages = world.book(DAY, None)["messages"]
    leaves = [f"previous {before.messages_root}", *(each["key"] for each in rows)]
    assert messages == {
        "count": 1,
        "root": merkle_root(each.encode() for each in leaves).hex(),
        "previous_day": "2026-03-01",
        "previous_root": before.messages_root,
    }
    assert world.book(DAY - timedelta(days=1), None)["messages"]["previous_root"] is None
    assert before.messages_root == merkle_root([b"previous -"]).hex()
    assert world.reader.opened == []


def test_what_is_late_makes_a_new_edition_and_the_former_stays(world: BooksWorld) -> None:
    pay(world)
    world.ask("INV-2")
    late = world.doku.pay("INV-2")
    world.doku.mood = Mood.DENYING
    world.run(world.end(DAY))
    first = dict(world.files.files)
    world.notify(late)
    world.clock.advance(minutes=6)

    (closed,) = world.run().closed

    assert (closed.day, closed.edition) == (str(DAY), 2)
    assert world.book(DAY)["totals"]["count"] == 2
    former = world.books.get("shop", str(DAY), 1)
    assert former is not None
    assert (former.count, former.edition) == (1, 1)
    assert {key: world.files.files[key] for key in first} == first
    assert closed.messages_root == world.books.get(None, str(DAY), 1).messages_root  # type: ignore[union-attr]
    assert world.run().closed == []
    world.clock.advance(minutes=20)
    assert world.run().closed == []


def test_what_becomes_known_while_a_day_is_being_closed_closes_it_again(
    world: BooksWorld,
) -> None:
    pay(world)
    world.ask("INV-2")
    late = world.doku.pay("INV-2")
    world.doku.mood = Mood.DENYING
    world.run(world.end(DAY - timedelta(days=1)))
    world.live(world.end(DAY), timedelta(hours=1))
    # The slices are made, and there is no time for the files.
    world.run(time_left=TimeToGo(close_books.ENOUGH_FOR_FILES - 1))
    assert world.books.get("shop", str(DAY)) is None
    world.notify(late)
    world.clock.advance(minutes=6)

    closed = world.run().closed

    assert [(each.day, each.edition, each.count) for each in closed] == [
        (str(DAY), 1, 1),
        (str(DAY), 2, 2),
    ]


@pytest.mark.parametrize("looks", [6, 7, 8, 9, 11, 14])
def test_a_run_without_time_leaves_its_work_to_the_next(
    world: BooksWorld, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    """A run looks so often at the time before it has no more of it."""
    monkeypatch.setattr(read_day, "SLICE", 1)
    monkeypatch.setattr("o2o.usecases.read_day._PAGE", 1)
    monkeypatch.setattr("o2o.usecases.explain_messages.SLICE", 1)
    for number in range(5):
        pay(world, f"INV-{number}")
        world.clock.advance(minutes=1)
    world.run(world.end(DAY - timedelta(days=1)))
    world.live(world.end(DAY), timedelta(hours=1))
    slices = [0]
    for _ in range(60):
        world.run(time_left=TimeToGo(read_day.ENOUGH + looks, step=1))
        slices.append(len(list(world.files.keys(f"slices/{DAY}/"))))
    world.run()

    assert len(set(slices)) > 3
    rows = lines(world.file(DAY, 1, "payments.csv"))
    assert [each["invoice_number"] for each in rows] == [f"INV-{number}" for number in range(5)]
    assert world.book(DAY)["totals"]["count"] == 5
    assert world.book(DAY)["codes"]["created"] == {"paid": 5}
    assert world.book(DAY, None)["messages"]["count"] == 5
    assert kinds(world, storefront_id=None) == []


class Disturbed(MemoryBooksFiles):
    """A bucket that does something else, or breaks, before one of its writes."""

    def __init__(self, before: int, disturb: Callable[[], None]) -> None:
        super().__init__()
        self.left = before
        self._disturb = disturb

    def write(self, key: str, parts: Iterable[bytes]) -> str:
        self.left -= 1
        if self.left == 0:
            self._disturb()
        return super().write(key, parts)


class KilledError(Exception):
    """The function died."""


WRITES = 10
"""So many files are written for a day of one storefront, and a few."""


def closed_day(disturb: Callable[[BooksWorld], None], before: int) -> BooksWorld:
    """A day that is closed while something happens."""
    world = BooksWorld()
    world.run(world.end(DAY - timedelta(days=1)))
    world.clock.now = day_span(DAY)[0] + timedelta(hours=12)
    pay(world)
    world.live(world.end(DAY), timedelta(hours=1))
    files = Disturbed(before, lambda: disturb(world))
    files.files.update(world.files.files)
    world.files = files
    world.close = world.closer()
    with suppress(KilledError):
        world.run()
    world.run()
    return world


@pytest.mark.parametrize("before", range(1, WRITES))
def test_a_run_that_is_killed_anywhere_is_made_up_for(before: int) -> None:
    def die(world: BooksWorld) -> None:
        raise KilledError(world.clock.now)

    undisturbed = closed_day(die, 0)
    killed = closed_day(die, before)

    assert killed.files.files == undisturbed.files.files
    assert killed.table.books == undisturbed.table.books
    assert killed.closed(DAY).edition == 1


@pytest.mark.parametrize("before", range(1, WRITES))
def test_two_runs_at_once_make_one_edition_of_the_same_bytes(before: int) -> None:
    def run_too(world: BooksWorld) -> None:
        world.run()

    undisturbed = closed_day(run_too, 0)
    twice = closed_day(run_too, before)

    assert twice.files.files == undisturbed.files.files
    assert twice.table.books == undisturbed.table.books
    assert twice.closed(DAY).edition == 1


def test_slices_that_are_gone_make_a_new_edition_if_anything_is_else(world: BooksWorld) -> None:
    """As when closing was broken off for longer than they are kept."""
    pay(world)
    world.run(world.end(DAY - timedelta(days=1)))
    world.live(world.end(DAY), timedelta(hours=1))
    state = world.books.get_state()
    world.run()
    former = dict(world.files.files)
    # All but the files: what they were made of has become something else.
    closing = Closing(day=str(DAY), edition=1, began_at=world.clock.now)
    assert state is not None
    world.table.books_state = state.next(closing=closing)
    for book in world.table.books.values():
        del book[str(DAY)]
    for key in [each for each in world.files.files if each.startswith(f"slices/{DAY}")]:
        del world.files.files[key]
    world.table.events.clear()

    world.run()

    assert world.closed(DAY).edition == 2
    assert kinds(world) == ["payment_without_event"]
    kept = {key: each for key, each in former.items() if key.startswith("books/")}
    assert {key: world.files.files[key] for key in kept} == kept


# --- Differences --------------------------------------------------------------------------


def test_a_quiet_day_has_no_difference(world: BooksWorld) -> None:
    pay(world)
    run = world.run(world.end(DAY))

    assert kinds(world) == []
    assert run.differences == 0


def test_a_payment_without_its_code(world: BooksWorld) -> None:
    pay(world)
    world.live(world.end(DAY), timedelta(hours=1))
    del world.table.codes["INV-1"]
    run = world.run()

    *others, difference = world.book(DAY)["differences"]

    assert difference == {
        "kind": "payment_without_code",
        "invoice_number": "INV-1",
        "payment": "1",
    }
    assert {each["kind"] for each in others} == {"event_without_payment"}
    assert run.differences == 2


def test_a_code_without_its_payment(world: BooksWorld) -> None:
    pay(world)
    world.live(world.end(DAY), timedelta(hours=1))
    world.table.payments.clear()
    world.run()

    assert set(kinds(world)) == {
        "code_without_payment",
        "event_without_payment",
        "message_without_payment",
    }


def test_a_payment_without_its_event(world: BooksWorld) -> None:
    pay(world)
    world.live(world.end(DAY), timedelta(hours=1))
    world.table.events.clear()
    world.run()

    assert kinds(world) == ["payment_without_event"]


def test_a_payment_that_its_code_does_not_count(world: BooksWorld) -> None:
    pay(world)
    world.live(world.end(DAY), timedelta(hours=1))
    code = world.table.codes["INV-1"]
    world.table.codes["INV-1"] = replace(code, payments=0, paid_at=None, last_payment=None)
    world.run()

    assert "payment_unknown_to_code" in kinds(world)
    assert "event_without_payment" in kinds(world)


def test_money_that_no_shop_has(world: BooksWorld) -> None:
    world.ask("INV-1")
    world.notify(replace(world.doku.pay("INV-1"), invoice_number="INV-STRAY"))
    (kept,) = world.table.notifications.values()
    world.run(world.end(DAY))

    (difference,) = world.book(DAY, None)["differences"]

    assert difference == {
        "kind": "unmatched",
        "order_number": "INV-STRAY",
        "message": kept.identity,
    }
    assert kinds(world) == []


def test_what_a_person_dismissed_is_no_difference(world: BooksWorld) -> None:
    world.ask("INV-1")
    world.notify(replace(world.doku.pay("INV-1"), invoice_number="INV-STRAY"))
    for key, kept in world.table.notifications.items():
        world.table.notifications[key] = replace(kept, dismissed="another stack's")
    world.run(world.end(DAY))

    assert "unmatched" not in kinds(world, storefront_id=None)


def test_a_message_that_is_not_on_record(world: BooksWorld) -> None:
    pay(world)
    world.ask("INV-2")
    world.notify(world.doku.pay("INV-2"))
    world.live(world.end(DAY), timedelta(hours=1))
    for kept in (world.table.payments, world.table.codes):
        del kept["INV-2"]
    world.table.events = {
        name: each for name, each in world.table.events.items() if each.invoice_number != "INV-2"
    }
    world.run()

    (difference,) = world.book(DAY, None)["differences"]

    assert (difference["kind"], difference["order_number"]) == (
        "message_without_payment",
        "INV-2",
    )
    outcomes = {each["outcome"] for each in lines(world.file(DAY, 1, "messages.csv"))}
    assert outcomes == {"on_record", "unexplained"}


def test_an_archive_that_lost_a_message_is_a_difference_when_a_day_is_closed_again(
    world: BooksWorld,
) -> None:
    pay(world)
    world.run(world.end(DAY))
    world.archive._messages.clear()
    world.close.again(DAY)
    world.run()

    assert kinds(world, storefront_id=None) == ["messages_changed"]


# --- What is noted ------------------------------------------------------------------------


def test_a_payment_that_only_a_status_check_found(world: BooksWorld) -> None:
    world.ask("INV-1")
    world.doku.pay("INV-1")
    world.run(world.end(DAY))

    noted = world.book(DAY)["noted"]["only_by_status_check"]

    assert noted == {"count": 1, "items": [{"invoice_number": "INV-1", "payment": "1"}]}
    assert kinds(world) == []


def test_codes_that_ended_confirmed_and_those_that_did_not(world: BooksWorld) -> None:
    world.ask("INV-1")
    world.live(world.clock.now + timedelta(hours=2))
    assert world.code("INV-1").status is Status.EXPIRED
    world.ask("INV-2")
    world.doku.mood = Mood.DOWN
    world.live(world.clock.now + timedelta(hours=12), timedelta(minutes=10))
    world.doku.mood = Mood.WELL
    world.live(world.end(DAY), timedelta(hours=1))
    world.table.codes["INV-1"] = replace(world.code("INV-1"), unconfirmed=True)
    world.run()

    book = world.book(DAY)

    assert book["codes"] == {
        "created": {"expired": 2},
        "channels": {"alfa": 2},
        "ended": {"confirmed": 1, "unconfirmed": 1},
    }
    assert book["noted"]["ended_unconfirmed"] == {
        "count": 1,
        "items": [{"invoice_number": "INV-1"}],
    }


def test_a_reusable_code_that_nobody_can_prove_complete(world: BooksWorld) -> None:
    world.ask("INV-1", reusable=True)
    world.notify(world.doku.pay("INV-1"))
    world.run(world.end(DAY))

    assert world.book(DAY)["noted"]["reusable_incomplete"] == {
        "count": 1,
        "items": [{"invoice_number": "INV-1"}],
    }


# --- Again, and how the books stand -------------------------------------------------------


def test_a_day_is_closed_again_by_hand(world: BooksWorld) -> None:
    world.run(world.end(DAY))
    world.close.again(DAY)

    (closed,) = world.run().closed

    assert (closed.day, closed.edition) == (str(DAY), 2)
    with pytest.raises(InvalidRequest):
        world.close.again(DAY + timedelta(days=1))
    with pytest.raises(InvalidRequest):
        world.close.again(DAY - timedelta(days=2))


def test_a_difference_rings_until_the_day_is_closed_again_without_it(world: BooksWorld) -> None:
    pay(world)
    world.live(world.end(DAY), timedelta(hours=1))
    events = dict(world.table.events)
    world.table.events.clear()
    assert world.run().differences == 1
    assert world.run().differences == 1
    world.table.events.update(events)
    world.close.again(DAY)

    assert world.run().differences == 0


def test_how_long_a_day_has_been_over_without_a_book(world: BooksWorld) -> None:
    world.run(world.end(DAY - timedelta(days=1)))
    world.live(world.end(DAY, hours=36), timedelta(hours=1))

    run = world.run(time_left=TimeToGo(read_day.ENOUGH - 1))

    assert timedelta(hours=36) <= run.open_for < timedelta(hours=36, seconds=1)
    assert world.run().open_for < timedelta(hours=13)


def test_what_calls_for_a_person_for_too_long_is_counted(world: BooksWorld) -> None:
    pay(world, "INV-1", paid=20_000)
    at = world.clock.now
    assert world.run(at + timedelta(days=3) - timedelta(seconds=1)).unresolved == 0
    assert world.run(at + timedelta(days=3)).unresolved == 1
    (payment,) = world.table.payments["INV-1"].values()
    word = Resolution(kind=ResolutionKind.REFUNDED, by="x", at=world.clock.now)
    world.table.payments["INV-1"][1] = payment.resolved(replace(word, answers=payment.attention))
    assert world.run().unresolved == 0


def test_each_storefront_s_book_is_its_own(world: BooksWorld) -> None:
    world.storefronts.add_storefront(Storefront("other", "Other", world.clock.now, "k7q2"))
    pay(world)
    world.generate("other", replace(world.request("INV-1"), namespace="k7q2"), time_left=lambda: 9)
    world.notify(world.doku.pay("k7q2._INV-1"))
    world.run(world.end(DAY))

    ours, theirs = world.book(DAY), world.book(DAY, "other")

    assert ours["totals"]["count"] == theirs["totals"]["count"] == 1
    assert world.book(DAY, None)["totals"]["count"] == 2
    assert kinds(world, storefront_id=None) == []
    assert "k7q2" not in json.dumps(theirs)


def test_a_storefront_s_list_is_bounded_in_the_item_and_whole_in_the_file(
    world: BooksWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("o2o.core.books.LISTED", 2)
    for number in range(3):
        pay(world, f"INV-{number}")
    world.live(world.end(DAY), timedelta(hours=1))
    world.table.events.clear()
    world.run()

    short = json.loads(world.closed(DAY).document)

    assert (len(short["differences"]), short["difference_count"]) == (2, 3)
    assert len(world.book(DAY)["differences"]) == 3


def test_a_notification_of_no_payment_is_no_difference(world: BooksWorld) -> None:
    world.ask("INV-1")
    world.receive(sent(world.inbox.post(Notification(OrderState.FAILED, None, "INV-1"))))
    world.run(world.end(DAY))

    assert kinds(world, storefront_id=None) == []
