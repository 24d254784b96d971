"""DOKU's messages as they stand in the archive: checked and read long after they came."""

from urllib.parse import unquote

from o2o.adapters.doku import messages, signature
from o2o.adapters.doku.credentials import CredentialsSource
from o2o.core.archive import ArchivedMessage, MessageKind
from o2o.core.notifications import Notification
from o2o.core.payments import Evidence
from o2o.usecases.ports import ArchiveReader

_TIMESTAMPS = {
    MessageKind.NOTIFICATION: signature.REQUEST_TIMESTAMP,
    MessageKind.STATUS: signature.RESPONSE_TIMESTAMP,
}


class DokuArchiveReader(ArchiveReader):
    """``ArchiveReader`` with the keys that we have now."""

    def __init__(self, credentials: CredentialsSource) -> None:
        self._credentials = credentials

    def is_proven(self, archived: ArchivedMessage) -> bool:
        credentials = self._credentials()
        headers, name = archived.message.headers, _TIMESTAMPS[archived.kind]
        text = signature.component(
            client_id=credentials.client_id,
            request_id=headers.get(signature.REQUEST_ID, ""),
            timestamp=headers.get(name, ""),
            target=archived.message.path,
            body=archived.message.body,
            timestamp_name=name,
        )
        keys = (credentials.secret_key, credentials.previous_secret_key)
        return signature.verify(headers.get(signature.SIGNATURE, ""), text, keys)

    def evidence(self, archived: ArchivedMessage) -> Evidence:
        message, forgotten = archived.message, archived.forgotten
        # Known by its SHA-256 as it came.
        digest = forgotten.body_sha256 if forgotten else None
        return Evidence(messages.to_text(message.body), dict(message.headers), digest)

    def order_number(self, archived: ArchivedMessage) -> str | None:
        if archived.kind is MessageKind.NOTIFICATION:
            return None
        return unquote(archived.message.path.removeprefix(messages.STATUS_PATH))

    def read(self, archived: ArchivedMessage) -> Notification:
        evidence, asked_about = self.evidence(archived), self.order_number(archived)
        if asked_about is None:
            return messages.parse_notification(evidence)
        status = messages.parse_order_status(evidence, asked_about)
        return Notification(
            status.state, status.payment, asked_about if status.unreadable else None
        )
