"""The log of requests to DOKU's routes: never a secret header, never a body."""

from typing import Any

from simulator.store.database import LOG_ROWS, Database

TABLES = """
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
"""


class RequestLog:
    """The newest requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        *,
        at: float,
        method: str,
        path: str,
        request_id: str | None,
        operation: str,
        invoice_number: str | None,
    ) -> int:
        """Log a request that has come in; return its ``id``."""
        values = {
            "at": at,
            "method": method,
            "path": path,
            "request_id": request_id,
            "operation": operation,
            "invoice_number": invoice_number,
        }
        return self._database.insert("requests", values, keep=LOG_ROWS)

    def note_fault(self, number: int, kind: str) -> None:
        """Note which fault a logged request met."""
        self._database.run("UPDATE requests SET fault = ? WHERE id = ?", (kind, number))

    def note_status(self, number: int, status: int) -> None:
        """Note the HTTP status that answered a logged request."""
        self._database.run("UPDATE requests SET status = ? WHERE id = ?", (status, number))

    def newest(self, limit: int, invoice_number: str | None = None) -> list[dict[str, Any]]:
        """Return requests, of one order or of all, newest first: one item for each column."""
        rows = self._database.rows(
            "SELECT * FROM requests WHERE ?1 IS NULL OR invoice_number = ?1"
            " ORDER BY id DESC LIMIT ?2",
            (invoice_number, limit),
        )
        return [dict(row) for row in rows]

    def counts(self, invoice_number: str) -> dict[str, int]:
        """Return how many requests named an invoice number, by operation."""
        rows = self._database.rows(
            "SELECT operation, COUNT(*) AS number FROM requests WHERE invoice_number = ?"
            " GROUP BY operation",
            (invoice_number,),
        )
        return {row["operation"]: row["number"] for row in rows}
