"""Notifications that matched no code: a person looks, assigns or dismisses them."""

from dataclasses import dataclass, replace

from o2o.core.errors import InvalidRequest, NotFound
from o2o.core.payments import Payment
from o2o.usecases.ports import Clock, DokuInbox, KeptNotification, NotificationBox
from o2o.usecases.settle import Outcome, Settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """The use cases of whoever runs the stack."""

    inbox: DokuInbox
    box: NotificationBox
    settle: Settle
    clock: Clock

    def find(self, identity: str) -> KeptNotification:
        """The kept message whose identity begins like this. Raises NotFound, InvalidRequest."""
        found: list[KeptNotification] = []
        cursor: str | None = None
        while True:
            page = self.box.list_kept(limit=100, cursor=cursor)
            found += [kept for kept in page.items if kept.identity.startswith(identity)]
            cursor = page.next_cursor
            if cursor is None:
                break
        if not found:
            raise NotFound("there is no such notification")
        if len(found) > 1:
            raise InvalidRequest.of("identity", f"{len(found)} notifications begin like this")
        return found[0]

    def assign(self, identity: str, invoice_number: str) -> Payment | None:
        """Settle a message as a payment of this code; None if the code knew of it.

        Raises NotFound if there is no such message or code, and InvalidRequest, or
        UnreadableMessage, if it tells of no payment.
        """
        kept = self.find(identity)
        report = self.inbox.read_notification(kept.evidence).payment
        if report is None:
            raise InvalidRequest.of("identity", "this notification tells of no payment")
        settled = self.settle(replace(report, invoice_number=invoice_number))
        if settled.outcome is Outcome.NO_CODE:
            raise NotFound("there is no such payment code")
        self.box.drop(kept)
        return settled.payment

    def dismiss(self, identity: str, reason: str) -> KeptNotification:
        """Look at a message no more; it is kept, with the reason. Raises NotFound."""
        if not reason.strip():
            raise InvalidRequest.of("reason", "must not be blank")
        kept = replace(self.find(identity), dismissed=reason.strip(), due_at=None)
        self.box.postpone(kept, None)
        return kept
