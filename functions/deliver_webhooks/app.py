"""The webhook queue: deliver events to their storefronts."""

from typing import Any

from o2o.entry import wiring
from o2o.entry.observability import instrument
from o2o.entry.observe_events import count_delivered
from o2o.entry.queue_batch import each_work

deliver = wiring.deliver_webhooks()


@instrument
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Deliver what is queued, all at once: an endpoint that hangs holds up no other."""
    return each_work(event, lambda work: deliver(work.identity), count_delivered, at_once=True)
