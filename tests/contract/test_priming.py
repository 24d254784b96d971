"""What is done before a snapshot is taken leaves the process as it was, and sends nothing."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from botocore.session import get_session

from o2o.adapters import priming
from o2o.entry import observability, snapshot, wiring

NOBODY = "http://127.0.0.1:1"
INITIALIZATION = "AWS_LAMBDA_INITIALIZATION_TYPE"
STARTS = [("snap-start", True), ("provisioned-concurrency", True), ("on-demand", False)]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No credentials, and nobody to ask for them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-3")
    wiring.forget_clients()
    yield
    wiring.forget_clients()


def new_client(service: str) -> Any:
    once = Config(retries={"total_max_attempts": 1})
    return get_session().create_client(service, endpoint_url=NOBODY, config=once)


@pytest.mark.parametrize("service", priming.CALLS)
@pytest.mark.usefixtures("alone")
def test_nothing_is_sent_and_no_credentials_are_asked_for(service: str) -> None:
    priming.prime(new_client(service))


@pytest.mark.parametrize("service", priming.CALLS)
def test_whatever_comes_after_it_is_sent(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-3")
    client = new_client(service)
    priming.prime(client)
    sent: list[Any] = []
    client.meta.events.register("before-send", lambda request, **_: sent.append(request.headers))
    operation, parameters = next(iter(priming.CALLS[service].items()))
    with pytest.raises(EndpointConnectionError):
        client._make_api_call(operation, dict(parameters))
    (headers,) = sent
    assert b"Signature" in headers["Authorization"]


@pytest.mark.parametrize(("how", "primed"), STARTS)
@pytest.mark.usefixtures("alone")
def test_clients_are_primed_where_nobody_waits_for_a_start(
    how: str, primed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(priming, "prime", seen.append)
    monkeypatch.setenv(INITIALIZATION, how)
    client = wiring._client("dynamodb")
    assert seen == ([client] if primed else [])


@pytest.mark.usefixtures("alone")
def test_a_client_that_cannot_be_primed_is_there_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Lambda changes botocore by itself: no payment may wait for what only saves time."""
    monkeypatch.setenv(INITIALIZATION, "snap-start")
    monkeypatch.setattr(priming, "_answer", lambda **_: 1 / 0)
    monkeypatch.setattr(observability.logger._logger, "propagate", True)
    client = wiring._client("dynamodb")
    assert client.meta.service_model.service_name == "dynamodb"
    (line,) = [each for each in caplog.records if each.message == "not primed"]
    assert vars(line)["client"] == "dynamodb"


@pytest.mark.parametrize(("how", "frozen"), STARTS)
def test_what_was_loaded_is_no_garbage_where_nobody_waits_for_a_start(
    how: str, frozen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(INITIALIZATION, how)
    before = gc.get_freeze_count()
    try:
        snapshot.settle()
        assert (gc.get_freeze_count() > before) == frozen
    finally:
        gc.unfreeze()
