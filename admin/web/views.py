"""What the desk's pages are told, in JSON's types. Never who pays, and nothing that DOKU signed."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from o2o.core.audit import AuditEntry
from o2o.core.books import Noted
from o2o.core.closed_days import ClosedDay
from o2o.core.codes import PaymentCode
from o2o.core.deliveries import EventRecord
from o2o.core.endpoints import Endpoint
from o2o.core.money import CURRENCY
from o2o.core.notifications import KeptNotification
from o2o.core.payments import Payment, PaymentReport
from o2o.core.storefronts import Storefront
from o2o.entry.models.codes import PaymentView
from o2o.entry.models.text import number

_CODE = (
    "order_number", "invoice_number", "storefront_id", "status", "payment_code", "channel",
    "feature", "bin", "amount", "reusable", "created_at", "activated_at", "expires_at", "ended_at",
    "cancelled_at", "inquired_at", "paid_at", "late", "had_ended", "unconfirmed", "stops_payment",
    "replaces", "replaced_by", "due_at", "forgotten_at", "version",
)  # fmt: skip
_TELLING = (
    "source", "dated", "paid_at", "receipt_number", "store_id", "agent_id", "acquirer",
    "assigned_from",
)  # fmt: skip
_BY_STATUS_CHECK = Noted.ONLY_BY_STATUS_CHECK.value
_ENDPOINT = (
    "storefront_id", "url", "is_paused", "pause_reason", "paused_at", "is_down", "failures",
    "failing_since",
)  # fmt: skip


def storefront(each: Storefront) -> dict[str, Any]:
    """A storefront, for the menu."""
    return {"storefront_id": each.storefront_id, "name": each.name}


def code(each: PaymentCode) -> dict[str, Any]:
    """A payment code, without what the storefront wrote about it and its customer."""
    failure, refund = each.failure, each.refund
    return {
        **_fields(each, _CODE),
        "is_disputed": each.is_disputed,
        "payments_count": each.payments,
        "payments_complete": each.payments_complete,
        "unpaid_inquiry_at": _plain(each.unpaid_inquiry_at),
        "failure": failure and failure.reason,
        "refund": refund and {"recorded_at": _plain(refund.recorded_at)},
    }


def payment(each: Payment) -> dict[str, Any]:
    """A payment, which code it is of, and what every message said about it."""
    of = each.code
    return {
        **PaymentView.of(each).model_dump(mode="json"),
        "order_number": of.order_number if of else each.report.invoice_number,
        "invoice_number": of.invoice_number if of else each.report.invoice_number,
        "storefront_id": of.storefront_id if of else None,
        "channel": of.channel if of else None,
        "attention": list(each.attention),
        "tellings": [_telling(report) for report in each.tellings],
    }


def _telling(report: PaymentReport) -> dict[str, Any]:
    return {
        **_fields(report, _TELLING),
        "amount": number(report.amount),
        "sha256": report.evidence.digest,
    }


def event(record: EventRecord) -> dict[str, Any]:
    """An event and its delivery, without its text."""
    fields = ("event_id", "type", "invoice_number", "created_at", "due_at", "status")
    return {
        **_fields(record, fields),
        "attempts": [
            _fields(attempt, ("at", "duration_ms", "status_code", "error"))
            for attempt in record.attempts
        ],
    }


def endpoint(each: Endpoint) -> dict[str, Any]:
    """Where a storefront's events go, and how it fares."""
    return _fields(each, _ENDPOINT)


def day(closed: ClosedDay, parts: Sequence[ClosedDay]) -> dict[str, Any]:
    """A closed day in short. ``parts`` are the storefronts' books that it is made of."""
    books = [json.loads(each.document) for each in parts]
    channels: defaultdict[str, dict[str, Any]] = defaultdict(
        lambda: {"payments": 0, "sum": Decimal(0), "codes": 0}
    )
    for row in json.loads(closed.document)["totals"]["by"]:
        total = channels[row["channel"]]
        total["payments"] += row["count"]
        if row["currency"] == CURRENCY:
            total["sum"] += Decimal(row["sum"])
    for each in books:
        for channel, count in each["codes"]["channels"].items():
            channels[channel]["codes"] += count
    return {
        **_closed(closed),
        "channels": {
            name: {**total, "sum": number(total["sum"])} for name, total in channels.items()
        },
        "codes": sum(sum(book["codes"]["created"].values()) for book in books),
        "by_status_check": sum(book["noted"][_BY_STATUS_CHECK]["count"] for book in books),
    }


def book(closed: ClosedDay) -> dict[str, Any]:
    """An edition of a day's book, with the first of each list."""
    return {**_closed(closed), "book": json.loads(closed.document)}


def _closed(closed: ClosedDay) -> dict[str, Any]:
    fields = (
        "storefront_id", "day", "edition", "closed_at", "differences", "messages_root",
        "previous_root", "sha256",
    )  # fmt: skip
    return {**_fields(closed, fields), "payments": closed.count, "sum": number(closed.sum)}


def kept(each: KeptNotification, report: PaymentReport | None) -> dict[str, Any]:
    """A kept message, with the payment that it reports, if any can be read."""
    return {
        "identity": each.identity,
        "order_number": each.invoice_number,
        "reason": each.reason,
        "received_at": _plain(each.received_at),
        "next_look": _plain(each.due_at),
        "dismissed": each.dismissed,
        "dismissed_at": _plain(each.dismissed_at),
        "payment": report and _telling(report),
    }


def audit(each: AuditEntry, outcome: str | None) -> dict[str, Any]:
    """What was done by hand."""
    return {
        "at": _plain(each.created_at),
        "who": each.who,
        "command": each.command,
        "arguments": each.arguments,
        "reason": each.reason,
        "outcome": outcome or "unknown",
    }


def _fields(item: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _plain(getattr(item, name)) for name in names}


def _plain(value: Any) -> Any:
    """An instant as UTC text to the second; an enum's word."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value.value if isinstance(value, Enum) else value
