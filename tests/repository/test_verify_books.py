"""The verifier finds whatever was changed in copies of the books and of the archive.

It runs as an auditor runs it: alone, on Python's standard library.
"""

import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2o.adapters.archive import encode
from o2o.core.archive import MessageKind
from o2o.core.merkle import audit_path, merkle_root
from tests.support.closed_books import (
    DAYS,
    Books,
    Line,
    forget,
    lines,
    notification,
    paid,
    with_body,
)
from tests.support.documents import ROOT
from tools import verify_books

TOOL = ROOT / "tools" / "verify_books.py"
VECTORS = json.loads((ROOT / "tests" / "doku-vectors.json").read_text("utf-8"))
DAY = DAYS[1]


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books.write(tmp_path)


def arguments(books: Books, *more: str, events: bool = True) -> list[str]:
    told = ["--events", str(books.events)] if events else []
    return [
        str(books.books),
        "--archive",
        str(books.archive),
        "--secret-key-file",
        str(books.secret_key_file),
        *told,
        *more,
    ]


def verify(books: Books, *more: str, events: bool = True) -> list[verify_books.Finding]:
    """The findings, within this process."""
    given = verify_books._parser().parse_args(arguments(books, *more, events=events))
    verifier = verify_books.Verifier(
        books=verify_books.Copy(given.books, "books"),
        archive=verify_books.Copy(given.archive, "messages"),
        secret_keys=[verify_books._read_secret_key(path) for path in given.secret_key_file],
        outside=verify_books.read_outside(given.root, given.book, given.events),
        since=given.since,
        until=given.until,
        gone_before=given.gone_before,
        allow_forgotten=given.allow_forgotten,
    )
    return list(verifier.verify())


def alone(*given: str) -> tuple[int, str, str]:
    """What the tool says, copied away from everything; no traceback, whatever it read."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(TOOL), *given],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def kinds(found: list[verify_books.Finding]) -> set[str]:
    return {each.kind for each in found}


def the(order_number: str) -> Line:
    return next(line for line in lines() if line.order_number == order_number)


def rewrite(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


# --- All is right --------------------------------------------------------------------------


def test_what_was_not_touched_is_right(books):
    code, said, errors = alone(*arguments(books))
    assert (code, errors) == (0, "")
    assert said.splitlines() == [
        "Checked: 3 days, 4 editions, 7 messages, 8 payments, 7 objects, 7 signatures.",
        "All that was checked is right.",
    ]


def test_the_same_as_json(books):
    code, said, _ = alone(*arguments(books, "--json"))
    result = json.loads(said)
    assert (code, result["ok"], result["findings"], result["not_checked"]) == (0, True, [], [])
    assert result["checked"]["messages"] == 7


def test_it_needs_no_file_beside_it(books, tmp_path):
    shutil.copy(TOOL, tmp_path / "copied.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "copied.py", *arguments(books)], cwd=tmp_path, check=False
    )
    assert done.returncode == 0


def test_what_was_not_given_is_told_as_not_checked(books):
    code, said, _ = alone(str(books.books))
    assert code == 0
    assert "Not checked: The messages themselves" in said
    assert "Not checked: Whether these are the books that were closed then" in said
    _, said, _ = alone(str(books.books), "--archive", str(books.archive))
    assert "Not checked: DOKU's signatures" in said
    root = json.loads((books.book(DAY) / "books.json").read_text())["messages"]["root"]
    code, said, _ = alone(str(books.books), "--root", f"{DAY}={root.upper()}")
    assert code == 0
    assert "Whether 4 books.json, books/2026-11-28/0001/books.json the first" in said
    assert "Whether the messages from 2026-11-30 on" in said


def test_a_part_of_the_days_can_be_checked(books):
    assert verify(books, "--since", str(DAY)) == []
    assert verify(books, "--until", str(DAY)) == []
    shutil.rmtree(books.book(DAYS[0]).parent)
    assert kinds(verify(books, events=False)) == {"missing"}
    assert verify(books, "--since", str(DAY)) == []


@pytest.mark.parametrize(
    "vector", [each for each in VECTORS if each["body"]], ids=lambda v: v["id"]
)
def test_doku_s_own_vectors_hold(vector):
    kinds = {"Request-Timestamp": "notification", "Response-Timestamp": "status"}
    document = {
        "kind": kinds[vector["timestamp_name"]],
        "path": vector["request_target"],
        "headers": {
            "Client-Id": vector["client_id"],
            "Request-Id": vector["request_id"],
            vector["timestamp_name"]: vector["timestamp"],
            "Signature": vector["signature"],
        },
    }
    body, key = vector["body"].encode(), vector["secret_key"]
    assert verify_books.is_signed(document, body, ["another", key])
    document["headers"]["Signature"] = vector["signature"].rstrip("=")
    assert verify_books.is_signed(document, body, [key])
    assert not verify_books.is_signed(document, body + b" ", [key])
    assert not verify_books.is_signed(document, body, [f"{key}1"])
    assert not verify_books.is_signed(document | {"path": "/else"}, body, [key])
    for name in document["headers"]:
        headers = document["headers"] | {name: f"{document['headers'][name]}x"}
        assert not verify_books.is_signed(document | {"headers": headers}, body, [key])


# --- A message -----------------------------------------------------------------------------


def test_one_byte_changed_at_any_position_of_a_message_is_found(books):
    line = the("INV-7")
    path = books.archive / line.key
    whole = path.read_bytes()
    said = f"{DAY}: payment 1 of INV-7: its message {line.key} was changed"
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1
        path.write_bytes(changed)
        (found,) = verify(books, "--since", str(DAY), "--until", str(DAY))
        assert (found.kind, found.text) == ("changed", said), position
        assert (found.day, found.key) == (str(DAY), line.key)
        assert (found.order_number, found.payment) == ("INV-7", "1")


def test_it_is_told_as_sentence_and_as_json(books):
    line = the("INV-7")
    rewrite(books.archive / line.key, b"notification", b"notifikation")
    code, said, _ = alone(*arguments(books))
    assert code == 1
    assert f"{DAY}: payment 1 of INV-7: its message {line.key} was changed.\n" in said
    assert "Found: 1." in said
    code, said, _ = alone(*arguments(books, "--json"))
    assert code == 1
    assert json.loads(said)["findings"] == [
        {
            "kind": "changed",
            "text": f"{DAY}: payment 1 of INV-7: its message {line.key} was changed",
            "day": str(DAY),
            "file": f"books/{DAY}/0002/messages.csv",
            "key": line.key,
            "order_number": "INV-7",
            "payment": "1",
        }
    ]


def test_a_message_that_is_gone_is_told_unless_it_was_to_go(books):
    line = the("INV-7")
    (books.archive / line.key).unlink()
    (found,) = verify(books)
    assert (found.kind, found.order_number) == ("gone", "INV-7")
    assert kinds(verify(books, "--gone-before", str(DAY))) == {"gone"}
    assert verify(books, "--gone-before", str(DAYS[2])) == []


def test_a_forgotten_message_is_told_as_that(books):
    path = books.archive / the("INV-7").key
    forget(path)
    (found,) = verify(books)
    assert (found.kind, found.order_number, found.payment) == ("forgotten", "INV-7", "1")
    assert verify(books, "--allow-forgotten") == []
    # Another message's mark is none.
    document = json.loads(path.read_bytes())
    document["forgotten"]["body_sha256"] = "0" * 64
    path.write_text(json.dumps(document))
    assert kinds(verify(books, "--allow-forgotten")) == {"changed"}


def test_a_message_that_no_book_lists_is_told(books):
    late = Line(notification(the("INV-8").message.received_at, paid("INV-9", 1)))
    books.put(late)
    (found,) = verify(books)
    assert (found.kind, found.key, found.day) == ("unlisted", late.key, str(DAY))


def test_one_put_in_the_place_of_another_is_told(books):
    (books.archive / the("INV-8").key).unlink()
    late = Line(notification(the("INV-8").message.received_at, paid("INV-9", 1)))
    books.put(late)
    assert kinds(verify(books)) == {"gone", "unlisted"}


def test_what_is_no_message_is_told(books):
    (books.archive / "messages/2026/11/29/odd").write_text("?")
    (found,) = verify(books)
    assert (found.kind, found.key) == ("unlisted", "messages/2026/11/29/odd")


def test_with_another_secret_key_no_signature_holds(books):
    books.secret_key_file.write_text("SK-of-somebody-else")
    found = verify(books)
    assert kinds(found) == {"signature"}
    assert len(found) == 7
    former = books.events.with_name("former")
    former.write_text("SK-local-test-key-0001")
    assert verify(books, "--secret-key-file", str(former)) == []


@pytest.mark.parametrize(
    "forged",
    [
        lambda line: with_body(line, paid("INV-7", 1_500_000)),
        lambda line: replace(line, message=replace(line.message, kind=MessageKind.STATUS)),
    ],
    ids=["amount", "kind"],
)
def test_a_message_that_was_forged_before_the_day_was_closed_has_no_signature(tmp_path, forged):
    """Keys, list and root agree: whoever wrote them had the archive, and not DOKU's key."""
    written = [forged(line) if line.payment == "1" else line for line in lines()]
    books = Books.write(tmp_path, sorted(written, key=lambda each: each.key))
    found = verify(books)
    assert kinds(found) == {"signature"}
    assert "INV-7" in {each.order_number for each in found}


@pytest.mark.parametrize("name", ["kind", "received_at", "body_base64"])
def test_a_message_that_is_not_what_its_key_says_is_told(tmp_path, name):
    """Also if the key has the right digest of a wrong object."""
    line = the("INV-7")
    document = json.loads(encode(line.message))
    other = {"kind": "status", "received_at": "2026-11-29T00:00:00+00:00", "body_base64": "e30="}
    content = json.dumps(document | {name: other[name]}).encode()
    key = verify_books.parse_key(line.key)._replace(object_sha256=sha256(content).hexdigest())
    assert kinds_of(verify_books.faults(content, key, ())) == {"changed"}


def kinds_of(found: Any) -> set[str]:
    return {kind for kind, _ in found}


# --- The books -----------------------------------------------------------------------------


def rows(books: Books, edition: int = 2) -> list[bytes]:
    return (books.book(DAY, edition) / "messages.csv").read_bytes().splitlines(keepends=True)


def write_rows(books: Books, changed: list[bytes]) -> None:
    """In both editions, and the books name the files as they are now."""
    for edition in (1, 2):
        folder = books.book(DAY, edition)
        (folder / "messages.csv").write_bytes(b"".join(changed))
        books.sign_again(folder)


def test_a_row_that_was_taken_away_is_told(books):
    whole = rows(books)
    for place in range(1, len(whole)):
        write_rows(books, whole[:place] + whole[place + 1 :])
        found = verify(books, events=False)
        assert kinds(found) == {"count", "root", "unlisted"}
        (unlisted,) = (each for each in found if each.kind == "unlisted")
        assert unlisted.key is not None
        assert whole[place].startswith(unlisted.key.encode())


def test_a_row_that_was_put_in_is_told(books):
    whole = rows(books)
    late = Line(notification(the("INV-8").message.received_at, paid("INV-9", 1)), "INV-9", "1")
    row = f"{late.key},INV-9,1,on_record\r\n".encode()
    write_rows(books, [whole[0], *sorted([*whole[1:], row])])
    found = verify(books, events=False)
    assert kinds(found) == {"count", "root", "gone"}


def test_rows_that_were_swapped_or_doubled_are_told(books):
    whole = rows(books)
    write_rows(books, [whole[0], whole[2], whole[1], *whole[3:]])
    assert kinds(verify(books, events=False)) >= {"order", "root"}
    write_rows(books, [*whole, whole[-1]])
    assert kinds(verify(books, events=False)) == {"order", "root", "count"}


def test_a_row_of_another_day_is_told(books):
    whole = rows(books)
    other = (books.book(DAYS[0]) / "messages.csv").read_bytes().splitlines(keepends=True)[1]
    write_rows(books, [whole[0], other, *whole[1:]])
    assert kinds(verify(books, events=False)) == {"order", "root", "count"}


def test_what_a_row_says_of_a_payment_is_held_by_the_book(books):
    path = books.book(DAY, 2) / "messages.csv"
    rewrite(path, b",INV-8,1,", b",INV-9,1,")
    (found,) = verify(books)
    assert (found.kind, found.file) == ("changed", f"books/{DAY}/0002/messages.csv")


def test_a_root_that_was_changed_is_told(books):
    path = books.book(DAYS[0]) / "books.json"
    root = json.loads(path.read_text())["messages"]["root"]
    rewrite(path, root.encode(), root[::-1].encode())
    found = verify(books, events=False)
    # The book against its list, and the day after, in both editions, against the book.
    assert [(each.kind, each.day) for each in found] == [
        ("root", str(DAYS[0])),
        ("chain", str(DAY)),
        ("chain", str(DAY)),
    ]
    assert kinds(verify(books)) == {"root", "chain", "changed"}


def test_a_day_that_is_missing_is_told(books):
    shutil.rmtree(books.book(DAY).parent)
    found = verify(books, events=False)
    assert [(each.kind, each.day) for each in found] == [
        ("missing", str(DAY)),
        ("chain", str(DAYS[2])),
    ]


@pytest.mark.parametrize("day", [DAYS[0], DAYS[2]])
def test_the_first_and_the_last_day_are_missed_too(books, day):
    shutil.rmtree(books.book(day).parent)
    assert kinds(verify(books)) == {"missing"}


def test_an_edition_that_is_missing_is_told(books):
    shutil.rmtree(books.book(DAY, 1))
    (found,) = (each for each in verify(books, events=False))
    assert found.text == f"{DAY}: edition 1 is missing"
    shutil.copytree(books.book(DAY, 2), books.book(DAY, 1))
    assert "unreadable" in kinds(verify(books, events=False))


def test_the_last_edition_is_missed_by_who_was_told_of_it(books):
    shutil.rmtree(books.book(DAY, 2))
    assert verify(books, events=False) == []
    assert kinds(verify(books)) == {"missing"}


def test_editions_with_different_roots_are_told(books):
    written = [line for line in lines() if line.order_number != "INV-8"]
    root = json.loads((books.book(DAYS[0]) / "books.json").read_text())["messages"]["root"]
    books.close(DAY, 2, written, (DAYS[0], root))
    found = verify(books, events=False)
    assert kinds(found) == {"root", "chain", "unlisted"}
    assert f"{DAY}: edition 2 has another root than edition 1" in {each.text for each in found}


def test_books_that_were_all_made_anew_contradict_what_is_outside_and_nothing_else(tmp_path):
    """What a root is kept outside for: who may write everything can make all of it agree."""
    before = Books.write(tmp_path / "before")
    written = [line for line in lines() if line.order_number != "INV-7"]
    books = Books.write(tmp_path / "after", written)
    assert verify(books, events=False) == []
    shutil.copy(before.events, books.events)
    assert kinds(verify(books)) == {"root", "changed"}
    last = json.loads((before.book(DAYS[2]) / "books.json").read_text())["messages"]["root"]
    found = verify(books, "--root", f"{DAYS[2]}={last}", events=False)
    assert [(each.kind, each.day) for each in found] == [("root", str(DAYS[2]))]


def test_sums_that_are_not_those_of_the_list_are_told(books):
    path = books.book(DAYS[0]) / "payments.csv"
    rewrite(path, b",150000,", b",250000,")
    books.sign_again(books.book(DAYS[0]))
    found = verify(books, events=False)
    assert kinds(found) == {"sums"}
    assert (
        f"{DAYS[0]}: books/{DAYS[0]}/0001/books.json: alfa, paid, IDR: the book has"
        f" 1 payments of 150000, and payments.csv 1 of 250000"
    ) in {each.text for each in found}
    # The stack's, the storefront's in the stack's book, in its own, and its own list.
    assert len(found) == 4


def test_a_payment_given_to_another_storefront_is_told(books):
    path = books.book(DAYS[0]) / "payments.csv"
    rewrite(path, b"warung,", b"toko,")
    books.sign_again(books.book(DAYS[0]))
    texts = "\n".join(each.text for each in verify(books, events=False))
    assert "toko, indomaret, paid, IDR: the book has 0 payments of 0" in texts
    assert "warung, indomaret, paid, IDR: the book has 1 payments of 25000" in texts


def test_a_file_that_is_missing_or_no_part_is_told(books):
    (books.book(DAY) / "payments.csv").unlink()
    (books.book(DAY) / "storefronts" / "more.csv").write_text("?")
    (books.books / "books" / "notes.txt").write_text("?")
    (books.books / "books" / ".DS_Store").write_text("?")
    found = verify(books)
    assert sorted((each.kind, str(each.file)) for each in found) == [
        ("missing", f"books/{DAY}/0001/payments.csv"),
        ("stray", f"books/{DAY}/0001/storefronts/more.csv"),
        ("stray", "books/notes.txt"),
    ]


# --- Any byte of any file ------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Books:
    return Books.write(tmp_path_factory.mktemp("whole"))


@settings(deadline=None)
@given(data=st.data())
def test_any_byte_of_any_file_that_was_changed_is_found(whole, data):
    """Of all that is in both folders. The books' own bytes are held by what was told outside."""
    path = data.draw(st.sampled_from(whole.files()))
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    flip = data.draw(st.integers(1, 255))
    kept = content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :]
    path.write_bytes(kept)
    try:
        assert verify(whole)
    finally:
        path.write_bytes(content)


@settings(deadline=None)
@given(data=st.data())
def test_without_events_only_what_no_root_binds_passes(whole, data):
    """Of books.json: when it was closed, its differences, and how it is written."""
    paths = [path for path in whole.files() if path.name != "books.json"]
    path = data.draw(st.sampled_from(paths))
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:place] + b"#" + content[place + 1 :])
    try:
        assert bool(verify(whole, events=False)) == (content[place] != ord("#"))
    finally:
        path.write_bytes(content)


@settings(deadline=None)
@given(data=st.data())
def test_whatever_the_files_have_become_it_says_so(whole, data):
    path = data.draw(st.sampled_from(whole.files()))
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    rest = data.draw(st.sampled_from([content[start:], b"", content]))
    path.write_bytes(content[:start] + data.draw(st.binary(max_size=20)) + rest)
    try:
        assert bool(verify(whole)) == (path.read_bytes() != content)
    finally:
        path.write_bytes(content)


# --- Broken files --------------------------------------------------------------------------

BROKEN = [
    b"",
    b"\x00\xff\xfe binary",
    b"null",
    b"[]",
    b"{}",
    b'"\\ud800"',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"9" * 5_000,
    b'{"format": NaN}',
    b"key,order_number,payment\r\n",
    b"key,key,order_number,payment,outcome\r\n",
    b'key,order_number,payment,outcome\r\n"',
    b"key,order_number,payment,outcome\r\n\r\n",
    b"key,order_number,payment,outcome\r\n\x1b[31m,\x00,\xe2\x80\xae,\r\n",
    b"key,order_number,payment,outcome\r\n../../../etc/passwd,,,\r\n",
    b"key,order_number,payment,outcome\r\n" + b"x" * 200_000 + b",,,\r\n",
    b"storefront_id,channel,kind,currency,amount\r\ntoko,alfa,paid,IDR,1e9\r\n",
    b"storefront_id,channel,kind,currency,amount\r\n../x,alfa,paid,IDR,1\r\n",
]


@pytest.mark.parametrize(
    "name",
    ["books.json", "messages.csv", "payments.csv", "storefronts/toko.csv", "storefronts/toko.json"],
)
@pytest.mark.parametrize("number", range(len(BROKEN)))
def test_a_broken_file_is_a_finding(books, name, number):
    path = books.book(DAY) / name
    path.write_bytes(BROKEN[number])
    if name != "books.json":
        books.sign_again(books.book(DAY))
    found = verify(books, events=False)
    assert found
    assert str(DAY) in {each.day for each in found}


@pytest.mark.parametrize("number", range(len(BROKEN)))
def test_a_broken_message_is_a_finding(tmp_path, number):
    content = BROKEN[number]
    key = verify_books.parse_key(the("INV-7").key)._replace(object_sha256="")
    assert kinds_of(verify_books.faults(content, key, ["k"])) == {"unreadable"}


def test_a_broken_file_is_told_without_steering_the_terminal(books):
    path = books.book(DAY, 2) / "messages.csv"
    rewrite(path, b",INV-7,1,", b",\x1b[31mINV\xe2\x80\xae 7,1,")
    books.sign_again(books.book(DAY, 2))
    (books.archive / the("INV-7").key).unlink()
    code, said, _ = alone(*arguments(books, events=False))
    assert code == 1
    assert "payment 1 of \\x1b[31mINV\\u202e 7: its message" in said
    assert "\x1b" not in said


DOCUMENT_CHANGES: list[dict[str, Any]] = [
    {"format": 2},
    {"day": "2026-11-30"},
    {"day": 7},
    {"edition": 3},
    {"edition": True},
    {"messages": None},
    {"messages": {}},
    {"files": []},
    {"files": {}},
    {"totals": None},
    {"totals": {"by": [{}]}},
    {"totals": {"by": 7}},
    {"storefronts": []},
    {"storefronts": {"toko": 7}},
    {"storefronts": {}},
]


@pytest.mark.parametrize("change", DOCUMENT_CHANGES, ids=str)
def test_a_book_with_other_members_is_a_finding(books, change):
    path = books.book(DAY) / "books.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    found = verify(books, events=False)
    assert str(DAY) in {each.day for each in found}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 6),
        ("count", "5"),
        ("root", "x"),
        ("previous_day", None),
        ("previous_day", "2026-11-27"),
        ("previous_day", 7),
        ("previous_root", None),
        ("previous_root", "0" * 64),
    ],
)
def test_a_book_with_other_messages_is_a_finding(books, name, value):
    path = books.book(DAY) / "books.json"
    document = json.loads(path.read_text())
    document["messages"][name] = value
    path.write_text(json.dumps(document))
    assert verify(books, events=False)


@pytest.mark.parametrize(
    "name",
    [
        "../../../../secret-key",
        "/etc/passwd",
        "storefronts/../../x",
        "..",
        "",
        ".",
        "a/b/c",
        "a\0b",
        "books.json",
        "storefronts\\..\\x",
        "C:x",
        "storefronts/",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(books, name):
    path = books.book(DAY) / "books.json"
    document = json.loads(path.read_text())
    document["files"][name] = sha256(books.secret_key_file.read_bytes()).hexdigest()
    path.write_text(json.dumps(document))
    (found,) = (each for each in verify(books, events=False) if each.kind == "unreadable")
    assert "names a file that no book may have" in found.text


@pytest.mark.parametrize("target", ["outside", "loop", "pipe", "folder"])
def test_a_link_that_leads_elsewhere_is_not_followed(books, tmp_path, target):
    path = books.book(DAY) / "payments.csv"
    path.rename(tmp_path / "outside")
    if target == "outside":
        path.symlink_to(tmp_path / "outside")
    elif target == "loop":
        path.symlink_to(path)
    elif target == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    found = verify(books)
    assert {(each.kind, each.file) for each in found} == {
        ("unreadable", f"books/{DAY}/0001/payments.csv")
    }


# --- Proofs --------------------------------------------------------------------------------


def prove(books: Books, tmp_path: Path, *more: str) -> tuple[Path, dict[str, Any]]:
    code, said, _ = alone(*arguments(books, *more))
    assert code == 0
    path = tmp_path / "proof.json"
    path.write_text(said)
    return path, json.loads(said)


def test_a_payment_is_proven_alone(books, tmp_path):
    path, proof = prove(books, tmp_path, "--payment", "INV-7#1")
    keys = [line.key for line in lines() if line.day == DAY]
    previous = json.loads((books.book(DAY) / "books.json").read_text())["messages"]
    leaves = [f"previous {previous['previous_root']}".encode(), *(key.encode() for key in keys)]
    assert proof["check"] == {"ok": True, "findings": []}
    own = [line.key for line in lines() if line.order_number == "INV-7"]
    assert [each["leaf"] for each in proof["messages"]] == own
    for each in proof["messages"]:
        assert each["root"] == merkle_root(leaves).hex() == previous["root"]
        expected = audit_path(leaves, each["leaf_index"])
        assert each["audit_path"] == [step.hex() for step in expected]
        assert leaves[each["leaf_index"]].decode() == each["leaf"]
        assert b64decode(each["object_base64"]) == (books.archive / each["leaf"]).read_bytes()

    shutil.rmtree(books.books)
    shutil.rmtree(books.archive)
    secret = ["--secret-key-file", str(books.secret_key_file)]
    code, said, _ = alone("--check-proof", str(path), "--events", str(books.events), *secret)
    assert code == 0
    first = proof["messages"][0]
    assert said.splitlines()[0] == (
        f"{DAY}: payment 1 of INV-7: its message {own[0]} is leaf"
        f" {first['leaf_index']} of {first['tree_size']} below the root {first['root']}."
    )
    assert "Not checked" not in said
    code, said, _ = alone("--check-proof", str(path))
    assert code == 0
    assert f"Not checked: Whether this is the root of {DAY}: get it from elsewhere." in said
    code, said, _ = alone("--check-proof", str(path), "--root", f"{DAY}={'0' * 64}")
    assert code == 1


def test_a_message_is_proven_by_its_key(books, tmp_path):
    key = the("ABCD._R-1").key
    _, proof = prove(books, tmp_path, "--key", key)
    (message,) = proof["messages"]
    assert (message["leaf"], message["payment"]) == (key, "2")


def test_a_payment_with_a_sign_in_front_is_found_by_its_own_name(books, tmp_path):
    _, proof = prove(books, tmp_path, "--payment", "=1+1#1")
    assert proof["messages"][0]["order_number"] == "=1+1"


@given(data=st.data())
@settings(deadline=None)
def test_a_proof_with_anything_else_proves_nothing(whole, data):
    leaf = data.draw(st.sampled_from(["leaf", "leaf_index", "audit_path", "root", "day", "object"]))
    verifier = verify_books.Verifier(
        books=verify_books.Copy(whole.books, "books"),
        archive=verify_books.Copy(whole.archive, "messages"),
    )
    (proof,) = verify_books.prove(verifier, lambda row: row["order_number"] == "INV-8")
    changed = {
        "leaf": {"leaf": the("INV-7").key},
        "leaf_index": {"leaf_index": data.draw(st.integers(0, 9).filter(lambda n: n != 3))},
        "audit_path": {"audit_path": proof["audit_path"][:-1]},
        "root": {"root": "0" * 64},
        "day": {"day": str(DAYS[0])},
        "object": {"object_base64": b64encode(data.draw(st.binary(max_size=9))).decode()},
    }[leaf]
    content = json.dumps({"format": 1, "kind": "proof", "messages": [proof | changed]}).encode()
    (read,) = verify_books.read_proofs(content)
    assert list(verify_books.check_proof(read, verify_books.Outside(), ()))


def test_a_proof_of_a_message_that_was_changed_says_so(books):
    rewrite(books.archive / the("INV-8").key, b"status", b"statos")
    code, said, _ = alone(*arguments(books, "--payment", "INV-8#1"))
    assert code == 1
    (finding,) = json.loads(said)["check"]["findings"]
    assert finding.endswith("was changed")


@pytest.mark.parametrize("content", [*BROKEN, b'{"format":1,"kind":"proof","messages":[]}'])
def test_what_is_no_proof_is_refused(tmp_path, content):
    path = tmp_path / "proof.json"
    path.write_bytes(content)
    code, said, errors = alone("--check-proof", str(path))
    assert (code, said) == (2, "")
    assert errors.startswith("verify_books: the file ")


# --- Wrong use -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--root", "2026-11-29"], "--root 2026-11-29: "),
        (["--root", "29.11.2026=" + "0" * 64], "it is written 2026-11-29=<root>"),
        (["--root", "2026-13-29=" + "0" * 64], "it is written 2026-11-29=<root>"),
        (["--book", "2026-11-29/1=" + "0" * 64], "it is written 2026-11-29/0001=<SHA-256>"),
        (["--events", "gone.jsonl"], "gone.jsonl can't be read"),
        (["--secret-key-file", "gone"], "gone can't be read"),
        (["--secret-key-file", "/dev/null"], "/dev/null has no secret key"),
        (["--events", "/dev/null"], "/dev/null has no event books.closed"),
        (["--archive", "."], ". is no copy of the bucket"),
        (["--since", "2030-01-01"], "there are no books of these days"),
        (["--since", "soon"], "not a day"),
        (["--payment", "INV-7"], "--payment is written ORDER#NUMBER"),
        (["--payment", "INV-77#1"], "the books have no message of that payment"),
        (["--payment", "a#1", "--key", "k"], "not allowed with argument"),
        (["--check-proof", "gone"], "gone can't be read"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(books, more, says):
    code, said, errors = alone(*arguments(books, *more))
    assert (code, said) == (2, "")
    assert says in errors


def test_who_reads_no_further_is_told_nothing(books):
    command = [sys.executable, "-I", "-S", str(TOOL), *arguments(books)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout
        assert run.stderr
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 2


def test_without_a_folder_it_can_not_begin(tmp_path):
    assert alone()[0] == alone(str(tmp_path))[0] == alone(str(tmp_path / "gone"))[0] == 2


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "7", '{"type": "books.closed"}', '{"type": "books.closed", "data": {"books": 7}}'],
)
def test_an_event_that_is_none_is_told_with_its_line(books, line):
    books.events.write_text(f"\n{line}\n")
    code, _, errors = alone(*arguments(books))
    assert code == 2
    assert "line 2: not an event" in errors


def test_other_events_are_passed_over_and_storefronts_have_their_own(books):
    told = [json.loads(line) for line in books.events.read_text().splitlines()]
    own = told[0]["data"]["books"]
    own["storefront_id"] = "toko"
    path = books.book(DAYS[0]) / "storefronts" / "toko.json"
    own["sha256"] = sha256(path.read_bytes()).hexdigest()
    books.events.write_text('{"type": "code.paid"}\n' + "\n".join(map(json.dumps, told)))
    assert verify(books) == []
    path.write_bytes(path.read_bytes() + b"\n")
    books.sign_again(books.book(DAYS[0]))
    (found,) = verify(books)
    assert found.text.endswith("toko.json is not the one that is known outside")


def test_many_messages_take_little_memory(tmp_path):
    """Twenty times as many, with the same peak: nothing is kept of what was checked."""
    peaks = []
    for number in (50, 1_000):
        start = the("INV-7").message.received_at
        written = [
            Line(notification(start + timedelta(milliseconds=each), b"%d" % each), f"I-{each}", "1")
            for each in range(number)
        ]
        books = Books.write(tmp_path / str(number), written)
        tracemalloc.start()
        assert verify(books) == []
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5
