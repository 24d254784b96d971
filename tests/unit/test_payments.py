"""Which tellings are one payment, and what a payment is to its code: the cases one by one."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from o2o.core import payments
from o2o.core.channels import Feature
from o2o.core.codes import CLOCKS_DIFFER, Doubt, PaymentCode, PaymentKind, Source, Status
from o2o.core.events import Change, EventType, derive_events
from o2o.core.notifications import KeptFor, Notification, OrderState, OrderStatus
from o2o.core.pages import Page
from o2o.core.payments import MOST_TELLINGS, CodeHistory, Evidence, Payment, PaymentReport
from o2o.core.receipts import comparable
from o2o.usecases.reconcile import Finding
from o2o.usecases.record_message import NotificationOutcome
from o2o.usecases.settle import HISTORY, SettleOutcome
from tests.support.samples import NOW, at, make_code, make_report
from tests.support.world import START, TIMETABLE, Mood, World, plenty, sent

HOUR = timedelta(hours=1)


def live(**changes: Any) -> PaymentCode:
    given = {"status": Status.ACTIVE, "activated_at": NOW, "payment_code": "8000000000000021"}
    return make_code(**{**given, **changes})


class Teller:
    """A code to which DOKU tells of payments, each message in bytes of its own."""

    def __init__(self, code: PaymentCode) -> None:
        self.code = code
        self.payments: dict[int, Payment] = {}
        self.events: list[EventType] = []
        self._messages = 0

    def hears(self, receipt: str | None = None, *, at_minute: float = 5, **facts: Any) -> None:
        self._messages += 1
        report = PaymentReport(
            invoice_number=self.code.invoice_number,
            payment_code=None,
            amount=Decimal(facts.pop("amount", self.code.amount)),
            paid_at=at(minutes=at_minute),
            source=facts.pop("source", Source.NOTIFICATION),
            evidence=Evidence(facts.pop("body", f"message {self._messages}")),
            receipt_number=receipt,
        )
        settlement = payments.settle(
            CodeHistory(self.code, list(self.payments.values())),
            replace(report, **facts),
            now=at(hours=2),
            timetable=TIMETABLE,
        )
        if settlement is not None:
            self.events += [
                event.type for event in derive_events(Change(self.code, settlement.code))
            ]
            self.code = settlement.code
            self.payments[settlement.payment.number] = settlement.payment

    @property
    def kinds(self) -> list[PaymentKind]:
        return [payment.kind for payment in self.payments.values()]

    @property
    def doubts(self) -> list[tuple[Doubt, ...]]:
        return [payment.doubts for payment in self.payments.values()]


CHECKED: dict[str, Any] = {"source": Source.STATUS_CHECK, "dated": False}
"""A status check as DOKU published one: without receipt, dated at the code's creation."""


@pytest.mark.parametrize(
    "text", ["0", "000", "-", "--", "N/A", "na", "NULL", "none", " ", "", None]
)
def test_a_placeholder_identifies_nothing(text: str | None) -> None:
    assert comparable(text) is None


def test_receipts_compare_without_leading_zeros_and_case() -> None:
    assert comparable("00a1B") == comparable("A1b") == "a1b"


# --- One payment that counted twice -----------------------------------------------------


@pytest.mark.parametrize("minute", [5, 0, 60 * 24 * 20])
@pytest.mark.parametrize("order", ["check first", "notification first"])
def test_a_status_check_without_receipt_is_the_notification_s_payment(
    order: str, minute: float
) -> None:
    teller = Teller(live(expires_at=at(days=30)))
    tell = [
        lambda: teller.hears(at_minute=0, **CHECKED),
        lambda: teller.hears("1246", at_minute=minute, store_id="S1", agent_id="ALFAMART"),
    ]
    for each in tell if order == "check first" else reversed(tell):
        each()
    (payment,) = teller.payments.values()
    report = payment.report
    assert (report.receipt_number, report.store_id, report.agent_id) == ("1246", "S1", "ALFAMART")
    assert (report.paid_at, report.source) == (at(minutes=minute), Source.NOTIFICATION)
    assert teller.code.paid_at == at(minutes=minute)
    assert (teller.events, payment.doubts) == ([EventType.PAID], ())


def test_both_signed_messages_are_kept() -> None:
    teller = Teller(live())
    teller.hears(body="the check", **CHECKED)
    teller.hears("1246", body="the notification")
    (payment,) = teller.payments.values()
    assert [each.evidence.body for each in payment.tellings] == ["the check", "the notification"]


@pytest.mark.parametrize("dated", [(False, False), (True, False), (False, True)])
def test_one_receipt_without_date_and_store_may_be_two_payments(dated: tuple[bool, bool]) -> None:
    """DOKU repeats a notification in the same bytes; another one may be of another store."""
    teller = Teller(live(reusable=True, expires_at=at(days=30)))
    teller.hears("1246", dated=dated[0])
    teller.hears("1246", dated=dated[1], at_minute=7, store_id="S1")
    assert teller.kinds == [PaymentKind.PAID, PaymentKind.PAID]
    assert teller.doubts == [(), (Doubt.MAY_BE_KNOWN,)]


@pytest.mark.parametrize("till", [{}, {"agent_id": "LAWSON", "store_id": "S1"}])
def test_one_receipt_without_date_is_one_payment_where_nothing_says_two(
    till: dict[str, Any],
) -> None:
    teller = Teller(live(reusable=True, expires_at=at(days=30)))
    teller.hears("1246", dated=False, **till)
    if till:
        teller.hears("1246", dated=False, **till)
    teller.hears("1246", **CHECKED)
    assert (teller.kinds, teller.doubts) == ([PaymentKind.PAID], [()])


def test_the_right_amount_after_a_wrong_one_is_the_same_cash() -> None:
    teller = Teller(live())
    teller.hears("1246", amount=149_999)
    teller.hears("1246", source=Source.STATUS_CHECK)
    assert teller.kinds == [PaymentKind.PAID]
    assert teller.doubts == [(Doubt.TELLINGS_DISAGREE,)]
    assert teller.events == [EventType.AMOUNT_MISMATCH, EventType.PAID]
    assert teller.code.status is Status.PAID


@pytest.mark.parametrize("repeated", ["wrong", "right"])
def test_the_same_bytes_again_change_nothing_though_another_message_counts(repeated: str) -> None:
    teller = Teller(live())
    teller.hears("1246", amount=149_999, body="wrong")
    teller.hears("1246", body="right")
    before = teller.code
    teller.hears("1246", amount=149_999 if repeated == "wrong" else 150_000, body=repeated)
    assert teller.code == before


def test_a_wrong_amount_after_the_right_one_changes_no_money() -> None:
    teller = Teller(live())
    teller.hears("1246")
    teller.hears("1246", amount=149_999, source=Source.STATUS_CHECK)
    (payment,) = teller.payments.values()
    assert (payment.kind, payment.report.amount) == (PaymentKind.PAID, Decimal(150_000))
    assert payment.doubts == (Doubt.TELLINGS_DISAGREE,)
    assert teller.events == [EventType.PAID]


def test_what_many_messages_say_of_one_payment_counts_though_few_are_kept() -> None:
    teller = Teller(live())
    for amount in range(1, 10):
        teller.hears("1246", amount=amount)
    teller.hears("1246")
    (payment,) = teller.payments.values()
    kept = [each for each in payment.tellings if each.evidence.body]
    assert (payment.kind, len(kept)) == (PaymentKind.PAID, MOST_TELLINGS)
    before = teller.code
    teller.hears("1246", body="message 10")
    assert teller.code == before


def test_a_message_without_date_is_not_another_payment_on_its_retry() -> None:
    teller = Teller(live(reusable=True))
    for minute in (5, 35, 365):
        teller.hears(at_minute=minute, dated=False, body="the same bytes")
    assert len(teller.payments) == 1


# --- Two payments that counted once -----------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"agent_id": "ALFAMART"}, {"agent_id": "LAWSON"}),
        ({"store_id": "S1"}, {"store_id": "S2"}),
        ({"acquirer": "ALFA"}, {"acquirer": "INDOMARET"}),
    ],
)
@pytest.mark.parametrize("receipt", ["1246", None])
@pytest.mark.parametrize("reusable", [True, False])
def test_another_brand_store_or_acquirer_is_another_payment(
    first: dict[str, Any], second: dict[str, Any], receipt: str | None, *, reusable: bool
) -> None:
    teller = Teller(live(reusable=reusable))
    teller.hears(receipt, **first)
    teller.hears(receipt, **second)
    assert len(teller.payments) == 2
    assert teller.doubts == [(), ()]
    assert teller.kinds[1] is (PaymentKind.PAID if reusable else PaymentKind.PAID_AGAIN)


@pytest.mark.parametrize("receipt", [None, "0", "-", "N/A"])
@pytest.mark.parametrize("dated", [True, False])
def test_two_tills_of_a_store_in_one_second_are_two_and_marked(
    receipt: str | None, *, dated: bool
) -> None:
    teller = Teller(live(reusable=True))
    for _ in range(2):
        teller.hears(receipt, store_id="S1", dated=dated)
    assert teller.doubts == [(), (Doubt.MAY_BE_KNOWN,)]
    assert teller.events == [EventType.PAID, EventType.PAID]


@pytest.mark.parametrize(("first", "second"), [("1246", None), (None, "1246")])
def test_a_message_without_receipt_in_another_payment_s_second_is_not_swallowed(
    first: str | None, second: str | None
) -> None:
    """Two tills in one second, and DOKU leaves out what it knows of one of them."""
    teller = Teller(live(reusable=True))
    teller.hears(first)
    teller.hears(second)
    assert teller.doubts == [(), (Doubt.MAY_BE_KNOWN,)]


@pytest.mark.parametrize(("first", "second"), [("1246", None), (None, "1246"), (None, None)])
@pytest.mark.parametrize("dated", [True, False])
def test_two_tills_in_one_second_may_both_have_been_told_yes(
    first: str | None, second: str | None, *, dated: bool
) -> None:
    teller = Teller(live(feature=Feature.DIPC))
    teller.hears(first, store_id="S1")
    teller.hears(second, agent_id="ALFAMART", dated=dated)
    assert teller.doubts == [(Doubt.MAY_BE_TWO,)]


@pytest.mark.parametrize("feature", [Feature.DGPC, Feature.DIPC])
@pytest.mark.parametrize("checked_first", [True, False])
def test_a_check_that_names_a_receipt_may_be_of_another_payment(
    feature: Feature, *, checked_first: bool
) -> None:
    """One till's notification lacks the receipt, and the check shows the other till's."""
    teller = Teller(live(feature=feature, reusable=feature is Feature.DGPC))
    for is_check in (checked_first, not checked_first):
        if is_check:
            teller.hears("1246", **CHECKED)
        else:
            teller.hears(None)
    teller.hears("1246")
    assert teller.doubts == [(Doubt.MAY_BE_TWO,)]


@pytest.mark.parametrize(
    ("reusable", "doubts"),
    [(False, [(Doubt.MAY_BE_TWO,)]), (True, [(), (Doubt.MAY_BE_KNOWN,)])],
)
@pytest.mark.parametrize("assigned_first", [True, False])
def test_what_an_operator_assigned_may_be_another_payment_than_the_order_s_own(
    doubts: list[tuple[Doubt, ...]], *, reusable: bool, assigned_first: bool
) -> None:
    """Only one of them names its receipt, and DOKU lets each of two orders be paid once."""
    teller = Teller(live(reusable=reusable))
    given: dict[str, Any] = {"receipt": "1246", "assigned_from": "INV-X"}
    for each in (given, {}) if assigned_first else ({}, given):
        teller.hears(**each)
    assert teller.doubts == doubts


def test_what_an_operator_assigned_is_known_by_its_receipt() -> None:
    """DOKU's own word for the order may be the very cash that it notified under another number."""
    teller = Teller(live())
    teller.hears("1246", assigned_from="INV-X")
    teller.hears("1246")
    assert teller.doubts == [()]


def test_a_receipt_number_that_comes_round_is_recorded_and_marked() -> None:
    teller = Teller(live(reusable=True, expires_at=at(days=30)))
    teller.hears("1246", store_id="S1")
    teller.hears("1246", store_id="S1", at_minute=5 + 25 * 60)
    assert teller.doubts == [(), (Doubt.MAY_BE_KNOWN,)]


@pytest.mark.parametrize("names", [{}, {"store_id": "S1"}, {"agent_id": "LAWSON"}])
@pytest.mark.parametrize(
    ("reusable", "doubts"),
    [(True, [(), (Doubt.MAY_BE_KNOWN,)]), (False, [(Doubt.MAY_BE_TWO,)])],
)
def test_one_receipt_number_with_two_dates_is_one_payment_only_at_one_till(
    names: dict[str, Any], doubts: list[tuple[Doubt, ...]], *, reusable: bool
) -> None:
    """Two brands print the same number on one day, and a message may lack the store."""
    feature = Feature.DGPC if reusable else Feature.DIPC
    named, other = (
        Teller(live(feature=feature, reusable=reusable, expires_at=at(days=30))) for _ in range(2)
    )
    till: dict[str, Any] = {"agent_id": "LAWSON", "store_id": "S1"}
    for teller, first in (named, till), (other, names):
        teller.hears("1246", **first)
        teller.hears("1246", **till, at_minute=45)
    assert named.doubts == [()]
    assert other.doubts == doubts


@pytest.mark.parametrize("reusable", [True, False])
def test_a_check_may_show_another_payment_with_that_receipt_number(*, reusable: bool) -> None:
    feature = Feature.DGPC if reusable else Feature.DIPC
    teller = Teller(live(feature=feature, reusable=reusable, expires_at=at(days=30)))
    teller.hears("1246")
    found: dict[str, Any] = {"source": Source.STATUS_CHECK, "agent_id": "LAWSON", "store_id": "S1"}
    teller.hears("1246", at_minute=5, **found)
    assert teller.doubts == [()]
    teller = Teller(live(feature=feature, reusable=reusable, expires_at=at(days=30)))
    teller.hears("1246")
    teller.hears("1246", at_minute=8, **found)
    assert teller.doubts == [(Doubt.MAY_BE_TWO,)]


def test_two_tills_may_both_have_had_the_answer_that_a_code_can_be_paid() -> None:
    teller = Teller(live(feature=Feature.DIPC))
    teller.hears("1246")
    teller.hears(at_minute=6)
    assert teller.doubts == [(Doubt.MAY_BE_TWO,)]


def test_a_store_that_was_only_taken_for_it_does_not_part_a_payment_from_itself() -> None:
    """DOKU takes a single-use code twice, and tells of both payments in halves."""
    teller = Teller(live())
    teller.hears(store_id="S1")
    teller.hears("2")
    teller.hears("1", store_id="S1")
    teller.hears("2", store_id="S2")
    assert [payment.report.receipt_number for payment in teller.payments.values()] == ["2", "1"]


def test_a_status_check_s_date_never_passes_for_a_notification_s() -> None:
    teller = Teller(live(reusable=True, expires_at=at(days=30)))
    teller.hears("1", at_minute=2 * 24 * 60, source=Source.STATUS_CHECK)
    teller.hears("1", at_minute=60, dated=False)
    teller.hears("1", at_minute=5)
    (payment,) = teller.payments.values()
    assert payment.report.paid_at == at(minutes=5)


def test_which_of_two_payments_a_message_completes_may_be_unknown() -> None:
    teller = Teller(live())
    teller.hears(store_id="S1")
    teller.hears(store_id="S2")
    teller.hears("1")
    assert teller.doubts == [(Doubt.MAY_BE_TWO,), ()]


def test_which_payment_of_a_reusable_code_a_message_completes_may_be_unknown() -> None:
    teller = Teller(live(reusable=True))
    teller.hears(store_id="S2", **CHECKED)
    teller.hears(store_id="S3", **CHECKED)
    teller.hears("3")
    teller.hears("2", store_id="S2")
    assert teller.doubts == [(Doubt.MAY_BE_TWO,), (), ()]


def test_the_receipt_number_finds_its_payment_among_others_that_look_more_alike() -> None:
    teller = Teller(live())
    teller.hears("1", at_minute=0, dated=False)
    teller.hears("2", at_minute=5)
    teller.hears(store_id="S3", at_minute=9)
    teller.hears("1", store_id="S1", at_minute=5)
    assert [each.report.store_id for each in teller.payments.values()] == ["S1", None]


# --- Reusable codes ---------------------------------------------------------------------


def test_a_check_s_payment_is_completed_by_one_notification_only() -> None:
    teller = Teller(live(reusable=True))
    teller.hears(**CHECKED)
    teller.hears("1")
    teller.hears("2")
    teller.hears(**CHECKED)
    receipts = [payment.report.receipt_number for payment in teller.payments.values()]
    assert (receipts, teller.doubts) == (["1", "2"], [(), ()])


def test_a_check_of_another_amount_explains_nothing() -> None:
    teller = Teller(live(reusable=True))
    teller.hears(amount=100_000, **CHECKED)
    teller.hears("1")
    assert teller.kinds == [PaymentKind.AMOUNT_MISMATCH, PaymentKind.PAID]


def test_a_code_that_is_paid_for_years_still_knows_its_receipts() -> None:
    world = World()
    world.ask(reusable=True)
    first = world.doku.pay("INV-1", receipt="00A1")
    world.notify(first)
    for _ in range(HISTORY + 10):
        world.clock.advance(seconds=1)
        world.notify(world.doku.pay("INV-1"))
    world.clock.advance(hours=17)
    again = replace(first, receipt_number="a1", evidence=Evidence("the same in other bytes"))
    assert world.notify(again).outcome is NotificationOutcome.KNOWN
    assert world.code().payments == HISTORY + 11


# --- Late, and ended --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minute", "late"), [(59, False), (60, False), (61, True)], ids=["before", "at", "after"]
)
@pytest.mark.parametrize("status", [Status.ACTIVE, Status.EXPIRED, Status.FAILED])
def test_doku_s_date_decides_what_is_late(status: Status, minute: int, *, late: bool) -> None:
    ended_at = None if status is Status.ACTIVE else at(minutes=62)
    teller = Teller(live(status=status, ended_at=ended_at))
    teller.hears("1246", at_minute=minute)
    assert teller.kinds == [PaymentKind.PAID_LATE if late else PaymentKind.PAID]
    assert (teller.code.late, teller.code.had_ended) == (late, ended_at is not None)
    assert teller.events == [EventType.PAID_LATE if late else EventType.PAID]


@pytest.mark.parametrize(("minute", "late"), [(29, False), (31, True)])
def test_what_was_paid_after_the_cancellation_is_late(minute: int, *, late: bool) -> None:
    code = live().cancel(now=at(minutes=30), timetable=TIMETABLE)
    teller = Teller(code)
    teller.hears("1246", at_minute=minute)
    assert (teller.code.late, teller.code.had_ended) == (late, True)


def test_where_doku_gives_no_date_the_end_here_decides_until_it_does() -> None:
    teller = Teller(live(status=Status.EXPIRED, ended_at=at(minutes=61)))
    teller.hears(at_minute=0, **CHECKED)
    assert (teller.kinds, teller.code.late) == ([PaymentKind.PAID_LATE], True)
    teller.hears("1246", at_minute=55)
    assert (teller.kinds, teller.code.late) == ([PaymentKind.PAID], False)
    assert teller.code.had_ended
    assert teller.events == [EventType.PAID_LATE]


# --- Money that is not what it seems ----------------------------------------------------


def test_a_notification_dated_before_its_code_pays_and_is_marked() -> None:
    teller = Teller(live())
    teller.hears("1246", at_minute=-7 * 60, payment_code=teller.code.payment_code)
    assert (teller.kinds, teller.code.status) == ([PaymentKind.PAID], Status.PAID)
    assert teller.doubts == [(Doubt.DATED_BEFORE_CODE,)]


def test_a_status_check_about_an_earlier_order_pays_nothing() -> None:
    world = World()
    world.ask()
    report = replace(
        world.doku.pay("INV-1"),
        payment_code=None,
        source=Source.STATUS_CHECK,
        paid_at=START - timedelta(days=1, seconds=1),
    )
    assert world.settle(report).outcome is SettleOutcome.OLDER_ORDER
    assert world.code().payments == 0
    object.__setattr__(
        world.doku, "check_status", lambda *_: OrderStatus(OrderState.SUCCESS, report)
    )
    findings = [world.refresh("shop", "INV-1", time_left=plenty).finding for _ in range(2)]
    assert findings == [Finding.OLDER_ORDER, Finding.UNCHANGED]
    # DOKU has said SUCCESS, so it never expires by itself.
    world.live(START + 2 * HOUR)
    assert world.code().status is Status.ACTIVE


def test_a_day_before_its_code_is_no_earlier_order() -> None:
    day_before = make_report(source=Source.STATUS_CHECK, payment_code=None, paid_at=at(days=-1))
    assert not payments.is_older_order(live(), day_before)


@pytest.mark.parametrize("amount", [149_999, 150_001, 1_500_000])
def test_too_little_and_too_much_are_a_mismatch(amount: int) -> None:
    teller = Teller(live())
    teller.hears("1246", amount=amount)
    assert (teller.kinds, teller.code.status) == ([PaymentKind.AMOUNT_MISMATCH], Status.ACTIVE)


@pytest.mark.parametrize(
    ("currency", "kind"),
    [("IDR", PaymentKind.PAID), (None, PaymentKind.PAID), ("USD", PaymentKind.AMOUNT_MISMATCH)],
)
def test_another_currency_is_a_mismatch(currency: str | None, kind: PaymentKind) -> None:
    teller = Teller(live())
    teller.hears("1246", currency=currency)
    assert teller.kinds == [kind]


@pytest.mark.parametrize("paid", [True, False])
@pytest.mark.parametrize("readable", [True, False])
def test_a_refund_is_recorded_once_and_announced(*, paid: bool, readable: bool) -> None:
    world = World()
    world.ask()
    report = world.doku.pay("INV-1")
    if paid:
        world.notify(report)
    before = world.code()
    told = Notification(OrderState.REFUNDED, report)
    if not readable:
        told = Notification(OrderState.REFUNDED, None, unreadable_order="INV-1")
    message = world.inbox.post(told)
    for _ in range(2):
        assert world.receive(sent(message)).outcome is NotificationOutcome.REFUNDED
    after = world.code()
    assert after.refund is not None
    assert after.status is before.status
    assert after.refund.amount == (Decimal(150_000) if readable else None)
    assert after.version == before.version + 1
    (event,) = derive_events(Change(before, after))
    assert event.type is EventType.REFUNDED
    (kept,) = world.notifications.list_kept(limit=10, cursor=None).items
    assert (kept.reason, kept.invoice_number) == (KeptFor.REFUNDED, "INV-1")


@pytest.mark.parametrize("readable", [True, False])
def test_a_refund_that_a_status_check_tells_is_recorded_once(*, readable: bool) -> None:
    world = World()
    world.ask()
    report = world.doku.pay("INV-1")
    told = (
        OrderStatus(OrderState.REFUNDED, report)
        if readable
        else OrderStatus(OrderState.REFUNDED, unreadable=Evidence("?"))
    )
    object.__setattr__(world.doku, "check_status", lambda *_: told)
    findings = [world.refresh("shop", "INV-1", time_left=plenty).finding for _ in range(2)]
    assert findings == [Finding.REFUNDED, Finding.UNCHANGED]
    code = world.code()
    assert code.refund is not None
    assert code.refund.amount == (Decimal(150_000) if readable else None)
    (kept,) = world.notifications.list_kept(limit=10, cursor=None).items
    assert kept.reason is KeptFor.REFUNDED
    # The money is not at the merchant: the code ends like one that nobody paid.
    world.live(START + 2 * HOUR)
    assert world.code().status is Status.EXPIRED


def test_the_deadline_is_what_was_asked_for_even_if_doku_s_runs_longer() -> None:
    world = World()
    world.doku.mood = Mood.DOWN
    world.ask()
    world.clock.advance(minutes=15)
    world.doku.mood = Mood.WELL
    # DOKU gets the request for the first time now, and counts the hour from now.
    world.work_off()
    code = world.code()
    assert (code.status, code.expires_at) == (Status.ACTIVE, START + HOUR + timedelta(minutes=15))
    assert code.expiry == code.deadline == START + HOUR
    world.live(START + HOUR + timedelta(minutes=5))
    assert world.code().status is Status.ACTIVE
    world.notify(world.doku.pay("INV-1"))
    assert (world.code().status, world.code().late) == (Status.PAID, True)
    assert not world.code().had_ended


def test_what_was_recorded_before_its_code_was_made_is_another_code_s_payment() -> None:
    teller = Teller(live())
    teller.hears(**CHECKED)
    old = replace(teller.payments[1], recorded_at=NOW - timedelta(days=400))
    teller = Teller(live())
    teller.payments[0] = old
    teller.hears("1246")
    assert teller.code.status is Status.PAID


def test_a_status_check_is_settled_by_the_same_rule_as_a_notification() -> None:
    world = World()
    world.ask()
    report = world.doku.pay("INV-1")
    world.clock.advance(minutes=2)
    checked = world.doku.check_status("INV-1", plenty).payment
    assert checked is not None
    assert world.settle(replace(checked, receipt_number=None)).outcome is SettleOutcome.RECORDED
    assert world.settle(report).outcome is SettleOutcome.COMPLETED
    assert world.code().payments == 1


def test_a_reusable_code_that_is_paid_before_its_digits_came_is_looked_at_again() -> None:
    teller = Teller(make_code(reusable=True, expires_at=at(days=30)))
    teller.hears("1")
    assert (teller.code.status, teller.code.activated_at) == (Status.ACTIVE, at(hours=2))
    assert teller.code.due_at == at(hours=2) + TIMETABLE.active[0]


def test_a_reusable_code_that_was_left_to_a_person_and_is_paid_is_looked_at_again() -> None:
    """DOKU had said for a week that it was paid, in words that nobody can read."""
    teller = Teller(live(reusable=True, disputed=True, due_at=None))
    teller.hears("1")
    assert not teller.code.is_disputed
    assert teller.code.due_at == max(at(hours=2), teller.code.expires_at)


@pytest.mark.parametrize(
    ("hours", "doubts"), [(24, [()]), (25, [(), (Doubt.MAY_BE_KNOWN,)])], ids=["a day", "more"]
)
def test_a_till_counts_anew_after_a_day(hours: int, doubts: list[tuple[Doubt, ...]]) -> None:
    teller = Teller(live(reusable=True, expires_at=at(days=30)))
    till: dict[str, Any] = {"agent_id": "LAWSON", "store_id": "S1"}
    teller.hears("1246", **till)
    teller.hears("1246", **till, at_minute=5 + hours * 60)
    assert teller.doubts == doubts


def test_a_check_without_receipt_shows_the_payment_that_is_known() -> None:
    teller = Teller(live(feature=Feature.DIPC))
    teller.hears("1246")
    teller.hears(store_id="S1", **CHECKED)
    assert teller.doubts == [()]


def test_what_may_be_two_pays_if_one_of_them_matches() -> None:
    teller = Teller(live(feature=Feature.DIPC))
    teller.hears(amount=140_000)
    teller.hears()
    assert teller.kinds == [PaymentKind.PAID]
    assert teller.doubts == [(Doubt.MAY_BE_TWO, Doubt.TELLINGS_DISAGREE)]


def test_a_payment_knows_whether_its_code_had_ended() -> None:
    for status, ended in (Status.ACTIVE, False), (Status.EXPIRED, True):
        teller = Teller(live(status=status))
        teller.hears("1")
        assert [each.had_ended for each in teller.payments.values()] == [ended]


def test_of_a_code_that_is_paid_after_a_guessed_end_nothing_is_unconfirmed() -> None:
    teller = Teller(live(status=Status.EXPIRED, unconfirmed=True))
    teller.hears("1")
    assert (teller.code.status, teller.code.unconfirmed) == (Status.PAID, False)
    assert teller.code.payments_complete
    # How a reusable code ended is another matter: DOKU is still asked.
    teller = Teller(live(status=Status.EXPIRED, unconfirmed=True, reusable=True))
    teller.hears("1")
    assert (teller.code.status, teller.code.unconfirmed) == (Status.EXPIRED, True)


def test_a_number_that_an_earlier_code_gave_is_not_given_again() -> None:
    teller = Teller(live())
    teller.hears("1")
    earlier = replace(teller.payments[1], number=3, recorded_at=NOW - timedelta(days=400))
    teller = Teller(live())
    teller.payments[3] = earlier
    teller.hears("1")
    assert list(teller.payments) == [3, 4]


def test_a_second_message_without_date_leaves_late_what_is_late() -> None:
    teller = Teller(live(status=Status.EXPIRED))
    teller.hears(**CHECKED)
    teller.hears("1", dated=False)
    assert teller.kinds == [PaymentKind.PAID_LATE]


def test_the_code_remembers_its_last_payment_as_it_is_now() -> None:
    teller = Teller(live())
    teller.hears(**CHECKED)
    teller.hears("1", store_id="S1")
    assert teller.code.last_payment == teller.payments[1].mark
    assert teller.code.last_payment.receipt_number == "1"


def test_the_last_instant_that_a_clock_explains() -> None:
    code = live()
    assert code.is_its_own(code.created_at - CLOCKS_DIFFER)
    teller = Teller(code)
    teller.hears("1", at_minute=-CLOCKS_DIFFER / timedelta(minutes=1))
    assert teller.doubts == [()]


# --- What its messages say together ---------------------------------------------------------


def test_what_one_message_says_another_does_not_take_away() -> None:
    teller = Teller(live())
    teller.hears(payment_code="8000000000000021", currency="IDR", at_minute=5)
    teller.hears("1", store_id="S1", source=Source.STATUS_CHECK, at_minute=7)
    teller.hears("1", agent_id="LAWSON", at_minute=9)
    (payment,) = teller.payments.values()
    report = payment.report
    assert (report.payment_code, report.currency) == ("8000000000000021", "IDR")
    assert (report.receipt_number, report.store_id, report.agent_id) == ("1", "S1", "LAWSON")
    assert (report.source, report.paid_at) == (Source.NOTIFICATION, at(minutes=5))


def test_what_the_first_message_lacks_a_later_one_adds() -> None:
    teller = Teller(live())
    teller.hears("1", dated=False, at_minute=9)
    found: dict[str, Any] = {"payment_code": "8000000000000021", "currency": "IDR"}
    teller.hears("1", source=Source.STATUS_CHECK, at_minute=5, **found)
    (payment,) = teller.payments.values()
    assert (payment.report.payment_code, payment.report.currency) == ("8000000000000021", "IDR")
    assert (payment.report.paid_at, payment.report.dated) == (at(minutes=5), True)


def test_a_notification_s_date_counts_and_no_status_check_s() -> None:
    teller = Teller(live())
    teller.hears("1", source=Source.STATUS_CHECK, at_minute=7)
    teller.hears("1", at_minute=5)
    teller.hears("1", source=Source.STATUS_CHECK, at_minute=9, store_id="S1")
    (payment,) = teller.payments.values()
    assert payment.report.paid_at == at(minutes=5)


def test_of_two_stores_in_messages_without_receipt_the_first_stands() -> None:
    teller = Teller(live())
    teller.hears(store_id="S1", **CHECKED)
    teller.hears("1")
    teller.hears(store_id="S2", agent_id="LAWSON", **CHECKED)
    (payment,) = teller.payments.values()
    assert (payment.report.store_id, payment.report.agent_id) == ("S1", "LAWSON")


def test_a_message_that_matches_the_code_brings_its_money_and_the_code_s_digits() -> None:
    teller = Teller(live())
    teller.hears("1", currency="USD", payment_code="8000000000000099")
    assert teller.kinds == [PaymentKind.DIGITS_MISMATCH]
    teller.hears("1", currency="IDR")
    (payment,) = teller.payments.values()
    assert payment.kind is PaymentKind.PAID
    assert (payment.report.currency, payment.report.payment_code) == ("IDR", "8000000000000021")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"currency": "USD"}, {"currency": "IDR"}),
        ({"payment_code": "8000000000000021"}, {"payment_code": "8000000000000099"}),
    ],
)
def test_two_currencies_or_two_codes_of_one_receipt_disagree(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    teller = Teller(live())
    teller.hears("1", **first)
    teller.hears("1", **second)
    assert teller.doubts == [(Doubt.TELLINGS_DISAGREE,)]


def test_a_message_goes_to_the_payment_whose_receipt_it_names() -> None:
    """The other payment has more in common with it: date and brand."""
    teller = Teller(live())
    teller.hears("1", store_id="S1", at_minute=0)
    teller.hears(store_id="S2", agent_id="LAWSON", acquirer="ALFA", at_minute=5)
    teller.hears("1", agent_id="LAWSON", acquirer="ALFA", at_minute=5)
    first, second = teller.payments.values()
    assert (first.report.agent_id, second.report.receipt_number) == ("LAWSON", None)
    assert teller.doubts == [(), ()]


def test_a_message_without_a_known_receipt_goes_to_the_payment_most_like_it() -> None:
    teller = Teller(live())
    teller.hears(store_id="S1", at_minute=0)
    teller.hears(store_id="S2", at_minute=5)
    teller.hears("1", at_minute=5)
    assert [each.report.receipt_number for each in teller.payments.values()] == [None, "1"]


def test_each_message_is_kept_once_and_without_its_digits_in_the_end() -> None:
    teller = Teller(live())
    digits = "8000000000000021"
    teller.hears(store_id="S2", payment_code=digits, source=Source.STATUS_CHECK, dated=False)
    (alone,) = teller.payments.values()
    assert alone.forget_evidence().first is None
    teller.hears("1", payment_code=digits)
    (payment,) = teller.payments.values()
    assert payment.first is not None
    assert payment.first.evidence.body == ""
    forgotten = payment.forget_evidence()
    assert forgotten.first is not None
    assert forgotten.names == payment.names
    assert [each.store_id for each in forgotten.tellings] == ["S2", None]
    assert {each.payment_code for each in forgotten.tellings} == {None}


# --- What pays --------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["149999.99", "150000.01", "150000.50", "149999", "150001"])
def test_an_amount_matches_to_the_last_digit(amount: str) -> None:
    teller = Teller(live())
    teller.hears("1", amount=amount)
    assert teller.kinds == [PaymentKind.AMOUNT_MISMATCH]
    assert teller.code.status is Status.ACTIVE


def test_a_further_payment_names_the_one_that_was_first() -> None:
    paid = [
        live(invoice_number=name, status=Status.PAID, paid_at=at(minutes=minute))
        for name, minute in (("INV-2", 4), ("INV-3", 2), ("INV-4", 3))
    ]
    report = replace(make_report("INV-1", payment_code=None), paid_at=at(minutes=1))
    settlement = payments.settle(
        CodeHistory(live()), report, now=at(hours=2), timetable=TIMETABLE, chain=paid
    )
    assert settlement is not None
    assert settlement.payment.first_paid == "INV-3"
    assert settlement.payment.kind is PaymentKind.PAID_AGAIN
    assert settlement.seen == tuple(paid)


def test_a_list_shows_no_payment_of_an_earlier_code_with_this_number(monkeypatch) -> None:
    world = World()
    code = world.ask(reusable=True).code
    world.notify(world.doku.pay("INV-1"))
    (own,) = world.read.one("shop", "INV-1").payments
    earlier = replace(own, number=0, recorded_at=code.created_at - HOUR)
    monkeypatch.setattr(world.codes, "list_payments", lambda *_, **__: Page([earlier, own]))
    assert world.read.payments("shop", "INV-1", limit=10, cursor=None).items == [own]
