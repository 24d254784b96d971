"""Release digits: the operator lets go of digits, so that another storefront may have them."""

from dataclasses import dataclass

from o2o.core.channels import Channel
from o2o.core.codes import PaymentCode
from o2o.core.errors import IllegalMove, NotFound
from o2o.usecases.ports import Clock, CodeStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDigits:
    """The use case of the operator. A storefront's own freed digits need none (decision 0043)."""

    codes: CodeStore
    clock: Clock

    def __call__(self, channel: Channel, payment_code: str) -> PaymentCode:
        """Let go of digits; the code that had them last.

        Raises NotFound if nobody has had them, IllegalMove while they can be paid, and
        VersionConflict if another code took them meanwhile.
        """
        holder = self.codes.find_by_digits(channel, payment_code)
        if holder is None:
            raise NotFound("no payment code has these digits")
        if holder.holds_digits(self.clock()):
            raise IllegalMove("these digits belong to a payment code that can still be paid")
        self.codes.release_digits(channel, payment_code, holder=holder.order_number)
        return holder
