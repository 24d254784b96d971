"""Notifications to the merchant, and every attempt to deliver one (DOKU protocol, section 6)."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from simulator.store.database import Database, record

TABLES = """
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
CREATE INDEX notifications_held ON notifications (held) WHERE held > 0;
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
"""

INDEX_HELD = "CREATE INDEX notifications_held ON notifications (held) WHERE held > 0"
"""Brings a database of version 3 up to version 4: each notification that is sent asks for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A message to the merchant, sent until it is delivered or its retries are used up."""

    id: int
    invoice_number: str
    channel: str
    """Name of the channel."""
    document: dict[str, Any]
    request_id: str
    """Request-Id of the first attempt."""
    first_attempt_at: float | None
    attempts: int
    """How many attempts there were; copies of one attempt count once."""
    state: str
    """``pending``, ``delivered``, ``lost`` or ``given up``."""
    due_at: float | None
    """When it is sent next; ``None``: never again."""
    fault: dict[str, Any] | None
    """``{"kind", "parameters"}`` for the next attempt, in place of a queued fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One sending of a notification."""

    number: int
    at: float
    url: str | None
    request_id: str
    fault: str | None
    """Kind of the fault that spoiled it."""
    status: int | None
    """HTTP status of the merchant's answer."""
    duration_ms: int | None
    outcome: str
    """``delivered``, ``refused``, or why there was no answer."""


class Notifications:
    """Notifications by order and by the time at which they are due."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        *,
        invoice_number: str,
        channel: str,
        document: dict[str, Any],
        request_id: str,
        at: float,
        fault: dict[str, Any] | None,
    ) -> int:
        """Keep a notification that is due at once; return its ``id``."""
        return self._database.insert(
            "notifications",
            {
                "invoice_number": invoice_number,
                "channel": channel,
                "document": json.dumps(document),
                "request_id": request_id,
                "created_at": at,
                "due_at": at,
                "fault": None if fault is None else json.dumps(fault),
            },
        )

    def get(self, number: int) -> Notification | None:
        """Return the notification of an ``id``."""
        row = self._database.row("SELECT * FROM notifications WHERE id = ?", (number,))
        return None if row is None else _notification(row)

    def of_order(self, invoice_number: str) -> list[Notification]:
        """Return an order's notifications, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM notifications WHERE invoice_number = ? ORDER BY id", (invoice_number,)
        )
        return [_notification(row) for row in rows]

    def upcoming(self, limit: int) -> list[tuple[int, float]]:
        """Return what has to be sent next: ``id`` and instant, the earliest first."""
        rows = self._database.rows(
            "SELECT id, due_at FROM notifications WHERE due_at IS NOT NULL"
            " ORDER BY due_at, id LIMIT ?",
            (limit,),
        )
        return [(row["id"], row["due_at"]) for row in rows]

    def postpone(self, number: int, *, due_at: float, held: int, fault: dict[str, Any]) -> None:
        """Send a notification later; ``held`` counts the others that go first."""
        self._database.run(
            "UPDATE notifications SET due_at = ?, held = ?, fault = ? WHERE id = ?",
            (due_at, held, json.dumps(fault), number),
        )

    def release_held(self, sent: int, now: float) -> None:
        """Count a sent notification for those that wait for others to go first."""
        self._database.run(
            "UPDATE notifications SET held = held - 1,"
            " due_at = CASE WHEN held = 1 THEN ? ELSE due_at END WHERE held > 0 AND id <> ?",
            (now, sent),
        )

    def finish_attempt(
        self,
        number: int,
        results: Sequence[Attempt],
        *,
        attempts: int,
        first_attempt_at: float,
        state: str,
        due_at: float | None,
    ) -> None:
        """Keep the results of an attempt, one for each copy, and what follows from them."""
        with self._database.transaction():
            for result in results:
                self._database.insert("attempts", {"notification_id": number, **asdict(result)})
            self._database.run(
                "UPDATE notifications SET attempts = ?, first_attempt_at = ?, state = ?,"
                " due_at = ?, held = 0, fault = NULL WHERE id = ?",
                (attempts, first_attempt_at, state, due_at, number),
            )

    def attempts(self, number: int) -> list[Attempt]:
        """Return the attempts of one notification, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM attempts WHERE notification_id = ? ORDER BY id", (number,)
        )
        return [record(Attempt, row) for row in rows]


def _notification(row: sqlite3.Row) -> Notification:
    fault = row["fault"]
    return record(
        Notification,
        row,
        document=json.loads(row["document"]),
        fault=None if fault is None else json.loads(fault),
    )
