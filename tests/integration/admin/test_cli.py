"""The command line over a real table, as a person and as a script use it."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer import Exit
from typer.testing import CliRunner

from admin.cli import app
from admin.target import Target
from admin.terminal import Terminal
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.storefronts import DynamoStorefrontStore
from o2o.core.storefronts import Storefront
from o2o.usecases.authorize_storefront import AuthorizeStorefront
from tests.integration.admin.deployed import PLAN, deployed, run
from tests.support.world import START


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    monkeypatch.setenv("O2O_REASON", "a test")
    with deployed(monkeypatch):
        yield


def answer(*arguments: str) -> Any:
    return json.loads(run("--json", *arguments).stdout)


def opens(api_key: str) -> bool:
    storefronts = DynamoStorefrontStore(Store(boto3.client("dynamodb"), "o2o-table"))
    return AuthorizeStorefront(storefronts=storefronts)(f"Bearer {api_key}") is not None


def test_a_key_is_issued_shown_once_listed_and_revoked():
    run("storefront", "add", "shop", "--name", "The shop")
    api_key = run("key", "issue", "shop").stdout.strip()
    assert opens(api_key)
    (listed,) = answer("key", "list", "shop")
    assert api_key not in json.dumps(listed)
    assert listed["key_id"] == api_key.split("_")[1]
    assert listed["key_id"] in run("key", "list", "shop").stdout
    run("key", "revoke", listed["key_id"])
    assert not opens(api_key)
    assert answer("key", "list", "shop")[0]["revoked_at"] is not None


def counted() -> dict[str, str]:
    """What the usage plan counts by: the names of API Gateway's keys and their values."""
    apigateway = boto3.client("apigateway")
    names = [key["name"] for key in apigateway.get_api_keys()["items"]]
    assert len(names) == len(set(names))
    keys = apigateway.get_usage_plan_keys(usagePlanId=PLAN)["items"]
    return {key["name"]: key["value"] for key in keys}


def usage_keys(storefront_id: str) -> set[str | None]:
    """Of a storefront and its keys."""
    store = DynamoStorefrontStore(Store(boto3.client("dynamodb"), "o2o-table"))
    storefront = store.get_storefront(storefront_id)
    assert storefront is not None
    keys = store.list_keys(storefront_id, limit=100, cursor=None).items
    return {storefront.usage_key, *(key.usage_key for key in keys)}


def test_a_new_storefront_is_counted_by_itself():
    for name in ("shop", "shop-2"):  # the name of one is the beginning of the other's
        run("storefront", "add", name, "--name", "A shop")
        run("key", "issue", name)
    values = counted()
    assert set(values) == {"o2o-dev/shop", "o2o-dev/shop-2"}
    for name in ("shop", "shop-2"):
        assert usage_keys(name) == {values[f"o2o-dev/{name}"]}
    assert all(each["own_limit"] for each in answer("storefront", "list"))


def test_storefronts_of_before_an_upgrade_are_given_a_limit_and_a_lost_one_is_mended():
    store = DynamoStorefrontStore(Store(boto3.client("dynamodb"), "o2o-table"))
    store.add_storefront(Storefront("old", "A shop", START))
    api_key = run("key", "issue", "old").stdout.strip()
    assert usage_keys("old") == {None}
    assert [each["own_limit"] for each in answer("storefront", "list")] == [False]
    assert answer("storefront", "limit") == {"storefronts": ["old"]}
    assert usage_keys("old") == {counted()["o2o-dev/old"]}
    before = counted()
    run("storefront", "limit")
    assert counted() == before  # twice does no harm
    apigateway = boto3.client("apigateway")
    for key in apigateway.get_api_keys()["items"]:
        apigateway.delete_usage_plan_key(usagePlanId=PLAN, keyId=key["id"])
        apigateway.delete_api_key(apiKey=key["id"])
    run("storefront", "limit")
    assert usage_keys("old") == {counted()["o2o-dev/old"]}
    assert opens(api_key)


def test_several_keys_stand_side_by_side():
    run("storefront", "add", "shop", "--name", "The shop")
    keys = [answer("key", "issue", "shop")["api_key"] for _ in range(3)]
    assert all(opens(api_key) for api_key in keys)
    assert len(answer("key", "list", "shop")) == 3


def test_more_storefronts_than_a_page_are_listed():
    storefronts = DynamoStorefrontStore(Store(boto3.client("dynamodb"), "o2o-table"))
    for number in range(105):
        storefronts.add_storefront(Storefront(f"shop-{number}", "A shop", START, f"{number:04}"))
    assert len(answer("storefront", "list")) == 105


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("storefront", "add", "Shop!", "--name", "x"), "storefront_id"),
        (("storefront", "add", "shop", "--name", " "), "name"),
        (("key", "issue", "nobody"), "no such storefront"),
        (("key", "revoke", "nothing"), "no such key"),
    ],
)
def test_a_mistake_is_one_sentence(arguments, sentence):
    result = run(*arguments, ok=False)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("name", ["[/red]", "[bold]", "a\\", "[b]x[/b]"])
def test_what_others_wrote_is_shown_as_it_is(name):
    assert run("storefront", "add", "shop", "--name", name).exit_code == 0
    listed = run("storefront", "list")
    assert listed.exit_code == 0
    assert name.partition("]")[0] in listed.stdout


def test_what_others_wrote_steers_no_terminal(capsys, tmp_path: Path):
    terminal = Terminal(Target(None, None, None, tmp_path), as_json=False)
    terminal.show([{"name": "\x1b[2J"}], ("name",))
    terminal.say({}, "\x1b[2J")
    with pytest.raises(Exit):
        terminal.fail("\x1b[2J")
    told = capsys.readouterr()
    assert (told.out + told.err).count("\N{REPLACEMENT CHARACTER}[2J") == 3


def test_a_taken_id_is_refused():
    run("storefront", "add", "shop", "--name", "The shop")
    assert "taken" in run("storefront", "add", "shop", "--name", "Another", ok=False).stderr


def test_an_unknown_stack_and_no_local_stack_are_sentences(tmp_path: Path):
    unknown = CliRunner().invoke(app, ["--stack", "other", "storefront", "list"])
    assert (unknown.exit_code, "other" in unknown.stderr) == (1, True)
    absent = CliRunner().invoke(app, ["--state-dir", str(tmp_path), "storefront", "list"])
    assert (absent.exit_code, "make run" in absent.stderr) == (1, True)
