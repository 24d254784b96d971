"""The queue of faults that wait for a request to spoil."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulator.store.database import Database, record

TABLES = """
CREATE TABLE faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT NOT NULL,
    kind TEXT NOT NULL,
    invoice_number TEXT,
    channel TEXT,
    remaining INTEGER,
    used INTEGER NOT NULL DEFAULT 0,
    parameters TEXT NOT NULL
);
"""
ADD_CHANNEL = "ALTER TABLE faults ADD COLUMN channel TEXT"
"""Brings a table of version 2 up to version 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedFault:
    """A fault, used up or not."""

    id: int
    operation: str
    kind: str
    invoice_number: str | None
    """The only order that it meets; ``None``: any."""
    channel: str | None
    """The only channel that it meets; ``None``: any."""
    remaining: int | None
    """How often it is still used; ``None``: always."""
    used: int
    parameters: dict[str, Any]


class FaultQueue:
    """Faults in the order in which they were added."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        *,
        operation: str,
        kind: str,
        invoice_number: str | None,
        channel: str | None,
        times: int | None,
        parameters: dict[str, Any],
    ) -> QueuedFault:
        """Keep a fault for the next ``times`` requests that it fits (``None``: all)."""
        number = self._database.insert(
            "faults",
            {
                "operation": operation,
                "kind": kind,
                "invoice_number": invoice_number,
                "channel": channel,
                "remaining": times,
                "parameters": json.dumps(parameters),
            },
        )
        return QueuedFault(
            id=number,
            operation=operation,
            kind=kind,
            invoice_number=invoice_number,
            channel=channel,
            remaining=times,
            used=0,
            parameters=parameters,
        )

    def all(self) -> list[QueuedFault]:
        """Return every fault, used up or not, oldest first."""
        return [_fault(row) for row in self._database.rows("SELECT * FROM faults ORDER BY id")]

    def take(
        self,
        operation: str,
        kinds: Sequence[str],
        invoice_number: str | None,
        channel: str | None,
    ) -> QueuedFault | None:
        """Use the oldest fault of these kinds that fits, once."""
        marks = ", ".join("?" * len(kinds))
        with self._database.transaction():
            row = self._database.row(
                f"SELECT * FROM faults WHERE kind IN ({marks})"  # noqa: S608 - marks only
                " AND operation IN ('any', ?)"
                " AND (remaining IS NULL OR remaining > 0)"
                " AND (invoice_number IS NULL OR invoice_number = ?)"
                " AND (channel IS NULL OR channel = ?) ORDER BY id LIMIT 1",
                (*kinds, operation, invoice_number, channel),
            )
            if row is None:
                return None
            self._database.run(
                "UPDATE faults SET used = used + 1, remaining = remaining - 1 WHERE id = ?",
                (row["id"],),
            )
            return _fault(row)

    def delete(self, number: int | None = None) -> int:
        """Forget one fault, or all; return how many there were."""
        if number is None:
            return self._database.run("DELETE FROM faults").rowcount
        return self._database.run("DELETE FROM faults WHERE id = ?", (number,)).rowcount


def _fault(row: sqlite3.Row) -> QueuedFault:
    return record(QueuedFault, row, parameters=json.loads(row["parameters"]))
