"""What will happen in a run, as data: it can be written down, and parts of it left out."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import timedelta
from random import Random
from typing import Any, Self

from o2o.core.storefronts import to_order_number
from tests.simulation.faults import Faults
from tests.simulation.scheduler import Place
from tests.simulation.world import NAMESPACES, owner

DAY = timedelta(days=1).total_seconds()
MINUTES = (1, 5, 60, 60, 600, 1440, 4000)


@dataclass(frozen=True)
class Step:
    """Something that somebody does: ``name`` is one of ``run.Run``'s actions."""

    at: float
    """Seconds after the start."""
    name: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A whole run."""

    seed: int
    steps: tuple[Step, ...]
    doku: dict[str, float]
    """DOKU's faults that are not zero."""
    faults: float
    """How likely something goes wrong at a call of a port."""
    clocks_differ: float
    muted: tuple[Place, ...] = ()
    """Calls at which nothing goes wrong after all."""

    @classmethod
    def draw(cls, seed: int) -> Self:
        """The plan of a seed."""
        chance = Random(seed)
        span = chance.choice([600.0, 7200.0, DAY, 3 * DAY])
        steps = [
            Step(chance.uniform(0, span) * chance.random(), "create", code)
            for code in _codes(chance)
        ]
        numbers = [step.details["number"] for step in steps]
        for step in list(steps):
            # Most customers pay while they can, some a moment too late.
            life = 60.0 * step.details["minutes"]
            for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
                share = chance.choice([0.2, 1.1]) * chance.random()
                steps += _PAY.make(chance, step.at + 5 + life * share, step.details["number"])
        kinds = [kind for kind in ACTIONS for _ in range(kind.weight)]
        for _ in range(chance.choice([4, 8, 16, 30])):
            kind = chance.choice(kinds)
            steps += kind.make(chance, chance.uniform(0, span), chance.choice(numbers))
        return cls(
            seed=seed,
            steps=tuple(sorted(steps, key=lambda step: step.at)),
            doku=_drawn(chance),
            faults=chance.choice([0.0, 0.005, 0.02, 0.06]),
            clocks_differ=chance.choice([0.0, 0.5, 3.0]),
        )

    @property
    def calm_at(self) -> float:
        """When the faults stop: after the last step."""
        return max((step.at for step in self.steps), default=0.0) + 60

    def write(self) -> str:
        """The plan as JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def read(cls, text: str) -> Self:
        """The plan of ``write``."""
        plan = json.loads(text)
        plan["steps"] = tuple(Step(**step) for step in plan["steps"])
        plan["muted"] = tuple((name, number) for name, number in plan["muted"])
        return cls(**plan)

    def only(self, steps: Sequence[Step]) -> Self:
        """The plan with some of its steps."""
        return replace(self, steps=tuple(steps))


def _drawn(chance: Random) -> dict[str, float]:
    if chance.random() < 0.15:
        return {}
    faults = Faults.draw(chance)
    return {each.name: value for each in fields(faults) if (value := getattr(faults, each.name))}


def _codes(chance: Random) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for _ in range(chance.choice([1, 1, 2, 3, 5])):
        feature = chance.choice(["dgpc", "dgpc", "mgpc", "dipc"])
        replaces = chance.choice(made)["number"] if made and chance.random() < 0.3 else None
        shop = owner(replaces) if replaces else chance.choice(["shop", "shop", "other"])
        mine = sum(owner(each["number"]) == shop for each in made)
        made.append(
            {
                "number": to_order_number(NAMESPACES[shop], f"shop-{mine}"),
                "feature": feature,
                "reusable": chance.random() < 0.3,
                "minutes": chance.choice(MINUTES),
                "unique_part": chance.choice([None, "1", "2"]) if feature != "dgpc" else None,
                "replaces": replaces,
                "patience": chance.choice([0, 1, 3, 6]),
            }
        )
    return made


Make = Callable[[Random, float, str], list[Step]]


@dataclass(frozen=True)
class Kind:
    """A kind of step: how often it is drawn, and how it is made."""

    name: str
    weight: int
    make: Make


def _plain(name: str, weight: int, **choices: Sequence[Any]) -> Kind:
    """A step about a code, with details drawn from choices."""

    def make(chance: Random, at: float, number: str) -> list[Step]:
        details = {key: chance.choice(values) for key, values in choices.items()}
        return [Step(at, name, {"number": number} | details)]

    return Kind(name, weight, make)


def _at_once(chance: Random, at: float, number: str) -> list[Step]:
    """Several things at the same moment: what races are made of."""
    names = ["pay", "pay", "refresh", "cancel", "again", "read", "hurry"]
    return [
        Step(at + chance.uniform(0, 0.05), chance.choice(names), {"number": number})
        for _ in range(chance.randint(2, 5))
    ]


def _outage(chance: Random, at: float, _: str) -> list[Step]:
    """DOKU, or something of AWS's, is away for minutes or hours."""
    what = chance.choice(["doku", "doku", "bus", "stream", "stream"])
    longest = {"doku": 10, "bus": 3, "stream": 30}[what]
    seconds = chance.choice([60, 3600, 3600 * longest])
    return [Step(at, "outage", {"what": what, "seconds": seconds})]


def _rotation(chance: Random, at: float, _: str) -> list[Step]:
    """DOKU's key changes: at DOKU, and here."""
    there = at + chance.choice([0, 30, 4000])
    here = at + chance.choice([0, 30, 4000])
    return [
        Step(there, "doku_key", {"key": f"doku-key-{at:.0f}"}),
        Step(here, "our_key", {"key": f"doku-key-{at:.0f}"}),
    ]


_PAY = _plain("pay", 4, amount=[None] * 6 + [140_000, 160_000], currency=["IDR"] * 19 + ["USD"])
ACTIONS = (
    _PAY,
    _plain("again", 2, other=[False, False, True]),
    _plain("read", 3),
    _plain("list", 1),
    _plain("refresh", 2),
    _plain("cancel", 1),
    _plain("poison", 1, seconds=[3600, 90_000]),
    _plain("endpoint", 2, answer=[204, 500, 404, 302, 410, "timeout", "connection_refused"]),
    _plain("pause", 1),
    _plain("resume", 1),
    _plain("move", 1, to=[0, 1, 2]),
    _plain("webhook_secret", 1),
    _plain("resend", 1),
    _plain("replay", 1),
    _plain("republish", 1),
    _plain("dismiss", 1),
    _plain("assign", 1),
    _plain("redrive", 1),
    Kind("at once", 4, _at_once),
    Kind("outage", 2, _outage),
    Kind("rotation", 1, _rotation),
)
