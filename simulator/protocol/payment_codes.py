"""Makes payment codes, and registers those of the merchant (DOKU protocol, sections 3 and 8)."""

from datetime import timedelta

from simulator import signature
from simulator.account import Account
from simulator.catalogue import MerchantBin
from simulator.channels import Channel
from simulator.protocol import bodies, error_answers, how_to_pay
from simulator.protocol.code_request import read_code_request
from simulator.protocol.error_answers import DokuError
from simulator.store.first_answers import FirstAnswer
from simulator.store.orders import Order
from simulator.strict_json import Malformed, read_object
from simulator.till import Till
from simulator.wire import Answer, Request, json_bytes


class PaymentCodes:
    """Answers requests for a payment code, once for each Request-Id."""

    def __init__(self, account: Account, till: Till) -> None:
        self._account = account
        self._catalogue = account.catalogue
        self._store = account.store
        self._till = till

    def make(self, request: Request, channel: Channel, feature: str) -> Answer:
        """Make a code (``dgpc``) or register the merchant's (``mgpc``); raises ``DokuError``."""
        request_id = request.headers["request-id"]
        digest = signature.digest(request.body)
        with self._store.transaction():
            first = self._store.first_answers.get(request_id)
            if first is not None:
                if (first.target, first.digest) != (request.target, digest):
                    raise DokuError(error_answers.idempotent_conflict())
                return Answer(status=409, body=first.answer)
            order = self._new_order(request, channel, feature)
            links = how_to_pay.links(self._account.base_url, order)
            body = json_bytes(bodies.code_answer(order, links))
            self._store.orders.add(order)
            self._store.first_answers.add(
                FirstAnswer(
                    request_id=request_id, target=request.target, digest=digest, answer=body
                )
            )
        return Answer(status=200, body=body)

    def _new_order(self, request: Request, channel: Channel, feature: str) -> Order:
        try:
            document = read_object(request.body)
        except Malformed:
            raise DokuError(error_answers.invalid_json()) from None
        bins = self._catalogue.bins_for(channel, feature)
        if not bins:
            raise DokuError(error_answers.inactive())
        registering = feature == "mgpc"
        wanted = read_code_request(
            document,
            channel,
            self._account.notification_urls.get(channel.name),
            self._catalogue.bin_of if registering else None,
            strict=self._account.config.strict,
        )
        if self._store.orders.get(wanted.invoice_number) is not None:
            raise DokuError(error_answers.duplicate_invoice())
        payment_code = wanted.payment_code or self._new_code(bins[0])
        if registering and self._till.holds(payment_code):
            raise DokuError(error_answers.code_in_use())
        created = self._account.clock.now().replace(microsecond=0)
        expires = created + timedelta(minutes=wanted.expired_time)
        return Order(
            invoice_number=wanted.invoice_number,
            channel=channel.name,
            feature=feature,
            payment_code=payment_code,
            amount=wanted.amount,
            request_id=request.headers["request-id"],
            created_at=int(created.timestamp()),
            expires_at=int(expires.timestamp()),
            reusable=wanted.reusable,
            info=wanted.info,
            customer_name=wanted.customer_name,
            notification_url=wanted.notification_url,
            report=wanted.report,
        )

    def _new_code(self, merchant_bin: MerchantBin) -> str:
        """Return random digits that no order ever had and that belong to no other BIN."""
        free = merchant_bin.code_length - len(merchant_bin.digits)
        chance = self._account.config.chance
        while True:
            code = merchant_bin.digits + f"{chance.randrange(10**free):0{free}}"
            fits = self._catalogue.bin_of(code, merchant_bin.channel) is merchant_bin
            if fits and not self._store.orders.has_code(code):
                return code
