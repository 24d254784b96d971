"""Findings: however a day is cut into slices, the book is the same, and sums are exact."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from o2o.core import books, payments_csv
from o2o.core.books import Difference, DifferenceKind, Edition, Entry, Findings, Noted
from o2o.core.channels import Channel
from o2o.core.codes import PaymentKind, Source
from o2o.core.payments import Payment
from o2o.core.wib import WIB, day_of, day_span
from tests.support.samples import make_code, make_settlement

AMOUNTS = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=0, max_value=10**12, places=20
)
DAYS = st.dates(min_value=date(2020, 1, 1), max_value=date(2100, 1, 1))
EDITION = Edition(
    day=date(2026, 3, 1),
    number=1,
    closed_at=datetime(2026, 3, 2, 12, tzinfo=UTC),
    messages=0,
    root="a" * 64,
    previous_day=None,
    previous_root=None,
)


@st.composite
def payments(draw: st.DrawFn) -> Payment:
    code = make_code(f"INV-{draw(st.integers(1, 4))}", channel=draw(st.sampled_from(Channel)))
    payment = make_settlement(
        code,
        amount=draw(AMOUNTS),
        source=draw(st.sampled_from(Source)),
        currency=draw(st.sampled_from([None, "IDR", "USD"])),
    ).payment
    return replace(payment, kind=draw(st.sampled_from(PaymentKind)))


@st.composite
def findings(draw: st.DrawFn) -> Findings:
    found = Findings()
    for payment in draw(st.lists(payments(), max_size=5)):
        found.count_payment(payment, payments_csv.row(payment))
    names = st.text(max_size=8)
    for kind, name in draw(st.lists(st.tuples(st.sampled_from(DifferenceKind), names), max_size=3)):
        found.differences.add(Difference(kind, "shop", name))
    for noted, name in draw(st.lists(st.tuples(st.sampled_from(Noted), names), max_size=3)):
        found.note(noted, Entry(name))
    found.ended |= draw(st.dictionaries(names, st.sampled_from(books.End), max_size=3))
    found.events += Counter(draw(st.lists(st.sampled_from(["dead", "pending"]), max_size=4)))
    return found


@given(st.lists(payments(), max_size=12), st.lists(st.integers(0, 12), max_size=3))
def test_slices_add_up_to_the_whole_exactly(of_the_day: list[Payment], cuts: list[int]) -> None:
    whole, slices = Findings(), Findings()
    for payment in of_the_day:
        whole.count_payment(payment, [])
    places = [0, *sorted(cuts), len(of_the_day)]
    for start, end in pairwise(places):
        part = Findings()
        for payment in of_the_day[start:end]:
            part.count_payment(payment, [])
        slices.add(Findings.from_json(json.loads(json.dumps(part.to_json()))))

    assert slices.summary == whole.summary
    assert slices.noted == whole.noted
    rupiah = [each for each in of_the_day if each.report.currency != "USD"]
    assert whole.total.payments == len(rupiah)
    assert Fraction(whole.total.amount) == sum(Fraction(each.report.amount) for each in rupiah)
    assert sum(each["count"] for each in whole.summary["by"]) == len(of_the_day)


@given(findings())
def test_what_a_slice_found_is_read_back(found: Findings) -> None:
    again = Findings.from_json(json.loads(json.dumps(found.to_json())))

    assert again == found


@given(st.lists(findings(), max_size=4), st.randoms(use_true_random=False))
def test_the_book_is_the_same_whatever_the_order_of_the_slices(
    found: list[Findings], chance: object
) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    texts = []
    for slices in (found, shuffled):
        book = Findings()
        for each in slices:
            book.add(each)
        texts.append(books.to_text(books.storefront_document(EDITION, "shop", book)))

    # A code that ended is in one slice only.
    if len({name for each in found for name in each.ended}) == sum(
        len(each.ended) for each in found
    ):
        assert texts[0] == texts[1]
    texts[0].encode("ascii")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**15, places=3))
def test_a_sum_in_a_document_is_exact(amount: Decimal) -> None:
    shown = json.loads(json.dumps(books.amount_value(amount)))

    assert Decimal(shown) == amount
    assert isinstance(shown, int) is (amount == amount.to_integral_value())


@given(DAYS)
def test_a_day_has_each_instant_once(day: date) -> None:
    first, last = day_span(day)

    moment = timedelta(microseconds=1)
    assert [day_of(each) for each in (first - moment, first, last, last + moment)] == [
        day - timedelta(days=1),
        day,
        day,
        day + timedelta(days=1),
    ]
    assert first.astimezone(WIB).time().isoformat() == "00:00:00"
    assert books.closes_at(day) - last == timedelta(hours=19)
