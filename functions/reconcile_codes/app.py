"""The reconcile queue: ask DOKU about each code that is due, and act on the answer."""

from typing import Any

from o2o.core.work import Work
from o2o.entry import wiring
from o2o.entry.http import time_left
from o2o.entry.observability import count_reconciled, instrument
from o2o.entry.queue_batch import each_work

reconcile = wiring.reconcile_codes()


@wiring.answers_roll_outs()
@instrument
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Reconcile what is queued; an entry that fails comes back by itself."""
    left = time_left(context)

    def one(work: Work) -> None:
        count_reconciled(reconcile(work, time_left=left))

    return each_work(event, context, one)
