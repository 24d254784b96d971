"""DOKU's routes: finds what a request asks for, and checks, logs and signs around it."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from simulator.account import Account
from simulator.channels import Channel
from simulator.order_status import status_of
from simulator.protocol import bodies, error_answers
from simulator.protocol.authentication import Authenticator
from simulator.protocol.error_answers import DokuError
from simulator.protocol.how_to_pay import HowToPay
from simulator.protocol.misbehave import SpoiledRequest, misbehave
from simulator.protocol.payment_codes import PaymentCodes
from simulator.store.orders import Order
from simulator.strict_json import Malformed, read_object
from simulator.till import Till
from simulator.wire import Answer, Request, json_answer

STATUS_PATH = "/orders/v1/status/"


class DokuApi:
    """Answers as DOKU would, faults included."""

    def __init__(self, account: Account, till: Till) -> None:
        self._account = account
        self._clock = account.clock
        self._orders = account.store.orders
        self._log = account.store.request_log
        self._faults = account.faults
        self._authenticator = Authenticator(account.config)
        self._payment_codes = PaymentCodes(account, till)
        self._how_to_pay = HowToPay(account)

    def answer(self, request: Request) -> Answer:
        """Answer any request that is not for the simulator's own pages."""
        target = request.target
        for feature, channel in (
            ("dgpc", self._account.catalogue.by_generate_path(target)),
            ("mgpc", self._account.catalogue.by_register_path(target)),
        ):
            if channel is not None:
                return self._payment_code(request, channel, feature)
        invoice_number = target.removeprefix(STATUS_PATH)
        if target.startswith(STATUS_PATH) and invoice_number and "/" not in invoice_number:
            if request.method != "GET":
                return self._unsigned(request, error_answers.method_not_supported)
            return self._status(request, unquote(invoice_number))
        shown = self._how_to_pay.find(request)
        if shown is not None:
            return self._show(request, shown)
        return self._unsigned(request, lambda _: error_answers.not_routed(target))

    def _payment_code(self, request: Request, channel: Channel, feature: str) -> Answer:
        if request.method != "POST":
            return self._unsigned(request, error_answers.method_not_supported)
        invoice_number = _invoice_number(request.body)
        order = None if invoice_number is None else self._orders.get(invoice_number)
        asked = _Asked(
            "generate", invoice_number, channel.name, () if order is None else ("order",)
        )
        return self._signed(
            request, asked, lambda: self._payment_codes.make(request, channel, feature)
        )

    def _status(self, request: Request, invoice_number: str) -> Answer:
        order = self._orders.get(invoice_number)
        asked = _Asked("status", invoice_number, None, ())
        if order is not None:
            status, _ = status_of(self._account, order)
            about = ("order", "payment") if status in {"SUCCESS", "REFUNDED"} else ("order",)
            asked = _Asked("status", invoice_number, order.channel, about)
        return self._signed(request, asked, lambda: self._status_answer(invoice_number))

    def _status_answer(self, invoice_number: str) -> Answer:
        order = self._orders.get(invoice_number)
        if order is None:
            return error_answers.unknown_order()
        channel = self._account.catalogue.channel(order.channel)
        status, payment = status_of(self._account, order)
        return json_answer(200, bodies.status_answer(order, channel, status, payment))

    def _show(self, request: Request, order: Order) -> Answer:
        """Answer a request for a how-to-pay link, which nobody signs and nobody logs."""
        asked = _Asked("how_to_pay", order.invoice_number, order.channel, ("order",))

        def show() -> Answer:
            return self._how_to_pay.show(request, order)

        return self._spoiled(request, asked, show, None) or show()

    # --- around every request ------------------------------------------------------------

    def _unsigned(self, request: Request, refuse: Callable[[str], Answer]) -> Answer:
        """Refuse a path or a method before anything else is checked."""
        number = self._logged(request, "other", None)
        answer = refuse(request.method)
        self._log.note_status(number, answer.status)
        return answer

    def _logged(self, request: Request, operation: str, invoice_number: str | None) -> int:
        return self._log.add(
            at=self._clock.now().timestamp(),
            method=request.method,
            path=request.target,
            request_id=request.headers.get("request-id"),
            operation=operation,
            invoice_number=invoice_number,
        )

    def _signed(self, request: Request, asked: "_Asked", act: Callable[[], Answer]) -> Answer:
        """Check in DOKU's order, act, sign; errors before the Client-Id check stay unsigned."""
        number = self._logged(request, asked.operation, asked.invoice_number)
        answer = self._checked(request, asked, act, number)
        if answer.status:
            self._log.note_status(number, answer.status)
        return answer

    def _checked(
        self,
        request: Request,
        asked: "_Asked",
        act: Callable[[], Answer],
        number: int,
    ) -> Answer:
        try:
            self._authenticator.check_client(request)
        except DokuError as error:
            return error.answer

        def acted() -> Answer:
            try:
                return act()
            except DokuError as error:
                return error.answer

        try:
            self._authenticator.check_signature(request)
        except DokuError as error:
            return self._authenticator.sign(request, error.answer)
        spoiled = self._spoiled(request, asked, acted, number)
        return self._authenticator.sign(request, acted()) if spoiled is None else spoiled

    def _spoiled(
        self, request: Request, asked: "_Asked", act: Callable[[], Answer], number: int | None
    ) -> Answer | None:
        """Return the answer that the next fault demands; ``None`` if there is none."""
        fault = self._faults.take(asked.operation, asked.invoice_number, asked.channel, asked.about)
        if fault is None:
            return None
        if number is not None:
            self._log.note_fault(number, fault.kind)
        return misbehave(
            SpoiledRequest(
                fault=fault,
                request=request,
                act=act,
                authenticator=self._authenticator,
                hanging=self._faults.hanging,
                base_url=self._account.base_url,
                store=self._account.store,
            )
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request asks for, as far as a fault may depend on it."""

    operation: str
    invoice_number: str | None
    channel: str | None
    about: tuple[str, ...]


def _invoice_number(body: bytes) -> str | None:
    """Read the invoice number of a request, for the log, before anything is checked."""
    try:
        order = read_object(body).get("order")
    except Malformed:
        return None
    number = order.get("invoice_number") if isinstance(order, dict) else None
    return number if isinstance(number, str) else None
