"""docs/emulator.md: its table is the list that the runs are held to."""

from emulator.differences import DIFFERENCES
from tests.support.documents import read, rows, section


def test_every_difference_is_explained_and_none_that_is_no_more():
    told = rows(section(read("docs/emulator.md"), "## Where the emulator is not AWS"))
    assert set(told) == DIFFERENCES
