"""What several clients see of a few codes at once can be explained, whoever dies meanwhile.

`python -m tools.history` does the same for as long as you like.
"""

from pathlib import Path

from tests.support import dynoxide
from tests.support.local_stack import started
from tools.history import ARGUMENTS, Histories

MOST_ROUNDS = 6
"""It is chance whether anything comes to the point at which somebody is to die."""


def test_what_clients_see_at_once_can_have_been(tmp_path: Path) -> None:
    dynoxide.need()
    with started(tmp_path, *ARGUMENTS) as stack:
        histories = Histories(stack, seed=1)
        # Nobody dies in the first round, which tells what calls there are.
        for _ in range(MOST_ROUNDS):
            histories.round()
            assert histories.tally.faults == []
            if histories.tally.deaths:
                break
    assert histories.tally.deaths > 0
    assert {what for what, end in histories.tally.operations if end == "ok"} >= {"create", "read"}
