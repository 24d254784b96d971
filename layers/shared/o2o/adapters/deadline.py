"""One deadline for a whole exchange, however slowly the other side drips.

A socket's time-out is for each piece: an answer that comes a byte at a time, in its headers even,
never times out. Here what is left of the deadline becomes the time-out of every piece.
"""

import http.client
import io
import socket
import ssl
import time
from http import HTTPStatus
from select import select
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _DeadlineStream(io.RawIOBase):
    """A socket's stream that must be read to its end within the socket's time-out from now."""

    def __init__(self, stream: io.RawIOBase, sock: socket.socket) -> None:
        self._stream = stream
        self._sock = sock
        self._ends_at = time.monotonic() + (sock.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        self._sock.settimeout(time_left(self._ends_at))
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class DeadlineResponse(http.client.HTTPResponse):
    """An answer that must be complete within the time-out that the socket has as it begins.

    What the other side says before it (1xx, such as 103 Early Hints) is passed over; the standard
    library knows 100 alone, and would take another one for the answer.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineStream(self.fp.detach(), sock))

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            line: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if line[1] not in _INTERIM:
                return line
            http.client.parse_headers(self.fp)


_INTERIM = range(HTTPStatus.PROCESSING, HTTPStatus.OK)
"""Not 100, which the standard library passes over, and not 101, which ends the conversation."""


def time_left(ends_at: float) -> float:
    """Seconds until an instant of the monotonic clock. Raises TimeoutError if it has passed."""
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("the answer took too long")
    return left


def shake_hands(
    context: ssl.SSLContext, connection: socket.socket, host: str, ends_at: float
) -> ssl.SSLSocket:
    """TLS on a connection. Raises TimeoutError unless the whole handshake is done in time."""
    connection.settimeout(0)
    secure = context.wrap_socket(connection, server_hostname=host, do_handshake_on_connect=False)
    try:
        while not _is_secured(secure, ends_at):
            pass
        secure.settimeout(time_left(ends_at))
    except BaseException:
        # It has taken the descriptor over, so nobody else can close it.
        secure.close()
        raise
    return secure


def _is_secured(secure: ssl.SSLSocket, ends_at: float) -> bool:
    """Go on with the handshake as soon as the other side does; True once it is done."""
    try:
        secure.do_handshake()
    except ssl.SSLWantReadError:
        select([secure], [], [], time_left(ends_at))
        return False
    except ssl.SSLWantWriteError:
        select([], [secure], [], time_left(ends_at))
        return False
    return True
