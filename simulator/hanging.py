"""Requests that hang on demand, until they are released or their client leaves."""

import selectors
import socket
import threading


class HangingRequests:
    """The connections on which DOKU keeps silent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hanging: set[socket.socket] = set()
        self._closed = False

    def count(self) -> int:
        """Return how many requests hang."""
        with self._lock:
            return len(self._hanging)

    def release(self) -> int:
        """Let every hanging request continue; return how many there were."""
        with self._lock:
            count = len(self._hanging)
            for end in self._hanging:
                # Shut down rather than closed: its owner still selects on the other end.
                end.shutdown(socket.SHUT_RDWR)
            self._hanging.clear()
        return count

    def close(self) -> None:
        """Release what hangs, and let nothing hang from now on."""
        with self._lock:
            self._closed = True
        self.release()

    def hang(self, connection: socket.socket, seconds: float) -> bool:
        """Wait until released, until ``seconds`` of real time passed or the client left.

        Returns whether the client is still there.
        """
        watched, released = socket.socketpair()
        with watched, released:
            with self._lock:
                if self._closed:
                    return True
                self._hanging.add(released)
            try:
                ready = _readable((connection, watched), seconds)
                if watched in ready or connection not in ready:
                    return True
                if connection.recv(1, socket.MSG_PEEK):
                    # More bytes of a client that is still there: no longer worth watching.
                    _readable((watched,), seconds)
                    return True
            except OSError:
                return False
            finally:
                with self._lock:
                    self._hanging.discard(released)
        return False


def _readable(sockets: tuple[socket.socket, ...], seconds: float) -> list[object]:
    """Return the sockets that have something to read within that time."""
    with selectors.DefaultSelector() as selector:
        for end in sockets:
            selector.register(end, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select(seconds)]
