"""Answer DOKU's inquiry about a code that lives here, while a cashier waits."""

from collections.abc import Mapping
from dataclasses import dataclass

from o2o.core.errors import UnreadableMessage, UntrustedMessage, VersionConflict
from o2o.core.inquiries import InquiryAnswer, InquiryStatus, judge
from o2o.usecases.ports import Clock, DokuInbox, Inquiry, Ledger, Sealed

ATTEMPTS = 5
"""A code that changes more often than this under an inquiry is declined."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What DOKU was told, and as which bytes."""

    status: InquiryStatus
    sealed: Sealed
    invoice_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerInquiry:
    """The use case: at most two reads and one write, and no call to DOKU.

    What DOKU is told may be paid is written down first, so that cancelling afterwards
    knows that a till may still take the money.
    """

    inbox: DokuInbox
    ledger: Ledger
    clock: Clock

    def __call__(self, headers: Mapping[str, str], body: bytes) -> Answered:
        """The signed answer, for whatever came."""
        try:
            inquiry = self.inbox.read_inquiry(self.inbox.verify(headers, body))
        except UntrustedMessage:
            answer = InquiryAnswer(InquiryStatus.INVALID_SIGNATURE)
        except UnreadableMessage:
            answer = InquiryAnswer(InquiryStatus.DECLINE)
        else:
            answer = self._answer(inquiry)
        return self._seal(headers, answer)

    def decline(self, headers: Mapping[str, str]) -> Answered:
        """The answer when we have failed: the customer may try again."""
        return self._seal(headers, InquiryAnswer(InquiryStatus.DECLINE))

    def _seal(self, headers: Mapping[str, str], answer: InquiryAnswer) -> Answered:
        return Answered(
            answer.status,
            self.inbox.seal(headers, answer),
            answer.code.invoice_number if answer.code else None,
        )

    def _answer(self, inquiry: Inquiry) -> InquiryAnswer:
        digits = inquiry.payment_code
        if inquiry.channel is None:
            return InquiryAnswer(InquiryStatus.NOT_FOUND, digits)
        for _ in range(ATTEMPTS):
            now = self.clock()
            code = self.ledger.find_by_digits(inquiry.channel, digits)
            status = judge(code, now)
            if code is None or status is not InquiryStatus.SUCCESS:
                return InquiryAnswer(status, digits)
            try:
                self.ledger.save(code.inquire(now))
            except VersionConflict:
                continue
            return InquiryAnswer(status, digits, code)
        return InquiryAnswer(InquiryStatus.DECLINE, digits)
