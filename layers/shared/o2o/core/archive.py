"""DOKU's signed messages as they came, for the archive that outlives the table."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from o2o.core.notifications import DokuMessage


class MessageKind(StrEnum):
    """What kind of message DOKU signed."""

    NOTIFICATION = "notification"
    STATUS = "status"
    """The answer to a status check that says that the order was paid, or the money refunded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What is left of an object from which personal data was taken (decision 0104)."""

    at: datetime
    leaf: str
    """The hash of the whole object as it was, in hexadecimal; see ``leaf_hash``."""
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

    def forget(self, body: bytes, leaf: str, now: datetime) -> "ArchivedMessage":
        """The message with what is left of its body. ``leaf`` is the hash of its object.

        The first object's hash stays, however often something is taken.
        """
        first = self.forgotten
        return replace(
            self,
            message=replace(self.message, body=body),
            forgotten=Forgotten(
                at=now, leaf=first.leaf if first else leaf, body_sha256=self.body_sha256
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedVersion:
    """One version of an object of the archive.

    ``message`` is None if what is there is none. ``locked_until``: nobody can delete it before.
    """

    key: str
    version_id: str
    is_latest: bool
    leaf: str
    message: ArchivedMessage | None
    locked_until: datetime | None = None


def leaf_hash(content: bytes) -> str:
    """The hash of an object as a leaf of a Merkle tree (RFC 6962), in hexadecimal."""
    return sha256(b"\x00" + content).hexdigest()
