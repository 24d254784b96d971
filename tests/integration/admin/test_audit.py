"""The audit of what is done by hand: all of it, before it is done, and for good."""

import json
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from admin.audit import RECORDED
from admin.cli import app
from o2o.adapters.dynamodb.audit import DynamoAudit
from o2o.adapters.dynamodb.store import ConditionFailed, Store
from o2o.core.audit import Outcome
from tests.integration.admin.deployed import deployed, run
from tests.support.world import START


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    monkeypatch.delenv("O2O_REASON", raising=False)
    with deployed(monkeypatch):
        yield


def audit(*arguments: str) -> Any:
    return json.loads(run("--json", "audit", *arguments).stdout)


def items() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = boto3.client("dynamodb").scan(TableName="o2o-table")["Items"]
    return found


def test_who_when_what_why_and_how_it_ended():
    run("storefront", "add", "shop", "--name", "Anton Budiman", "--reason", "a new shop")
    api_key = run("key", "issue", "shop", "--reason", "their first").stdout.strip()
    run("key", "revoke", "0" * 12, "--reason", "a mistake", ok=False)
    revoke, issue, add = audit()
    me = boto3.client("sts").get_caller_identity()["Arn"]
    assert {each["who"] for each in (revoke, issue, add)} == {me}
    assert (add["command"], add["arguments"]) == ("storefront add", "name=given storefront_id=shop")
    assert (issue["command"], issue["reason"]) == ("key issue", "their first")
    assert (revoke["arguments"], revoke["outcome"]) == (f"key_id={'0' * 12}", "failed")
    assert {add["outcome"], issue["outcome"]} == {"done"}
    assert [each["command"] for each in audit("--command", "key")] == ["key revoke", "key issue"]
    assert audit("--command", "key issue") == [issue]
    assert audit("--since", "2999-01-01") == []
    kept = json.dumps([each for each in items() if each["pk"]["S"].startswith("AUDIT#")])
    assert api_key not in kept
    assert "Anton" not in kept


def test_on_a_deployed_stack_nothing_is_done_without_a_reason():
    told = run("storefront", "add", "shop", "--name", "A shop", "--reason", " ", ok=False)
    assert "--reason" in told.stderr
    assert items() == []


def test_what_can_not_be_recorded_is_not_done(monkeypatch):
    def busy(*_: object) -> None:
        raise ConditionFailed([None])

    monkeypatch.setattr(DynamoAudit, "add", busy)
    result = CliRunner().invoke(
        app, ["--stack", "o2o-dev", "storefront", "add", "shop", "--name", "A", "--reason", "why"]
    )
    assert result.exit_code != 0
    assert items() == []


def test_a_command_that_never_ended_may_have_done_anything(monkeypatch):
    add = DynamoAudit.add

    def lose_the_end(self: DynamoAudit, entry: Any) -> None:
        if entry.outcome is None:
            add(self, entry)

    monkeypatch.setattr(DynamoAudit, "add", lose_the_end)
    run("storefront", "add", "shop", "--name", "A shop", "--reason", "why")
    assert audit()[0]["outcome"] == "unknown"


def test_an_entry_is_never_changed_and_never_deleted():
    run("storefront", "add", "shop", "--name", "A shop", "--reason", "why")
    log = DynamoAudit(Store(boto3.client("dynamodb"), "o2o-table"))
    end, begin = log.entries(START)
    assert (begin.outcome, end.outcome) == (None, Outcome.DONE)
    for entry in (begin, end):
        with pytest.raises(ConditionFailed):
            log.add(entry)
    assert not [each for each in items() if each["pk"]["S"].startswith("AUDIT#") and "ttl" in each]


def test_arguments_that_may_hold_a_secret_are_recorded_in_part():
    assert RECORDED["url"]("https://user@shop.example/hook?token=1") == "shop.example"
    assert RECORDED["payment_code"]("8899550812345678") == "…5678"
