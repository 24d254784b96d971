"""What is going to happen on a day, or on many: all of it follows from the numbers and the seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

PAID = 0.61
"""Slightly more than the 60 % that are to be paid: a few customers are turned away."""
LOST = 0.05
DOUBLED = 0.05
LATE = 0.02
AWAY = 0.10
"""The part of the day for which DOKU is away, in ``SPANS`` pieces."""
SPANS = 6

_LATEST_SECONDS = 17 * HOUR
"""DOKU's last retry is no later (DOKU protocol, section 6)."""
_FEATURES = (
    ("alfa", "dgpc", None, 40),
    ("indomaret", "dgpc", None, 30),
    ("alfa", "mgpc", "889955", 8),
    ("indomaret", "mgpc", "88900", 5),
    ("alfa", "dipc", "70014", 10),
    ("indomaret", "dipc", "88900", 7),
)
"""Channel, feature, BIN and how often."""
_EXPIRY_MINUTES = ((20, 10), (60, 45), (180, 25), (720, 10), (1440, 10))
_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "error_5xx"},
    {"kind": "reset"},
    {"kind": "error_5xx", "accepted": True},
    {"kind": "firewall"},
    {"kind": "half_answer"},
    {"kind": "unavailable"},
)
"""How DOKU may be away: with and without having done its work before."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A customer comes to the till and pays."""

    at: float
    """Seconds since the day began."""
    receipt_number: str
    notify: dict[str, Any] | str
    """What becomes of the notification: ``send``, or a fault of the simulator."""
    amount: int | None = None
    """What is paid, if it is not what was asked for."""


@dataclass(frozen=True, slots=True)
class Order:
    """A code that a shop asks for, and what comes of it."""

    shop: int
    invoice_number: str
    at: float
    channel: str
    feature: str
    bin: str | None
    amount: int
    expires_in_minutes: int
    reusable: bool
    visits: tuple[Visit, ...]
    cancelled_at: float | None

    def body(self) -> dict[str, Any]:
        """The request for the code."""
        return {
            "invoice_number": self.invoice_number,
            "amount": self.amount,
            "channel": self.channel,
            "feature": self.feature,
            "customer": {"name": "Anton Budiman"},
            "expires_in_minutes": self.expires_in_minutes,
            "reusable": self.reusable,
            **({"bin": self.bin} if self.bin else {}),
        }


@dataclass(frozen=True, slots=True)
class Away:
    """A span in which DOKU is away: its API fails, and no till takes money through it."""

    begins: float
    ends: float
    fault: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """A day, or several."""

    seed: int
    days: int
    orders: tuple[Order, ...]
    away: tuple[Away, ...]
    kills: tuple[float, ...]

    def visits(self) -> Iterator[Visit]:
        """All visits to a till."""
        return (visit for order in self.orders for visit in order.visits)


def make_plan(
    *, codes: int, seed: int, kills: int, shops: int, days: int = 1, mismatched: float = 0
) -> Plan:
    """The days of this seed: the same for the same numbers.

    ``mismatched`` is the share of codes for one payment of which another amount is paid.
    """
    chance = random.Random(seed)  # noqa: S311 (a plan, not a secret)
    away = tuple(_spans(chance, days))
    each = iter(range(1, 10 * codes + 1))
    orders = sorted(
        (_order(chance, number, shops, away, each, days * DAY) for number in range(codes)),
        key=lambda order: order.at,
    )
    # Never in the first minutes: a kill is to hit a stack that is at work.
    span = days * DAY
    moments = tuple(sorted(chance.uniform(span * 0.02, span * 0.99) for _ in range(kills)))
    wrong = [_mismatched(chance, order, mismatched) for order in orders] if mismatched else orders
    return Plan(seed, days, tuple(wrong), away, moments)


def _mismatched(chance: random.Random, order: Order, share: float) -> Order:
    """The order, or the same with a till that takes another amount."""
    if order.reusable or chance.random() >= share:
        return order
    visits = tuple(replace(visit, amount=order.amount + 500) for visit in order.visits)
    return replace(order, visits=visits)


def _spans(chance: random.Random, days: int) -> Iterator[Away]:
    """One span in each of as many equal parts of the days; together ``AWAY`` of them."""
    part = DAY / SPANS
    shares = [chance.uniform(0.5, 1.5) for _ in range(SPANS * days)]
    for number, share in enumerate(shares):
        length = days * DAY * AWAY * share / sum(shares)
        begins = number * part + chance.uniform(0, part - length)
        yield Away(begins, begins + length, _FAULTS[number % len(_FAULTS)])


def _order(
    chance: random.Random,
    number: int,
    shops: int,
    away: Sequence[Away],
    receipts: Iterator[int],
    span: float,
) -> Order:
    ((channel, feature, bin_, _),) = chance.choices(_FEATURES, [row[3] for row in _FEATURES])
    ((minutes, _),) = chance.choices(_EXPIRY_MINUTES, [row[1] for row in _EXPIRY_MINUTES])
    at = chance.uniform(0, span - 30 * MINUTE)
    last = min(at + (minutes - 10) * MINUTE, span)
    reusable = chance.random() < 0.05  # noqa: PLR2004
    # Whether it is paid goes by its number, not by chance: the share is what it says.
    paid = (number * 0.618_033_988_75) % 1 < PAID
    visits = 0 if not paid else chance.randint(1, 4) if reusable else 1
    cancelled = chance.random() < (0.01 if paid else 0.05)
    return Order(
        shop=number % shops,
        invoice_number=f"INV-{number // shops + 1:06}",
        at=at,
        channel=channel,
        feature=feature,
        bin=bin_,
        amount=chance.randrange(10_000, 2_000_000, 500),
        expires_in_minutes=minutes,
        reusable=reusable,
        visits=tuple(
            Visit(
                at=_open(min(at + 60 + chance.expovariate(1 / (40 * MINUTE)), last), away),
                receipt_number=f"{next(receipts):012}",
                notify=_notify(chance),
            )
            for _ in range(visits)
        ),
        cancelled_at=chance.uniform(at + 60, last) if cancelled else None,
    )


def _open(at: float, away: Sequence[Away]) -> float:
    """When the customer can pay who comes at that time: at once, or when DOKU is back."""
    return next((span.ends + 60 for span in away if span.begins <= at < span.ends), at)


def _notify(chance: random.Random) -> dict[str, Any] | str:
    drawn = chance.random()
    if drawn < LOST:
        return "lost"
    if drawn < LOST + DOUBLED:
        copies = 2 if chance.random() < 0.8 else 5  # noqa: PLR2004
        return {"kind": "duplicate", "copies": copies, "concurrent": chance.random() < 0.5}  # noqa: PLR2004
    if drawn < LOST + DOUBLED + LATE:
        return {"kind": "late", "seconds": round(chance.uniform(5 * MINUTE, _LATEST_SECONDS))}
    return "send"
