"""Which certificates AWS's clients trust: on Lambda Amazon's roots alone, elsewhere as usual."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import SSLError

from o2o.adapters import aws
from o2o.entry import wiring
from tests.support.certificates import make_certificate, serving
from tests.support.receivers import answering, receiver
from tools import amazon_roots

NO_TABLES = answering(200, "application/x-amz-json-1.0", b'{"TableNames": []}')


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What a server that stands in for DynamoDB has."""
    path = make_certificate(tmp_path, "localhost")
    for name in ("LAMBDA_TASK_ROOT", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with receiver(NO_TABLES, serving(path)) as dynamodb:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"https://localhost:{dynamodb.port}")
        for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "any")
        wiring.forget_clients()
        yield path
    wiring.forget_clients()


def list_tables() -> None:
    wiring._client("dynamodb").list_tables()


def test_on_lambda_amazon_s_roots_are_trusted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws, "AMAZON_ROOTS", str(certificate))
    monkeypatch.setenv("LAMBDA_TASK_ROOT", "/var/task")
    list_tables()


def test_on_lambda_a_bundle_that_is_set_goes_first(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMBDA_TASK_ROOT", "/var/task")
    with pytest.raises(SSLError):
        list_tables()
    wiring.forget_clients()
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    list_tables()


def test_elsewhere_they_are_not(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator may be behind a proxy with roots of its own."""
    monkeypatch.setattr(aws, "AMAZON_ROOTS", str(certificate))
    with pytest.raises(SSLError):
        list_tables()


def test_the_roots_are_those_that_certifi_has_of_amazon() -> None:
    assert Path(aws.AMAZON_ROOTS) == amazon_roots.ROOTS
    assert amazon_roots.ROOTS.read_text("ascii") == amazon_roots.roots()
