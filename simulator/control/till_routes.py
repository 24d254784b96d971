"""Control routes of the till: look up a payment code, and pay it."""

from simulator.account import Account
from simulator.control.call import Call
from simulator.control.views import inquiry_view, payment_view, utc
from simulator.notifier import Notifier
from simulator.till import DEFAULT_STORE_ID, Receipt, Till


class TillRoutes:
    """What a cashier does."""

    def __init__(self, account: Account, till: Till, notifier: Notifier) -> None:
        self._store = account.store
        self._till = till
        self._notifier = notifier

    def inquire(self, call: Call) -> object:
        """Return what the till shows; asks the merchant where DOKU would."""
        body = call.body({"payment_code", "invoice_number"})
        bill = self._till.bill(body.text("payment_code"), body.text("invoice_number"))
        return {
            "channel": bill.channel.name,
            "store": bill.channel.label,
            "feature": bill.feature,
            "payment_code": bill.payment_code,
            "invoice_number": bill.invoice_number,
            "amount": bill.amount,
            "customer_name": bill.customer_name,
            "info": bill.info,
            "expires_at": utc(bill.expires_at),
            "payable": bill.refusal is None,
            "reason": bill.refusal.en if bill.refusal else None,
            "reason_id": bill.refusal.id if bill.refusal else None,
            "inquiry": inquiry_view(bill.inquiry),
        }

    def pay(self, call: Call) -> object:
        """Take the cash, and keep the notification that follows, in one transaction."""
        body = call.body(
            {
                "payment_code",
                "invoice_number",
                "amount",
                "notify",
                "receipt_number",
                "store_id",
                "agent_id",
                "force",
                "inquiry",
            }
        )
        fault = body.notify()
        receipt = Receipt(
            agent_id=body.text("agent_id"),
            store_id=body.text("store_id") or DEFAULT_STORE_ID,
            receipt_number=body.text("receipt_number"),
            numbered=not ("receipt_number" in body and body.value("receipt_number") is None),
        )
        amount = body.amount("amount")
        force = body.flag("force", default=False)
        bill = self._till.bill(
            body.text("payment_code"),
            body.text("invoice_number"),
            ask=body.flag("inquiry", default=True) and not force,
        )
        inquiry = inquiry_view(bill.inquiry)
        if inquiry is not None and bill.refusal is not None:
            raise bill.refusal.error({"inquiry": inquiry})
        with self._store.transaction():
            order, payment = self._till.pay(bill, amount, receipt, force=force)
            number = None
            if fault != "none":
                number = self._notifier.keep_for(order, payment, "SUCCESS", fault)
        self._notifier.wake()
        return {
            "invoice_number": order.invoice_number,
            "payment_code": order.payment_code,
            "channel": order.channel,
            "store": bill.channel.label,
            "feature": order.feature,
            "customer_name": bill.customer_name,
            **payment_view(payment),
            "inquiry": inquiry,
            "notification": number,
        }
