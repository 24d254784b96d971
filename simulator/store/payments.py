"""Payments: cash that was taken at a till."""

from dataclasses import asdict, dataclass

from simulator.store.database import Database, record

TABLES = """
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
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Cash that was taken for an order."""

    invoice_number: str
    amount: int
    """Rupiah."""
    paid_at: float
    agent_id: str
    """``AGENT_ID`` of the notification: the chain."""
    store_id: str
    """``AGENT_STORE_ID`` of the notification."""
    receipt_number: str | None
    """``AGENT_TRX_ID`` of the notification; ``None`` leaves it out."""


class Payments:
    """Payments by order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, payment: Payment) -> None:
        """Keep a payment."""
        self._database.insert("payments", asdict(payment))

    def of_order(self, invoice_number: str) -> list[Payment]:
        """Return an order's payments, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM payments WHERE invoice_number = ? ORDER BY id", (invoice_number,)
        )
        return [record(Payment, row) for row in rows]

    def between(self, begin: float, end: float) -> list[Payment]:
        """Return the payments from an instant on until before another one, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM payments WHERE paid_at >= ? AND paid_at < ? ORDER BY paid_at, id",
            (begin, end),
        )
        return [record(Payment, row) for row in rows]

    def listed(
        self, limit: int, after: int, payment_code: str | None = None
    ) -> list[tuple[int, str, Payment]]:
        """Return payments with their ``id`` and digits, oldest first: of one code, or all."""
        rows = self._database.rows(
            "SELECT payments.*, orders.payment_code FROM payments"
            " JOIN orders ON orders.invoice_number = payments.invoice_number"
            " WHERE payments.id > ?1 AND (?2 IS NULL OR orders.payment_code = ?2)"
            " ORDER BY payments.id LIMIT ?3",
            (after, payment_code, limit),
        )
        return [(row["id"], row["payment_code"], record(Payment, row)) for row in rows]
