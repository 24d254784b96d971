"""Explain how a code is paid."""

from collections.abc import Sequence
from dataclasses import dataclass

from o2o.core.bins import BinTable
from o2o.core.codes import PaymentCode, Status
from o2o.core.errors import IllegalMove
from o2o.core.how_to_pay import Instruction, Language, explain
from o2o.usecases.owned_code import owned_code
from o2o.usecases.ports import CodeStore, InstructionSource, TimeLeft


@dataclass(frozen=True, slots=True)
class Explanation:
    """Our own instructions by language, and DOKU's if they could be had."""

    code: PaymentCode
    ours: dict[Language, Sequence[Instruction]]
    dokus: Sequence[Instruction]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainPayment:
    """The use case. DOKU's instructions are welcome and never waited for long."""

    codes: CodeStore
    source: InstructionSource
    bins: BinTable

    def __call__(
        self, storefront_id: str, order_number: str, *, time_left: TimeLeft
    ) -> Explanation:
        """How to pay a storefront's code. Raises NotFound, and IllegalMove unless it is active."""
        code = owned_code(self.codes, storefront_id, order_number)
        if code.status is not Status.ACTIVE:
            raise IllegalMove(f"the payment code is {code.status}: only an active one can be paid")
        address = code.how_to_pay_api
        biller = self.bins.biller(code.channel, code.bin)
        return Explanation(
            code,
            {language: explain(code, language, biller) for language in Language},
            self.source.fetch(address, time_left) if address else (),
        )
