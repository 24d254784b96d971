"""The HTTP server: keep-alive, exact bytes, and answers that are sent badly on demand."""

import contextlib
import errno
import logging
import selectors
import socket
import struct
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl

from simulator.errors import StartError
from simulator.wire import Answer, Delivery, Request, json_answer

_LOG = logging.getLogger("simulator")
_MAX_BODY = 1024 * 1024
_IDLE_SECONDS = 75.0
_STOP_SECONDS = 5.0


class Server(ThreadingHTTPServer):
    """Listens, and keeps track of its open connections so that it can end them."""

    daemon_threads = True
    request_queue_size = 256
    timeout = 0  # of handle_request(): its connection is already there

    def __init__(self, host: str, port: int, answer: Callable[[Request], Answer]) -> None:
        self.answer = answer
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        self.stopping = threading.Event()
        self._waker, self._woken = socket.socketpair()
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            self._waker.close()
            self._woken.close()
            raise StartError(_sentence(host, port, error)) from error

    def server_bind(self) -> None:
        """Bind without looking up the host's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own."""
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log a failure in one line; a client that leaves is no failure."""
        error = sys.exception()
        if not isinstance(error, (OSError, ValueError)):
            _LOG.error("A request could not be answered: %r", error)

    def serve(self) -> None:
        """Accept connections until stopped, without polling."""
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self.stopping.is_set():
                if any(key.fileobj is self for key, _ in selector.select()):
                    self.handle_request()

    def stop(self) -> None:
        """Accept no more connections; ``finish`` ends those that are open."""
        self.stopping.set()
        self._waker.close()

    def finish(self) -> None:
        """End the open connections and wait for their threads, once ``serve`` has returned."""
        self.server_close()
        self._woken.close()
        with self._changed:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._open, _STOP_SECONDS)


def _sentence(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is taken: stop what uses it or choose another with --port."
    return f"Can't listen on {host}, port {port}: {error.strerror or error}."


def _status_line(status: int) -> str:
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Status"
    return f"HTTP/1.1 {status} {reason}"


def _interim(status: int) -> bytes:
    """Return a whole interim answer, which has headers and no body."""
    return f"{_status_line(status)}\r\nLink: </style.css>; rel=preload\r\n\r\n".encode("latin-1")


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: Server

    def __getattr__(self, name: str) -> Any:
        """Handle every method: which ones a path allows is decided later."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        body = self._read_body()
        if isinstance(body, Answer):
            self.close_connection = True
            self._send(body)
            return
        target, _, query = self.path.partition("?")
        request = Request(
            method=self.command,
            target=target,
            query=dict(parse_qsl(query, errors="replace")),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            connection=self.connection,
        )
        try:
            answer = self.server.answer(request)
        except Exception as error:  # noqa: BLE001 - one bad request must not end the rest
            if self.server.stopping.is_set():
                answer = Answer(status=0, delivery=Delivery.NONE)
            else:
                _LOG.error("%s %s failed: %r", self.command, target, error)
                answer = json_answer(500, {"error": f"The simulator failed: {error!r}"})
        self._send(answer)

    def _read_body(self) -> bytes | Answer:
        if self.headers.get("Transfer-Encoding") is not None:
            return json_answer(
                HTTPStatus.LENGTH_REQUIRED, {"message": "Content-Length is required"}
            )
        text = self.headers.get("Content-Length", "0").strip()
        if not (text.isascii() and text.isdigit()):
            return json_answer(HTTPStatus.BAD_REQUEST, {"message": "Content-Length is invalid"})
        if len(text) > 12 or int(text) > _MAX_BODY:  # noqa: PLR2004 - digits, before int()
            return json_answer(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"message": "Request Entity Too Large"}
            )
        body = self.rfile.read(int(text))
        if len(body) < int(text):
            raise ConnectionResetError("the client left in the middle of its body")
        return body

    def _send(self, answer: Answer) -> None:
        if answer.delivery is Delivery.NONE:
            self.close_connection = True
            return
        if answer.delivery is Delivery.RESET:
            self._reset()
            return
        if answer.delivery is not Delivery.WHOLE:
            self.close_connection = True
        if answer.interim_status is not None:
            self.wfile.write(_interim(answer.interim_status))
        head = self._head(answer)
        body = b"" if self.command == "HEAD" else answer.body
        if answer.delivery is Delivery.HALF:
            self.wfile.write(head + body[: len(body) // 2])
        elif answer.delivery is Delivery.DRIP:
            self.wfile.write(head)
            for number in range(len(body)):
                self.wfile.write(body[number : number + 1])
                if self.server.stopping.wait(answer.seconds_per_byte):
                    return
        else:
            self.wfile.write(head + body)

    def _head(self, answer: Answer) -> bytes:
        headers = {
            "Date": self.date_time_string(),
            "Content-Type": answer.content_type,
            "Content-Length": str(len(answer.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **answer.headers,
        }
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [_status_line(answer.status)]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _reset(self) -> None:
        """End the connection with RST."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The stream objects hold the descriptor; without them, close() really closes.
        self.rfile.close()
        self.connection.close()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what http.server itself refuses with JSON."""
        del explain
        self.close_connection = True
        if not hasattr(self, "headers"):
            self.command = ""
        self._send(json_answer(code, {"message": message or HTTPStatus(code).phrase}))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing: requests are kept in the database."""
