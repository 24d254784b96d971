"""What every test can count on."""

import os
from pathlib import Path

import pytest

from tests.support import examples
from tests.support.machine import (  # noqa: F401 - hooks
    pytest_sessionfinish,
    pytest_terminal_summary,
)

# Read once, by whichever test is the first to load a function or what its handler needs.
os.environ["POWERTOOLS_SERVICE_NAME"] = "o2o"
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "O2O"

examples.register()

_SLOWEST = ("system", "local", "contract")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slowest levels first, so that no worker is left with them at the end."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        level = item.path.relative_to(here).parts[0]
        return _SLOWEST.index(level) if level in _SLOWEST else len(_SLOWEST)

    items.sort(key=place)
