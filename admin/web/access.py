"""Who may use a running desk: the browser that first opened its link, and nobody else.

Other people and other sites' pages reach loopback, too. The link in the terminal works once and is
exchanged for a token that the page keeps for its own origin and sends with each request. A cookie
would go to every port of this machine's name, whoever listens there.
"""

import hmac
import secrets
import threading

_BYTES = 32
_SCHEME = "bearer"


class Access:
    """The link and the token of one run."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(_BYTES)
        self.link = secrets.token_urlsafe(_BYTES)
        self._is_used = False
        self._lock = threading.Lock()

    def exchange(self, link: str) -> str | None:
        """The token, for who comes first with the link."""
        if not hmac.compare_digest(link.encode(), self.link.encode()):
            return None
        with self._lock:
            first, self._is_used = not self._is_used, True
        return self.token if first else None

    def allows(self, authorization: str) -> bool:
        """Whether a request's header ``Authorization`` has the token."""
        scheme, _, token = authorization.partition(" ")
        given = token.strip().encode()
        return scheme.lower() == _SCHEME and hmac.compare_digest(given, self.token.encode())
