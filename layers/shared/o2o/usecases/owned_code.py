"""Tenancy: a storefront's own code, event or book, or not found.

Every use case that takes a storefront's word for a number reads through here; a test finds the one
that forgets it. What belongs to another storefront does not exist. Order numbers are made of the
storefront's own invoice numbers where a request comes in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from o2o.core.errors import NotFound

if TYPE_CHECKING:
    from datetime import date

    from o2o.core.closed_days import ClosedDay
    from o2o.core.codes import PaymentCode
    from o2o.core.deliveries import EventRecord
    from o2o.core.payments import CodeHistory
    from o2o.usecases.ports import BooksStore, CodeStore, EventStore


def owned_code(codes: CodeStore, storefront_id: str, order_number: str) -> PaymentCode:
    """A storefront's code, in one read. Raises NotFound."""
    code = codes.get(order_number)
    if code is None or code.storefront_id != storefront_id:
        raise _no_such_code()
    return code


def owned_history(
    codes: CodeStore, storefront_id: str, order_number: str, *, payments: int
) -> CodeHistory:
    """A storefront's code with its first payments, in one read. Raises NotFound."""
    history = codes.get_history(order_number, payments)
    if history is None or history.code.storefront_id != storefront_id:
        raise _no_such_code()
    return history


def owned_event(events: EventStore, storefront_id: str, event_id: str) -> EventRecord:
    """A storefront's event, in one read. Raises NotFound."""
    record = events.get(event_id)
    if record is None or record.storefront_id != storefront_id:
        raise NotFound("there is no such event")
    return record


def owned_book(books: BooksStore, storefront_id: str, day: date, edition: int | None) -> ClosedDay:
    """A storefront's book of a WIB day, in one read. Raises NotFound."""
    closed = books.get(storefront_id, day.isoformat(), edition)
    if closed is None or closed.storefront_id != storefront_id:
        raise NotFound("that day has no such book")
    return closed


def _no_such_code() -> NotFound:
    return NotFound("there is no such payment code")
