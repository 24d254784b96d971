"""Any interleaving of storefront, customer, DOKU and time: the guarantees hold.

Hypothesis drives the use cases on the in-memory twins, breaks DOKU, loses and repeats its
messages, and in the end mends everything and lets three days pass.
"""

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from o2o.core import next_step
from o2o.core.channels import Feature
from o2o.core.code_requests import Expiry
from o2o.core.codes import PaymentCode, Status
from o2o.core.errors import (
    DigitsTaken,
    DokuRefused,
    IllegalMove,
    InvalidRequest,
    InvoiceNumberTaken,
)
from o2o.core.events import Change, derive_events
from o2o.core.inquiries import InquiryStatus
from o2o.core.payments import PaymentReport
from o2o.usecases.chain import read_chain
from tests.support.examples import examples
from tests.support.world import Mood, World, plenty


class Simulation(RuleBasedStateMachine):
    """The world and what is known of it from outside."""

    invoices = Bundle("invoices")
    reports = Bundle("reports")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.reusable: dict[str, bool] = {}
        self.digits: dict[str, str] = {}
        self.heard: Counter[tuple[str, str]] = Counter()
        self.ended_paid: set[str] = set()
        self.final: set[str] = set()
        self.misled: set[str] = set()
        self.forgotten: set[str] = set()

    def receipts(self, invoice: str) -> list[str | None]:
        history = self.world.codes.get_history(invoice, 1000)
        assert history is not None
        return [payment.report.receipt_number for payment in history.payments]

    @rule(
        target=invoices,
        number=st.integers(0, 999),
        minutes=st.sampled_from([1, 5, 60, 1440]),
        reusable=st.booleans(),
        feature=st.sampled_from(Feature),
        unique_part=st.sampled_from([None, "1", "2"]),
        replaces=st.none() | invoices,
    )
    def ask(self, number: int, minutes: int, replaces: str | None, **changes: Any) -> object:
        invoice = f"INV-{number}"
        if invoice in self.reusable:
            return multiple()
        if changes["feature"] is Feature.DGPC:
            changes["unique_part"] = None
        try:
            self.world.ask(invoice, expiry=Expiry(in_minutes=minutes), replaces=replaces, **changes)
        except DokuRefused:
            assert self.world.code(invoice).status is Status.FAILED
        except (DigitsTaken, IllegalMove, InvalidRequest):
            assert self.world.codes.get(invoice) is None
            return multiple()
        self.reusable[invoice] = changes["reusable"]
        return invoice

    @rule(invoice=invoices)
    def ask_again_with_another_body(self, invoice: str) -> None:
        before = self.world.code(invoice)
        try:
            self.world.ask(invoice, amount=777_000)
        except InvoiceNumberTaken:
            assert self.world.code(invoice) == before
        else:
            raise AssertionError("another body was taken for the same request")

    @rule(mood=st.sampled_from(Mood))
    def doku_changes_its_mood(self, mood: Mood) -> None:
        self.world.doku.mood = mood

    @rule(target=reports, invoice=invoices)
    def the_customer_pays(self, invoice: str) -> object:
        code = self.world.code(invoice)
        if code.feature is Feature.DIPC:
            digits = self.digits[invoice]
            if self.world.inquire(digits) is not InquiryStatus.SUCCESS:
                return multiple()
            held = self.world.codes.find_by_digits(code.channel, digits)
            assert held is not None
            invoice = held.invoice_number
            if invoice not in self.world.doku.orders:
                self.world.doku.learn(held)
        order = self.world.doku.orders.get(invoice)
        if order is None or self.world.clock() >= order.expires_at:
            return multiple()
        if order.payments and not self.reusable[invoice]:
            return multiple()
        return self.world.doku.pay(invoice)

    @rule(report=reports)
    def doku_notifies(self, report: PaymentReport) -> None:
        self.world.notify(report)
        self.heard[report.invoice_number, report.receipt_number or ""] += 1

    @rule(report=consumes(reports))
    def a_notification_is_lost(self, report: PaymentReport) -> None:
        assert report.invoice_number in self.reusable

    @rule(invoice=invoices)
    def the_storefront_cancels(self, invoice: str) -> None:
        before = self.world.code(invoice).status
        try:
            self.world.cancel("shop", invoice)
        except IllegalMove:
            assert before in (Status.PAID, Status.EXPIRED, Status.FAILED)

    @rule(invoice=invoices)
    def the_storefront_refreshes(self, invoice: str) -> None:
        self.world.refresh("shop", invoice, time_left=plenty)

    @rule(invoice=invoices)
    def the_customer_asks_to_be_forgotten(self, invoice: str) -> None:
        before = self.world.code(invoice)
        done = self.world.forget([self.world.forget.find(invoice)])
        after = self.world.code(invoice)
        if before.is_open and before.due_at is not None:
            assert (done.living, after) == ([before], before)
            return
        assert after.forgotten_at is not None
        assert derive_events(Change(before, after)) == []
        kept = ("status", "due_at", "payments", "last_payment", "paid_at", "fingerprint")
        assert [getattr(before, name) for name in kept] == [getattr(after, name) for name in kept]
        self.forgotten.add(invoice)

    @rule(minutes=st.sampled_from([0.1, 1, 2, 16, 61, 800, 3000]))
    def time_passes_without_us(self, minutes: float) -> None:
        self.world.clock.advance(minutes=minutes)

    @rule()
    def expire_codes_runs(self) -> None:
        self.world.work_off()

    @invariant()
    def what_was_forgotten_never_comes_back(self) -> None:
        for invoice in self.forgotten:
            code = self.world.code(invoice)
            personal = (code.customer, code.intent, code.payment_code, code.how_to_pay_page)
            assert personal == (None,) * 4

    @invariant()
    def digits_never_change(self) -> None:
        for invoice in self.reusable.keys() - self.forgotten:
            payment_code = self.world.code(invoice).payment_code
            known = self.digits.setdefault(invoice, payment_code or "")
            if known:
                assert payment_code == known
            elif payment_code:
                self.digits[invoice] = payment_code

    @invariant()
    def what_we_acknowledged_is_on_record_once(self) -> None:
        for invoice, receipt_number in self.heard:
            assert self.receipts(invoice).count(receipt_number) == 1

    @invariant()
    def live_codes_never_share_digits(self) -> None:
        now = self.world.clock()
        codes = [self.world.code(invoice) for invoice in self.reusable]
        held = [
            self.digits[code.invoice_number]
            for code in codes
            if code.merchant_made and code.holds_digits(now)
        ]
        assert len(set(held)) == len(held)

    @invariant()
    def at_most_one_code_of_a_chain_is_open(self) -> None:
        for invoice in self.reusable:
            code = self.world.code(invoice)
            assert not (code.replaced_by and code.is_open)

    @invariant()
    def paid_stays_paid(self) -> None:
        paid = {i for i in self.reusable if self.world.code(i).status is Status.PAID}
        assert self.ended_paid <= paid
        self.ended_paid = paid

    @invariant()
    def open_codes_have_a_next_look(self) -> None:
        for invoice in self.reusable:
            code = self.world.code(invoice)
            assert not code.is_open or code.due_at is not None or invoice in self.misled

    @invariant()
    def a_lie_ends_no_looks_early(self) -> None:
        """Whoever believes DOKU's lies until it is given up needs a person, who is told."""
        lies = self.world.doku.mood in (Mood.DENYING, Mood.BABBLING)
        for invoice in self.reusable.keys() - self.final:
            code = self.world.code(invoice)
            if not code.is_at_rest or code.status is Status.PAID:
                continue
            self.final.add(invoice)
            order = self.world.doku.orders.get(invoice)
            if lies and order and order.payments:
                over = max(code.ended_at or code.expires_at, code.expires_at)
                assert self.world.clock() - over >= next_step.SILENCE
                self.misled.add(invoice)

    @invariant()
    def doku_saw_one_request_per_code(self) -> None:
        intents = set(self.world.doku.sent)
        assert len({intent.body.split()[0] for intent in intents}) == len(intents)

    def teardown(self) -> None:
        """Faults stop: everything must come to rest, and every payment be found."""
        world = self.world
        world.doku.mood = Mood.WELL
        world.live(world.clock() + timedelta(days=3), step=timedelta(minutes=17))
        assert world.due.due(world.clock() + timedelta(days=9), 1000) == []
        for invoice, reusable in self.reusable.items():
            code = world.code(invoice)
            if invoice in self.misled:
                assert code.payments or not code.payments_complete
                continue
            assert not code.is_open
            order = world.doku.orders.get(invoice)
            if order is None or not order.payments:
                assert (code.payments, code.paid_at) == (0, None)
                assert code.payments_complete
            elif reusable:
                # The newest one is found even if its notification was lost.
                assert order.payments[-1].receipt_number in self.receipts(invoice)
                # Each is one top-up of many, whatever else was paid in its chain.
                history = world.codes.get_history(invoice, 1000)
                assert history is not None
                assert {p.first_paid for p in history.payments} == {None}
                assert len(history.payments) == len(order.payments) or not code.payments_complete
            else:
                assert (code.status, code.payments) == (Status.PAID, 1)
                self.the_second_of_a_chain_names_the_first(code)

        self.personal_data_goes_and_the_fact_stays()

    def personal_data_goes_and_the_fact_stays(self) -> None:
        world = self.world
        before = {invoice: world.code(invoice) for invoice in self.reusable}
        world.clock.advance(days=91)
        world.work_off()
        for invoice, code in before.items():
            left = world.code(invoice)
            assert (left.customer, left.pay_url, left.metadata, left.payment_code) == (None,) * 4
            assert (left.status, left.payments) == (code.status, code.payments)
            assert world.codes.create(code) == left

    def the_second_of_a_chain_names_the_first(self, code: PaymentCode) -> None:
        chain = [code, *read_chain(self.world.codes, code)]
        orders = [each for each in chain if not each.reusable]
        firsts = 0
        for each in orders:
            history = self.world.codes.get_history(each.invoice_number, 1000)
            assert history is not None
            firsts += any(payment.first_paid is None for payment in history.payments)
            named = {payment.first_paid for payment in history.payments}
            assert named <= {None, *(other.invoice_number for other in orders)}
        assert firsts == 1


Simulation.TestCase.settings = settings(max_examples=examples(200), stateful_step_count=40)
TestSimulation = Simulation.TestCase
