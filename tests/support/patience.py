"""How long a test waits for what must come. It looks often, so patience costs nothing when all is
well; it is long enough for a machine that is ten times slower and busy with something else.
"""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 300.0
CALL_SECONDS = 120.0
"""For one answer over HTTP."""

Found = TypeVar("Found")


def until(
    look: Callable[[], Found | None],
    what: str = "something to see",
    *,
    seconds: float = PATIENCE_SECONDS,
) -> Found:
    """Look again and again until there is something to see; fail after a long while."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)
    return found
