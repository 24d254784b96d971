"""DOKU's messages to us: opened only if DOKU signed them."""

import re
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from o2o.adapters.doku import messages, signature
from o2o.adapters.doku.credentials import CredentialsSource, DokuCredentials
from o2o.core.errors import UntrustedMessage
from o2o.core.inquiries import Inquiry, InquiryAnswer, SignedResponse
from o2o.core.notifications import DokuMessage, Notification
from o2o.core.payments import Evidence
from o2o.usecases.ports import DokuInbox, MachineClock

REFRESH_EVERY = timedelta(minutes=5)
"""A stranger's bad signatures can't make us read the secret more often than this."""

_SIGNED = (signature.CLIENT_ID, signature.REQUEST_ID, signature.REQUEST_TIMESTAMP)
_REQUEST_ID = re.compile(r"[!-~]{1,128}", re.ASCII)
"""Only what a header may hold is echoed."""

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


class Inbox(DokuInbox):
    """Opens notifications or inquiries, and signs answers.

    A timestamp must be well-formed and may be old: DOKU's last retry comes 17.5 hours after
    the first attempt, perhaps with its timestamp (DOKU protocol, section 6). A replayed
    message changes nothing, because payments are de-duplicated.
    """

    def __init__(self, *, credentials: CredentialsSource, clock: MachineClock) -> None:
        self._credentials = credentials
        self._clock = clock
        self._refreshed_at: datetime | None = None
        self._lock = threading.Lock()

    def verify(self, message: DokuMessage) -> Evidence:
        given = _stripped(message.headers)
        signed = {name: given.get(name.lower(), "") for name in (*_SIGNED, signature.SIGNATURE)}
        if len(message.body) > messages.MAX_BODY_BYTES:
            raise self._untrusted("the body is too large", signed)
        for name, value in signed.items():
            if not value:
                raise self._untrusted(f"{name} is missing", signed)
        if not _is_timestamp(signed[signature.REQUEST_TIMESTAMP]):
            raise self._untrusted(f"{signature.REQUEST_TIMESTAMP} is malformed", signed)
        fault = self._find_fault(self._credentials(), signed, message)
        if fault and self._may_refresh():
            fault = self._find_fault(self._credentials(refresh=True), signed, message)
        if fault:
            raise self._untrusted(fault, signed)
        return Evidence(messages.to_text(message.body), signed)

    def read_notification(self, evidence: Evidence) -> Notification:
        return messages.parse_notification(evidence)

    def read_inquiry(self, evidence: Evidence) -> Inquiry:
        return messages.parse_inquiry(evidence)

    def sign_response(self, message: DokuMessage, answer: InquiryAnswer) -> SignedResponse:
        credentials = self._credentials()
        body = messages.compose_inquiry_answer(answer)
        given = _stripped(message.headers)
        if given.get(signature.CLIENT_ID.lower()) != credentials.client_id:
            return SignedResponse(answer.status.http_status, {}, body)
        request_id = given.get(signature.REQUEST_ID.lower(), "")
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = ""
        timestamp = self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        text = signature.component(
            client_id=credentials.client_id,
            request_id=request_id,
            timestamp=timestamp,
            target=message.path,
            body=body.encode(),
            timestamp_name=signature.RESPONSE_TIMESTAMP,
        )
        return SignedResponse(
            answer.status.http_status,
            {
                signature.CLIENT_ID: credentials.client_id,
                signature.REQUEST_ID: request_id,
                signature.RESPONSE_TIMESTAMP: timestamp,
                signature.SIGNATURE: signature.sign(credentials.secret_key, text),
            },
            body,
        )

    def _untrusted(self, fault: str, signed: Mapping[str, str]) -> UntrustedMessage:
        client_id = signed[signature.CLIENT_ID]
        for_us = bool(client_id) and client_id == self._credentials().client_id
        return UntrustedMessage(fault, for_us=for_us)

    def _find_fault(
        self, credentials: DokuCredentials, signed: Mapping[str, str], message: DokuMessage
    ) -> str | None:
        if signed[signature.CLIENT_ID] != credentials.client_id:
            return f"{signature.CLIENT_ID} is not ours"
        text = signature.component(
            client_id=credentials.client_id,
            request_id=signed[signature.REQUEST_ID],
            timestamp=signed[signature.REQUEST_TIMESTAMP],
            target=message.path,
            body=message.body,
        )
        keys = (credentials.secret_key, credentials.previous_secret_key)
        if not signature.verify(signed[signature.SIGNATURE], text, keys):
            return f"{signature.SIGNATURE} does not hold for {message.path}"
        return None

    def _may_refresh(self) -> bool:
        with self._lock:
            now = self._clock()
            if self._refreshed_at and now - self._refreshed_at < REFRESH_EVERY:
                return False
            self._refreshed_at = now
            return True


def _stripped(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value.strip() for name, value in headers.items()}


def _is_timestamp(text: str) -> bool:
    if not _TIMESTAMP.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
