"""Seeds in the gate, plans that once found a fault, and that the same seed is the same run."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest

from o2o.core.codes import Status
from tests.simulation.__main__ import run_seeds
from tests.simulation.faults import Faults
from tests.simulation.plan import ACTIONS, Plan
from tests.simulation.run import Run
from tests.simulation.scheduler import Fault
from tests.simulation.shrink import checks_of, shrink

SEEDS = range(160)
PLANS = sorted(Path(__file__).with_name("plans").glob("*.json"))


@pytest.fixture(scope="module")
def counted() -> Counter[str]:
    """What happened in the gate's seeds, in which all must be well."""
    counted, wrong = run_seeds(SEEDS)
    assert wrong == {}
    return counted


def test_no_seed_breaks_a_guarantee(counted: Counter[str]) -> None:
    assert counted["runs"] == len(SEEDS)


@pytest.mark.parametrize(
    "kind",
    [
        *(f"action: {kind.name}" for kind in ACTIONS if kind.name not in ("at once", "rotation")),
        *(f"fault: {fault}" for fault in Fault),
        *(f"end: {status}" for status in (Status.PAID, Status.EXPIRED, Status.CANCELLED)),
        *(f"notifications answered {status}" for status in (200, 401, 502)),
        *(f"{queue}: doubled" for queue in ("reconcile_codes", "deliver_webhooks")),
        *(f"{queue}: again" for queue in ("reconcile_codes", "deliver_webhooks", "stream")),
        "index: late",
        "index: stale",
        "list: late",
        "stream: given up",
        "stream: poison",
        "died: with its process",
        "payments",
        "events",
        "days closed again",
        "difference: older_order",
    ],
)
def test_each_kind_of_thing_happens(counted: Counter[str], kind: str) -> None:
    assert counted[kind]


def test_doku_tells_nearly_every_lie(counted: Counter[str]) -> None:
    told = {each.name for each in fields(Faults) if counted[f"DOKU: {each.name}"]}
    assert len(told) > 0.85 * len(fields(Faults))


@pytest.mark.parametrize("plan", PLANS, ids=lambda path: path.stem)
def test_what_once_went_wrong_goes_right(plan: Path) -> None:
    assert Run(Plan.read(plan.read_text()))().violations == []


@pytest.mark.parametrize("seed", [3, 17])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    def told(hash_seed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seed", str(seed)],
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    first = told("1")
    assert len(first.splitlines()) > 50
    assert first == told("2")


def test_a_plan_can_be_written_down() -> None:
    plan = Plan.draw(8)
    assert Plan.read(plan.write()) == plan
    assert Run(Plan.read(plan.write()))().counted == Run(plan)().counted


def test_what_is_not_needed_is_left_out_of_a_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("o2o.usecases.publish_events.derive_events", lambda _: [])
    plan = next(
        plan
        for plan in map(Plan.draw, range(50))
        if "every event" in checks_of(Run(plan)().violations)
    )
    shortest = shrink(plan, "every event")
    assert [step.name for step in shortest.steps] == ["create"]
    assert (shortest.doku, shortest.faults, shortest.clocks_differ) == ({}, 0.0, 0.0)
