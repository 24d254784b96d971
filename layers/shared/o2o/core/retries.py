"""When a failed webhook is tried again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

Jitter = Callable[[timedelta], timedelta]
"""A random share of a duration, so that what failed together is not tried again together."""

FAILING_AFTER = 3
"""An endpoint that failed this often in a row is taken for down; one that hangs, at once: each
try would occupy a thread for as long as we wait."""

LONGEST_PUT_OFF = timedelta(hours=1)
"""An endpoint that is down is probed at least this often, so that it is soon found back."""


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """``waits``: before the second try, the third one, and so on; after the last, no more."""

    waits: tuple[timedelta, ...]

    @property
    def span(self) -> timedelta:
        """From the first try to the last."""
        return sum(self.waits, timedelta())

    def after(self, tries: int, now: datetime, jitter: Jitter) -> datetime | None:
        """When to try again after that many failed tries, or None: give up."""
        if tries > len(self.waits):
            return None
        return later(now, self.waits[tries - 1], jitter)

    def probe_after(self, failures: int, now: datetime, jitter: Jitter) -> datetime:
        """When an endpoint that failed so often in a row is tried next."""
        beyond = max(failures - FAILING_AFTER, 0)
        wait = self.waits[beyond] if beyond < len(self.waits) else LONGEST_PUT_OFF
        return later(now, min(wait, LONGEST_PUT_OFF), jitter)


def later(now: datetime, wait: timedelta, jitter: Jitter) -> datetime:
    """After a wait, and up to a fifth of it more."""
    return now + wait + jitter(wait / 5)
