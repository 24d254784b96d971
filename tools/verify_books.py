"""Verify copies of the books and of the archive, offline, with nothing but Python 3.11 or later.

    python3 verify_books.py BOOKS [--archive ARCHIVE] [--secret-key-file FILE] [--events FILE]
    python3 verify_books.py BOOKS --payment ORDER#NUMBER > proof.json
    python3 verify_books.py --check-proof proof.json

This file needs no other: copy it to where the auditor works. docs/books.md describes the files that
it reads, how to take the copies, and what is proven. It shares no code with what it checks.

It ends with 0 if all is right, with 1 if something was found, and with 2 if it could not begin.
"""

import argparse
import base64
import csv
import hmac
import json
import os
import re
import stat
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from hashlib import sha256
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

FORMAT = 1
"""Of the books, of the archive's objects, and of the proofs that are made here."""

_MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
"""No book and no message is larger; what is, is not read."""

_DAY = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}")
_EDITION = re.compile(r"(?!0000)[0-9]{4}|[1-9][0-9]{4,5}")
_HEX = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_KEY = re.compile(
    r"messages/(2[0-9]{3})/([0-9]{2})/([0-9]{2})/([0-9]{2})([0-9]{2})([0-9]{2})\.([0-9]{6})"
    r"-(notification|status)-([0-9a-f]{64})-([0-9a-f]{64})\.json"
)
_AMOUNT = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,200})?")
_EXACT = Context(prec=1000)
_ESCAPED = re.compile(r"'[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""A cell that a spreadsheet might take for a formula is written behind an apostrophe."""

_BOOK, _MESSAGES, _PAYMENTS = "books.json", "messages.csv", "payments.csv"
_MESSAGE_COLUMNS = ("key", "order_number", "payment", "outcome")
_SUM_COLUMNS = ("channel", "kind", "currency", "amount")
_WIB = timedelta(hours=7)
_SCHEME = "HMACSHA256="
_TIMESTAMPS = {"notification": "Request-Timestamp", "status": "Response-Timestamp"}


class Unusable(Exception):
    """The arguments, or a file that they name, are of no use. The message says why."""


class Unreadable(Exception):
    """What is in a copy can't be understood. The message says what, and follows on its name."""


class Missing(Unreadable):
    """A file is not in a copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it must be."""

    kind: str
    text: str
    day: str | None = None
    file: str | None = None
    key: str | None = None
    order_number: str | None = None
    payment: str | None = None


@dataclass(slots=True)
class Counts:
    """What was checked."""

    days: int = 0
    editions: int = 0
    messages: int = 0
    payments: int = 0
    objects: int = 0
    signatures: int = 0
    forgotten: int = 0
    gone: int = 0


# --- Merkle trees: RFC 6962, section 2.1 ---------------------------------------------------


class Tree:
    """A tree that grows leaf by leaf; of ``wanted``, from 0, the audit path is remembered."""

    def __init__(self, wanted: int = -1) -> None:
        self.size = 0
        self.path: list[bytes] = []
        self._wanted = wanted
        self._waiting: list[tuple[range, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """Put a leaf behind the others."""
        self._waiting.append((range(self.size, self.size + 1), sha256(b"\0" + leaf).digest()))
        self.size += 1
        while len(self._waiting) > 1 and len(self._waiting[-1][0]) == len(self._waiting[-2][0]):
            self._join()

    def root(self) -> str:
        """The root in hex, and the end of the path. No leaf can be added any more."""
        while len(self._waiting) > 1:
            self._join()
        return (self._waiting[0][1] if self._waiting else sha256().digest()).hex()

    def _join(self) -> None:
        right_leaves, right = self._waiting.pop()
        left_leaves, left = self._waiting.pop()
        if self._wanted in left_leaves:
            self.path.append(right)
        elif self._wanted in right_leaves:
            self.path.append(left)
        leaves = range(left_leaves.start, right_leaves.stop)
        self._waiting.append((leaves, sha256(b"\1" + left + right).digest()))


def root_by_path(leaf: bytes, index: int, size: int, path: Iterable[bytes]) -> str | None:
    """The root, in hex, to which an audit path leads (RFC 9162, 2.1.3.2); None if to none."""
    if not 0 <= index < size:
        return None
    found, last = sha256(b"\0" + leaf).digest(), size - 1
    for beside in path:
        if last == 0:
            return None
        if index % 2 or index == last:
            found = sha256(b"\1" + beside + found).digest()
            while index and index % 2 == 0:
                index, last = index // 2, last // 2
        else:
            found = sha256(b"\1" + found + beside).digest()
        index, last = index // 2, last // 2
    return found.hex() if last == 0 else None


def first_leaf(previous_root: str | None) -> bytes:
    """The leaf that binds the day before."""
    return f"previous {previous_root or '-'}".encode()


# --- DOKU's signature ----------------------------------------------------------------------


def is_signed(document: Mapping[str, Any], body: bytes, secret_keys: Iterable[str]) -> bool:
    """Whether one of the keys signed the message in an object of the archive."""
    headers, timestamp = document["headers"], _TIMESTAMPS[document["kind"]]
    lines = [f"{name}:{headers.get(name, '')}" for name in ("Client-Id", "Request-Id", timestamp)]
    lines.append(f"Request-Target:{document['path']}")
    lines.append(f"Digest:{base64.b64encode(sha256(body).digest()).decode()}")
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    signature = str(headers.get("Signature", "")).strip()
    encoded = signature.removeprefix(_SCHEME)
    try:
        given = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        return False
    return signature.startswith(_SCHEME) and any(
        hmac.compare_digest(hmac.digest(key.encode(), text, "sha256"), given) for key in secret_keys
    )


# --- what is in a copy ---------------------------------------------------------------------


class Copy:
    """A folder that is a copy of a bucket. Nothing outside it is ever opened."""

    def __init__(self, folder: Path, inside: str) -> None:
        self.folder = os.path.realpath(folder)
        if not os.path.isdir(os.path.join(self.folder, inside)):  # noqa: PTH112, PTH118 - and keys are no paths
            raise Unusable(f"{folder} is no copy of the bucket: it has no folder named {inside}")

    def open(self, name: str) -> BinaryIO:
        """A file of the copy. Raises Unreadable, or Missing if there is none."""
        path = os.path.realpath(os.path.join(self.folder, name))  # noqa: PTH118
        if not path.startswith(self.folder.rstrip(os.sep) + os.sep):
            raise Unreadable("leads out of the copy")
        try:
            # A pipe would wait for somebody.
            if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
                raise Unreadable("is no file")
            return open(path, "rb")  # noqa: PTH123
        except (FileNotFoundError, NotADirectoryError):
            raise Missing("is missing") from None
        except OSError as error:
            raise Unreadable(f"can't be read: {error.strerror}") from None

    def read(self, name: str) -> bytes:
        """All of a small file."""
        try:
            with self.open(name) as file:
                content = file.read(_MAX_DOCUMENT_BYTES + 1)
        except OSError as error:
            raise Unreadable(f"can't be read: {error.strerror}") from None
        if len(content) > _MAX_DOCUMENT_BYTES:
            raise Unreadable("is too large")
        return content

    def digest(self, name: str) -> str:
        """The SHA-256 of a file of any size, in hex."""
        found = sha256()
        try:
            with self.open(name) as file:
                while block := file.read(1024 * 1024):
                    found.update(block)
        except OSError as error:
            raise Unreadable(f"can't be read: {error.strerror}") from None
        return found.hexdigest()

    def rows(self, name: str, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
        """The rows of a CSV file with their lines, by the names of its columns."""
        try:
            with (
                self.open(name) as file,
                TextIOWrapper(file, encoding="utf-8", newline="") as text,
            ):
                reader = csv.reader(text, strict=True)
                header = next(reader, [])
                for column in columns:
                    if header.count(column) != 1:
                        raise Unreadable(f"has no column {column}, or more than one")
                for cells in reader:
                    if len(cells) != len(header):
                        raise Unreadable(f"has a broken row in line {reader.line_num}")
                    plain = (cell[1:] if _ESCAPED.match(cell) else cell for cell in cells)
                    yield reader.line_num, dict(zip(header, plain, strict=True))
        except (csv.Error, UnicodeError) as error:
            raise Unreadable(f"is no CSV in UTF-8: {error}") from None
        except OSError as error:
            raise Unreadable(f"can't be read: {error.strerror}") from None

    def names(self, folder: str) -> Iterator[str]:
        """What is in a folder, in no order; hidden files are no part of a copy."""
        try:
            with os.scandir(os.path.join(self.folder, folder)) as entries:  # noqa: PTH118
                yield from (each.name for each in entries if not each.name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise Unreadable(f"can't be read: {error.strerror}") from None


def parse_json(content: bytes) -> Any:
    """JSON as the standard has it. Raises Unreadable."""
    try:
        return json.loads(content, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Unreadable("is no JSON") from None


def _refuse(name: str) -> None:
    raise ValueError(name)


def parse_day(text: object) -> date:
    """A day. Raises ValueError."""
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        raise ValueError("not a day as 2026-11-29")
    return date.fromisoformat(text)


def parse_root(text: object) -> str:
    """A root or another digest. Raises ValueError."""
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        raise ValueError("not 64 hexadecimal digits")
    return text


def parse_number(value: object) -> int:
    """A count. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("not a number")
    return value


class Key(NamedTuple):
    """What a key of the archive says."""

    received_at: datetime
    kind: str
    body_sha256: str
    object_sha256: str

    @property
    def day(self) -> date:
        """The day in WIB on which the message came."""
        return (self.received_at + _WIB).date()


def parse_key(text: object) -> Key:
    """What a key says. Raises ValueError."""
    found = _KEY.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise ValueError("not a key of the archive")
    *instant, kind, body, whole = found.groups()
    year, month, day, hour, minute, second, micro = map(int, instant)
    at = datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
    return Key(at, kind, body, whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """An edition of a day."""

    day: date
    edition: int
    folder: str
    sha256: str
    root: str
    count: int
    previous_day: date | None
    previous_root: str | None
    files: dict[str, str]
    totals: Any
    storefronts: dict[str, Any]

    def name(self, file: str) -> str:
        """A file of this edition, as it is called in the copy."""
        return f"{self.folder}/{file}"


def read_book(copy: Copy, day: date, edition: int) -> Book:
    """The book of an edition. Raises Unreadable."""
    folder = f"books/{day}/{edition:04}"
    content = copy.read(f"{folder}/{_BOOK}")
    document = parse_json(content)
    try:
        if document["format"] != FORMAT:
            raise Unreadable("has a format that this verifier does not know")
        if document["day"] != str(day) or parse_number(document["edition"]) != edition:
            raise Unreadable("is of another day, or another edition")
        messages = document["messages"]
        previous_day, previous_root = messages["previous_day"], messages["previous_root"]
        if (previous_day is None) != (previous_root is None):
            raise Unreadable("has a previous day without its root, or a root without its day")
        files = {read_file_name(name): parse_root(each) for name, each in document["files"].items()}
        return Book(
            day=day,
            edition=edition,
            folder=folder,
            sha256=sha256(content).hexdigest(),
            root=parse_root(messages["root"]),
            count=parse_number(messages["count"]),
            previous_day=None if previous_day is None else parse_day(previous_day),
            previous_root=None if previous_root is None else parse_root(previous_root),
            files=files,
            totals=document["totals"],
            storefronts=dict(document["storefronts"].items()),
        )
    except KeyError as error:
        raise Unreadable(f"lacks the member {error.args[0]}") from None
    except (TypeError, ValueError, AttributeError):
        raise Unreadable("has members of the wrong kind") from None


def read_file_name(name: str) -> str:
    """The name of a file in a book: nothing that leads elsewhere. Raises Unreadable."""
    if not _FILE.fullmatch(name) or name == _BOOK:
        raise Unreadable(f"names a file that no book may have: {name}")
    return name


# --- sums ----------------------------------------------------------------------------------

Sums = dict[tuple[str, str, str], tuple[int, Decimal]]
"""How many payments, and how much, by channel, kind and currency."""

_NOTHING = 0, Decimal(0)


def add_up(copy: Copy, name: str, *, storefronts: bool) -> tuple[int, Sums, dict[str, Sums]]:
    """How many payments a list has, its sums, and those of each storefront. Raises Unreadable."""
    totals: Sums = {}
    by_storefront: dict[str, Sums] = {}
    number = 0
    columns = ("storefront_id", *_SUM_COLUMNS) if storefronts else _SUM_COLUMNS
    for line, row in copy.rows(name, columns):
        if not _AMOUNT.fullmatch(row["amount"]):
            raise Unreadable(f"has an amount that is none in line {line}")
        number += 1
        by = row["channel"], row["kind"], row["currency"]
        own = by_storefront.setdefault(row["storefront_id"], {}) if storefronts else {}
        for sums in (totals, own):
            count, total = sums.get(by, _NOTHING)
            sums[by] = count + 1, _EXACT.add(total, Decimal(row["amount"]))
    return number, totals, by_storefront


def read_sums(of: Any) -> Sums:
    """The sums that a book has under ``by``. Raises Unreadable."""
    sums: Sums = {}
    try:
        for each in of["by"]:
            by = str(each["channel"]), str(each["kind"]), str(each["currency"])
            count, total = parse_number(each["count"]), str(each["sum"])
            if by in sums or not _AMOUNT.fullmatch(total):
                raise Unreadable("has sums that are none, or the same sum twice")
            if count or Decimal(total):
                sums[by] = count, Decimal(total)
    except (LookupError, TypeError, ValueError):
        raise Unreadable("has sums that can't be understood") from None
    return sums


def different_sums(told: Sums, counted: Sums) -> Iterator[str]:
    """A sentence for each sum that is not what was counted."""
    for by in sorted({*told, *counted}):
        says, is_so = told.get(by, _NOTHING), counted.get(by, _NOTHING)
        if says != is_so:
            sort = ", ".join(each or "none" for each in by)
            yield (
                f"{sort}: the book has {says[0]} payments of {says[1]}, and payments.csv"
                f" {is_so[0]} of {is_so[1]}"
            )


# --- the check -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outside:
    """What somebody kept outside: roots by day, and digests of files by day, edition and name.

    An edition that is known to have been is there, too, with or without a digest.
    """

    roots: dict[date, set[str]] = field(default_factory=dict)
    editions: dict[tuple[date, int], dict[str, set[str]]] = field(default_factory=dict)

    def add_root(self, day: date, root: str) -> None:
        """Note the root of a day."""
        self.roots.setdefault(day, set()).add(root)

    def add_file(self, day: date, edition: int, file: str, digest: str | None) -> None:
        """Note a file of an edition."""
        digests = self.editions.setdefault((day, edition), {}).setdefault(file, set())
        digests |= {digest} if digest else set()

    def knows_books(self, day: date, edition: int) -> bool:
        """Whether the book of an edition is known by its digest."""
        return bool(self.editions.get((day, edition), {}).get(_BOOK))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """Checks the days of a copy one after the other. Findings come as they are made."""

    books: Copy
    archive: Copy | None = None
    secret_keys: Sequence[str] = ()
    outside: Outside = field(default_factory=Outside)
    since: date | None = None
    until: date | None = None
    gone_before: date | None = None
    allow_forgotten: bool = False
    counts: Counts = field(default_factory=Counts)
    unknown: list[str] = field(default_factory=list)
    """Books of which nothing outside has the digest."""

    def days(self) -> list[date]:
        """The days that are to be checked."""
        return [
            day
            for day in sorted(self._all_days())
            if (self.since or day) <= day <= (self.until or day)
        ]

    def _all_days(self) -> Iterator[date]:
        for name in self.books.names("books"):
            try:
                yield parse_day(name)
            except ValueError:
                continue

    def editions(self, day: date) -> list[int]:
        """The editions of a day, the first to the last."""
        names = self.books.names(f"books/{day}")
        return sorted({int(name) for name in names if _EDITION.fullmatch(name)})

    def last_book(self, day: date) -> Book | None:
        """The last edition of a day, if it can be read."""
        try:
            return read_book(self.books, day, self.editions(day)[-1])
        except (Unreadable, IndexError):
            return None

    def verify(self) -> Iterator[Finding]:
        """All that is wrong."""
        yield from self._check_names()
        days = self.days()
        for one, next_one in pairwise(days):
            for gap in range(1, (next_one - one).days):
                day = one + timedelta(days=gap)
                yield _of_day(day, "missing", "the day is missing in the books")
        before = None
        if days:
            before = self.last_book(days[0] - timedelta(days=1)) if self.since else None
        for day in days:
            self.counts.days += 1
            before = yield from self._check_day(day, before)
        yield from self._check_outside(set(days))

    def _check_names(self) -> Iterator[Finding]:
        for name in sorted(self.books.names("books")):
            try:
                parse_day(name)
            except ValueError:
                file = f"books/{name}"
                yield Finding(kind="stray", text=f"{file} is no part of the books", file=file)
        for day in self.days():
            for name in sorted(self.books.names(f"books/{day}")):
                if not _EDITION.fullmatch(name):
                    file = f"books/{day}/{name}"
                    yield _of_day(day, "stray", f"{file} is no part of the books", file=file)

    def _check_day(self, day: date, before: Book | None) -> Generator[Finding, None, Book | None]:
        """Check a day behind another. Returns its last edition that can be read."""
        last: Book | None = None
        editions = self.editions(day)
        if not editions:
            yield _of_day(day, "missing", "the day has no edition")
        for one, next_one in pairwise([0, *editions]):
            if one + 1 < next_one:
                which = f"{one + 1}" if one + 2 == next_one else f"{one + 1} to {next_one - 1}"
                yield _of_day(day, "missing", f"edition {which} is missing")
        for edition in editions:
            is_last = edition == editions[-1]
            name = f"books/{day}/{edition:04}/{_BOOK}"
            try:
                book = read_book(self.books, day, edition)
            except Unreadable as error:
                kind = "missing" if isinstance(error, Missing) else "unreadable"
                yield _of_day(day, kind, f"{name} {error}", file=name)
                continue
            self.counts.editions += 1
            if last and book.root != last.root:
                text = f"edition {edition} has another root than edition {last.edition}"
                yield _of_day(day, "root", text, file=name)
            last = book
            yield from self._check_known(book)
            yield from self._check_chain(book, before)
            yield from self._check_files(book)
            yield from self._check_payments(book, is_last=is_last)
            yield from self._check_messages(book, is_last=is_last)
        return last

    def _check_known(self, book: Book) -> Iterator[Finding]:
        """A book must be what is known outside."""
        name = book.name(_BOOK)
        for root in sorted(self.outside.roots.get(book.day, set()) - {book.root}):
            text = f"edition {book.edition} has the root {book.root}, and outside {root} is known"
            yield _of_day(book.day, "root", text, file=name)
        if not self.outside.knows_books(book.day, book.edition):
            self.unknown.append(name)
        files = {_BOOK: book.sha256, **book.files}
        for file, known in sorted(self.outside.editions.get((book.day, book.edition), {}).items()):
            if known - {files.get(file)}:
                text = f"{book.name(file)} is not the one that is known outside"
                yield _of_day(book.day, "changed", text, file=book.name(file))

    def _check_chain(self, book: Book, before: Book | None) -> Iterator[Finding]:
        """A book must follow on the day before."""
        name = book.name(_BOOK)
        if before is None:
            if book.previous_day and book.day == self._first_day() and not self.since:
                text = f"{name} follows on {book.previous_day}, which is missing in the books"
                yield _of_day(book.day, "missing", text, file=name)
        elif book.previous_day != before.day:
            text = f"{name} follows on {book.previous_day or 'nothing'}, and not on {before.day}"
            yield _of_day(book.day, "chain", text, file=name)
        elif book.previous_root != before.root:
            text = f"{name} has another root of {before.day} than the book of that day"
            yield _of_day(book.day, "chain", text, file=name)

    def _first_day(self) -> date | None:
        return min(self._all_days(), default=None)

    def _check_files(self, book: Book) -> Iterator[Finding]:
        """Each file must be as the book names it, and there must be no other."""
        for file in (_MESSAGES, _PAYMENTS):
            if file not in book.files:
                text = f"{book.name(_BOOK)} does not name {file}"
                yield _of_day(book.day, "unreadable", text, file=book.name(_BOOK))
        for file, digest in sorted(book.files.items()):
            name = book.name(file)
            try:
                if self.books.digest(name) != digest:
                    yield _of_day(book.day, "changed", f"{name} was changed", file=name)
            except Unreadable as error:
                kind = "missing" if isinstance(error, Missing) else "unreadable"
                yield _of_day(book.day, kind, f"{name} {error}", file=name)
        for name in self._files_in(book.folder):
            if name not in {book.name(each) for each in (_BOOK, *book.files)}:
                yield _of_day(book.day, "stray", f"{name} is no part of the book", file=name)

    def _files_in(self, folder: str) -> Iterator[str]:
        for each in sorted(self.books.names(folder)):
            name = f"{folder}/{each}"
            if each == "storefronts":
                yield from (f"{name}/{inner}" for inner in sorted(self.books.names(name)))
            else:
                yield name

    def _check_payments(self, book: Book, *, is_last: bool) -> Iterator[Finding]:
        """The sums in the books must be those of the lists."""
        name = book.name(_PAYMENTS)
        try:
            number, totals, storefronts = add_up(self.books, name, storefronts=True)
        except Unreadable as error:
            yield from _of_file(book.day, name, error)
            return
        if is_last:
            self.counts.payments += number
        yield from self._compare_sums(book, book.totals, totals, book.name(_BOOK))
        # What was recorded before payments were listed may be of no known storefront.
        for each in sorted({*storefronts, *book.storefronts} - {""}):
            counted = storefronts.get(each, {})
            told = book.storefronts.get(each, {"totals": {"by": []}})
            told = told.get("totals") if isinstance(told, dict) else None
            yield from self._compare_sums(book, told, counted, book.name(_BOOK), each)
            yield from self._check_storefront(book, each, counted)

    def _check_storefront(self, book: Book, storefront: str, counted: Sums) -> Iterator[Finding]:
        """A storefront's own files must have the same sums."""
        lists, told = (f"storefronts/{storefront}.{kind}" for kind in ("csv", "json"))
        for file in (lists, told):
            if file not in book.files:
                text = f"{book.name(_BOOK)} does not name {file}"
                yield _of_day(book.day, "unreadable", text, file=book.name(_BOOK))
                return
        try:
            _, listed, _ = add_up(self.books, book.name(lists), storefronts=False)
        except Unreadable as error:
            yield from _of_file(book.day, book.name(lists), error)
        else:
            for text in different_sums(counted, listed):
                file = book.name(lists)
                yield _of_day(book.day, "sums", f"{file}: {storefront}, {text}", file=file)
        try:
            document = parse_json(self.books.read(book.name(told)))
        except Unreadable as error:
            yield from _of_file(book.day, book.name(told), error)
            return
        totals = document.get("totals") if isinstance(document, dict) else None
        yield from self._compare_sums(book, totals, counted, book.name(told))

    def _compare_sums(
        self, book: Book, of: Any, counted: Sums, file: str, storefront: str | None = None
    ) -> Iterator[Finding]:
        try:
            told = read_sums(of)
        except Unreadable as error:
            yield _of_day(book.day, "unreadable", f"{file} {error}", file=file)
            return
        whose = f"{storefront}, " if storefront else ""
        for text in different_sums(told, counted):
            yield _of_day(book.day, "sums", f"{file}: {whose}{text}", file=file)

    def _check_messages(self, book: Book, *, is_last: bool) -> Iterator[Finding]:
        """The list of messages must have the root, and the archive must have the messages."""
        name = book.name(_MESSAGES)
        archive = self.archive if is_last else None
        tree, last, there = Tree(), "", 0
        tree.add(first_leaf(book.previous_root))
        try:
            for line, row in self.books.rows(name, _MESSAGE_COLUMNS):
                tree.add(row["key"].encode())
                try:
                    key = parse_key(row["key"])
                except ValueError:
                    text = f"{name} has no key of the archive in line {line}"
                    yield _of_day(book.day, "unreadable", text, file=name)
                    continue
                if row["key"] <= last or key.day != book.day:
                    yield _of_message(book, row, "order", f"is at a wrong place in {name}")
                    continue
                last = row["key"]
                if archive:
                    there += yield from self._check_object(archive, book, row, key)
        except Unreadable as error:
            yield from _of_file(book.day, name, error)
            return
        number = tree.size - 1
        if is_last:
            self.counts.messages += number
        if number != book.count:
            text = f"{name} has {number} messages, and {book.name(_BOOK)} counts {book.count}"
            yield _of_day(book.day, "count", text, file=name)
        if tree.root() != book.root:
            text = f"{name} has another root than {book.name(_BOOK)}"
            yield _of_day(book.day, "root", text, file=name)
        if archive:
            yield from self._check_listing(archive, book, there)

    def _check_object(
        self, archive: Copy, book: Book, row: Mapping[str, str], key: Key
    ) -> Generator[Finding, None, bool]:
        """A message must be what its key says. Returns whether something is there."""
        try:
            content = archive.read(row["key"])
        except Missing:
            if self.gone_before and book.day < self.gone_before:
                self.counts.gone += 1
            else:
                yield _of_message(book, row, "gone", "is gone")
            return False
        except Unreadable as error:
            yield _of_message(book, row, "unreadable", str(error))
            return True
        self.counts.objects += 1
        if sha256(content).hexdigest() != key.object_sha256:
            if not is_forgotten(content, key):
                yield _of_message(book, row, "changed", "was changed")
            elif self.allow_forgotten:
                self.counts.forgotten += 1
            else:
                yield _of_message(book, row, "forgotten", "was forgotten, and proves nothing more")
            return True
        for kind, text in faults(content, key, self.secret_keys):
            yield _of_message(book, row, kind, text)
        self.counts.signatures += bool(self.secret_keys)
        return True

    def _check_listing(self, archive: Copy, book: Book, there: int) -> Iterator[Finding]:
        """The archive must have no message of the day that the book does not list."""
        folders = [f"messages/{day:%Y/%m/%d}" for day in (book.day - timedelta(days=1), book.day)]
        try:
            found = sum(1 for folder in folders for _ in self._of_day(archive, folder, book.day))
            if found == there:
                return
            rows = self.books.rows(book.name(_MESSAGES), _MESSAGE_COLUMNS)
            listed = {row["key"] for _, row in rows}
            for folder in folders:
                for key in sorted({*self._of_day(archive, folder, book.day)} - listed):
                    text = f"the archive has {key}, which {book.name(_MESSAGES)} does not list"
                    yield _of_day(book.day, "unlisted", text, key=key)
        except Unreadable as error:
            yield _of_day(book.day, "unreadable", f"the archive {error}")

    def _of_day(self, archive: Copy, folder: str, day: date) -> Iterator[str]:
        """What a folder of the archive has of a day, and what is no message."""
        for each in archive.names(folder):
            name = f"{folder}/{each}"
            try:
                is_of_day = parse_key(name).day == day
            except ValueError:
                is_of_day = folder == f"messages/{day:%Y/%m/%d}"
            if is_of_day:
                yield name

    def _check_outside(self, days: set[date]) -> Iterator[Finding]:
        """What is known outside must be in the books."""
        for day in sorted({*self.outside.roots} - days):
            if (self.since or day) <= day <= (self.until or day):
                text = "the day is missing in the books, and a root of it is known outside"
                yield _of_day(day, "missing", text)
        for day, edition in sorted(self.outside.editions):
            if day in days and edition not in self.editions(day):
                text = f"edition {edition} is missing, and is known outside"
                yield _of_day(day, "missing", text)


def is_forgotten(content: bytes, key: Key) -> bool:
    """Whether an object says that its message was forgotten on request."""
    try:
        return bool(parse_json(content)["forgotten"]["body_sha256"] == key.body_sha256)
    except (Unreadable, KeyError, TypeError, IndexError):
        return False


def faults(content: bytes, key: Key, secret_keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with an object that is the one that its key names: kinds and sentences."""
    try:
        document = parse_json(content)
        if document["format"] != FORMAT:
            yield "unreadable", "has a format that this verifier does not know"
            return
        body = base64.b64decode(document["body_base64"], validate=True)
        told = datetime.fromisoformat(document["received_at"]), document["kind"]
        signed = is_signed(document, body, secret_keys) if secret_keys else None
    except (Unreadable, ValueError, LookupError, TypeError, AttributeError):
        yield "unreadable", "is no message"
        return
    if sha256(body).hexdigest() != key.body_sha256:
        yield "changed", "has another body than its key says"
    if told != (key.received_at, key.kind):
        yield "changed", "is of another kind, or came at another time, than its key says"
    if signed is False:
        yield "signature", "was not signed by DOKU with the secret key that was given"


def _of_day(
    day: date, kind: str, text: str, *, file: str | None = None, key: str | None = None
) -> Finding:
    return Finding(kind=kind, text=f"{day}: {text}", day=str(day), file=file, key=key)


def _of_file(day: date, name: str, error: Unreadable) -> Iterator[Finding]:
    """A file that can't be read; one that is missing was told when its digest was wanted."""
    if not isinstance(error, Missing):
        yield _of_day(day, "unreadable", f"{name} {error}", file=name)


def _of_message(book: Book, row: Mapping[str, str], kind: str, text: str) -> Finding:
    """What is wrong with a message, named as whoever reads it knows it."""
    return Finding(
        kind=kind,
        text=f"{book.day}: {whose(row)} message {row['key']} {text}",
        day=str(book.day),
        file=book.name(_MESSAGES),
        key=row["key"],
        order_number=row["order_number"],
        payment=row["payment"],
    )


def whose(row: Mapping[str, Any]) -> str:
    """Of which payment a message is, as the list of messages has it."""
    if row["payment"]:
        return f"payment {row['payment']} of {row['order_number']}: its"
    return f"{row['order_number']}: its" if row["order_number"] else "of no known order: the"


# --- proofs --------------------------------------------------------------------------------

Wanted = Callable[[Mapping[str, str]], bool]


def prove(verifier: Verifier, wanted: Wanted) -> list[dict[str, Any]]:
    """The members ``messages`` of a proof. Raises Unusable if there is nothing to prove."""
    found = []
    for day in verifier.days():
        book = verifier.last_book(day)
        if book is None:
            raise Unusable(f"the book of {day} can't be read: verify the books first")
        try:
            rows = verifier.books.rows(book.name(_MESSAGES), _MESSAGE_COLUMNS)
            rows_wanted = [(at, row) for at, (_, row) in enumerate(rows, start=1) if wanted(row)]
            found += [_prove_one(verifier, book, at, row) for at, row in rows_wanted]
        except Unreadable as error:
            raise Unusable(f"{book.day}: {error}: verify the books first") from None
    if not found:
        raise Unusable("the books have no message of that payment, or with that key")
    return found


def _prove_one(verifier: Verifier, book: Book, at: int, row: Mapping[str, str]) -> dict[str, Any]:
    tree = Tree(at)
    tree.add(first_leaf(book.previous_root))
    for _, each in verifier.books.rows(book.name(_MESSAGES), _MESSAGE_COLUMNS):
        tree.add(each["key"].encode())
    tree.root()
    proof = {
        "day": str(book.day),
        "edition": book.edition,
        "order_number": row["order_number"],
        "payment": row["payment"],
        "leaf": row["key"],
        "leaf_index": at,
        "tree_size": tree.size,
        "audit_path": [each.hex() for each in tree.path],
        "root": book.root,
    }
    if verifier.archive:
        try:
            parse_key(row["key"])
            content = verifier.archive.read(row["key"])
        except ValueError:
            raise Unreadable("a key is none of the archive") from None
        proof["object_base64"] = base64.b64encode(content).decode()
    return proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That a message is one of its day."""

    day: date
    whose: str
    key: Key
    leaf: str
    index: int
    size: int
    path: list[bytes]
    root: str
    content: bytes | None


def read_proofs(content: bytes) -> list[Proof]:
    """The proofs in a file. Raises Unusable if it has none."""
    try:
        document = parse_json(content)
        if (document["format"], document["kind"]) != (FORMAT, "proof"):
            raise Unusable("the file is no proof that this verifier knows")
        proofs = [_read_proof(each) for each in document["messages"]]
    except (Unreadable, ValueError, LookupError, TypeError, AttributeError):
        raise Unusable("the file is no proof") from None
    if not proofs:
        raise Unusable("the file proves nothing")
    return proofs


def _read_proof(each: Mapping[str, Any]) -> Proof:
    kept = each.get("object_base64")
    return Proof(
        day=parse_day(each["day"]),
        whose=whose(each),
        key=parse_key(each["leaf"]),
        leaf=each["leaf"],
        index=parse_number(each["leaf_index"]),
        size=parse_number(each["tree_size"]),
        path=[bytes.fromhex(parse_root(step)) for step in each["audit_path"]],
        root=parse_root(each["root"]),
        content=None if kept is None else base64.b64decode(kept, validate=True),
    )


def check_proof(proof: Proof, outside: Outside, secret_keys: Sequence[str]) -> Iterator[Finding]:
    """What is wrong with a proof."""

    def finding(kind: str, text: str) -> Finding:
        text = f"{proof.whose} message {proof.leaf} {text}"
        return _of_day(proof.day, kind, text, key=proof.leaf)

    found = root_by_path(proof.leaf.encode(), proof.index, proof.size, proof.path)
    if found != proof.root:
        yield finding("root", f"is not proven: its path does not lead to the root {proof.root}")
    if proof.key.day != proof.day:
        yield finding("order", "came on another day")
    for root in sorted(outside.roots.get(proof.day, set()) - {proof.root}):
        yield finding("root", f"has the root {proof.root}, and outside {root} is known")
    if proof.content is None:
        return
    if sha256(proof.content).hexdigest() == proof.key.object_sha256:
        for kind, text in faults(proof.content, proof.key, secret_keys):
            yield finding(kind, text)
    elif is_forgotten(proof.content, proof.key):
        yield finding("forgotten", "was forgotten, and proves nothing more")
    else:
        yield finding("changed", "was changed")


# --- the command line ----------------------------------------------------------------------


def read_outside(
    roots: Iterable[str], books: Iterable[str], event_files: Iterable[Path]
) -> Outside:
    """What is known outside. Raises Unusable."""
    outside = Outside()
    for each in roots:
        day, _, root = each.partition("=")
        try:
            outside.add_root(parse_day(day), parse_root(root.lower()))
        except ValueError as error:
            raise Unusable(f"--root {each}: {error}; it is written 2026-11-29=<root>") from None
    for each in books:
        edition, _, digest = each.partition("=")
        day, _, number = edition.partition("/")
        try:
            if not _EDITION.fullmatch(number):
                raise ValueError("not an edition as 0001")  # noqa: TRY301 - it is told with the others
            outside.add_file(parse_day(day), int(number), _BOOK, parse_root(digest.lower()))
        except ValueError as error:
            text = f"--book {each}: {error}; it is written 2026-11-29/0001=<SHA-256>"
            raise Unusable(text) from None
    for path in event_files:
        lines = _read_argument(path).splitlines()
        told = [_read_event(outside, path, number, line) for number, line in enumerate(lines, 1)]
        if not any(told):
            raise Unusable(f"{path} has no event books.closed")
    return outside


def _read_event(outside: Outside, path: Path, number: int, line: bytes) -> bool:
    """Note what an event tells of the books; whether it does."""
    if not line.strip():
        return False
    try:
        event = parse_json(line)
        if event["type"] != "books.closed":
            return False
        books = event["data"]["books"]
        day, edition = parse_day(books["day"]), parse_number(books["edition"])
        storefront, digest = books.get("storefront_id"), books.get("sha256")
        outside.add_root(day, parse_root(books["messages_root"]))
        file = _BOOK if storefront is None else read_file_name(f"storefronts/{storefront}.json")
        outside.add_file(day, edition, file, None if digest is None else parse_root(digest))
    except (Unreadable, ValueError, LookupError, TypeError, AttributeError):
        raise Unusable(f"{path}, line {number}: not an event as it was sent") from None
    return True


def _read_argument(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror}") from None


def _read_secret_key(path: Path) -> str:
    try:
        key = _read_argument(path).decode().strip()
    except UnicodeError:
        key = ""
    if not key:
        raise Unusable(f"{path} has no secret key")
    return key


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Verify copies of the books and of the archive, offline.",
        epilog="Ends with 0 if all is right, 1 if something was found, 2 if it could not begin.",
    )
    add = parser.add_argument
    add("books", type=Path, nargs="?", help="a copy of the bucket Books")
    add("--archive", type=Path, help="a copy of the bucket Archive")
    add(
        "--secret-key-file",
        type=Path,
        action="append",
        default=[],
        help="a file with DOKU's secret key; once more for a former one",
    )
    add(
        "--root",
        action="append",
        default=[],
        metavar="DAY=ROOT",
        help="a root that is known from outside; may be repeated",
    )
    add(
        "--book",
        action="append",
        default=[],
        metavar="DAY/EDITION=SHA256",
        help="the digest of a books.json that is known from outside; may be repeated",
    )
    add(
        "--events",
        type=Path,
        action="append",
        default=[],
        help="webhook bodies that were kept, one a line; may be repeated",
    )
    add("--since", type=_day_argument, metavar="DAY", help="only from this day on")
    add("--until", type=_day_argument, metavar="DAY", help="only until this day")
    add(
        "--gone-before",
        type=_day_argument,
        metavar="DAY",
        help="the archive need not have messages of earlier days any more",
    )
    add("--allow-forgotten", action="store_true", help="take forgotten messages for right")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--payment", metavar="ORDER#NUMBER", help="print a proof of this payment")
    what.add_argument("--key", help="print a proof of the message with this key")
    what.add_argument("--check-proof", type=Path, metavar="FILE", help="check a proof alone")
    add("--json", action="store_true", help="print the result as JSON")
    return parser


def _day_argument(text: str) -> date:
    try:
        return parse_day(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from None


def _selection(arguments: argparse.Namespace) -> Callable[[Mapping[str, str]], bool]:
    """Which rows a proof is wanted of. Raises Unusable."""
    if arguments.key:
        return lambda row: row["key"] == arguments.key
    order, _, payment = arguments.payment.rpartition("#")
    if not order or not payment:
        raise Unusable("--payment is written ORDER#NUMBER")
    return lambda row: (row["order_number"], row["payment"]) == (order, payment)


def run(arguments: argparse.Namespace) -> int:
    """Do what the arguments say. Returns the exit code. Raises Unusable."""
    outside = read_outside(arguments.root, arguments.book, arguments.events)
    secret_keys = [_read_secret_key(path) for path in arguments.secret_key_file]
    if arguments.check_proof:
        return _run_proof(arguments, outside, secret_keys)
    if not arguments.books:
        raise Unusable("name the folder that is a copy of the bucket Books")
    verifier = Verifier(
        books=Copy(arguments.books, "books"),
        archive=Copy(arguments.archive, "messages") if arguments.archive else None,
        secret_keys=secret_keys,
        outside=outside,
        since=arguments.since,
        until=arguments.until,
        gone_before=arguments.gone_before,
        allow_forgotten=arguments.allow_forgotten,
    )
    try:
        if not verifier.days():
            raise Unusable("there are no books of these days")
        if arguments.payment or arguments.key:
            return _run_prove(verifier, _selection(arguments))
        report = Report(as_json=arguments.json)
        for each in verifier.verify():
            report.add(each)
        return report.end(asdict(verifier.counts), _left_out(verifier))
    except Unreadable as error:
        # Of a file each is a finding: this is a folder.
        raise Unusable(f"a folder of the copy {error}") from None


def _run_prove(verifier: Verifier, wanted: Wanted) -> int:
    document: dict[str, Any] = {"format": FORMAT, "kind": "proof"}
    document["messages"] = prove(verifier, wanted)
    found = [
        each.text
        for proof in read_proofs(json.dumps(document).encode())
        for each in check_proof(proof, verifier.outside, verifier.secret_keys)
    ]
    document["check"] = {"ok": not found, "findings": found}
    print(json.dumps(document, indent=1))
    return 1 if found else 0


def _run_proof(arguments: argparse.Namespace, outside: Outside, secret_keys: Sequence[str]) -> int:
    report, lacking = Report(as_json=arguments.json), []
    for proof in read_proofs(_read_argument(arguments.check_proof)):
        findings = list(check_proof(proof, outside, secret_keys))
        for each in findings:
            report.add(each)
        if not findings:
            where = f"is leaf {proof.index} of {proof.size} below the root {proof.root}"
            report.tell(f"{proof.day}: {proof.whose} message {proof.leaf} {where}")
        if proof.day not in outside.roots:
            lacking.append(f"Whether this is the root of {proof.day}: get it from elsewhere.")
        if proof.content is None:
            lacking.append(f"The message itself: the proof of {proof.leaf} does not have it.")
        elif not secret_keys:
            lacking.append("DOKU's signature: no secret key was given (--secret-key-file).")
    return report.end({}, list(dict.fromkeys(lacking)))


def _left_out(verifier: Verifier) -> list[str]:
    """What was not checked, because something was not given."""
    lacking = []
    if not verifier.archive:
        lacking.append("The messages themselves: no archive was given (--archive).")
    elif not verifier.secret_keys:
        lacking.append("DOKU's signatures: no secret key was given (--secret-key-file).")
    known = verifier.outside.roots
    if not known and not verifier.outside.editions:
        lacking.append(
            "Whether these are the books that were closed then: nothing from outside was given"
            " (--root, --book, --events). Whoever may write to the buckets can make others that"
            " agree."
        )
    elif verifier.unknown:
        lacking.append(
            f"Whether {len(verifier.unknown)} books.json, {verifier.unknown[0]} the first, are"
            f" those that were closed then: their digests are not known from outside (--book,"
            f" --events). That is all in them but the messages."
        )
    if known and (days := [day for day in verifier.days() if day > max(known)]):
        lacking.append(
            f"Whether the messages from {days[0]} on are those of then: no root of a later day is"
            f" known from outside."
        )
    return lacking


class Report:
    """Findings, printed as they come, or as one JSON document."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._findings: list[dict[str, Any]] = []
        self._number = 0

    def add(self, finding: Finding) -> None:
        """Take a finding."""
        self._number += 1
        if self._as_json:
            told = asdict(finding).items()
            self._findings.append({name: value for name, value in told if value is not None})
        else:
            self.tell(finding.text)

    def tell(self, text: str) -> None:
        """Say a sentence. What is in it and no letter does not steer the terminal."""
        if not self._as_json:
            print("".join(each if each.isprintable() else ascii(each)[1:-1] for each in f"{text}."))

    def end(self, checked: dict[str, int], not_checked: list[str]) -> int:
        """Sum up. Returns the exit code."""
        if self._as_json:
            document = {
                "ok": not self._number,
                "findings": self._findings,
                "checked": checked,
                "not_checked": not_checked,
            }
            print(json.dumps(document, indent=1))
            return 1 if self._number else 0
        if counts := ", ".join(f"{value} {name}" for name, value in checked.items() if value):
            self.tell(f"Checked: {counts}")
        for each in not_checked:
            print(f"Not checked: {each}")
        self.tell(f"Found: {self._number}" if self._number else "All that was checked is right")
        return 1 if self._number else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = run(_parser().parse_args(arguments))
        sys.stdout.flush()
    except Unusable as error:
        print(f"verify_books: {error}.", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Nobody reads on; at the end Python would write once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())
