"""Webhooks: an event on its way to a storefront, and the endpoint that it goes to.

An event waits (``pending``) until it is settled: delivered; dead, because no try of the timetable
succeeded; or without an endpoint to go to. Settled events can be sent again. An event whose
endpoint is paused (``paused``) waits too, and stays on the timetable: it is sent at its next look
after the endpoint takes events again, however old it is and whatever else went wrong.

While an endpoint fails, one event at a time probes it and the others are put off without a
try: a storefront that is down costs next to nothing, and never delays another one's events.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from o2o.core.events import EventType

Jitter = Callable[[timedelta], timedelta]
"""A random share of a duration, so that what failed together is not tried again together."""

ATTEMPTS_SHOWN = 20
"""An event remembers this many of its attempts, the newest."""

FAILING_AFTER = 3
"""An endpoint that failed this often in a row is taken for down; one that hangs, at once: each
try would keep a place busy for as long as we wait."""

TIMEOUT = "timeout"
"""The error word of an attempt that took too long."""

LONGEST_PUT_OFF = timedelta(hours=1)
"""An endpoint that is down is probed at least this often, so that it is soon found back."""

SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(hours=1), timedelta(days=1)
"""How long until the next look at a paused event: as long as the event is old, between these."""

_SUCCESS = 2
_GONE = 410


class DeliveryStatus(StrEnum):
    """Where an event is on its way to its storefront."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    PAUSED = "paused"
    NO_ENDPOINT = "no_endpoint"


WAITING = (DeliveryStatus.PENDING, DeliveryStatus.PAUSED)
"""An event with such a status is on the timetable."""


class PauseReason(StrEnum):
    """Why an endpoint gets nothing."""

    OPERATOR = "operator"
    GONE = "gone"
    """It answered 410."""
    DEAD = "dead"
    """It took nothing for the whole timetable."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST to an endpoint: an answer's status code, or the error word that stood for it."""

    at: datetime
    duration_ms: int
    status_code: int | None = None
    error: str | None = None

    @property
    def delivered(self) -> bool:
        """Whether the endpoint took the event."""
        return self.status_code is not None and self.status_code // 100 == _SUCCESS

    @property
    def gone(self) -> bool:
        """Whether the endpoint wants no more events at all."""
        return self.status_code == _GONE


@dataclass(frozen=True, slots=True)
class RetryTimetable:
    """``waits``: before the second try, the third one, and so on; after the last, no more."""

    waits: tuple[timedelta, ...]

    @property
    def span(self) -> timedelta:
        """From the first try to the last."""
        return sum(self.waits, timedelta())

    def after(self, tries: int, now: datetime, jitter: Jitter) -> datetime | None:
        """When to try again after so many failed tries, or None: give up."""
        if tries > len(self.waits):
            return None
        return _later(now, self.waits[tries - 1], jitter)

    def probe_after(self, failures: int, now: datetime, jitter: Jitter) -> datetime:
        """When an endpoint that failed so often in a row is tried next."""
        beyond = max(failures - FAILING_AFTER, 0)
        wait = self.waits[beyond] if beyond < len(self.waits) else LONGEST_PUT_OFF
        return _later(now, min(wait, LONGEST_PUT_OFF), jitter)


def _later(now: datetime, wait: timedelta, jitter: Jitter) -> datetime:
    return now + wait + jitter(wait / 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """An event as it is kept. ``payload`` is the exact text that the storefront gets.

    ``version`` counts the changes of the record itself, ``sequence`` those of the code;
    ``tries`` counts the attempts since ``tried_since``, when the present round began.
    """

    event_id: str
    type: EventType
    storefront_id: str
    invoice_number: str
    sequence: int
    created_at: datetime
    payload: str = field(repr=False)
    keep_until: datetime
    tried_since: datetime
    due_at: datetime | None
    status: DeliveryStatus = DeliveryStatus.PENDING
    tries: int = 0
    attempts: tuple[Attempt, ...] = ()
    version: int = 1

    def is_wanted(self, now: datetime) -> bool:
        """Whether it should be sent now: its time has come, or nobody has looked at it yet."""
        if self.status not in WAITING:
            return False
        return self.version == 1 or (self.due_at is not None and self.due_at <= now)

    def settle(self, status: DeliveryStatus) -> "EventRecord":
        """The end of this round, without a try."""
        return self._next(status=status, due_at=None)

    def put_off(self, due_at: datetime) -> "EventRecord":
        """Later, without a try."""
        return self._next(status=DeliveryStatus.PENDING, due_at=due_at)

    def pause(self, now: datetime, jitter: Jitter) -> "EventRecord":
        """Its endpoint takes no events now; once it does again, a new round of tries begins."""
        return self._next(
            status=DeliveryStatus.PAUSED, due_at=self._pause_ends(now, jitter), tries=0
        )

    def _pause_ends(self, now: datetime, jitter: Jitter) -> datetime:
        age = now - self.created_at
        return _later(now, min(max(age, SHORTEST_PAUSE), LONGEST_PAUSE), jitter)

    def after(
        self, attempt: Attempt, *, timetable: RetryTimetable, jitter: Jitter
    ) -> "EventRecord":
        """The event after a try."""
        tries = self.tries + 1
        due_at = None
        if attempt.delivered:
            status = DeliveryStatus.DELIVERED
        elif attempt.gone:
            status, tries = DeliveryStatus.PAUSED, 0
            due_at = self._pause_ends(attempt.at, jitter)
        else:
            due_at = timetable.after(tries, attempt.at, jitter)
            status = DeliveryStatus.PENDING if due_at else DeliveryStatus.DEAD
        attempts = (*self.attempts, attempt)[-ATTEMPTS_SHOWN:]
        return self._next(status=status, due_at=due_at, tries=tries, attempts=attempts)

    def send_again(self, now: datetime) -> "EventRecord":
        """A new round, whatever became of the last one."""
        return self._next(status=DeliveryStatus.PENDING, due_at=now, tried_since=now, tries=0)

    def _next(self, **changes: object) -> "EventRecord":
        return replace(self, version=self.version + 1, **changes)  # type: ignore[arg-type]


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
        """Whether it gets nothing."""
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
        """Another address, which has failed nobody yet."""
        return replace(self.resume(), url=url)

    def rotate(self, valid_until: datetime) -> "Endpoint":
        """A new secret; the former one signs too until then."""
        return self._next(secret_version=self.secret_version + 1, previous_valid_until=valid_until)

    def pause(self, now: datetime, reason: PauseReason) -> "Endpoint":
        """Nothing more, until somebody resumes it."""
        return self._next(paused_at=self.paused_at or now, pause_reason=reason, probe_at=None)

    def resume(self) -> "Endpoint":
        """As good as new."""
        return self._next(
            paused_at=None, pause_reason=None, failures=0, failing_since=None, probe_at=None
        )

    def probe(self, timetable: RetryTimetable, now: datetime, jitter: Jitter) -> "Endpoint":
        """Take the slot: until the next one, nobody else tries."""
        return self._next(probe_at=timetable.probe_after(self.failures, now, jitter))

    def after(
        self, attempt: Attempt, *, timetable: RetryTimetable, jitter: Jitter
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
        if attempt.at - since >= timetable.span:
            return replace(failing, paused_at=attempt.at, pause_reason=PauseReason.DEAD)
        if failures < FAILING_AFTER:
            return failing
        return replace(failing, probe_at=timetable.probe_after(failures, attempt.at, jitter))

    def _next(self, **changes: object) -> "Endpoint":
        return replace(self, version=self.version + 1, **changes)  # type: ignore[arg-type]
