"""Chooses and binds the ports of the stack's servers."""

import socket
from dataclasses import dataclass

from local.errors import StackError

HOST = "127.0.0.1"
_MAX_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class PortChoice:
    """The ports wanted for a server: the configured one, else the one of the last run.

    ``what`` and ``option`` name the server and its command-line option in error messages.
    """

    what: str
    option: str
    configured: int | None = None
    previous: int | None = None

    def listen(self) -> socket.socket:
        """A listening socket on the configured port, else the previous one, else any free one.

        Raises ``StackError`` if the configured port is in use or out of range.
        """
        if self.configured is not None:
            if not 0 <= self.configured <= _MAX_PORT:
                raise StackError(
                    f"{self.configured} is not a port: {self.option} takes 0 to 65535."
                )
            try:
                return _bind(self.configured)
            except OSError as error:
                raise StackError(
                    f"Port {self.configured} for the {self.what} can't be used"
                    f" ({error.strerror}): free it, or choose another port with"
                    f" {self.option}."
                ) from None
        if self.previous:
            try:
                return _bind(self.previous)
            except (OSError, OverflowError, TypeError):
                pass  # in use by now, or no port at all: any other will do
        return _bind(0)


def _bind(port: int) -> socket.socket:
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
        # Until one of them listens, another process can bind the same port.
        bound.listen(1024)
    except OSError:
        bound.close()
        raise
    return bound


def port_of(bound: socket.socket) -> int:
    """The port number that a socket is bound to."""
    port: int = bound.getsockname()[1]
    return port


def release(bound: socket.socket) -> int:
    """Close the socket, so that another process can listen on its port; returns the port."""
    port = port_of(bound)
    bound.close()
    return port
