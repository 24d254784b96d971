"""Generate a payment code: intent first, then DOKU, then the answer."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from o2o.core import next_step
from o2o.core.bins import Bin, BinTable, make_unique_part
from o2o.core.channels import Channel, ChannelSettings, Feature
from o2o.core.code_requests import CodeRequest
from o2o.core.codes import Failure, Intent, PaymentCode, Status
from o2o.core.errors import (
    DigitsTaken,
    DokuError,
    DokuRefused,
    InvalidRequest,
    InvoiceNumberTaken,
    NotFound,
    VersionConflict,
)
from o2o.core.report_columns import ReportColumns
from o2o.core.storefronts import to_order_number
from o2o.core.timetable import Timetable
from o2o.usecases.chain import LONGEST as LONGEST_CHAIN
from o2o.usecases.chain import read_chain
from o2o.usecases.owned_code import owned_code
from o2o.usecases.ports import Clock, CodeStore, Doku, Entropy, TimeLeft
from o2o.usecases.retry_on_conflict import retry_on_conflict, update_code
from o2o.usecases.take_digits import take_digits


class Generation(StrEnum):
    """What came of a request."""

    CREATED = "created"
    REPEATED = "repeated"
    PENDING = "pending"
    """DOKU's answer is missing: the timetable will finish the work."""


@dataclass(frozen=True, slots=True)
class Generated:
    """The code, how it came about, and why DOKU's answer is missing if it is."""

    generation: Generation
    code: PaymentCode
    doku_error: DokuError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateCode:
    """The use case. Channels, BINs, timetable and report columns are settings of the stack.

    ``page_token`` makes what opens the customer's page of an order number.
    """

    codes: CodeStore
    doku: Doku
    clock: Clock
    entropy: Entropy
    channels: dict[Channel, ChannelSettings]
    bins: BinTable
    timetable: Timetable
    report_columns: ReportColumns
    page_token: Callable[[str], str]

    def __call__(
        self, storefront_id: str, request: CodeRequest, *, time_left: TimeLeft
    ) -> Generated:
        """Generate the code, or find the one that this very request generated before.

        Raises InvalidRequest, InvoiceNumberTaken, DigitsTaken, IllegalMove if the code to
        replace was paid, and DokuRefused if DOKU said no for good.
        """
        try:
            code, existing = self._create(storefront_id, request)
        except InvalidRequest:
            # Whoever repeats a request gets its code, whatever clock and configuration say now.
            existing = self._find_repeated(storefront_id, request)
            if existing is None:
                raise
            return self._repeat(existing)
        if existing is not None:
            asked = (storefront_id, request.fingerprint)
            if (existing.storefront_id, existing.fingerprint) != asked:
                raise InvoiceNumberTaken(
                    "this invoice number is already used by a different request"
                )
            return self._repeat(existing)
        if code.intent is None:
            return Generated(Generation.CREATED, code)
        try:
            answer = self.doku.generate(code, time_left)
        except DokuError as error:
            return self._unanswered(code, error)
        code = take_digits(self.codes, code, answer, now=self.clock(), timetable=self.timetable)
        return Generated(Generation.CREATED, code)

    def retry_after_seconds(self, code: PaymentCode) -> int:
        """When it is worth asking again about a code whose answer is missing."""
        now = self.clock()
        if code.due_at is None:
            return 1
        soon = self.timetable.after_request(code.created_at, code.expires_at, now)
        return max(1, math.ceil((min(soon, code.due_at) - now).total_seconds()))

    def _repeat(self, existing: PaymentCode) -> Generated:
        """The answer to a request that was made before: the same code, or the same refusal."""
        code = update_code(
            self.codes,
            existing,
            lambda newest: next_step.after_asking_again(
                newest, now=self.clock(), timetable=self.timetable
            ),
        )
        if code.status is Status.REQUESTED:
            return Generated(Generation.PENDING, code)
        if code.failure is not None and code.status is Status.FAILED:
            raise DokuRefused(
                code.failure.message or "DOKU has no such code", code=code.failure.doku_code
            )
        return Generated(Generation.REPEATED, code)

    def _unanswered(self, sent: PaymentCode, error: DokuError) -> Generated:
        """DOKU made no code. Only its refusal of the only send ends ours (decision 0040)."""
        now, code = self.clock(), sent
        if isinstance(error, DokuRefused):
            failure = Failure("refused", str(error), error.code)
            code = update_code(
                self.codes,
                sent,
                lambda newest: next_step.after_first_refusal(newest, sent, failure, now=now),
            )
            if code.status is Status.FAILED:
                raise error
        code = update_code(
            self.codes,
            code,
            lambda newest: next_step.after_silence(
                newest, now=now, timetable=self.timetable, obstacle=error.obstacle
            ),
        )
        is_pending = code.status is Status.REQUESTED
        return Generated(Generation.PENDING if is_pending else Generation.CREATED, code, error)

    def _find_repeated(self, storefront_id: str, request: CodeRequest) -> PaymentCode | None:
        """The code that this very request generated before."""
        order_number = to_order_number(request.namespace, request.invoice_number)
        try:
            existing = owned_code(self.codes, storefront_id, order_number)
        except NotFound:
            return None
        return existing if existing.fingerprint == request.fingerprint else None

    # --- The intent, all of it in one transaction ---

    def _create(
        self, storefront_id: str, request: CodeRequest
    ) -> tuple[PaymentCode, PaymentCode | None]:
        """The intended code, and the one that has its invoice number already."""
        former_holder: str | None = None
        code = self._intend(storefront_id, request)

        def attempt() -> PaymentCode | None:
            nonlocal code, former_holder
            try:
                return self.codes.create(
                    code, former_holder=former_holder, replaced=self._replaced(code)
                )
            except DigitsTaken as taken:
                if self._are_free(taken.holder, code):
                    former_holder = taken.holder
                elif request.unique_part is None:
                    former_holder = None
                    code = self._intend(storefront_id, request)
                else:
                    raise
                raise VersionConflict("the digits had a holder") from taken

        existing = retry_on_conflict(attempt)
        return code, existing

    def _are_free(self, holder: str, code: PaymentCode) -> bool:
        """Whether digits may pass from their holder to a code. Once let go, they stay so."""
        other = self.codes.get(holder)
        if other is None:
            return True  # Of version 0.1, which deleted codes.
        if other.storefront_id != code.storefront_id:
            return False  # Until the operator lets them go (decision 0043).
        gives_way = code.replaces == holder and other.feature is Feature.DIPC
        return gives_way or not other.holds_digits(code.created_at)

    def _replaced(self, code: PaymentCode) -> PaymentCode | None:
        """The code that a new one supersedes, if the new one is to be written at all."""
        if code.replaces is None:
            return None
        try:
            former = owned_code(self.codes, code.storefront_id, code.replaces)
        except NotFound as error:
            raise InvalidRequest.of("replaces", str(error)) from error
        if former.replaced_by == code.order_number:
            # This request has been here before: the invoice number decides.
            return None
        if former.replaced_by is not None:
            raise InvalidRequest.of("replaces", "was already replaced by another payment code")
        if len(read_chain(self.codes, former)) + 1 >= LONGEST_CHAIN:
            raise InvalidRequest.of("replaces", "was replaced too often")
        return former.supersede(code.order_number, now=code.created_at, timetable=self.timetable)

    def _intend(self, storefront_id: str, request: CodeRequest) -> PaymentCode:
        now = self.clock()
        settings = request.check(self.channels.get(request.channel))
        minutes = request.expiry.minutes(now, settings.max_expiry_minutes)
        namespace = request.namespace
        chosen = self.bins.choose(
            request.channel, request.feature, storefront_id, namespace, request.bin
        )
        expires_at = now + timedelta(minutes=minutes)
        code = PaymentCode(
            invoice_number=request.invoice_number,
            namespace=namespace,
            storefront_id=storefront_id,
            channel=request.channel,
            feature=request.feature,
            bin=chosen.digits,
            amount=request.amount,
            reusable=request.reusable,
            customer=request.customer,
            created_at=now,
            expires_at=expires_at,
            fingerprint=request.fingerprint,
            info=request.info,
            receipt=request.receipt,
            metadata=request.metadata,
            replaces=request.replaces
            and to_order_number(namespace, request.replaces, field_name="replaces"),
            due_at=self.timetable.when_new(now, expires_at),
        )
        if request.public_url is not None:
            token = self.page_token(code.order_number)
            code = replace(code, pay_url=f"{request.public_url}/pay/{token}")
        if code.merchant_made:
            code = code.with_digits(self._digits(chosen, request))
        if code.feature is Feature.DIPC:
            return code.activate_here()
        body = self.doku.compose(code, minutes, self.report_columns.of(code, chosen))
        return code.with_intent(Intent(self.entropy.request_id(), body))

    def _digits(self, chosen: Bin, request: CodeRequest) -> str:
        unique_part = request.unique_part
        if unique_part is None:
            unique_part = make_unique_part(chosen.generated_digits, self.entropy.randbelow)
        try:
            return chosen.compose(unique_part)
        except ValueError as error:
            raise InvalidRequest.of("unique_part", str(error)) from error
