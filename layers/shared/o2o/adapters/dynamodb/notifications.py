"""The notification box on DynamoDB."""

from dataclasses import replace
from datetime import datetime

from o2o.adapters.dynamodb import table
from o2o.adapters.dynamodb.store import ConditionFailed, Store
from o2o.usecases.ports import KeptNotification, Page


class DynamoNotificationBox:
    """A notification box in a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, notification: KeptNotification) -> bool:
        """See ``NotificationBox``."""
        return self._put(notification, table.IS_ABSENT)

    def find(self, invoice_number: str, identity: str) -> KeptNotification | None:
        """See ``NotificationBox``."""
        item = self._store.get(table.notification_key(invoice_number, identity))
        return table.read_notification(item) if item else None

    def postpone(self, notification: KeptNotification, due_at: datetime | None) -> None:
        """See ``NotificationBox``. One that was dropped meanwhile stays dropped."""
        self._put(replace(notification, due_at=due_at), table.IS_PRESENT)

    def drop(self, notification: KeptNotification) -> None:
        """See ``NotificationBox``."""
        self._store.delete(
            table.notification_key(notification.invoice_number, notification.identity)
        )

    def list_kept(self, *, limit: int, cursor: str | None) -> Page[KeptNotification]:
        """See ``NotificationBox``."""
        span = table.Span(table.NOTIFICATIONS)
        return self._store.page(span, table.read_notification, limit, cursor)

    def _put(self, notification: KeptNotification, condition: table.Condition) -> bool:
        item = table.notification_item(notification, self._store.retention)
        try:
            self._store.put(item, condition)
        except ConditionFailed:
            return False
        return True
