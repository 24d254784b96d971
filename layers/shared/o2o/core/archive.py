"""DOKU's signed messages as they came, for the archive that outlives the table."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from o2o.core.notifications import DokuMessage


class MessageKind(StrEnum):
    """What kind of message DOKU signed."""

    NOTIFICATION = "notification"
    STATUS = "status"
    """The answer to a status check that says that the order was paid, or the money refunded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedMessage:
    """A signed message, and when it came: all that DOKU's signature can be checked with again.

    Of the message's headers it has those that the signature covers, and the signature.
    """

    kind: MessageKind
    message: DokuMessage
    received_at: datetime
