"""Columns of DOKU's settlement report: which there may be, of which codes, and what they say."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2o.core.bins import Bin
from o2o.core.channels import BinType, Channel, Partnership
from o2o.core.codes import Customer, Receipt
from o2o.core.errors import InvalidConfiguration
from o2o.core.report_columns import MAX_KEY, ReportColumns, ReportFact
from tests.support.samples import make_code

GENERAL = Bin(Channel.ALFA, Partnership.AGGREGATOR, BinType.GENERAL, "8")
EXCLUSIVE = Bin(Channel.ALFA, Partnership.AGGREGATOR, BinType.EXCLUSIVE, "889955")
DIRECT = Bin(Channel.ALFA, Partnership.DIRECT, BinType.DIRECT, "70014")
INDOMARET = Bin(Channel.INDOMARET, Partnership.DIRECT, BinType.DIRECT, "88899")
BOTH = ReportColumns({ReportFact.STOREFRONT: "Shop", ReportFact.INVOICE_NUMBER: "Shop's number"})
CODE = replace(make_code(), storefront_id="toko-satu", namespace="k7q2", invoice_number="INV-7")


@pytest.mark.parametrize("its_bin", [GENERAL, EXCLUSIVE])
def test_a_code_of_an_aggregator_s_bin_has_what_is_configured(its_bin: Bin) -> None:
    assert BOTH.of(CODE, its_bin) == {"Shop": "toko-satu", "Shop's number": "INV-7"}
    one = ReportColumns({ReportFact.INVOICE_NUMBER: "number"})
    assert one.of(CODE, its_bin) == {"number": "INV-7"}
    assert ReportColumns().of(CODE, its_bin) == {}


@pytest.mark.parametrize("its_bin", [DIRECT, INDOMARET])
def test_doku_has_no_report_of_a_direct_bin(its_bin: Bin) -> None:
    assert BOTH.of(CODE, its_bin) == {}


def test_nothing_personal_is_among_them() -> None:
    personal = replace(
        CODE,
        customer=Customer("Siti Rahayu", "siti@example.com"),
        info="Ticket of Siti",
        receipt=Receipt("for Siti", "Thanks, Siti"),
        metadata='{"who": "Siti"}',
        payment_code="8081234567890",
    )
    everything = ReportColumns({fact: fact.value for fact in ReportFact})
    assert everything.of(personal, GENERAL) == everything.of(CODE, GENERAL)


@pytest.mark.parametrize(
    "key", ["", " ", " Shop", "Shop ", "Sh\nop", "\ud83d", "\u00a0Shop", "k" * (MAX_KEY + 1)]
)
def test_a_key_that_is_none_is_refused_by_its_fact(key: str) -> None:
    with pytest.raises(InvalidConfiguration, match=r"^storefront: a key must be 1 to 64 "):
        ReportColumns({ReportFact.STOREFRONT: key})


@pytest.mark.parametrize("key", ["k", "k" * MAX_KEY, "Nomor tagihan", "店舗"])
def test_a_key_that_can_be_one_is_taken(key: str) -> None:
    columns = ReportColumns({ReportFact.STOREFRONT: key})
    assert columns.of(CODE, GENERAL) == {key: "toko-satu"}


def test_two_facts_with_one_key_are_refused() -> None:
    with pytest.raises(InvalidConfiguration, match="same key"):
        ReportColumns({ReportFact.STOREFRONT: "Shop", ReportFact.INVOICE_NUMBER: "Shop"})


@given(st.dictionaries(st.sampled_from(ReportFact), st.text(max_size=MAX_KEY + 1)))
def test_what_is_taken_has_as_many_columns_as_facts(keys: dict[ReportFact, str]) -> None:
    try:
        columns = ReportColumns(keys)
    except InvalidConfiguration:
        return
    told = columns.of(CODE, GENERAL)
    assert len(told) == len(keys)
    assert all(1 <= len(key) <= MAX_KEY and key.isprintable() for key in told)
