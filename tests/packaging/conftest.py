"""What `make build` left, if it is of this very tree."""

from pathlib import Path

import pytest

from tests.support.machine import lack
from tools import artefacts, build


@pytest.fixture(scope="session")
def built() -> None:
    if not (build.ROOT / ".venv" / "bin" / "python3.13").exists():
        lack("python3.13", "install it, on PATH or in pyenv's versions folder, then make clean")
    if not build.is_up_to_date():
        lack("artefacts of these sources", "make build")


@pytest.fixture(scope="session")
def import_path(built: None, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What stands beside a function on Lambda's import path."""
    return artefacts.lay_out(tmp_path_factory.mktemp("lambda"))
