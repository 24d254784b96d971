"""What comes from outside, in the gate: all that was ever found, and a share of new inputs.

`make fuzz-inputs` looks for more, guided by coverage.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.all_targets import NAMES, TOKENS, load
from tests.support.examples import examples


@pytest.mark.parametrize("name", NAMES)
def test_what_was_found_once_holds(name: str) -> None:
    target = load(name)
    for data in (*target.seeds, *target.found, b"", *TOKENS):
        target.check(data)


_WORDS = st.binary(max_size=6) | st.sampled_from(TOKENS)
_EDITS = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 8), _WORDS), max_size=4)


def edited(seed: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """A seed with some bytes taken out at some places, and others put in."""
    for place, length, word in edits:
        at = place % (len(seed) + 1)
        seed = seed[:at] + word + seed[at + length :]
    return seed


@pytest.mark.parametrize("name", NAMES)
def test_it_holds_whatever_comes(name: str) -> None:
    target = load(name)

    @settings(max_examples=examples(150))
    @given(st.sampled_from(target.seeds), _EDITS)
    def whatever_comes(seed: bytes, edits: list[tuple[int, int, bytes]]) -> None:
        target.check(edited(seed, edits))

    whatever_comes()
