"""Cancel a payment code."""

from dataclasses import dataclass

from o2o.core.codes import PaymentCode, Status
from o2o.core.timetable import Timetable
from o2o.usecases.owned_code import owned_code
from o2o.usecases.ports import Clock, CodeStore
from o2o.usecases.retry_on_conflict import update_code


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCode:
    """The use case.

    DOKU has no cancel (DOKU protocol, section 3): a code that DOKU knows can still be paid
    until it expires there, and such a payment is settled as late.
    """

    codes: CodeStore
    clock: Clock
    timetable: Timetable

    def __call__(self, storefront_id: str, order_number: str) -> PaymentCode:
        """The cancelled code, also if it was cancelled before. Raises NotFound, IllegalMove."""
        code = owned_code(self.codes, storefront_id, order_number)
        now = self.clock()

        def cancel(newest: PaymentCode) -> PaymentCode | None:
            if newest.status is Status.CANCELLED:
                return None
            return newest.cancel(now=now, timetable=self.timetable)

        return update_code(self.codes, code, cancel)
