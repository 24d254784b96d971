"""The webhook sender: POSTs to addresses that strangers chose, without being led anywhere private.

A storefront's URL is input: a request that it sends into our own network could reach what is
not public (SSRF). So the name is looked up once, every address that it resolves to must be
public, and the connection goes to one of those addresses: there is no second look-up that could
answer something else. No redirect is
followed, no proxy of the environment is used, and nothing of an answer but its status code
is looked at.
"""

import contextlib
import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from o2o.adapters.deadline import DeadlineResponse, shake_hands, time_left
from o2o.core.deliveries import TIMEOUT, Attempt
from o2o.core.errors import InvalidRequest
from o2o.usecases.ports import WebhookSender
from o2o.version import VERSION

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host. Raises OSError if there are none."""

Connect = Callable[[tuple[str, int], float], socket.socket]
"""A connection to an address and port, within so many seconds. Raises OSError."""

USER_AGENT = f"O2O-Webhooks/{VERSION}"
_LONGEST_URL = 512
_CONNECT_SECONDS = 3.0
_DEFAULT_PORTS = {"https": 443, "http": 80}

# Nothing else in IPv6 is the public internet: NAT64, site-local, translated and segment addresses
# are outside of it.
_GLOBAL_UNICAST = IPv6Network("2000::/3")

# Relays of 6to4, addresses for documentation, and those for protocols. IANA's registries have them,
# Python's copy of the registries lacks them, or did before 3.12.4.
_NOT_GLOBAL = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("3fff::/20"),
)


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, and no other in disguise."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return _is_public(ip.ipv4_mapped)
        # An IPv4 address inside an IPv6 one: a relay would carry us to the inner one.
        if ip.sixtofour is not None or ip.teredo is not None:
            return False
        if ip.scope_id is not None or ip not in _GLOBAL_UNICAST:
            return False
    return _is_public(ip)


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if any(ip in network for network in _NOT_GLOBAL):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class HttpsWebhookSender(WebhookSender):
    """Sends over https to public addresses; ``allow_local`` takes http and any, to try out.

    ``timeout_seconds`` bounds the whole attempt from the connection on, however slowly an
    answer drips; looking up the name is bounded by the system's resolver.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        timeout_seconds: float,
        allow_local: bool = False,
        resolve: Resolve = resolve,
        connect: Connect = socket.create_connection,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._allow_local = allow_local
        self._resolve = resolve
        self._connect = connect
        # Costly, and not needed to check addresses.
        self._tls = cache(tls)

    def check(self, url: str) -> None:
        try:
            host = self._parse(url).host
        except ValueError as error:
            raise InvalidRequest.of("url", str(error)) from error
        with contextlib.suppress(ValueError):
            address = str(ip_address(host))
            if not self._allow_local and not is_public(address):
                raise InvalidRequest.of("url", "must not be a private address")

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        at, began = self._clock(), time.monotonic()
        status_code, error = None, None
        try:
            status_code = self._post(url, headers, body)
        except _NotSent as reason:
            error = str(reason)
        except TimeoutError:
            error = TIMEOUT
        except ssl.SSLError:
            error = "tls_failed"
        except ConnectionRefusedError:
            error = "connection_refused"
        except (http.client.HTTPException, OSError):
            error = "connection_failed"
        return Attempt(at, round((time.monotonic() - began) * 1000), status_code, error)

    def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        try:
            target = self._parse(url)
        except ValueError as error:
            raise _NotSent("forbidden_url") from error
        try:
            addresses = self._resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise _NotSent("name_not_found") from error
        # One private address among public ones is no accident.
        if not self._allow_local and not all(map(is_public, addresses)):
            raise _NotSent("forbidden_address")
        ends_at = time.monotonic() + self._timeout_seconds
        connection = self._connect_to_one_of(addresses, target.port, ends_at)
        try:
            if target.secure:
                # The certificate must be the name's, whatever address that has today.
                connection = shake_hands(self._tls(), connection, target.host, ends_at)
            connection.settimeout(time_left(ends_at))
            return self._talk(connection, target, headers, body)
        finally:
            connection.close()

    def _connect_to_one_of(
        self, addresses: Sequence[str], port: int, ends_at: float
    ) -> socket.socket:
        failure: OSError = OSError("there is no address")
        for address in addresses:
            left = min(time_left(ends_at), _CONNECT_SECONDS)
            try:
                return self._connect((address, port), left)
            except OSError as error:
                failure = error
        raise failure

    def _talk(
        self, connection: socket.socket, target: "_Target", headers: Mapping[str, str], body: bytes
    ) -> int:
        client = http.client.HTTPConnection(target.host, target.port)
        client.response_class = DeadlineResponse
        client.sock = connection
        with contextlib.closing(client):
            client.request(
                "POST",
                target.path,
                body,
                {
                    "Host": target.authority,
                    "Content-Type": "application/json",
                    "User-Agent": USER_AGENT,
                    "Connection": "close",
                    **headers,
                },
            )
            return client.getresponse().status

    def _parse(self, url: str) -> "_Target":
        """Raises ValueError, with a reason that a person can act on."""
        if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError(f"must be plain ASCII without spaces, {_LONGEST_URL} at most")
        parts = urlsplit(url)
        if parts.scheme != "https" and not (self._allow_local and parts.scheme == "http"):
            raise ValueError("must begin with https://")
        if not parts.hostname or parts.username is not None or parts.password is not None:
            raise ValueError("must name a host, and no user")
        if parts.fragment:
            raise ValueError("must have no fragment")
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        query = f"?{parts.query}" if parts.query else ""
        return _Target(
            secure=parts.scheme == "https",
            host=parts.hostname,
            port=port,
            authority=parts.netloc,
            path=(parts.path or "/") + query,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    secure: bool
    host: str
    port: int
    authority: str
    path: str


class _NotSent(Exception):
    """No connection was tried; the message is the word for the reason."""
