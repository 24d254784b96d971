"""HTTP as a client of a payment provider needs it: no redirects, no retries, no surprises."""

import http.client
import io
import socket
import time
from typing import TYPE_CHECKING, Any

from requests import Response, Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from o2o.version import VERSION

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

USER_AGENT = f"o2o/{VERSION}"
"""What DOKU sees of us; a bug report of theirs can name it."""


class NotConnected(Exception):
    """There was no connection, so that nothing can have been sent."""


class _Deadline(io.RawIOBase):
    """A socket's stream whose time-out is for the whole of it, not for each piece.

    Otherwise an answer that drips a byte at a time, in its headers even, never times out.
    """

    def __init__(self, stream: io.RawIOBase, sock: socket.socket) -> None:
        self._stream = stream
        self._sock = sock
        self._ends_at = time.monotonic() + (sock.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(left)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer that must be complete within the read time-out."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Deadline(self.fp.detach(), sock))


class _Plain(HTTPConnection):
    response_class = _Answer

    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, HTTPError) as error:
            raise NotConnected from error


class _Secure(HTTPSConnection):
    response_class = _Answer

    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, HTTPError) as error:
            raise NotConnected from error


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


class BareSession(Session):
    """A session that follows no redirect and takes nothing from the environment.

    Its read time-out bounds the whole answer. Looking up a name is bounded by the
    resolver only, and each address of a host may take the connect time-out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.mount("http://", _Adapter())
        self.mount("https://", _Adapter())

    def get_redirect_target(self, resp: Response) -> str | None:  # noqa: ARG002
        """None: `requests` would read the body of a redirect that it does not follow."""
        return None
