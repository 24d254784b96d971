"""Logs and metrics of DOKU's inquiries."""

from typing import TYPE_CHECKING

from o2o.core.inquiries import InquiryStatus
from o2o.entry.observability import count, logger
from o2o.entry.observe_doku import log_rejected

if TYPE_CHECKING:
    from o2o.usecases.answer_inquiry import Answered


_INQUIRY_METRICS = {
    InquiryStatus.SUCCESS: "InquirySuccess",
    InquiryStatus.NOT_FOUND: "InquiryBillingNotFound",
    InquiryStatus.ALREADY_PAID: "InquiryBillingAlreadyPaid",
    InquiryStatus.WAS_EXPIRED: "InquiryBillingWasExpired",
    InquiryStatus.DECLINE: "InquiryDecline",
    InquiryStatus.INVALID_SIGNATURE: "InquiryInvalidSignature",
}


def count_answered(answered: "Answered") -> None:
    """Count and log the answer to an inquiry."""
    count(_INQUIRY_METRICS[answered.status])
    if answered.untrusted is not None:
        if answered.untrusted.for_us:
            count("InquiryForUsRejected")
        log_rejected(answered.untrusted)
    logger.info("inquiry answered", status=answered.status, invoice_number=answered.order_number)
