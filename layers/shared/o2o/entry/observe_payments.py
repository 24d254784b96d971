"""Logs and metrics of payments."""

from o2o.core.codes import PaymentKind, Source
from o2o.core.payments import Payment
from o2o.entry.observability import count, logger

_PAYMENT_METRICS = {
    PaymentKind.PAID: "PaymentOnTime",
    PaymentKind.PAID_LATE: "PaymentLate",
    PaymentKind.PAID_AGAIN: "PaymentAgain",
    PaymentKind.AMOUNT_MISMATCH: "PaymentAmountMismatch",
    PaymentKind.DIGITS_MISMATCH: "PaymentDigitsMismatch",
}

_SOURCE_METRICS = {
    Source.NOTIFICATION: "PaymentNotified",
    Source.STATUS_CHECK: "PaymentFoundByStatusCheck",
    # Recorded by hand, so that no function counts it unless a later word makes news of it.
    Source.SETTLEMENT: "PaymentFoundBySettlement",
}


def count_payment(payment: Payment | None) -> None:
    """Count a payment that was recorded just now, and log what the person on call looks for."""
    if payment is None:
        return
    count(_PAYMENT_METRICS[payment.kind])
    count(_SOURCE_METRICS[payment.report.source])
    if payment.doubts:
        count("PaymentUncertain")
    log = logger.info if payment.kind.matches and not payment.doubts else logger.error
    log(
        "payment recorded",
        invoice_number=payment.report.invoice_number,
        kind=payment.kind,
        doubts=payment.doubts,
        source=payment.report.source,
    )
