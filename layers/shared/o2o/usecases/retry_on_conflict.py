"""Optimistic locking: read, decide, write, and once more if another write came first."""

from collections.abc import Callable
from typing import TypeVar

from o2o.core.codes import PaymentCode
from o2o.core.errors import NotFound, VersionConflict
from o2o.usecases.ports import CodeStore

ATTEMPTS = 100
"""Each lost race means that another write made progress. The worst case is many payments of one
reusable code at the same moment; a write that loses this often may fail (decision 0037)."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def retry_on_conflict(attempt: Callable[[], Result]) -> Result:
    """Call ``attempt``, which reads, decides and writes, until no other write overtakes its own.

    Raises VersionConflict after too many lost races, and whatever else ``attempt`` raises.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except VersionConflict:
            continue
    return attempt()


def update(
    known: Item,
    decide: Callable[[Item], Item | None],
    *,
    read: Callable[[], Item | None],
    save: Callable[[Item], None],
) -> Item:
    """The item after ``decide``, which sees the newest state and answers None for no change.

    The first decision is made on what is ``known``, so that a race is all that costs a read.
    Raises VersionConflict after too many lost races, and NotFound if the item is gone.
    """
    newest: Item | None = known

    def attempt() -> Item:
        nonlocal newest
        item, newest = newest or read(), None
        if item is None:
            raise NotFound("it was deleted meanwhile")
        changed = decide(item)
        if changed is None:
            return item
        save(changed)
        return changed

    return retry_on_conflict(attempt)


def update_code(
    codes: CodeStore, code: PaymentCode, decide: Callable[[PaymentCode], PaymentCode | None]
) -> PaymentCode:
    """``update`` for a payment code."""
    return update(code, decide, read=lambda: codes.get(code.order_number), save=codes.save)
