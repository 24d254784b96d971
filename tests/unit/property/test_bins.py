"""Composing codes, for every valid configuration."""

import secrets
from collections import Counter
from dataclasses import replace
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from o2o.core.bins import Bin, BinTable, make_unique_part
from o2o.core.channels import MAX_CODE_DIGITS
from o2o.core.errors import InvalidConfiguration
from tests.support.bin_rules import RULES


def digits(lengths: range) -> st.SearchStrategy[str]:
    return st.integers(lengths[0], lengths[-1]).flatmap(
        lambda length: st.text("0123456789", min_size=length, max_size=length)
    )


@st.composite
def bins(draw: st.DrawFn) -> Bin:
    channel, partnership, bin_type = row = draw(st.sampled_from(sorted(RULES)))
    return Bin(channel, partnership, bin_type, draw(digits(RULES[row].bin_digits)))


@st.composite
def tables(draw: st.DrawFn) -> BinTable:
    try:
        return BinTable.of(draw(st.lists(bins(), min_size=1, max_size=6)))
    except InvalidConfiguration:
        assume(False)
        raise


@given(tables(), st.data())
def test_a_code_is_of_one_bin_and_one_unique_part(table, data):
    merchant_made = [entry for entry in table.bins if "dgpc" not in entry.features]
    assume(merchant_made)
    made = []
    for _ in range(2):
        entry = data.draw(st.sampled_from(merchant_made))
        part = data.draw(digits(range(1, entry.rule.max_unique_digits + 1)))
        made.append((entry.channel, entry.compose(part), entry, part))
    (channel, code, *one), (other_channel, other_code, *other) = made
    assert ((channel, code) == (other_channel, other_code)) == (one == other)
    assert len(code) <= MAX_CODE_DIGITS


@given(st.integers(1, 20), st.data())
def test_a_unique_part_has_its_length_and_is_what_was_drawn(length, data):
    drawn = data.draw(st.integers(0, 10**length - 1))
    asked = []

    def randbelow(bound: int) -> int:
        asked.append(bound)
        return int(drawn)

    part = make_unique_part(length, randbelow)
    assert len(part) == length
    assert int(part) == drawn
    assert asked == [10**length]


def test_unique_parts_hold_no_sequence_and_no_clock():
    parts = [make_unique_part(14, secrets.randbelow) for _ in range(5_000)]
    assert len(set(parts)) == len(parts)
    rising = sum(one < other for one, other in pairwise(parts))
    assert 2_200 < rising < 2_800
    for position in range(14):
        counts = Counter(part[position] for part in parts)
        # Each digit is expected 500 times, with a standard deviation of 21.
        assert set(counts) == set("0123456789")
        assert all(350 < count < 650 for count in counts.values())


@given(bins(), st.integers(1, 20) | st.none(), st.data())
def test_every_generated_code_fits_its_rule(entry, unique_digits, data):
    assume("dgpc" not in entry.features)
    assume(unique_digits is None or unique_digits <= entry.rule.max_unique_digits)
    entry = replace(entry, unique_digits=unique_digits)
    part = make_unique_part(
        entry.generated_digits, lambda bound: int(data.draw(st.integers(0, bound - 1)))
    )
    code = entry.compose(part)
    assert len(part) <= entry.rule.max_unique_digits
    assert len(code) <= MAX_CODE_DIGITS
    # Guessing one of a million live codes takes a hundred tries at the very least.
    assert unique_digits is not None or len(part) >= 8


@given(st.lists(bins(), min_size=2, max_size=6), st.text("0123456789", min_size=1, max_size=14))
def test_no_two_bins_of_a_valid_configuration_make_one_code(entries, part):
    try:
        table = BinTable.of(entries)
    except InvalidConfiguration:
        return
    made = [
        (entry.channel, entry.compose(part[: entry.rule.max_unique_digits]))
        for entry in table.bins
        if "dgpc" not in entry.features
    ]
    assert len(set(made)) == len(made)
