"""The archive of DOKU's messages on S3: one object each, in the order in which they came.

A key begins with the instant of receipt, so that a listing is in that order, and ends with the
SHA-256 of the body and that of the whole object: what is no longer what was put there does not
match its key. Nothing is ever written under a key but the same message, and the bucket keeps every
version: who may only put can take nothing away.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from o2o.core.archive import ArchivedMessage, MessageKind
from o2o.core.errors import UnreadableMessage
from o2o.core.notifications import DokuMessage
from o2o.usecases.ports import MessageArchive

FORMAT = 1
"""The version of the format that docs/operations.md describes."""

_PREFIX = "messages/"
_INSTANT = "%Y/%m/%d/%H%M%S.%f"


class S3MessageArchive(MessageArchive):
    """``MessageArchive`` in a bucket, behind a client that is passed in.

    Errors of S3's own are ClientErrors.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, message: ArchivedMessage) -> None:
        content = encode(message)
        self._client.put_object(
            Bucket=self._bucket,
            Key=_key(message, content),
            Body=content,
            ContentType="application/json",
            # A bucket that locks what it keeps takes nothing without a checksum.
            ChecksumAlgorithm="SHA256",
        )

    def keys(self, since: datetime | None, until: datetime | None) -> Iterator[str]:
        last = None if until is None else _place(until)
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket,
            Prefix=_PREFIX,
            # Sorts before every key of that instant.
            StartAfter="" if since is None else _place(since),
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


def key_of(message: ArchivedMessage) -> str:
    """Where a message is kept; ``core.archive.parse_key`` reads it."""
    return _key(message, encode(message))


def encode(message: ArchivedMessage) -> bytes:
    """The object: JSON, as docs/operations.md describes it."""
    document = {
        "format": FORMAT,
        "kind": message.kind,
        "received_at": message.received_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "path": message.message.path,
        "headers": dict(message.message.headers),
        "body_base64": b64encode(message.message.body).decode(),
    }
    return json.dumps(document, indent=1).encode()


def decode(content: bytes) -> ArchivedMessage:
    """The message in an object. Raises UnreadableMessage."""
    try:
        document: Any = json.loads(content)
        if document["format"] != FORMAT:
            raise UnreadableMessage("the archive's object has another format")
        headers = {str(name): str(value) for name, value in document["headers"].items()}
        body = b64decode(document["body_base64"], validate=True)
        return ArchivedMessage(
            kind=MessageKind(document["kind"]),
            message=DokuMessage(str(document["path"]), headers, body),
            received_at=datetime.fromisoformat(document["received_at"]).astimezone(UTC),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        # The cause would carry the content into a log.
        raise UnreadableMessage("the archive's object can't be understood") from None


def _place(instant: datetime) -> str:
    return _PREFIX + instant.astimezone(UTC).strftime(_INSTANT)


def _key(message: ArchivedMessage, content: bytes) -> str:
    body, whole = (sha256(each).hexdigest() for each in (message.message.body, content))
    return f"{_place(message.received_at)}-{message.kind}-{body}-{whole}.json"
