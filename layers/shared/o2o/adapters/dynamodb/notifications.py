"""Kept notifications on DynamoDB."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from o2o.adapters.dynamodb import listing, table
from o2o.adapters.dynamodb.store import ConditionFailed, Store
from o2o.core.notifications import KeptNotification
from o2o.core.pages import Page
from o2o.usecases.ports import NotificationStore

_MOST = 100_000
"""More than any order has."""


class DynamoNotificationStore(NotificationStore):
    """``NotificationStore`` in a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, notification: KeptNotification) -> bool:
        return self._put(notification, table.IS_ABSENT)

    def find(self, invoice_number: str, identity: str) -> KeptNotification | None:
        item = self._store.get(table.notification_key(invoice_number, identity))
        return table.load_notification(item) if item else None

    def postpone(self, notification: KeptNotification, due_at: datetime | None) -> None:
        self._put(replace(notification, due_at=due_at), table.IS_PRESENT)

    def drop(self, notification: KeptNotification) -> None:
        self._store.delete(
            table.notification_key(notification.invoice_number, notification.identity)
        )

    def of_order(self, invoice_number: str) -> Sequence[KeptNotification]:
        query = listing.notifications_query(invoice_number)
        return [table.load_notification(item) for item in self._store.query(_MOST, **query)]

    def list_kept(self, *, limit: int, cursor: str | None) -> Page[KeptNotification]:
        span = listing.Span(table.NOTIFICATIONS_LISTING)
        return self._store.page(span, table.load_notification, limit, cursor)

    def _put(self, notification: KeptNotification, condition: table.Condition) -> bool:
        item = table.notification_item(notification, self._store.retention)
        try:
            self._store.put(item, condition)
        except ConditionFailed:
            return False
        return True
