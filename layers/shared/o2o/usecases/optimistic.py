"""Optimistic locking: decide, write, and decide again when somebody else wrote first."""

from collections.abc import Callable

from o2o.core.codes import PaymentCode
from o2o.core.errors import VersionConflict
from o2o.usecases.ports import Ledger

ATTEMPTS = 10
"""A code has few writers at a time: whoever loses this often is in a storm and may fail."""


def update(
    ledger: Ledger, code: PaymentCode, decide: Callable[[PaymentCode], PaymentCode | None]
) -> PaymentCode:
    """The code after ``decide``, which sees the newest state and answers None for no change.

    Raises VersionConflict after too many lost races, and what ``decide`` raises.
    """
    for _ in range(ATTEMPTS):
        changed = decide(code)
        if changed is None:
            return code
        try:
            ledger.save(changed)
        except VersionConflict:
            newest = ledger.get(code.invoice_number)
            if newest is None:
                raise
            code = newest
        else:
            return changed
    raise VersionConflict(f"gave up after {ATTEMPTS} lost races")
