"""The reconcile queue: ask DOKU about each code that is due, and act on the answer."""

from typing import Any

from o2o.entry import wiring
from o2o.entry.observability import instrument
from o2o.entry.observe_reconciling import count_reconciled
from o2o.entry.queue_batch import each_work
from o2o.entry.time_left import time_left

reconcile = wiring.reconcile_codes()


@wiring.answers_roll_outs()
@instrument
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Reconcile what is queued; an entry that fails comes back by itself."""
    left = time_left(context)
    return each_work(event, lambda work: reconcile(work, time_left=left), count_reconciled)
