"""Chains of codes for one order, each replacing the one before."""

from collections.abc import Callable

from o2o.core.codes import PaymentCode
from o2o.usecases.ports import CodeStore

LONGEST = 20
"""A chain may have this many codes: each is read when one of them is paid."""


def read_chain(codes: CodeStore, code: PaymentCode) -> tuple[PaymentCode, ...]:
    """The other codes of a code's chain; none, and no read, for a code that has none."""
    former = _follow(codes, code.replaces, lambda other: other.replaces)
    later = _follow(codes, code.replaced_by, lambda other: other.replaced_by)
    return (*former, *later)


def _follow(
    codes: CodeStore, order_number: str | None, step: Callable[[PaymentCode], str | None]
) -> list[PaymentCode]:
    found: list[PaymentCode] = []
    while order_number is not None and len(found) < LONGEST:
        other = codes.get(order_number)
        if other is None:
            break
        found.append(other)
        order_number = step(other)
    return found
