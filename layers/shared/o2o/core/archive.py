"""DOKU's signed messages as they came, for the archive that outlives the table."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

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
class Forgotten:
    """What is left of an object from which personal data was taken (decision 0104)."""

    at: datetime
    body_sha256: str
    """Of the body as DOKU signed it, in hexadecimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedMessage:
    """A signed message, and when it came: all that DOKU's signature can be checked with again.

    Of the message's headers it has those that the signature covers, and the signature.
    """

    kind: MessageKind
    message: DokuMessage
    received_at: datetime
    forgotten: Forgotten | None = None
    """There if ``message`` is no longer what DOKU signed, but for its path and its headers."""

    @property
    def body_sha256(self) -> str:
        """Of the body as DOKU signed it, in hexadecimal."""
        if self.forgotten is not None:
            return self.forgotten.body_sha256
        return sha256(self.message.body).hexdigest()

    def forget(self, body: bytes, now: datetime) -> "ArchivedMessage":
        """The message with what is left of its body. Its key has the first object's hash."""
        return replace(
            self,
            message=replace(self.message, body=body),
            forgotten=Forgotten(at=now, body_sha256=self.body_sha256),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedVersion:
    """One version of an object of the archive.

    ``message`` is None if what is there is none. ``locked_until``: nobody can delete it before.
    """

    key: str
    version_id: str
    is_latest: bool
    message: ArchivedMessage | None
    locked_until: datetime | None = None


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
