"""What closes the days and what verifies them are two programs: they agree on the files."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from o2o.adapters.archive import encode
from o2o.core.closed_days import BooksClosed
from o2o.core.wib import day_span
from o2o.entry.models.events import render
from tests.support.books import BooksWorld
from tests.support.documents import ROOT
from tests.support.world import Mood

DAY = date(2026, 3, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The two buckets of a stack that has closed two days, one of them twice."""
    world = BooksWorld()
    world.run(world.end(DAY - timedelta(days=1)))
    world.clock.now = day_span(DAY)[0] + timedelta(hours=12)
    for number in range(3):
        world.ask(f"INV-{number}", reusable=number == 0)
        world.notify(world.doku.pay(f"INV-{number}", amount=20_000 if number == 2 else None))
    world.notify(replace(world.doku.pay("INV-1"), invoice_number="INV-STRAY", receipt_number="=1"))
    world.ask("INV-LATE")
    late = world.doku.pay("INV-LATE")
    world.doku.mood = Mood.DENYING
    world.run(world.end(DAY))
    world.notify(late)
    world.clock.advance(minutes=6)
    assert [each.edition for each in world.run().closed] == [2]
    for key, content in world.files.files.items():
        write(tmp_path / "books-bucket" / key, content)
    for key in world.archive.keys(None, None):
        write(tmp_path / "archive" / key, encode(world.archive.get(key)))
    bodies = [
        render(BooksClosed(book))
        for editions in world.table.books["shop"].values()
        for book in editions.values()
    ]
    write(tmp_path / "events.jsonl", "\n".join(bodies).encode())
    return tmp_path


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def verify(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / "tools" / "verify_books.py"), "books-bucket"),
            *("--archive", "archive", "--events", "events.jsonl", "--json"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_verifier_finds_nothing_in_what_was_closed(folder: Path) -> None:
    code, said = verify(folder)

    assert (json.loads(said)["findings"], code) == ([], 0)


def test_it_finds_what_was_changed(folder: Path) -> None:
    path = folder / "books-bucket" / "books" / str(DAY) / "0002" / "payments.csv"
    path.write_bytes(path.read_bytes().replace(b"150000", b"150001", 1))

    code, said = verify(folder)

    assert code == 1
    assert {"changed", "sums"} & {each["kind"] for each in json.loads(said)["findings"]}
