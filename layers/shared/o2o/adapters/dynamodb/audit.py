"""The audit on DynamoDB: entries are added, and that is all."""

from collections.abc import Iterator
from datetime import datetime

from o2o.adapters.dynamodb import listing, table
from o2o.adapters.dynamodb.store import Store
from o2o.core.audit import AuditEntry
from o2o.core.pages import all_items

_PAGE = 100


class DynamoAudit:
    """The audit of a stack, in its table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, entry: AuditEntry) -> None:
        """Keep an entry for good. Raises ConditionFailed if it is there."""
        self._store.put(table.audit_item(entry), table.IS_ABSENT)

    def entries(self, since: datetime) -> Iterator[AuditEntry]:
        """The entries since then, newest first."""
        span = listing.Span(table.AUDIT_LISTING, created_from=since)
        return all_items(lambda cursor: self._store.page(span, table.load_audit, _PAGE, cursor))
