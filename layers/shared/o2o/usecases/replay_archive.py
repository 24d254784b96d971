"""Replay the archive into a table that was restored, or is empty, for the operator."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from o2o.core.archive import ArchivedMessage
from o2o.core.errors import UnreadableMessage
from o2o.usecases.ports import ArchiveReader, MessageArchive
from o2o.usecases.record_message import ReceivedNotification, RecordMessage


class ReplayClock:
    """The time of a replay: it stands at the instant at which a message came."""

    def __init__(self) -> None:
        self.now: datetime | None = None

    def __call__(self) -> datetime:
        """When the message came that is under way."""
        if self.now is None:
            raise AssertionError("no message is under way")
        return self.now


@dataclass(frozen=True, slots=True)
class Replayed:
    """An object of the archive, and what came of it.

    ``message`` is None if what is there is no message; ``received`` is None if nothing was done.
    """

    key: str
    message: ArchivedMessage | None = None
    is_proven: bool = False
    received: ReceivedNotification | None = None

    @property
    def is_forgotten(self) -> bool:
        """Whether personal data was taken from it, so that no signature holds for the rest."""
        return self.message is not None and self.message.forgotten is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayArchive:
    """The use case. Each message is put on record as it was, at the instant at which it came.

    What is on record stays as it is, so that a replay may be broken off and repeated, and may
    overlap with what the table still has (decision 0082). ``record`` goes by ``clock``.
    """

    archive: MessageArchive
    reader: ArchiveReader
    record: RecordMessage
    clock: ReplayClock

    def __call__(
        self,
        since: datetime | None,
        until: datetime | None,
        *,
        unproven: bool = False,
        dry_run: bool = False,
    ) -> Iterator[Replayed]:
        """Replay what came in a time, both instants included, in the order in which it came.

        ``unproven``: also what DOKU's signature holds for no more, because its key is gone, or
        because personal data was taken from the message.
        ``dry_run``: record nothing.
        """
        for key in self.archive.keys(since, until):
            yield self._replay(key, unproven=unproven, dry_run=dry_run)

    def _replay(self, key: str, *, unproven: bool, dry_run: bool) -> Replayed:
        try:
            archived = self.archive.get(key)
        except UnreadableMessage:
            return Replayed(key)
        is_proven = archived.forgotten is None and self.reader.is_proven(archived)
        nothing_left = archived.forgotten is not None and not archived.message.body
        if dry_run or nothing_left or not (is_proven or unproven):
            return Replayed(key, archived, is_proven)
        self.clock.now = archived.received_at
        received = self.record(
            self.reader.evidence(archived),
            lambda _: self.reader.read(archived),
            answers_about=self.reader.order_number(archived),
        )
        return Replayed(key, archived, is_proven, received)
