"""The transaction status of an order (DOKU protocol, section 7)."""

from simulator.account import Account
from simulator.store.orders import Order
from simulator.store.payments import Payment


def status_of(account: Account, order: Order) -> tuple[str, Payment | None]:
    """Return the status that a status check reports now, and the payment that it shows.

    A payment shows 60 seconds after it was made (``status_delay_seconds``); until then its order
    is PENDING, even past its expiry.
    """
    now = account.clock.now().timestamp()
    payments = account.store.payments.of_order(order.invoice_number)
    shown = [p for p in payments if p.paid_at + account.config.status_delay_seconds <= now]
    latest = shown[-1] if shown else None
    if order.forced_status is not None:
        paid = order.forced_status in {"SUCCESS", "REFUNDED"}
        return order.forced_status, latest if paid else None
    if latest is not None:
        return "SUCCESS", latest
    if order.expires_at is not None and order.expires_at <= now and not payments:
        return "EXPIRED", None
    return "PENDING", None
