"""Records as the control API shows them."""

from dataclasses import asdict
from typing import Any

from simulator.account import Account
from simulator.clock import instant, utc_text
from simulator.order_status import status_of
from simulator.store.fault_queue import QueuedFault
from simulator.store.inquiries import Inquiry
from simulator.store.notifications import Notification
from simulator.store.orders import Order
from simulator.store.payments import Payment


def utc(seconds: float | None) -> str | None:
    """Return a stored instant as ``2021-01-24T08:30:00Z``."""
    return None if seconds is None else utc_text(instant(seconds))


def order_view(account: Account, order: Order) -> dict[str, Any]:
    """Return an order as a list shows it."""
    status, _ = status_of(account, order)
    return {
        "invoice_number": order.invoice_number,
        "channel": order.channel,
        "feature": order.feature,
        "payment_code": order.payment_code,
        "amount": order.amount,
        "status": status,
        "forced": order.forced_status is not None,
        "reusable": order.reusable,
        "request_id": order.request_id,
        "report": [{"key": key, "value": value} for key, value in order.report],
        "created_at": utc(order.created_at),
        "expires_at": utc(order.expires_at),
        "paid": len(account.store.payments.of_order(order.invoice_number)),
    }


def payment_view(payment: Payment) -> dict[str, Any]:
    """Return a payment, without the order that it belongs to."""
    return {
        "amount": payment.amount,
        "paid_at": utc(payment.paid_at),
        "agent_id": payment.agent_id,
        "store_id": payment.store_id,
        "receipt_number": payment.receipt_number,
    }


def notification_view(account: Account, notification: Notification) -> dict[str, Any]:
    """Return a notification with every attempt."""
    attempts = account.store.notifications.attempts(notification.id)
    return {
        "id": notification.id,
        "state": notification.state,
        "due_at": utc(notification.due_at),
        "attempts": [{**asdict(attempt), "at": utc(attempt.at)} for attempt in attempts],
    }


def inquiry_view(inquiry: Inquiry | None) -> dict[str, Any] | None:
    """Return an inquiry, without the customer."""
    if inquiry is None:
        return None
    shown = {**asdict(inquiry), "at": utc(inquiry.at)}
    del shown["customer_name"], shown["info"]
    return shown


def fault_view(fault: QueuedFault) -> dict[str, Any]:
    """Return a fault, its parameters beside its other fields."""
    return {
        "id": fault.id,
        "operation": fault.operation,
        "kind": fault.kind,
        "invoice_number": fault.invoice_number,
        "channel": fault.channel,
        "remaining": fault.remaining,
        "used": fault.used,
        **fault.parameters,
    }
