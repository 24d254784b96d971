"""Read payments: a storefront's payments as lists, and those that a search finds."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from o2o.core.channels import Channel
from o2o.core.codes import PaymentKind
from o2o.core.errors import InvalidRequest
from o2o.core.pages import Page
from o2o.core.payments import Payment
from o2o.core.receipts import comparable
from o2o.core.resolutions import ResolutionKind
from o2o.core.wib import day_span
from o2o.usecases.filtered_page import filtered_page
from o2o.usecases.ports import PaymentStore

_YEARS = range(2000, 3000)


class Resolved(StrEnum):
    """What a person has done about a payment, as a filter has it."""

    OPEN = "open"
    """It calls for a person, and none has resolved it."""
    NONE = "none"
    """Nobody did anything about it, whether it calls for a person or not."""
    FULFILLED = ResolutionKind.FULFILLED
    REFUNDED = ResolutionKind.REFUNDED
    KEPT = ResolutionKind.KEPT
    NOT_OURS = ResolutionKind.NOT_OURS


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """Which payments of a storefront; None is any. Days are in WIB, both included.

    ``amount`` is in rupiah, ``payment_code`` the whole digits, ``receipt_number`` however it is
    written.
    """

    paid_from: date | None = None
    paid_to: date | None = None
    recorded_from: datetime | None = None
    recorded_to: datetime | None = None
    channel: Channel | None = None
    kind: PaymentKind | None = None
    certain: bool | None = None
    resolution: Resolved | None = None
    amount: int | None = None
    store_id: str | None = None
    receipt_number: str | None = None
    payment_code: str | None = None

    @property
    def _paid_from(self) -> datetime | None:
        return None if self.paid_from is None else day_span(self.paid_from)[0]

    @property
    def _paid_to(self) -> datetime | None:
        return None if self.paid_to is None else day_span(self.paid_to)[1]

    @property
    def paid(self) -> tuple[datetime | None, datetime | None]:
        """The instants that the days stand for, both included."""
        return self._paid_from, self._paid_to

    @property
    def by_date(self) -> bool:
        """Whether it asks for payments by their own date."""
        return (self.paid_from, self.paid_to) != (None, None)

    def check(self) -> None:
        """Raise InvalidRequest for filters that can't stand together, and days of other ages."""
        for name in ("paid_from", "paid_to"):
            day = getattr(self, name)
            if day is not None and day.year not in _YEARS:
                raise InvalidRequest.of(name, "is out of range")
        if self.receipt_number is not None and self.payment_code is not None:
            raise InvalidRequest.of("payment_code", "can't stand beside receipt_number")

    def __contains__(self, payment: Payment) -> bool:
        report, code = payment.report, payment.code
        return (
            _between(self._paid_from, report.paid_at, self._paid_to)
            and _between(self.recorded_from, payment.recorded_at, self.recorded_to)
            and (self.channel is None or (code is not None and code.channel is self.channel))
            and self.kind in (None, payment.kind)
            and self.certain in (None, not payment.doubts)
            and (self.amount is None or report.amount == Decimal(self.amount))
            and (self.store_id is None or comparable(report.store_id) == comparable(self.store_id))
            and self._is_resolved_so(payment)
        )

    def _is_resolved_so(self, payment: Payment) -> bool:
        if self.resolution is None:
            return True
        if self.resolution is Resolved.OPEN:
            return payment.needs_attention
        resolution = payment.resolution
        return self.resolution == (Resolved.NONE if resolution is None else resolution.kind)


def _between(first: datetime | None, instant: datetime, last: datetime | None) -> bool:
    return (first is None or first <= instant) and (last is None or instant <= last)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPayments:
    """The use case. A storefront sees its own payments only."""

    payments: PaymentStore

    def many(
        self, storefront_id: str, wanted: PaymentFilter, *, limit: int, cursor: str | None
    ) -> Page[Payment]:
        """A page, the newest first; filtered, it may hold fewer payments than the limit.

        By DOKU's date of the payments if the filter asks for days, otherwise as they became
        known; what a search finds is in no order. Raises InvalidRequest.
        """
        wanted.check()

        def read(limit: int, cursor: str | None) -> Page[Payment]:
            return self._read(storefront_id, wanted, limit, cursor)

        def is_wanted(payment: Payment) -> bool:
            # The lists are the storefront's own; an entry proves nothing, the payment does.
            owner = payment.code.storefront_id if payment.code else None
            return owner == storefront_id and payment in wanted

        return filtered_page(read, is_wanted, limit=limit, cursor=cursor)

    def _read(
        self, storefront_id: str, wanted: PaymentFilter, limit: int, cursor: str | None
    ) -> Page[Payment]:
        store = self.payments
        if wanted.receipt_number is not None:
            return store.find_by_receipt(
                storefront_id, wanted.receipt_number, limit=limit, cursor=cursor
            )
        if wanted.payment_code is not None:
            return store.find_by_digits(
                storefront_id, wanted.payment_code, limit=limit, cursor=cursor
            )
        if wanted.resolution is Resolved.OPEN:
            return store.list_attention(
                storefront_id, recorded_to=wanted.recorded_to, limit=limit, cursor=cursor
            )
        if wanted.by_date:
            paid_from, paid_to = wanted.paid
            return store.list_paid(
                storefront_id, paid_from=paid_from, paid_to=paid_to, limit=limit, cursor=cursor
            )
        return store.list_recorded(
            storefront_id,
            recorded_from=wanted.recorded_from,
            recorded_to=wanted.recorded_to,
            limit=limit,
            cursor=cursor,
        )
