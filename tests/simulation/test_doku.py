"""The DOKU of the simulation: its bytes are what the real client, inbox and parsers take."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from o2o.adapters.doku.client import DokuClient
from o2o.adapters.doku.credentials import DokuCredentials
from o2o.adapters.doku.inbox import Inbox
from o2o.core.channels import Channel, Feature
from o2o.core.codes import DokuCode, Doubt, Intent, PaymentCode, PaymentKind, Source
from o2o.core.errors import DokuError, UnreadableMessage, UntrustedMessage
from o2o.core.inquiries import InquiryAnswer, InquiryStatus
from o2o.core.notifications import DokuMessage, Notification, OrderState, OrderStatus
from o2o.core.payments import Evidence, Payment, PaymentReport
from tests.simulation.doku import BASE_URL, CLIENT_ID, PATHS, Doku, Network, OutgoingMessage
from tests.simulation.faults import Faults
from tests.simulation.truth import TillPayment, unexplained
from tests.support import wire
from tests.support.samples import make_code
from tests.support.world import START, SeededEntropy, TurnableClock, plenty

DIGITS = {Feature.MGPC: "8899551234567", Feature.DIPC: "8899557654321"}
FAULTS = [each.name for each in fields(Faults)]


@dataclass
class Shop:
    """The real client and inbox, with this DOKU at the other end."""

    seed: int = 0
    faults: Faults = field(default_factory=Faults.none)
    secret: str = wire.SECRET
    """DOKU's key."""
    held: str | None = None
    """Ours, if it is another."""

    def __post_init__(self) -> None:
        self.clock = TurnableClock()
        self.doku = Doku(
            random.Random(self.seed), self.clock, CLIENT_ID, lambda: self.secret, self.faults
        )
        self.client = DokuClient(
            base_url=BASE_URL,
            paths=PATHS,
            credentials=self.credentials,
            clock=self.clock,
            entropy=SeededEntropy(),
        )
        self.client._session.mount("https://", Network(self.doku.answer))
        self.inbox = Inbox(credentials=self.credentials, clock=self.clock)
        self.bytes: list[bytes] = []
        self.said: list[object] = []

    def credentials(self, *, refresh: bool = False) -> DokuCredentials:  # noqa: ARG002
        return DokuCredentials(CLIENT_ID, self.held or self.secret)

    def code(
        self, number: str = "INV-1", feature: Feature = Feature.DGPC, **more: Any
    ) -> PaymentCode:
        code = make_code(
            number,
            feature=feature,
            payment_code=DIGITS.get(feature),
            created_at=self.clock.now,
            **more,
        )
        intent = Intent(f"request of {number}", self.client.compose(code, 60))
        return make_code(
            number, feature=feature, payment_code=code.payment_code, intent=intent, **more
        )

    def generate(
        self, number: str = "INV-1", feature: Feature = Feature.DGPC, **more: Any
    ) -> DokuCode:
        return self.client.generate(self.code(number, feature, **more), plenty)

    def status(self, number: str = "INV-1") -> OrderStatus:
        return self.client.check_status(number, plenty)

    def inquire(self, number: str = "INV-1", **more: Any) -> str | None:
        """A cashier asks about a code of ours that lives here, and we say yes."""
        code = self.code(number, Feature.DIPC, **more)
        message = self.doku.inquire(DIGITS[Feature.DIPC], "alfa")
        self.bytes.append(message.body)
        sent = DokuMessage(message.path, message.headers, message.body)
        inquiry = self.inbox.read_inquiry(self.inbox.verify(sent))
        assert inquiry.payment_code == code.payment_code
        answer = InquiryAnswer(InquiryStatus.SUCCESS, inquiry.payment_code, code)
        signed = self.inbox.sign_response(sent, answer)
        return self.doku.inquiry_answered(message, signed.http_status, signed.headers, signed.body)

    def pay(self, number: str = "INV-1", **more: Any) -> TillPayment:
        payment = self.doku.pay(number, **more)
        assert payment is not None
        return payment

    def read(self, message: OutgoingMessage) -> Notification:
        sent = DokuMessage(message.path, message.headers, message.body)
        return self.inbox.read_notification(self.inbox.verify(sent))

    def hear(self, *, until: datetime | None = None, answer: int = 200) -> list[OutgoingMessage]:
        """Every message until then, each answered alike."""
        heard: list[OutgoingMessage] = []
        while (at := self.doku.next_outgoing_at()) and at <= (until or self.clock.now):
            self.clock.now = max(at, self.clock.now)
            for message in self.doku.outbox():
                heard.append(message)
                self.doku.acknowledged(message, answer)
        return heard

    def notice(self) -> Notification:
        (message,) = self.hear()
        return self.read(message)


# --- the honest one ----------------------------------------------------------------------------


@pytest.mark.parametrize("channel", Channel)
def test_honest_a_code_is_made_paid_notified_and_shown(channel: Channel) -> None:
    shop = Shop()
    made = shop.generate(channel=channel)
    assert made.expires_at == START + timedelta(hours=1)
    assert shop.status().state is OrderState.PENDING
    payment = shop.pay()
    notification = shop.notice()
    assert notification.state is OrderState.SUCCESS
    told = notification.payment
    assert told is not None
    assert (told.invoice_number, told.payment_code) == ("INV-1", made.payment_code)
    assert (told.amount, told.paid_at, told.dated) == (Decimal(150_000), START, True)
    assert (told.agent_id, told.store_id, told.receipt_number) == (
        payment.agent_id,
        payment.store_id,
        payment.receipt_number,
    )
    assert shop.status().state is OrderState.PENDING
    shop.clock.advance(seconds=60)
    shown = shop.status().payment
    assert shown is not None
    assert (shown.receipt_number, shown.paid_at) == (payment.receipt_number, START)
    assert shop.doku.till == [payment]
    assert payment.unknowable == frozenset()


def test_honest_a_registered_code_keeps_its_digits() -> None:
    assert Shop().generate(feature=Feature.MGPC).payment_code == DIGITS[Feature.MGPC]


def test_honest_a_repeat_is_the_first_answer() -> None:
    shop = Shop()
    assert shop.generate() == shop.generate()


def test_honest_an_order_expires_and_takes_no_money() -> None:
    shop = Shop()
    shop.generate()
    assert shop.doku.orders["INV-1"].takes_money(shop.clock.now)
    shop.clock.advance(hours=1)
    assert shop.status().state is OrderState.EXPIRED
    assert not shop.doku.orders["INV-1"].takes_money(shop.clock.now)
    assert shop.doku.pay("INV-1") is None
    assert shop.status("INV-9").state is OrderState.UNKNOWN
    assert shop.doku.pay("INV-9") is None


def test_honest_a_single_use_code_is_paid_once_and_a_reusable_one_again() -> None:
    shop = Shop()
    shop.generate()
    shop.pay()
    assert shop.doku.pay("INV-1") is None
    shop.generate("INV-2", reusable=True)
    assert [shop.pay("INV-2").number for _ in range(2)] == [2, 3]
    assert [each.number for each in shop.doku.till] == [1, 2, 3]


def test_honest_a_code_that_lives_here_is_paid_on_our_yes() -> None:
    shop = Shop()
    assert shop.doku.pay("INV-1") is None
    assert shop.inquire() == "INV-1"
    payment = shop.pay()
    assert payment.feature is Feature.DIPC
    assert shop.doku.pay("INV-1") is None, "each answer is paid on once"
    assert shop.inquire() == "INV-1"
    shop.clock.advance(minutes=11)
    assert shop.doku.pay("INV-1") is None, "a till waits ten minutes"
    assert shop.status().payment is not None


def test_a_no_lets_nobody_pay() -> None:
    shop = Shop()
    message = shop.doku.inquire(DIGITS[Feature.DIPC], "alfa")
    sent = DokuMessage(message.path, message.headers, message.body)
    answer = InquiryAnswer(InquiryStatus.WAS_EXPIRED, DIGITS[Feature.DIPC])
    signed = shop.inbox.sign_response(sent, answer)
    answered = shop.doku.inquiry_answered(message, signed.http_status, signed.headers, signed.body)
    assert answered is None
    assert shop.doku.pay("INV-1") is None


def test_an_answer_with_another_signature_lets_nobody_pay() -> None:
    shop = Shop()
    message = shop.doku.inquire(DIGITS[Feature.DIPC], "alfa")
    sent = DokuMessage(message.path, message.headers, message.body)
    answer = InquiryAnswer(
        InquiryStatus.SUCCESS, DIGITS[Feature.DIPC], shop.code(feature=Feature.DIPC)
    )
    signed = shop.inbox.sign_response(sent, answer)
    body = signed.body.replace("150000", "150001")
    assert shop.doku.inquiry_answered(message, signed.http_status, signed.headers, body) is None


@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_not_taken_comes_four_times(seed: int) -> None:
    shop = Shop(seed)
    shop.generate()
    shop.pay()
    heard = shop.hear(until=START + timedelta(days=2), answer=503)
    assert len(heard) == 4
    assert len({message.body for message in heard}) == 1
    assert shop.clock.now - START in (timedelta(hours=12), timedelta(hours=17.5))


def test_what_is_taken_comes_no_more() -> None:
    shop = Shop()
    shop.generate()
    shop.pay()
    assert len(shop.hear(until=START + timedelta(days=2))) == 1


def test_messages_and_answers_are_signed_as_others_sign() -> None:
    shop = Shop()
    shop.generate()
    shop.pay()
    (message,) = shop.hear()
    lower = {name.lower(): value for name, value in message.headers.items()}
    request = wire.Request("POST", message.path, lower, message.body)
    assert lower["signature"] == wire.mac(wire.SECRET, request.component)


def test_another_key_is_refused_and_a_new_one_taken() -> None:
    shop = Shop()
    shop.generate()
    with pytest.raises(DokuError, match="invalid_signature"):
        Shop(secret="SK-new", held="SK-old").status()
    shop.secret = "SK-new"
    assert shop.status().state is OrderState.PENDING
    shop.pay()
    assert shop.notice().state is OrderState.SUCCESS


def test_a_refund_is_told_and_shown() -> None:
    shop = Shop()
    shop.generate()
    payment = shop.pay()
    assert shop.notice().state is OrderState.SUCCESS
    shop.clock.advance(minutes=5)
    shop.doku.refund(payment)
    assert shop.notice().state is OrderState.REFUNDED
    assert shop.status().state is OrderState.REFUNDED
    assert payment.refunded_at == shop.clock.now


# --- its lies ----------------------------------------------------------------------------------


def live(shop: Shop, *, hours: int = 20) -> Shop:
    """One of everything, heard and read by the real thing; notes what was sent and understood."""

    def attempt(act: Any) -> None:
        try:
            shop.said.append(act())
        except (DokuError, UnreadableMessage, UntrustedMessage) as error:
            shop.said.append(repr(error))

    for number, feature, reusable in (
        ("INV-1", Feature.DGPC, False),
        ("INV-2", Feature.DGPC, True),
        ("INV-3", Feature.MGPC, False),
        ("INV-5", Feature.DGPC, False),
    ):
        for _ in range(2):
            attempt(lambda n=number, f=feature, r=reusable: shop.generate(n, f, reusable=r))
        attempt(lambda n=number: shop.status(n))
    attempt(lambda: shop.inquire("INV-4"))
    attempt(lambda: shop.status("INV-4"))
    for number in ("INV-1", "INV-2", "INV-2", "INV-3", "INV-4"):
        shop.clock.advance(seconds=1)
        attempt(lambda n=number: shop.doku.pay(n) and n)
    shop.clock.now = START + timedelta(hours=1, seconds=5)
    attempt(lambda: shop.doku.pay("INV-5") and "INV-5")
    for place in range(1, 6):
        attempt(lambda n=place: shop.status(f"INV-{n}"))
    for message in shop.hear(until=START + timedelta(hours=hours)):
        shop.bytes.append(message.body)
        attempt(lambda m=message: shop.read(m))
    return shop


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_happens_and_is_read_without_a_crash(fault: str) -> None:
    for seed in range(12):
        # A retry or a duplicate is there to be told anew only if there is one.
        faults = Faults(duplicate=0.5) if fault == "retold" else Faults.none()
        setattr(faults, fault, 0.7)
        if live(Shop(seed, faults)).doku.fired[fault]:
            return
    pytest.fail(f"{fault} never happened")


@pytest.mark.parametrize("fault", FAULTS)
def test_none_is_left_once_it_is_honest(fault: str) -> None:
    faults = Faults.none()
    setattr(faults, fault, 1.0)
    shop = live(Shop(faults=faults))
    setattr(faults, fault, 0.0)
    shop.doku.fired.clear()
    for place in range(1, 6):
        number = f"INV-{place}"
        told = shop.status(number)
        assert told.unreadable is None
        if fault not in ("refund", "unmatched"):
            paid = [each for each in shop.doku.till if each.invoice_number == number]
            assert (told.state is OrderState.SUCCESS) == bool(paid)
    assert not shop.doku.fired


def test_the_same_seed_says_the_same() -> None:
    def run(seed: int) -> tuple[Sequence[object], Sequence[bytes]]:
        shop = live(Shop(seed, Faults.draw(random.Random(seed))))
        return [str(each) for each in shop.said], shop.bytes

    runs = [run(seed) for seed in range(20)]
    assert runs == [run(seed) for seed in range(20)]
    assert len({str(each) for each in runs}) == len(runs)


def test_an_order_less_changes_nothing_for_the_others() -> None:
    faults = Faults(lost_attempt=0.5, no_receipt=0.5, amount_forms=0.5)

    def bodies(*numbers: str) -> list[bytes]:
        shop = Shop(7, faults)
        for number in numbers:
            shop.generate(number, Feature.DGPC)
            shop.pay(number, receipt_number="77")
        heard = shop.hear(until=START + timedelta(days=2), answer=500)
        return [
            m.body.replace(b"payment_code", b"")[:200] for m in heard if m.invoice_number == "INV-3"
        ]

    assert bodies("INV-1", "INV-2", "INV-3") == bodies("INV-1", "INV-3")


# --- the truth about them ----------------------------------------------------------------------


def test_a_body_tells_whose_payment_it_is_about() -> None:
    shop = Shop(faults=Faults(retold=1.0, more_fields=1.0, duplicate=1.0))
    shop.generate(reusable=True)
    first, second = shop.pay(), shop.pay()
    seen = set()
    for message in shop.hear(until=START + timedelta(hours=1)):
        told = shop.read(message).payment
        assert told is not None
        telling = shop.doku.told(told.evidence.digest)
        assert telling is not None
        (payment,) = telling.payments
        assert payment.receipt_number == told.receipt_number
        seen.add(payment)
    assert seen == {first, second}
    shop.clock.advance(minutes=2)
    shown = shop.status().payment
    assert shown is not None
    telling = shop.doku.told(shown.evidence.digest)
    assert telling is not None
    assert (telling.payments, telling.source) == ((second,), Source.STATUS_CHECK)
    assert shop.doku.told("0" * 64) is None


def _record(report: PaymentReport, *doubts: Doubt, number: int = 1) -> Payment:
    return Payment(
        number=number, kind=PaymentKind.PAID, report=report, recorded_at=START, doubts=doubts
    )


def test_what_is_on_record_is_held_against_the_tills() -> None:
    shop = Shop()
    shop.generate(reusable=True)
    tills = [shop.pay(), shop.pay()]
    told = [shop.read(message).payment for message in shop.hear()]
    one, other = (_record(each, number=place) for place, each in enumerate(told, 1) if each)

    def wrong(*records: Payment) -> list[str]:
        return list(unexplained(tills, records, shop.doku.told))

    assert not wrong(one, other)
    assert "have 1 records" in wrong(one)[0]
    assert "on record 2 times" in wrong(one, one)[-1]
    assert "3 records pass for certain" in wrong(one, other, other)[0]
    assert "is marked" in wrong(one, replace(other, doubts=(Doubt.MAY_BE_KNOWN,)))[0]
    assert "holds 2 payments" in wrong(replace(one, further=(other.report,)), other)[-1]
    forged = replace(other.report, evidence=Evidence("never said"))
    assert "never said" in wrong(one, replace(other, report=forged))[0]


def test_equal_bytes_of_two_payments_tell_of_both() -> None:
    shop = Shop()
    shop.generate(reusable=True)
    same = {"receipt_number": "77", "store_id": "T1", "agent_id": "ALFAMART"}
    first, second = shop.pay(**same), shop.pay(**same)
    assert first.receipt_number == second.receipt_number
    one, other = shop.hear()
    assert one.body == other.body
    told = shop.read(one).payment
    assert told is not None
    telling = shop.doku.told(told.evidence.digest)
    assert telling is not None
    assert telling.payments == (first, second)
    assert first.unknowable == second.unknowable == {"equal receipts"}
    assert not list(unexplained([first, second], [_record(told)], shop.doku.told))


@pytest.mark.parametrize(
    ("faults", "reasons"),
    [
        (Faults(), set()),
        (Faults(lost=1.0), {"hidden"}),
        (Faults(unreadable=1.0), {"hidden"}),
        (Faults(no_receipt=1.0), {"unnamed"}),
        (Faults(placeholder=1.0), {"unnamed"}),
        (Faults(no_store=1.0, created_date=1.0), set()),
        (Faults(equal_receipt=1.0), set()),
        (Faults(equal_receipt=1.0, no_store=1.0, no_brand=1.0), {"equal receipts"}),
    ],
)
def test_what_nobody_can_know_of_a_reusable_code(faults: Faults, reasons: set[str]) -> None:
    shop = Shop(faults=faults)
    shop.generate(reusable=True)
    shop.pay()
    payment = shop.pay()
    shop.hear()
    assert payment.unknowable == reasons


@pytest.mark.parametrize("fault", FAULTS)
def test_a_code_that_doku_lets_be_paid_once_is_always_certain(fault: str) -> None:
    faults = Faults.none()
    if fault == "refund":
        return
    setattr(faults, fault, 1.0)
    shop = live(Shop(faults=faults))
    once = [
        each for each in shop.doku.till if not each.is_reusable and each.feature is not Feature.DIPC
    ]
    assert all(each.unknowable == frozenset() for each in once)


def test_a_payment_that_went_back_before_anybody_heard_of_it_is_hidden() -> None:
    shop = Shop(faults=Faults(lost=1.0))
    shop.generate()
    payment = shop.pay()
    assert payment.unknowable == frozenset()
    shop.doku.refund(payment)
    assert payment.unknowable == {"hidden"}
