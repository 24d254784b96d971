"""Functions run as on Lambda: own environment, own folders, one event at a time, limits kept."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws import REGION
from local.functions import FunctionError, FunctionPool
from tests.local.shop import FIXTURES, Shop
from tests.support.patience import PATIENCE_SECONDS


def ask(pool: FunctionPool, wish: str | None = None) -> Any:
    return pool.submit({"queryStringParameters": {"wish": wish}}).result()


@pytest.fixture
def echo(shop: Shop) -> Iterator[FunctionPool]:
    """A pool of one worker, so that each event meets the same one."""
    with shop.pool("EchoFunction") as pool:
        yield pool


def test_the_environment_is_the_templates_and_lambdas_and_nothing_else(
    shop: Shop, echo: FunctionPool
) -> None:
    environment = ask(echo)["environment"]
    declared = dict(shop.blueprint.functions["EchoFunction"].environment)
    assert {name: environment[name] for name in declared} == declared
    others = set(environment) - set(declared)
    assert all(name.startswith(("AWS_", "LAMBDA_")) or name in {"LANG", "TZ"} for name in others)
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "EchoFunction"
    assert environment["AWS_REGION"] == REGION
    assert environment["AWS_ENDPOINT_URL"] == shop.aws_url
    assert environment["AWS_ENDPOINT_URL_DYNAMODB"] == shop.dynamodb_url


def test_the_layer_sees_the_environment_when_it_is_imported(echo: FunctionPool) -> None:
    assert ask(echo)["greeting"] == "Selamat datang, Anton"


def test_only_the_function_its_layer_and_installed_packages_can_be_imported(
    echo: FunctionPool,
) -> None:
    path = ask(echo)["path"]
    assert path[:2] == [str(FIXTURES / "functions/echo"), str(FIXTURES / "layers/shared")]
    root = str(FIXTURES.parent.parent.parent)
    assert root not in path
    assert f"{root}/layers/shared" not in path


def test_the_context(echo: FunctionPool) -> None:
    seen = ask(echo)
    assert seen["function"] == "EchoFunction"
    assert seen["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:EchoFunction"
    assert seen["memory"] == "256"
    assert 0 < seen["remaining"] <= 2000
    assert seen["request_id"] != ask(echo)["request_id"]


def test_an_idle_worker_is_used_again(echo: FunctionPool) -> None:
    first, second = ask(echo), ask(echo)
    assert first["process"] == second["process"] != os.getpid()


def test_events_at_the_same_time_run_in_processes_of_their_own_up_to_the_limit(
    shop: Shop,
) -> None:
    with shop.pool("EchoFunction", limit=2) as pool:
        futures = [pool.submit({}) for _ in range(20)]
        assert len({future.result()["process"] for future in futures}) == 2


def test_an_error_is_raised_logged_and_harms_no_other_event(shop: Shop, echo: FunctionPool) -> None:
    before = ask(echo)["process"]
    with pytest.raises(FunctionError) as caught:
        ask(echo, "raise")
    assert (caught.value.kind, caught.value.message) == ("ValueError", "as you wish")
    assert ask(echo)["process"] == before
    lines = [json.loads(line) for line in shop.log("EchoFunction").splitlines()]
    logged = [line for line in lines if line.get("errorMessage") == "as you wish"][-1]
    assert logged["level"] == "ERROR"
    assert any("lambda_handler" in line for line in logged["stackTrace"])


def test_a_process_that_dies_is_an_error_and_is_replaced(shop: Shop, echo: FunctionPool) -> None:
    before = ask(echo)["process"]
    with pytest.raises(FunctionError, match=r"Runtime\.ExitError"):
        ask(echo, "exit")
    assert ask(echo)["process"] != before
    assert "Runtime.ExitError" in shop.log("EchoFunction")


def test_a_function_that_takes_too_long_is_killed(shop: Shop, echo: FunctionPool) -> None:
    with pytest.raises(FunctionError, match=r"timed out after 2\.00 seconds"):
        ask(echo, "sleep")
    assert ask(echo)["greeting"]


def test_an_answer_that_is_no_json_is_an_error(echo: FunctionPool) -> None:
    with pytest.raises(FunctionError, match="set is not JSON serializable"):
        ask(echo, "set")


def test_a_handler_that_is_missing_is_told_at_each_event(shop: Shop) -> None:
    with shop.pool("TickFunction", handler="nowhere.lambda_handler") as pool:
        for _ in range(2):
            with pytest.raises(FunctionError, match="No module named 'nowhere'"):
                pool.submit({}).result()
    assert "No module named 'nowhere'" in shop.log("TickFunction")


def test_a_closed_pool_refuses_without_noise(shop: Shop) -> None:
    with shop.pool("EchoFunction") as pool:
        running = pool.submit({"queryStringParameters": {"wish": "sleep"}})
    with pytest.raises(FunctionError):
        running.result(PATIENCE_SECONDS)
    with pytest.raises(FunctionError, match="stopping"):
        pool.submit({}).result()
