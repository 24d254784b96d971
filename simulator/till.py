"""The till: what a cashier can ask and do with a payment code."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from simulator.channels import MAX_CODE_LENGTH, Catalogue, Channel
from simulator.clock import Clock
from simulator.errors import ControlError
from simulator.inquiry import NO_URL, Inquirer
from simulator.state import Inquiry, Order, Payment, State

DEFAULT_STORE_ID = "T001"

NOT_PAYABLE = {"EXPIRED", "REFUNDED", "SUCCESS"}
"""Statuses, forced by hand, with which a till refuses."""


@dataclass(frozen=True, slots=True)
class Words:
    """Why a till takes no money, in the languages of its page."""

    en: str
    id: str
    status: HTTPStatus = HTTPStatus.CONFLICT

    def error(self, more: Mapping[str, object] | None = None) -> ControlError:
        """Return the error that says so."""
        return ControlError(self.en, self.status, {"error_id": self.id, **(more or {})})


_WORDS: Mapping[str, tuple[str, str]] = {
    "billing_not_found": (
        "Payment code {code} is unknown.",
        "Kode pembayaran {code} tidak dikenal.",
    ),
    "billing_was_expired": (
        "Payment code {code} has expired.",
        "Kode pembayaran {code} sudah kedaluwarsa.",
    ),
    "billing_already_paid": (
        "Payment code {code} has already been paid.",
        "Kode pembayaran {code} sudah dibayar.",
    ),
    "decline": (
        "The merchant declined payment code {code}.",
        "Kode pembayaran {code} ditolak oleh pedagang.",
    ),
    "invalid_signature": (
        "The merchant refused the signature of the inquiry.",
        "Pedagang menolak tanda tangan inquiry.",
    ),
}
"""What a till says, by what a merchant answers: the same for codes that DOKU holds itself."""


def _words(status: str, payment_code: str) -> Words:
    en, indonesian = (text.format(code=payment_code) for text in _WORDS[status])
    unknown = status == "billing_not_found"
    return Words(en, indonesian, HTTPStatus.NOT_FOUND if unknown else HTTPStatus.CONFLICT)


def _after(inquiry: Inquiry) -> Words | None:
    """What a till says after an inquiry; ``None`` where it may take the cash."""
    if inquiry.problem is None:
        status = inquiry.status or ""
        return None if status == "success" else _words(status, inquiry.payment_code)
    reason = f"{inquiry.problem[:1].upper()}{inquiry.problem[1:]}."
    if inquiry.problem == NO_URL:
        return Words(reason, "URL inquiry belum diatur.")
    if inquiry.http_status is None:
        return Words(reason, "Pedagang tidak menjawab. Silakan coba lagi.")
    return Words(reason, "Jawaban pedagang tidak bisa dipakai.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the store writes on the receipt."""

    agent_id: str | None = None
    store_id: str = DEFAULT_STORE_ID
    receipt_number: str | None = None
    numbered: bool = True
    """Without a number, the notification carries no AGENT_TRX_ID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What the till shows of a code: out of DOKU's own order, or out of the merchant's answer."""

    channel: Channel
    feature: str
    payment_code: str
    invoice_number: str | None
    amount: int | None
    customer_name: str | None
    info: str | None
    expires_at: int | None
    inquiry: Inquiry | None
    refusal: Words | None


class Till:
    """Looks up codes and takes cash."""

    def __init__(
        self, catalogue: Catalogue, clock: Clock, state: State, inquirer: Inquirer
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._state = state
        self._inquirer = inquirer

    # --- codes that DOKU holds ------------------------------------------------------------

    def order(self, invoice_number: str) -> Order:
        """Return the order of an invoice number; raises ``ControlError``."""
        order = self._state.order(invoice_number)
        if order is None:
            raise _no_invoice(invoice_number)
        return order

    def refusal(self, order: Order) -> Words | None:
        """Why a till does not take money for this order now; ``None`` if it does."""
        if order.forced_status in NOT_PAYABLE:
            return Words(
                f"Payment code {order.payment_code} is {order.forced_status}.",
                f"Kode pembayaran {order.payment_code} berstatus {order.forced_status}.",
            )
        if order.expires_at is not None and order.expires_at <= self._clock.now().timestamp():
            return _words("billing_was_expired", order.payment_code)
        if not order.reusable and self._state.payments(order.invoice_number):
            return _words("billing_already_paid", order.payment_code)
        return None

    def holds(self, payment_code: str) -> bool:
        """Whether a live order of DOKU's has these digits."""
        order = self._state.order_of_code(payment_code)
        return order is not None and self.refusal(order) is None

    # --- what the till shows --------------------------------------------------------------

    def bill(
        self, payment_code: str | None, invoice_number: str | None, *, ask: bool = True
    ) -> Bill:
        """Look up a code by exactly one of the two; raises ``ControlError``.

        A code that DOKU does not hold alive itself, but that lives under a BIN of direct inquiry,
        is asked about: not inside a transaction, because the merchant may take its time. Without
        ``ask``, the last answer counts that was a success, however old.
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
        order = self._state.order_of_code(payment_code)
        if order is not None and self.refusal(order) is None:
            return self._own(order)
        channel = self._asked_of(payment_code)
        if channel is not None and (order is None or self._inquirer.can_ask(channel)):
            if ask:
                return self._answered(channel, self._inquirer.ask(channel, payment_code))
            last = self._state.last_payable(payment_code=payment_code)
            if last is not None:
                return self._answered(channel, last)
            if order is None:
                raise ControlError(
                    f"No inquiry of payment code {payment_code} was answered with success yet.",
                    HTTPStatus.CONFLICT,
                )
        if order is None:
            raise _words("billing_not_found", payment_code).error()
        return self._own(order)

    def _by_invoice(self, invoice_number: str, *, ask: bool) -> Bill:
        order = self._state.order(invoice_number)
        if order is not None and order.feature != "dipc":
            return self._own(order)
        last = self._state.last_payable(invoice_number=invoice_number)
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
        """Return the channel under whose BIN the merchant is asked, if any."""
        own = self._catalogue.bin_of(payment_code)
        if own is None or "dipc" not in own.features:
            return None
        free = len(payment_code) - len(own.digits)
        return own.channel if 1 <= free <= own.max_free else None

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
            refusal=_after(inquiry),
        )

    # --- cash -----------------------------------------------------------------------------

    def pay(
        self, bill: Bill, amount: int | None, receipt: Receipt, *, force: bool
    ) -> tuple[Order, Payment]:
        """Take the cash; ``force`` takes it even where a till would refuse.

        Raises ``ControlError``. Call it inside the transaction that also keeps the notification.
        """
        if bill.inquiry is not None:
            order, owed = self._recorded(bill.inquiry), bill.inquiry.amount or 0
            refusal = bill.refusal
        else:
            # Looked up again: somebody else may have paid meanwhile.
            order = self.order(bill.invoice_number or "")
            owed, refusal = order.amount, None if force else self.refusal(order)
        if refusal is not None:
            raise refusal.error()
        if order.forced_status == "FAILED":
            # A failed try at the till does not stop the next one.
            self._state.force_status(order.invoice_number, None, 0)
        number = receipt.receipt_number
        if number is None and receipt.numbered:
            number = f"{secrets.randbelow(10**12):012}"
        payment = self._state.add_payment(
            invoice_number=order.invoice_number,
            amount=owed if amount is None else amount,
            paid_at=self._clock.now().timestamp(),
            agent_id=receipt.agent_id or bill.channel.agent_id,
            store_id=receipt.store_id,
            receipt_number=number,
        )
        return order, payment

    def _recorded(self, inquiry: Inquiry) -> Order:
        """Return the order of a payable inquiry: from its first payment on, DOKU knows it."""
        number = inquiry.invoice_number or ""
        order = self._state.order(number)
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
            self._state.add_order(order)
        elif (order.feature, order.payment_code) != ("dipc", inquiry.payment_code):
            raise ControlError(
                f"{number} is the invoice number of payment code {order.payment_code}.",
                HTTPStatus.CONFLICT,
            )
        return order


def _no_invoice(invoice_number: str) -> ControlError:
    return ControlError(f"Invoice number {invoice_number!r} is unknown.", HTTPStatus.NOT_FOUND)
