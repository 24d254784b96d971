"""The till: looks up payment codes and takes cash for them."""

from dataclasses import dataclass
from http import HTTPStatus

from simulator.account import Account
from simulator.channels import MAX_CODE_LENGTH, Channel
from simulator.errors import ControlError
from simulator.inquirer import Inquirer
from simulator.refusals import Refusal, refusal_after, refusal_of
from simulator.store.inquiries import Inquiry
from simulator.store.orders import Order
from simulator.store.payments import Payment

DEFAULT_STORE_ID = "T001"

_NOT_PAYABLE = {"EXPIRED", "REFUNDED", "SUCCESS"}
"""Statuses set by hand at which a till refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the store prints on the receipt."""

    agent_id: str | None = None
    store_id: str = DEFAULT_STORE_ID
    receipt_number: str | None = None
    numbered: bool = True
    """If false, there is no number, and the notification carries no AGENT_TRX_ID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What the till shows about a code: from DOKU's own order, or from the merchant's answer."""

    channel: Channel
    feature: str
    payment_code: str
    invoice_number: str | None
    amount: int | None
    customer_name: str | None
    info: str | None
    expires_at: int | None
    inquiry: Inquiry | None
    refusal: Refusal | None


class Till:
    """Looks up codes and takes cash."""

    def __init__(self, account: Account, inquirer: Inquirer) -> None:
        self._catalogue = account.catalogue
        self._clock = account.clock
        self._chance = account.config.chance
        self._store = account.store
        self._inquirer = inquirer

    # --- codes that DOKU holds ------------------------------------------------------------

    def order(self, invoice_number: str) -> Order:
        """Return the order of an invoice number; raises ``ControlError`` if there is none."""
        order = self._store.orders.get(invoice_number)
        if order is None:
            raise _no_invoice(invoice_number)
        return order

    def refusal(self, order: Order) -> Refusal | None:
        """Return why a till takes no money for this order now; ``None`` if it does."""
        if order.forced_status in _NOT_PAYABLE:
            return Refusal(
                f"Payment code {order.payment_code} is {order.forced_status}.",
                f"Kode pembayaran {order.payment_code} berstatus {order.forced_status}.",
            )
        if order.expires_at is not None and order.expires_at <= self._clock.now().timestamp():
            return refusal_of("billing_was_expired", order.payment_code)
        if not order.reusable and self._store.payments.of_order(order.invoice_number):
            return refusal_of("billing_already_paid", order.payment_code)
        return None

    def holds(self, payment_code: str) -> bool:
        """Whether DOKU holds an order that can be paid under these digits."""
        order = self._store.orders.by_code(payment_code)
        return order is not None and self.refusal(order) is None

    # --- what the till shows --------------------------------------------------------------

    def bill(
        self, payment_code: str | None, invoice_number: str | None, *, ask: bool = True
    ) -> Bill:
        """Look up a code by exactly one of the two; raises ``ControlError``.

        If DOKU holds no payable order for the digits and they belong to a BIN of direct inquiry,
        the merchant is asked: do not call this inside a transaction, the answer may take seconds.
        Without ``ask``, the last answer that was a success counts, however old.
        """
        if (payment_code is None) == (invoice_number is None):
            raise ControlError("Give payment_code or invoice_number, one of them.")
        if payment_code is not None:
            return self._by_code(payment_code, ask=ask)
        return self._by_invoice(invoice_number or "", ask=ask)

    def _by_code(self, payment_code: str, *, ask: bool) -> Bill:
        if not (payment_code.isascii() and payment_code.isdigit()):
            raise ControlError("A payment code has digits only.")
        if len(payment_code) > MAX_CODE_LENGTH:
            raise ControlError(f"A payment code has at most {MAX_CODE_LENGTH} digits.")
        order = self._store.orders.by_code(payment_code)
        if order is not None and self.refusal(order) is None:
            return self._own(order)
        channel = self._asked_of(payment_code)
        if channel is not None and (order is None or self._inquirer.can_ask(channel)):
            if ask:
                return self._answered(channel, self._inquirer.ask(channel, payment_code))
            last = self._store.inquiries.last_payable(payment_code=payment_code)
            if last is not None:
                return self._answered(channel, last)
            if order is None:
                raise ControlError(
                    f"No inquiry of payment code {payment_code} was answered with success yet.",
                    HTTPStatus.CONFLICT,
                )
        if order is None:
            raise refusal_of("billing_not_found", payment_code).error()
        return self._own(order)

    def _by_invoice(self, invoice_number: str, *, ask: bool) -> Bill:
        order = self._store.orders.get(invoice_number)
        if order is not None and order.feature != "dipc":
            return self._own(order)
        last = self._store.inquiries.last_payable(invoice_number=invoice_number)
        if last is None:
            raise _no_invoice(invoice_number)
        channel = self._catalogue.channel(last.channel)
        if not ask:
            return self._answered(channel, last)
        bill = self._answered(channel, self._inquirer.ask(channel, last.payment_code))
        if bill.refusal is None and bill.invoice_number != invoice_number:
            raise ControlError(
                f"Payment code {last.payment_code} belongs to {bill.invoice_number!r} now.",
                HTTPStatus.CONFLICT,
            )
        return bill

    def _asked_of(self, payment_code: str) -> Channel | None:
        """Return the channel whose merchant DOKU asks about these digits, if any."""
        merchant_bin = self._catalogue.bin_of(payment_code)
        if (
            merchant_bin is None
            or "dipc" not in merchant_bin.features
            or not merchant_bin.fits(payment_code)
        ):
            return None
        return merchant_bin.channel

    def _own(self, order: Order) -> Bill:
        return Bill(
            channel=self._catalogue.channel(order.channel),
            feature=order.feature,
            payment_code=order.payment_code,
            invoice_number=order.invoice_number,
            amount=order.amount,
            customer_name=order.customer_name,
            info=order.info,
            expires_at=order.expires_at,
            inquiry=None,
            refusal=self.refusal(order),
        )

    @staticmethod
    def _answered(channel: Channel, inquiry: Inquiry) -> Bill:
        return Bill(
            channel=channel,
            feature="dipc",
            payment_code=inquiry.payment_code,
            invoice_number=inquiry.invoice_number,
            amount=inquiry.amount,
            customer_name=inquiry.customer_name,
            info=inquiry.info,
            expires_at=None,
            inquiry=inquiry,
            refusal=refusal_after(inquiry),
        )

    # --- cash -----------------------------------------------------------------------------

    def pay(
        self, bill: Bill, amount: int | None, receipt: Receipt, *, force: bool
    ) -> tuple[Order, Payment]:
        """Take the cash, ``amount`` rupiah or the bill; ``force``: even if a till would refuse.

        Raises ``ControlError``. Call it inside the transaction that also keeps the notification.
        """
        if bill.inquiry is not None:
            order, owed = self._recorded(bill.inquiry), bill.inquiry.amount or 0
            refusal = bill.refusal
        else:
            # Looked up again: another till may have taken the money meanwhile.
            order = self.order(bill.invoice_number or "")
            owed, refusal = order.amount, None if force else self.refusal(order)
        if refusal is not None:
            raise refusal.error()
        if order.forced_status == "FAILED":
            # A failed try at the till does not stop the next one.
            self._store.orders.force_status(order.invoice_number, None, 0)
        number = receipt.receipt_number
        if number is None and receipt.numbered:
            number = f"{self._chance.randrange(10**12):012}"
        payment = Payment(
            invoice_number=order.invoice_number,
            amount=owed if amount is None else amount,
            paid_at=self._clock.now().timestamp(),
            agent_id=receipt.agent_id or bill.channel.agent_id,
            store_id=receipt.store_id,
            receipt_number=number,
        )
        self._store.payments.add(payment)
        return order, payment

    def _recorded(self, inquiry: Inquiry) -> Order:
        """Return the order of a payable inquiry: DOKU knows it from its first payment on."""
        number = inquiry.invoice_number or ""
        order = self._store.orders.get(number)
        if order is None:
            order = Order(
                invoice_number=number,
                channel=inquiry.channel,
                feature="dipc",
                payment_code=inquiry.payment_code,
                amount=inquiry.amount or 0,
                request_id=inquiry.request_id,
                created_at=int(inquiry.at),
                expires_at=None,
                reusable=False,
                info=inquiry.info,
                customer_name=inquiry.customer_name or "",
                notification_url=None,
            )
            self._store.orders.add(order)
        elif (order.feature, order.payment_code) != ("dipc", inquiry.payment_code):
            raise ControlError(
                f"{number} is the invoice number of payment code {order.payment_code}.",
                HTTPStatus.CONFLICT,
            )
        return order


def _no_invoice(invoice_number: str) -> ControlError:
    return ControlError(f"Invoice number {invoice_number!r} is unknown.", HTTPStatus.NOT_FOUND)
