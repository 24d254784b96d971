"""A server of raw bytes that stands for DOKU, with its own few lines of the protocol."""

import base64
import hashlib
import hmac
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Self

from tests.support.patience import PATIENCE_SECONDS

CLIENT_ID = "MCH-0001-10791114622547"
SECRET = "SK-local-test-key-0001"
ANSWERED_AT = "2021-01-24T08:30:01Z"
PATIENCE = PATIENCE_SECONDS


@dataclass(frozen=True)
class Request:
    """A request as it travelled."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def component(self) -> str:
        lines = [f"{name}:{self.headers[name.lower()]}" for name in _SIGNED_HEADERS]
        lines.append(f"Request-Target:{self.target}")
        if self.method != "GET":
            lines.append("Digest:" + base64.b64encode(hashlib.sha256(self.body).digest()).decode())
        return "\n".join(lines)


_SIGNED_HEADERS = ("Client-Id", "Request-Id", "Request-Timestamp")


def mac(secret: str, text: str) -> str:
    made = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return "HMACSHA256=" + base64.b64encode(made).decode()


def signed_headers(
    request: Request, body: bytes, secret: str = SECRET, **changes: str
) -> dict[str, str]:
    """The headers of DOKU's answer; ``changes`` (client_id, request_id, target, at) spoil them."""
    answered_at = changes.get("at", ANSWERED_AT)
    client_id = changes.get("client_id", request.headers["client-id"])
    request_id = changes.get("request_id", request.headers["request-id"])
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    text = (
        f"Client-Id:{client_id}\nRequest-Id:{request_id}\nResponse-Timestamp:{answered_at}\n"
        f"Request-Target:{changes.get('target', request.target)}\nDigest:{digest}"
    )
    return {
        "Client-Id": client_id,
        "Request-Id": request_id,
        "Response-Timestamp": answered_at,
        "Signature": mac(secret, text),
    }


def raw_answer(status: int, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def signed_answer(request: Request, status: int, content: object, secret: str = SECRET) -> bytes:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return raw_answer(status, body, signed_headers(request, body, secret))


def reset(connection: socket.socket) -> None:
    """Close with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def wait_for_hang_up(connection: socket.socket) -> bool:
    """Wait until the client has closed; False if it had more patience than we."""
    connection.settimeout(PATIENCE)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


Script = Callable[[Request, socket.socket], bytes | None]
"""What happens to a request: bytes to answer with, or None after it did everything itself."""


def drip(answer: bytes, connection: socket.socket) -> None:
    """An answer a byte at a time: each in time, the whole far too late."""
    for place in range(len(answer)):
        connection.sendall(answer[place : place + 1])
        time.sleep(0.02)


def sends(content: bytes) -> Script:
    def script(_: Request, connection: socket.socket) -> None:
        connection.sendall(content)

    return script


GARBAGE = [
    b"\0" * 100,
    b"SSH-2.0-OpenSSH\r\n",
    b"HTTP/1.1 abc\r\n\r\n",
    b"HTTP/1.1 99999 x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
]


class Wire:
    """Listens on a free port of this machine; each request is recorded, then the script runs."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=[connection])
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as stream:
            while request := _read(stream):
                self.requests.append(request)
                answer = self.script(request, connection)
                if answer is None:
                    return
                connection.sendall(answer)


Serve = Callable[[Script], Wire]


def _read(stream: BinaryIO) -> Request | None:
    first = stream.readline().decode("latin-1").split()
    if len(first) != 3 or not first[2].startswith("HTTP/"):
        return None
    headers = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    body = stream.read(int(headers.get("content-length", 0)))
    return Request(first[0], first[1], headers, body)
