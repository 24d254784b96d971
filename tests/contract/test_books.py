"""The books' store and files keep their promises on real engines, on moto and in memory."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from itertools import count
from typing import Any

import boto3
import pytest

from o2o.adapters.books import S3BooksFiles
from o2o.adapters.dynamodb.books import DynamoBooksStore
from o2o.adapters.dynamodb.events import DynamoEventStore
from o2o.adapters.dynamodb.store import Store
from o2o.core.closed_days import BooksState, ClosedDay, Closing
from o2o.core.errors import InvalidRequest, VersionConflict
from o2o.usecases.ports import BooksFiles, BooksStore, EventStore
from tests.contract.conftest import REGION, Stores, pay
from tests.support.memory import (
    RETENTION,
    MemoryBooksFiles,
    MemoryBooksStore,
    MemoryEventStore,
    MemoryTable,
)
from tests.support.samples import NOW, make_code
from tests.support.storefronts import make_record

NUMBERS = count(1)


def closed(day: str = "2026-03-01", edition: int = 1, **changes: Any) -> ClosedDay:
    return replace(
        ClosedDay(
            storefront_id="shop",
            day=day,
            edition=edition,
            closed_at=datetime(2026, 3, 2, 12, tzinfo=UTC),
            count=3,
            sum=Decimal("150000.50"),
            differences=2,
            messages_root="a" * 64,
            previous_root=None,
            sha256="b" * 64,
            document='{"long": "' + "x" * 5000 + '"}',
        ),
        **changes,
    )


@pytest.fixture(params=["memory", "dynoxide", "moto"])
def books(request: pytest.FixtureRequest) -> BooksStore:
    if request.param == "memory":
        return MemoryBooksStore()
    table = request.getfixturevalue(f"{request.param}_table")
    return DynamoBooksStore(Store(table.client, table.name, RETENTION))


def test_an_edition_is_written_once_and_never_changes(books: BooksStore) -> None:
    first = closed()
    assert books.add(first) is None
    assert books.add(replace(first, count=7)) == first
    assert books.get("shop", "2026-03-01") == books.get("shop", "2026-03-01", 1) == first


def test_the_newest_edition_is_the_day_s_and_the_former_ones_stay(books: BooksStore) -> None:
    editions = [closed(edition=number) for number in (1, 2, 10)]
    for each in editions:
        assert books.add(each) is None
    assert books.get("shop", "2026-03-01") == editions[-1]
    assert [books.get("shop", "2026-03-01", each.edition) for each in editions] == editions
    assert books.get("shop", "2026-03-01", 3) is None
    with pytest.raises(VersionConflict):
        books.add(closed(edition=9))
    assert books.get("shop", "2026-03-01") == editions[-1]


def test_each_storefront_s_books_and_the_stack_s_are_apart(books: BooksStore) -> None:
    whose: tuple[str | None, ...] = ("shop", "other", None)
    for each in whose:
        books.add(closed(storefront_id=each))
    for each in whose:
        assert books.get(each, "2026-03-01") == closed(storefront_id=each)
        assert books.list_days(each, limit=9, cursor=None).items == [closed(storefront_id=each)]
    assert books.get("nobody", "2026-03-01") is None


def test_days_are_listed_newest_first_each_once(books: BooksStore) -> None:
    days = [f"2026-0{month}-{day:02}" for month in (2, 3) for day in (1, 9, 10, 28)]
    for day in days:
        for edition in (1, 2):
            books.add(closed(day, edition))
    found, cursor = [], None
    while True:
        page = books.list_days("shop", limit=3, cursor=cursor)
        found += [(each.day, each.edition) for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == [(day, 2) for day in reversed(days)]


def test_a_foreign_cursor_is_refused(books: BooksStore) -> None:
    for day in ("2026-03-01", "2026-03-02"):
        books.add(closed(day))
        books.add(closed(day, storefront_id="other"))
    cursor = books.list_days("other", limit=1, cursor=None).next_cursor
    assert cursor is not None
    for each in (cursor, "", "garbage", cursor[:-2]):
        with pytest.raises(InvalidRequest):
            books.list_days("shop", limit=1, cursor=each)


def test_the_state_moves_one_version_at_a_time(books: BooksStore) -> None:
    assert books.get_state() is None
    first = BooksState(first_day="2026-02-28", looked_at=NOW)
    books.save_state(first)
    with pytest.raises(VersionConflict):
        books.save_state(first)
    second = first.next(
        last_day="2026-02-28",
        again=("2026-02-28",),
        closing=Closing(day="2026-03-01", edition=1, began_at=NOW),
    )
    books.save_state(second)
    assert books.get_state() == second
    with pytest.raises(VersionConflict):
        books.save_state(second)
    with pytest.raises(VersionConflict):
        books.save_state(second.next().next())


# --- Many at once ---------------------------------------------------------------------------


def test_codes_and_payments_are_read_many_at_once(stores: Stores) -> None:
    paid = pay(stores, make_code("INV-1", reusable=True), ["R-1", "R-2"])
    stores.codes.create(make_code("INV-2"))
    codes = stores.codes.get_all(["INV-1", "INV-2", "INV-3"])
    assert codes == {each: stores.codes.get(each) for each in ("INV-1", "INV-2")}
    wanted = [("INV-1", "1"), ("INV-1", "2"), ("INV-1", "3"), ("INV-2", "1")]
    assert stores.codes.get_payments(wanted) == dict(zip(wanted, paid, strict=False))
    assert stores.codes.get_all([]) == {}
    assert stores.codes.get_payments([]) == {}


def test_more_than_a_batch_of_codes(stores: Stores) -> None:
    numbers = [f"INV-{number}" for number in range(101)]
    for number in numbers:
        stores.codes.create(make_code(number))
    assert list(stores.codes.get_all(numbers).keys() ^ set(numbers)) == []


@pytest.mark.parametrize("engine", ["memory", "dynoxide", "moto"])
def test_events_are_read_many_at_once(engine: str, request: pytest.FixtureRequest) -> None:
    events: EventStore = MemoryEventStore(MemoryTable())
    if engine != "memory":
        table = request.getfixturevalue(f"{engine}_table")
        events = DynamoEventStore(Store(table.client, table.name, RETENTION))
    records = [make_record(number) for number in range(3)]
    for record in records:
        events.add(record)
    ids = [each.event_id for each in records]
    assert events.get_all([*ids, "evt_unknown"]) == dict(zip(ids, records, strict=True))


# --- The files --------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "moto"])
def files(request: pytest.FixtureRequest) -> BooksFiles:
    if request.param == "memory":
        return MemoryBooksFiles()
    request.getfixturevalue("aws")
    s3 = boto3.client("s3", region_name=REGION)
    name = f"books-{next(NUMBERS)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return S3BooksFiles(s3, name)


def test_a_file_is_written_once_and_its_digest_is_that_of_what_is_there(
    files: BooksFiles,
) -> None:
    content = sha256(b"one, two").hexdigest()
    assert files.write("books/2026-03-01/0001/a.csv", iter([b"one, ", b"two"])) == content
    assert files.write("books/2026-03-01/0001/a.csv", [b"three"]) == content
    assert files.read("books/2026-03-01/0001/a.csv") == b"one, two"
    assert files.read("books/2026-03-01/0001/b.csv") is None


def test_files_are_listed_in_order(files: BooksFiles) -> None:
    for number in (3, 1, 20):
        files.write(f"slices/2026-03-01/0001/shop/{number:06}.json", [b"{}"])
    files.write("slices/2026-03-01/0002/shop/000001.json", [b"{}"])
    assert list(files.keys("slices/2026-03-01/0001/")) == [
        f"slices/2026-03-01/0001/shop/{number:06}.json" for number in (1, 3, 20)
    ]
