"""What storefronts see and say of payments that are listed by themselves."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints

from o2o.core.channels import Channel
from o2o.core.errors import NotFound
from o2o.core.pages import Page
from o2o.core.payments import Payment
from o2o.core.resolutions import LONGEST_NOTE, LONGEST_REFERENCE, ResolutionKind
from o2o.entry.models.codes import PaymentView
from o2o.entry.models.text import Model


class ListedPaymentView(PaymentView):
    """A payment, and which code it is of."""

    invoice_number: str
    channel: Channel
    bin: Annotated[str | None, Field(description="The company code in front of the digits.")]

    @classmethod
    def of(cls, payment: Payment) -> Self:
        """The view of a payment that is listed. Raises NotFound if it names no code."""
        code = payment.code
        if code is None:
            raise NotFound("the payment was stored by a version that did not list payments")
        return cls(
            **PaymentView.of(payment).model_dump(),
            invoice_number=code.invoice_number,
            channel=code.channel,
            bin=code.bin,
        )


class ListedPayments(BaseModel):
    """A page of a storefront's payments."""

    items: list[ListedPaymentView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Payment]) -> Self:
        """The view of a page."""
        return cls(
            items=[ListedPaymentView.of(payment) for payment in page.items],
            next_cursor=page.next_cursor,
        )


class NewResolution(Model):
    """What a person did about a payment."""

    resolution: Annotated[
        ResolutionKind,
        Field(
            description="fulfilled: the customer got what was paid for. refunded: the customer got"
            " the money back. kept: you keep it, as a credit or for good. not_ours: there is no"
            " such money, or it is another's."
        ),
    ]
    reference: (
        Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REFERENCE)] | None
    ) = None
    note: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NOTE)] | None = None
