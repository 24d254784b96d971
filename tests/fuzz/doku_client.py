"""DOKU's client on a wire that says what is fuzzed.

An answer is its head with plain line ends, an empty line and the body, and goes over the wire as it
is, unless its ``Signature`` is ``sign``: then it gets DOKU's own, and its length.
"""

import base64
import hashlib
import re

from urllib3.connectionpool import HTTPConnectionPool

from o2o.adapters.doku import transport
from o2o.adapters.doku.client import DokuClient
from o2o.core.channels import Channel, Feature
from tests.fuzz.functions import CLIENT_ID, DOKU_KEY, credentials
from tests.fuzz.wire import Spoken
from tests.support.wire import mac
from tests.support.world import SeededEntropy, TurnableClock

PATH = "/alfa-online-to-offline/v2/payment-code"
ANSWERED_AT = "2026-03-01T03:00:01Z"


class _Connection(transport._Plain):
    answer = b""

    def connect(self) -> None:
        self.sock = Spoken(self.answer)

    @property
    def is_connected(self) -> bool:
        return False


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


def client(answer: bytes) -> DokuClient:
    """A client that is answered so, however often it asks."""
    _Connection.answer = answer
    _CLIENT._session.close()
    return _CLIENT


def _make() -> DokuClient:
    made = DokuClient(
        base_url="http://doku.example",
        paths={(Channel.ALFA, Feature.DGPC): PATH},
        credentials=credentials,
        clock=TurnableClock(),
        entropy=_Same(),
        monotonic=lambda: 0.0,
    )
    adapter = made._session.get_adapter("http://")
    adapter.poolmanager.pool_classes_by_scheme = {"http": _Pool}  # type: ignore[attr-defined]
    return made


class _Same(SeededEntropy):
    """One Request-Id for all, so that an answer can be signed before it is asked for."""

    def request_id(self) -> str:
        return REQUEST_ID


REQUEST_ID = "5e3c4f9a-1c1b-4a36-a6c2-35c6f9e0a001"
_CLIENT = _make()
_SIGN = re.compile(rb"^Signature: sign$", re.MULTILINE)


def travel(data: bytes, target: str) -> tuple[bytes, bytes | None]:
    """What goes over the wire, and the body if DOKU has signed it as the answer to a request."""
    head, _, body = data.partition(b"\n\n")
    if not _SIGN.search(head):
        return data, None
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    text = (
        f"Client-Id:{CLIENT_ID}\nRequest-Id:{REQUEST_ID}\nResponse-Timestamp:{ANSWERED_AT}\n"
        f"Request-Target:{target}\nDigest:{digest}"
    )
    lines = (
        f"Signature: {mac(DOKU_KEY, text)}",
        f"Response-Timestamp: {ANSWERED_AT}",
        f"Content-Length: {len(body)}",
    )
    head = _SIGN.sub("\r\n".join(lines).encode(), head, count=1)
    return head.replace(b"\n", b"\r\n").replace(b"\r\r", b"\r") + b"\r\n\r\n" + body, body
