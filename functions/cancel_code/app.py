"""POST /payment-codes/{invoice_number}/cancel: cancel a payment code."""

from o2o.entry import wiring
from o2o.entry.http import Api, InvoiceNumber
from o2o.entry.models.codes import PaymentCodeView
from o2o.entry.observability import count

api = Api()
cancel = wiring.cancel_code()


@api.routes.post("/payment-codes/<invoice_number>/cancel")
def cancel_payment_code(invoice_number: InvoiceNumber) -> PaymentCodeView:
    """Cancel a code here. ``stops_payment`` says whether it can still be paid at the store."""
    code = cancel(api.storefront_id, api.order_number(invoice_number))
    count("CodeCancelled")
    return PaymentCodeView.of(code)


lambda_handler = api.handler()
