"""Orders: the payment codes that DOKU holds."""

import json
import sqlite3
from dataclasses import asdict, dataclass

from simulator.store.database import Database, record

TABLES = """
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
    forced_at INTEGER,
    report TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX orders_of ON orders (payment_code);
"""
ADD_REPORT = "ALTER TABLE orders ADD COLUMN report TEXT NOT NULL DEFAULT '[]'"
"""Brings a table of version 4 up to version 5."""


STATUSES = ("PENDING", "SUCCESS", "EXPIRED", "FAILED", "REFUNDED")
"""Transaction statuses (DOKU protocol, section 7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A payment code as DOKU holds it, with its bill.

    A code that lives at the merchant (``dipc``) becomes an order with its first payment.
    """

    invoice_number: str
    channel: str
    """Name of the channel."""
    feature: str
    """``dgpc``, ``mgpc`` or ``dipc``."""
    payment_code: str
    amount: int
    """Rupiah."""
    request_id: str
    """Request-Id of the request that made it, or of the inquiry."""
    created_at: int
    expires_at: int | None
    """``None`` for ``dipc``: only the merchant knows."""
    reusable: bool
    info: str | None
    customer_name: str
    notification_url: str | None
    """The order's own, in place of the channel's."""
    forced_status: str | None = None
    """Transaction status set by hand."""
    forced_at: int | None = None
    report: tuple[tuple[str, str], ...] = ()
    """Columns of the settlement report, each its key and value."""


class Orders:
    """Orders by invoice number and by payment code."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, order: Order) -> None:
        """Keep a new order."""
        self._database.insert("orders", asdict(order) | {"report": json.dumps(order.report)})

    def get(self, invoice_number: str) -> Order | None:
        """Return the order of an invoice number."""
        row = self._database.row("SELECT * FROM orders WHERE invoice_number = ?", (invoice_number,))
        return None if row is None else _order(row)

    def by_code(self, payment_code: str) -> Order | None:
        """Return the order that DOKU itself holds, or held last, under these digits."""
        row = self._database.row(
            "SELECT * FROM orders WHERE payment_code = ? AND feature <> 'dipc'"
            " ORDER BY rowid DESC LIMIT 1",
            (payment_code,),
        )
        return None if row is None else _order(row)

    def has_code(self, payment_code: str) -> bool:
        """Whether any order has or had these digits."""
        sql = "SELECT 1 FROM orders WHERE payment_code = ?"
        return self._database.row(sql, (payment_code,)) is not None

    def newest(self, limit: int) -> list[Order]:
        """Return orders, newest first."""
        rows = self._database.rows("SELECT * FROM orders ORDER BY rowid DESC LIMIT ?", (limit,))
        return [_order(row) for row in rows]

    def force_status(self, invoice_number: str, status: str | None, at: int) -> None:
        """Set an order's status by hand, or (``None``) give its natural one back."""
        self._database.run(
            "UPDATE orders SET forced_status = ?, forced_at = ? WHERE invoice_number = ?",
            (status, at, invoice_number),
        )


def _order(row: sqlite3.Row) -> Order:
    report = tuple((key, value) for key, value in json.loads(row["report"]))
    return record(Order, row, reusable=bool(row["reusable"]), report=report)
