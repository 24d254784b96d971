"""Whether a history of concurrent operations can be explained by some order of them.

The search of Wing and Gong ("Testing and verifying concurrent objects", 1993), with Lowe's memory
of what was tried in vain. An operation took effect at one moment between its call and its answer,
so one that was answered before another was called comes first; otherwise every order is tried. It
is linear for most histories and exponential for the worst: keep them short, one for each object.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

State = TypeVar("State", bound=Hashable)

NEVER = math.inf
"""When an operation was answered of which nobody knows whether it took effect, and when."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[State]):
    """Something that was done, or may have been: from ``called`` to ``answered``, in seconds.

    ``effect`` gives every state that it may have left behind, from the state in which it found
    its object; none, if what it was answered is impossible there.
    """

    what: str
    called: float
    answered: float
    effect: Callable[[State], Iterable[State]]

    @property
    def is_certain(self) -> bool:
        """Whether it took effect: what was never answered may not have."""
        return self.answered < NEVER


@dataclass(frozen=True, slots=True)
class Unexplained(Generic[State]):
    """The longest beginning of a history that some order explains, and what no order can add."""

    explained: tuple[Operation[State], ...]
    stuck: tuple[Operation[State], ...]

    def __str__(self) -> str:
        lines = [f"  {each.what}" for each in self.explained]
        return "\n".join([*lines, *(f"  impossible now: {each.what}" for each in self.stuck)])


def find_fault(history: Sequence[Operation[State]], initial: State) -> Unexplained[State] | None:
    """Why no order explains a history, or None: one does."""
    operations = sorted(history, key=lambda each: each.called)
    certain = sum(1 << place for place, each in enumerate(operations) if each.is_certain)
    tried: set[tuple[int, State]] = set()
    best: tuple[int, ...] = ()
    stack: list[tuple[int, State, tuple[int, ...]]] = [(0, initial, ())]
    while stack:
        done, state, order = stack.pop()
        if done & certain == certain:
            return None
        if (done, state) in tried:
            continue
        tried.add((done, state))
        if len(order) > len(best):
            best = order
        for place in _next(operations, done):
            following, each = done | 1 << place, operations[place]
            stack.extend(
                (following, left, (*order, place))
                for left in each.effect(state)
                # That something happened of which nothing is to be seen explains nothing.
                if each.is_certain or left != state
            )
    done = sum(1 << place for place in best)
    return Unexplained(
        tuple(operations[place] for place in best),
        tuple(
            operations[place] for place in _next(operations, done) if operations[place].is_certain
        ),
    )


def _next(operations: Sequence[Operation[State]], done: int) -> list[int]:
    """Which may come next, the latest first: nothing left was answered before their call."""
    left = [place for place in range(len(operations)) if not done >> place & 1]
    first_answer = min(operations[place].answered for place in left)
    return [place for place in reversed(left) if operations[place].called <= first_answer]
