"""Search: what leads from digits and receipt numbers to codes and their payments.

Entries are made of a code's change, off the way of who waits for an answer, so that one may be
missing for seconds. They lead, and prove nothing: what they lead to is read and compared.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from o2o.core.codes import PaymentCode
from o2o.core.events import Change
from o2o.core.receipts import comparable

if TYPE_CHECKING:
    from o2o.core.payments import Payment


class SearchBy(StrEnum):
    """What a person has in hand."""

    DIGITS = "digits"
    """A payment code, BIN included."""
    RECEIPT = "receipt"
    """A receipt number, in comparable form."""


@dataclass(frozen=True, slots=True, order=True)
class SearchEntry:
    """One way to a code, or to a payment of it. ``value`` is what is searched for."""

    storefront_id: str
    by: SearchBy
    value: str
    order_number: str
    payment_id: str = ""


@dataclass(frozen=True, slots=True)
class SearchChanges:
    """The entries that a change of a code brings, and those that must go with it."""

    added: frozenset[SearchEntry] = frozenset()
    removed: frozenset[SearchEntry] = frozenset()


def find_changes(change: Change) -> SearchChanges:
    """What a write of a code does to the search. The same write always does the same."""
    before = _entries(change.before) if change.before else frozenset()
    after = _entries(change.after)
    digits = {each for each in before - after if each.by is SearchBy.DIGITS}
    return SearchChanges(after - before, frozenset(digits))


def find_completed(former: "Payment | None", payment: "Payment") -> SearchEntry | None:
    """What leads to a known payment by the receipt number that it has only now."""
    if former is None or payment.code is None:
        return None
    receipt_number = payment.report.receipt_number
    if comparable(former.report.receipt_number) == comparable(receipt_number):
        return None
    code = payment.code
    return _by_receipt(code.storefront_id, code.order_number, payment.payment_id, receipt_number)


def find_all(code: PaymentCode, payments: "Iterable[Payment]") -> Iterator[SearchEntry]:
    """All that leads to a code and its payments."""
    yield from _entries(code)
    for payment in payments:
        entry = _by_receipt(
            code.storefront_id,
            code.order_number,
            payment.payment_id,
            payment.report.receipt_number,
        )
        if entry:
            yield entry


def _entries(code: PaymentCode) -> frozenset[SearchEntry]:
    found = set()
    if code.payment_code is not None:
        found.add(
            SearchEntry(code.storefront_id, SearchBy.DIGITS, code.payment_code, code.order_number)
        )
    last = code.last_payment
    if last is not None:
        payment_id = str(last.number) if last.number else last.identity
        entry = _by_receipt(code.storefront_id, code.order_number, payment_id, last.receipt_number)
        found |= {entry} if entry else set()
    return frozenset(found)


def _by_receipt(
    storefront_id: str, order_number: str, payment_id: str, receipt_number: str | None
) -> SearchEntry | None:
    value = comparable(receipt_number)
    if value is None:
        return None
    return SearchEntry(storefront_id, SearchBy.RECEIPT, value, order_number, payment_id)
