"""docs/architecture.md: its rooms are the modules that exist, and what it names is there."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.documents import ROOT, read, rows, section

TEXT = read("docs/architecture.md")
PACKAGE = ROOT / "layers" / "shared" / "o2o"
FLOORS = {
    "core": "### `core`: the rules",
    "usecases": "### `usecases`: what the system does",
    "adapters": "### `adapters`: the ports in the world",
    "entry": "### `entry`: where events come in",
}
_NOT_OURS = {"node_modules"}
_HIDDEN_BUT_OURS = {".ci", ".github"}


def modules(folder: Path, *, deep: bool = True) -> set[str]:
    """The modules below a folder. A package is one if it has code of its own."""
    found = set()
    for path in folder.glob("**/*.py" if deep else "*.py"):
        if path.name != "__init__.py":
            found.add(path.relative_to(folder).with_suffix("").as_posix())
        elif path.parent != folder and has_code(path):
            found.add(path.parent.relative_to(folder).as_posix())
    return found


def has_code(path: Path) -> bool:
    """Whether there is more in a module than its docstring."""
    statements = ast.parse(path.read_text("utf-8")).body
    return any(not isinstance(each, ast.Expr) for each in statements)


def test_every_floor_is_described():
    floors = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert floors == set(FLOORS)
    assert set(rows(section(TEXT, "### `o2o`: the package"))) == modules(PACKAGE, deep=False)


@pytest.mark.parametrize("floor", FLOORS)
def test_every_module_is_described_and_none_that_does_not_exist(floor):
    assert set(rows(section(TEXT, FLOORS[floor]))) == modules(PACKAGE / floor)


def test_every_folder_is_described():
    house = section(TEXT, "## The house").partition("\n###")[0]
    folders = {
        f"{path.name}/"
        for path in ROOT.iterdir()
        if path.is_dir() and path.name not in _NOT_OURS
        if not path.name.startswith(".") or path.name in _HIDDEN_BUT_OURS
    }
    assert set(rows(house)) == {folder for folder in folders if folder != "__pycache__/"}


def test_every_function_is_described():
    functions = {path.parent.name for path in ROOT.glob("functions/*/app.py")}
    assert set(rows(section(TEXT, "### The functions"))) == functions


def test_every_file_that_is_named_exists():
    named = set(re.findall(r"`([\w.-]+(?:/[\w.-]+)+/?)`", TEXT))
    # The recipe for a function makes these.
    made = {name for name in named if "count_codes" in name}
    files = {name for name in named - made if "." in Path(name).name or name.endswith("/")}
    assert "layers/shared/o2o/core/channels.py" in files
    for name in files:
        assert (ROOT / name).exists(), name
    for name in made:
        assert (ROOT / name).parent.exists() or (ROOT / name).parents[1].exists(), name


def test_every_name_in_a_recipe_is_in_a_file():
    """What a recipe has one search for can be found."""
    named = set(re.findall(r"`(_?[A-Z]{2}[A-Z_]+|_[a-z]+)`", section(TEXT, "## Recipes")))
    sources = [
        path.read_text("utf-8")
        for folder in ("layers", "simulator", "local", "tests", "tools")
        for suffix in ("py", "js")
        for path in (ROOT / folder).glob(f"**/*.{suffix}")
    ]
    text = "".join(sources) + read("template.yaml")
    assert {"_FACTS", "CHANNELS", "ROWS"} <= named
    assert {name for name in named if not re.search(rf"\b{name}\b", text)} == set()
