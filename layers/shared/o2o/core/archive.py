"""DOKU's signed messages as they came, for the archive that outlives the table."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from o2o.core.errors import UnreadableMessage
from o2o.core.notifications import DokuMessage

_KEY = (
    r"messages/([0-9]{4})/([0-9]{2})/([0-9]{2})/([0-9]{2})([0-9]{2})([0-9]{2})\.([0-9]{6})"
    r"-([a-z]+)-([0-9a-f]{64})-([0-9a-f]{64})\.json"
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveKey:
    """What the key of a message says of it: a listing alone tells what the archive must hold.

    ``body_sha256`` and ``object_sha256`` are in hex: of DOKU's bytes, and of all that is kept.
    """

    received_at: datetime
    kind: MessageKind
    body_sha256: str
    object_sha256: str


def parse_key(key: str) -> ArchiveKey:
    """What a key says. Raises UnreadableMessage if no message is kept under such a key."""
    found = re.fullmatch(_KEY, key)
    if not found:
        raise UnreadableMessage("the archive's key can't be understood")
    *instant, kind, body_sha256, object_sha256 = found.groups()
    year, month, day, hour, minute, second, microsecond = map(int, instant)
    try:
        return ArchiveKey(
            received_at=datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC),
            kind=MessageKind(kind),
            body_sha256=body_sha256,
            object_sha256=object_sha256,
        )
    except ValueError:
        raise UnreadableMessage("the archive's key can't be understood") from None
