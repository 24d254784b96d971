"""The control route that sends a notification by hand."""

from http import HTTPStatus
from typing import Any

from simulator.account import Account
from simulator.control.call import Body, Call
from simulator.errors import ControlError
from simulator.notifier import Notifier
from simulator.till import Till


class NotifyRoute:
    """The Back Office's "notify again", and any other document."""

    def __init__(self, account: Account, till: Till, notifier: Notifier) -> None:
        self._account = account
        self._till = till
        self._notifier = notifier

    def notify(self, call: Call) -> object:
        """Send a notification about an order, or any document, signed."""
        body = call.body(
            {"invoice_number", "receipt_number", "status", "notify", "channel", "document"}
        )
        fault = body.notify()
        if fault == "none":
            raise ControlError('notify can\'t be "none" here: nothing would happen.')
        keep = self._keep_document if "document" in body else self._keep_order
        number = keep(body, fault)
        self._notifier.wake()
        return {"notification": number}

    def _keep_document(self, body: Body, fault: dict[str, Any] | None) -> int:
        document = body.value("document")
        channel = body.required_text("channel")
        if not isinstance(document, dict):
            raise ControlError("document is the JSON object to send.")
        channels = self._account.catalogue.channels
        if channel not in channels:
            raise ControlError(f"channel is one of: {', '.join(channels)}.")
        order = document.get("order")
        invoice_number = order.get("invoice_number") if isinstance(order, dict) else None
        return self._notifier.keep(
            invoice_number=invoice_number if isinstance(invoice_number, str) else "",
            channel=channel,
            document=document,
            fault=fault,
        )

    def _keep_order(self, body: Body, fault: dict[str, Any] | None) -> int:
        invoice_number = body.required_text("invoice_number")
        status = body.text("status") or "SUCCESS"
        with self._account.store.transaction():
            order = self._till.order(invoice_number)
            payments = self._account.store.payments.of_order(order.invoice_number)
            if status == "SUCCESS" and not payments:
                raise ControlError(
                    f"{invoice_number} has no payment to report.", HTTPStatus.CONFLICT
                )
            receipt_number = body.text("receipt_number")
            if receipt_number is not None:
                payments = [each for each in payments if each.receipt_number == receipt_number]
                if not payments:
                    raise ControlError(
                        f"{invoice_number} has no payment with that receipt.", HTTPStatus.CONFLICT
                    )
            payment = payments[-1] if payments else None
            return self._notifier.keep_for(order, payment, status, fault)
