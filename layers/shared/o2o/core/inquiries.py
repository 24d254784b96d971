"""Direct inquiry: our answer about a code that lives here (DOKU protocol, section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from o2o.core.channels import Channel, Feature
from o2o.core.codes import PaymentCode, Status


class InquiryStatus(StrEnum):
    """``online_to_offline_inquiry.status``."""

    SUCCESS = "success"
    NOT_FOUND = "billing_not_found"
    ALREADY_PAID = "billing_already_paid"
    WAS_EXPIRED = "billing_was_expired"
    DECLINE = "decline"
    INVALID_SIGNATURE = "invalid_signature"

    @property
    def http_status(self) -> int:
        """The HTTP status code that goes with it."""
        return _HTTP_STATUS[self]


_HTTP_STATUS = {
    InquiryStatus.SUCCESS: 200,
    InquiryStatus.NOT_FOUND: 404,
    InquiryStatus.ALREADY_PAID: 400,
    InquiryStatus.WAS_EXPIRED: 400,
    InquiryStatus.DECLINE: 400,
    InquiryStatus.INVALID_SIGNATURE: 401,
}


@dataclass(frozen=True, slots=True)
class Inquiry:
    """DOKU's question about digits; ``channel`` is None if it is none of ours."""

    channel: Channel | None
    payment_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedResponse:
    """Our answer, as it goes over the wire; without headers it is not signed."""

    http_status: int
    headers: Mapping[str, str] = field(repr=False)
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class InquiryAnswer:
    """The answer. ``code`` is there if the cashier may take its money."""

    status: InquiryStatus
    payment_code: str | None = None
    code: PaymentCode | None = None


def judge(code: PaymentCode | None, payment_code: str, now: datetime) -> InquiryStatus:
    """The answer about the code that has the digits now, or had them last.

    A claim on digits names an invoice number, and may outlive the code that it was made for: the
    digits that were asked for must be the code's own.
    """
    if code is None or code.has_other_digits(payment_code):
        return InquiryStatus.NOT_FOUND
    if code.feature is not Feature.DIPC:
        return InquiryStatus.DECLINE
    if code.status is Status.ACTIVE and now < code.expires_at:
        return InquiryStatus.SUCCESS
    return _ENDED.get(code.status, InquiryStatus.DECLINE)


_ENDED = {
    Status.ACTIVE: InquiryStatus.WAS_EXPIRED,
    Status.EXPIRED: InquiryStatus.WAS_EXPIRED,
    Status.PAID: InquiryStatus.ALREADY_PAID,
}
