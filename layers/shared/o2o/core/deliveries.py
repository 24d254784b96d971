"""Deliveries: an event on its way to its storefront's endpoint.

An event waits (``pending``) until it is settled: delivered; dead, because every try of the retry
schedule failed; or without an endpoint to go to. Settled events can be sent again. A new event is
on no timetable: the queue carries it to its first try (decision 0093). An event whose endpoint is
paused (``paused``) waits too, and is on the timetable: it is sent at its next look after the
endpoint takes events again, however old it is and whatever else went wrong.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from o2o.core.events import EventType
from o2o.core.retries import Jitter, RetrySchedule, later

ATTEMPTS_SHOWN = 20
"""An event remembers this many of its attempts, the newest."""

DEAD_LETTERS_KEPT = timedelta(days=15)
"""A day longer than the queue of dead letters keeps an event's id."""

TIMEOUT = "timeout"
"""The error word of an attempt that took too long."""

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
"""An event with such a status must still be sent."""

AFTER_A_FAULT = timedelta(minutes=2)
"""When an event is tried that could not be queued, or not be tried, for a fault that is not its
endpoint's."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """An event as it is kept. ``payload`` is the exact text that the storefront gets.

    ``version`` counts the changes of the record itself, ``sequence`` those of the code, or the
    editions of the day's book; ``tries`` counts the attempts of the present round.
    ``invoice_number`` is None if it is about no code.
    """

    event_id: str
    type: EventType
    storefront_id: str
    invoice_number: str | None
    sequence: int
    created_at: datetime
    payload: str = field(repr=False)
    keep_until: datetime
    due_at: datetime | None = None
    status: DeliveryStatus = DeliveryStatus.PENDING
    tries: int = 0
    attempts: tuple[Attempt, ...] = ()
    version: int = 1

    @property
    def forget_at(self) -> datetime | None:
        """When it may go; None while it must still be sent.

        One that was tried lately stays as long as its id can be among the dead letters.
        """
        if self.status in WAITING:
            return None
        tried = [attempt.at + DEAD_LETTERS_KEPT for attempt in self.attempts[-1:]]
        return max([self.keep_until, *tried])

    @property
    def is_carried(self) -> bool:
        """Whether it is with the queue alone: it must be sent, and no timetable has it."""
        return self.status in WAITING and self.due_at is None

    def is_wanted(self, now: datetime) -> bool:
        """Whether it should be sent now: it is due, or new."""
        if self.status not in WAITING:
            return False
        # Version 0.1 had new events due in two minutes, and queued them at once.
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
        return later(now, min(max(age, SHORTEST_PAUSE), LONGEST_PAUSE), jitter)

    def after(self, attempt: Attempt, *, retries: RetrySchedule, jitter: Jitter) -> "EventRecord":
        """The event after a try."""
        tries = self.tries + 1
        due_at = None
        if attempt.delivered:
            status = DeliveryStatus.DELIVERED
        elif attempt.gone:
            status, tries = DeliveryStatus.PAUSED, 0
            due_at = self._pause_ends(attempt.at, jitter)
        else:
            due_at = retries.after(tries, attempt.at, jitter)
            status = DeliveryStatus.PENDING if due_at else DeliveryStatus.DEAD
        attempts = (*self.attempts, attempt)[-ATTEMPTS_SHOWN:]
        return self._next(status=status, due_at=due_at, tries=tries, attempts=attempts)

    def send_again(self, now: datetime) -> "EventRecord":
        """A new round, whatever became of the last one."""
        return self._next(status=DeliveryStatus.PENDING, due_at=now, tries=0)

    def without(self, payload: str, now: datetime) -> "EventRecord":
        """The event with what is left of its payload. One that must be sent still is.

        The queue carries an event to its first try only as long as nothing has changed in it.
        """
        return self._next(payload=payload, due_at=now if self.is_carried else self.due_at)

    def _next(self, **changes: object) -> "EventRecord":
        return replace(self, version=self.version + 1, **changes)  # type: ignore[arg-type]
