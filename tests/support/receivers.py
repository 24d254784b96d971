"""Storefronts' receivers on real sockets, good ones and bad ones."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.patience import PATIENCE_SECONDS

Answer = Callable[["Handler"], None]


@dataclass
class Post:
    """What came in."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A server; ``answer`` decides how it behaves."""

    answer: Answer
    posts: list[Post] = field(default_factory=list)
    port: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


class Handler(BaseHTTPRequestHandler):
    """One request to a receiver."""

    receiver: Receiver
    body: bytes

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.posts.append(Post(self.path, headers, self.body))
        with suppress(OSError):
            self.receiver.answer(self)

    def log_message(self, *_: object) -> None:
        """Nothing: these servers misbehave on purpose."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Nothing: as above."""


@contextmanager
def receiver(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    told = Receiver(answer)
    handler = type("_Handler", (Handler,), {"receiver": told})
    server = _Server(("127.0.0.1", 0), handler)
    told.port = server.server_port
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


def status(code: int, **headers: str) -> Answer:
    """Answer with a status code."""

    def answer(request: Handler) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()

    return answer


def answering(code: int, kind: str, body: bytes) -> Answer:
    """Answer with a body of that type."""

    def answer(request: Handler) -> None:
        request.send_response(code)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def hang(request: Handler) -> None:
    """Never answer."""
    request.receiver.stopping.wait(PATIENCE_SECONDS)


def drip(request: Handler) -> None:
    """Answer a byte at a time, for ever."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not request.receiver.stopping.wait(0.05):
        request.wfile.write(b"x")
        request.wfile.flush()


def close(request: Handler) -> None:
    """Hang up."""
    request.connection.shutdown(socket.SHUT_RDWR)


def babble(request: Handler) -> None:
    """Answer what is no HTTP."""
    request.wfile.write(b"\x00\x01 garbage\r\n\r\n")
