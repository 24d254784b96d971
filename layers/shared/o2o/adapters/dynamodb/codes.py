"""Payment codes and their payments on DynamoDB."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from o2o.adapters.dynamodb import listing, table
from o2o.adapters.dynamodb.store import ConditionFailed, Store
from o2o.core.channels import Channel
from o2o.core.codes import PaymentCode
from o2o.core.errors import DigitsTaken, VersionConflict
from o2o.core.pages import Page, all_items
from o2o.core.payments import CodeHistory, Payment, PaymentReport, Settlement
from o2o.core.search import find_completed
from o2o.usecases.ports import CodeStore

if TYPE_CHECKING:
    from o2o.adapters.dynamodb.codec import Attributes

_PAGE = 100


class DynamoCodeStore(CodeStore):
    """``CodeStore`` in a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(
        self,
        code: PaymentCode,
        *,
        former_holder: str | None = None,
        replaced: PaymentCode | None = None,
    ) -> PaymentCode | None:
        # One conditional write, or one transaction; no read.
        retention = self._store.retention
        puts = [(table.code_item(code, retention), table.IS_ABSENT)]
        claim = table.claim_key_of(code)
        if claim:
            puts.append((table.claim_item(claim, code), table.is_held_by(former_holder)))
        if replaced is not None:
            puts.append((table.code_item(replaced, retention), table.follows(replaced)))
        try:
            if len(puts) == 1:
                self._store.put(*puts[0])
            else:
                self._store.put_all(*puts)
        except ConditionFailed as failed:
            taker, *others = failed.items
            if taker is not None:
                return table.load_code(taker)
            if claim and others[0] is not None:
                raise DigitsTaken(table.load_holder(others[0])) from failed
            raise VersionConflict("a payment code changed since it was read") from failed
        return None

    def find_by_digits(self, channel: Channel, payment_code: str) -> PaymentCode | None:
        claim = self._store.get(table.claim_key(channel, payment_code))
        return self.get(table.load_holder(claim)) if claim else None

    def release_digits(self, channel: Channel, payment_code: str, *, holder: str) -> None:
        try:
            self._store.delete(table.claim_key(channel, payment_code), table.is_held_by(holder))
        except ConditionFailed as failed:
            raise VersionConflict("another payment code has these digits now") from failed

    def list_payments(self, order_number: str, *, limit: int, cursor: str | None) -> Page[Payment]:
        after = None if cursor is None else listing.read_payment_cursor(order_number, cursor)
        items = self._store.query(limit + 1, **listing.payments_query(order_number, after))
        more = len(items) > limit
        return Page(
            [table.load_payment(item) for item in items[:limit]],
            listing.write_payment_cursor(table.Key.of(items[limit - 1])) if more else None,
        )

    def get(self, order_number: str) -> PaymentCode | None:
        item = self._store.get(table.code_key(order_number))
        return table.load_code(item) if item else None

    def get_all(self, order_numbers: Sequence[str]) -> dict[str, PaymentCode]:
        keys = {table.code_key(each): each for each in order_numbers}
        items = self._store.get_all(list(keys))
        return {keys[key]: table.load_code(item) for key, item in items.items()}

    def get_payments(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Payment]:
        keys = {table.payment_key(*each): each for each in wanted}
        items = self._store.get_all(list(keys))
        return {keys[key]: table.load_payment(item) for key, item in items.items()}

    def get_payment(self, order_number: str, payment_id: str) -> Payment | None:
        item = self._store.get(table.payment_key(order_number, payment_id))
        return table.load_payment(item) if item else None

    def get_history(self, order_number: str, payments: int) -> CodeHistory | None:
        items = self._store.query(payments + 1, **listing.history_query(order_number))
        if not items or not table.is_code(items[0]):
            # Version 0.1 let payments outlive their code.
            return None
        code, *recorded = items
        return CodeHistory(table.load_code(code), [table.load_payment(item) for item in recorded])

    def forget_evidence(self, order_number: str) -> None:
        for payment in all_items(
            lambda cursor: self.list_payments(order_number, limit=_PAGE, cursor=cursor)
        ):
            self.save_payment(order_number, payment.forget_evidence())

    def save_payment(self, order_number: str, payment: Payment) -> None:
        try:
            self._store.put(
                table.payment_item(order_number, payment), table.has_as_many_tellings(payment)
            )
        except ConditionFailed as failed:
            raise VersionConflict("more is known of a payment meanwhile") from failed

    def save(self, code: PaymentCode) -> None:
        try:
            self._store.put(table.code_item(code, self._store.retention), table.follows(code))
        except ConditionFailed as failed:
            raise VersionConflict("a payment code changed since it was read") from failed

    def find_alike(self, report: PaymentReport, newest: int) -> Sequence[Payment]:
        query = listing.payments_query(report.invoice_number, None) | {"ScanIndexForward": False}
        items = {table.Key.of(item): item for item in self._store.query(newest, **query)}
        receipt_number = report.names.get("receipt_number")
        if receipt_number is not None:
            receipt = table.receipt_key(report.invoice_number, receipt_number)
            entry = self._store.get(receipt)
            key = entry and table.Key(receipt.pk, entry["payment"]["S"])
            if key and key not in items and (item := self._store.get(key)):
                items[key] = item
        found = [table.load_payment(item) for item in items.values()]
        return sorted(found, key=lambda payment: payment.number)

    def record(self, settlement: Settlement) -> None:
        code, payment = settlement.code, settlement.payment
        retention = self._store.retention
        item = table.payment_item(code.order_number, payment)
        puts: list[tuple[Attributes, table.Condition | None]] = [
            (item, table.IS_ABSENT if settlement.is_new else table.IS_PRESENT),
            (table.code_item(code, retention), table.follows(code)),
        ]
        receipt = table.receipt_item(code, payment)
        if receipt:
            puts.append((receipt, None))
        if payment.needs_attention or settlement.ends_attention:
            puts.append((table.attention_item(code, payment), None))
        # Of a new payment, the change of its code makes it, off this way.
        entry = find_completed(settlement.former, payment)
        if entry:
            puts.append((table.search_item(entry), None))
        try:
            self._store.put_all(
                *puts,
                checks=[
                    (table.code_key(other.order_number), table.stands(other))
                    for other in settlement.seen
                ],
            )
        except ConditionFailed as failed:
            raise VersionConflict("a payment code changed since it was read") from failed

    def list_codes(
        self,
        storefront_id: str,
        *,
        created_from: datetime | None,
        created_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[PaymentCode]:
        span = listing.Span(table.codes_listing(storefront_id), created_from, created_to)
        return self._store.page(span, table.load_code, limit, cursor)
