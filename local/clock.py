"""The clock that every process of one local stack shares: real time plus an offset in a file."""

import math
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class SharedClock:
    """Tells aware UTC time. Its offset survives a restart, as the data does.

    One process, the supervisor, moves it; workers and simulator only read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    @property
    def offset_seconds(self) -> float:
        """How far this clock is ahead of real time, in seconds."""
        try:
            return float(self._path.read_text())
        except FileNotFoundError:
            return 0.0

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.offset_seconds)

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        Raises ``ValueError`` for anything but a finite number of seconds of 0 or more, or for one
        that leads past the year 2199. Nothing in the system is made for time that runs backwards.
        """
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError("The clock moves forward by 0 or more seconds.")
        with self._lock:
            if seconds > (_LATEST - self.now()).total_seconds():
                raise ValueError("The clock goes to the year 2199.")
            fresh = self._path.with_name(f"{self._path.name}.new")
            fresh.write_text(repr(self.offset_seconds + seconds))
            fresh.replace(self._path)
