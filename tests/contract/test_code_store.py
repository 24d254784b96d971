"""What every codes does."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from o2o.core.channels import Channel, Feature
from o2o.core.codes import Move, PaymentCode, Status
from o2o.core.errors import DigitsTaken, VersionConflict
from o2o.core.payments import CodeHistory, Evidence
from o2o.core.work import Work, WorkKind
from tests.contract.conftest import Stores
from tests.support.samples import (
    at,
    make_code,
    make_full_code,
    make_kept,
    make_own_code,
    make_settlement,
)

DIGITS = "8899551234567890"


@pytest.mark.parametrize("code", [make_code(), make_full_code()], ids=["new", "full"])
def test_what_is_created_is_read_back_whole(stores: Stores, code: PaymentCode) -> None:
    assert stores.codes.create(code) is None
    assert stores.codes.get("INV-1") == code
    assert stores.codes.get_history("INV-1", 5) == CodeHistory(code, [])


def test_what_is_not_there_is_none(stores: Stores) -> None:
    stores.codes.create(make_code("INV-10"))
    assert stores.codes.get("INV-1") is None
    assert stores.codes.get_history("INV-1", 5) is None


def test_a_taken_invoice_number_answers_with_its_taker(stores: Stores) -> None:
    taker = make_full_code()
    stores.codes.create(taker)
    assert stores.codes.create(make_code(storefront_id="other")) == taker
    assert stores.codes.create(taker) == taker
    assert stores.codes.get("INV-1") == taker


def test_save_replaces_the_version_before(stores: Stores) -> None:
    code = make_full_code()
    stores.codes.create(code)
    changed = code.move(Move.RECORD, due_at=at(hours=2), info=None, failure=None)
    stores.codes.save(changed)
    assert stores.codes.get("INV-1") == changed


@pytest.mark.parametrize("version", [1, 3], ids=["the same", "one too far"])
def test_save_refuses_any_other_version(stores: Stores, version: int) -> None:
    code = make_code()
    stores.codes.create(code)
    with pytest.raises(VersionConflict):
        stores.codes.save(replace(code, version=version, info="changed"))
    assert stores.codes.get("INV-1") == code


def test_save_creates_nothing(stores: Stores) -> None:
    with pytest.raises(VersionConflict):
        stores.codes.save(make_code().wait(None))
    assert stores.codes.get("INV-1") is None


def test_a_payment_and_its_code_are_recorded_together(stores: Stores) -> None:
    code = make_code()
    stores.codes.create(code)
    settlement = make_settlement(code)
    assert stores.codes.record(settlement) is None
    assert stores.codes.get("INV-1") == settlement.code
    assert stores.codes.get_history("INV-1", 5) == CodeHistory(
        settlement.code, [settlement.payment]
    )


def test_a_taken_identity_answers_with_its_payment_and_writes_nothing(stores: Stores) -> None:
    code = make_code()
    stores.codes.create(code)
    first = make_settlement(code)
    stores.codes.record(first)
    again = make_settlement(first.code, amount=Decimal(7))
    assert stores.codes.record(again) == first.payment
    stale = make_settlement(code, amount=Decimal(8))
    assert stores.codes.record(stale) == first.payment
    assert stores.codes.get_history("INV-1", 5) == CodeHistory(first.code, [first.payment])


def test_a_payment_is_not_recorded_on_a_code_that_changed(stores: Stores) -> None:
    code = make_code()
    stores.codes.create(code)
    changed = code.wait(at(minutes=2))
    stores.codes.save(changed)
    with pytest.raises(VersionConflict):
        stores.codes.record(make_settlement(code))
    assert stores.codes.get_history("INV-1", 5) == CodeHistory(changed, [])


def test_a_payment_is_not_recorded_without_its_code(stores: Stores) -> None:
    with pytest.raises(VersionConflict):
        stores.codes.record(make_settlement(make_code()))
    assert stores.codes.get_history("INV-1", 5) is None


def test_a_history_shows_the_first_payments_by_identity(stores: Stores) -> None:
    for invoice_number in ("INV-1", "INV-10", "INV"):
        code = make_code(invoice_number)
        stores.codes.create(code)
        for identity in ("R-2", "R-10", "R-1", "é", "Z", "2026-03-01T03:05:00Z"):
            settlement = make_settlement(code, identity)
            stores.codes.record(settlement)
            code = settlement.code
    history = stores.codes.get_history("INV-1", 5)
    assert history is not None
    assert [payment.identity for payment in history.payments] == [
        "2026-03-01T03:05:00Z",
        "R-1",
        "R-10",
        "R-2",
        "Z",
    ]
    assert history.code.payments == 6
    alone = stores.codes.get_history("INV-1", 0)
    assert alone == CodeHistory(history.code, [])


@pytest.mark.parametrize("amount", ["150000", "150000.00", "0.10", "1E+5", "1." + "0123456789" * 5])
def test_amounts_keep_every_digit(stores: Stores, amount: str) -> None:
    code = make_code()
    stores.codes.create(code)
    stores.codes.record(make_settlement(code, amount=Decimal(amount)))
    history = stores.codes.get_history("INV-1", 1)
    assert history is not None
    assert str(history.payments[0].report.amount) == amount
    assert history.code.last_payment is not None
    assert str(history.code.last_payment.amount) == amount


@pytest.mark.parametrize(
    "body", ["", "\x00\x1f", "☕ № \U0001f9fe", "\udcff\udc80 not UTF-8", "x" * 60_000]
)
def test_evidence_keeps_every_character(stores: Stores, body: str) -> None:
    code = make_code()
    stores.codes.create(code)
    evidence = Evidence(body, {"Signature": "HMACSHA256=ab+/c==", "Empty": ""})
    stores.codes.record(make_settlement(code, evidence=evidence))
    history = stores.codes.get_history("INV-1", 1)
    assert history is not None
    assert history.payments[0].report.evidence == evidence


@pytest.mark.parametrize(
    "odd", ["", "#", "PAYMENT#R", "a b/ü\U0001f9fe", "\ud800", "x" * 5000, "é" * 300]
)
def test_doku_may_send_odd_numbers(stores: Stores, odd: str) -> None:
    # Those of codes are checked when they are asked for; DOKU's are what they are.
    code = make_code()
    stores.codes.create(code)
    settlement = make_settlement(code, odd)
    assert stores.codes.record(settlement) is None
    assert stores.codes.record(make_settlement(settlement.code, odd)) == settlement.payment
    assert stores.codes.get(odd) is None
    assert stores.codes.get_history(odd, 1) is None
    history = stores.codes.get_history("INV-1", 5)
    assert history is not None
    assert [payment.identity for payment in history.payments] == [odd]


def test_due_is_what_is_due_the_longest_overdue_first(stores: Stores) -> None:
    for number in range(20):
        stores.codes.create(make_code(f"INV-{number}", due_at=at(minutes=(number * 7) % 20)))
    stores.codes.create(make_code("INV-final", due_at=None))
    assert stores.codes.due(at(seconds=-1), 100) == []
    due = stores.codes.due(at(minutes=9), 100)
    assert [work.due_at for work in due] == [at(minutes=minute) for minute in range(10)]
    assert all(work.kind is WorkKind.CODE and work.identity == "" for work in due)
    assert stores.codes.due(at(minutes=9), 3) == due[:3]


def test_what_moves_on_is_due_then_or_never(stores: Stores) -> None:
    code = make_code(due_at=at(minutes=1))
    stores.codes.create(code)
    later = code.wait(at(minutes=5))
    stores.codes.save(later)
    assert stores.codes.due(at(minutes=4), 10) == []
    work = Work(WorkKind.CODE, "INV-1", due_at=at(minutes=5))
    assert stores.codes.due(at(minutes=5), 10) == [work]
    stores.codes.record(make_settlement(later))
    # What is final is due once more, to be forgotten: 90 days after we learnt of the payment.
    assert stores.codes.due(at(days=90), 10) == []
    forget = Work(WorkKind.CODE, "INV-1", due_at=at(days=90, minutes=6))
    assert stores.codes.due(at(days=1000), 10) == [forget]


def test_kept_notifications_are_due_beside_codes(stores: Stores) -> None:
    stores.codes.create(make_code("INV-1", due_at=at(minutes=2)))
    stores.notifications.keep(make_kept("INV-1", "0a1b", due_at=at(minutes=1)))
    stores.notifications.keep(make_kept("INV-1", "0a1c", due_at=None))
    assert stores.codes.due(at(minutes=3), 10) == [
        Work(WorkKind.NOTIFICATION, "INV-1", "0a1b", at(minutes=1)),
        Work(WorkKind.CODE, "INV-1", "", at(minutes=2)),
    ]


# --- Digits that were made here ---


def cancelled(code: PaymentCode, successor: str | None = None) -> PaymentCode:
    """A code that has given way, one version on."""
    return code.move(Move.CANCEL, ended_at=at(minutes=1), replaced_by=successor)


@pytest.mark.parametrize("feature", [Feature.MGPC, Feature.DIPC])
def test_digits_of_ours_are_claimed(stores: Stores, feature: Feature) -> None:
    code = make_own_code(feature=feature)
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) is None
    assert stores.codes.create(code) is None
    assert stores.codes.get("INV-1") == code
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) == code


def test_digits_lead_to_the_code_as_it_is_now(stores: Stores) -> None:
    code = make_own_code()
    stores.codes.create(code)
    ended = cancelled(code)
    stores.codes.save(ended)
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) == ended


@pytest.mark.parametrize(
    ("channel", "digits"),
    [
        (Channel.INDOMARET, DIGITS),
        *((Channel.ALFA, digits) for digits in (DIGITS[:-1], DIGITS + "0", "0" + DIGITS, "")),
    ],
)
def test_other_digits_lead_nowhere(stores: Stores, channel: Channel, digits: str) -> None:
    stores.codes.create(make_own_code())
    assert stores.codes.find_by_digits(channel, digits) is None
    if digits:
        other = make_own_code("INV-2", channel=channel, payment_code=digits)
        assert stores.codes.create(other) is None
        assert stores.codes.find_by_digits(channel, digits) == other


def test_digits_of_dokus_are_nobodys_here(stores: Stores) -> None:
    for invoice_number in ("INV-1", "INV-2"):
        theirs = make_code(invoice_number, payment_code=DIGITS, status=Status.ACTIVE)
        assert stores.codes.create(theirs) is None
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) is None
    ours = make_own_code("INV-3")
    assert stores.codes.create(ours) is None
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) == ours


def test_taken_digits_name_their_holder_and_nothing_is_written(stores: Stores) -> None:
    holder = make_own_code()
    stores.codes.create(holder)
    # Across storefronts and features, too.
    late = make_own_code("INV-2", storefront_id="other", feature=Feature.MGPC)
    with pytest.raises(DigitsTaken) as caught:
        stores.codes.create(late)
    assert caught.value.holder == "INV-1"
    assert DIGITS not in str(caught.value)
    assert stores.codes.get("INV-2") is None
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) == holder


def test_digits_that_were_let_go_go_to_the_next(stores: Stores) -> None:
    former, heir, late = (make_own_code(f"INV-{number}") for number in (1, 2, 3))
    stores.codes.create(former)
    stores.codes.save(cancelled(former))
    assert stores.codes.create(heir, former_holder="INV-1") is None
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) == heir
    assert stores.codes.get("INV-1") == cancelled(former)
    # Somebody who saw them free a moment ago comes too late.
    with pytest.raises(DigitsTaken) as caught:
        stores.codes.create(late, former_holder="INV-1")
    assert caught.value.holder == "INV-2"
    assert stores.codes.get("INV-3") is None
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) == heir


def test_digits_that_nobody_holds_any_more_are_free(stores: Stores) -> None:
    code = make_own_code()
    assert stores.codes.create(code, former_holder="INV-0") is None
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) == code


def test_a_taken_invoice_number_says_more_than_taken_digits(stores: Stores) -> None:
    holder, taker = make_own_code("INV-1"), make_own_code("INV-2", payment_code="889955")
    stores.codes.create(holder)
    stores.codes.create(taker)
    again = make_own_code("INV-2")
    assert stores.codes.create(again) == taker
    assert stores.codes.create(again, former_holder="INV-1") == taker
    assert stores.codes.create(holder) == holder
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) == holder
    assert stores.codes.find_by_digits(Channel.ALFA, "889955") == taker


# --- Codes that give way ---


@pytest.mark.parametrize("make", [make_code, make_own_code], ids=["DOKU's digits", "our digits"])
def test_a_code_and_its_successor_are_written_together(stores: Stores, make: Any) -> None:
    former = make_own_code(payment_code="8899550000000000")
    stores.codes.create(former)
    replaced = cancelled(former, "INV-2")
    code = make("INV-2", replaces="INV-1")
    assert stores.codes.create(code, replaced=replaced) is None
    assert stores.codes.get("INV-1") == replaced
    assert stores.codes.get("INV-2") == code


def test_a_successor_may_take_the_digits_along(stores: Stores) -> None:
    former, heir = make_own_code(), make_own_code("INV-2", replaces="INV-1")
    stores.codes.create(former)
    replaced = cancelled(former, "INV-2")
    assert stores.codes.create(heir, former_holder="INV-1", replaced=replaced) is None
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) == heir
    assert stores.codes.get("INV-1") == replaced


@pytest.mark.parametrize("make", [make_code, make_own_code], ids=["DOKU's digits", "our digits"])
@pytest.mark.parametrize("exists", [True, False])
def test_nothing_is_written_if_the_code_that_gives_way_changed(
    stores: Stores, make: Any, exists: bool
) -> None:
    former = make_code()
    changed = former.wait(at(minutes=2))
    if exists:
        stores.codes.create(former)
        stores.codes.save(changed)
    code = make("INV-2")
    with pytest.raises(VersionConflict):
        stores.codes.create(code, replaced=cancelled(former, "INV-2"))
    assert stores.codes.get("INV-1") == (changed if exists else None)
    assert stores.codes.get("INV-2") is None
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) is None


def test_nobody_gives_way_to_a_code_that_is_not_written(stores: Stores) -> None:
    former, holder = make_code(), make_own_code("INV-2")
    stores.codes.create(former)
    stores.codes.create(holder)
    for replaced in (cancelled(former, "INV-3"), replace(cancelled(former), version=7)):
        with pytest.raises(DigitsTaken) as caught:
            stores.codes.create(make_own_code("INV-3"), replaced=replaced)
        assert caught.value.holder == "INV-2"
        assert stores.codes.create(make_code("INV-2"), replaced=replaced) == holder
    assert stores.codes.get("INV-1") == former
    assert stores.codes.get("INV-3") is None
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) == holder


# --- Payments of a chain ---


def chain(stores: Stores) -> tuple[PaymentCode, ...]:
    """Three codes of one order."""
    codes = tuple(make_code(f"INV-{number}") for number in (1, 2, 3))
    for code in codes:
        stores.codes.create(code)
    return codes


def test_a_payment_is_recorded_while_the_others_stand(stores: Stores) -> None:
    code, *others = chain(stores)
    settlement = replace(make_settlement(code), seen=tuple(others))
    assert stores.codes.record(settlement) is None
    assert stores.codes.get_history("INV-1", 5) == CodeHistory(
        settlement.code, [settlement.payment]
    )
    assert [stores.codes.get(other.invoice_number) for other in others] == others


@pytest.mark.parametrize("changed", [0, 1])
def test_a_payment_is_not_recorded_if_another_code_of_the_chain_changed(
    stores: Stores, changed: int
) -> None:
    code, *others = chain(stores)
    stores.codes.record(make_settlement(others[changed]))
    with pytest.raises(VersionConflict):
        stores.codes.record(replace(make_settlement(code), seen=tuple(others)))
    assert stores.codes.get_history("INV-1", 5) == CodeHistory(code, [])


def test_a_payment_is_not_recorded_if_another_code_of_the_chain_is_not_there(
    stores: Stores,
) -> None:
    code, *_ = chain(stores)
    with pytest.raises(VersionConflict):
        stores.codes.record(replace(make_settlement(code), seen=(make_code("INV-4"),)))
    assert stores.codes.get_history("INV-1", 5) == CodeHistory(code, [])


def test_a_known_payment_says_more_than_a_changed_chain(stores: Stores) -> None:
    code, other, _ = chain(stores)
    first = make_settlement(code)
    stores.codes.record(first)
    stores.codes.record(make_settlement(other))
    again = replace(make_settlement(first.code), seen=(other,))
    assert stores.codes.record(again) == first.payment


@pytest.mark.parametrize("namespace", [None, "k7q2"])
def test_digits_that_were_released_are_nobody_s(stores: Stores, namespace: str | None) -> None:
    code = make_own_code(namespace=namespace)
    stores.codes.create(code)
    stores.codes.release_digits(Channel.ALFA, DIGITS, holder=code.order_number)
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) is None
    assert stores.codes.get(code.order_number) == code
    stores.codes.release_digits(Channel.ALFA, DIGITS, holder=code.order_number)
    heir = make_own_code("INV-2", storefront_id="other", namespace="m3p9")
    assert stores.codes.create(heir) is None
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) == heir
    with pytest.raises(VersionConflict):
        stores.codes.release_digits(Channel.ALFA, DIGITS, holder=code.order_number)
    assert stores.codes.find_by_digits(Channel.ALFA, DIGITS) == heir


def test_order_numbers_are_the_keys_of_everything(stores: Stores) -> None:
    ours, theirs = make_code(), make_code(storefront_id="other", namespace="k7q2")
    assert stores.codes.create(ours) is stores.codes.create(theirs) is None
    settlement = make_settlement(theirs)
    assert stores.codes.record(settlement) is None
    assert stores.codes.get("INV-1") == ours
    assert stores.codes.get("k7q2._INV-1") == settlement.code
    assert stores.codes.list_payments("INV-1", limit=5, cursor=None).items == []
    listed = stores.codes.list_payments("k7q2._INV-1", limit=5, cursor=None)
    assert listed.items == [settlement.payment]
    assert [work.invoice_number for work in stores.codes.due(at(hours=1), 5)] == ["INV-1"]
