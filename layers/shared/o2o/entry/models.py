"""The API's models: what storefronts send and see. OpenAPI is generated from them."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictInt,
    StringConstraints,
)

from o2o.core.bins import Bin, BinTable, BinType, Feature, Partnership
from o2o.core.channels import IDENTITIES, Channel, ChannelRules
from o2o.core.codes import Customer, PaymentCode, PaymentKind, Receipt, Status
from o2o.core.errors import InvalidRequest
from o2o.core.how_to_pay import Instruction, Language
from o2o.core.payments import Payment, Source
from o2o.usecases.explain import Explanation
from o2o.usecases.generate import DEFAULT_EXPIRY_MINUTES, CodeRequest, Expiry
from o2o.usecases.ports import CodeHistory, Page

MAX_METADATA_BYTES = 2048

INVOICE_NUMBER_PATTERN = r"^[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*$"
"""It becomes a segment of a signed path, so dots alone are not allowed."""

InvoiceNumberText = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=INVOICE_NUMBER_PATTERN)
]

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)


def _printable(text: str) -> str:
    """Only what a till can be expected to show: no emoji, no control characters."""
    for character in text:
        category = unicodedata.category(character)
        plain = character.isascii() and character.isprintable()
        letter = category[0] in "LNP" or category in ("Mn", "Mc")
        if not (plain or letter) or ord(character) in _VARIATION_SELECTORS:
            raise ValueError("must hold letters, digits, punctuation and spaces only")
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _instant(value: Any) -> Any:
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        return value
    raise ValueError("must be an RFC 3339 instant with an offset, as text")


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is out of range") from error


def _calendar_day(value: Any) -> Any:
    if isinstance(value, str) and _DATE.fullmatch(value):
        return value
    raise ValueError("must be a date such as 2026-01-31, as text")


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("must be an e-mail address")
    return _printable(value)


def _small(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if len(_canonical(value)) > MAX_METADATA_BYTES:
        raise ValueError(f"must be at most {MAX_METADATA_BYTES} bytes of JSON")
    return value


def _canonical(value: Any) -> bytes:
    text = json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False
    )
    return text.encode()


Printable = AfterValidator(_printable)
Instant = Annotated[AwareDatetime, BeforeValidator(_instant), AfterValidator(_utc)]
Day = Annotated[date, BeforeValidator(_calendar_day)]


class Model(BaseModel):
    """Base of what is sent to us: an unknown field is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid")


class CustomerModel(Model):
    """Who pays."""

    name: Annotated[str, Field(min_length=1, max_length=64), Printable]
    email: (
        Annotated[
            str,
            Field(max_length=128, json_schema_extra={"pattern": f"^{_EMAIL.pattern}$"}),
            AfterValidator(_email),
        ]
        | None
    ) = None


class ReceiptModel(Model):
    """What the store prints. ``description`` exists at Indomaret only."""

    description: Annotated[str, Field(min_length=1, max_length=128), Printable] | None = None
    footer: Annotated[str, Field(min_length=1, max_length=128), Printable] | None = None


class GenerateModel(Model):
    """A request for a payment code."""

    invoice_number: Annotated[
        InvoiceNumberText,
        Field(description="Your own number, and the idempotency key: one payment code, for ever."),
    ]
    amount: Annotated[
        StrictInt, Field(gt=0, description="Whole rupiah, inside the channel's limits.")
    ]
    channel: Channel
    customer: CustomerModel
    feature: Annotated[
        Feature, Field(description="How the code comes to be; see the channel's features.")
    ] = Feature.DGPC
    bin: Annotated[
        Annotated[str, Field(pattern=r"^[0-9]{1,11}$")] | None,
        Field(description="Which of the channel's BINs. Needed only if several fit."),
    ] = None
    unique_part: Annotated[
        Annotated[str, Field(pattern=r"^[0-9]{1,20}$")] | None,
        Field(description="Your own digits after the BIN (mgpc, dipc); otherwise they are made."),
    ] = None
    expires_in_minutes: Annotated[
        Annotated[StrictInt, Field(ge=1)] | None,
        Field(description="60 if no expiry is given; at most the channel's max_expiry_minutes."),
    ] = None
    expires_at: Annotated[
        Instant | None, Field(description="Instead: an instant, rounded down to whole minutes.")
    ] = None
    expires_on: Annotated[
        Day | None, Field(description="Instead: a day; the code lives to its end in WIB.")
    ] = None
    reusable: Annotated[
        StrictBool, Field(description="It may be paid again and again until it ends.")
    ] = False
    info: Annotated[
        Annotated[str, Field(min_length=1, max_length=30), Printable] | None,
        Field(description="A line for the cashier's screen."),
    ] = None
    receipt: ReceiptModel = ReceiptModel()
    metadata: Annotated[
        Annotated[dict[str, JsonValue], AfterValidator(_small)] | None,
        Field(description="Your own JSON object, at most 2048 bytes, echoed in events."),
    ] = None
    replaces: Annotated[
        InvoiceNumberText | None,
        Field(description="The former code for the same order; it is cancelled."),
    ] = None

    def to_request(self, public_url: str | None = None) -> CodeRequest:
        """What the use case takes. Raises InvalidRequest if two expiries are given."""
        names = ("expires_in_minutes", "expires_at", "expires_on")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            raise InvalidRequest.of(given[1], f"can't be given together with {given[0]}")
        return CodeRequest(
            invoice_number=self.invoice_number,
            amount=self.amount,
            channel=self.channel,
            customer=Customer(self.customer.name, self.customer.email),
            fingerprint=self._fingerprint(),
            feature=self.feature,
            bin=self.bin,
            unique_part=self.unique_part,
            replaces=self.replaces,
            expiry=Expiry(self.expires_in_minutes, self.expires_at, self.expires_on),
            reusable=self.reusable,
            info=self.info,
            public_url=public_url,
            receipt=Receipt(self.receipt.description, self.receipt.footer),
            metadata=None if self.metadata is None else _canonical(self.metadata).decode(),
        )

    def _fingerprint(self) -> str:
        # What is left out and what is null mean the same; so does the order of fields.
        return hashlib.sha256(
            _canonical(self.model_dump(mode="json", exclude_none=True))
        ).hexdigest()


class PaymentView(BaseModel):
    """A payment on a code."""

    kind: PaymentKind
    amount: Annotated[int | float, Field(description="Rupiah, as DOKU reported it.")]
    paid_at: Annotated[datetime, Field(description="By the store's clock.")]
    recorded_at: Annotated[datetime, Field(description="When it came to our knowledge.")]
    source: Source
    agent_id: Annotated[str | None, Field(description="The chain, as DOKU names it: ALFAMART.")]
    store_id: str | None
    receipt_number: Annotated[str | None, Field(description="On the customer's receipt.")]
    first_paid: Annotated[
        str | None,
        Field(description="Of `paid_again`: the invoice number that was paid first."),
    ]

    @classmethod
    def of(cls, payment: Payment) -> Self:
        """The view of a payment."""
        report = payment.report
        return cls(
            kind=payment.kind,
            amount=_number(report.amount),
            paid_at=_seconds(report.paid_at),
            recorded_at=_seconds(payment.recorded_at),
            source=report.source,
            agent_id=report.agent_id,
            store_id=report.store_id,
            receipt_number=report.receipt_number,
            first_paid=payment.first_paid,
        )


class CustomerView(BaseModel):
    """Who pays."""

    name: str
    email: str | None


class ReceiptView(BaseModel):
    """What the store prints."""

    description: str | None
    footer: str | None


class FailureView(BaseModel):
    """Why a code failed."""

    reason: Annotated[
        str, Field(description="refused: DOKU said no. unknown: DOKU never confirmed the code.")
    ]
    message: Annotated[str | None, Field(description="DOKU's words.")]
    doku_code: Annotated[str | None, Field(description="DOKU's error code.")]


class CodeView(BaseModel):
    """A payment code. Instants are UTC, amounts whole rupiah."""

    invoice_number: str
    status: Status
    payment_code: Annotated[
        str | None, Field(description="The digits for the cashier; null while DOKU's are awaited.")
    ]
    channel: Channel
    feature: Feature
    bin: Annotated[str | None, Field(description="The company code in front of the digits.")]
    unique_part: Annotated[str | None, Field(description="Of digits that were made here.")]
    amount: Annotated[int, Field(description="Whole rupiah.")]
    reusable: bool
    customer: CustomerView
    info: Annotated[str | None, Field(description="A line for the cashier's screen.")]
    receipt: ReceiptView
    metadata: Annotated[dict[str, JsonValue] | None, Field(description="As it was sent.")]
    created_at: datetime
    expires_at: Annotated[datetime, Field(description="DOKU's, once it has answered.")]
    paid_at: Annotated[
        datetime | None, Field(description="When it was first paid, by the store's clock.")
    ]
    late: Annotated[bool, Field(description="It was paid after it had ended.")]
    stops_payment: Annotated[
        bool,
        Field(
            description="Whether a cancelled or expired code can certainly not be paid any more."
        ),
    ]
    payments: Annotated[list[PaymentView], Field(description="The first 20, by time.")]
    payments_count: Annotated[int, Field(description="All of them.")]
    replaces: Annotated[str | None, Field(description="Invoice number of the former code.")]
    replaced_by: Annotated[str | None, Field(description="Invoice number of the later code.")]
    how_to_pay_page: Annotated[
        str | None, Field(description="DOKU's own page of instructions, where it has one.")
    ]
    pay_url: Annotated[
        str | None,
        Field(
            description="The customer's page: the code, its barcode, the steps at the store, and"
            " whether it is paid. Whoever has the address sees the code; send it to nobody else."
        ),
    ]
    failure: FailureView | None
    sequence: Annotated[int, Field(description="Grows with every change of the code.")]

    @classmethod
    def of(cls, code: PaymentCode, payments: Sequence[Payment] = ()) -> Self:
        """The view of a code with some of its payments."""
        # Digits that are not registered yet can't be paid, so nobody may see them.
        has_digits = code.status is not Status.REQUESTED
        return cls(
            invoice_number=code.invoice_number,
            status=code.status,
            payment_code=code.payment_code if has_digits else None,
            channel=code.channel,
            feature=code.feature,
            bin=code.bin,
            unique_part=code.unique_part if has_digits else None,
            amount=code.amount,
            reusable=code.reusable,
            customer=CustomerView(name=code.customer.name, email=code.customer.email),
            info=code.info,
            receipt=ReceiptView(description=code.receipt.description, footer=code.receipt.footer),
            metadata=None if code.metadata is None else json.loads(code.metadata),
            created_at=_seconds(code.created_at),
            expires_at=_seconds(code.expires_at),
            paid_at=None if code.paid_at is None else _seconds(code.paid_at),
            late=code.late,
            stops_payment=code.stops_payment,
            payments=[PaymentView.of(payment) for payment in payments],
            payments_count=code.payments,
            replaces=code.replaces,
            replaced_by=code.replaced_by,
            how_to_pay_page=code.how_to_pay_page,
            pay_url=code.pay_url,
            failure=None
            if code.failure is None
            else FailureView(
                reason=code.failure.reason,
                message=code.failure.message,
                doku_code=code.failure.doku_code,
            ),
            sequence=code.version,
        )

    @classmethod
    def of_history(cls, history: CodeHistory) -> Self:
        """The view of a code that was read with its payments."""
        return cls.of(history.code, sorted(history.payments, key=_when))


class CodeList(BaseModel):
    """A page of codes, newest first. Payments are shown by the single code's address only."""

    items: list[CodeView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[PaymentCode]) -> Self:
        """The view of a page."""
        return cls(items=[CodeView.of(code) for code in page.items], next_cursor=page.next_cursor)


class PaymentList(BaseModel):
    """A page of a code's payments, ordered by identity."""

    items: list[PaymentView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Payment]) -> Self:
        """The view of a page."""
        return cls(
            items=[PaymentView.of(payment) for payment in page.items],
            next_cursor=page.next_cursor,
        )


class InstructionView(BaseModel):
    """Steps for one place to pay."""

    place: str
    steps: list[str]

    @classmethod
    def of(cls, instruction: Instruction) -> Self:
        """The view of an instruction."""
        return cls(place=instruction.place, steps=list(instruction.steps))


class HowToPayView(BaseModel):
    """How to pay a code: our own words in two languages, and DOKU's if they could be had."""

    invoice_number: str
    payment_code: str | None
    channel: Channel
    expires_at: datetime
    id: list[InstructionView]
    en: list[InstructionView]
    doku: list[InstructionView]

    @classmethod
    def of(cls, explanation: Explanation) -> Self:
        """The view of an explanation."""
        code = explanation.code
        ours = {
            language: [InstructionView.of(each) for each in instructions]
            for language, instructions in explanation.ours.items()
        }
        return cls(
            invoice_number=code.invoice_number,
            payment_code=code.payment_code,
            channel=code.channel,
            expires_at=_seconds(code.expires_at),
            id=ours[Language.INDONESIAN],
            en=ours[Language.ENGLISH],
            doku=[InstructionView.of(each) for each in explanation.dokus],
        )


class BinView(BaseModel):
    """A BIN that codes can be made of."""

    bin: str
    partnership: Partnership
    bin_type: BinType
    features: list[Feature]

    @classmethod
    def of(cls, entry: Bin) -> Self:
        """The view of one BIN."""
        return cls(
            bin=entry.digits,
            partnership=entry.partnership,
            bin_type=entry.bin_type,
            features=[feature for feature in Feature if feature in entry.features],
        )


class ChannelView(BaseModel):
    """What a storefront may use a channel for."""

    channel: Channel
    brands: list[str]
    features: list[Feature]
    bins: list[BinView]
    min_amount: int
    max_amount: int
    default_expiry_minutes: int
    max_expiry_minutes: int

    @classmethod
    def of(cls, channel: Channel, rules: ChannelRules, bins: Sequence[Bin]) -> Self:
        """The view of one channel."""
        features = {feature for entry in bins for feature in entry.features}
        return cls(
            channel=channel,
            brands=list(IDENTITIES[channel].brands),
            features=[feature for feature in Feature if feature in features],
            bins=[BinView.of(entry) for entry in bins],
            min_amount=rules.min_amount,
            max_amount=rules.max_amount,
            default_expiry_minutes=min(DEFAULT_EXPIRY_MINUTES, rules.max_expiry_minutes),
            max_expiry_minutes=rules.max_expiry_minutes,
        )


class ChannelList(BaseModel):
    """The channels."""

    items: list[ChannelView]
    next_cursor: str | None = None

    @classmethod
    def of(
        cls, channels: Mapping[Channel, ChannelRules], bins: BinTable, storefront_id: str
    ) -> Self:
        """What a storefront is offered: a channel without a BIN offers nothing."""
        offers = {channel: bins.offered(channel, storefront_id) for channel in channels}
        return cls(
            items=[
                ChannelView.of(channel, channels[channel], offered)
                for channel, offered in offers.items()
                if offered
            ]
        )


def _when(payment: Payment) -> tuple[datetime, str]:
    return payment.report.paid_at, payment.identity


def _seconds(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


def _number(amount: Decimal) -> int | float:
    return int(amount) if amount == amount.to_integral_value() else float(amount)
