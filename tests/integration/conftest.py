"""A running stack for the examples."""

from collections.abc import Iterator

import pytest

from tests.local.support import LocalStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """One running stack, as somebody who integrates would start it."""
    running = LocalStack(folder=tmp_path_factory.mktemp("integration"))
    running.start()
    yield running
    running.http.close()
    running.stop()
