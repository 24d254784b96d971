"""Every minute: find what is due and queue it."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from o2o.entry import wiring
from o2o.entry.observability import count, instrument

sweep = wiring.sweep()
sweep_events = wiring.sweep_events()


@instrument
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Queue what is due, and tell how late we are: the alarm's heartbeat."""
    swept = sweep()
    count("SweepQueued", swept.queued)
    count("SweepOverdueSeconds", swept.overdue.total_seconds(), MetricUnit.Seconds)
    swept_events = sweep_events()
    count("SweepEventsQueued", swept_events.queued)
    count("SweepEventsOverdueSeconds", swept_events.overdue.total_seconds(), MetricUnit.Seconds)
    return {"queued": swept.queued, "events": swept_events.queued}
