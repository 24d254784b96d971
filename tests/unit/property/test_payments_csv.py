"""Payments as CSV: programs read back what others wrote, and a spreadsheet runs nothing of it."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from o2o.core import payments_csv
from o2o.core.codes import Doubt
from o2o.core.resolutions import Resolution, ResolutionKind
from tests.support.samples import make_code, make_report, make_settlement

TEXTS = st.text(max_size=20)


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=4), max_size=5))
@example([['=cmd|" /C calc"!A0', "+1"], ["-1", "@x"], ["\t=1", "\r=1"], ['a"b', "c\r\nd"]])
@example([["\ud800", "\0"], ["\uff1d1", ",;"]])
def test_a_program_reads_what_was_written_and_no_cell_is_a_formula(rows: list[list[str]]) -> None:
    text = payments_csv.write(rows)

    read = list(csv.reader(io.StringIO(text, newline="")))
    assert len(read) == len(rows)
    for cells, given_cells in zip(read, rows, strict=True):
        for cell, original in zip(cells, given_cells, strict=True):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"))
            shown = original.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
            assert cell in (shown, f"'{shown}")
    text.encode()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=0, max_value=10**12))
@example(Decimal("1E+5"))
@example(Decimal("19000.00"))
@example(Decimal("0.10"))
@example(Decimal("999999999999.123456789123456789123456789"))
def test_an_amount_is_exact_and_whole_ones_have_no_fraction(amount: Decimal) -> None:
    text = payments_csv.amount_text(amount)

    assert Decimal(text) == amount
    assert "E" not in text
    assert ("." in text) is (amount != amount.to_integral_value())


def test_a_row_has_a_cell_for_each_column_and_instants_in_both_times() -> None:
    code = make_code(bin="88899")
    late = datetime(2026, 3, 1, 16, 59, 59, 7, tzinfo=UTC)
    settled = make_settlement(code, receipt_number="=1+1", paid_at=late, agent_id=None)
    payment = replace(
        settled.payment,
        doubts=(Doubt.MAY_BE_TWO, Doubt.TELLINGS_DISAGREE),
        resolutions=(Resolution(kind=ResolutionKind.KEPT, by="x", at=late, reference="T-1"),),
    )

    header, cells = csv.reader(
        io.StringIO(payments_csv.write([payments_csv.COLUMNS, payments_csv.row(payment)]))
    )

    assert dict(zip(header, cells, strict=True)) == {
        "storefront_id": "shop",
        "invoice_number": "INV-1",
        "order_number": "INV-1",
        "payment": "1",
        "channel": "alfa",
        "bin": "88899",
        "kind": "paid",
        "amount": "150000",
        "currency": "IDR",
        "paid_at_wib": "2026-03-01T23:59:59+07:00",
        "paid_at_utc": "2026-03-01T16:59:59Z",
        "recorded_at_wib": "2026-03-01T10:06:00+07:00",
        "recorded_at_utc": "2026-03-01T03:06:00Z",
        "source": "notification",
        "agent_id": "",
        "store_id": "S-1",
        "receipt_number": "'=1+1",
        "certain": "false",
        "doubts": "may_be_two tellings_disagree",
        "had_ended": "false",
        "first_paid": "",
        "resolution": "kept",
        "resolution_reference": "T-1",
        "resolved_at_utc": "2026-03-01T16:59:59Z",
    }


def test_a_payment_that_was_stored_before_payments_were_listed_has_a_row() -> None:
    payment = replace(make_settlement(make_code()).payment, code=None, report=make_report("INV-7"))

    cells = payments_csv.row(payment)

    assert len(cells) == len(payments_csv.COLUMNS)
    assert cells[:3] == ["", "", "INV-7"]
