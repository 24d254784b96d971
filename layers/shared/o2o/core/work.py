"""Work: what the due index says is due, and what the queues carry."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

_NEVER = datetime.max.replace(tzinfo=UTC)


class Backlog(NamedTuple):
    """About how many entries of a queue wait, and how many are being worked on."""

    waiting: int
    under_way: int = 0


class WorkKind(StrEnum):
    """What is due."""

    CODE = "code"
    NOTIFICATION = "notification"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Work:
    """Something that is due.

    ``invoice_number`` is the order number, by the name that queued messages have for it.
    ``identity`` is a kept notification's or an event's own; a code has none, and an event no
    order number.
    """

    kind: WorkKind
    invoice_number: str
    identity: str = ""
    due_at: datetime | None = None

    @property
    def urgency(self) -> tuple[datetime, str, str, str]:
        """Sorts work: the longest overdue first; what is due at the same instant, by name."""
        return (self.due_at or _NEVER, self.kind, self.invoice_number, self.identity)
