"""Logs and metrics of DOKU's notifications."""

from o2o.entry.observability import count, logger
from o2o.entry.observe_payments import count_payment
from o2o.usecases.record_message import NotificationOutcome, ReceivedNotification

_NOTIFICATION_METRICS = {
    NotificationOutcome.REFUNDED: "PaymentRefunded",
    NotificationOutcome.UNMATCHED: "NotificationUnmatched",
    NotificationOutcome.UNREADABLE: "NotificationUnreadable",
    NotificationOutcome.NOT_SUCCESS: "NotificationNotSuccess",
}
"""Of the others, the payment is counted."""

_NOT_NEWS = {
    NotificationOutcome.COMPLETED: "NotificationCompleted",
    NotificationOutcome.KNOWN: "NotificationKnown",
}


def count_received(received: ReceivedNotification) -> None:
    """Count and log what became of a notification."""
    count_payment(received.payment)
    if received.outcome in _NOT_NEWS:
        count(_NOT_NEWS[received.outcome])
    metric = _NOTIFICATION_METRICS.get(received.outcome)
    if metric is None:
        return
    count(metric)
    logger.error(
        "notification kept", invoice_number=received.invoice_number, outcome=received.outcome
    )
