"""The whole stack, as somebody who starts it on a desk has it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.local_stack import LocalStack, started


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """One running stack for all tests that leave it as they found it."""
    running = LocalStack(folder=tmp_path_factory.mktemp("stack"))
    running.start()
    yield running
    running.http.close()
    code, printed = running.stop()
    assert (code, "Traceback" in printed) == (0, False), printed


@pytest.fixture(scope="module")
def fresh_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack for the tests of one file: nothing has happened in it, and its clock is right."""
    with started(tmp_path_factory.mktemp("fresh")) as fresh:
        yield fresh


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[LocalStack]:
    """A stack for one test that kills it; it is not started yet."""
    own = LocalStack(folder=tmp_path / "state")
    yield own
    own.http.close()
    if own.process is not None:
        own.kill()
