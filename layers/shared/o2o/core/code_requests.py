"""What a storefront asks for when it asks for a payment code, and what it may ask for."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from o2o.core.channels import Channel, ChannelSettings, Feature, ReceiptField
from o2o.core.codes import NO_RECEIPT, Customer, Receipt
from o2o.core.errors import InvalidRequest
from o2o.core.storefronts import check_invoice_number
from o2o.core.wib import end_of_day

DEFAULT_EXPIRY_MINUTES = 60
"""DOKU's own default (DOKU protocol, section 3)."""


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
    """What a storefront asks for. ``amount`` is whole rupiah.

    ``fingerprint`` is equal for equal requests only. ``namespace`` is the storefront's.
    ``public_url`` is where customers reach this stack; without it the code gets no page for its
    customer.
    """

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
    namespace: str | None = None

    def check(self, settings: ChannelSettings | None) -> ChannelSettings:
        """The settings of the request's channel, if it keeps to them. Raises InvalidRequest."""
        check_invoice_number(self.namespace, self.invoice_number)
        if settings is None:
            raise InvalidRequest.of("channel", "is not offered")
        if not settings.min_amount <= self.amount <= settings.max_amount:
            raise InvalidRequest.of(
                "amount",
                f"must be between {settings.min_amount} and {settings.max_amount} rupiah"
                f" for {self.channel}",
            )
        for name in ReceiptField:
            printed = getattr(self.receipt, name) is not None
            if printed and name not in self.channel.facts.receipt_fields:
                raise InvalidRequest.of(f"receipt.{name}", f"does not exist for {self.channel}")
        if self.feature is Feature.DGPC and self.unique_part is not None:
            raise InvalidRequest.of("unique_part", "can't be chosen: DOKU makes the digits of dgpc")
        if self.replaces == self.invoice_number:
            raise InvalidRequest.of("replaces", "is the payment code itself")
        return settings
