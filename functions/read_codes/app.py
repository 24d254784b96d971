"""GET /payment-codes and what lies below it, and GET /channels."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from o2o.core.channels import Channel
from o2o.core.codes import Status
from o2o.entry import wiring
from o2o.entry.http import Api, InvoiceNumber, InvoiceNumberQuery
from o2o.entry.models.codes import ChannelList, PaymentCodeList, PaymentCodeView, PaymentList
from o2o.entry.models.text import Instant
from o2o.entry.settings.codes import ReadSettings
from o2o.usecases.read_codes import CodeFilter

api = Api()
read = wiring.read_codes()
offer = wiring.read_settings(ReadSettings)


@api.routes.get("/payment-codes/<invoice_number>")
def get_payment_code(invoice_number: InvoiceNumber) -> PaymentCodeView:
    """One code with its payments."""
    return PaymentCodeView.of_history(read.one(api.storefront_id, api.order_number(invoice_number)))


@api.routes.get("/payment-codes/<invoice_number>/payments")
def list_payments(
    invoice_number: InvoiceNumber,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
) -> PaymentList:
    """A code's payments: a reusable code may have many."""
    order_number = api.order_number(invoice_number)
    return PaymentList.of(
        read.payments(api.storefront_id, order_number, limit=limit, cursor=cursor)
    )


@api.routes.get("/payment-codes")
def list_payment_codes(
    invoice_number: InvoiceNumberQuery = None,
    channel: Annotated[Channel | None, Query()] = None,
    status: Annotated[Status | None, Query()] = None,
    created_from: Annotated[Instant | None, Query()] = None,
    created_to: Annotated[Instant | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
) -> PaymentCodeList:
    """The storefront's codes, newest first."""
    wanted = CodeFilter(
        order_number=None if invoice_number is None else api.order_number(invoice_number),
        channel=channel,
        status=status,
        created_from=created_from,
        created_to=created_to,
    )
    return PaymentCodeList.of(read.many(api.storefront_id, wanted, limit=limit, cursor=cursor))


@api.routes.get("/channels")
def list_channels() -> ChannelList:
    """What the storefront may use: channels, features, BINs and limits."""
    return ChannelList.of(offer.channels, offer.bins, api.storefront_id, api.namespace)


lambda_handler = api.handler()
