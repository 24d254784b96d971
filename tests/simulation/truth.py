"""What really happened at the tills, and whether what is on record can be explained by it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from o2o.core.channels import Channel, Feature
from o2o.core.codes import Doubt, Source
from o2o.core.payments import Payment
from o2o.core.receipts import comparable

UNCERTAIN = {Doubt.MAY_BE_KNOWN, Doubt.MAY_BE_TWO, Doubt.TELLINGS_DISAGREE}
"""The doubts that say: count this by hand."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One body that DOKU sent about payments."""

    digest: str
    """Its SHA-256."""
    source: Source
    payments: tuple["TillPayment", ...]
    """What it truly speaks of: several only if their bytes are equal."""
    receipt: str | None
    """The receipt number in it that identifies something."""
    place: tuple[str | None, str | None]
    """Store and brand in it."""
    is_readable: bool = True


@dataclass(eq=False)
class TillPayment:
    """Cash that a till took: the truth."""

    number: int
    """Counts all payments, from 1."""
    invoice_number: str
    """The order number."""
    payment_code: str
    channel: Channel
    feature: Feature
    is_reusable: bool
    amount: int
    currency: str
    paid_at: datetime
    agent_id: str
    store_id: str
    receipt_number: str | None
    siblings: list["TillPayment"] = field(repr=False)
    """All payments of its order, itself included."""
    is_ours: bool = True
    """Whether we made its order."""
    assigned_to: str | None = None
    """The order whose code an operator gave it to: its payments are siblings then."""
    refunded_at: datetime | None = None
    tellings: list[Telling] = field(default_factory=list, repr=False)
    """What DOKU said of it, in whatever got out."""
    taken: set[int] = field(default_factory=set, repr=False)
    """Places in ``tellings`` of the notifications that we acknowledged."""

    @property
    def was_heard(self) -> bool:
        """Whether we acknowledged a readable notification of it."""
        return any(self.tellings[place].is_readable for place in self.taken)

    @property
    def unknowable(self) -> frozenset[str]:
        """Why nobody can know from DOKU's words that it is a payment of its own; empty: certain.

        ``hidden``: it may have no record at all, because no notification of it was taken, and a
        status check shows one payment of several, or says REFUNDED. For any other reason it has a
        record that may be marked as uncertain, or it completes another payment's that is. DOKU
        lets a single-use code that it knows be paid once, so there nothing is uncertain.
        """
        once = self.feature is not Feature.DIPC and not self.is_reusable
        gone = self.refunded_at is not None
        siblings = [] if once else self.siblings
        return frozenset(
            reason
            for reason, holds in (
                ("hidden", (len(siblings) > 1 or gone) and not self.was_heard),
                ("unnamed", any(each._was_told_without_receipt for each in siblings)),
                ("equal receipts", any(self._looks_like(each) for each in siblings)),
                ("assigned", any(each.assigned_to for each in self.siblings)),
            )
            if holds
        )

    @property
    def _was_told_without_receipt(self) -> bool:
        # A status check shows a payment of a reusable code, and leaves the records alone.
        return any(
            each.receipt is None
            for each in self.tellings
            if each.source is Source.NOTIFICATION
            or (not self.is_reusable and len(self.siblings) > 1)
        )

    def _looks_like(self, other: "TillPayment") -> bool:
        """Whether another payment has its receipt number and its place does not set it apart."""
        if other is self or comparable(self.receipt_number) is None:
            return False
        return comparable(other.receipt_number) == comparable(self.receipt_number) and not (
            self._always_named_place
            and other._always_named_place
            and (self.agent_id, self.store_id) != (other.agent_id, other.store_id)
        )

    @property
    def _always_named_place(self) -> bool:
        return all(None not in each.place for each in self.tellings)


@dataclass(frozen=True, slots=True)
class Order:
    """An order as DOKU holds it."""

    invoice_number: str
    payment_code: str
    channel: Channel
    feature: Feature
    amount: int
    is_reusable: bool
    created_at: datetime
    expires_at: datetime | None
    """None: it lives at the merchant, and DOKU knows of no expiry."""
    payments: int
    is_refunded: bool

    def takes_money(self, now: datetime) -> bool:
        """Whether a till would take money for it. DOKU holds none that live at the merchant."""
        if self.expires_at is None or self.is_refunded:
            return False
        return now < self.expires_at and (self.is_reusable or not self.payments)


def unexplained(
    tills: Sequence[TillPayment],
    records: Sequence[Payment],
    told: Callable[[str], Telling | None],
) -> Iterator[str]:
    """What is wrong with the records of one order, whose payments at the tills these are.

    ``told`` knows every body that DOKU sent, by its SHA-256. Each payment has one record, and
    each record one payment, but for what DOKU's words leave open: that is marked.
    """
    marked = [each for each in records if UNCERTAIN & {*each.doubts}]
    certain = len(records) - len(marked)
    for record in records:
        if any(told(each.evidence.digest) is None for each in record.tellings):
            yield f"record {record.number} rests on words that DOKU never said"
    if certain > len(tills):
        yield f"{certain} records pass for certain, and {len(tills)} payments were made"
    if tills and not any(each.unknowable for each in tills):
        if len(records) != len(tills):
            yield f"{len(tills)} payments that are certain have {len(records)} records"
        elif marked:
            yield f"record {marked[0].number} is marked, and nothing about it is uncertain"
    visible = sum(
        "hidden" not in each.unknowable and not _shares_its_bytes(each, told) for each in tills
    )
    if len(records) < visible and not marked:
        yield f"{visible} payments were told, {len(records)} are on record and none is marked"
    yield from _mixed_up(tills, records, told)


def _shares_its_bytes(payment: TillPayment, told: Callable[[str], Telling | None]) -> bool:
    """Whether a message of it is that of another payment, byte for byte: then it is no news."""
    found = (told(each.digest) for each in payment.tellings)
    return any(len(each.payments) > 1 for each in found if each)


def _mixed_up(
    tills: Sequence[TillPayment],
    records: Sequence[Payment],
    told: Callable[[str], Telling | None],
) -> Iterator[str]:
    """Payments that are certain, and are on record twice or together with another one."""
    for payment in tills:
        own = [each for each in records if payment in _notified(each, told)]
        if len(own) > 1 and not payment.unknowable:
            yield f"payment {payment.number} is on record {len(own)} times"
    for record in records:
        merged = [each for each in _notified(record, told) if not each.unknowable]
        if len(merged) > 1:
            yield f"record {record.number} holds {len(merged)} payments"


def _notified(record: Payment, told: Callable[[str], Telling | None]) -> set[TillPayment]:
    """The payments that the notifications on a record speak of."""
    found = (told(each.evidence.digest) for each in record.tellings)
    return {
        payment
        for telling in found
        if telling is not None and telling.source is Source.NOTIFICATION
        for payment in telling.payments
    }
