"""What DOKU says of an order, and its messages that could not be settled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from o2o.core.payments import Evidence, PaymentReport
from o2o.core.timetable import Retention, Timetable

NO_INVOICE_NUMBER = "-"
"""Stands for the invoice number of a message in which none could be read."""

MATCH_FOR = timedelta(days=7)
"""How long a notification without a code is tried against later codes by itself. The operator
knows of it by then, and can assign it at any age."""


@dataclass(frozen=True, slots=True)
class DokuMessage:
    """What came as a message of DOKU's: nothing is known of it before its signature was checked.

    ``path`` is that of the URL which was called, as the caller wrote it: DOKU signs it. In a
    message that answers us it is the one that we called.
    """

    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class OrderState(StrEnum):
    """``transaction.status`` of a status check or a notification (DOKU protocol, section 7)."""

    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"
    REFUNDED = "REFUNDED"
    UNKNOWN = "UNKNOWN"
    """DOKU knows no such order."""
    OTHER = "OTHER"
    """DOKU names a status that the protocol does not: it knows the order, no more is certain."""


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """DOKU's answer to a status check.

    With SUCCESS and REFUNDED comes the ``payment``, or what can't be read as one: ``unreadable``,
    and the signed ``message`` as it came.
    """

    state: OrderState
    payment: PaymentReport | None = None
    unreadable: Evidence | None = None
    message: DokuMessage | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """A signed message of DOKU's about an order.

    One whose payment can't be read comes without it, and names the order alone.
    """

    state: OrderState
    payment: PaymentReport | None
    unreadable_order: str | None = None
    """The order number of a payment that can't be read."""


class KeptFor(StrEnum):
    """Why a signed message of DOKU's was kept instead of settled."""

    UNMATCHED = "unmatched"
    """It names an order that no code here has."""
    UNREADABLE = "unreadable"
    """A field that is needed is missing or makes no sense."""
    NOT_SUCCESS = "not_success"
    """It reports no payment."""
    REFUNDED = "refunded"
    """It says that a payment went back to the customer."""
    OLDER_ORDER = "older_order"
    """A status check of a payment that is older than the code by more than a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptNotification:
    """A signed message that could not be settled. It is evidence, so it is kept.

    ``identity`` is the SHA-256 of the body, so that a repeated message is kept once.
    ``dismissed`` is why the operator wants to see it no more; it stays as evidence.
    """

    invoice_number: str
    identity: str
    reason: KeptFor
    evidence: Evidence
    received_at: datetime
    due_at: datetime | None = None
    dismissed: str | None = None
    dismissed_at: datetime | None = None

    @classmethod
    def of(
        cls,
        evidence: Evidence,
        reason: KeptFor,
        report: PaymentReport | None,
        *,
        now: datetime,
        timetable: Timetable,
        invoice_number: str = NO_INVOICE_NUMBER,
    ) -> Self:
        """A message to keep; one without a code is due again, the code may still come.

        ``invoice_number`` is whose answer it is, where the message itself does not say.
        """
        return cls(
            invoice_number=report.invoice_number if report else invoice_number,
            identity=evidence.digest,
            reason=reason,
            evidence=evidence,
            received_at=now,
            due_at=timetable.while_unreachable(now, now) if reason is KeptFor.UNMATCHED else None,
        )

    def forget_at(self, retention: Retention) -> datetime | None:
        """When it may go: evidence only, once no person need look at it any more; else None."""
        if self.dismissed is None and self.reason is not KeptFor.NOT_SUCCESS:
            return None
        return (self.dismissed_at or self.received_at) + retention.evidence

    def next_look(self, now: datetime, timetable: Timetable) -> datetime | None:
        """When it is tried against later codes again, or None: never by itself."""
        look = timetable.while_unreachable(self.received_at, now)
        return look if look <= self.received_at + MATCH_FOR else None
