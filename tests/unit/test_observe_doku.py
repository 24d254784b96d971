"""Each call of DOKU is timed, whatever comes of it."""

from typing import Any

import pytest

from o2o.core.errors import DokuBlocked, Obstacle
from o2o.core.notifications import OrderState, OrderStatus
from o2o.entry.observe_doku import ObservedDoku
from tests.support.samples import make_code


class TheirDoku:
    """Answers, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def compose(self, code: Any, expires_in_minutes: int, report: Any = None) -> str:
        return f"{code.invoice_number} {expires_in_minutes} {report}"

    def generate(self, *_: Any) -> Any:
        raise self.error or AssertionError

    def check_status(self, *_: Any) -> OrderStatus:
        return OrderStatus(OrderState.UNKNOWN)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The log lines, and the metrics of which they are."""
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "o2o.entry.observe_doku.logger.info", lambda what, **more: lines.append({what: more})
    )
    monkeypatch.setattr(
        "o2o.entry.observe_doku.count", lambda name, value, _: lines.append({name: value})
    )
    return lines


def observed(error: Exception | None = None) -> ObservedDoku:
    instants = iter([1.0, 1.25])
    return ObservedDoku(TheirDoku(error), monotonic=lambda: next(instants))


def test_an_answer_is_timed(told: list[dict[str, Any]]) -> None:
    assert observed().check_status("INV-1", lambda: 9.0).state is OrderState.UNKNOWN
    assert told == [
        {"DokuDuration": 250},
        {
            "DOKU asked": {
                "call": "check_status",
                "channel": None,
                "outcome": "answered",
                "duration_ms": 250,
            }
        },
    ]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(DokuBlocked("no", Obstacle.FIREWALL), "firewall"), (RuntimeError("a bug"), "failed")],
)
def test_what_goes_wrong_is_timed_too(
    told: list[dict[str, Any]], error: Exception, outcome: str
) -> None:
    with pytest.raises(type(error)):
        observed(error).generate(make_code(), lambda: 9.0)
    assert told[1]["DOKU asked"] == {
        "call": "generate",
        "channel": "alfa",
        "outcome": outcome,
        "duration_ms": 250,
    }


def test_what_is_not_asked_is_not_timed(told: list[dict[str, Any]]) -> None:
    assert observed().compose(make_code(), 60, {"k": "v"}) == "INV-1 60 {'k': 'v'}"
    assert told == []
