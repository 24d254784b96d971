"""Items of version 0.1, in which TTL deleted codes, payments and claims: made ones that stay.

Functions read them as they are. Until they are upgraded, DynamoDB deletes them in their time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from o2o.adapters.dynamodb import table
from o2o.adapters.dynamodb.codec import Attributes
from o2o.adapters.dynamodb.store import ConditionFailed, Store
from o2o.core.payments import PaidCode
from o2o.core.search import find_all

_STAY = ("CODE#", "DIGITS#", "NOTIFICATION#", "EVENT#")


@dataclass(frozen=True, slots=True)
class Upgraded:
    """How many items were looked at and changed, and how many codes were forgotten at once.

    ``listed``: payments that are in the lists of their storefront from now on.
    """

    seen: int
    changed: int
    forgotten: int
    listed: int


class Upgrade:
    """Two passes over the whole table. Again does no harm, and what broke off is repeated."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, now: datetime) -> Upgraded:
        """Take the TTL from all that something hangs on, and put final codes on the timetable.

        What is over its retention by now is forgotten here: thousands of codes that are due at
        once would hold up those that DOKU is to be asked about.
        """
        seen = changed = forgotten = 0
        for item in self._items():
            seen += 1
            try:
                forgotten += self._upgrade(item, now)
                changed += 1
            except ConditionFailed:
                # Written meanwhile, by a function of this version.
                continue
        return Upgraded(seen, changed, forgotten, self._list_payments())

    def _list_payments(self) -> int:
        """Have payments listed, and found by their receipts. They call for nobody any more."""
        listed = 0
        condition = "begins_with(sk, :payment) AND attribute_not_exists(paid_to)"
        for item in self._store.scan(condition, values={":payment": {"S": table.PAYMENT}}):
            found = self._store.get(table.code_key(table.order_number(item)))
            payment = table.load_payment(item)
            code = table.load_code(found) if found else None
            if code is None or not code.is_its_own(payment.recorded_at):
                # Of an earlier use of its number, whose storefront nobody knows.
                continue
            fuller = replace(payment, code=PaidCode.of(code))
            listing = table.payment_item(code.order_number, fuller)
            try:
                self._store.put(listing, table.has_as_many_tellings(payment))
            except ConditionFailed:
                continue
            for entry in find_all(code, [fuller]):
                self._store.put(table.search_item(entry))
            listed += 1
        return listed

    def _items(self) -> Iterator[Attributes]:
        for item in self._store.scan("attribute_exists(#ttl)", names={"#ttl": "ttl"}):
            pk = item["pk"]["S"]
            settled_event = pk.startswith("EVENT#") and "due_shard" not in item
            if pk.startswith(_STAY) and not settled_event:
                yield item

    def _upgrade(self, item: dict[str, Any], now: datetime) -> bool:
        if item["pk"]["S"].startswith("NOTIFICATION#"):
            kept = table.notification_item(table.load_notification(item), self._store.retention)
            if "ttl" in kept:
                return False
        if not table.is_code(item):
            self._store.update(table.Key.of(item), table.WITHOUT_TTL, table.IS_PRESENT)
            return False
        code = table.load_code(item)
        forget_at = code.forget_at(self._store.retention)
        if forget_at is not None and forget_at <= now and code.forgotten_at is None:
            code = code.forget(now)
            self._store.put(table.code_item(code, self._store.retention), table.follows(code))
            return True
        self._store.put(table.code_item(code, self._store.retention), table.stands(code))
        return False
