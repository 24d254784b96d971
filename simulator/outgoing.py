"""Messages that DOKU sends to the merchant, and how a fault spoils them."""

import base64
import http.client
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from simulator import signature
from simulator.config import SimulatorConfig

_WRONG_KEY = "SK-not-the-key-of-this-merchant"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedMessage:
    """A message to the merchant, without what is new each time: Request-Id and timestamp."""

    client_id: str
    secret_key: str
    body: bytes
    """The bytes that are signed."""
    sent_body: bytes
    """The bytes that are sent."""
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
) -> SignedMessage:
    """Return a message; the kinds of fault that fit any message spoil it.

    ``values`` are the parameters of the fault.
    """
    if kind == "broken_json":
        body = body[: len(body) * 2 // 3]
    return SignedMessage(
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
    """Return the path of a URL, which is what is signed of it (DOKU protocol, section 2)."""
    return urlsplit(url).path or "/"


def target_of(url: str) -> str:
    """Return what is called of a URL: its path, and its query string if it has one."""
    query = urlsplit(url).query
    return f"{path_of(url)}?{query}" if query else path_of(url)


class Stopping(Exception):
    """The simulator is stopping and sends nothing."""


class Connections:
    """The connections to the merchant that are in use, so that a stop can end them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_use: set[http.client.HTTPConnection] = set()
        self.stopping = False

    def stop(self) -> None:
        """End what is under way, and allow no new connection."""
        with self._lock:
            self.stopping = True
            for connection in self._in_use:
                interrupt(connection)

    @contextmanager
    def to(self, url: str, timeout: float) -> Iterator[http.client.HTTPConnection]:
        """Lend a connection to the URL's host, not yet open; raises ``Stopping``.

        ``timeout`` is in real seconds, for each single step on the socket.
        """
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=timeout)
        with self._lock:
            if self.stopping:
                raise Stopping
            self._in_use.add(connection)
        try:
            yield connection
        finally:
            with self._lock:
                self._in_use.discard(connection)
            connection.close()


def interrupt(connection: http.client.HTTPConnection) -> None:
    """End the wait for an answer on a connection, from another thread."""
    with suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)


def not_reached(error: Exception) -> str:
    """Return why there is no answer, as the end of a sentence."""
    return f"not reached: {error}" if str(error) else f"not reached: {type(error).__name__}"
