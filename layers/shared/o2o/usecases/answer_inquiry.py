"""Answer DOKU's inquiry about a code that lives here, while a cashier waits."""

from dataclasses import dataclass, replace

from o2o.core.errors import UnreadableMessage, UntrustedMessage, VersionConflict
from o2o.core.inquiries import Inquiry, InquiryAnswer, InquiryStatus, SignedResponse, judge
from o2o.core.notifications import DokuMessage
from o2o.core.timetable import Timetable
from o2o.usecases.ports import Clock, CodeStore, DokuInbox
from o2o.usecases.retry_on_conflict import retry_on_conflict


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to DOKU, and its bytes."""

    status: InquiryStatus
    response: SignedResponse
    order_number: str | None = None
    untrusted: UntrustedMessage | None = None
    """Why DOKU is not believed to have asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerInquiry:
    """The use case: at most two reads and one write, and no call to DOKU.

    That the code can be paid is written down before DOKU gets the answer, so that cancelling
    afterwards knows that a till may still take the money (decision 0022), and so that a payment
    whose notification is lost is looked for soon (decision 0047).
    """

    inbox: DokuInbox
    codes: CodeStore
    clock: Clock
    timetable: Timetable

    def __call__(self, message: DokuMessage) -> Answered:
        """The answer, for whatever came."""
        try:
            inquiry = self.inbox.read_inquiry(self.inbox.verify(message))
        except UntrustedMessage as error:
            answer = InquiryAnswer(InquiryStatus.INVALID_SIGNATURE)
            return replace(self._sign(message, answer), untrusted=error)
        except UnreadableMessage:
            answer = InquiryAnswer(InquiryStatus.DECLINE)
        else:
            answer = self._answer(inquiry)
        return self._sign(message, answer)

    def decline(self, message: DokuMessage) -> Answered:
        """The answer when we have failed: the customer may try again."""
        return self._sign(message, InquiryAnswer(InquiryStatus.DECLINE))

    def _sign(self, message: DokuMessage, answer: InquiryAnswer) -> Answered:
        return Answered(
            answer.status,
            self.inbox.sign_response(message, answer),
            answer.code.order_number if answer.code else None,
        )

    def _answer(self, inquiry: Inquiry) -> InquiryAnswer:
        channel, digits = inquiry.channel, inquiry.payment_code
        if channel is None:
            return InquiryAnswer(InquiryStatus.NOT_FOUND, digits)

        def attempt() -> InquiryAnswer:
            now = self.clock()
            code = self.codes.find_by_digits(channel, digits)
            status = judge(code, digits, now)
            if code is None or status is not InquiryStatus.SUCCESS:
                return InquiryAnswer(status, digits)
            self.codes.save(code.inquire(now, timetable=self.timetable))
            return InquiryAnswer(status, digits, code)

        try:
            return retry_on_conflict(attempt)
        except VersionConflict:
            return InquiryAnswer(InquiryStatus.DECLINE, digits)
