"""Payment codes, payments and messages to test with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from o2o.core.channels import Channel, Feature
from o2o.core.codes import (
    Customer,
    Doubt,
    Failure,
    Intent,
    Move,
    PaymentCode,
    PaymentKind,
    PaymentMark,
    Receipt,
    Refund,
    Source,
    Status,
)
from o2o.core.notifications import KeptFor, KeptNotification
from o2o.core.payments import Evidence, PaidCode, Payment, PaymentReport, Settlement

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def at(**since: float) -> datetime:
    """An instant, counted from NOW."""
    return NOW + timedelta(**since)


def make_code(invoice_number: str = "INV-1", **changes: Any) -> PaymentCode:
    """A code that was just asked for, with what storefronts usually send."""
    code = PaymentCode(
        invoice_number=invoice_number,
        storefront_id="shop",
        channel=Channel.ALFA,
        feature=Feature.DGPC,
        bin=None,
        amount=150_000,
        reusable=False,
        customer=Customer("Anton Budiman", "anton@example.com"),
        created_at=NOW,
        expires_at=at(hours=1),
        fingerprint="0" * 64,
        due_at=at(minutes=1),
        intent=Intent("5e3c4f9a-1c1b-4a36-a6c2-35c6f9e0a001", '{"order": {}}'),
    )
    return replace(code, **changes)


def make_own_code(invoice_number: str = "INV-1", **changes: Any) -> PaymentCode:
    """A live code of Alfa's whose digits were made here; for DIPC, unless told otherwise."""
    code = make_code(
        invoice_number,
        feature=Feature.DIPC,
        bin="889955",
        payment_code="8899551234567890",
        status=Status.ACTIVE,
        activated_at=NOW,
        intent=None,
    )
    return replace(code, **changes)


def make_full_code(invoice_number: str = "INV-1") -> PaymentCode:
    """A code with a value in every field, however unlikely together."""
    return make_code(
        invoice_number,
        bin="88899",
        reusable=True,
        info="Pesanan №7 ☕",
        receipt=Receipt("Terima kasih", "toko.example"),
        metadata='{"cart": [1, 2]}',
        status=Status.PAID,
        payment_code="8889912345678",
        how_to_pay_page="https://doku.example/page",
        how_to_pay_api="https://doku.example/api",
        activated_at=at(seconds=1.5),
        paid_at=at(minutes=5),
        ended_at=at(minutes=6, microseconds=1),
        late=True,
        failure=Failure("refused", "PAYMENT CHANNEL IS INACTIVE", "42"),
        payments=3,
        cancelled_at=at(minutes=3),
        had_ended=True,
        unconfirmed=True,
        disputed=True,
        refund=Refund(at(minutes=7), Decimal("150000.00")),
        last_payment=PaymentMark(
            number=3,
            kind=PaymentKind.PAID_LATE,
            amount=Decimal("150000.00"),
            currency="IDR",
            paid_at=at(minutes=5),
            had_ended=True,
            doubts=(Doubt.TELLINGS_DISAGREE,),
            receipt_number="R-3",
            store_id="S-1",
            source=Source.STATUS_CHECK,
            agent_id="ALFAMIDI",
        ),
        replaces="INV-0",
        replaced_by="INV-2",
        inquired_at=at(minutes=4),
    )


def make_report(invoice_number: str = "INV-1", **changes: Any) -> PaymentReport:
    """A payment as DOKU reports it."""
    report = PaymentReport(
        invoice_number=invoice_number,
        payment_code="8123456789012345",
        amount=Decimal("150000.00"),
        paid_at=at(minutes=5),
        source=Source.NOTIFICATION,
        evidence=Evidence('{\n  "amount": 150000.00\n}', {"Client-Id": "MCH-1", "Signature": "H="}),
        acquirer="ALFA",
        agent_id="A-1",
        store_id="S-1",
        receipt_number="R-1",
    )
    return replace(report, **changes)


def make_settlement(
    code: PaymentCode, receipt_number: str = "R-1", *, number: int | None = None, **changes: Any
) -> Settlement:
    """A payment of a code, the next one unless told otherwise, and the code after it."""
    report = make_report(code.invoice_number, receipt_number=receipt_number, **changes)
    number = number or code.payments + 1
    payment = Payment(
        number=number,
        kind=PaymentKind.PAID,
        report=report,
        recorded_at=at(minutes=6),
        code=PaidCode.of(code),
    )
    move = Move.RECORD if code.status is Status.PAID else Move.PAY
    paid = code.move(
        move,
        paid_at=report.paid_at,
        due_at=None,
        intent=None,
        payments=number,
        last_payment=payment.mark,
    )
    return Settlement(paid, payment)


def make_completion(code: PaymentCode, payment: Payment, **facts: Any) -> Settlement:
    """A payment on record of which one more telling gives these facts, and the code after it."""
    report = replace(payment.report, **facts)
    told = replace(report, evidence=Evidence(f"telling {len(payment.further) + 2}"))
    fuller = replace(payment, report=report, further=(*payment.further, told))
    return Settlement(code.move(Move.RECORD), fuller, is_new=False, is_news=False, former=payment)


def make_kept(
    invoice_number: str = "INV-9", identity: str = "0a1b", **changes: Any
) -> KeptNotification:
    """A message that matches nothing."""
    kept = KeptNotification(
        invoice_number=invoice_number,
        identity=identity,
        reason=KeptFor.UNMATCHED,
        evidence=Evidence("{}", {"Client-Id": "MCH-1"}),
        received_at=NOW,
        due_at=at(minutes=1),
    )
    return replace(kept, **changes)
