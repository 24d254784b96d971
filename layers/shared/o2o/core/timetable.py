"""When the system must next look at a payment code by itself.

Every rule is a function of instants that the code carries already, so that no attempt
is counted: the next look is the first one of a timetable that is still to come.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what need not be kept for good is kept, from when we learnt of it.

    ``codes``: the personal data on a final code. ``evidence``: DOKU's signed messages. Evidence
    may not go before its code: raises ValueError.
    """

    codes: timedelta
    evidence: timedelta

    def __post_init__(self) -> None:
        if self.evidence < self.codes:
            raise ValueError("evidence may not be kept for less time than the codes that it proves")


@dataclass(frozen=True, slots=True)
class Timetable:
    """The settings.

    ``requested``: after creation, while DOKU's answer is missing.
    ``active``: after activation, for a payment whose notification was lost.
    ``inquired``: after a till was told that it may take the money, for the same; the last one
    must lie behind the time that a cashier takes, and the 60 seconds after which DOKU shows a
    payment (DOKU protocol, section 7).
    ``grace``: how long after its expiry a code whose payment DOKU does not report stays open.
    ``guess``: how long an expiry is put off while DOKU can't be asked.
    ``look_again``: after the end of a code that was not paid; the last one must lie behind
    DOKU's last retry of a notification (17.5 hours; DOKU protocol, section 6).

    In the first two the last entry repeats.
    """

    requested: tuple[timedelta, ...]
    active: tuple[timedelta, ...]
    inquired: tuple[timedelta, ...]
    grace: timedelta
    guess: timedelta
    look_again: tuple[timedelta, ...]

    def when_new(self, created_at: datetime, expires_at: datetime) -> datetime:
        """When to look at a code that was just created.

        As if it were active already, which nearly all are a second later. Whoever hears that DOKU
        did not answer has it looked at sooner (decision 0094).
        """
        return self.after_activation(created_at, expires_at, created_at)

    def after_request(self, created_at: datetime, expires_at: datetime, now: datetime) -> datetime:
        """When to ask for DOKU's answer again; at the expiry at the latest."""
        return _before_expiry(_next_look(created_at, self.requested, now), expires_at, now)

    def after_activation(
        self,
        activated_at: datetime,
        expires_at: datetime,
        now: datetime,
        inquired_at: datetime | None = None,
    ) -> datetime:
        """When to ask DOKU whether the code was paid; at its expiry at the latest.

        ``inquired_at`` is when a till was last told that it may take the money, if no payment
        followed.
        """
        looks = [_next_look(activated_at, self.active, now), *self._after_inquiry(inquired_at, now)]
        return _before_expiry(min(looks), expires_at, now)

    def while_unreachable(self, since: datetime, now: datetime) -> datetime:
        """When to try again to ask a DOKU that can't be reached, counted from an instant."""
        return _next_look(since, self.requested, now)

    def once_over(self, since: datetime, now: datetime) -> datetime:
        """When to try again to ask about a code whose time is over: less and less often."""
        return _next_look(since, self.active, now)

    def after_end(
        self, ends: Iterable[datetime], now: datetime, inquired_at: datetime | None = None
    ) -> datetime | None:
        """When to look again at a code that ended unpaid, or None: it is final.

        ``inquired_at`` as in ``after_activation``: the till may still take the money.
        """
        looks = [end + offset for end in ends for offset in self.look_again]
        looks += self._after_inquiry(inquired_at, now)
        return min((look for look in looks if look > now), default=None)

    def _after_inquiry(self, inquired_at: datetime | None, now: datetime) -> list[datetime]:
        """The looks after an inquiry that are still to come."""
        if inquired_at is None:
            return []
        return [inquired_at + each for each in self.inquired if inquired_at + each > now]


def _before_expiry(look: datetime, expires_at: datetime, now: datetime) -> datetime:
    return min(look, max(expires_at, now))


def _next_look(since: datetime, offsets: Sequence[timedelta], now: datetime) -> datetime:
    for offset in offsets:
        if since + offset > now:
            return since + offset
    last = offsets[-1]
    return since + last * ((now - since) // last + 1)
