"""Read payment codes."""

from dataclasses import dataclass
from datetime import datetime

from o2o.core.channels import Channel
from o2o.core.codes import PaymentCode, Status
from o2o.core.errors import NotFound
from o2o.core.pages import Page, not_a_cursor
from o2o.core.payments import CodeHistory, Payment
from o2o.usecases.filtered_page import filtered_page
from o2o.usecases.owned_code import owned_code, owned_history
from o2o.usecases.ports import CodeStore

PAYMENTS_SHOWN = 20
"""A code's view shows this many payments at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFilter:
    """Which codes of a storefront; None is any."""

    order_number: str | None = None
    channel: Channel | None = None
    status: Status | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None

    def __contains__(self, code: PaymentCode) -> bool:
        return (
            self.order_number in (None, code.order_number)
            and self.channel in (None, code.channel)
            and self.status in (None, code.status)
            and (self.created_from is None or code.created_at >= self.created_from)
            and (self.created_to is None or code.created_at <= self.created_to)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCodes:
    """The use case. A storefront sees its own codes only."""

    codes: CodeStore

    def one(self, storefront_id: str, order_number: str) -> CodeHistory:
        """A code with its payments, in one read. Raises NotFound."""
        return owned_history(self.codes, storefront_id, order_number, payments=PAYMENTS_SHOWN)

    def payments(
        self, storefront_id: str, order_number: str, *, limit: int, cursor: str | None
    ) -> Page[Payment]:
        """A page of a code's payments. Raises NotFound, and InvalidRequest for a cursor."""
        code = owned_code(self.codes, storefront_id, order_number)
        return filtered_page(
            lambda limit, cursor: self.codes.list_payments(
                code.order_number, limit=limit, cursor=cursor
            ),
            lambda payment: code.is_its_own(payment.recorded_at),
            limit=limit,
            cursor=cursor,
        )

    def many(
        self, storefront_id: str, wanted: CodeFilter, *, limit: int, cursor: str | None
    ) -> Page[PaymentCode]:
        """A page, newest first; filtered, it may hold fewer codes than the limit.

        Raises InvalidRequest for a cursor that is not one of this list's.
        """
        if wanted.order_number is not None:
            return self._at_most_one(storefront_id, wanted, wanted.order_number, cursor)
        return filtered_page(
            lambda limit, cursor: self.codes.list_codes(
                storefront_id,
                created_from=wanted.created_from,
                created_to=wanted.created_to,
                limit=limit,
                cursor=cursor,
            ),
            wanted.__contains__,
            limit=limit,
            cursor=cursor,
        )

    def _at_most_one(
        self, storefront_id: str, wanted: CodeFilter, order_number: str, cursor: str | None
    ) -> Page[PaymentCode]:
        """A number has one code, so nobody needs to search the list for it."""
        if cursor is not None:
            raise not_a_cursor()
        try:
            code = owned_code(self.codes, storefront_id, order_number)
        except NotFound:
            return Page([])
        return Page([code] if code in wanted else [])
