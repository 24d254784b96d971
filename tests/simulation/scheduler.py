"""Virtual time, and many invocations at once.

There is one heap of what happens when, and a greenlet for each invocation. An invocation waits for
a random while before and after each call of a port, so that any other may come between. What it
draws, it draws from chance of its own, which hangs on the run's seed and on the invocation's name:
whatever is taken out of a plan, the rest of it stays as it was.
"""

import heapq
import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from random import Random
from typing import Any

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from greenlet import getcurrent, greenlet
from requests.exceptions import ReadTimeout

from o2o.core.errors import Busy
from tests.support.world import START

Place = tuple[str, int]
"""A call of a port: the name of its invocation, and the how-manieth it is there."""


_ADDRESS = re.compile(r" at 0x[0-9a-f]+|<random\.Random object[^>]*>", re.ASCII)
"""It differs from process to process."""


class Fault(StrEnum):
    """What can go wrong at a call of a port."""

    CRASH_BEFORE = "crash before the call"
    CRASH_AFTER = "crash after the call"
    REPEATED = "done, and repeated by the SDK"
    """The answer got lost, and the SDK made the very same call again."""
    BUSY = "throttled"
    UNREACHABLE = "out of reach"
    LOST = "done, and the answer lost"
    STALLED = "stalled for seconds"


AWS_FAULTS = tuple(Fault)
CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.STALLED)
"""What can happen at a port that is not one of AWS's: its other faults are its own matter."""


_NOT_MADE: dict[Fault | None, Callable[[], Exception]] = {
    Fault.BUSY: lambda: Busy("throttled by the simulation"),
    Fault.UNREACHABLE: lambda: EndpointConnectionError(endpoint_url="simulation"),
}
"""What an invocation hears of a call that never was made."""


class Crash(BaseException):
    """The process died. No use case may catch it."""


@dataclass(frozen=True)
class Outcome:
    """What became of an invocation."""

    name: str
    value: Any = None
    error: Exception | None = None
    crashed: bool = False

    @property
    def ok(self) -> bool:
        """Whether it answered."""
        return self.error is None and not self.crashed


@dataclass(frozen=True)
class Line:
    """A line of a run's story."""

    at: datetime
    who: str
    what: str


class Invocation(greenlet):  # type: ignore[misc]
    """One invocation of a use case, with chance, a clock and a time-out of its own."""

    def __init__(
        self, scheduler: "Scheduler", name: str, run: Callable[[], None], seconds: float
    ) -> None:
        super().__init__(run, scheduler.hub)
        self.name = name
        self.chance = Random(f"{scheduler.seed} {name}")
        self.skew = timedelta(seconds=self.chance.uniform(-1, 1) * scheduler.clocks_differ)
        self.deadline = scheduler.now + timedelta(seconds=seconds)
        self.calls = 0
        self.is_dead = False
        self.process: Collection[str] = ()
        """The invocations that share its process, and die with it."""


@dataclass
class Scheduler:
    """One run's time.

    ``faults`` is how likely something goes wrong at a call; when the faults stop, it is 0.
    """

    seed: int
    muted: Collection[Place] = ()
    """Calls at which nothing goes wrong after all: what the shrinker took out."""
    clocks_differ: float = 0.0
    """By how many seconds an invocation's clock may be off."""
    now: datetime = START
    faults: float = 0.0
    fired: list[tuple[Place, Fault]] = field(default_factory=list)
    story: list[Line] | None = None
    """Kept only where somebody is going to read it."""
    counted: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.hub = getcurrent()
        self._heap: list[tuple[datetime, int, Callable[[], object]]] = []
        self._order = count()
        self._names: Counter[str] = Counter()
        self._killed: set[str] = set()

    # --- time ---

    def clock(self) -> datetime:
        """Now, by the clock of whoever asks."""
        me = self.current
        return self.now if me is None else self.now + me.skew

    def monotonic(self) -> float:
        """Seconds."""
        return (self.now - START).total_seconds()

    def at(self, when: datetime, do: Callable[[], object]) -> None:
        """Do something then."""
        heapq.heappush(self._heap, (max(when, self.now), next(self._order), do))

    def after(self, seconds: float, do: Callable[[], object]) -> None:
        """Do something after so many seconds."""
        self.at(self.now + timedelta(seconds=seconds), do)

    def run(self, until: datetime) -> bool:
        """Let time pass; whether nothing at all is left to do."""
        while self._heap and self._heap[0][0] <= until:
            when, _, do = heapq.heappop(self._heap)
            self.now = when
            self.counted["steps"] += 1
            do()
        if self._heap:
            self.now = until
        return not self._heap

    # --- invocations ---

    @property
    def current(self) -> Invocation | None:
        """The invocation that is running, if any."""
        current = getcurrent()
        return current if isinstance(current, Invocation) else None

    def chance_of(self, name: str) -> Random:
        """Chance for something that happens outside of any invocation."""
        return Random(f"{self.seed} {self.unique(name)}")

    def unique(self, name: str) -> str:
        """The name, with a number if it was given before."""
        self._names[name] += 1
        times = self._names[name]
        return name if times == 1 else f"{name} #{times}"

    def invoke(
        self,
        name: str,
        do: Callable[[], Any],
        then: Callable[[Outcome], None] = lambda _: None,
        *,
        seconds: float = 30.0,
        process: Collection[str] = (),
    ) -> str:
        """Begin an invocation; ``then`` hears what became of it. Returns its name."""
        name = self.unique(name)

        def run() -> None:
            outcome = Outcome(name, crashed=True)
            try:
                outcome = Outcome(name, do())
            except Exception as error:  # noqa: BLE001 - what it raises is its answer
                outcome = Outcome(name, error=error)
            except Crash:
                invocation.is_dead = True
            if self.story is not None:
                self.tell(name, f"ends: {_told(outcome)}")
            self.counted["invocations"] += 1
            # By the hub: whoever hears of it acts in the world, not in the invocation.
            self.at(self.now, lambda: then(outcome))

        invocation = Invocation(self, name, run, seconds)
        invocation.process = process
        invocation.switch()
        return name

    def pause(self, me: Invocation, seconds: float) -> None:
        """Let the others go on for a while. Whoever runs out of time dies."""
        wake = self.now + timedelta(seconds=seconds)
        self.at(min(wake, me.deadline), me.switch)
        self.hub.switch()
        if me.name in self._killed:
            self._die(me, "with its process")
        if wake >= me.deadline:
            self._die(me, "timed out")

    def _die(self, me: Invocation, why: str) -> None:
        me.is_dead = True
        if self.story is not None:
            self.tell(me.name, f"DIES: {why}")
        self.counted[f"died: {why}"] += 1
        self._killed.update(me.process)
        raise Crash

    def time_left(self) -> float:
        """Seconds that the invocation may still spend."""
        me = self.current
        return 10.0 if me is None else (me.deadline - self.now).total_seconds()

    def tell(self, who: str, what: str) -> None:
        """Add a line to the story."""
        if self.story is not None:
            self.story.append(Line(self.now, who, what))

    def kill(self, names: Collection[str]) -> None:
        """The process of these invocations died: none of them goes on."""
        self._killed.update(names)

    # --- ports ---

    def call(
        self,
        port: str,
        method: str,
        do: Callable[..., Any],
        faults: tuple[Fault, ...],
        args: Any,
        kwargs: Any,
        *,
        is_once: bool = False,
    ) -> Any:
        """Call a port, with a switch point before and after, and with whatever goes wrong."""
        me = self.current
        if me is None:
            return do(*args, **kwargs)
        if me.is_dead:
            raise Crash
        fault = self._draw(me, faults)
        self.counted["port calls"] += 1
        self.pause(me, _latency(me.chance, fault))
        if fault is Fault.CRASH_BEFORE:
            self._die(me, f"{fault} of {port}.{method}")
        not_made = _NOT_MADE.get(fault)
        if not_made is not None:
            raise not_made()
        times = 2 if fault is Fault.REPEATED and not is_once else 1
        result, error = _answer(lambda: do(*args, **kwargs), times)
        if self.story is not None:
            self.tell(me.name, f"{port}.{method}({_shown(args)}) -> {_shown([error or result])}")
        self.pause(me, _waited(error, result) or _latency(me.chance, None))
        if fault is Fault.CRASH_AFTER:
            self._die(me, f"{fault} of {port}.{method}")
        if fault is Fault.LOST:
            raise ReadTimeoutError(endpoint_url="simulation")
        if error is not None:
            raise error
        return result

    def _draw(self, me: Invocation, faults: tuple[Fault, ...]) -> Fault | None:
        me.calls += 1
        drawn = me.chance.random()
        if drawn >= self.faults or not faults:
            return None
        place = (me.name, me.calls)
        if place in self.muted:
            return None
        fault = faults[int(drawn / self.faults * len(faults))]
        self.fired.append((place, fault))
        self.counted[f"fault: {fault}"] += 1
        self.tell(me.name, f"FAULT: {fault}")
        return fault


def _answer(do: Callable[[], Any], times: int) -> tuple[Any, Exception | None]:
    """What the last of some calls answers or raises: it is heard after the switch."""
    result = None
    try:
        for _ in range(times):
            result = do()
    except Exception as raised:  # noqa: BLE001 - whatever it is
        return None, raised
    return result, None


def _latency(chance: Random, fault: Fault | None) -> float:
    """Seconds: mostly a few milliseconds, now and then as long as a garbage collection."""
    drawn = chance.random()
    if fault is Fault.STALLED:
        return 1 + 11 * drawn
    return 0.001 + 0.02 * drawn if drawn < 0.95 else 4 * (drawn - 0.95) ** 0.5


def _waited(error: Exception | None, result: object) -> float:
    """Seconds that went by before somebody gave up waiting; 0 if nobody did."""
    if isinstance(error, ReadTimeout):
        return 8.0
    return 10.0 if getattr(result, "error", None) == "timeout" else 0.0


def _told(outcome: Outcome) -> str:
    if outcome.crashed:
        return "dead"
    if outcome.error is not None:
        return f"{type(outcome.error).__name__}: {outcome.error}"
    return _shown([outcome.value])


def _shown(values: Any) -> str:
    text = _ADDRESS.sub("", ", ".join(map(repr, values)))
    return text if len(text) <= 300 else f"{text[:300]}…"


def never(_: str, __: Any, ___: Any) -> bool:
    """Nothing is done once only."""
    return False


class Port:
    """Stands before a port, or before anything else that invocations call.

    ``is_once`` says of a method and its keywords whether the SDK's repeat does nothing: a
    transaction has a token.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        name: str,
        target: object,
        *,
        faults: tuple[Fault, ...] = AWS_FAULTS,
        is_once: Callable[[str, Any, Any], bool] = never,
    ) -> None:
        self._scheduler = scheduler
        self._name = name
        self._target = target
        self._faults = faults
        self._is_once = is_once

    def __getattr__(self, method: str) -> Any:
        do = getattr(self._target, method)
        scheduler, name, faults, is_once = self._scheduler, self._name, self._faults, self._is_once

        def call(*args: Any, **kwargs: Any) -> Any:
            once = is_once(method, args, kwargs)
            return scheduler.call(name, method, do, faults, args, kwargs, is_once=once)

        self.__dict__[method] = call
        return call
