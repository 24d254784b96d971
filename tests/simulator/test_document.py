"""docs/simulator.md describes every fault, route and option."""

import re
from pathlib import Path

import pytest

from simulator.__main__ import _parser
from simulator.faults import KINDS
from tests.simulator.support import Client

TEXT = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_is_in_the_table(kind: str) -> None:
    row = re.search(rf"^\| `{kind}` \|([^|]*)\|([^|]*)\|", TEXT, re.MULTILINE)
    assert row, kind
    assert tuple(row[1].strip().split(", ")) == KINDS[kind].operations
    assert re.findall(r"(?:^|, )`([a-z_]+)`", row[2].strip()) == list(KINDS[kind].parameters)


def test_each_route_is_described(doku: Client) -> None:
    for route in doku.did("GET", "")["routes"]:
        method, path = route.split()
        words = re.escape(f"`{method} {path}").replace(r"\*", r"\{[a-z_]+\}")
        assert re.search(words + r"[`?]", TEXT), route


def test_each_option_is_described() -> None:
    options = {option for action in _parser()._actions for option in action.option_strings}
    assert {option for option in options if f"`{option}" not in TEXT} == {"-h", "--help"}
