"""A small share of `make day ARGS="--days 30"`: the books of some days, against the till."""

from collections.abc import Iterator

import pytest

from tests.support import dynoxide
from tools.day.books import Ledger
from tools.day.compare import differences
from tools.day.plan import make_plan
from tools.day.run import Day
from tools.day.shop import NAMES

CODES = 60
DAYS = 3
SHOPS = NAMES[:2]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """Days that are over; their stack still runs."""
    dynoxide.need()
    plan = make_plan(codes=CODES, seed=3, kills=1, shops=len(SHOPS), days=DAYS, mismatched=0.3)
    with Day(tmp_path_factory.mktemp("month"), plan, step_minutes=120, shops=SHOPS) as over:
        over.live()
        yield over


def test_the_books_equal_the_till_and_a_settlement_cures_what_got_lost(
    days: Day, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert list(differences(days.look())) == []
    ledger = Ledger(days, tmp_path_factory.mktemp("copies"))
    assert list(ledger.close()) == []
    assert list(ledger.settle()) == []
    assert list(ledger.verify()) == []
    (changed,) = [line for line in ledger.named if "was changed" in line]
    assert changed.startswith("20")
    assert ": payment 1 of " in changed
    figures = ledger.figures()
    assert figures["days"] >= DAYS
    assert figures["resolved"] > 0
    assert figures["rupiah"] > 0
