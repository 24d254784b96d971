"""The endpoints that storefronts' events go to, and how each of them fares.

While an endpoint fails, one event at a time probes it and the others are put off without a
try: a storefront that is down costs next to nothing, and never delays another one's events.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from o2o.core.deliveries import TIMEOUT, Attempt
from o2o.core.retries import FAILING_AFTER, Jitter, RetrySchedule


class PauseReason(StrEnum):
    """Why no event is sent to an endpoint."""

    OPERATOR = "operator"
    GONE = "gone"
    """It answered 410."""
    DEAD = "dead"
    """It took nothing for the whole retries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a storefront wants its events, and how it fares.

    ``secret_version`` names the signing secret; until ``previous_valid_until`` the version
    before signs as well. ``probe_at`` is the next slot of an endpoint that is down.
    """

    storefront_id: str
    url: str
    secret_version: int = 1
    previous_valid_until: datetime | None = None
    paused_at: datetime | None = None
    pause_reason: PauseReason | None = None
    failures: int = 0
    failing_since: datetime | None = None
    probe_at: datetime | None = None
    version: int = 1

    @property
    def is_paused(self) -> bool:
        """Whether no event is sent to it."""
        return self.paused_at is not None

    @property
    def is_down(self) -> bool:
        """Whether it is only probed."""
        return self.probe_at is not None

    def secret_versions(self, now: datetime) -> tuple[int, ...]:
        """The secrets that sign, the newest first."""
        if self.previous_valid_until is not None and now < self.previous_valid_until:
            return self.secret_version, self.secret_version - 1
        return (self.secret_version,)

    def point_to(self, url: str) -> "Endpoint":
        """Send to another address, as to one that has never failed."""
        return replace(self.resume(), url=url)

    def rotate(self, valid_until: datetime) -> "Endpoint":
        """A new secret; the former one signs too until then."""
        return self._next(secret_version=self.secret_version + 1, previous_valid_until=valid_until)

    def pause(self, now: datetime, reason: PauseReason) -> "Endpoint":
        """Send nothing more until it is resumed."""
        return self._next(paused_at=self.paused_at or now, pause_reason=reason, probe_at=None)

    def resume(self) -> "Endpoint":
        """Send again, as to an endpoint that has never failed."""
        return self._next(
            paused_at=None, pause_reason=None, failures=0, failing_since=None, probe_at=None
        )

    def probe(self, retries: RetrySchedule, now: datetime, jitter: Jitter) -> "Endpoint":
        """Take the slot: until the next one, no other event is tried."""
        return self._next(probe_at=retries.probe_after(self.failures, now, jitter))

    def after(
        self, attempt: Attempt, *, retries: RetrySchedule, jitter: Jitter
    ) -> "Endpoint | None":
        """The endpoint after a try, or None: nothing has changed."""
        if self.is_paused:
            return None
        if attempt.delivered:
            return self.resume() if self.failures else None
        if attempt.gone:
            return self.pause(attempt.at, PauseReason.GONE)
        since = self.failing_since or attempt.at
        failures = self.failures + 1
        if attempt.error == TIMEOUT:
            failures = max(failures, FAILING_AFTER)
        failing = self._next(failures=failures, failing_since=since)
        if attempt.at - since >= retries.span:
            return replace(failing, paused_at=attempt.at, pause_reason=PauseReason.DEAD)
        if failures < FAILING_AFTER:
            return failing
        return replace(failing, probe_at=retries.probe_after(failures, attempt.at, jitter))

    def _next(self, **changes: object) -> "Endpoint":
        return replace(self, version=self.version + 1, **changes)  # type: ignore[arg-type]
