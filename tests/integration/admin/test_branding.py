"""Looks of customers' pages, on the command line over a real table."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.storefronts import DynamoStorefrontStore
from o2o.core.storefronts import Branding
from tests.integration.admin.deployed import deployed, run

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    monkeypatch.setenv("O2O_REASON", "a test")
    with deployed(monkeypatch):
        run("storefront", "add", "shop", "--name", "The shop")
        yield


def answer(*arguments: str) -> Any:
    (row,) = json.loads(run("--json", "branding", *arguments).stdout)
    return row


def stored() -> Branding | None:
    return DynamoStorefrontStore(Store(boto3.client("dynamodb"), "o2o-table")).get_branding("shop")


def test_a_branding_is_set_bit_by_bit_shown_and_cleared(tmp_path: Path):
    nothing = {"storefront_id": "shop", "name": None, "colour": None, "logo": None}
    assert answer("show", "shop") == nothing
    (tmp_path / "logo.png").write_bytes(PNG)
    answer("set", "shop", "--name", "Kopi Senja", "--logo", str(tmp_path / "logo.png"))
    told = answer("set", "shop", "--colour", "#FF8800")
    assert told == answer("show", "shop")
    assert (told["name"], told["colour"]) == ("Kopi Senja", "#ff8800")
    assert told["logo"].startswith("image/png, ")
    look = stored()
    assert look is not None
    assert (look.logo or "").startswith("data:image/png;base64,")
    assert "Kopi Senja" in run("branding", "show", "shop").stdout
    assert answer("clear", "shop") == nothing
    assert stored() == Branding("shop")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("set", "nobody", "--name", "x"), "no such storefront"),
        (("show", "nobody"), "no such storefront"),
        (("clear", "nobody"), "no such storefront"),
        (("set", "shop", "--colour", "red"), "colour: must be a colour such as #0b6e4f"),
        (("set", "shop", "--name", " "), "name: must have 1 to 64"),
        (("set", "shop", "--logo", "/nowhere/logo.png"), "can't be read"),
        (("set", "shop", "--logo", __file__), "logo: must "),
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(arguments, sentence):
    result = run("branding", *arguments, ok=False)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    assert stored() is None
