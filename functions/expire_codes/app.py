"""Every minute: find what is due and queue it."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from o2o.entry import wiring
from o2o.entry.observability import count, instrument

expire = wiring.expire_codes()


@instrument
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Queue what is due, and count how late we are: the alarm's heartbeat."""
    codes = expire()
    count("CodesQueued", codes.count)
    count("CodesOverdueSeconds", codes.overdue.total_seconds(), MetricUnit.Seconds)
    events = expire.due_events()
    count("EventsQueued", events.count)
    count("EventsOverdueSeconds", events.overdue.total_seconds(), MetricUnit.Seconds)
    return {"codes": codes.count, "events": events.count}
