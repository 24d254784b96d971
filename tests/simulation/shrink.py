"""The shortest history that still goes wrong in the same way."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.simulation.plan import Plan
from tests.simulation.run import Run

Part = TypeVar("Part")


def checks_of(violations: Sequence[str]) -> set[str]:
    """The names of the checks that failed."""
    return {violation.split(":")[0] for violation in violations}


def fails(plan: Plan, check: str) -> bool:
    """Whether a check fails in a run of this plan."""
    try:
        violations = Run(plan)().violations
    except Exception as error:  # noqa: BLE001 - a crash of the run itself
        violations = [f"{type(error).__name__}: {error}"]
    return check in checks_of(violations)


def shrink(plan: Plan, check: str) -> Plan:
    """A plan with fewer steps, lies and faults in which the check still fails."""
    steps = _fewer(plan.steps, lambda left: fails(plan.only(left), check))
    plan = plan.only(steps)
    if fails(replace(plan, faults=0.0), check):
        plan = replace(plan, faults=0.0)
    if fails(replace(plan, clocks_differ=0.0), check):
        plan = replace(plan, clocks_differ=0.0)
    lies = _fewer(
        tuple(plan.doku.items()), lambda left: fails(replace(plan, doku=dict(left)), check)
    )
    plan = replace(plan, doku=dict(lies))
    if plan.faults:
        run = Run(plan)
        run()
        fired = tuple(place for place, _ in run.scheduler.fired)
        needed = _fewer(
            fired,
            lambda left: fails(
                replace(plan, muted=tuple(each for each in fired if each not in left)), check
            ),
        )
        muted = tuple(each for each in fired if each not in needed)
        if fails(replace(plan, muted=muted), check):
            plan = replace(plan, muted=muted)
    return plan


def _fewer(parts: Sequence[Part], still: Callable[[Sequence[Part]], bool]) -> tuple[Part, ...]:
    """Delta debugging: drop ever smaller pieces as long as it still fails."""
    left = tuple(parts)
    size = max(len(left) // 2, 1)
    while left and size:
        place = 0
        while place < len(left):
            without = left[:place] + left[place + size :]
            if still(without):
                left = without
            else:
                place += size
        size //= 2
    return left
