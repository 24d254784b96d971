"""The clock that all processes of a local stack share: real time plus an offset in a file."""

import math
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.errors import StackError

_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class SharedClock:
    """A clock that can be moved forward. Its offset survives a restart, as the data does.

    Only the supervisor moves it; workers and the simulator read it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    @property
    def offset_seconds(self) -> float:
        """Seconds by which this clock is ahead of real time. Raises ``StackError``."""
        try:
            return float(self._path.read_text())
        except FileNotFoundError:
            return 0.0
        except ValueError:
            raise StackError(
                f"{self._path} must hold the seconds by which the clock was moved: write 0, or"
                " delete the whole folder."
            ) from None

    def now(self) -> datetime:
        """The current time of the stack, aware UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.offset_seconds)

    def ages(self) -> float:
        """Seconds of a monotonic clock that are moved with it: what is cached grows old by them."""
        return time.monotonic() + self.offset_seconds

    def advance(self, seconds: float) -> None:
        """Move the clock forward, never back: the system relies on time that only grows.

        Raises ``ValueError`` if ``seconds`` is negative or not finite, or leads past the year 2199.
        """
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError("The clock moves forward only, by 0 or more seconds.")
        with self._lock:
            if seconds > (_LATEST - self.now()).total_seconds():
                raise ValueError("The clock can't go past the year 2199.")
            fresh = self._path.with_name(f"{self._path.name}.new")
            fresh.write_text(repr(self.offset_seconds + seconds))
            fresh.replace(self._path)
