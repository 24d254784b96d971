"""Resolve a payment: record what a person did about it."""

from dataclasses import dataclass
from typing import NamedTuple

from o2o.core import payments
from o2o.core.codes import PaymentCode
from o2o.core.errors import NotFound
from o2o.core.payments import Payment
from o2o.core.resolutions import Resolution, ResolutionKind
from o2o.usecases.owned_code import owned_code
from o2o.usecases.ports import Clock, CodeStore
from o2o.usecases.retry_on_conflict import retry_on_conflict


class Resolving(NamedTuple):
    """A payment with what was done about it, its code, and whether that is news."""

    code: PaymentCode
    payment: Payment
    is_news: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvePayment:
    """The use case. Who says the same again adds nothing."""

    codes: CodeStore
    clock: Clock

    def __call__(
        self,
        storefront_id: str,
        order_number: str,
        payment_id: str,
        kind: ResolutionKind,
        *,
        by: str,
        reference: str | None = None,
        note: str | None = None,
    ) -> Resolving:
        """The payment with its resolution. ``by`` is who did it.

        Raises NotFound, and InvalidRequest for a text that is blank or too long.
        """

        def resolve() -> Resolving:
            # The code first: a change of the payment that comes between the two changes it, too.
            code = owned_code(self.codes, storefront_id, order_number)
            payment = self.codes.get_payment(order_number, payment_id)
            if payment is None or not code.is_its_own(payment.recorded_at):
                raise NotFound("the payment code has no such payment")
            resolution = Resolution(
                kind=kind, by=by, at=self.clock(), reference=reference, note=note
            )
            settlement = payments.resolve(code, payment, resolution)
            if settlement is None:
                return Resolving(code, payment, is_news=False)
            self.codes.record(settlement)
            return Resolving(settlement.code, settlement.payment, is_news=True)

        return retry_on_conflict(resolve)
