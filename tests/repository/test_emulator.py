"""docs/emulator.md: its tables are the lists that the runs are held to."""

import re

from emulator.differences import ANSWERS, EVENT_KEYS, WORK_AROUNDS
from tests.support.documents import read, rows, section

TEXT = read("docs/emulator.md")


def test_every_difference_of_the_deployment_is_explained():
    assert set(rows(section(TEXT, "### The deployment"))) == WORK_AROUNDS


def test_every_difference_of_answers_is_explained():
    assert set(rows(section(TEXT, "### Answers"))) == ANSWERS


def test_every_difference_of_events_is_told():
    told = rows(section(TEXT, "### Events"))
    assert {source: re.findall(r"`([^`]+)`", keys) for source, keys in told.items()} == {
        source: keys.split() for source, keys in EVENT_KEYS.items()
    }
