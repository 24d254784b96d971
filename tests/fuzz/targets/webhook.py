"""An endpoint's address, and what its receiver answers: a line with the address, and the answer.

Whatever that is, it is one attempt with a status or a reason. Only addresses of the public internet
are connected to, and the receiver gets one request, to the host that the address names.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from o2o.adapters import webhook_sender
from o2o.adapters.webhook_sender import HttpsWebhookSender
from o2o.core.errors import InvalidRequest
from tests.fuzz.wire import Spoken
from tests.support.world import TurnableClock

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SEEDS = (
    b"https://shop.example/hooks?a=b\n" + _OK,
    b"https://shop.example:8443/hooks\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + _OK,
    b"https://93.184.216.34/\nHTTP/1.1 301 x\r\nLocation: http://169.254.169.254/\r\n\r\n",
    b"https://169.254.169.254/latest/meta-data\n" + _OK,
    b"https://[::ffff:10.0.0.1]:443/\n" + _OK,
    b"https://[2606:2800:220:1::1]/\nHTTP/1.0 204 \r\n\r\n",
    b"https://localhost:0/\nHTTP/1.1 " + b"9" * 30 + b" x\r\n\r\n",
    b"https://a@shop.example\\@evil.example/#x\nSSH-2.0\r\n",
    b"https://0x7f.1/\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"https://shop.example/" + b"a" * 512 + b"\n" + b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 101,
)
REASONS = {
    *("forbidden_url", "name_not_found", "forbidden_address", "timeout", "tls_failed"),
    *("connection_refused", "connection_failed"),
}
BODY = b'{"id": "evt"}'
_NUMBERS = {"shop.example": "93.184.216.34", "inside.example": "10.0.0.1"}


def _resolve(host: str, port: int) -> Sequence[str]:
    try:
        return [str(ip_address(host))]
    except ValueError:
        if host in _NUMBERS:
            return [_NUMBERS[host]]
        host.encode("idna")  # as the system does it
        raise OSError from None


class _Net:
    """Connections, which it remembers."""

    def __init__(self) -> None:
        self.answer = b""
        self.made: list[tuple[tuple[str, int], Spoken]] = []

    def connect(self, to: tuple[str, int], _: float) -> Any:
        self.made.append((to, Spoken(self.answer)))
        return self.made[-1][1]


_NET = _Net()
_SENDER = HttpsWebhookSender(
    clock=TurnableClock(),
    timeout_seconds=60.0,
    resolve=_resolve,
    connect=_NET.connect,
    tls=lambda: None,  # type: ignore[arg-type,return-value]
)
_NAMES: list[str] = []


def _shake_hands(_: object, connection: Any, host: str, __: float) -> Any:
    _NAMES.append(host)
    return connection


def check(data: bytes) -> None:
    """Raise AssertionError if an attempt goes astray."""
    address, _, _NET.answer = data.partition(b"\n")
    url = address.decode("utf-8", "replace")
    _NET.made.clear()
    _NAMES.clear()
    with patch.object(webhook_sender, "shake_hands", _shake_hands):
        attempt = _SENDER.post(url, {"webhook-id": "evt"}, BODY)
    assert (attempt.status_code is None) is (attempt.error is not None)
    assert attempt.error is None or attempt.error in REASONS, attempt
    assert attempt.status_code is None or 100 <= attempt.status_code <= 999
    is_fit = _is_fit(url)
    if not is_fit:
        assert not _NET.made
    for (number, port), spoken in _NET.made:
        ip = ip_address(number)
        assert ip.is_global
        assert not ip.is_multicast
        parts = urlsplit(url)
        assert port == (parts.port or 443)
        assert [parts.hostname] == _NAMES
        head, _, body = spoken.sent.partition(b"\r\n\r\n")
        assert body == BODY
        first, *lines = head.decode().split("\r\n")
        assert first.startswith("POST /")
        assert first.endswith(" HTTP/1.1")
        hosts = [each for each in lines if each.lower().startswith("host:")]
        assert hosts == [f"Host: {parts.netloc}"]
        assert sum(each.lower().startswith("content-length:") for each in lines) == 1


def _is_fit(url: str) -> bool:
    try:
        _SENDER.check(url)
    except InvalidRequest as error:
        assert [each.name for each in error.params] == ["url"]
        return False
    return True
