"""Logs and metrics of events and their delivery."""

from collections.abc import Sequence

from aws_lambda_powertools.metrics import MetricUnit

from o2o.core.deliveries import EventRecord
from o2o.entry.observability import count, logger
from o2o.usecases.deliver_webhooks import Delivered, DeliveryOutcome
from o2o.usecases.publish_events import Published

_METRICS = {
    DeliveryOutcome.DELIVERED: "WebhookDelivered",
    DeliveryOutcome.FAILED: "WebhookFailed",
    DeliveryOutcome.PUT_OFF: "WebhookPutOff",
    DeliveryOutcome.DEAD: "WebhookDead",
    DeliveryOutcome.PAUSED: "WebhookPaused",
}
"""The others say nothing of how webhooks fare."""


def count_published(published: Sequence[Published], unannounced: Sequence[EventRecord]) -> None:
    """Count and log events, and those of them that the bus did not get."""
    for each in published:
        count("EventPublished" if each.is_new else "EventRepeated")
        logger.info(
            "event published",
            event_id=each.record.event_id,
            type=each.record.type,
            invoice_number=each.record.invoice_number,
            is_new=each.is_new,
        )
    for record in unannounced:
        count("EventUnannounced")
        logger.warning(
            "event not announced",
            event_id=record.event_id,
            type=record.type,
            invoice_number=record.invoice_number,
        )


def count_unmade(order_number: str | None) -> None:
    """Count and log a change of which no event can be made: of a code, or (None) a closed day."""
    count("EventUnmade")
    logger.error("no event can be made", invoice_number=order_number)


def count_delivered(delivered: Delivered) -> None:
    """Count and log what became of an event."""
    record, attempt = delivered.record, delivered.attempt
    if delivered.outcome in _METRICS:
        count(_METRICS[delivered.outcome])
    if attempt is not None:
        count("WebhookDuration", attempt.duration_ms, MetricUnit.Milliseconds)
    if delivered.paused is not None:
        count("WebhookEndpointPaused")
        logger.error(
            "endpoint paused",
            storefront_id=delivered.paused.storefront_id,
            reason=delivered.paused.pause_reason,
        )
    if record is None or delivered.outcome is DeliveryOutcome.NOTHING_DUE:
        return
    log = logger.error if delivered.outcome is DeliveryOutcome.DEAD else logger.info
    log(
        "webhook",
        outcome=delivered.outcome,
        event_id=record.event_id,
        storefront_id=record.storefront_id,
        status_code=attempt and attempt.status_code,
        error=attempt and attempt.error,
        duration_ms=attempt and attempt.duration_ms,
    )
