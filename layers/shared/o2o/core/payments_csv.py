"""Payments as CSV: RFC 4180, in UTF-8, for people's spreadsheets and for programs.

Instants stand twice, in WIB and in UTC; whole amounts have no fraction; yes and no are ``true`` and
``false``. Others' text never becomes a formula: a spreadsheet would carry it out.
"""

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

from o2o.core.money import CURRENCY
from o2o.core.payments import Payment
from o2o.core.wib import WIB

COLUMNS = (
    "storefront_id",
    "invoice_number",
    "order_number",
    "payment",
    "channel",
    "bin",
    "kind",
    "amount",
    "currency",
    "paid_at_wib",
    "paid_at_utc",
    "recorded_at_wib",
    "recorded_at_utc",
    "source",
    "agent_id",
    "store_id",
    "receipt_number",
    "certain",
    "doubts",
    "had_ended",
    "first_paid",
    "resolution",
    "resolution_reference",
    "resolved_at_utc",
)
"""The first row. New columns are added at the end."""

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that a spreadsheet may take for a formula, full-width forms included."""


def row(payment: Payment) -> list[str]:
    """A payment's cells, in the order of ``COLUMNS``."""
    report, code, resolution = payment.report, payment.code, payment.resolution
    return [
        code.storefront_id if code else "",
        code.invoice_number if code else "",
        code.order_number if code else report.invoice_number,
        payment.payment_id,
        code.channel if code else "",
        (code.bin if code else None) or "",
        payment.kind,
        amount_text(report.amount),
        report.currency or CURRENCY,
        wib_text(report.paid_at),
        utc_text(report.paid_at),
        wib_text(payment.recorded_at),
        utc_text(payment.recorded_at),
        report.source,
        report.agent_id or "",
        report.store_id or "",
        report.receipt_number or "",
        _flag(not payment.doubts),
        " ".join(payment.doubts),
        _flag(payment.had_ended),
        payment.first_paid or "",
        resolution.kind if resolution else "",
        (resolution.reference if resolution else None) or "",
        utc_text(resolution.at) if resolution else "",
    ]


def write(rows: Iterable[Sequence[str]]) -> str:
    """Rows as text, without the header: ``write([COLUMNS])`` is that."""
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(map(_cell, each) for each in rows)
    return text.getvalue()


def amount_text(amount: Decimal) -> str:
    """An amount as it is: a whole one without a fraction, none with an exponent."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def wib_text(instant: datetime) -> str:
    """An instant in WIB, to the second."""
    return instant.astimezone(WIB).isoformat(timespec="seconds")


def utc_text(instant: datetime) -> str:
    """An instant in UTC, to the second."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _flag(value: bool) -> str:  # noqa: FBT001 - it is what is written
    return "true" if value else "false"


def _cell(text: str) -> str:
    # What DOKU sent may hold half a character, which no UTF-8 has; CSV has no NUL.
    readable = str(text).encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return f"'{readable}" if readable.startswith(_FORMULAS) else readable
