"""HTTP as a client of a payment provider needs it: no redirects, no retries, no surprises."""

import ssl
from functools import cache
from typing import Any

from requests import Response, Session
from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from o2o.adapters.deadline import DeadlineResponse
from o2o.version import VERSION

USER_AGENT = f"o2o/{VERSION}"
"""What DOKU sees of us; a bug report of theirs can name it."""


@cache
def trusted() -> ssl.SSLContext:
    """What trusts the roots that `requests` trusts.

    Made once for a process: `requests` would read them all for each connection (decision 0090).
    """
    context = create_urllib3_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


class NotConnected(Exception):
    """There was no connection, so that nothing can have been sent."""


class _Plain(HTTPConnection):
    response_class = DeadlineResponse

    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, HTTPError) as error:
            raise NotConnected from error


class _Secure(HTTPSConnection):
    response_class = DeadlineResponse

    def connect(self) -> None:
        if self.ca_certs == DEFAULT_CA_BUNDLE_PATH:
            self.ca_certs, self.ssl_context = None, trusted()
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
