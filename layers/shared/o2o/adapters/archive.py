"""The archive of DOKU's messages on S3: one object each, in the order in which they came.

A key begins with the instant of receipt, so that a listing is in that order, and ends with the
SHA-256 of the body and that of the whole object: what is no longer what was put there does not
match its key. Nothing is ever written under a key but the same message, or what is left of it
once somebody asked to be forgotten, and the bucket keeps every version: who may only put can take
nothing away.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from o2o.core.archive import ArchivedMessage, Forgotten, MessageKind
from o2o.core.errors import UnreadableMessage
from o2o.core.notifications import DokuMessage
from o2o.usecases.ports import MessageArchive

FORMAT = 1
"""The version of the format that docs/operations.md describes."""

FORGOTTEN_FORMAT = 2
"""That of an object from which personal data was taken: its body is not what DOKU signed."""

PREFIX = "messages/"
_INSTANT = "%Y/%m/%d/%H%M%S.%f"


class S3MessageArchive(MessageArchive):
    """``MessageArchive`` in a bucket, behind a client that is passed in.

    Errors of S3's own are ClientErrors.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, message: ArchivedMessage) -> None:
        put(self._client, self._bucket, message, key_of(message))

    def keys(self, since: datetime | None, until: datetime | None) -> Iterator[str]:
        last = None if until is None else place(until)
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket,
            Prefix=PREFIX,
            # Sorts before every key of that instant.
            StartAfter="" if since is None else place(since),
        )
        for page in pages:
            for each in page.get("Contents", ()):
                key = each["Key"]
                if last is not None and key[: len(last)] > last:
                    return
                yield key

    def get(self, key: str) -> ArchivedMessage:
        body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return decode(body)


def put(client: Any, bucket: str, message: ArchivedMessage, key: str) -> str | None:
    """Put a message under its key; the id of the version, if the bucket keeps any."""
    answer = client.put_object(
        Bucket=bucket,
        Key=key,
        Body=encode(message),
        ContentType="application/json",
        # A bucket that locks what it keeps takes nothing without a checksum.
        ChecksumAlgorithm="SHA256",
    )
    version_id: str | None = answer.get("VersionId")
    return version_id


def key_of(message: ArchivedMessage) -> str:
    """Where a message is kept, as it came; ``core.archive.parse_key`` reads it."""
    digest = sha256(encode(message)).hexdigest()
    return f"{place(message.received_at)}-{message.kind}-{message.body_sha256}-{digest}.json"


def encode(message: ArchivedMessage) -> bytes:
    """The object: JSON, as docs/operations.md describes it."""
    forgotten = message.forgotten
    document: dict[str, Any] = {
        "format": FORMAT if forgotten is None else FORGOTTEN_FORMAT,
        "kind": message.kind,
        "received_at": _text(message.received_at),
        "path": message.message.path,
        "headers": dict(message.message.headers),
        "body_base64": b64encode(message.message.body).decode(),
    }
    if forgotten is not None:
        document["forgotten"] = {
            "at": _text(forgotten.at),
            "body_sha256": forgotten.body_sha256,
        }
    return json.dumps(document, indent=1).encode()


def decode(content: bytes) -> ArchivedMessage:
    """The message in an object. Raises UnreadableMessage."""
    try:
        document: Any = json.loads(content)
        if document["format"] not in (FORMAT, FORGOTTEN_FORMAT):
            raise UnreadableMessage("the archive's object has another format")
        headers = {str(name): str(value) for name, value in document["headers"].items()}
        body = b64decode(document["body_base64"], validate=True)
        return ArchivedMessage(
            kind=MessageKind(document["kind"]),
            message=DokuMessage(str(document["path"]), headers, body),
            received_at=_instant(document["received_at"]),
            forgotten=_forgotten(document) if document["format"] == FORGOTTEN_FORMAT else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        # The cause would carry the content into a log.
        raise UnreadableMessage("the archive's object can't be understood") from None


def place(instant: datetime) -> str:
    """What the keys of an instant begin with."""
    return PREFIX + instant.astimezone(UTC).strftime(_INSTANT)


def _forgotten(document: Any) -> Forgotten:
    said = document["forgotten"]
    return Forgotten(at=_instant(said["at"]), body_sha256=str(said["body_sha256"]))


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
