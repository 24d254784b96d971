"""The sender on real sockets of this machine; no test sends anything off it."""

import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from o2o.adapters.webhook_sender import HttpsWebhookSender, is_public, resolve
from o2o.core.deliveries import Attempt
from o2o.core.errors import InvalidRequest
from tests.support.certificates import make_certificate, serving
from tests.support.patience import PATIENCE_SECONDS
from tests.support.receivers import babble, close, drip, hang, receiver, status

PUBLIC = "93.184.215.14"
NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


class Network:
    """A resolver that is faked, and connections that are counted and led to this machine."""

    def __init__(self, *addresses: str, port: int = 0) -> None:
        self.addresses = addresses
        self.port = port
        self.asked: list[tuple[str, int]] = []
        self.connected: list[tuple[str, int]] = []

    def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        if not self.addresses:
            raise socket.gaierror("no such name")
        return self.addresses

    def connect(self, address: tuple[str, int], timeout: float) -> socket.socket:
        self.connected.append(address)
        assert 0 < timeout <= 10
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def sender(self, **options: Any) -> HttpsWebhookSender:
        settings = {"clock": lambda: NOW, "timeout_seconds": 5.0, **options}
        return HttpsWebhookSender(resolve=self.resolve, connect=self.connect, **settings)


def local(timeout_seconds: float = 5.0) -> HttpsWebhookSender:
    """The sender of the local stack."""
    return HttpsWebhookSender(clock=lambda: NOW, timeout_seconds=timeout_seconds, allow_local=True)


def post(sender: HttpsWebhookSender, url: str) -> Attempt:
    return sender.post(url, {"webhook-id": "evt_1"}, b'{"id":"evt_1"}')


# --- what receivers do -----------------------------------------------------------------------


def test_the_bytes_and_the_headers_arrive_as_they_were_signed() -> None:
    with receiver(status(204)) as good:
        attempt = post(local(), good.url + "?shop=1")
    assert (attempt.at, attempt.status_code, attempt.error) == (NOW, 204, None)
    assert attempt.delivered
    (came,) = good.posts
    assert came.path == "/hook?shop=1"
    assert came.body == b'{"id":"evt_1"}'
    assert came.headers["webhook-id"] == "evt_1"
    assert came.headers["content-type"] == "application/json"
    assert came.headers["host"] == f"127.0.0.1:{good.port}"


@pytest.mark.parametrize("code", [400, 404, 410, 429, 500, 503])
def test_a_status_is_told(code: int) -> None:
    with receiver(status(code)) as bad:
        attempt = post(local(), bad.url)
    assert (attempt.status_code, attempt.delivered, attempt.gone) == (code, False, code == 410)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(code: int) -> None:
    with receiver(status(204)) as aim, receiver(status(code, Location=aim.url)) as bad:
        attempt = post(local(), bad.url)
    assert (attempt.status_code, attempt.delivered) == (code, False)
    assert aim.posts == []


@pytest.mark.parametrize("answer", [hang, drip])
def test_the_time_out_bounds_the_whole_attempt(answer: Any) -> None:
    with receiver(answer) as slow:
        attempt = post(local(0.4), slow.url)
    assert (attempt.status_code, attempt.error) == (None, "timeout")
    assert 350 <= attempt.duration_ms < PATIENCE_SECONDS * 1000 / 3


@pytest.mark.parametrize("answer", [close, babble])
def test_no_answer_is_a_failure(answer: Any) -> None:
    with receiver(answer) as rude:
        attempt = post(local(), rude.url)
    assert (attempt.status_code, attempt.error) == (None, "connection_failed")
    assert len(rude.posts) == 1  # and not tried again behind our back


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        assert post(local(), url).error == "connection_refused"


def test_a_large_answer_is_not_read() -> None:
    def flood(request: Any) -> None:
        request.send_response(200)
        request.end_headers()
        while not request.receiver.stopping.is_set():
            request.wfile.write(b"x" * 65536)

    with receiver(flood) as large:
        assert post(local(), large.url).status_code == 200


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(status(500)) as proxy, receiver(status(204)) as good:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert post(local(), good.url).delivered
        assert proxy.posts == []


# --- where nothing is ever sent --------------------------------------------------------------

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",  # where a cloud keeps its credentials
    "169.254.170.2",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "192.0.0.8",
    "192.0.0.170",
    "192.88.99.1",  # a relay of 6to4
    "192.88.99.2",
    "198.51.100.1",
    "203.0.113.1",
    "100::1",
    "100:0:0:1::1",
    "3fff::1",  # for documentation, since 2024
    "3fff:fff:ffff::1",
    "5f00::1",
    "fec0::1",  # site-local
    "feff::1",
    "::7f00:1",
    "::ffff:0:127.0.0.1",
    "::ffff:192.88.99.1",
    "not an address",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_in_every_disguise(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_to_a_private_address_gets_no_connection(address: str) -> None:
    network = Network(address)
    attempt = post(network.sender(), "https://shop.example/hook")
    assert attempt.error == "forbidden_address"
    assert network.asked == [("shop.example", 443)]
    assert network.connected == []


def test_one_private_address_among_public_ones_is_enough() -> None:
    network = Network(PUBLIC, "169.254.169.254")
    assert post(network.sender(), "https://shop.example/").error == "forbidden_address"
    assert network.connected == []


def test_a_name_is_looked_up_once_and_that_address_is_connected_to() -> None:
    """No second look-up, which could tell another address than the one that was checked."""
    with receiver(status(204)) as good:
        network = Network(PUBLIC, port=good.port)
        attempt = post(network.sender(), "https://shop.example:8443/hook")
    assert network.asked == [("shop.example", 8443)]
    assert network.connected == [(PUBLIC, 8443)]
    assert attempt.error in ("tls_failed", "connection_failed")  # there is no TLS behind it


def test_a_name_that_nobody_knows() -> None:
    network = Network()
    assert post(network.sender(), "https://shop.example/").error == "name_not_found"
    assert network.connected == []


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hook",
        "ftp://shop.example/",
        "https:///hook",
        "https://user:password@shop.example/",
        "https://user@shop.example/",
        "https://shop.example/#part",
        "https://shop.example/a b",
        "https://shop.example/\nHost: other",
        "https://shöp.example/",
        "https://shop.example:99999/",
        "https://[::1/",
        "https://" + "x" * 600,
        "",
    ],
)
def test_an_address_that_is_none_is_refused_before_and_after_it_is_stored(url: str) -> None:
    network = Network(PUBLIC)
    with pytest.raises(InvalidRequest) as refused:
        network.sender().check(url)
    assert refused.value.params[0].name == "url"
    assert post(network.sender(), url).error == "forbidden_url"
    assert network.asked == network.connected == []


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "[::1]", "[fd00:ec2::254]"])
def test_a_private_address_is_refused_when_it_is_stored(host: str) -> None:
    with pytest.raises(InvalidRequest, match="private"):
        Network().sender().check(f"https://{host}/hook")
    local().check(f"http://{host}/hook")


def test_a_good_address_may_be_stored() -> None:
    Network().sender().check("https://shop.example/hook?shop=1")


def test_the_systems_resolver_knows_this_machine() -> None:
    assert set(resolve("localhost", 80)) <= {"127.0.0.1", "::1"}


# --- TLS -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of shop.example, which nobody has signed but itself."""
    return make_certificate(tmp_path_factory.mktemp("tls"), "shop.example", PUBLIC)


def test_the_certificate_must_be_the_names(certificate: Path) -> None:
    def trusting() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(certificate))

    with receiver(status(204), serving(certificate)) as good:
        network = Network(PUBLIC, port=good.port)
        assert post(network.sender(tls=trusting), "https://shop.example/hook").delivered
        assert good.posts[0].headers["host"] == "shop.example"
        other = post(network.sender(tls=trusting), "https://other.example/hook")
        assert other.error == "tls_failed"
        unknown = post(network.sender(), "https://shop.example/hook")
        assert unknown.error == "tls_failed"
    assert len(good.posts) == 1


def test_a_handshake_that_hangs_is_timed_out() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        network = Network(PUBLIC, port=silent.getsockname()[1])
        attempt = post(network.sender(timeout_seconds=0.4), "https://shop.example/")
    assert attempt.error == "timeout"
    assert attempt.duration_ms < PATIENCE_SECONDS * 1000 / 3
