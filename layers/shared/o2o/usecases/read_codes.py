"""Read payment codes."""

from dataclasses import dataclass
from datetime import datetime

from o2o.core.codes import PaymentCode, Status
from o2o.core.pages import Page
from o2o.core.payments import CodeHistory, Payment
from o2o.usecases.filtered_page import filtered_page
from o2o.usecases.owned_code import owned_code, owned_history
from o2o.usecases.ports import CodeStore

PAYMENTS_SHOWN = 20
"""A code's view shows this many payments at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCodes:
    """The use case. A storefront sees its own codes only."""

    codes: CodeStore

    def one(self, storefront_id: str, invoice_number: str) -> CodeHistory:
        """A code with its payments, in one read. Raises NotFound."""
        return owned_history(self.codes, storefront_id, invoice_number, payments=PAYMENTS_SHOWN)

    def payments(
        self, storefront_id: str, invoice_number: str, *, limit: int, cursor: str | None
    ) -> Page[Payment]:
        """A page of a code's payments. Raises NotFound, and InvalidRequest for a cursor."""
        code = owned_code(self.codes, storefront_id, invoice_number)
        return filtered_page(
            lambda limit, cursor: self.codes.list_payments(
                code.invoice_number, limit=limit, cursor=cursor
            ),
            lambda payment: code.is_its_own(payment.recorded_at),
            limit=limit,
            cursor=cursor,
        )

    def many(
        self,
        storefront_id: str,
        *,
        status: Status | None,
        created_from: datetime | None,
        created_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[PaymentCode]:
        """A page, newest first; with a ``status`` it may hold fewer codes than the limit.

        Raises InvalidRequest for a cursor that is not one of this list's.
        """
        return filtered_page(
            lambda limit, cursor: self.codes.list_codes(
                storefront_id,
                created_from=created_from,
                created_to=created_to,
                limit=limit,
                cursor=cursor,
            ),
            lambda code: status is None or code.status is status,
            limit=limit,
            cursor=cursor,
        )
