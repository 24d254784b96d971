"""What storefronts see of payment codes, payments and channels."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, JsonValue, WithJsonSchema

from o2o.core.bins import Bin, BinTable
from o2o.core.channels import BinType, Channel, ChannelSettings, Feature, Partnership
from o2o.core.code_requests import DEFAULT_EXPIRY_MINUTES
from o2o.core.codes import Doubt, PaymentCode, PaymentKind, Refund, Source, Status
from o2o.core.errors import Obstacle
from o2o.core.how_to_pay import Instruction, Language
from o2o.core.money import CURRENCY
from o2o.core.pages import Page
from o2o.core.payments import CodeHistory, Payment
from o2o.core.resolutions import Resolution, ResolutionKind
from o2o.entry.models.text import number, seconds
from o2o.usecases.explain_payment import Explanation

Rupiah = Annotated[int, WithJsonSchema({"type": "integer", "format": "int64"})]
"""Whole rupiah. Said to be 64 bits long, because generated clients take 32 otherwise."""

_Reported = Annotated[int | float, WithJsonSchema({"type": "number", "format": "double"})]
"""DOKU's amount: whole where it is whole, with its fraction where it has one (decision 0050)."""

# What a payment says of itself, in a code's view and in an event's.
Amount = Annotated[_Reported, Field(description="Rupiah, as DOKU reported it.")]
Currency = Annotated[str, Field(description="IDR, unless DOKU reported another.")]
PaidAt = Annotated[datetime, Field(description="By DOKU's word.")]
AgentId = Annotated[str | None, Field(description="The chain, as DOKU names it: ALFAMART.")]
ReceiptNumber = Annotated[str | None, Field(description="On the customer's receipt.")]
HadEnded = Annotated[
    bool, Field(description="The code had ended here when the payment became known.")
]
Certain = Annotated[
    bool, Field(description="False: there are `doubts`, and a person should look at it.")
]
Doubts = Annotated[
    list[Doubt],
    Field(
        description="What DOKU's messages leave open. `may_be_known`: it may be a payment that is"
        " listed already. `may_be_two`: two tills may each have taken the money."
        " `tellings_disagree`: DOKU's messages about it name different amounts or digits."
        " `dated_before_code`: its date is before the code's own."
    ),
]
FirstPaid = Annotated[
    str | None, Field(description="Of `paid_again`: the invoice number that was paid first.")
]


PaymentId = Annotated[
    str,
    Field(
        description="Tells it from the other payments of its code, as in `…/payments/{payment}`."
    ),
]


class ResolutionView(BaseModel):
    """What a person did about a payment."""

    resolution: ResolutionKind
    reference: Annotated[
        str | None, Field(description="Your own, such as the number of a bank transfer.")
    ]
    note: str | None
    by: Annotated[
        str, Field(description="`key:` and the id of your API key, or the operator's name.")
    ]
    resolved_at: datetime

    @classmethod
    def of(cls, resolution: Resolution) -> Self:
        """The view of a resolution."""
        return cls(
            resolution=resolution.kind,
            reference=resolution.reference,
            note=resolution.note,
            by=resolution.by,
            resolved_at=seconds(resolution.at),
        )


class PaymentView(BaseModel):
    """A payment on a code."""

    id: PaymentId
    kind: PaymentKind
    amount: Amount
    currency: Currency
    paid_at: PaidAt
    recorded_at: Annotated[datetime, Field(description="When it came to our knowledge.")]
    source: Source
    agent_id: AgentId
    store_id: str | None
    receipt_number: ReceiptNumber
    had_ended: HadEnded
    certain: Certain
    doubts: Doubts
    first_paid: FirstPaid
    needs_attention: Annotated[
        bool,
        Field(
            description="It came late or again, does not match or is uncertain, and nobody has"
            " resolved it."
        ),
    ]
    resolutions: Annotated[
        list[ResolutionView],
        Field(description="What was done about it, by time: the last one is in force."),
    ]

    @classmethod
    def of(cls, payment: Payment) -> Self:
        """The view of a payment."""
        report = payment.report
        return cls(
            id=payment.payment_id,
            kind=payment.kind,
            amount=number(report.amount),
            currency=report.currency or CURRENCY,
            paid_at=seconds(report.paid_at),
            recorded_at=seconds(payment.recorded_at),
            source=report.source,
            agent_id=report.agent_id,
            store_id=report.store_id,
            receipt_number=report.receipt_number,
            had_ended=payment.had_ended,
            certain=not payment.doubts,
            doubts=list(payment.doubts),
            first_paid=payment.first_paid,
            needs_attention=payment.needs_attention,
            resolutions=[ResolutionView.of(each) for each in payment.resolutions],
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


class RefundView(BaseModel):
    """DOKU said that a payment of the code went back to the customer."""

    amount: Annotated[_Reported | None, Field(description="Rupiah, as DOKU reported it.")]
    recorded_at: Annotated[datetime, Field(description="When it came to our knowledge.")]

    @classmethod
    def of(cls, refund: Refund) -> Self:
        """The view of a refund."""
        amount = None if refund.amount is None else number(refund.amount)
        return cls(amount=amount, recorded_at=seconds(refund.recorded_at))


class PaymentCodeView(BaseModel):
    """A payment code. Instants are UTC."""

    invoice_number: str
    status: Status
    payment_code: Annotated[
        str | None, Field(description="The digits for the cashier; null while DOKU's are awaited.")
    ]
    channel: Channel
    feature: Feature
    bin: Annotated[str | None, Field(description="The company code in front of the digits.")]
    unique_part: Annotated[str | None, Field(description="Of digits that were made here.")]
    amount: Annotated[Rupiah, Field(description="Whole rupiah.")]
    reusable: bool
    customer: Annotated[
        CustomerView | None,
        Field(
            description="Null once the code was forgotten, as are then `payment_code`, `info`,"
            " `metadata`, the receipt's texts and the links."
        ),
    ]
    info: Annotated[str | None, Field(description="A line for the cashier's screen.")]
    receipt: ReceiptView
    metadata: Annotated[dict[str, JsonValue] | None, Field(description="As it was sent.")]
    created_at: datetime
    expires_at: Annotated[
        datetime,
        Field(
            description="Until when the customer should pay: DOKU's word, if it is not longer than"
            " was asked for."
        ),
    ]
    inquired_at: Annotated[
        datetime | None,
        Field(
            description="Of `dipc`: when a till was last told that it may take the money. If no"
            " payment followed, the customer did not pay, or the payment is not known yet."
        ),
    ]
    paid_at: Annotated[
        datetime | None, Field(description="When it was first paid, by the store's clock.")
    ]
    late: Annotated[
        bool,
        Field(
            description="By DOKU's date it was paid after `expires_at`, or after it was cancelled."
        ),
    ]
    had_ended: Annotated[
        bool,
        Field(
            description="It had ended here when its payment became known, so its goods may have"
            " been released. That does not make it late."
        ),
    ]
    refund: Annotated[RefundView | None, Field(description="If DOKU reported one.")]
    unconfirmed: Annotated[
        bool,
        Field(
            description="It expired or failed, and DOKU never confirmed that it was not paid: the"
            " operator has been alerted, and a payment may still come to light."
        ),
    ]
    stops_payment: Annotated[
        bool,
        Field(
            description="Whether a cancelled or expired code can certainly not be paid any more."
        ),
    ]
    payments: Annotated[list[PaymentView], Field(description="The first 20, by time.")]
    payments_count: Annotated[
        int, Field(description="All that are known, also those that are not shown.")
    ]
    payments_complete: Annotated[
        bool | None,
        Field(
            description="`true` if there are certainly no others. null: unknown; DOKU may have"
            " taken a payment that it has not told, and of several of a reusable code it may"
            " never tell all. Never `false`."
        ),
    ]
    replaces: Annotated[str | None, Field(description="Invoice number of the former code.")]
    replaced_by: Annotated[str | None, Field(description="Invoice number of the later code.")]
    how_to_pay_page: Annotated[
        str | None, Field(description="DOKU's own page of instructions, where it has one.")
    ]
    pay_url: Annotated[
        str | None,
        Field(
            description="The customer's page: the code, its barcode, the steps at the store, and"
            " whether it is paid. The address is the permission: send it to the customer only."
        ),
    ]
    pending_reason: Annotated[
        Obstacle | None,
        Field(
            description="Of a `requested` code: why DOKU's answer is missing, as of the last try."
            " null: it was not sent yet, or its answer is still awaited."
        ),
    ]
    failure: FailureView | None
    sequence: Annotated[int, Field(description="Grows with every change of the code.")]

    @classmethod
    def of(cls, code: PaymentCode, payments: Sequence[Payment] = ()) -> Self:
        """The view of a code with some of its payments."""
        # Digits that are not registered yet can't be paid, so they are not shown.
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
            customer=None
            if code.customer is None
            else CustomerView(name=code.customer.name, email=code.customer.email),
            info=code.info,
            receipt=ReceiptView(description=code.receipt.description, footer=code.receipt.footer),
            metadata=None if code.metadata is None else json.loads(code.metadata),
            created_at=seconds(code.created_at),
            expires_at=seconds(code.expiry),
            inquired_at=None if code.inquired_at is None else seconds(code.inquired_at),
            paid_at=None if code.paid_at is None else seconds(code.paid_at),
            late=code.late,
            had_ended=code.had_ended,
            refund=None if code.refund is None else RefundView.of(code.refund),
            unconfirmed=code.unconfirmed,
            stops_payment=code.stops_payment,
            payments=[PaymentView.of(payment) for payment in payments],
            payments_count=code.payments,
            payments_complete=code.payments_complete or None,
            replaces=code.replaces and code.to_invoice_number(code.replaces),
            replaced_by=code.replaced_by and code.to_invoice_number(code.replaced_by),
            how_to_pay_page=code.how_to_pay_page,
            pay_url=code.pay_url,
            pending_reason=code.obstacle,
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
        return cls.of(history.code, sorted(history.own, key=lambda payment: payment.when))


class PaymentCodeList(BaseModel):
    """A page of codes, newest first. Payments are shown by the single code's address only."""

    items: list[PaymentCodeView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[PaymentCode]) -> Self:
        """The view of a page."""
        return cls(
            items=[PaymentCodeView.of(code) for code in page.items], next_cursor=page.next_cursor
        )


class PaymentList(BaseModel):
    """A page of a code's payments, in the order in which they became known."""

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
            expires_at=seconds(code.expiry),
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


class ChannelOffer(BaseModel):
    """What a storefront may use a channel for."""

    channel: Channel
    brands: list[str]
    features: list[Feature]
    bins: list[BinView]
    min_amount: Rupiah
    max_amount: Rupiah
    default_expiry_minutes: int
    max_expiry_minutes: int

    @classmethod
    def of(cls, channel: Channel, settings: ChannelSettings, bins: Sequence[Bin]) -> Self:
        """The view of one channel."""
        features = {feature for entry in bins for feature in entry.features}
        return cls(
            channel=channel,
            brands=list(channel.facts.brands),
            features=[feature for feature in Feature if feature in features],
            bins=[BinView.of(entry) for entry in bins],
            min_amount=settings.min_amount,
            max_amount=settings.max_amount,
            default_expiry_minutes=min(DEFAULT_EXPIRY_MINUTES, settings.max_expiry_minutes),
            max_expiry_minutes=settings.max_expiry_minutes,
        )


class ChannelList(BaseModel):
    """The channels."""

    items: list[ChannelOffer]
    next_cursor: str | None

    @classmethod
    def of(
        cls,
        channels: Mapping[Channel, ChannelSettings],
        bins: BinTable,
        storefront_id: str,
        namespace: str | None,
    ) -> Self:
        """What a storefront is offered: a channel without a BIN offers nothing."""
        offers = {channel: bins.offered(channel, storefront_id, namespace) for channel in channels}
        return cls(
            items=[
                ChannelOffer.of(channel, channels[channel], offered)
                for channel, offered in offers.items()
                if offered
            ],
            next_cursor=None,
        )
