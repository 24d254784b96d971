"""Rules of the house that no linter knows: tenancy, lost races, and docstrings that stand once."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import o2o.adapters
import o2o.usecases
from o2o.usecases import ports

FOLDER = Path(__file__).parents[2] / "layers" / "shared" / "o2o"
USE_CASES = sorted((FOLDER / "usecases").glob("*.py"))

READS = {"get", "get_history", "list_payments", "find_by_digits"}
"""What a store reads by a name that a storefront may have guessed."""

THE_ONE_READER = "owned_code.py"


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node


def calls(function: ast.AST) -> Iterator[tuple[str, str]]:
    """Every call as the name before the dot, if any, and the name that is called."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(name):
                    yield "", name
                case ast.Attribute(ast.Attribute(attr=owner) | ast.Name(id=owner), name):
                    yield owner, name


def forgets_whose(source: str) -> list[str]:
    """The functions that take a storefront's word for a number, and do not ask whose it is."""
    forgetful = []
    for function in functions(ast.parse(source)):
        names = {each.arg for each in (*function.args.args, *function.args.kwonlyargs)}
        if "storefront_id" not in names:
            continue
        asked = list(calls(function))
        guarded = any(name.startswith("owned_") for _, name in asked)
        named = names & {"order_number", "event_id", "event_ids"}
        unguarded = {
            f"{owner}.{name}" for owner, name in asked if name in READS and owner in STORES
        }
        if (named and not guarded) or unguarded - LIST_OF_A_GUARDED_CODE:
            forgetful.append(function.name)
    return forgetful


STORES = {"codes", "events"}
LIST_OF_A_GUARDED_CODE = {"codes.list_payments", "codes.get_payment"}
"""It needs the code's order number, and comes after the guard."""


@pytest.mark.parametrize("module", USE_CASES, ids=lambda path: path.stem)
def test_a_storefront_s_word_for_a_number_goes_through_the_one_reader(module: Path) -> None:
    if module.name == THE_ONE_READER:
        return
    assert forgets_whose(module.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("cancel_code", "owned_code(self.codes, storefront_id, order_number)"),
        ("refresh_code", "owned_code(self.codes, storefront_id, order_number)"),
        ("resolve_payment", "owned_code(self.codes, storefront_id, order_number)"),
        ("explain_payment", "owned_code(self.codes, storefront_id, order_number)"),
        ("read_codes", "owned_code(self.codes, storefront_id, order_number)"),
        (
            "read_codes",
            "owned_history(self.codes, storefront_id, order_number, payments=PAYMENTS_SHOWN)",
        ),
        ("browse_events", "owned_event(self.events, storefront_id, event_id)"),
    ],
)
def test_the_rule_finds_a_use_case_that_forgets(module: str, call: str) -> None:
    """Shown by removing the call."""
    source = (FOLDER / "usecases" / f"{module}.py").read_text("utf-8")
    assert call in source
    unguarded = call.partition("(")[2].partition(",")[0] + ".get(order_number)"
    assert forgets_whose(source.replace(call, unguarded))


def test_lost_races_are_retried_in_one_place() -> None:
    """Elsewhere VersionConflict may be caught to give up, and never inside a loop."""
    looping = [
        path.name
        for path in FOLDER.rglob("*.py")
        for loop in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(loop, ast.For | ast.While)
        for handler in ast.walk(loop)
        if isinstance(handler, ast.ExceptHandler)
        and handler.type is not None
        and "VersionConflict" in ast.unparse(handler.type)
    ]
    assert looping == ["retry_on_conflict.py"]


# --- docstrings ------------------------------------------------------------------------------

PORTS = {
    name: port
    for name, port in vars(ports).items()
    if inspect.isclass(port) and getattr(port, "_is_protocol", False) and name != "Protocol"
}


def adapters() -> Iterator[type]:
    for found in pkgutil.walk_packages(o2o.adapters.__path__, "o2o.adapters."):
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if inspect.isclass(value) and value.__module__ == found.name:
                yield value


def test_every_port_has_an_adapter_that_says_so() -> None:
    built = {port.__name__ for adapter in adapters() for port in adapter.__mro__[1:]}
    assert set(PORTS) <= built


@pytest.mark.parametrize("adapter", sorted(adapters(), key=repr), ids=lambda each: each.__name__)
def test_an_adapter_s_methods_are_explained_once(adapter: type) -> None:
    for name, method in inspect.getmembers(adapter, inspect.isfunction):
        inherited = method.__module__ != adapter.__module__
        if name.startswith("_") or adapter.__name__.startswith("_") or inherited:
            continue
        assert inspect.getdoc(method), f"{adapter.__name__}.{name}"
        of_port = next(
            (p for p in PORTS.values() if p in adapter.__mro__ and name in vars(p)), None
        )
        if of_port is not None:
            assert method.__doc__ is None, f"{adapter.__name__}.{name} repeats its port"
