"""Resolutions: what a person must look at of a payment, and what was done about it.

A payment that did not simply pay its code, once and for certain, calls for attention until a person
resolves it. A resolution is added and never changed: a later one stands beside it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from o2o.core.errors import InvalidRequest

LONGEST_REFERENCE = 64
LONGEST_NOTE = 500


class Attention(StrEnum):
    """Why a person must look at a payment."""

    PAID_LATE = "paid_late"
    PAID_AGAIN = "paid_again"
    AMOUNT_MISMATCH = "amount_mismatch"
    DIGITS_MISMATCH = "digits_mismatch"
    UNCERTAIN = "uncertain"
    """It has doubts."""


class ResolutionKind(StrEnum):
    """What a person did about a payment."""

    FULFILLED = "fulfilled"
    """The customer got what was paid for."""
    REFUNDED = "refunded"
    """The customer got the money back, by a way of the merchant's own."""
    KEPT = "kept"
    """The merchant keeps the money, as a credit or for good."""
    NOT_OURS = "not_ours"
    """There is no such money, or it is another's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What was done about a payment, by whom and when. ``answers`` is what called for it then.

    ``reference`` is the merchant's own, such as the number of a bank transfer.
    """

    kind: ResolutionKind
    by: str
    at: datetime
    answers: tuple[Attention, ...] = ()
    reference: str | None = None
    note: str | None = field(default=None, repr=False)

    def says_the_same(self, other: "Resolution") -> bool:
        """Whether another one adds nothing to it, whoever said it and when."""
        return (self.kind, self.reference, self.note) == (
            other.kind,
            other.reference,
            other.note,
        ) and {*other.answers} <= {*self.answers}

    def without_note(self) -> "Resolution":
        """What is left of it when its customer is forgotten: people write anything into a note."""
        return replace(self, note=None)

    def check(self) -> None:
        """Raise InvalidRequest for texts that are blank or too long."""
        for name, longest in (("reference", LONGEST_REFERENCE), ("note", LONGEST_NOTE)):
            text = getattr(self, name)
            if text is not None and not 0 < len(text.strip()) <= len(text) <= longest:
                raise InvalidRequest.of(name, f"must have 1 to {longest} characters, not all blank")
