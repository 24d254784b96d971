"""Functions die between two calls. `make kills` has every point, this has one for each function."""

from collections.abc import Iterator

import pytest

from tests.support import dynoxide
from tests.support.local_stack import started
from tools.kills import ARGUMENTS, SCENARIOS, Kills, Scenario, share


@pytest.fixture(scope="module")
def kills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kills]:
    dynoxide.need()
    with started(tmp_path_factory.mktemp("kills"), *ARGUMENTS) as stack:
        yield Kills(stack)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_whoever_dies_it_comes_to_the_same(kills: Kills, scenario: Scenario) -> None:
    result = kills.run(scenario, share)
    assert result.failures == []
    assert result.recovered == result.points >= len(scenario.victims)
