"""The comparison at the end of `make day` sees whatever differs, and nothing else."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tools.day.compare import Event, Number, Record, Taken, differences, unseen
from tools.day.plan import AWAY, DAY, PAID, make_plan

SINGLE: Number = (0, "INV-1")
TOP_UP: Number = (1, "INV-1")
UNPAID: Number = (0, "INV-2")


def payment(receipt: str, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "paid",
        "amount": 25_000,
        "store_id": "T001",
        "agent_id": "ALFAMART",
        "paid_at": "2026-01-31T05:12:41Z",
        "receipt_number": receipt,
        "certain": True,
        "had_ended": False,
        "doubts": [],
        **changes,
    }


def taken(receipt: str, **changes: Any) -> Taken:
    cash = Taken(receipt, 25_000, "T001", "ALFAMART", "2026-01-31T05:12:41Z")
    return replace(cash, **changes)


def code(number: Number, status: str, count: int, **changes: Any) -> tuple[int, dict[str, Any]]:
    return number[0], {
        "invoice_number": number[1],
        "status": status,
        "amount": 25_000,
        "channel": "alfa",
        "feature": "dgpc",
        "reusable": number == TOP_UP,
        "unconfirmed": False,
        "payments_count": count,
        "payments_complete": None if number == TOP_UP else True,
        **changes,
    }


def events(number: Number, *told: tuple[str, str | None]) -> list[Event]:
    return [
        Event(f"evt_{number}_{place}", f"payment_code.{kind}", receipt)
        for place, (kind, receipt) in enumerate([("activated", None), *told])
    ]


def a_day() -> Record:
    """Three codes: paid once, paid three times of which one is known to DOKU alone, unpaid."""
    told = {
        SINGLE: events(SINGLE, ("paid", "R1")),
        TOP_UP: events(TOP_UP, ("paid", "R2"), ("paid", "R3"), ("expired", None)),
        UNPAID: events(UNPAID, ("expired", None)),
    }
    order = {"amount": 25_000, "channel": "alfa", "feature": "dgpc"}
    return Record(
        ordered={number: {**order, "reusable": number == TOP_UP} for number in told},
        taken={SINGLE: [taken("R1")], TOP_UP: [taken("R2"), taken("R3"), taken("R4")]},
        lost=frozenset({"R3", "R4"}),
        codes=[code(SINGLE, "paid", 1), code(TOP_UP, "expired", 2), code(UNPAID, "expired", 0)],
        payments={SINGLE: [payment("R1")], TOP_UP: [payment("R2"), payment("R3")]},
        received={number: [*each, each[-1]] for number, each in told.items()},
        listed=told,
        undelivered=[],
        forged=0,
        kept=[],
    )


def found(record: Record) -> list[str]:
    return [str(each) for each in differences(record)]


def test_a_day_on_which_all_went_well_differs_in_nothing() -> None:
    assert found(a_day()) == []
    assert unseen(a_day()) == 1


def test_a_payment_that_was_late_at_first_is_announced_as_that_and_once() -> None:
    late = Event("evt_late", "payment_code.paid_late", "R1")
    told = replace(a_day(), received={**a_day().received, SINGLE: [_PAID[0], late]})
    told = replace(told, listed={**told.listed, SINGLE: [_PAID[0], late]})
    had_ended = other_payments(payment("R1", had_ended=True))
    assert found(had_ended(told)) == []
    assert found(had_ended(a_day())) == []
    assert found(told) == [
        "shop 0 INV-1: payment_code.paid was never announced, receipt R1",
        "shop 0 INV-1: payment_code.paid_late was announced for nothing, receipt R1",
    ]
    both = replace(told, received={**told.received, SINGLE: [*_PAID, late]})
    both = replace(both, listed={**told.listed, SINGLE: [*_PAID, late]})
    assert found(had_ended(both)) == [
        "shop 0 INV-1: payment_code.paid_late was announced for nothing, receipt R1"
    ]


def no_payments(record: Record) -> Record:
    return replace(record, payments={**record.payments, SINGLE: []})


def other_payments(*there: dict[str, Any]) -> Callable[[Record], Record]:
    return lambda record: replace(record, payments={**record.payments, SINGLE: list(there)})


def other_code(number: Number, **changes: Any) -> Callable[[Record], Record]:
    return lambda record: replace(
        record,
        codes=[
            (shop, {**each, **changes} if (shop, each["invoice_number"]) == number else each)
            for shop, each in record.codes
        ],
    )


def other_events(field: str, number: Number, *there: Event) -> Callable[[Record], Record]:
    def spoil(record: Record) -> Record:
        changes: dict[str, Any] = {field: {**getattr(record, field), number: list(there)}}
        return replace(record, **changes)

    return spoil


_PAID = events(SINGLE, ("paid", "R1"))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (no_payments, "a payment of 25000 is missing, receipt R1"),
        (other_payments(payment("R1"), payment("R1")), "on record 2 times"),
        (other_payments(payment("R1"), payment("R9")), "a payment that no till took"),
        (other_payments(payment("R1", amount=25_001)), "amount is 25001, the till has 25000"),
        (other_payments(payment("R1", store_id=None)), "store_id is None"),
        (other_payments(payment("R1", paid_at="2026-01-31T05:12:42Z")), "paid_at is 2026"),
        (other_payments(payment("R1", certain=False, doubts=["x"])), "uncertain"),
        (other_payments(payment("R1", kind="paid_again")), "to be paid once"),
        (
            lambda record: replace(record, lost=frozenset()),
            "a payment of 25000 is missing, receipt R4",
        ),
        (
            lambda record: replace(record, taken={**record.taken, UNPAID: [taken("R5")]}),
            "it was paid at the till, and is expired",
        ),
        (lambda record: replace(record, taken={SINGLE: [taken("R1")]}), "no till took, receipt R2"),
        (other_code(SINGLE, status="expired"), "it was paid at the till, and is expired"),
        (other_code(SINGLE, payments_count=2), "payments_count is 2 of 1"),
        (other_code(SINGLE, amount=1), "amount is 1, asked for was 25000"),
        (other_code(SINGLE, reusable=True), "reusable is True"),
        (other_code(UNPAID, status="paid"), "not paid for good, and still paid"),
        (other_code(UNPAID, status="active"), "still active"),
        (other_code(UNPAID, unconfirmed=True), "unconfirmed"),
        (other_code(TOP_UP, status="active"), "still active"),
        (other_code(TOP_UP, payments_complete=True), "called complete"),
        (lambda record: replace(record, codes=record.codes[1:]), "not listed"),
        (lambda record: replace(record, codes=[*record.codes, *record.codes]), "listed twice"),
        (lambda record: replace(record, ordered={}), "nobody asked for it"),
        (other_events("received", SINGLE), "was never received"),
        (other_events("listed", SINGLE), "is not listed"),
        (
            other_events("received", SINGLE, *_PAID, Event("evt_2", "payment_code.paid", "R1")),
            "under 2 ids",
        ),
        (other_events("received", SINGLE, _PAID[0]), "payment_code.paid was never announced"),
        (
            other_events("received", SINGLE, *_PAID, Event("evt_2", "payment_code.paid", "R9")),
            "announced for nothing",
        ),
        (lambda record: replace(record, undelivered=["evt_1"]), "event evt_1 is not delivered"),
        (lambda record: replace(record, forged=1), "1 webhooks could not be verified"),
        (lambda record: replace(record, kept=["a letter"]), "left for a person: a letter"),
    ],
)
def test_a_difference_is_seen(spoil: Callable[[Record], Record], sentence: str) -> None:
    assert any(sentence in each for each in found(spoil(a_day()))), found(spoil(a_day()))


def test_a_plan_is_what_it_says() -> None:
    plan = make_plan(codes=2_000, seed=1, kills=20, shops=3)
    assert plan == make_plan(codes=2_000, seed=1, kills=20, shops=3)
    assert plan != make_plan(codes=2_000, seed=2, kills=20, shops=3)
    assert len({(order.shop, order.invoice_number) for order in plan.orders}) == 2_000
    assert round(sum(bool(order.visits) for order in plan.orders) / 2_000, 2) == PAID
    assert round(sum(span.ends - span.begins for span in plan.away)) == round(AWAY * DAY)
    assert not any(
        span.begins <= visit.at < span.ends for visit in plan.visits() for span in plan.away
    )
    receipts = [visit.receipt_number for visit in plan.visits()]
    assert len(receipts) == len(set(receipts))
    kinds = [each if isinstance(each, str) else each["kind"] for each in notified(plan)]
    for kind, part in (("lost", 0.05), ("duplicate", 0.05), ("late", 0.02)):
        assert abs(kinds.count(kind) / len(kinds) - part) < 0.015


def notified(plan: Any) -> list[Any]:
    return [visit.notify for visit in plan.visits()]
