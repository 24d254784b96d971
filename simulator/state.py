"""What the simulated DOKU remembers, in SQLite.

Everything is committed before an answer leaves, so that the state survives ``kill -9``: WAL keeps
a committed transaction through the death of the process. Instants are seconds since 1970 (UTC).
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulator.errors import StartError

_SCHEMA_VERSION = 2
_KEEP_ROWS = 20_000

_SCHEMA = """
CREATE TABLE orders (
    invoice_number TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    feature TEXT NOT NULL,
    payment_code TEXT NOT NULL,
    amount INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    reusable INTEGER NOT NULL,
    info TEXT,
    customer_name TEXT NOT NULL,
    notification_url TEXT,
    forced_status TEXT,
    forced_at INTEGER
);
CREATE INDEX orders_of ON orders (payment_code);
CREATE TABLE request_ids (
    request_id TEXT PRIMARY KEY,
    target TEXT NOT NULL,
    digest TEXT NOT NULL,
    answer BLOB NOT NULL
);
CREATE TABLE payments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    invoice_number TEXT NOT NULL,
    amount INTEGER NOT NULL,
    paid_at REAL NOT NULL,
    agent_id TEXT NOT NULL,
    store_id TEXT NOT NULL,
    receipt_number TEXT
);
CREATE INDEX payments_of ON payments (invoice_number);
CREATE TABLE notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    invoice_number TEXT NOT NULL,
    channel TEXT NOT NULL,
    document TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created_at REAL NOT NULL,
    first_attempt_at REAL,
    attempts INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'pending',
    due_at REAL,
    held INTEGER NOT NULL DEFAULT 0,
    fault TEXT
);
CREATE INDEX notifications_of ON notifications (invoice_number);
CREATE INDEX notifications_due ON notifications (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    notification_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at REAL NOT NULL,
    url TEXT,
    request_id TEXT NOT NULL,
    fault TEXT,
    status INTEGER,
    duration_ms INTEGER,
    outcome TEXT NOT NULL
);
CREATE INDEX attempts_of ON attempts (notification_id);
CREATE TABLE faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT NOT NULL,
    kind TEXT NOT NULL,
    invoice_number TEXT,
    remaining INTEGER,
    used INTEGER NOT NULL DEFAULT 0,
    parameters TEXT NOT NULL
);
CREATE TABLE requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    request_id TEXT,
    operation TEXT NOT NULL,
    invoice_number TEXT,
    fault TEXT,
    status INTEGER
);
CREATE INDEX requests_of ON requests (invoice_number);
CREATE TABLE inquiries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    channel TEXT NOT NULL,
    payment_code TEXT NOT NULL,
    url TEXT,
    request_id TEXT NOT NULL,
    fault TEXT,
    http_status INTEGER,
    latency_ms INTEGER,
    status TEXT,
    problem TEXT,
    invoice_number TEXT,
    amount INTEGER,
    customer_name TEXT,
    info TEXT
);
CREATE INDEX inquiries_of ON inquiries (payment_code);
CREATE INDEX inquiries_for ON inquiries (invoice_number);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

_EMPTIED_BY_RESET = (
    "orders",
    "request_ids",
    "payments",
    "notifications",
    "attempts",
    "faults",
    "requests",
    "inquiries",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A payment code as DOKU holds it.

    One that lives at the merchant (``dipc``) gets here with its first payment.
    """

    invoice_number: str
    channel: str
    feature: str
    payment_code: str
    amount: int
    request_id: str
    created_at: int
    expires_at: int | None
    """``None`` for ``dipc``: only the merchant knows."""
    reusable: bool
    info: str | None
    customer_name: str
    notification_url: str | None
    forced_status: str | None = None
    forced_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Cash that was taken at a till."""

    id: int
    invoice_number: str
    amount: int
    paid_at: float
    agent_id: str
    store_id: str
    receipt_number: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A question to the merchant about a code that lives there, and what came of it."""

    id: int = 0
    at: float
    channel: str
    payment_code: str
    url: str | None
    request_id: str
    fault: str | None = None
    http_status: int | None = None
    latency_ms: int | None = None
    """Real milliseconds until the whole answer was there."""
    status: str | None = None
    """``online_to_offline_inquiry.status``, as answered."""
    problem: str | None = None
    """Why DOKU can't use the answer, or has none."""
    invoice_number: str | None = None
    amount: int | None = None
    customer_name: str | None = None
    info: str | None = None

    @property
    def is_payable(self) -> bool:
        """Whether a till may take cash on this answer."""
        return self.status == "success" and self.problem is None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAnswer:
    """The first request of a Request-Id, and what it was answered."""

    target: str
    digest: str
    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A message to the merchant, sent until it is taken or its retries are used up."""

    id: int
    invoice_number: str
    channel: str
    document: dict[str, Any]
    request_id: str
    created_at: float
    first_attempt_at: float | None
    attempts: int
    state: str
    due_at: float | None
    held: int
    fault: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One sending of a notification."""

    number: int
    at: float
    url: str | None
    request_id: str
    fault: str | None
    status: int | None
    duration_ms: int | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRow:
    """A fault that waits for its turn."""

    id: int
    operation: str
    kind: str
    invoice_number: str | None
    remaining: int | None
    used: int
    parameters: dict[str, Any]


def instant(seconds: float) -> datetime:
    """Return a stored instant as an aware UTC datetime."""
    return datetime.fromtimestamp(seconds, UTC)


class State:
    """The database. Every method is safe to call from any thread and commits before it returns.

    ``transaction()`` binds several calls into one commit.
    """

    def __init__(self, database: Path | None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        name = ":memory:" if database is None else str(database)
        try:
            self._db = sqlite3.connect(
                name, isolation_level=None, check_same_thread=False, timeout=1.0
            )
        except sqlite3.Error as error:
            raise StartError(f"The database {name} can't be opened: {error}.") from error
        try:
            self._prepare()
        except (sqlite3.Error, StartError) as error:
            self._db.close()
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise StartError(f"Another simulator is using the database {name}.") from error
            raise StartError(f"The database {name} can't be used: {error}") from error

    def _prepare(self) -> None:
        self._db.row_factory = sqlite3.Row
        # One process owns the file: quicker, and a second simulator on it is told so.
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("BEGIN IMMEDIATE")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        elif version != _SCHEMA_VERSION:
            raise StartError(
                "it was written by another version of the simulator; move it away to start anew."
            )
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the database; everything is already committed."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Bind the calls inside into one commit, or none if one of them raises."""
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
                if outermost:
                    self._db.execute("COMMIT")
            except BaseException:
                if outermost and self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def _run(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        with self.transaction():
            return self._db.execute(sql, values)

    def _all(self, sql: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def _one(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Row | None:
        rows = self._all(sql, values)
        return rows[0] if rows else None

    def _insert(self, sql: str, values: Sequence[object]) -> int:
        number = self._run(sql, values).lastrowid
        assert number is not None  # noqa: S101 - an INSERT always has one
        return number

    # --- settings ------------------------------------------------------------------------

    def setting(self, name: str) -> str | None:
        """Return a remembered setting."""
        row = self._one("SELECT value FROM settings WHERE name = ?", (name,))
        return None if row is None else str(row["value"])

    def settings(self, prefix: str) -> dict[str, str]:
        """All remembered settings that start with a prefix, without it."""
        rows = self._all("SELECT name, value FROM settings ORDER BY name")
        return {
            row["name"].removeprefix(prefix): row["value"]
            for row in rows
            if row["name"].startswith(prefix)
        }

    def remember(self, name: str, value: str) -> None:
        """Keep a setting."""
        self._run("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def reset(self) -> None:
        """Forget orders, payments, notifications, faults and requests; keep the settings."""
        with self.transaction():
            for table in _EMPTIED_BY_RESET:
                self._run(f"DELETE FROM {table}")  # noqa: S608 - names of this module

    # --- orders --------------------------------------------------------------------------

    def first_answer(self, request_id: str) -> FirstAnswer | None:
        """How the first request of this Request-Id was answered."""
        row = self._one(
            "SELECT target, digest, answer FROM request_ids WHERE request_id = ?", (request_id,)
        )
        return None if row is None else FirstAnswer(**row)

    def remember_answer(self, request_id: str, first: FirstAnswer) -> None:
        """Keep the first answer of a Request-Id."""
        self._run(
            "INSERT INTO request_ids VALUES (?, ?, ?, ?)",
            (request_id, first.target, first.digest, first.answer),
        )

    def add_order(self, order: Order) -> None:
        """Keep a new order."""
        self._run(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                order.invoice_number,
                order.channel,
                order.feature,
                order.payment_code,
                order.amount,
                order.request_id,
                order.created_at,
                order.expires_at,
                order.reusable,
                order.info,
                order.customer_name,
                order.notification_url,
                order.forced_status,
                order.forced_at,
            ),
        )

    def order(self, invoice_number: str) -> Order | None:
        """Return the order of an invoice number."""
        row = self._one("SELECT * FROM orders WHERE invoice_number = ?", (invoice_number,))
        return None if row is None else _order(row)

    def order_of_code(self, payment_code: str) -> Order | None:
        """Return the order that DOKU itself holds, or held last, under these digits."""
        row = self._one(
            "SELECT * FROM orders WHERE payment_code = ? AND feature <> 'dipc'"
            " ORDER BY rowid DESC LIMIT 1",
            (payment_code,),
        )
        return None if row is None else _order(row)

    def knows(self, payment_code: str) -> bool:
        """Whether any order has or had these digits."""
        return bool(self._all("SELECT 1 FROM orders WHERE payment_code = ?", (payment_code,)))

    def orders(self, limit: int) -> list[Order]:
        """Return the newest orders first."""
        rows = self._all("SELECT * FROM orders ORDER BY rowid DESC LIMIT ?", (limit,))
        return [_order(row) for row in rows]

    def force_status(self, invoice_number: str, status: str | None, at: int) -> None:
        """Give an order a status by hand, or (``None``) its natural one back."""
        self._run(
            "UPDATE orders SET forced_status = ?, forced_at = ? WHERE invoice_number = ?",
            (status, at, invoice_number),
        )

    # --- payments ------------------------------------------------------------------------

    def add_payment(
        self,
        *,
        invoice_number: str,
        amount: int,
        paid_at: float,
        agent_id: str,
        store_id: str,
        receipt_number: str | None,
    ) -> Payment:
        """Keep a payment."""
        number = self._insert(
            "INSERT INTO payments (invoice_number, amount, paid_at, agent_id, store_id,"
            " receipt_number) VALUES (?, ?, ?, ?, ?, ?)",
            (invoice_number, amount, paid_at, agent_id, store_id, receipt_number),
        )
        return Payment(
            id=number,
            invoice_number=invoice_number,
            amount=amount,
            paid_at=paid_at,
            agent_id=agent_id,
            store_id=store_id,
            receipt_number=receipt_number,
        )

    def payments(self, invoice_number: str) -> list[Payment]:
        """Return an order's payments, oldest first."""
        rows = self._all(
            "SELECT * FROM payments WHERE invoice_number = ? ORDER BY id", (invoice_number,)
        )
        return [Payment(**row) for row in rows]

    # --- inquiries -----------------------------------------------------------------------

    def add_inquiry(self, inquiry: Inquiry) -> Inquiry:
        """Keep an inquiry with its answer; the newest 20,000 are kept."""
        with self.transaction():
            number = self._insert(
                "INSERT INTO inquiries (at, channel, payment_code, url, request_id, fault,"
                " http_status, latency_ms, status, problem, invoice_number, amount,"
                " customer_name, info) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    inquiry.at,
                    inquiry.channel,
                    inquiry.payment_code,
                    inquiry.url,
                    inquiry.request_id,
                    inquiry.fault,
                    inquiry.http_status,
                    inquiry.latency_ms,
                    inquiry.status,
                    inquiry.problem,
                    inquiry.invoice_number,
                    inquiry.amount,
                    inquiry.customer_name,
                    inquiry.info,
                ),
            )
            self._run("DELETE FROM inquiries WHERE id = ?", (number - _KEEP_ROWS,))
        return replace(inquiry, id=number)

    def inquiries(self, limit: int, payment_code: str | None = None) -> list[Inquiry]:
        """Return the newest inquiries first."""
        rows = self._all(
            "SELECT * FROM inquiries WHERE ?1 IS NULL OR payment_code = ?1"
            " ORDER BY id DESC LIMIT ?2",
            (payment_code, limit),
        )
        return [Inquiry(**row) for row in rows]

    def last_taken(self, payment_code: str) -> Inquiry | None:
        """Return the newest inquiry whose answer told something of the code."""
        row = self._one(
            "SELECT * FROM inquiries WHERE payment_code = ? AND problem IS NULL"
            " AND status <> 'invalid_signature' ORDER BY id DESC LIMIT 1",
            (payment_code,),
        )
        return None if row is None else Inquiry(**row)

    def last_payable(
        self, *, payment_code: str | None = None, invoice_number: str | None = None
    ) -> Inquiry | None:
        """Return the newest inquiry of a code or an invoice number that a till may pay on."""
        row = self._one(
            "SELECT * FROM inquiries WHERE (payment_code = ? OR invoice_number = ?)"
            " AND problem IS NULL AND status = 'success' ORDER BY id DESC LIMIT 1",
            (payment_code, invoice_number),
        )
        return None if row is None else Inquiry(**row)

    # --- notifications -------------------------------------------------------------------

    def add_notification(
        self,
        *,
        invoice_number: str,
        channel: str,
        document: dict[str, Any],
        request_id: str,
        at: float,
        fault: dict[str, Any] | None,
    ) -> int:
        """Keep a notification that is due at once."""
        return self._insert(
            "INSERT INTO notifications (invoice_number, channel, document, request_id,"
            " created_at, due_at, fault) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                invoice_number,
                channel,
                json.dumps(document),
                request_id,
                at,
                at,
                None if fault is None else json.dumps(fault),
            ),
        )

    def notification(self, number: int) -> Notification | None:
        """One notification."""
        row = self._one("SELECT * FROM notifications WHERE id = ?", (number,))
        return None if row is None else _notification(row)

    def notifications(self, invoice_number: str) -> list[Notification]:
        """Return an order's notifications, oldest first."""
        rows = self._all(
            "SELECT * FROM notifications WHERE invoice_number = ? ORDER BY id", (invoice_number,)
        )
        return [_notification(row) for row in rows]

    def upcoming(self, limit: int) -> list[tuple[int, float]]:
        """Return what has to be sent next: id and instant, the earliest first."""
        rows = self._all(
            "SELECT id, due_at FROM notifications WHERE due_at IS NOT NULL"
            " ORDER BY due_at, id LIMIT ?",
            (limit,),
        )
        return [(row["id"], row["due_at"]) for row in rows]

    def postpone(self, number: int, *, due_at: float, held: int, fault: dict[str, Any]) -> None:
        """Send a notification later; ``held`` counts the others that go first."""
        self._run(
            "UPDATE notifications SET due_at = ?, held = ?, fault = ? WHERE id = ?",
            (due_at, held, json.dumps(fault), number),
        )

    def release_held(self, sent: int, now: float) -> bool:
        """Count a sent notification for those that wait for others; whether any does."""
        freed = self._run(
            "UPDATE notifications SET held = held - 1,"
            " due_at = CASE WHEN held = 1 THEN ? ELSE due_at END WHERE held > 0 AND id <> ?",
            (now, sent),
        )
        return freed.rowcount > 0

    def add_attempts(self, number: int, attempts: Sequence[Attempt]) -> None:
        """Keep what became of the sendings of one notification."""
        with self.transaction():
            for attempt in attempts:
                self._run(
                    "INSERT INTO attempts (notification_id, number, at, url, request_id, fault,"
                    " status, duration_ms, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        number,
                        attempt.number,
                        attempt.at,
                        attempt.url,
                        attempt.request_id,
                        attempt.fault,
                        attempt.status,
                        attempt.duration_ms,
                        attempt.outcome,
                    ),
                )

    def finish_attempt(
        self,
        number: int,
        *,
        attempts: int,
        first_attempt_at: float,
        state: str,
        due_at: float | None,
    ) -> None:
        """Move a notification on after an attempt."""
        self._run(
            "UPDATE notifications SET attempts = ?, first_attempt_at = ?, state = ?, due_at = ?,"
            " held = 0, fault = NULL WHERE id = ?",
            (attempts, first_attempt_at, state, due_at, number),
        )

    def attempts(self, number: int) -> list[Attempt]:
        """Return the sendings of one notification, oldest first."""
        rows = self._all(
            "SELECT number, at, url, request_id, fault, status, duration_ms, outcome"
            " FROM attempts WHERE notification_id = ? ORDER BY id",
            (number,),
        )
        return [Attempt(**row) for row in rows]

    # --- faults --------------------------------------------------------------------------

    def add_fault(
        self,
        *,
        operation: str,
        kind: str,
        invoice_number: str | None,
        times: int | None,
        parameters: dict[str, Any],
    ) -> FaultRow:
        """Keep a fault for the next ``times`` requests that it fits (``None``: all)."""
        number = self._insert(
            "INSERT INTO faults (operation, kind, invoice_number, remaining, parameters)"
            " VALUES (?, ?, ?, ?, ?)",
            (operation, kind, invoice_number, times, json.dumps(parameters)),
        )
        return FaultRow(
            id=number,
            operation=operation,
            kind=kind,
            invoice_number=invoice_number,
            remaining=times,
            used=0,
            parameters=parameters,
        )

    def faults(self) -> list[FaultRow]:
        """Every fault, used up or not, oldest first."""
        return [_fault(row) for row in self._all("SELECT * FROM faults ORDER BY id")]

    def take_fault(
        self, operation: str, kinds: Sequence[str], invoice_number: str | None
    ) -> FaultRow | None:
        """Use the oldest fault that fits, once: of ``any`` operation, only these kinds do."""
        marks = ", ".join("?" * len(kinds))
        with self.transaction():
            row = self._one(
                f"SELECT * FROM faults WHERE (kind IN ({marks})"  # noqa: S608 - marks only
                " AND operation = 'any' OR operation = ?)"
                " AND (remaining IS NULL OR remaining > 0)"
                " AND (invoice_number IS NULL OR invoice_number = ?) ORDER BY id LIMIT 1",
                (*kinds, operation, invoice_number),
            )
            if row is None:
                return None
            self._run(
                "UPDATE faults SET used = used + 1, remaining = remaining - 1 WHERE id = ?",
                (row["id"],),
            )
            return _fault(row)

    def delete_faults(self, number: int | None = None) -> int:
        """Forget one fault or all; how many there were."""
        if number is None:
            return self._run("DELETE FROM faults").rowcount
        return self._run("DELETE FROM faults WHERE id = ?", (number,)).rowcount

    # --- log of requests -----------------------------------------------------------------

    def log_request(
        self,
        *,
        at: float,
        method: str,
        path: str,
        request_id: str | None,
        operation: str,
        invoice_number: str | None,
    ) -> int:
        """Note that a request came in; the newest 20,000 are kept."""
        with self.transaction():
            number = self._insert(
                "INSERT INTO requests (at, method, path, request_id, operation, invoice_number)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (at, method, path, request_id, operation, invoice_number),
            )
            self._run("DELETE FROM requests WHERE id = ?", (number - _KEEP_ROWS,))
        return number

    def note_fault(self, number: int, kind: str) -> None:
        """Note which fault a logged request met."""
        self._run("UPDATE requests SET fault = ? WHERE id = ?", (kind, number))

    def note_status(self, number: int, status: int) -> None:
        """Note how a logged request was answered."""
        self._run("UPDATE requests SET status = ? WHERE id = ?", (status, number))

    def requests(self, limit: int, invoice_number: str | None = None) -> list[dict[str, Any]]:
        """Return the newest requests first."""
        rows = self._all(
            "SELECT * FROM requests WHERE ?1 IS NULL OR invoice_number = ?1"
            " ORDER BY id DESC LIMIT ?2",
            (invoice_number, limit),
        )
        return [dict(row) for row in rows]

    def request_counts(self, invoice_number: str) -> dict[str, int]:
        """How many requests named this invoice number, by operation."""
        rows = self._all(
            "SELECT operation, COUNT(*) AS number FROM requests WHERE invoice_number = ?"
            " GROUP BY operation",
            (invoice_number,),
        )
        return {row["operation"]: row["number"] for row in rows}


def _order(row: sqlite3.Row) -> Order:
    return Order(**{**dict(row), "reusable": bool(row["reusable"])})


def _notification(row: sqlite3.Row) -> Notification:
    fault = row["fault"]
    return Notification(
        **{
            **dict(row),
            "document": json.loads(row["document"]),
            "fault": None if fault is None else json.loads(fault),
        }
    )


def _fault(row: sqlite3.Row) -> FaultRow:
    return FaultRow(**{**dict(row), "parameters": json.loads(row["parameters"])})
