"""Cancel a payment code."""

from dataclasses import dataclass

from o2o.core.codes import PaymentCode, Status
from o2o.core.errors import NotFound
from o2o.core.timetable import Timetable
from o2o.usecases.optimistic import update
from o2o.usecases.ports import Clock, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCode:
    """The use case.

    DOKU has no cancel (DOKU protocol, section 3): a code that DOKU knows can still be paid
    until it expires there, and such a payment is settled as late.
    """

    ledger: Ledger
    clock: Clock
    timetable: Timetable

    def __call__(self, storefront_id: str, invoice_number: str) -> PaymentCode:
        """The cancelled code, also if it was cancelled before. Raises NotFound, IllegalMove."""
        code = self.ledger.get(invoice_number)
        if code is None or code.storefront_id != storefront_id:
            raise NotFound("there is no such payment code")
        now = self.clock()

        def cancel(newest: PaymentCode) -> PaymentCode | None:
            if newest.status is Status.CANCELLED:
                return None
            return newest.cancel(now=now, timetable=self.timetable)

        return update(self.ledger, code, cancel)
