"""Many at once. moto checks a condition and writes in two steps, so it has no say here."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TypeVar

import pytest

from o2o.core.channels import Channel, Feature
from o2o.core.codes import Move, PaymentCode, Status
from o2o.core.errors import DigitsTaken, VersionConflict
from o2o.core.payments import CodeHistory, Evidence, Settlement
from o2o.core.storefronts import Storefront
from o2o.usecases.settle import Settle, SettleOutcome
from tests.contract.conftest import Stores, Table, memory_stores
from tests.support.patience import PATIENCE_SECONDS
from tests.support.samples import (
    NOW,
    at,
    make_code,
    make_completion,
    make_kept,
    make_own_code,
    make_report,
    make_settlement,
)
from tests.support.world import TIMETABLE

CROWD = 50
THRONG = 200
TILLS = 6
Result = TypeVar("Result")


@pytest.fixture(params=["memory", "dynoxide"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return memory_stores()
    table: Table = request.getfixturevalue("dynoxide_table")
    return table.stores


def at_once(do: Callable[[int], Result], crowd: int = CROWD) -> list[Result]:
    """The results of as many threads, let loose together."""
    start = Barrier(crowd, timeout=PATIENCE_SECONDS)

    def run(number: int) -> Result:
        start.wait()
        return do(number)

    with ThreadPoolExecutor(crowd) as pool:
        return list(pool.map(run, range(crowd)))


def records(stores: Stores, settlement: Settlement) -> bool:
    """Whether the settlement is recorded: another one may have come before."""
    try:
        stores.codes.record(settlement)
    except VersionConflict:
        return False
    return True


def test_one_of_many_creates(stores: Stores) -> None:
    codes = [make_code(fingerprint=f"{number}") for number in range(CROWD)]
    takers = at_once(lambda number: stores.codes.create(codes[number]))
    winner = stores.codes.get("INV-1")
    assert winner is not None
    assert takers.count(None) == 1
    assert takers[codes.index(winner)] is None
    assert all(taker in (None, winner) for taker in takers)


def all_codes(stores: Stores) -> Sequence[PaymentCode]:
    page = stores.codes.list_codes(
        "shop", created_from=None, created_to=None, limit=1000, cursor=None
    )
    assert page.next_cursor is None
    return page.items


def test_one_of_many_claims_the_digits_and_nothing_is_left_of_the_others(stores: Stores) -> None:
    digits = "8899551234567890"
    codes = [make_own_code(f"INV-{n}", payment_code=digits) for n in range(THRONG)]

    def claim(number: int) -> str | None:
        try:
            assert stores.codes.create(codes[number]) is None
        except DigitsTaken as taken:
            return taken.holder
        return None

    holders = at_once(claim, THRONG)
    assert holders.count(None) == 1
    winner = codes[holders.index(None)]
    assert holders.count(winner.invoice_number) == THRONG - 1
    assert stores.codes.find_by_digits(Channel.ALFA, digits) == winner
    assert all_codes(stores) == [winner]
    assert [work.invoice_number for work in stores.due.due(at(days=1), 1000)] == [
        winner.invoice_number
    ]


def test_one_of_many_takes_digits_over(stores: Stores) -> None:
    former = make_own_code(due_at=None, status=Status.EXPIRED, ended_at=NOW)
    stores.codes.create(former)
    heirs = [make_own_code(f"INV-{n}") for n in range(2, 2 + CROWD)]

    def claim(number: int) -> str | None:
        try:
            assert stores.codes.create(heirs[number], former_holder="INV-1") is None
        except DigitsTaken as taken:
            return taken.holder
        return None

    holders = at_once(claim)
    assert holders.count(None) == 1
    winner = heirs[holders.index(None)]
    assert holders.count(winner.invoice_number) == CROWD - 1
    assert stores.codes.find_by_digits(Channel.ALFA, winner.payment_code or "") == winner
    assert len(all_codes(stores)) == 2


@pytest.mark.parametrize("feature", [Feature.DGPC, Feature.MGPC])
def test_one_of_two_bodies_under_one_invoice_number(stores: Stores, feature: Feature) -> None:
    bodies = [
        make_own_code(
            feature=feature,
            fingerprint=f"{body}" * 64,
            amount=10_000 + body,
            payment_code=f"889955123456789{body}",
        )
        for body in (0, 1)
    ]
    takers = at_once(lambda number: stores.codes.create(bodies[number % 2]), THRONG)
    winner = stores.codes.get("INV-1")
    assert winner in bodies
    assert takers.count(None) == 1
    assert takers.count(winner) == THRONG - 1
    assert bodies[takers.index(None) % 2] == winner
    assert all_codes(stores) == [winner]
    # The digits of the other body are free.
    held = [stores.codes.find_by_digits(Channel.ALFA, body.payment_code or "") for body in bodies]
    assert held == [winner if body == winner and winner.merchant_made else None for body in bodies]


def test_one_of_many_replaces_a_code(stores: Stores) -> None:
    former = make_code()
    stores.codes.create(former)
    heirs = [make_code(f"INV-{n}", replaces="INV-1") for n in range(2, 2 + CROWD)]

    def supersede(number: int) -> bool:
        heir = heirs[number]
        replaced = former.move(
            Move.CANCEL, ended_at=NOW, due_at=None, replaced_by=heir.invoice_number
        )
        try:
            return stores.codes.create(heir, replaced=replaced) is None
        except VersionConflict:
            return False

    replaced = at_once(supersede)
    assert replaced.count(True) == 1
    winner = heirs[replaced.index(True)]
    now = stores.codes.get("INV-1")
    assert now is not None
    assert (now.replaced_by, now.version) == (winner.invoice_number, 2)
    assert {code.invoice_number for code in all_codes(stores)} == {"INV-1", winner.invoice_number}


def test_of_two_codes_of_a_chain_one_is_paid_first(stores: Stores) -> None:
    one, other = make_code(), make_code("INV-2")
    stores.codes.create(one)
    stores.codes.create(other)
    settlements = [
        replace(make_settlement(one), seen=(other,)),
        replace(make_settlement(other), seen=(one,)),
    ]

    # Both at once would each be the order's first payment.
    recorded = at_once(lambda number: records(stores, settlements[number]), 2)
    assert recorded.count(True) == 1


def test_one_of_many_saves_a_version(stores: Stores) -> None:
    code = make_code()
    stores.codes.create(code)
    versions = [code.wait(at(minutes=number)) for number in range(CROWD)]

    def save(number: int) -> bool:
        try:
            stores.codes.save(versions[number])
        except VersionConflict:
            return False
        return True

    saved = at_once(save)
    assert saved.count(True) == 1
    assert stores.codes.get("INV-1") == versions[saved.index(True)]


def test_a_payment_that_comes_many_times_is_recorded_once(stores: Stores) -> None:
    code = make_code()
    stores.codes.create(code)
    settlement = make_settlement(code)
    assert at_once(lambda _: records(stores, settlement)).count(True) == 1
    history = stores.codes.get_history("INV-1", CROWD)
    assert history is not None
    assert history.code == settlement.code
    assert history.payments == [settlement.payment]


def test_different_payments_of_one_version_are_recorded_one_by_one(stores: Stores) -> None:
    code = make_code()
    stores.codes.create(code)
    settlements = [make_settlement(code, f"R-{number}") for number in range(CROWD)]
    recorded = at_once(lambda number: records(stores, settlements[number]))
    assert recorded.count(True) == 1
    winner = settlements[recorded.index(True)]
    history = stores.codes.get_history("INV-1", CROWD)
    assert history == CodeHistory(winner.code, [winner.payment])


def test_one_of_many_completes_a_payment(stores: Stores) -> None:
    stores.codes.create(make_code())
    first = make_settlement(make_code(), "")
    stores.codes.record(first)
    completions = [
        make_completion(first.code, first.payment, receipt_number=f"R-{number}")
        for number in range(CROWD)
    ]
    recorded = at_once(lambda number: records(stores, completions[number]))
    assert recorded.count(True) == 1
    winner = completions[recorded.index(True)]
    history = stores.codes.get_history("INV-1", CROWD)
    assert history == CodeHistory(winner.code, [winner.payment])


@pytest.mark.parametrize("reusable", [True, False])
def test_all_who_pay_at_once_are_recorded_under_numbers_of_their_own(
    stores: Stores, reusable: bool
) -> None:
    stores.codes.create(make_own_code(reusable=reusable))
    settle = Settle(codes=stores.codes, clock=lambda: at(minutes=6), timetable=TIMETABLE)

    def pay(number: int) -> SettleOutcome:
        # Each is told twice, too.
        told = f"R-{number // 2}"
        return settle(make_report(receipt_number=told, evidence=Evidence(told))).outcome

    outcomes = at_once(pay, 2 * TILLS)
    assert outcomes.count(SettleOutcome.RECORDED) == TILLS
    assert outcomes.count(SettleOutcome.KNOWN) == TILLS
    history = stores.codes.get_history("INV-1", CROWD)
    assert history is not None
    assert (history.code.payments, history.code.version) == (TILLS, TILLS + 1)
    assert [payment.number for payment in history.payments] == list(range(1, TILLS + 1))
    receipts = {payment.report.receipt_number for payment in history.payments}
    assert receipts == {f"R-{number}" for number in range(TILLS)}


def test_the_same_message_is_kept_once_and_a_storefront_added_once(stores: Stores) -> None:
    kept = make_kept()
    assert at_once(lambda _: stores.notifications.keep(kept)).count(True) == 1
    shops = [replace(Storefront("shop", "Shop", NOW), name=f"{n}") for n in range(CROWD)]
    assert at_once(lambda n: stores.storefronts.add_storefront(shops[n])).count(True) == 1
