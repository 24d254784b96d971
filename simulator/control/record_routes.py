"""Control routes of what is kept: orders, inquiries, requests."""

from datetime import date
from http import HTTPStatus

from simulator.account import Account
from simulator.clock import WIB
from simulator.control.call import Call
from simulator.control.views import (
    inquiry_view,
    notification_view,
    order_view,
    payment_view,
    utc,
)
from simulator.errors import ControlError
from simulator.settlement import settlement_csv
from simulator.store.orders import STATUSES
from simulator.till import Till
from simulator.wire import Answer


class RecordRoutes:
    """Orders and logs; an order's status can be forced."""

    def __init__(self, account: Account, till: Till) -> None:
        self._account = account
        self._store = account.store
        self._till = till

    def orders(self, call: Call) -> object:
        """Return orders, newest first."""
        orders = self._store.orders.newest(call.limit())
        return {"orders": [order_view(self._account, order) for order in orders]}

    def order(self, call: Call) -> object:
        """Return everything that is known about one invoice number."""
        name = call.name
        order = self._store.orders.get(name)
        counts = self._store.request_log.counts(name)
        kept = self._store.notifications.of_order(name)
        if order is None and not counts and not kept:
            raise ControlError(f"Invoice number {name!r} is unknown.", HTTPStatus.NOT_FOUND)
        # Without an order: DOKU got requests or sent notifications about a number it does not hold.
        unknown = {"invoice_number": name, "status": None}
        return {
            **(order_view(self._account, order) if order else unknown),
            "requests": counts,
            "payments": [payment_view(each) for each in self._store.payments.of_order(name)],
            "notifications": [notification_view(self._account, each) for each in kept],
        }

    def force_status(self, call: Call) -> object:
        """Set an order's status by hand, or give its natural one back."""
        status = call.body({"status"}).text("status")
        if status is not None and status not in STATUSES:
            raise ControlError(f"status is one of: {', '.join(STATUSES)}; or null.")
        with self._store.transaction():
            order = self._till.order(call.name)
            at = int(self._account.clock.now().timestamp())
            self._store.orders.force_status(order.invoice_number, status, at)
        return self.order(call)

    def inquiries(self, call: Call) -> object:
        """Return inquiries, newest first."""
        inquiries = self._store.inquiries.newest(call.limit(), call.query("payment_code"))
        return {"inquiries": [inquiry_view(each) for each in inquiries]}

    def payments(self, call: Call) -> object:
        """Return what the till took, oldest first: a page, for as long as there is more."""
        after = call.query("after") or "0"
        if not (after.isascii() and after.isdigit() and len(after) < 16):  # noqa: PLR2004 - an id
            raise ControlError("after is the id of a payment.")
        found = self._store.payments.listed(call.limit(), int(after), call.query("payment_code"))
        return {
            "payments": [
                {
                    "id": number,
                    "invoice_number": each.invoice_number,
                    "payment_code": payment_code,
                    **payment_view(each),
                }
                for number, payment_code, each in found
            ]
        }

    def settlement(self, call: Call) -> object:
        """Return the settlement report of a day in WIB, today's otherwise, as CSV."""
        text = call.query("day") or f"{self._account.clock.now().astimezone(WIB):%Y-%m-%d}"
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise ControlError("day is a date such as 2026-01-31.") from None
        return Answer(
            status=HTTPStatus.OK,
            body=settlement_csv(self._account, day).encode(),
            content_type="text/csv; charset=utf-8",
        )

    def requests(self, call: Call) -> object:
        """Return the requests to DOKU's routes, newest first."""
        rows = self._store.request_log.newest(call.limit(), call.query("invoice_number"))
        return {"requests": [{**row, "at": utc(row["at"])} for row in rows]}
