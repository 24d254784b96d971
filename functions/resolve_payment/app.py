"""POST /payment-codes/{invoice_number}/payments/{payment}/resolution: what was done about it."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from o2o.entry import wiring
from o2o.entry.http import Api, InvoiceNumber
from o2o.entry.models.payments import ListedPaymentView, NewResolution
from o2o.entry.observability import count

api = Api(takes_json=True)
resolve = wiring.resolve_payment()


@api.routes.post("/payment-codes/<invoice_number>/payments/<payment>/resolution")
def resolve_payment(
    invoice_number: InvoiceNumber,
    payment: Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,64}$")],
    request: Annotated[NewResolution, Body()],
) -> ListedPaymentView:
    """Record what you did about a payment. Nothing is taken back: a later one stands beside it."""
    resolving = resolve(
        api.storefront_id,
        api.order_number(invoice_number),
        payment,
        request.resolution,
        by=f"key:{api.key_id}",
        reference=request.reference,
        note=request.note,
    )
    if resolving.is_news:
        count("PaymentResolved")
    return ListedPaymentView.of(resolving.payment)


lambda_handler = api.handler()
