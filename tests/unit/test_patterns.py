"""No pattern goes back and forth over a text: its steps grow as the text does, whoever wrote it.

A text of a stranger's that takes a thousand times as long as another one of its length is a way to
stop a function. Counted are steps, so that no watch is looked at.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import o2o
from tests.support.patterns import Steps, TooManySteps, literals

OF_OUR_OWN = {"o2o.entry.http._PARAMETER", "o2o.entry.describe_api._LINK"}
"""Only read what we have written."""
_TIMES = 15
_MOST = 20_000


def patterns() -> Iterator[tuple[str, "re.Pattern[Any]"]]:
    """Every pattern of the package, by its name."""
    for found in pkgutil.walk_packages(o2o.__path__, "o2o."):
        module = importlib.import_module(found.name)
        source = Path(str(module.__file__)).read_text("utf-8")
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern) and re.search(rf"^{name} = ", source, re.MULTILINE):
                yield f"{found.name}.{name}", value


PATTERNS = dict(patterns())


def is_searched(name: str) -> bool:
    """Whether it is looked for at every place of a text."""
    module, _, attribute = name.rpartition(".")
    source = Path(str(importlib.import_module(module).__file__)).read_text("utf-8")
    return bool(re.search(rf"\b{attribute}\.(search|sub|findall|finditer|split)\(", source))


def count(pattern: "re.Pattern[Any]", text: str, *, searched: bool) -> int:
    """The steps to the end of all attempts."""
    steps = Steps(pattern, text.encode() if isinstance(pattern.pattern, bytes) else text, _MOST)
    if searched:
        steps.search()
    else:
        steps.match(whole=True)
    return steps.count


def worst(pattern: "re.Pattern[Any]", *, searched: bool) -> tuple[float, str]:
    """How the steps grow at most when a text is twice as long, and with which words repeated."""
    words = [each for each in literals(pattern) if each.isascii()]
    found = (0.0, "")
    for before, one, two in product(("", *words), words, ("", *words)):
        again = one + two
        try:
            once, twice = (
                count(pattern, before + again * times + "\0", searched=searched)
                for times in (_TIMES, 2 * _TIMES)
            )
        except (TooManySteps, RecursionError):
            return float("inf"), again
        found = max(found, (twice / once, again))
    return found


@pytest.mark.parametrize("name", sorted(PATTERNS.keys() - OF_OUR_OWN))
def test_no_pattern_goes_back_and_forth(name: str) -> None:
    growth, words = worst(PATTERNS[name], searched=is_searched(name))
    assert growth < 2.6, words


@pytest.mark.parametrize(
    ("pattern", "searched"),
    [
        (r"(a+)+b", False),
        (r"(a|a)*b", False),
        (r"a*a*b", False),
        (r"(<!--.*?-->\s*)*<svg", False),
        (r"[a-z]+\.x", True),
    ],
)
def test_what_goes_back_and_forth_is_found(pattern: str, *, searched: bool) -> None:
    growth, _ = worst(re.compile(pattern, re.DOTALL), searched=searched)
    assert growth > 3


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_it_counts_what_python_matches(name: str) -> None:
    pattern = PATTERNS[name]
    for text in (*literals(pattern), "".join(literals(pattern)), "aa.bb", "2026-03-01T03:00:00Z"):
        given: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
        if pattern.match(given):
            assert Steps(pattern, given, _MOST).match(whole=False)
