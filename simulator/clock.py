"""The simulator's clock, and the forms in which DOKU writes an instant."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from http import HTTPStatus

from simulator.errors import ControlError

WIB = timezone(timedelta(hours=7), "WIB")
"""Western Indonesia Time, UTC+7: the time of DOKU's compact dates."""

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)

_UTC_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)

Now = Callable[[], datetime]


def machine_now() -> datetime:
    """Return the present instant by the machine's own clock, aware UTC.

    Timestamps of signatures are made and judged by it: whoever sends or checks them has no other
    clock. Everything else follows the account's clock, which can be moved.
    """
    return datetime.now(UTC)


class Clock:
    """Gives the time in UTC: real time plus an offset, or a clock that another program owns.

    Only the first kind can be moved.
    """

    def __init__(self, now: Now | None = None, offset_seconds: float = 0.0) -> None:
        self._now = now
        self._offset = timedelta(seconds=offset_seconds)

    @property
    def offset_seconds(self) -> float:
        """How far the clock was moved away from real time, in seconds."""
        return self._offset.total_seconds()

    def now(self) -> datetime:
        """Return the present instant, aware UTC."""
        if self._now is not None:
            return self._now().astimezone(UTC)
        return machine_now() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock; a negative number moves it back.

        Raises ``ControlError`` if another program owns the clock or it would leave the years 2000
        to 2199.
        """
        if self._now is not None:
            raise ControlError(
                "This simulator shares the clock of the program that started it: move it there.",
                HTTPStatus.CONFLICT,
            )
        try:
            moved = self.now() + timedelta(seconds=seconds)
        except (OverflowError, ValueError):
            moved = _LATEST
        if not math.isfinite(seconds) or not _EARLIEST <= moved < _LATEST:
            raise ControlError("The clock only goes from the year 2000 to 2199.")
        self._offset += timedelta(seconds=seconds)


def instant(seconds: float) -> datetime:
    """Return a stored instant, in seconds since 1970, as an aware UTC datetime."""
    return datetime.fromtimestamp(seconds, UTC)


def utc_text(at: datetime) -> str:
    """``2021-01-24T08:30:00Z``: the form of DOKU's headers and UTC dates."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_utc_text(text: str) -> datetime | None:
    """Read ``2021-01-24T08:30:00Z`` and no other form; ``None`` if it is no instant."""
    if not _UTC_TEXT.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:  # such as 31 February
        return None


def wib_compact(at: datetime) -> str:
    """``20210124153000``: the compact WIB form."""
    return at.astimezone(WIB).strftime("%Y%m%d%H%M%S")
