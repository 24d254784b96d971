"""BINs: the table of DOKU's protocol, section 4, and what is made of it."""

import pytest

from o2o.core.bins import Bin, BinTable
from o2o.core.channels import BinType, Channel, Feature, Partnership
from o2o.core.errors import InvalidConfiguration
from tests.support.bin_rules import RULES

ALFA, INDOMARET = Channel.ALFA, Channel.INDOMARET
AGGREGATOR, DIRECT = Partnership.AGGREGATOR, Partnership.DIRECT


@pytest.mark.parametrize(
    ("row", "shortest_bin", "longest_unique_part", "features"),
    [
        ((ALFA, AGGREGATOR, BinType.GENERAL), 1, 19, {Feature.DGPC}),
        ((ALFA, AGGREGATOR, BinType.EXCLUSIVE), 6, 14, {Feature.MGPC, Feature.DIPC}),
        ((ALFA, DIRECT, BinType.DIRECT), 5, 20, {Feature.MGPC, Feature.DIPC}),
        ((INDOMARET, DIRECT, BinType.DIRECT), 5, 20, {Feature.DGPC}),
    ],
)
def test_the_table_is_doku_s(row, shortest_bin, longest_unique_part, features):
    rule = RULES[row]
    assert rule.bin_digits[0] == shortest_bin
    assert rule.max_unique_digits == longest_unique_part
    assert rule.features == features


def test_there_are_no_other_rows():
    assert len(RULES) == 4


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (
            (INDOMARET, AGGREGATOR, BinType.GENERAL, "8"),
            "indomaret has no general BIN in the aggre",
        ),
        ((ALFA, AGGREGATOR, BinType.DIRECT, "12345"), "alfa has no direct BIN in the aggregator"),
        ((ALFA, AGGREGATOR, BinType.GENERAL, "88"), "1 digit are needed"),
        ((ALFA, AGGREGATOR, BinType.EXCLUSIVE, "12345"), "6 to 11 digits are needed"),
        ((ALFA, DIRECT, BinType.DIRECT, "123456"), "5 digits are needed"),
        ((ALFA, DIRECT, BinType.DIRECT, "1234x"), "only the digits 0 to 9"),
        ((ALFA, DIRECT, BinType.DIRECT, "١٢٣٤٥"), "only the digits 0 to 9"),
        ((ALFA, DIRECT, BinType.DIRECT, ""), "only the digits 0 to 9"),
    ],
)
def test_a_bin_that_the_table_has_no_place_for_is_named(entry, sentence):
    with pytest.raises(InvalidConfiguration, match=sentence) as raised:
        Bin(*entry)
    assert repr(entry[3]) in str(raised.value)


def test_a_code_s_biller_is_its_bin_s_or_the_channel_s():
    table = BinTable.of(
        [
            Bin(ALFA, AGGREGATOR, BinType.GENERAL, "8"),
            Bin(ALFA, DIRECT, BinType.DIRECT, "88899", named_biller="Kopi Senja"),
            Bin(INDOMARET, DIRECT, BinType.DIRECT, "88899", named_biller="Toko Kopi"),
        ]
    )
    assert table.biller(ALFA, "8") == "DOKU"
    assert table.biller(ALFA, "88899") == "Kopi Senja"
    assert table.biller(INDOMARET, "88899") == "Toko Kopi"
    # The BIN of an older code may be configured no more, and the oldest codes tell none.
    assert table.biller(ALFA, "70014") == "DOKU"
    assert table.biller(INDOMARET, None) == "DOKU"


@pytest.mark.parametrize("biller", ["", " ", " DOKU", "DOKU ", "DO\nKU", "D\u202eOKU", "x" * 31])
def test_a_biller_can_be_said_aloud(biller):
    with pytest.raises(InvalidConfiguration, match="'70014': biller must be 1 to 30 printable"):
        Bin(ALFA, DIRECT, BinType.DIRECT, "70014", named_biller=biller)


def test_two_bins_that_could_make_the_same_code_are_refused():
    with pytest.raises(InvalidConfiguration, match=r"'889955'.*'8899551'"):
        BinTable.of(
            [
                Bin(ALFA, AGGREGATOR, BinType.EXCLUSIVE, "8899551"),
                Bin(ALFA, AGGREGATOR, BinType.EXCLUSIVE, "889955"),
            ]
        )


def test_the_same_bin_twice_is_refused():
    entry = Bin(INDOMARET, DIRECT, BinType.DIRECT, "88899")
    with pytest.raises(InvalidConfiguration, match="twice"):
        BinTable.of([entry, entry])


def test_doku_s_general_bin_may_begin_another():
    general = Bin(ALFA, AGGREGATOR, BinType.GENERAL, "8")
    exclusive = Bin(ALFA, AGGREGATOR, BinType.EXCLUSIVE, "889955")
    assert BinTable.of([general, exclusive]).bins == (general, exclusive)


def test_the_same_digits_on_two_channels_are_two_bins():
    alfa = Bin(ALFA, DIRECT, BinType.DIRECT, "88899")
    indomaret = Bin(INDOMARET, DIRECT, BinType.DIRECT, "88899")
    table = BinTable.of([alfa, indomaret])
    assert table.offered(INDOMARET, "shop", None) == (indomaret,)


@pytest.mark.parametrize("unique_part", ["", "12a", "1" * 21, "1 2", "-1", "①"])
def test_a_unique_part_that_does_not_fit_is_refused(unique_part):
    with pytest.raises(ValueError, match="allowed"):
        Bin(ALFA, DIRECT, BinType.DIRECT, "88899").compose(unique_part)


def test_an_inferred_feature_is_off_unless_the_configuration_names_it():
    documented = Bin(INDOMARET, DIRECT, BinType.DIRECT, "88899")
    assert documented.features == {Feature.DGPC}
    with pytest.raises(InvalidConfiguration, match="DOKU makes its codes"):
        Bin(INDOMARET, DIRECT, BinType.DIRECT, "88899", unique_digits=12)
    inferred = frozenset({Feature.MGPC, Feature.DIPC})
    named = Bin(INDOMARET, DIRECT, BinType.DIRECT, "88899", inferred, unique_digits=12)
    assert (named.features, named.generated_digits) == (inferred, 12)
    with pytest.raises(InvalidConfiguration, match="has no dgpc"):
        Bin(ALFA, DIRECT, BinType.DIRECT, "88899", frozenset({Feature.DGPC}))
