"""Copies of the books and of the archive, as three days leave them, for who verifies them.

Messages are signed as DOKU signs and archived as the system archives them. The books are written
here once more, from what docs/books.md says of their files alone.
"""

import csv
import json
from base64 import b64decode
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

from o2o.adapters.archive import encode, key_of
from o2o.adapters.doku import signature
from o2o.core.archive import ArchivedMessage, MessageKind
from o2o.core.merkle import merkle_root
from o2o.core.notifications import DokuMessage
from o2o.core.wib import WIB
from tests.support.wire import CLIENT_ID, SECRET

DAYS = (date(2026, 11, 28), date(2026, 11, 29), date(2026, 11, 30))
PAYMENT_COLUMNS = (
    "storefront_id",
    "invoice_number",
    "order_number",
    "payment",
    "channel",
    "bin",
    "kind",
    "amount",
    "currency",
)


@dataclass(frozen=True, slots=True)
class Line:
    """A message, and what messages.csv says of it."""

    message: ArchivedMessage
    order_number: str = ""
    payment: str = ""
    outcome: str = "on_record"

    @property
    def key(self) -> str:
        return key_of(self.message)

    @property
    def day(self) -> date:
        return self.message.received_at.astimezone(WIB).date()


def notification(at: datetime, body: bytes, secret: str = SECRET, **changes: str) -> Any:
    """A notification as DOKU signs it."""
    return _signed(MessageKind.NOTIFICATION, at, "/v1/doku/notifications", body, secret, **changes)


def status(at: datetime, order_number: str, body: bytes, secret: str = SECRET) -> Any:
    """The answer to a status check."""
    return _signed(MessageKind.STATUS, at, f"/orders/v1/status/{order_number}", body, secret)


def _signed(
    kind: MessageKind, at: datetime, path: str, body: bytes, secret: str, request_id: str = "r-1"
) -> ArchivedMessage:
    is_answer = kind is MessageKind.STATUS
    name = signature.RESPONSE_TIMESTAMP if is_answer else signature.REQUEST_TIMESTAMP
    timestamp = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    text = signature.component(
        client_id=CLIENT_ID,
        request_id=request_id,
        timestamp=timestamp,
        target=path,
        body=body,
        timestamp_name=name,
    )
    headers = {
        signature.CLIENT_ID: CLIENT_ID,
        signature.REQUEST_ID: request_id,
        name: timestamp,
        signature.SIGNATURE: signature.sign(secret, text),
    }
    return ArchivedMessage(kind=kind, message=DokuMessage(path, headers, body), received_at=at)


def paid(order_number: str, amount: int) -> bytes:
    """The body of a notification, in short."""
    return json.dumps(
        {"order": {"invoice_number": order_number, "amount": amount}}, indent=2
    ).encode()


def lines() -> list[Line]:
    """What came in three days: at both ends of a day, twice, as an answer, and of no order."""
    first, second, third = (
        datetime(each.year, each.month, each.day, tzinfo=UTC) - timedelta(hours=7) for each in DAYS
    )
    again = notification(second + timedelta(hours=17), paid("INV-7", 150_000), request_id="r-2")
    found = [
        Line(notification(first, paid("INV-1", 10_000)), "INV-1", "1"),
        Line(notification(second, paid("INV-7", 150_000)), "INV-7", "1"),
        Line(again, "INV-7", "1"),
        Line(status(second + timedelta(hours=18), "INV-8", b'{"a":1}'), "INV-8", "1"),
        Line(notification(second + timedelta(hours=19), b"\xff {"), outcome="unexplained"),
        Line(
            notification(third - timedelta(microseconds=1), paid("ABCD._R-1", 25_000)),
            "ABCD._R-1",
            "2",
        ),
        Line(notification(third, paid("=1+1", 30_000)), "=1+1", "1", "kept"),
    ]
    return sorted(found, key=lambda each: each.key)


def payments(day: date) -> list[dict[str, str]]:
    """The payments of a day."""
    if day == DAYS[2]:
        return []
    made = [
        ("toko", "INV-7", "1", "alfa", "paid", "150000"),
        ("toko", "INV-8", "1", "alfa", "duplicate", "99.50"),
        ("warung", "ABCD._R-1", "2", "indomaret", "paid", "25000"),
        ("", "OLD-1", "1", "", "paid", "7000"),
    ]
    return [
        {
            "storefront_id": storefront,
            "invoice_number": order,
            "order_number": order,
            "payment": payment,
            "channel": channel,
            "bin": "",
            "kind": kind,
            "amount": amount,
            "currency": "IDR",
        }
        for storefront, order, payment, channel, kind, amount in made
    ]


def to_csv(columns: tuple[str, ...], rows: list[dict[str, str]]) -> bytes:
    """CSV as the books have it."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        cells = [row[name] for name in columns]
        writer.writerow(
            f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell for cell in cells
        )
    return text.getvalue().encode()


def sums(rows: list[dict[str, str]]) -> dict[str, Any]:
    """What ``totals`` says of payments."""
    by: dict[tuple[str, str, str], list[Decimal]] = {}
    for row in rows:
        sort = row["channel"], row["kind"], row["currency"]
        by.setdefault(sort, []).append(Decimal(row["amount"]))
    return {
        "by": [
            {"channel": channel, "kind": kind, "currency": currency}
            | {"count": len(amounts), "sum": _value(sum(amounts, Decimal(0)))}
            for (channel, kind, currency), amounts in sorted(by.items())
        ]
    }


def _value(amount: Decimal) -> int | str:
    return int(amount) if amount == int(amount) else str(amount)


@dataclass(slots=True)
class Books:
    """The two folders, and what was told outside."""

    books: Path
    archive: Path
    secret_key_file: Path
    events: Path

    @classmethod
    def write(cls, folder: Path, written: list[Line] | None = None) -> "Books":
        """All of three days; the second has two editions."""
        made = cls(
            books=folder / "books-copy",
            archive=folder / "archive-copy",
            secret_key_file=folder / "secret-key",
            events=folder / "events.jsonl",
        )
        folder.mkdir(exist_ok=True)
        made.secret_key_file.write_text(f"{SECRET}\n")
        all_lines = lines() if written is None else written
        for line in all_lines:
            made.put(line)
        events: list[dict[str, Any]] = []
        previous = None
        for day in DAYS:
            editions = (1, 2) if day == DAYS[1] else (1,)
            events += [made.close(day, each, all_lines, previous) for each in editions]
            previous = (day, events[-1]["data"]["books"]["messages_root"])
        made.events.write_text("".join(f"{json.dumps(each)}\n" for each in events))
        return made

    def put(self, line: Line) -> Path:
        """Archive a message."""
        path = self.archive / line.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(line.message))
        return path

    def close(
        self, day: date, edition: int, all_lines: list[Line], previous: tuple[date, str] | None
    ) -> dict[str, Any]:
        """Write an edition. Returns the event that tells it."""
        folder = self.books / "books" / str(day) / f"{edition:04}"
        of_day = [line for line in all_lines if line.day == day]
        rows = payments(day)
        names = ("key", "order_number", "payment", "outcome")
        cells = [{name: str(getattr(line, name)) for name in names} for line in of_day]
        files = {
            "messages.csv": to_csv(names, cells),
            "payments.csv": to_csv(PAYMENT_COLUMNS, rows),
        }
        own = {
            name: [row for row in rows if row["storefront_id"] == name]
            for name in ("toko", "warung", "kosong")
        }
        for name, its in own.items():
            document = {"format": 1, "storefront_id": name, "totals": sums(its)}
            files[f"storefronts/{name}.csv"] = to_csv(PAYMENT_COLUMNS, its)
            files[f"storefronts/{name}.json"] = json.dumps(document, indent=1).encode()
        leaves = [b"previous " + (previous[1].encode() if previous else b"-")]
        root = merkle_root([*leaves, *(line.key.encode() for line in of_day)]).hex()
        book = {
            "format": 1,
            "day": str(day),
            "edition": edition,
            "closed_at": f"{day + timedelta(days=1)}T12:0{edition}:00Z",
            "totals": sums(rows),
            "storefronts": {name: {"totals": sums(its)} for name, its in own.items()},
            "differences": [{"kind": "message_unreadable"}],
            "messages": {
                "count": len(of_day),
                "root": root,
                "previous_day": str(previous[0]) if previous else None,
                "previous_root": previous[1] if previous else None,
            },
            "files": {name: sha256(content).hexdigest() for name, content in files.items()},
        }
        files["books.json"] = json.dumps(book, indent=1).encode()
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        told = {"day": str(day), "edition": edition, "messages_root": root}
        digest = sha256(files["books.json"]).hexdigest()
        return {
            "type": "books.closed",
            "data": {"books": {**told, "storefront_id": None, "sha256": digest}},
        }

    def book(self, day: date, edition: int = 1) -> Path:
        """Where a book is."""
        return self.books / "books" / str(day) / f"{edition:04}"

    def files(self) -> list[Path]:
        """All that is in the two folders."""
        found = [*self.books.rglob("*"), *self.archive.rglob("*")]
        return sorted(path for path in found if path.is_file())

    def sign_again(self, folder: Path) -> None:
        """Make an edition's book name its files as they are now."""
        path = folder / "books.json"
        book = json.loads(path.read_bytes())
        for name in book["files"]:
            book["files"][name] = sha256((folder / name).read_bytes()).hexdigest()
        path.write_bytes(json.dumps(book, indent=1).encode())


def forget(path: Path) -> None:
    """Take a message's personal data away, as it is done on request."""
    document = json.loads(path.read_bytes())
    body = b64decode(document["body_base64"])
    forgotten = {"at": "2026-12-24T00:00:00Z", "body_sha256": sha256(body).hexdigest()}
    path.write_bytes(json.dumps({"format": 1, "forgotten": forgotten}).encode())


def with_body(line: Line, body: bytes) -> Line:
    """The same message with other bytes, which DOKU did not sign."""
    message = replace(line.message.message, body=body)
    return replace(line, message=replace(line.message, message=message))
