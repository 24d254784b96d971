"""Record a refund: DOKU says, in a notification or when asked, that the money went back."""

from datetime import datetime
from decimal import Decimal

from o2o.core.codes import PaymentCode, Refund
from o2o.usecases.ports import CodeStore
from o2o.usecases.retry_on_conflict import update_code


def record_refund(
    codes: CodeStore, invoice_number: str, amount: Decimal | None, now: datetime
) -> PaymentCode | None:
    """The code, which knows of its refund now; None if there is none of that number."""
    code = codes.get(invoice_number)
    if code is None:
        return None
    return update_code(codes, code, lambda newest: newest.refunded(Refund(now, amount)))
