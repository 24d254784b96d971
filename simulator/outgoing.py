"""Messages that DOKU sends to the merchant, and how a fault spoils them."""

import base64
import http.client
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from simulator import signature
from simulator.config import SimulatorConfig

_WRONG_KEY = "SK-not-the-key-of-this-merchant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What goes on the wire, but for what is new each time: Request-Id and timestamp."""

    client_id: str
    secret_key: str
    body: bytes
    """The bytes that are signed ..."""
    sent_body: bytes
    """... and those that are sent."""
    without_header: str | None = None
    random_signature: bool = False

    def headers(self, url: str, request_id: str, timestamp: str) -> dict[str, str]:
        """Return the signed headers; the Request-Target is the path of the URL."""
        text = signature.component(
            client_id=self.client_id,
            request_id=request_id,
            timestamp=timestamp,
            target=path_of(url),
            body=self.body,
        )
        signed = signature.sign(self.secret_key, text)
        if self.random_signature:
            signed = signature.SCHEME + base64.b64encode(secrets.token_bytes(32)).decode()
        headers = {
            "Content-Type": "application/json",
            "Client-Id": self.client_id,
            "Request-Id": request_id,
            "Request-Timestamp": timestamp,
            "Signature": signed,
        }
        headers.pop(self.without_header or "", None)
        return headers


def make_message(
    config: SimulatorConfig, body: bytes, kind: str | None, values: dict[str, Any]
) -> Message:
    """Return a message, spoiled where the kind of fault is one of those that fit any message."""
    if kind == "broken_json":
        body = body[: len(body) * 2 // 3]
    return Message(
        client_id=values["client_id"] if kind == "foreign_client_id" else config.client_id,
        secret_key=_WRONG_KEY if kind == "wrong_key" else config.secret_key,
        body=body,
        sent_body=_alter(body) if kind == "tampered" else body,
        without_header=values["header"] if kind == "missing_header" else None,
        random_signature=kind == "wrong_signature",
    )


def _alter(body: bytes) -> bytes:
    """Change one byte: a digit of the amount or the payment code, else one in the middle."""
    place = len(body) // 2
    for marker in (b'"amount": ', b'"payment_code": '):
        found = body.find(marker)
        if found >= 0:
            place = found + len(marker)
            break
    if body[place : place + 1] == b'"':
        place += 1
    changed = b"1" if body[place : place + 1] != b"1" else b"2"
    return body[:place] + changed + body[place + 1 :]


def path_of(url: str) -> str:
    """Return the path that is called, and signed."""
    return urlsplit(url).path or "/"


def connect(url: str, timeout: float) -> http.client.HTTPConnection:
    """Return a connection to the URL's host, not yet open."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=timeout)


def interrupt(connection: http.client.HTTPConnection) -> None:
    """Wake whoever waits for an answer on it."""
    with suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)


def not_reached(error: Exception) -> str:
    """Say why there is no answer."""
    return f"not reached: {error}" if str(error) else f"not reached: {type(error).__name__}"
