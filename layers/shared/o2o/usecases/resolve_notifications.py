"""Resolve kept notifications: the operator assigns them to a code or dismisses them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from o2o.core.errors import InvalidRequest, NotFound
from o2o.core.notifications import KeptNotification
from o2o.core.pages import all_items
from o2o.usecases.ports import DokuInbox, NotificationStore
from o2o.usecases.settle import Settle, Settled, SettleOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveNotifications:
    """The use cases of the operator."""

    inbox: DokuInbox
    notifications: NotificationStore
    settle: Settle

    def all(self) -> Iterator[KeptNotification]:
        """Every kept message, the newest first, those that were dismissed included."""
        return all_items(lambda cursor: self.notifications.list_kept(limit=100, cursor=cursor))

    def find(self, identity: str) -> KeptNotification:
        """The kept message whose identity begins like this. Raises NotFound, InvalidRequest."""
        found = [kept for kept in self.all() if kept.identity.startswith(identity)]
        if not found:
            raise NotFound("there is no such notification")
        if len(found) > 1:
            raise InvalidRequest.of("identity", f"{len(found)} notifications begin like this")
        return found[0]

    def assign(self, identity: str, invoice_number: str) -> Settled:
        """Settle a message as a payment of this code.

        Raises NotFound if there is no such message or code, and InvalidRequest, or
        UnreadableMessage, if it reports no payment.
        """
        kept = self.find(identity)
        report = self.inbox.read_notification(kept.evidence).payment
        if report is None:
            raise InvalidRequest.of("identity", "this notification reports no payment")
        settled = self.settle(report.assign(invoice_number))
        if settled.outcome is SettleOutcome.NO_CODE:
            raise NotFound("there is no such payment code")
        self.notifications.drop(kept)
        return settled

    def dismiss(self, identity: str, reason: str) -> KeptNotification:
        """Take a message off the list; it is kept, with the reason. Raises NotFound."""
        if not reason.strip():
            raise InvalidRequest.of("reason", "must not be blank")
        now = self.settle.clock()
        kept = replace(self.find(identity), dismissed=reason.strip(), dismissed_at=now, due_at=None)
        self.notifications.postpone(kept, None)
        return kept
