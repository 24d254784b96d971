"""Waits for what happens by itself."""

import time
from collections.abc import Callable

from local.demo import UnexpectedResult

_PATIENCE_SECONDS = 150.0


def wait_for(what: str, holds: Callable[[], bool]) -> None:
    """Look until it holds. Raises ``UnexpectedResult`` if it does not."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise UnexpectedResult(f"Expected {what} within {_PATIENCE_SECONDS:.0f} seconds.")
        time.sleep(0.5)
