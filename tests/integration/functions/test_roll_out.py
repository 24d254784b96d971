"""A function that CodeDeploy asks says whether its new version can do its work."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from o2o.adapters.doku import signature
from o2o.entry import wiring
from o2o.entry.roll_out import is_roll_out
from tests.integration.functions.conftest import ROOT, counts

ASKED = {"DeploymentId": "d-ABC", "LifecycleEventHookExecutionId": "hook-1"}
FUNCTIONS = (
    "answer_inquiry",
    "generate_code",
    "receive_notification",
    "reconcile_codes",
    "refresh_code",
)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What CodeDeploy is told."""
    heard: list[tuple[str, ...]] = []

    class CodeDeploy:
        def put_lifecycle_event_hook_execution_status(self, **said: str) -> None:
            heard.append(tuple(said.values()))

    client = wiring._client
    monkeypatch.setattr(
        wiring, "_client", lambda name: CodeDeploy() if name == "codedeploy" else client(name)
    )
    return heard


@pytest.fixture
def secret(stack: Any, told: object) -> Any:
    """Puts something else into DOKU's secret."""

    def put(value: str) -> None:
        wiring._client("secretsmanager").put_secret_value(
            SecretId=os.environ["DOKU_SECRET_NAME"], SecretString=value
        )
        wiring._credentials.cache_clear()

    return put


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_version_that_can_do_its_work_gets_calls(stack, told, capsys, function):
    stack.invoke(function, ASKED)
    assert told == [("d-ABC", "hook-1", "Succeeded")]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_secret_that_can_not_be_read_stops_it(stack, told, secret, capsys, function):
    secret("{}")
    stack.invoke(function, ASKED)
    assert told == [("d-ABC", "hook-1", "Failed")]
    assert counts(capsys.readouterr().out) == {"UnexpectedError": 1}


def test_a_table_that_can_not_be_read_stops_it(stack, told, monkeypatch):
    monkeypatch.setenv("TABLE_NAME", "another")
    stack.invoke("receive_notification", ASKED)
    assert told == [("d-ABC", "hook-1", "Failed")]


def test_a_build_that_signs_otherwise_stops_it(stack, told, monkeypatch):
    sign = signature.sign
    monkeypatch.setattr(signature, "sign", lambda key, text: sign(key, text + "\n"))
    stack.invoke("receive_notification", ASKED)
    assert told == [("d-ABC", "hook-1", "Failed")]


def test_a_secret_without_a_value_does_not_stop_it(stack, told, monkeypatch):
    """As it is until the operator has filled it in."""
    wiring._client("secretsmanager").create_secret(Name="empty-yet")
    monkeypatch.setenv("DOKU_SECRET_NAME", "empty-yet")
    stack.invoke("receive_notification", ASKED)
    assert told == [("d-ABC", "hook-1", "Succeeded")]


EVENTS = sorted(path for each in FUNCTIONS for path in ROOT.glob(f"events/{each}/*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_event_from_outside_looks_like_it(path: Path) -> None:
    """A caller decides on what is in an event's members, and on no member."""
    event = json.loads(path.read_text("utf-8"))
    assert not is_roll_out(event)
    assert not is_roll_out(event | ASKED)
