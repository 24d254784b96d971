"""Read payment codes."""

from dataclasses import dataclass
from datetime import datetime

from o2o.core.codes import PaymentCode, Status
from o2o.core.errors import NotFound
from o2o.core.payments import Payment
from o2o.usecases.ports import CodeHistory, Ledger, Page

PAYMENTS_SHOWN = 20
"""A code's view shows this many payments at most."""

_PAGES_READ = 5
"""A filtered list reads this many pages at most before it answers with what it found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCodes:
    """The use case. A storefront sees its own codes only."""

    ledger: Ledger

    def one(self, storefront_id: str, invoice_number: str) -> CodeHistory:
        """A code with its payments, in one read. Raises NotFound."""
        history = self.ledger.get_history(invoice_number, PAYMENTS_SHOWN)
        if history is None or history.code.storefront_id != storefront_id:
            raise NotFound("there is no such payment code")
        return history

    def payments(
        self, storefront_id: str, invoice_number: str, *, limit: int, cursor: str | None
    ) -> Page[Payment]:
        """A page of a code's payments. Raises NotFound, and InvalidRequest for a cursor."""
        code = self.ledger.get(invoice_number)
        if code is None or code.storefront_id != storefront_id:
            raise NotFound("there is no such payment code")
        return self.ledger.list_payments(invoice_number, limit=limit, cursor=cursor)

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
        found: list[PaymentCode] = []
        for _ in range(_PAGES_READ):
            page = self.ledger.list_codes(
                storefront_id,
                created_from=created_from,
                created_to=created_to,
                limit=limit - len(found),
                cursor=cursor,
            )
            found += [code for code in page.items if status is None or code.status is status]
            cursor = page.next_cursor
            if cursor is None or len(found) >= limit:
                break
        return Page(found, cursor)
