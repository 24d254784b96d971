"""Lists of payments and the search, against a list that holds all and filters by hand."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from o2o.core.channels import Channel
from o2o.core.codes import Doubt, PaymentKind
from o2o.core.events import Change
from o2o.core.pages import Page, all_items
from o2o.core.payments import Payment, resolve
from o2o.core.resolutions import Resolution, ResolutionKind
from o2o.core.search import find_all, find_changes
from o2o.core.wib import WIB
from o2o.usecases.read_payments import PaymentFilter, ReadPayments, Resolved
from tests.support.memory import (
    MemoryCodeStore,
    MemoryPaymentStore,
    MemorySearchIndex,
    MemoryTable,
)
from tests.support.samples import at, make_code, make_settlement

RECEIPTS = ("R-1", "00r-1", "R-2", "n/a", "")
# Around midnight in WIB, which is 17:00 UTC.
MINUTES = st.sampled_from([0, 13 * 60 + 59, 14 * 60 - 1, 14 * 60, 14 * 60 + 1, 38 * 60, 60 * 60])


@st.composite
def payments(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "storefront": draw(st.sampled_from(["shop", "other"])),
        "receipt": draw(st.sampled_from(RECEIPTS)),
        "paid": draw(MINUTES),
        "recorded": draw(MINUTES),
        "kind": draw(st.sampled_from(PaymentKind)),
        "doubts": draw(st.sampled_from([(), (Doubt.MAY_BE_TWO,)])),
        "amount": draw(st.sampled_from([10_000, 20_000])),
        "digits": draw(st.sampled_from(["8899550000000001", "8899550000000002"])),
        "said": draw(st.none() | st.sampled_from(ResolutionKind)),
    }


@st.composite
def filters(draw: st.DrawFn) -> PaymentFilter:
    def maybe(of: st.SearchStrategy[Any]) -> Any:
        return draw(st.none() | of)

    days = st.sampled_from([date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)])
    instants = MINUTES.map(lambda minutes: at(minutes=minutes))
    by_receipt = draw(st.booleans())
    return PaymentFilter(
        paid_from=maybe(days),
        paid_to=maybe(days),
        recorded_from=maybe(instants),
        recorded_to=maybe(instants),
        channel=maybe(st.just(Channel.ALFA)),
        kind=maybe(st.sampled_from(PaymentKind)),
        certain=maybe(st.booleans()),
        resolution=maybe(st.sampled_from(Resolved)),
        amount=maybe(st.just(10_000)),
        receipt_number=maybe(st.sampled_from(RECEIPTS[:3])) if by_receipt else None,
        payment_code=None if by_receipt else maybe(st.just("8899550000000001")),
    )


def stored(drawn: list[dict[str, Any]]) -> tuple[MemoryTable, list[tuple[Payment, str]]]:
    """A table with a payment each, and what they are, with the digits of their codes."""
    table = MemoryTable()
    codes, search = MemoryCodeStore(table), MemorySearchIndex(table)
    found = []
    for number, each in enumerate(drawn):
        code = make_code(
            f"INV-{number}", storefront_id=each["storefront"], payment_code=each["digits"]
        )
        codes.create(code)
        search.change(find_changes(Change(None, code)))
        settlement = make_settlement(
            code,
            each["receipt"],
            paid_at=at(minutes=each["paid"]),
            amount=Decimal(each["amount"]),
        )
        payment = replace(
            settlement.payment,
            kind=each["kind"],
            doubts=each["doubts"],
            recorded_at=at(minutes=each["recorded"]),
        )
        paid = replace(settlement.code, last_payment=payment.mark)
        codes.record(replace(settlement, code=paid, payment=payment))
        search.change(find_changes(Change(code, paid)))
        if each["said"]:
            done = resolve(paid, payment, Resolution(kind=each["said"], by="me", at=at(days=9)))
            assert done is not None
            codes.record(done)
            payment = done.payment
        # What the changes brought is what the code and its payment tell.
        assert {*find_all(paid, [payment])} <= set(table.search)
        found.append((payment, each["digits"]))
    return table, found


def is_wanted(payment: Payment, digits: str, wanted: PaymentFilter) -> bool:
    """By hand: what the document says of each parameter."""
    day = payment.report.paid_at.astimezone(WIB).date()
    receipt = (payment.report.receipt_number or "").lower().lstrip("0")
    said = payment.resolutions[-1].kind if payment.resolutions else None
    calls = payment.kind is not PaymentKind.PAID or payment.doubts
    resolution = {
        None: True,
        Resolved.OPEN: bool(calls and said is None),
        Resolved.NONE: said is None,
    }.get(wanted.resolution, said is not None and said.value == str(wanted.resolution))

    def between(first: Any, value: date | datetime, last: Any) -> bool:
        return (first is None or first <= value) and (last is None or value <= last)

    return (
        payment.code is not None
        and payment.code.storefront_id == "shop"
        and between(wanted.paid_from, day, wanted.paid_to)
        and between(wanted.recorded_from, payment.recorded_at, wanted.recorded_to)
        and wanted.kind in (None, payment.kind)
        and wanted.certain in (None, payment.doubts == ())
        and wanted.amount in (None, payment.report.amount)
        and (wanted.receipt_number is None or wanted.receipt_number.lower().lstrip("0") == receipt)
        and wanted.payment_code in (None, digits)
        and bool(resolution)
    )


@given(st.lists(payments(), max_size=6), filters(), st.integers(1, 4))
def test_a_list_has_each_wanted_payment_once_and_no_other(
    drawn: list[dict[str, Any]], wanted: PaymentFilter, limit: int
) -> None:
    table, all_payments = stored(drawn)
    read = ReadPayments(payments=MemoryPaymentStore(table))
    found = list(all_items(lambda cursor: read.many("shop", wanted, limit=limit, cursor=cursor)))
    by_hand = [payment for payment, digits in all_payments if is_wanted(payment, digits, wanted)]
    assert sorted(map(_number, found)) == sorted(map(_number, by_hand))
    if wanted.receipt_number is None and wanted.payment_code is None:
        by_date = wanted.by_date and wanted.resolution is not Resolved.OPEN
        order = [each.report.paid_at if by_date else each.recorded_at for each in found]
        assert order == sorted(order, reverse=True)


def _number(payment: Payment) -> str:
    assert payment.code is not None
    return payment.code.invoice_number


def test_digits_that_are_forgotten_lead_nowhere() -> None:
    code = make_code(payment_code="8899550000000001")
    gone = replace(code, due_at=None).forget(at(days=90))
    changes = find_changes(Change(code, gone))
    assert (len(changes.added), len(changes.removed)) == (0, 1)
    assert find_changes(Change(None, code)).added == changes.removed


def test_an_index_that_leads_to_anothers_payment_shows_nothing() -> None:
    table, _ = stored([
        {
            "storefront": "other", "receipt": "R-1", "paid": 0, "recorded": 0, "amount": 10_000,
            "kind": PaymentKind.PAID, "doubts": (), "digits": "8899550000000001", "said": None,
        }
    ])  # fmt: skip

    class Lagging(MemoryPaymentStore):
        def list_recorded(self, storefront_id: str, **page: Any) -> Page[Payment]:  # noqa: ARG002
            return super().list_recorded("other", **page)

    read = ReadPayments(payments=Lagging(table))
    assert len(read.many("other", PaymentFilter(), limit=5, cursor=None).items) == 1
    assert read.many("shop", PaymentFilter(), limit=5, cursor=None).items == []
