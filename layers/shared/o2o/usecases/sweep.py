"""Sweep: find what is due and queue it."""

from dataclasses import dataclass
from datetime import timedelta

from o2o.usecases.ports import Agenda, Clock, WorkQueue

LIMIT = 2_000
"""Entries queued by one sweep, and the backlog beyond which a sweep waits: what stays is still
due a minute later, so a dead DOKU can't make the queue grow without end."""


@dataclass(frozen=True, slots=True)
class Swept:
    """How much was queued, and how long the oldest of it had been due."""

    queued: int
    overdue: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The use case. It reads keys only, in proportion to what is due."""

    agenda: Agenda
    queue: WorkQueue
    clock: Clock

    def __call__(self) -> Swept:
        """Queue what is due now. An entry queued twice does no harm."""
        now = self.clock()
        room = LIMIT - self.queue.backlog()
        work = self.agenda.due(now, max(room, 1))
        if room > 0:
            self.queue.put(work)
        oldest = min((entry.due_at for entry in work if entry.due_at), default=now)
        return Swept(len(work) if room > 0 else 0, now - oldest)
