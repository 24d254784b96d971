"""Which port each server of the stack listens on."""

import socket
from dataclasses import dataclass

from local.errors import StackError

HOST = "127.0.0.1"
_MAX_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Where somebody wants a server: what was configured, else where it was the last time."""

    what: str
    option: str
    configured: int | None = None
    previous: int | None = None

    def listen(self) -> socket.socket:
        """A socket on the configured port, else the previous one, else any.

        Raises ``StackError`` if the configured port is taken, or is none.
        """
        if self.configured is not None:
            if not 0 <= self.configured <= _MAX_PORT:
                raise StackError(f"{self.configured} is no port: {self.option} takes 0 to 65535.")
            try:
                return _bind(self.configured)
            except OSError as error:
                raise StackError(
                    f"Port {self.configured} for the {self.what} can't be used"
                    f" ({error.strerror}): stop what listens there, or choose another port with"
                    f" {self.option}."
                ) from None
        if self.previous:
            try:
                return _bind(self.previous)
            except OSError:
                pass  # taken since: any other will do
        return _bind(0)


def _bind(port: int) -> socket.socket:
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
        # Another process can bind the same port until one of the two listens.
        bound.listen(1024)
    except OSError:
        bound.close()
        raise
    return bound


def port_of(bound: socket.socket) -> int:
    """The port that a socket is bound to."""
    port: int = bound.getsockname()[1]
    return port


def release(bound: socket.socket) -> int:
    """Give a port back, for another process to listen there; returns it."""
    port = port_of(bound)
    bound.close()
    return port
