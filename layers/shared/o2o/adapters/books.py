"""The books' files on S3. A file is written once: S3 refuses a second one under its key."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from tempfile import TemporaryFile
from typing import Any

from botocore.exceptions import ClientError

from o2o.adapters.aws import error_code
from o2o.usecases.ports import BooksFiles

_PIECE = 1 << 20
_TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8"}
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}
"""Another run has written the file, or is writing it at this moment."""


class S3BooksFiles(BooksFiles):
    """``BooksFiles`` in a bucket, behind a client that is passed in. Errors are ClientErrors."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def write(self, key: str, parts: Iterable[bytes]) -> str:
        # Not in memory: the payments of a day may be hundreds of megabytes.
        with TemporaryFile() as file:
            digest = sha256()
            for part in parts:
                digest.update(part)
                file.write(part)
            file.seek(0)
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=file,
                    ContentType=_TYPES[key.rpartition(".")[2]],
                    ChecksumAlgorithm="SHA256",
                    IfNoneMatch="*",
                )
            except ClientError as error:
                if error_code(error) not in _TAKEN:
                    raise
                return self._digest(key)
        return digest.hexdigest()

    def _digest(self, key: str) -> str:
        digest = sha256()
        body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        for piece in body.iter_chunks(_PIECE):
            digest.update(piece)
        return digest.hexdigest()

    def read(self, key: str) -> bytes | None:
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        except ClientError as error:
            if error_code(error) != "NoSuchKey":
                raise
            return None
        return bytes(body.read())

    def keys(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        for page in pages:
            for each in page.get("Contents", ()):
                yield each["Key"]
