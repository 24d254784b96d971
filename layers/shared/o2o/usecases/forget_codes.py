"""Forget codes because who paid asked for it: what is personal goes everywhere, at once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from o2o.core.archive import ArchivedMessage
from o2o.core.codes import CLOCKS_DIFFER, Move, PaymentCode
from o2o.core.errors import NotFound, UnreadableMessage
from o2o.core.events import possible_ids
from o2o.core.notifications import NO_INVOICE_NUMBER
from o2o.core.pages import all_items
from o2o.core.payments import Evidence, Payment
from o2o.core.persons import Person
from o2o.usecases.ports import (
    ArchiveReader,
    ArchiveVersions,
    Clock,
    CodeStore,
    EventStore,
    ForgetPayload,
    NotificationStore,
    OrderSearch,
    TakePersonOut,
)
from o2o.usecases.retry_on_conflict import retry_on_conflict, update

_PAGE = 100


@dataclass(frozen=True, slots=True)
class FoundOrder:
    """An order that is to be forgotten.

    ``code`` is missing if only kept messages name the order. ``is_theirs``: the order is the
    person's own, so that all of it goes; otherwise only DOKU's messages about it name them.
    """

    order_number: str
    code: PaymentCode | None
    person: Person
    is_theirs: bool = True

    @property
    def lives(self) -> bool:
        """Whether it can't be forgotten yet."""
        return self.code is not None and self.code.lives

    def owner_of(self, order_number: str) -> bool:
        """Whether all that a message about an order says of a customer is about the person."""
        return self.is_theirs and order_number != NO_INVOICE_NUMBER


@dataclass(slots=True)
class Forgetting:
    """What was forgotten, and what not."""

    orders: list[str] = field(default_factory=list)
    living: list[PaymentCode] = field(default_factory=list)
    """Codes that live: nothing was taken from them."""
    messages: int = 0
    """Versions of the archive's objects from which something was taken."""
    locked: int = 0
    """Those of them that a lock keeps as they were, beside what is left of them."""
    locked_until: datetime | None = None
    damaged: int = 0
    """Objects of the archive that nobody can read."""


@dataclass(frozen=True, slots=True)
class _Messages:
    """Whose the archive's messages are: by their order, or by the message itself."""

    by_order: dict[str, FoundOrder]
    by_digest: dict[str, FoundOrder]
    anybody: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetCodes:
    """The use case. What is broken off is taken up by running it again (decision 0104).

    The code goes last: as long as it has its customer, all that has to go is found. Money facts
    and the SHA-256 of each message of DOKU's stay.
    """

    codes: CodeStore
    notifications: NotificationStore
    events: EventStore
    archive: ArchiveVersions
    reader: ArchiveReader
    search: OrderSearch
    take_person_out: TakePersonOut
    forget_payload: ForgetPayload
    clock: Clock

    def find(self, order_number: str) -> FoundOrder:
        """An order by its number. Raises NotFound."""
        code = self.codes.get(order_number)
        if code is None and not self.notifications.of_order(order_number):
            raise NotFound("there is no such payment code")
        return FoundOrder(order_number, code, Person.of(code.customer if code else None))

    def find_all(self, email: str) -> list[FoundOrder]:
        """All orders that have anything with an e-mail address in it."""
        found: dict[str, bool] = {}
        for order_number, in_code in self.search.of_email(email):
            found[order_number] = found.get(order_number, False) or in_code
        return [self._found(each, in_code, email) for each, in_code in sorted(found.items())]

    def _found(self, order_number: str, in_code: bool, email: str) -> FoundOrder:  # noqa: FBT001 - as the search says it
        code = self.codes.get(order_number)
        if in_code or code is None or code.customer is None:
            customer = code.customer if code else None
            return FoundOrder(order_number, code, Person.of(customer, email))
        # Somebody else's, whose messages name the address all the same.
        return FoundOrder(order_number, code, Person.of(None, email), is_theirs=False)

    def __call__(
        self, found: Iterable[FoundOrder], *, passed: Callable[[str], object] = lambda _: None
    ) -> Forgetting:
        """Forget orders, unless they live. ``passed`` hears the key of each archived message."""
        done = Forgetting()
        orders = []
        for order in found:
            if order.is_theirs and order.lives and order.code:
                done.living.append(order.code)
            else:
                orders.append(order)
        if orders:
            self._clean_archive(orders, done, passed)
        for order in orders:
            retry_on_conflict(partial(self._forget, order))
            done.orders.append(order.order_number)
        return done

    # --- the table --------------------------------------------------------------------------

    def _forget(self, order: FoundOrder) -> None:
        """All of an order in the table. Raises VersionConflict if more became known meanwhile."""
        code = self.codes.get(order.order_number)

        def left_of(evidence: Evidence) -> Evidence:
            is_theirs = order.owner_of(order.order_number)
            body = self.take_person_out(evidence.body, order.person, is_theirs)
            return evidence.with_body(body)

        for kept in self.notifications.of_order(order.order_number):
            cleaned = replace(kept, evidence=left_of(kept.evidence))
            if cleaned != kept:
                self.notifications.postpone(cleaned, cleaned.due_at)

        def goes(note: str) -> bool:
            return order.is_theirs or order.person.is_in(note)

        payments = list(self._payments(order.order_number))
        left = [each.with_evidence(left_of).without_notes(goes) for each in payments]
        changed = [new for new, each in zip(left, payments, strict=True) if new != each]
        for payment in changed:
            self.codes.save_payment(order.order_number, payment)
        if code is None:
            return
        if order.is_theirs:
            self._forget_events(code, payments)
        # Refused if a payment was recorded since the code was read: its messages are looked at,
        # too, and whoever records one with what was read before has to read again.
        if order.is_theirs and code.forgotten_at is None:
            self.codes.save(code.forget(self.clock()))
        elif changed:
            kept_at = code.evidence_forgotten_at
            left_of_code = code.without_note() if order.is_theirs else code
            self.codes.save(left_of_code.move(Move.FORGET, evidence_forgotten_at=kept_at))

    def _forget_events(self, code: PaymentCode, payments: Sequence[Payment]) -> None:
        for event_id in possible_ids(
            code, [(each.mark, len(each.resolutions)) for each in payments]
        ):
            record = self.events.get(event_id)
            if record is None:
                continue
            update(
                record,
                lambda newest: (
                    newest.without(left, self.clock())
                    if (left := self.forget_payload(newest.payload)) != newest.payload
                    else None
                ),
                read=partial(self.events.get, event_id),
                save=self.events.save,
            )

    def _payments(self, order_number: str) -> Iterator[Payment]:
        return all_items(
            lambda cursor: self.codes.list_payments(order_number, limit=_PAGE, cursor=cursor)
        )

    # --- the archive ------------------------------------------------------------------------

    def _clean_archive(
        self, orders: Sequence[FoundOrder], done: Forgetting, passed: Callable[[str], object]
    ) -> None:
        """Every message since the first of the orders was made, in one pass for all of them."""
        begins: list[datetime] = []
        digests: dict[str, FoundOrder] = {}
        for order in orders:
            payments = list(self._payments(order.order_number))
            kept = self.notifications.of_order(order.order_number)
            begins += [each.recorded_at for each in payments]
            begins += [each.received_at for each in kept]
            begins += [order.code.created_at] if order.code else []
            if order.owner_of(order.order_number):
                # A message may name another order: an operator has assigned it.
                digests |= {digest: order for each in payments for digest in each.digests}
                digests |= {each.identity: order for each in kept}
        emails = frozenset[str]().union(*(order.person.emails for order in orders))
        messages = _Messages(
            {order.order_number: order for order in orders}, digests, Person(emails=emails)
        )
        now = self.clock()
        since, until = min(begins, default=now) - CLOCKS_DIFFER, now + CLOCKS_DIFFER
        for version in self.archive.versions(since, until):
            passed(version.key)
            if version.message is None:
                done.damaged += 1
                continue
            left = self._left(version.message, messages)
            if left is None:
                continue
            done.messages += 1
            locked_until = self.archive.replace(version, left)
            if locked_until is not None:
                done.locked += 1
                done.locked_until = max(done.locked_until or locked_until, locked_until)

    def _left(self, message: ArchivedMessage, messages: _Messages) -> ArchivedMessage | None:
        """What is left of a message, or None: it does not tell of the person."""
        order = messages.by_digest.get(message.body_sha256)
        is_theirs = order is not None
        if order is None and (about := self._order_of(message)) is not None:
            order = messages.by_order.get(about)
            if order is None:
                return None
            is_theirs = order.owner_of(about)
        person = order.person if order else messages.anybody
        body = self.reader.evidence(message).body
        left = self.take_person_out(body, person, is_theirs)
        if left == body:
            return None
        return message.forget(left.encode(), self.clock())

    def _order_of(self, message: ArchivedMessage) -> str | None:
        """The order that a message is about, if it can be read."""
        asked_about = self.reader.order_number(message)
        if asked_about is not None:
            return asked_about
        try:
            said = self.reader.read(message)
        except UnreadableMessage:
            return None
        return said.payment.invoice_number if said.payment else said.unreadable_order
