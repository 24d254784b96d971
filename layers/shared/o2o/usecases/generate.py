"""Generate a payment code: intent first, then DOKU, then the answer."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from o2o.core.bins import Bin, BinTable, Feature, make_unique_part
from o2o.core.channels import Channel, ChannelRules
from o2o.core.codes import (
    NO_RECEIPT,
    Customer,
    DokuCode,
    Failure,
    Intent,
    PaymentCode,
    Receipt,
    Status,
)
from o2o.core.errors import (
    DigitsTaken,
    DokuError,
    DokuRefused,
    InvalidRequest,
    InvoiceNumberTaken,
    VersionConflict,
)
from o2o.core.timetable import Timetable
from o2o.core.wib import end_of_day
from o2o.usecases.chain import LONGEST as LONGEST_CHAIN
from o2o.usecases.chain import read_chain
from o2o.usecases.optimistic import update
from o2o.usecases.ports import Clock, Doku, Entropy, Ledger, TimeLeft

DEFAULT_EXPIRY_MINUTES = 60
"""DOKU's own default (DOKU protocol, section 3)."""

ATTEMPTS = 10
"""How often an intent is written anew because of a code in its way."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """How long the code shall live: minutes from now, an instant, or to the end of a day in WIB."""

    in_minutes: int | None = None
    at: datetime | None = None
    on: date | None = None

    def minutes(self, now: datetime, longest: int) -> int:
        """Whole minutes of life from ``now``, never beyond what was asked for.

        Raises InvalidRequest if there are none, or more than ``longest``.
        """
        if self.at is not None:
            name, minutes = "expires_at", (self.at - now) // timedelta(minutes=1)
        elif self.on is not None:
            name, minutes = "expires_on", (end_of_day(self.on) - now) // timedelta(minutes=1)
        else:
            name = "expires_in_minutes"
            minutes = DEFAULT_EXPIRY_MINUTES if self.in_minutes is None else self.in_minutes
        if minutes < 1:
            raise InvalidRequest.of(name, "must be at least one minute ahead")
        if minutes > longest:
            raise InvalidRequest.of(name, f"must be at most {longest} minutes ahead")
        return minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRequest:
    """What a storefront asks for. ``fingerprint`` is equal for equal requests only."""

    invoice_number: str
    amount: int
    channel: Channel
    customer: Customer
    fingerprint: str
    feature: Feature = Feature.DGPC
    bin: str | None = None
    unique_part: str | None = None
    replaces: str | None = None
    expiry: Expiry = Expiry()
    reusable: bool = False
    info: str | None = None
    receipt: Receipt = NO_RECEIPT
    metadata: str | None = None
    public_url: str | None = None
    """Where customers reach this stack; None: the code gets no page for its customer."""


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
    """The use case. Channel rules, BINs and timetable are settings of the stack."""

    ledger: Ledger
    doku: Doku
    clock: Clock
    entropy: Entropy
    channels: dict[Channel, ChannelRules]
    bins: BinTable
    timetable: Timetable
    page_token: Callable[[str], str]
    """What opens the customer's page of an invoice number."""

    def __call__(
        self, storefront_id: str, request: CodeRequest, *, time_left: TimeLeft
    ) -> Generated:
        """Generate the code, or find the one that this very request generated before.

        Raises InvalidRequest, InvoiceNumberTaken, DigitsTaken, IllegalMove if the code to
        replace was paid, and DokuRefused if DOKU said no for good.
        """
        code, existing = self._create(storefront_id, request)
        if existing is not None:
            return _repeat(existing, code)
        if code.intent is None:
            return Generated(Generation.CREATED, code)
        try:
            answer = self.doku.generate(code, time_left)
        except DokuRefused as error:
            give_up(self.ledger, code, error, now=self.clock())
            raise
        except DokuError as error:
            return Generated(Generation.PENDING, code, error)
        code = take_answer(self.ledger, code, answer, now=self.clock(), timetable=self.timetable)
        return Generated(Generation.CREATED, code)

    def retry_after_seconds(self, code: PaymentCode) -> int:
        """When it is worth asking again about a code whose answer is missing."""
        if code.due_at is None:
            return 1
        return max(1, math.ceil((code.due_at - self.clock()).total_seconds()))

    # --- The intent, all of it in one transaction ---

    def _create(
        self, storefront_id: str, request: CodeRequest
    ) -> tuple[PaymentCode, PaymentCode | None]:
        """The intended code, and the one that has its invoice number already."""
        former_holder: str | None = None
        code = self._intend(storefront_id, request)
        for _ in range(ATTEMPTS):
            try:
                existing = self.ledger.create(
                    code,
                    former_holder=former_holder,
                    replaced=self._replaced(code),
                )
            except DigitsTaken as taken:
                if not self._are_free(taken.holder, code):
                    if request.unique_part is not None:
                        raise
                    code = self._intend(storefront_id, request)
                former_holder = taken.holder
            except VersionConflict:
                continue
            else:
                return code, existing
        raise VersionConflict("the codes in the way keep changing")

    def _are_free(self, holder: str, code: PaymentCode) -> bool:
        """Whether digits may pass from their holder to a code. Once let go, they stay so."""
        other = self.ledger.get(holder)
        if other is None or not other.holds_digits(code.created_at):
            return True
        gives_way = code.replaces == holder and other.feature is Feature.DIPC
        return gives_way and other.storefront_id == code.storefront_id

    def _replaced(self, code: PaymentCode) -> PaymentCode | None:
        """The code that gives way to a new one, if the new one is to be written at all."""
        if code.replaces is None:
            return None
        former = self.ledger.get(code.replaces)
        if former is None or former.storefront_id != code.storefront_id:
            raise InvalidRequest.of("replaces", "there is no such payment code")
        if former.replaced_by == code.invoice_number:
            # This request has been here before: let the invoice number tell.
            return None
        if former.replaced_by is not None:
            raise InvalidRequest.of("replaces", "was replaced before, by another payment code")
        if len(read_chain(self.ledger, former)) + 1 >= LONGEST_CHAIN:
            raise InvalidRequest.of("replaces", "was replaced too often")
        return former.give_way(code.invoice_number, now=code.created_at, timetable=self.timetable)

    def _intend(self, storefront_id: str, request: CodeRequest) -> PaymentCode:
        now = self.clock()
        rules = self._rules(request)
        minutes = request.expiry.minutes(now, rules.max_expiry_minutes)
        chosen = self._choose_bin(storefront_id, request)
        if request.replaces == request.invoice_number:
            raise InvalidRequest.of("replaces", "is the payment code itself")
        expires_at = now + timedelta(minutes=minutes)
        code = PaymentCode(
            invoice_number=request.invoice_number,
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
            replaces=request.replaces,
            pay_url=self._pay_url(request),
            due_at=self.timetable.after_request(now, expires_at, now),
        )
        if code.is_ours:
            code = code.with_digits(self._digits(chosen, request))
        if code.feature is Feature.DIPC:
            return code.activate_here(timetable=self.timetable)
        return code.with_intent(Intent(self.entropy.request_id(), self.doku.compose(code, minutes)))

    def _pay_url(self, request: CodeRequest) -> str | None:
        if request.public_url is None:
            return None
        return f"{request.public_url}/pay/{self.page_token(request.invoice_number)}"

    def _digits(self, chosen: Bin, request: CodeRequest) -> str:
        unique_part = request.unique_part
        if unique_part is None:
            unique_part = make_unique_part(chosen.generated_digits, self.entropy.randbelow)
        try:
            return chosen.compose(unique_part)
        except ValueError as error:
            raise InvalidRequest.of("unique_part", str(error)) from error

    def _rules(self, request: CodeRequest) -> ChannelRules:
        rules = self.channels.get(request.channel)
        if rules is None:
            raise InvalidRequest.of("channel", "is not offered")
        if not rules.min_amount <= request.amount <= rules.max_amount:
            raise InvalidRequest.of(
                "amount",
                f"must be between {rules.min_amount} and {rules.max_amount} rupiah"
                f" for {request.channel}",
            )
        if request.channel is Channel.ALFA and request.receipt.description is not None:
            raise InvalidRequest.of("receipt.description", "exists for indomaret only")
        if request.feature is Feature.DGPC and request.unique_part is not None:
            raise InvalidRequest.of("unique_part", "can't be chosen: DOKU makes the digits of dgpc")
        return rules

    def _choose_bin(self, storefront_id: str, request: CodeRequest) -> Bin:
        offered = [
            entry
            for entry in self.bins.offered(request.channel, storefront_id)
            if request.feature in entry.features
        ]
        if not offered:
            raise InvalidRequest.of("feature", f"is not offered for {request.channel}")
        if request.bin is not None:
            offered = [entry for entry in offered if entry.digits == request.bin]
            if not offered:
                raise InvalidRequest.of(
                    "bin", f"is not configured for {request.channel} and {request.feature}"
                )
        if len(offered) > 1:
            raise InvalidRequest.of(
                "bin", f"is needed: several fit {request.channel} and {request.feature}"
            )
        return offered[0]


def take_answer(
    ledger: Ledger, code: PaymentCode, answer: DokuCode, *, now: datetime, timetable: Timetable
) -> PaymentCode:
    """Activate a requested code with DOKU's answer, unless something overtook it."""

    def activate(newest: PaymentCode) -> PaymentCode | None:
        if newest.status is not Status.REQUESTED:
            return None
        return newest.activate(answer, now=now, timetable=timetable)

    return update(ledger, code, activate)


def give_up(ledger: Ledger, code: PaymentCode, error: DokuRefused, *, now: datetime) -> PaymentCode:
    """Fail a requested code that DOKU refused, unless something overtook the refusal."""
    failure = Failure("refused", str(error), error.code)

    def fail(newest: PaymentCode) -> PaymentCode | None:
        if newest.status is not Status.REQUESTED:
            return None
        return newest.fail(failure, now=now, look_again_at=None)

    return update(ledger, code, fail)


def _repeat(existing: PaymentCode, wanted: PaymentCode) -> Generated:
    """The answer to an invoice number that is in use: the same code, or a refusal."""
    if (existing.storefront_id, existing.fingerprint) != (
        wanted.storefront_id,
        wanted.fingerprint,
    ):
        raise InvoiceNumberTaken("this invoice number was used with another request")
    if existing.status is Status.REQUESTED:
        return Generated(Generation.PENDING, existing)
    if existing.failure is not None and existing.status is Status.FAILED:
        raise DokuRefused(
            existing.failure.message or "DOKU has no such code", code=existing.failure.doku_code
        )
    return Generated(Generation.REPEATED, existing)
