"""What every codes does."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from o2o.core.channels import Channel, Feature
from o2o.core.codes import Doubt, Move, PaymentCode, Status
from o2o.core.errors import DigitsTaken, VersionConflict
from o2o.core.payments import MOST_TELLINGS, CodeHistory, Evidence, Settlement
from o2o.core.receipts import comparable
from o2o.core.work import Work, WorkKind
from tests.contract.conftest import Stores, pay
from tests.support.due import lane_of
from tests.support.memory import MemoryLane
from tests.support.samples import (
    at,
    make_code,
    make_completion,
    make_full_code,
    make_kept,
    make_own_code,
    make_report,
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
    stores.codes.record(settlement)
    assert stores.codes.get("INV-1") == settlement.code
    assert stores.codes.get_history("INV-1", 5) == CodeHistory(
        settlement.code, [settlement.payment]
    )


def test_a_taken_number_is_a_conflict_and_nothing_is_written(stores: Stores) -> None:
    code = make_code()
    stores.codes.create(code)
    first = make_settlement(code)
    stores.codes.record(first)
    taken = make_settlement(first.code, "R-2", number=1)
    stale = make_settlement(code, "R-3")
    for lost in (first, taken, stale):
        with pytest.raises(VersionConflict):
            stores.codes.record(lost)
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


RECEIPTS = ["R-2", "R-10", "R-1", "é", "Z", "", "CODE", "PAYMENT#1", "~", "\U0010ffff", "R-3", "0"]
"""In no order, and more of them than one digit numbers."""


@pytest.mark.parametrize("reusable", [True, False])
def test_a_history_shows_the_first_payments_as_they_were_recorded(
    stores: Stores, reusable: bool
) -> None:
    for invoice_number in ("INV-10", "INV"):
        pay(stores, make_code(invoice_number, reusable=reusable), ["R-1", "R-0"])
    payments = pay(stores, make_code(reusable=reusable), RECEIPTS)
    code = stores.codes.get("INV-1")
    assert code is not None
    assert code.payments == len(RECEIPTS)
    for limit in (0, 1, 11, 12, 50):
        history = stores.codes.get_history("INV-1", limit)
        # Nothing but payments: what leads to them from receipts is none.
        assert history == CodeHistory(code, list(payments[:limit]))


def test_a_history_is_whole_however_long_the_messages_are(stores: Stores) -> None:
    code = make_code(reusable=True)
    stores.codes.create(code)
    evidence = Evidence("x" * 60_000)
    for number in range(20):
        # More than the megabyte that DynamoDB answers with at once.
        settlement = make_settlement(code, f"R-{number}", evidence=evidence)
        stores.codes.record(settlement)
        code = settlement.code
    history = stores.codes.get_history("INV-1", 20)
    assert history is not None
    assert [payment.number for payment in history.payments] == list(range(1, 21))
    assert len(stores.codes.find_alike(make_report(receipt_number=None), 20)) == 20


# --- A known payment of which more is known now ---


def test_a_completed_payment_replaces_what_was_known_of_it(stores: Stores) -> None:
    pay(stores, make_code(), ["", "R-2"])
    history = stores.codes.get_history("INV-1", 5)
    assert history is not None
    first, second = history.payments
    completion = make_completion(history.code, first, receipt_number="R-1", store_id="S-9")
    stores.codes.record(completion)
    assert completion.code.version == history.code.version + 1
    assert completion.code.payments == 2
    assert stores.codes.get_history("INV-1", 5) == CodeHistory(
        completion.code, [completion.payment, second]
    )


def test_a_payment_keeps_five_tellings_of_the_longest(stores: Stores) -> None:
    code = make_code()
    stores.codes.create(code)
    settlement = make_settlement(code, evidence=Evidence("x" * 60_000))
    stores.codes.record(settlement)
    telling = replace(settlement.payment.report, evidence=Evidence("y" * 60_000, {"A": "b" * 1000}))
    further = (telling,) * (MOST_TELLINGS - 1)
    fuller = replace(settlement.payment, further=further, doubts=tuple(Doubt))
    completion = Settlement(settlement.code.move(Move.RECORD), fuller, is_new=False)
    stores.codes.record(completion)
    assert stores.codes.get_history("INV-1", 5) == CodeHistory(completion.code, [fuller])


def test_a_payment_is_not_completed_on_a_code_that_changed(stores: Stores) -> None:
    (payment,) = pay(stores, make_code(), ["R-1"])
    code = stores.codes.get("INV-1")
    assert code is not None
    changed = code.move(Move.RECORD)
    stores.codes.save(changed)
    with pytest.raises(VersionConflict):
        stores.codes.record(make_completion(code, payment, store_id="S-9"))
    assert stores.codes.get_history("INV-1", 5) == CodeHistory(changed, [payment])


def test_a_payment_that_is_not_there_is_not_completed(stores: Stores) -> None:
    code = make_code(reusable=True)
    stores.codes.create(code)
    never_recorded = make_settlement(code).payment
    with pytest.raises(VersionConflict):
        stores.codes.record(make_completion(code, never_recorded, store_id="S-9"))
    assert stores.codes.get_history("INV-1", 5) == CodeHistory(code, [])
    assert stores.codes.find_alike(make_report(), 5) == []


# --- What may be alike, of a code with many payments ---


def alike(
    stores: Stores, receipt_number: str | None, newest: int, invoice_number: str = "INV-1"
) -> list[int]:
    """The numbers of the payments that a telling with this receipt may speak of."""
    report = make_report(invoice_number, receipt_number=receipt_number)
    return sorted(payment.number for payment in stores.codes.find_alike(report, newest))


def test_alike_are_the_newest_payments_and_that_of_the_receipt(stores: Stores) -> None:
    payments = pay(stores, make_code(reusable=True), [f"R-{number}" for number in range(1, 13)])
    pay(stores, make_code("INV-10", reusable=True), ["R-1", "R-2", "R-99"])
    assert alike(stores, "R-2", 3) == [2, 10, 11, 12]
    assert alike(stores, "R-11", 3) == [10, 11, 12]
    assert alike(stores, "R-2", 50) == list(range(1, 13))
    for other in (None, "", "N/A", "R-99", "R", "R-", "R-1#", "#"):
        assert alike(stores, other, 3) == [10, 11, 12]
    report = make_report(receipt_number="R-2")
    assert payments[1] in stores.codes.find_alike(report, 1)
    assert alike(stores, "R-2", 5, "INV-2") == []


@pytest.mark.parametrize("told", ["00aB1", "AB1", "ab1", "0000Ab1", " aB1\t"])
def test_receipts_are_found_without_leading_zeros_and_case(stores: Stores, told: str) -> None:
    pay(stores, make_code(reusable=True), ["00aB1", "R-2", "R-3"])
    assert alike(stores, told, 1) == [1, 3]
    assert alike(stores, told + "0", 1) == [3]


def test_the_receipt_of_a_completed_payment_is_found(stores: Stores) -> None:
    first, *_ = pay(stores, make_code(reusable=True), ["-", "R-2", "R-3"])
    code = stores.codes.get("INV-1")
    assert code is not None
    assert alike(stores, "R-1", 1) == [3]
    completion = make_completion(code, first, receipt_number="R-1")
    stores.codes.record(completion)
    assert alike(stores, "R-1", 1) == [1, 3]
    assert completion.payment in stores.codes.find_alike(make_report(receipt_number="R-1"), 1)


def test_a_receipt_number_that_comes_round_leads_to_its_last_payment(stores: Stores) -> None:
    pay(stores, make_code(reusable=True), ["R-1", "R-2", "R-1", "R-3", "R-4"])
    assert alike(stores, "R-1", 1) == [3, 5]


def test_a_payment_that_lost_its_race_leaves_no_receipt(stores: Stores) -> None:
    code = make_code(reusable=True)
    pay(stores, code, ["R-1"])
    with pytest.raises(VersionConflict):
        stores.codes.record(make_settlement(code, "R-9"))
    assert alike(stores, "R-9", 0) == []
    assert alike(stores, "R-1", 0) == [1]


def test_receipts_of_a_code_that_is_paid_once_lead_nowhere(stores: Stores) -> None:
    # Its few payments are all read anyway.
    pay(stores, make_code(), ["R-1", "R-2", "R-3"])
    assert alike(stores, "R-1", 1) == [3]


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
    payments = pay(stores, make_code(reusable=True), [odd, "R-2", odd, "R-4"])
    assert stores.codes.get(odd) is None
    assert stores.codes.get_history(odd, 1) is None
    assert stores.codes.find_alike(make_report(odd), 1) == []
    history = stores.codes.get_history("INV-1", 5)
    assert history is not None
    assert history.payments == list(payments)
    assert [payment.report.receipt_number for payment in payments] == [odd, "R-2", odd, "R-4"]
    # What has no letter or digit identifies nothing.
    assert alike(stores, odd, 1) == ([3, 4] if comparable(odd) else [4])


def test_due_is_what_is_due_the_longest_overdue_first(stores: Stores) -> None:
    for number in range(20):
        stores.codes.create(make_code(f"INV-{number}", due_at=at(minutes=(number * 7) % 20)))
    stores.codes.create(make_code("INV-final", due_at=None))
    assert stores.due.due(at(seconds=-1), 100) == []
    due = stores.due.due(at(minutes=9), 100)
    assert [work.due_at for work in due] == [at(minutes=minute) for minute in range(10)]
    assert all(work.kind is WorkKind.CODE and work.identity == "" for work in due)
    assert stores.due.due(at(minutes=9), 3) == due[:3]


def test_what_becomes_due_from_an_instant_on(stores: Stores) -> None:
    for number in range(9):
        stores.codes.create(make_code(f"INV-{number}", due_at=at(minutes=number)))
    due = stores.due.due(at(minutes=6), 100, at(minutes=4))
    assert [work.due_at for work in due] == [at(minutes=minute) for minute in (4, 5, 6)]
    # The clock went back since.
    assert stores.due.due(at(minutes=9, seconds=-30), 100, at(minutes=9)) == []


def test_what_somebody_awaits_is_due_in_a_lane_of_its_own(stores: Stores) -> None:
    fresh, waiting = make_code("INV-1"), make_code("INV-2")
    inquired = {"feature": Feature.DIPC, "inquired_at": at()}
    till = make_code("INV-3", status=Status.ACTIVE, due_at=at(minutes=1), **inquired)
    later = make_code("INV-4", status=Status.ACTIVE, due_at=at(hours=1), **inquired)
    for code in (fresh, waiting, till, later):
        stores.codes.create(code)
    stores.codes.save(waiting.wait(at(minutes=2)))
    stores.notifications.keep(make_kept("INV-5", "0a1b", due_at=at(minutes=3)))

    def named(lane: MemoryLane) -> list[str]:
        due = lane_of(stores.codes, lane).due(at(days=1), 9)
        return [work.invoice_number for work in due]

    assert named("awaited") == ["INV-3", "INV-2", "INV-5"]
    assert named("codes") == ["INV-1", "INV-4"]
    # It is not awaited any more.
    stores.codes.save(till.wait(at(hours=2)))
    assert named("codes") == ["INV-1", "INV-4", "INV-3"]


def test_what_moves_on_is_due_then_or_never(stores: Stores) -> None:
    code = make_code(due_at=at(minutes=1))
    stores.codes.create(code)
    later = code.wait(at(minutes=5))
    stores.codes.save(later)
    assert stores.due.due(at(minutes=4), 10) == []
    work = Work(WorkKind.CODE, "INV-1", due_at=at(minutes=5))
    assert stores.due.due(at(minutes=5), 10) == [work]
    stores.codes.record(make_settlement(later))
    # What is final is due once more, to be forgotten: 90 days after we learnt of the payment.
    assert stores.due.due(at(days=90), 10) == []
    forget = Work(WorkKind.CODE, "INV-1", due_at=at(days=90, minutes=6))
    assert stores.due.due(at(days=1000), 10) == [forget]


def test_kept_notifications_are_due_beside_codes(stores: Stores) -> None:
    stores.codes.create(make_code("INV-1", due_at=at(minutes=2)))
    stores.notifications.keep(make_kept("INV-1", "0a1b", due_at=at(minutes=1)))
    stores.notifications.keep(make_kept("INV-1", "0a1c", due_at=None))
    assert stores.due.due(at(minutes=3), 10) == [
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
    stores.codes.record(settlement)
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


def test_a_payment_is_not_completed_if_another_code_of_the_chain_changed(stores: Stores) -> None:
    code, other, _ = chain(stores)
    first = make_settlement(code)
    stores.codes.record(first)
    completion = make_completion(first.code, first.payment, store_id="S-9")
    stores.codes.save(other.wait(None))
    with pytest.raises(VersionConflict):
        stores.codes.record(replace(completion, seen=(other,)))
    assert stores.codes.get_history("INV-1", 5) == CodeHistory(first.code, [first.payment])


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
    stores.codes.record(settlement)
    assert stores.codes.get("INV-1") == ours
    assert stores.codes.get("k7q2._INV-1") == settlement.code
    assert stores.codes.list_payments("INV-1", limit=5, cursor=None).items == []
    listed = stores.codes.list_payments("k7q2._INV-1", limit=5, cursor=None)
    assert listed.items == [settlement.payment]
    assert [work.invoice_number for work in stores.due.due(at(hours=1), 5)] == ["INV-1"]
