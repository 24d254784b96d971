"""Expire codes, and do whatever else is due: find it and queue it.

The work itself is done by ``reconcile_codes``, which asks DOKU before a code expires, and by
``deliver_webhooks``.
"""

from dataclasses import dataclass
from datetime import timedelta

from o2o.usecases.ports import Clock, DueIndex, WorkQueue

LIMIT = 2_000
"""Entries queued at a time, and the backlog beyond which nothing is queued: what stays is still
due a minute later, so a dead DOKU can't make the queue grow without end (decision 0008)."""


@dataclass(frozen=True, slots=True)
class Queued:
    """How much was queued, and how long the oldest of what is due had been due."""

    count: int
    overdue: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireCodes:
    """The use case. It reads keys only, in proportion to what is due.

    Codes and events are due in indexes of their own and go into queues of their own: a
    storefront that is down must not hold up a code.
    """

    codes: DueIndex
    code_queue: WorkQueue
    events: DueIndex
    event_queue: WorkQueue
    clock: Clock

    def __call__(self) -> Queued:
        """Queue the codes and kept notifications that are due now. Twice does no harm."""
        return self._queue(self.codes, self.code_queue)

    def due_events(self) -> Queued:
        """Queue the events that are due now. Twice does no harm."""
        return self._queue(self.events, self.event_queue)

    def _queue(self, due_index: DueIndex, queue: WorkQueue) -> Queued:
        now = self.clock()
        room = LIMIT - queue.backlog()
        work = due_index.due(now, max(room, 1))
        if room > 0:
            queue.put(work)
        oldest = min((entry.due_at for entry in work if entry.due_at), default=now)
        return Queued(len(work) if room > 0 else 0, now - oldest)
