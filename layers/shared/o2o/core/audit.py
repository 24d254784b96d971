"""What was done to a stack by hand: who, when, what and why."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """How a command ended."""

    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One entry, never changed: a command that begins, or how it ended.

    The two have the same ``audit_id``; a command without its second entry may have done anything.
    """

    audit_id: str
    created_at: datetime
    who: str
    """The ARN of the caller; on the local stack the user's name."""
    command: str
    arguments: dict[str, str] = field(default_factory=dict)
    """Without secrets and personal data."""
    reason: str | None = None
    outcome: Outcome | None = None
    """None as the command begins."""
