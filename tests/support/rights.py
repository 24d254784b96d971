"""A plugin of pytest's: writes the rights that the functions' tests used, see ``test_exact``."""

import json
import os
from pathlib import Path

import pytest

from tests.integration.functions.conftest import ROLES


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write them into the file that the environment names."""
    Path(os.environ["O2O_RIGHTS"]).write_text(json.dumps(sorted(ROLES.used)), "utf-8")
