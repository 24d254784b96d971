"""The usage plan of the local API Gateway: how fast each caller may send."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """So many requests a second, and so many at once after a while without any."""

    rate: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePlan:
    """The throttle of each API key, and those that methods have of their own: ``GET /path``."""

    plan_id: str
    throttle: Throttle
    methods: Mapping[str, Throttle]


@dataclass(slots=True)
class _Bucket:
    tokens: float
    seen_at: datetime


class Usage:
    """Counts requests by API key as a usage plan does: with token buckets.

    Any key counts as one that exists: the table outlives a restart, API Gateway's keys do not.
    """

    def __init__(self, plan: UsagePlan) -> None:
        self._plan = plan
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def take(self, key: str, method: str, now: datetime) -> bool:
        """Count one request; whether the key's rate allows it. What is refused costs nothing."""
        throttle = self._plan.methods.get(method)
        name = (key, "" if throttle is None else method)
        throttle = throttle or self._plan.throttle
        bucket = self._buckets.setdefault(name, _Bucket(throttle.burst, now))
        passed = max(0.0, (now - bucket.seen_at).total_seconds())
        bucket.tokens = min(throttle.burst, bucket.tokens + passed * throttle.rate)
        bucket.seen_at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True
