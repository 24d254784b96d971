"""Receive a notification: verify it, put it on record, and archive it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from o2o.core.archive import ArchivedMessage, MessageKind
from o2o.core.notifications import DokuMessage
from o2o.usecases.ports import Clock, DokuInbox, MessageArchive
from o2o.usecases.record_message import ReceivedNotification, RecordMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveNotification:
    """The use case. What it returns from is on record and in the archive; what it raises is not.

    The table comes first: while the archive is away payments count and storefronts hear of them,
    and DOKU repeats its message until the archive has it, too (decision 0081). ``observe`` hears
    what became of a message before it is archived, so that nobody goes untold meanwhile.
    """

    inbox: DokuInbox
    record: RecordMessage
    archive: MessageArchive
    observe: Callable[[ReceivedNotification], None]
    clock: Clock

    def __call__(self, message: DokuMessage) -> ReceivedNotification:
        """Raises UntrustedMessage, before anything is read or written."""
        evidence = self.inbox.verify(message)
        received_at = self.clock()
        received = self.record(evidence, self.inbox.read_notification)
        self.observe(received)
        self.archive.keep(
            ArchivedMessage(
                kind=MessageKind.NOTIFICATION,
                message=replace(message, headers=evidence.headers),
                received_at=received_at,
            )
        )
        return received
