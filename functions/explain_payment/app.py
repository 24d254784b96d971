"""GET /payment-codes/{invoice_number}/how-to-pay: what the customer does at the store."""

from o2o.entry import wiring
from o2o.entry.http import Api, InvoiceNumber
from o2o.entry.models.codes import HowToPayView

api = Api()
explain = wiring.explain_payment()


@api.routes.get("/payment-codes/<invoice_number>/how-to-pay")
def get_how_to_pay(invoice_number: InvoiceNumber) -> HowToPayView:
    """How an active code is paid."""
    order_number = api.order_number(invoice_number)
    return HowToPayView.of(explain(api.storefront_id, order_number, time_left=api.time_left))


lambda_handler = api.handler()
