"""DOKU's certificate is checked by name and root, and the roots are read once."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests.adapters

from o2o.adapters.doku import transport
from o2o.adapters.doku.transport import BareSession, NotConnected
from o2o.entry import wiring
from o2o.entry.settings.codes import GenerateSettings
from tests.support.certificates import make_certificate, serving
from tests.support.receivers import answering, receiver
from tests.unit.test_settings import ENVIRONMENT

OK = answering(200, "application/json", b"{}")


@pytest.fixture(autouse=True)
def _forget_roots() -> Iterator[None]:
    transport.trusted.cache_clear()
    yield
    transport.trusted.cache_clear()


def trust(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    for module in (requests.adapters, transport):
        monkeypatch.setattr(module, "DEFAULT_CA_BUNDLE_PATH", str(certificate))


def post(port: int, session: BareSession | None = None) -> int:
    return (session or BareSession()).post(f"https://localhost:{port}/", timeout=5).status_code


def test_the_roots_are_read_once_however_many_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    trust(monkeypatch, certificate)
    read = []
    load = ssl.SSLContext.load_verify_locations

    def count(context: ssl.SSLContext, cafile: str | None = None, **others: str) -> None:
        read.append(cafile)
        load(context, cafile, **others)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", count)
    with receiver(OK, serving(certificate)) as doku:
        assert [post(doku.port) for _ in range(3)] == [200, 200, 200]
    assert read == [str(certificate)]


@pytest.mark.parametrize(("kind", "times"), [("snap-start", 1), ("on-demand", 0)])
def test_a_snapshot_has_read_the_roots(
    monkeypatch: pytest.MonkeyPatch, kind: str, times: int
) -> None:
    """What is restored has a customer waiting; what starts anew may never ask DOKU."""
    for name, text in ENVIRONMENT.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-3")
    wiring._doku(wiring.read_settings(GenerateSettings))
    assert transport.trusted.cache_info().misses == times


def test_a_root_that_nobody_trusts_is_refused(tmp_path: Path) -> None:
    with (
        receiver(OK, serving(make_certificate(tmp_path, "localhost"))) as doku,
        pytest.raises(NotConnected),
    ):
        post(doku.port)


def test_another_one_s_certificate_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path, "elsewhere.example")
    trust(monkeypatch, certificate)
    with receiver(OK, serving(certificate)) as doku, pytest.raises(NotConnected):
        post(doku.port)


def test_a_root_of_the_caller_s_own_goes_first(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    session = BareSession()
    session.verify = str(certificate)
    with receiver(OK, serving(certificate)) as doku:
        assert post(doku.port, session) == 200
    assert transport.trusted.cache_info().misses == 0
