"""DOKU's routes: make a code, check its status, how to pay."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import quote, unquote

from simulator import signature
from simulator.channels import Catalogue, Channel, OwnBin
from simulator.clock import Clock
from simulator.config import SimulatorConfig
from simulator.documents import Malformed, read_object
from simulator.faults import Faults
from simulator.pages import how_to_pay_page
from simulator.protocol import errors, messages
from simulator.protocol.errors import Refused
from simulator.protocol.misbehave import Turn, misbehave
from simulator.protocol.security import Gate
from simulator.state import FirstAnswer, Order, Payment, State, instant
from simulator.till import Till
from simulator.wire import Answer, Request, json_answer, json_bytes

STATUS_PATH = "/orders/v1/status/"
PAGE_PATH = "/how-to-pay/v1/"
INSTRUCTION_PATH = "/how-to-pay-api/v1/"


class DokuApi:
    """Answers as DOKU would, faults included."""

    def __init__(
        self,
        config: SimulatorConfig,
        catalogue: Catalogue,
        clock: Clock,
        state: State,
        faults: Faults,
        till: Till,
        notification_url: Callable[[str], str | None],
        base_url: Callable[[], str],
    ) -> None:
        self._config = config
        self._catalogue = catalogue
        self._clock = clock
        self._state = state
        self._faults = faults
        self._till = till
        self._notification_url = notification_url
        self._base_url = base_url
        self._gate = Gate(config, clock)

    def answer(self, request: Request) -> Answer:
        """Answer any request that is not for the simulator's own pages."""
        target = request.target
        for feature, channel in (
            ("dgpc", self._catalogue.by_generate_path(target)),
            ("mgpc", self._catalogue.by_register_path(target)),
        ):
            if channel is not None:
                return self._code_request(request, channel, feature)
        invoice_number = target.removeprefix(STATUS_PATH)
        if target.startswith(STATUS_PATH) and invoice_number and "/" not in invoice_number:
            if request.method != "GET":
                return self._logged(request, "other", None, errors.method_not_supported)
            name = unquote(invoice_number)
            return self._signed(request, "status", name, lambda: self._status(name))
        for prefix, show in ((PAGE_PATH, self._page), (INSTRUCTION_PATH, self._instruction)):
            order = self._linked_order(target, prefix)
            if order is not None and request.method == "GET":
                return show(order, request)
        return self._logged(request, "other", None, lambda _: errors.not_routed(target))

    # --- around every request ------------------------------------------------------------

    def _logged(
        self,
        request: Request,
        operation: str,
        invoice_number: str | None,
        answer: Callable[[str], Answer],
    ) -> Answer:
        number = self._log(request, operation, invoice_number)
        made = answer(request.method)
        self._state.note_status(number, made.status)
        return made

    def _log(self, request: Request, operation: str, invoice_number: str | None) -> int:
        return self._state.log_request(
            at=self._clock.now().timestamp(),
            method=request.method,
            path=request.target,
            request_id=request.headers.get("request-id"),
            operation=operation,
            invoice_number=invoice_number,
        )

    def _signed(
        self,
        request: Request,
        operation: str,
        invoice_number: str | None,
        act: Callable[[], Answer],
    ) -> Answer:
        """Check in DOKU's order, act, sign; errors before the Client-Id check stay unsigned."""
        number = self._log(request, operation, invoice_number)
        answer = self._checked(request, operation, invoice_number, act, number)
        if answer.status:
            self._state.note_status(number, answer.status)
        return answer

    def _checked(
        self,
        request: Request,
        operation: str,
        invoice_number: str | None,
        act: Callable[[], Answer],
        number: int,
    ) -> Answer:
        try:
            self._gate.check_client(request)
        except Refused as refusal:
            return refusal.answer

        def acted() -> Answer:
            try:
                return act()
            except Refused as refusal:
                return refusal.answer

        try:
            self._gate.check_signature(request)
        except Refused as refusal:
            return self._gate.sign(request, refusal.answer)
        fault = self._faults.take(operation, invoice_number)
        if fault is None:
            return self._gate.sign(request, acted())
        self._state.note_fault(number, fault.kind)
        return misbehave(
            Turn(
                fault=fault,
                request=request,
                act=acted,
                gate=self._gate,
                faults=self._faults,
                base_url=self._base_url(),
            )
        )

    # --- make a code ---------------------------------------------------------------------

    def _code_request(self, request: Request, channel: Channel, feature: str) -> Answer:
        if request.method != "POST":
            return self._logged(request, "other", None, errors.method_not_supported)
        invoice_number = _invoice_number(request.body)
        return self._signed(
            request, "generate", invoice_number, lambda: self._generate(request, channel, feature)
        )

    def _generate(self, request: Request, channel: Channel, feature: str) -> Answer:
        """Make a code (``dgpc``) or register the merchant's own (``mgpc``); raises ``Refused``."""
        request_id = request.headers["request-id"]
        digest = signature.digest(request.body)
        with self._state.transaction():
            first = self._state.first_answer(request_id)
            if first is not None:
                if (first.target, first.digest) != (request.target, digest):
                    raise Refused(errors.idempotent_conflict())
                return Answer(status=HTTPStatus.CONFLICT, body=first.answer)
            try:
                document = read_object(request.body)
            except Malformed:
                raise Refused(errors.invalid_json()) from None
            own = self._catalogue.bins_for(channel, feature)
            if not own:
                raise Refused(errors.inactive())
            registering = feature == "mgpc"
            wanted = messages.read_generation(
                document,
                channel,
                self._notification_url(channel.name),
                self._catalogue.bins_of(channel) if registering else None,
            )
            if self._state.order(wanted.invoice_number) is not None:
                raise Refused(errors.duplicate_invoice())
            payment_code = wanted.payment_code or self._new_code(own[0])
            if registering and self._till.holds(payment_code):
                raise Refused(errors.code_in_use())
            created = self._clock.now().replace(microsecond=0)
            expires = created + timedelta(minutes=wanted.expired_time)
            order = Order(
                invoice_number=wanted.invoice_number,
                channel=channel.name,
                feature=feature,
                payment_code=payment_code,
                amount=wanted.amount,
                request_id=request_id,
                created_at=int(created.timestamp()),
                expires_at=int(expires.timestamp()),
                reusable=wanted.reusable,
                info=wanted.info,
                customer_name=wanted.customer_name,
                notification_url=wanted.notification_url,
            )
            base = self._base_url()
            rest = f"{channel.name}/{quote(payment_code)}"
            links = (f"{base}{PAGE_PATH}{rest}", f"{base}{INSTRUCTION_PATH}{rest}")
            body = json_bytes(messages.generation_answer(order, created, expires, links))
            self._state.add_order(order)
            self._state.remember_answer(
                request_id, FirstAnswer(target=request.target, digest=digest, answer=body)
            )
        return Answer(status=HTTPStatus.OK, body=body)

    def _new_code(self, own: OwnBin) -> str:
        """Digits that nobody ever had, that no other BIN has, and that nobody can guess."""
        free = own.code_length - len(own.digits)
        while True:
            code = own.digits + f"{secrets.randbelow(10**free):0{free}}"
            if self._catalogue.bin_of(code, own.channel) is own and not self._state.knows(code):
                return code

    # --- check a status ------------------------------------------------------------------

    def _status(self, invoice_number: str) -> Answer:
        order = self._state.order(invoice_number)
        if order is None:
            return errors.unknown_order()
        channel = self._catalogue.channel(order.channel)
        status, payment = self.status_of(order)
        return json_answer(HTTPStatus.OK, messages.status_answer(order, channel, status, payment))

    def status_of(self, order: Order) -> tuple[str, Payment | None]:
        """Return what a status check says now, and the payment that it shows.

        A payment shows 60 seconds after it was made; until then its order is PENDING, expired or
        not.
        """
        now = self._clock.now().timestamp()
        payments = self._state.payments(order.invoice_number)
        shown = [p for p in payments if p.paid_at + self._config.status_delay_seconds <= now]
        latest = shown[-1] if shown else None
        if order.forced_status is not None:
            paid = order.forced_status in {"SUCCESS", "REFUNDED"}
            return order.forced_status, latest if paid else None
        if latest is not None:
            return "SUCCESS", latest
        if order.expires_at is not None and order.expires_at <= now and not payments:
            return "EXPIRED", None
        return "PENDING", None

    # --- how to pay ----------------------------------------------------------------------

    def _linked_order(self, target: str, prefix: str) -> Order | None:
        if not target.startswith(prefix):
            return None
        channel, _, payment_code = target.removeprefix(prefix).partition("/")
        order = self._state.order_of_code(payment_code)
        return order if order is not None and order.channel == channel else None

    @staticmethod
    def _steps(channel: Channel, language: str, order: Order) -> list[str]:
        return [step.format(payment_code=order.payment_code) for step in channel.steps[language]]

    def _instruction(self, order: Order, request: Request) -> Answer:
        channel = self._catalogue.channel(order.channel)
        wanted = request.headers.get("accept-language", "").strip().lower()
        language = "en" if wanted.startswith("en") else "id"
        steps = self._steps(channel, language, order)
        return json_answer(
            HTTPStatus.OK,
            {"payment_instruction": [{"channel": channel.label, "step": steps}]},
        ).with_headers({"Content-Language": language})

    def _page(self, order: Order, _request: Request) -> Answer:
        channel = self._catalogue.channel(order.channel)
        return how_to_pay_page(
            channel=channel.label,
            payment_code=order.payment_code,
            amount=order.amount,
            expires=instant(order.expires_at or 0),  # known of every code that has a link
            steps=self._steps(channel, "id", order),
        )


def _invoice_number(body: bytes) -> str | None:
    """Read the invoice number of a request, for the log, before anything is checked."""
    try:
        order = read_object(body).get("order")
    except Malformed:
        return None
    number = order.get("invoice_number") if isinstance(order, dict) else None
    return number if isinstance(number, str) else None
