"""POST /payment-codes/{invoice_number}/refresh: ask DOKU now."""

from o2o.entry import wiring
from o2o.entry.http import Api, InvoiceNumber
from o2o.entry.models.codes import PaymentCodeView
from o2o.entry.observe_reconciling import count_reconciled
from o2o.usecases.reconcile import Finding

api = Api()
refresh = wiring.refresh_code()
read = wiring.read_codes()


@api.routes.post("/payment-codes/<invoice_number>/refresh")
def refresh_payment_code(invoice_number: InvoiceNumber) -> PaymentCodeView:
    """The code after DOKU was asked about it."""
    order_number = api.order_number(invoice_number)
    reconciled = refresh(api.storefront_id, order_number, time_left=api.time_left)
    count_reconciled(reconciled)
    if reconciled.doku_error is not None and reconciled.finding is Finding.DOKU_SILENT:
        raise reconciled.doku_error
    return PaymentCodeView.of_history(read.one(api.storefront_id, order_number))


lambda_handler = wiring.answers_roll_outs()(api.handler())
