"""What a storefront sends to ask for a payment code."""

import hashlib
import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue, StrictBool, model_validator

from o2o.core.bins import MAX_BIN_DIGITS, MAX_UNIQUE_DIGITS
from o2o.core.channels import Channel, Feature
from o2o.core.code_requests import CodeRequest, Expiry
from o2o.core.codes import Customer, Receipt
from o2o.core.errors import InvalidRequest
from o2o.core.till_text import bare
from o2o.entry.models.text import (
    Bare,
    Day,
    Email,
    Instant,
    InvoiceNumberText,
    Model,
    WholeNumber,
    for_till,
)

MAX_METADATA_BYTES = 2048


def _length(longest: int) -> Any:
    """For the document. What counts is the length of what a till gets."""
    return Field(json_schema_extra={"minLength": 1, "maxLength": longest})


NameText = Annotated[str, _length(64), for_till(64)]
InfoText = Annotated[str, _length(30), for_till(30)]
ReceiptText = Annotated[str, _length(128), for_till(128)]


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not bare(value))


def _small(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if len(_canonical(value)) > MAX_METADATA_BYTES:
        raise ValueError(f"must be at most {MAX_METADATA_BYTES} bytes of JSON")
    return value


def _canonical(value: object) -> bytes:
    text = json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False
    )
    return text.encode()


class Generous(Model):
    """What people's forms fill in: an optional field that holds nothing is absent."""

    @model_validator(mode="before")
    @classmethod
    def _blank_is_absent(cls, sent: Any) -> Any:
        if not isinstance(sent, dict):
            return sent
        return {
            name: value
            for name, value in sent.items()
            if not _is_blank(value)
            or name not in cls.model_fields
            or cls.model_fields[name].is_required()
        }


class NewCustomer(Generous):
    """Who pays."""

    name: NameText
    email: Email | None = None


class NewReceipt(Generous):
    """What the store prints. `description` exists at Indomaret only."""

    description: ReceiptText | None = None
    footer: ReceiptText | None = None


class NewPaymentCode(Generous):
    """A request for a payment code."""

    invoice_number: Annotated[
        InvoiceNumberText,
        Field(description="Your own number, and the idempotency key: one payment code, forever."),
    ]
    amount: Annotated[
        WholeNumber,
        Field(
            gt=0,
            description="Whole rupiah, inside the channel's limits.",
            json_schema_extra={"format": "int64"},
        ),
    ]
    channel: Channel
    customer: NewCustomer
    feature: Annotated[
        Feature,
        Field(description="How the code comes to be, `dgpc` unless given; see `GET /channels`."),
    ] = Feature.DGPC
    bin: Annotated[
        Annotated[str, Field(pattern=rf"^[0-9]{{1,{MAX_BIN_DIGITS}}}$"), Bare] | None,
        Field(description="Which of the channel's BINs. Needed only if several fit."),
    ] = None
    unique_part: Annotated[
        Annotated[str, Field(pattern=rf"^[0-9]{{1,{MAX_UNIQUE_DIGITS}}}$"), Bare] | None,
        Field(description="Your own digits after the BIN (mgpc, dipc); otherwise they are made."),
    ] = None
    expires_in_minutes: Annotated[
        Annotated[WholeNumber, Field(ge=1)] | None,
        Field(description="60 if no expiry is given; at most the channel's max_expiry_minutes."),
    ] = None
    expires_at: Annotated[
        Instant | None, Field(description="Instead: an instant, rounded down to whole minutes.")
    ] = None
    expires_on: Annotated[
        Day | None, Field(description="Instead: a day; the code lives to its end in WIB.")
    ] = None
    reusable: Annotated[
        StrictBool,
        Field(description="It may be paid again and again until it ends; `false` unless given."),
    ] = False
    info: Annotated[
        InfoText | None,
        Field(description="A line for the cashier's screen."),
    ] = None
    receipt: Annotated[NewReceipt, Field(default_factory=NewReceipt)]
    metadata: Annotated[
        Annotated[dict[str, JsonValue], AfterValidator(_small)] | None,
        Field(description="Your own JSON object, at most 2048 bytes, echoed in events."),
    ] = None
    replaces: Annotated[
        Annotated[InvoiceNumberText, Bare] | None,
        Field(description="The former code for the same order; it is cancelled."),
    ] = None

    def to_request(
        self, public_url: str | None = None, namespace: str | None = None
    ) -> CodeRequest:
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
            namespace=namespace,
            receipt=Receipt(self.receipt.description, self.receipt.footer),
            metadata=None if self.metadata is None else _canonical(self.metadata).decode(),
        )

    def _fingerprint(self) -> str:
        # What is left out and what is null mean the same; so does the order of fields.
        return hashlib.sha256(
            _canonical(self.model_dump(mode="json", exclude_none=True))
        ).hexdigest()
