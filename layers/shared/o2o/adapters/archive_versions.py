"""Every version of the archive's objects, for the operator who takes personal data out of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from o2o.adapters.archive import PREFIX, decode, place, put
from o2o.adapters.aws import error_code
from o2o.core.archive import ArchivedMessage, ArchivedVersion
from o2o.core.errors import UnreadableMessage
from o2o.usecases.ports import ArchiveVersions

_READERS = 10
"""Objects that are read at once: as many as a client has connections."""

_GONE = ("NoSuchKey", "NoSuchVersion")


class S3ArchiveVersions(ArchiveVersions):
    """``ArchiveVersions`` in a bucket, behind a client that is passed in.

    Errors of S3's own are ClientErrors.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def versions(self, since: datetime, until: datetime) -> Iterator[ArchivedVersion]:
        first, last = place(since), place(until)
        pages = self._client.get_paginator("list_object_versions")
        with ThreadPoolExecutor(_READERS) as readers:
            for day in _days(since, until):
                for page in pages.paginate(Bucket=self._bucket, Prefix=day):
                    listed = [
                        each
                        for each in page.get("Versions", ())
                        if first <= each["Key"] and each["Key"][: len(last)] <= last
                    ]
                    yield from (found for found in readers.map(self._read, listed) if found)

    def _read(self, listed: Any) -> ArchivedVersion | None:
        key, version_id = listed["Key"], listed["VersionId"]
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key, VersionId=version_id)
            content = answer["Body"].read()
        except ClientError as error:
            if error_code(error) in _GONE:
                return None  # Its time came meanwhile.
            raise
        try:
            message = decode(content)
        except UnreadableMessage:
            message = None
        return ArchivedVersion(
            key=key,
            version_id=version_id,
            is_latest=listed["IsLatest"],
            message=message,
            locked_until=answer.get("ObjectLockRetainUntilDate"),
        )

    def replace(self, version: ArchivedVersion, left: ArchivedMessage) -> datetime | None:
        # First what is left, so that the message is there at every moment.
        if version.is_latest and put(self._client, self._bucket, left, version.key) in (
            None,
            version.version_id,
        ):
            return None  # A bucket without versions: it is overwritten.
        try:
            self._client.delete_object(
                Bucket=self._bucket, Key=version.key, VersionId=version.version_id
            )
        except ClientError as error:
            if error_code(error) != "AccessDenied" or version.locked_until is None:
                raise
            return version.locked_until
        return None


def _days(since: datetime, until: datetime) -> Iterator[str]:
    """What the keys of each day begin with. In UTC, as the keys are."""
    day, last = (each.astimezone(UTC).date() for each in (since, until))
    while day <= last:
        yield f"{PREFIX}{day:%Y/%m/%d}/"
        day += timedelta(days=1)
