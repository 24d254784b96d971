"""Expire codes, and do whatever else is due: find it and queue it.

The work itself is done by ``reconcile_codes``, which asks DOKU before a code expires, and by
``deliver_webhooks``.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from o2o.core.work import Work
from o2o.usecases.ports import Clock, DueIndex, WorkQueue

LIMIT = 2_000
"""Entries queued at a time, and the backlog beyond which nothing is queued: what stays is still
due a minute later, so a dead DOKU can't make the queue grow without end (decision 0008). It bounds
what a stack can do, to 33 looks a second (docs/scale.md)."""

ROUND = timedelta(minutes=15)
"""How long an entry that was queued is left alone while others wait in its queue: longer than the
queue hides a message whose function died (decision 0095)."""


@dataclass(frozen=True, slots=True)
class Queued:
    """How much was queued, and how long the oldest of what is due had been due."""

    count: int
    overdue: timedelta = timedelta()


@dataclass(slots=True)
class Lane:
    """What is due in an index, on its way into a queue.

    While entries wait in the queue, the lane goes on behind those that it queued, so that what is
    there already does not fill it again. It remembers where it is only as long as it lives: one
    that begins anew queues something twice, which does no harm.
    """

    index: DueIndex
    queue: WorkQueue
    _began_at: datetime | None = None
    _since: datetime | None = None
    """The instant at which the last entry that was queued was due,"""
    _taken: Collection[Work] = field(default_factory=frozenset)
    """and the entries of that instant that were queued."""

    def fill(self, now: datetime) -> Queued:
        """Queue what is due, the longest overdue first, and no more than ``LIMIT`` waits."""
        backlog = self.queue.backlog()
        # What is under way may fail, and SQS brings it again only after minutes.
        if backlog.waiting == 0 or self._began_at is None or now >= self._began_at + ROUND:
            self._began_at, self._since, self._taken = now, None, frozenset()
        room = LIMIT - sum(backlog)
        work = self._next(now, room) if room > 0 else []
        begins = self._since is None and room > 0
        oldest = (work if begins else self.index.due(now, 1))[:1]
        self.queue.put(work)
        self._go_on(work)
        overdue = [now - entry.due_at for entry in oldest if entry.due_at]
        return Queued(len(work), max(overdue, default=timedelta()))

    def _next(self, now: datetime, room: int) -> list[Work]:
        found = self.index.due(now, room + len(self._taken), self._since)
        return [entry for entry in found if entry not in self._taken][:room]

    def _go_on(self, work: list[Work]) -> None:
        if not work:
            return
        since = work[-1].due_at
        taken = {entry for entry in work if entry.due_at == since}
        self._taken = taken.union(self._taken) if since == self._since else taken
        self._since = since


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireCodes:
    """The use case. It reads keys only, in proportion to what is due.

    What somebody awaits, other codes, and events are due in lanes of their own and go into queues
    of their own: old work must not hold up a customer, nor a storefront that is down a code.
    """

    awaited: Lane
    codes: Lane
    events: Lane
    clock: Clock

    def __call__(self) -> Queued:
        """Queue the codes and kept notifications that are due now. Twice does no harm."""
        awaited, others = self.awaited.fill(self.clock()), self.codes.fill(self.clock())
        return Queued(awaited.count + others.count, max(awaited.overdue, others.overdue))

    def due_events(self) -> Queued:
        """Queue the events that are due now. Twice does no harm."""
        return self.events.fill(self.clock())
