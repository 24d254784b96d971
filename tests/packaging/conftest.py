"""What `make build` left, if it is of this very tree."""

import os
from pathlib import Path

import pytest

from tools import artefacts, build


def _reason_to_do_without() -> str | None:
    if not (build.ROOT / ".venv" / "bin" / "python3.13").exists():
        return "there is no Python 3.13, on PATH or in pyenv's versions folder, to build with"
    if not build.is_up_to_date():
        return "what is deployed was built from other sources: run `make build`"
    return None


@pytest.fixture(scope="session")
def built() -> None:
    reason = _reason_to_do_without()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(f"The artefacts can't be tested: {reason}.")
    if reason:
        pytest.skip(f"The artefacts are not tested: {reason}.")


@pytest.fixture(scope="session")
def import_path(built: None, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What stands beside a function on Lambda's import path."""
    return artefacts.lay_out(tmp_path_factory.mktemp("lambda"))
