"""Payments as lists, and what a search for them finds, on DynamoDB."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from o2o.adapters.dynamodb import listing, table
from o2o.adapters.dynamodb.store import Store
from o2o.core.pages import Page
from o2o.core.payments import Payment
from o2o.core.receipts import comparable
from o2o.core.search import SearchBy
from o2o.usecases.ports import PaymentStore

if TYPE_CHECKING:
    from o2o.adapters.dynamodb.codec import Attributes

_MOST_CODES = 100
"""So many codes that had the same digits are found, of one storefront."""


class DynamoPaymentStore(PaymentStore):
    """``PaymentStore`` in a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_recorded(
        self,
        storefront_id: str,
        *,
        recorded_from: datetime | None,
        recorded_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[Payment]:
        span = listing.Span(table.payments_listing(storefront_id), recorded_from, recorded_to)
        return self._store.page(span, table.load_payment, limit, cursor)

    def list_paid(
        self,
        storefront_id: str,
        *,
        paid_from: datetime | None,
        paid_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[Payment]:
        span = listing.Span(
            table.payments_listing(storefront_id), paid_from, paid_to, table.PAID_INDEX
        )
        return self._store.page(span, table.load_payment, limit, cursor)

    def list_attention(
        self,
        storefront_id: str,
        *,
        recorded_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[Payment]:
        span = listing.Span(table.attention_listing(storefront_id), None, recorded_to)
        calls = self._store.page(span, table.pointed_payment, limit, cursor)
        return Page(self._payments(calls.items), calls.next_cursor)

    def find_by_receipt(
        self, storefront_id: str, receipt_number: str, *, limit: int, cursor: str | None
    ) -> Page[Payment]:
        value = comparable(receipt_number)
        if value is None:
            return Page([])
        query = listing.search_query(storefront_id, SearchBy.RECEIPT, value, cursor)
        items = self._store.query(limit + 1, **query)
        more = len(items) > limit
        entries = [table.load_search(item) for item in items[:limit]]
        keys = [table.payment_key(entry.order_number, entry.payment_id) for entry in entries]
        payments = [
            payment
            for payment in self._payments(keys)
            if comparable(payment.report.receipt_number) == value
        ]
        return Page(payments, listing.write_search_cursor(items[limit - 1]) if more else None)

    def find_by_digits(
        self, storefront_id: str, payment_code: str, *, limit: int, cursor: str | None
    ) -> Page[Payment]:
        after = listing.read_found_cursor(storefront_id, payment_code, cursor)
        items: list[Attributes] = []
        for order_number in self.find_order_numbers(storefront_id, payment_code):
            pk = table.code_key(order_number).pk
            if after and pk < after.pk:
                continue
            query = listing.payments_query(
                order_number, after if after and pk == after.pk else None
            )
            items += self._store.query(limit + 1 - len(items), **query)
            if len(items) > limit:
                last = table.Key.of(items[limit - 1])
                more = listing.write_found_cursor(storefront_id, payment_code, last)
                return Page([table.load_payment(item) for item in items[:limit]], more)
        return Page([table.load_payment(item) for item in items])

    def find_order_numbers(self, storefront_id: str, payment_code: str) -> Sequence[str]:
        query = listing.search_query(storefront_id, SearchBy.DIGITS, payment_code, None)
        items = self._store.query(_MOST_CODES, **query)
        return sorted(table.load_search(item).order_number for item in items)

    def _payments(self, keys: Sequence[table.Key]) -> list[Payment]:
        items = self._store.get_all(keys)
        return [table.load_payment(items[key]) for key in keys if key in items]
