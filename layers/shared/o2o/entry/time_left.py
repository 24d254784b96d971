"""How long an invocation may still take."""

from typing import Any

from o2o.usecases.ports import TimeLeft


def time_left(context: Any) -> TimeLeft:
    """Seconds left of an invocation."""
    return lambda: float(context.get_remaining_time_in_millis()) / 1000
