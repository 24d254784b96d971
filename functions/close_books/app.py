"""Every ten minutes: close the day that is over, and again those to which something came late."""

from typing import Any

from o2o.entry import wiring
from o2o.entry.observability import instrument
from o2o.entry.observe_books import count_books
from o2o.entry.time_left import time_left

close = wiring.close_books()


@instrument
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Do what there is time for, and count how the books stand."""
    run = close(time_left(context))
    count_books(run)
    return {"closed": len(run.closed), "differences": run.differences}
