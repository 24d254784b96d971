"""DOKU in the simulation: it holds the truth about orders and payments, speaks bytes, and lies.

It is our simulator of DOKU without its server, with a clock and a chance given: what it holds,
how it signs and what it says of an order is the simulator's. Each order has a chance of its own, so
that a run without one order finds the others as they were.
"""

import heapq
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from io import BytesIO
from typing import Any, cast
from urllib.parse import unquote
from weakref import finalize

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from o2o.adapters.doku.transport import NotConnected
from o2o.core.channels import Channel, Feature
from o2o.core.codes import Source
from o2o.core.receipts import comparable
from simulator import wire
from simulator.account import Account
from simulator.catalogue import Catalogue
from simulator.channels import CHANNELS
from simulator.channels import Channel as ChannelAtDoku
from simulator.clock import Clock, instant, utc_text
from simulator.config import AMOUNT_FORMS, SimulatorConfig
from simulator.errors import ControlError
from simulator.inquirer import Inquirer, Question
from simulator.merchant_urls import MerchantUrls
from simulator.order_status import status_of
from simulator.outgoing import make_message
from simulator.protocol import bodies
from simulator.protocol.api import STATUS_PATH, DokuApi
from simulator.protocol.direct_inquiry import RawResponse
from simulator.protocol.payment_codes import PaymentCodes
from simulator.store import Store
from simulator.store import orders as store_orders
from simulator.store import payments as store_payments
from simulator.store.request_log import RequestLog
from simulator.till import Receipt, Till
from tests.simulation.faults import Faults
from tests.simulation.lies import WORDS, DrawnFaults, Json, Liar, dump
from tests.simulation.truth import Order, Telling, TillPayment

BASE_URL = "https://doku.example"
CLIENT_ID = "MCH-0001-10791114622547"
NOTIFICATION_PATH = "/doku/notifications"
INQUIRY_PATH = "/doku/inquiries"
PATHS: Mapping[tuple[Channel, Feature], str] = {
    (Channel(channel.name), feature): path
    for channel in CHANNELS
    for feature, path in (
        (Feature.DGPC, channel.generate_path),
        (Feature.MGPC, channel.register_path),
    )
    if path
}
"""What a ``DokuClient`` is given."""

TILL_WAITS = timedelta(minutes=10)
"""How long after our answer to an inquiry a till may still take the money."""

_MERCHANT = "https://shop.example"
_SHOWN_AFTER = timedelta(seconds=60)
_SEVENTEEN_HOURS = timedelta(hours=17)
_LONGEST_LEEWAY = timedelta(seconds=45)
_RETRIES = (
    tuple(timedelta(hours=hours) for hours in (0.5, 6, 12)),
    tuple(timedelta(hours=hours) for hours in (0.5, 6, 17.5)),
)
"""The two readings of DOKU's table (DOKU protocol, section 6), since the first attempt."""

_BRANDS = {"alfa": ("ALFAMART", "ALFAMIDI", "LAWSON"), "indomaret": ("INDOMARET",)}
_UNPAIDX = ("FAILED", "PENDING", "EXPIRED", *WORDS)


@dataclass(frozen=True, slots=True, eq=False)
class OutgoingMessage:
    """A message of DOKU's to us, as it travels."""

    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    notice: "_Notice | None" = field(default=None, repr=False)
    told: tuple[tuple[TillPayment, int], ...] = field(default=(), repr=False)
    question: Question | None = field(default=None, repr=False)

    @property
    def invoice_number(self) -> str | None:
        """The order that a notification is about."""
        return self.notice.invoice_number if self.notice else None


@dataclass(eq=False)
class _Notice:
    """A notification that DOKU sends until it is taken or its retries are used up."""

    invoice_number: str
    document: Json
    payment: TillPayment | None
    chance: random.Random
    attempts: int = 0
    first_at: datetime | None = None
    is_taken: bool = False
    body: bytes | None = None


class Network(BaseAdapter):
    """Mounted in place of the network: ``session.mount("https://", Network(doku.answer))``."""

    def __init__(self, answer: Callable[[requests.PreparedRequest], requests.Response]) -> None:
        super().__init__()
        self._answer = answer

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        return self._answer(request)

    def close(self) -> None:
        """Nothing is open."""


class Doku:
    """DOKU's account of one merchant. Without ``faults`` it is honest, quick and complete."""

    def __init__(
        self,
        rng: random.Random,
        now: Callable[[], datetime],
        client_id: str,
        secret: Callable[[], str],
        faults: Faults,
    ) -> None:
        self.till: list[TillPayment] = []
        """Every payment of an order of ours."""
        self.strays: list[TillPayment] = []
        """Payments of orders that we never made."""
        self._seed = rng.getrandbits(64)
        self._now = now
        self._secret = secret
        self._key = secret()
        self._told: dict[str, Telling] = {}
        self._by_order: defaultdict[str, list[TillPayment]] = defaultdict(list)
        self._siblings: defaultdict[str, list[TillPayment]] = defaultdict(list)
        """The same, and what an operator gave to the order's code."""
        self._spent: set[int] = set()
        """The inquiries whose answer was paid on."""
        self._answered: set[str] = set()
        """The orders whose digits have got out."""
        self._due: list[tuple[datetime, int, Callable[[], Sequence[OutgoingMessage]]]] = []
        self._places = 0
        self._retries = _RETRIES[self._seed % len(_RETRIES)]
        store = Store(None)
        store.request_log = _NoLog()
        self._liar = Liar(self._seed, faults, store, now)
        finalize(self, store.close)
        config = SimulatorConfig(
            client_id=client_id,
            secret_key=self._key,
            now=now,
            machine_now=now,
            chance=random.Random(self._seed),
        )
        self._catalogue = Catalogue(config.channels, config.bins)
        self._be(
            Account(
                config=config,
                catalogue=self._catalogue,
                clock=Clock(now),
                store=store,
                faults=DrawnFaults(
                    self._liar, self.has_order, self.may_deny, tuple(self._catalogue.channels)
                ),
                notification_urls=self._urls(store, "notification", NOTIFICATION_PATH),
                inquiry_urls=self._urls(store, "inquiry", INQUIRY_PATH),
                base_url=BASE_URL,
            )
        )

    @property
    def faults(self) -> Faults:
        """What may go wrong, from now on."""
        return self._liar.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._liar.faults = faults

    @property
    def fired(self) -> Counter[str]:
        """How often each fault happened."""
        return self._liar.fired

    def retell_code(self, request: wire.Request, plain: wire.Answer) -> wire.Answer:
        """The answer with a code, as chance has it."""
        return self._liar.of_code(_named(request), plain)

    def _urls(self, store: Store, purpose: str, path: str) -> MerchantUrls:
        urls = dict.fromkeys(self._catalogue.channels, _MERCHANT + path)
        return MerchantUrls(store.settings, purpose, urls, strict=False)

    def _be(self, account: Account) -> None:
        self._account = account
        self._store = account.store
        self._inquirer = Inquirer(account)
        self._cashier = Till(account, self._inquirer)
        self._api = _Api(account, self._cashier, self)

    def _take_key(self) -> None:
        """Sign and verify with the key of this moment."""
        key = self._secret()
        if key != self._key:
            self._key = key
            self._be(replace(self._account, config=replace(self._account.config, secret_key=key)))

    # --- what it holds --------------------------------------------------------------------

    @property
    def orders(self) -> Mapping[str, Order]:
        """All orders, by order number."""
        rows = self._store.orders.newest(1_000_000)
        return {row.invoice_number: self._order(row) for row in reversed(rows)}

    def order(self, invoice_number: str) -> Order | None:
        """One order, by its number."""
        row = self._store.orders.get(invoice_number)
        return None if row is None else self._order(row)

    def _order(self, row: store_orders.Order) -> Order:
        return Order(
            invoice_number=row.invoice_number,
            payment_code=row.payment_code,
            channel=Channel(row.channel),
            feature=Feature(row.feature),
            amount=row.amount,
            is_reusable=row.reusable,
            created_at=instant(row.created_at),
            expires_at=None if row.expires_at is None else instant(row.expires_at),
            payments=len(self._by_order[row.invoice_number]),
            is_refunded=row.forced_status == "REFUNDED",
        )

    def has_order(self, invoice_number: str | None) -> bool:
        """Whether it holds an order of this number."""
        return invoice_number is not None and self._store.orders.get(invoice_number) is not None

    def may_deny(self, invoice_number: str | None) -> bool:
        """Whether it may say, signed, that it knows no such order, though it does.

        Just after the order was made that is so; and later it contradicts only itself if it has
        told the digits before, and nobody has paid.
        """
        order = self.order(invoice_number or "")
        if order is None or order.payments or order.feature is Feature.DIPC:
            return False
        is_young = self._now() - order.created_at < _SHOWN_AFTER
        return is_young or invoice_number in self._answered

    def told(self, digest: str) -> Telling | None:
        """What a body truly speaks of, by its SHA-256; None if DOKU never sent it."""
        return self._told.get(digest)

    # --- requests of ours -----------------------------------------------------------------

    def answer(self, request: requests.PreparedRequest) -> requests.Response:
        """Answer a request of ours; raises what `requests` raises if no whole answer comes."""
        self._take_key()
        body = request.body or b""
        asked = wire.Request(
            method=request.method or "",
            target=request.path_url,
            query={},
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body.encode() if isinstance(body, str) else body,
            connection=cast("Any", None),
        )
        if self._liar.happens("unreachable", self._liar.chance(_named(asked))):
            raise NotConnected
        answer = self._api.answer(asked)
        match answer.delivery:
            case wire.Delivery.NONE | wire.Delivery.DRIP:
                raise requests.exceptions.ReadTimeout
            case wire.Delivery.RESET:
                raise requests.exceptions.ConnectionError
            case wire.Delivery.HALF:
                raise requests.exceptions.ChunkedEncodingError
        number = _named(asked)
        if number and b'"payment_code"' in answer.body and "Signature" in answer.headers:
            self._answered.add(number)
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response.raw = HTTPResponse(body=BytesIO(answer.body), preload_content=False)
        return response

    # --- tills ----------------------------------------------------------------------------

    def pay(
        self,
        invoice_number: str,
        *,
        amount: int | None = None,
        currency: str = "IDR",
        receipt_number: str | None = None,
        store_id: str | None = None,
        agent_id: str | None = None,
    ) -> TillPayment | None:
        """A customer pays at a till, ``amount`` or the bill; None if no till takes the money.

        A code that lives at the merchant is paid on our last answer to an inquiry that said yes,
        in the next ten minutes, once for each such answer.
        """
        chance = self._liar.chance(invoice_number)
        try:
            bill = self._cashier.bill(None, invoice_number, ask=False)
        except ControlError:
            return None
        force = False
        if bill.inquiry is not None:
            age = self._now().timestamp() - bill.inquiry.at
            if bill.inquiry.id in self._spent or age > TILL_WAITS.total_seconds():
                return None
        elif bill.refusal is not None:
            force = self._is_in_leeway(invoice_number, chance)
            if not force:
                return None
        receipt = self._receipt(
            invoice_number,
            bill.channel.name,
            Receipt(
                agent_id=agent_id,
                store_id=store_id or "",
                receipt_number=receipt_number,
            ),
        )
        try:
            row, paid = self._cashier.pay(bill, amount, receipt, force=force)
        except ControlError:
            return None
        if bill.inquiry is not None:
            self._spent.add(bill.inquiry.id)
        return self._take(row, paid, currency)

    def _is_in_leeway(self, invoice_number: str, chance: random.Random) -> bool:
        order = self.order(invoice_number)
        if order is None or order.expires_at is None or (order.payments and not order.is_reusable):
            return False
        over = self._now() - order.expires_at
        return timedelta() <= over < _LONGEST_LEEWAY and self._liar.happens("till_leeway", chance)

    def _receipt(self, invoice_number: str, channel: str, wanted: Receipt) -> Receipt:
        chance = self._liar.chance(invoice_number)
        is_free = wanted.receipt_number is None
        earlier = self._by_order[invoice_number]
        if earlier and is_free and self._liar.happens("equal_receipt", chance):
            twin = chance.choice(earlier)
            # A till counts its receipts anew, but not on the same day.
            same_till = self._now() - twin.paid_at > timedelta(days=1) and chance.random() < 0.5
            other = Receipt(
                agent_id=chance.choice([twin.agent_id, chance.choice(_BRANDS[channel])]),
                store_id=f"T{chance.randrange(1, 10**4):04}",
            )
            return replace(
                replace(other, agent_id=twin.agent_id, store_id=twin.store_id)
                if same_till
                else other,
                receipt_number=twin.receipt_number,
                numbered=twin.receipt_number is not None,
            )
        number = wanted.receipt_number or f"{chance.randrange(1, 10**9):09}"
        if is_free and self._liar.happens("no_receipt_printed", chance):
            number = ""
        return Receipt(
            agent_id=wanted.agent_id or chance.choice(_BRANDS[channel]),
            store_id=wanted.store_id or f"T{chance.randrange(1, 10**4):04}",
            receipt_number=number or None,
            numbered=bool(number),
        )

    def _take(
        self, row: store_orders.Order, paid: store_payments.Payment, currency: str
    ) -> TillPayment:
        siblings = self._siblings[row.invoice_number]
        payment = TillPayment(
            number=len(self.till) + len(self.strays) + 1,
            invoice_number=row.invoice_number,
            payment_code=row.payment_code,
            channel=Channel(row.channel),
            feature=Feature(row.feature),
            is_reusable=row.reusable,
            amount=paid.amount,
            currency=currency,
            paid_at=instant(paid.paid_at),
            agent_id=paid.agent_id,
            store_id=paid.store_id,
            receipt_number=paid.receipt_number,
            siblings=siblings,
        )
        siblings.append(payment)
        self._by_order[row.invoice_number].append(payment)
        self.till.append(payment)
        chance = self._liar.chance(row.invoice_number)
        channel = self._catalogue.channel(row.channel)
        if self._liar.happens("notified_otherwise", chance):
            word = chance.choice(("FAILED", "PENDING", "EXPIRED", *WORDS))
            odd = bodies.notification(row, channel, None, word, self._now())
            self._send(_Notice(row.invoice_number, odd, None, chance))
        document = bodies.notification(row, channel, paid, "SUCCESS", self._now())
        self._send(_Notice(row.invoice_number, document, payment, chance))
        if self._liar.happens("unmatched", chance):
            self._send_stray(row, paid, chance)
        if self._liar.happens("refund", chance):
            self._after(timedelta(hours=chance.uniform(0.1, 30)), lambda: self.refund(payment))
        return payment

    def _send_stray(
        self, row: store_orders.Order, paid: store_payments.Payment, chance: random.Random
    ) -> None:
        """The payment of an order that another system made on the same account of DOKU's."""
        number = f"OTHER-{chance.getrandbits(40):010x}"
        other = replace(row, invoice_number=number, payment_code=f"8{chance.getrandbits(49):015}")
        stray = replace(self.till[-1], invoice_number=number, payment_code=other.payment_code)
        stray = replace(stray, number=stray.number + 1, siblings=[], tellings=[], taken=set())
        receipt = f"{chance.randrange(1, 10**9):09}"
        stray = replace(stray, is_ours=False, receipt_number=receipt)
        stray.siblings.append(stray)
        self.strays.append(stray)
        channel = self._catalogue.channel(row.channel)
        given = replace(paid, invoice_number=number, receipt_number=receipt)
        document = bodies.notification(other, channel, given, "SUCCESS", self._now())
        self._send(_Notice(number, document, stray, self._liar.chance(number)))

    def assign(self, payment: TillPayment, number: str) -> None:
        """An operator gives a code the payment of an order that is nobody's."""
        if payment.assigned_to is None:
            payment.assigned_to, payment.siblings = number, self._siblings[number]
            payment.siblings.append(payment)

    def refund(self, payment: TillPayment) -> Sequence[OutgoingMessage]:
        """The money goes back to the customer: DOKU says REFUNDED from now on."""
        row = self._store.orders.get(payment.invoice_number)
        if row is None or payment.refunded_at is not None:
            return ()
        now = self._now()
        payment.refunded_at = now
        self._store.orders.force_status(row.invoice_number, "REFUNDED", int(now.timestamp()))
        channel = self._catalogue.channel(row.channel)
        place = self._by_order[row.invoice_number].index(payment)
        paid = self._store.payments.of_order(row.invoice_number)[place]
        document = bodies.notification(row, channel, paid, "REFUNDED", now)
        self._send(
            _Notice(row.invoice_number, document, None, self._liar.chance(row.invoice_number))
        )
        return ()

    # --- notifications --------------------------------------------------------------------

    def next_outgoing_at(self) -> datetime | None:
        """When ``outbox`` has something next."""
        return self._due[0][0] if self._due else None

    def outbox(self) -> list[OutgoingMessage]:
        """The messages that are due now. Each is retried unless ``acknowledged`` is told a 2xx."""
        self._take_key()
        messages: list[OutgoingMessage] = []
        while self._due and self._due[0][0] <= self._now():
            messages += heapq.heappop(self._due)[2]()
        return messages

    def acknowledged(self, message: OutgoingMessage, status: int) -> None:
        """We answered a notification with this HTTP status."""
        if message.notice is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            message.notice.is_taken = True
            for payment, place in message.told:
                payment.taken.add(place)

    def _after(self, pause: timedelta, act: Callable[[], Sequence[OutgoingMessage]]) -> None:
        self._places += 1
        heapq.heappush(self._due, (self._now() + pause, self._places, act))

    def _send(self, notice: _Notice) -> None:
        """Send a notification, now or as chance has it."""
        if self._liar.happens("lost", notice.chance):
            return
        pause = timedelta()
        if self._liar.happens("late", notice.chance):
            pause = _SEVENTEEN_HOURS
        elif self._liar.happens("reordered", notice.chance):
            pause = timedelta(minutes=notice.chance.uniform(0, 30))
        self._after(pause, lambda: self._attempt(notice))

    def _attempt(self, notice: _Notice) -> Sequence[OutgoingMessage]:
        if notice.is_taken:
            return ()
        if notice.first_at is None:
            notice.first_at = self._now()
        if notice.attempts < len(self._retries):
            pause = notice.first_at + self._retries[notice.attempts] - self._now()
            self._after(pause, lambda: self._attempt(notice))
        notice.attempts += 1
        if self._liar.happens("lost_attempt", notice.chance):
            return ()
        if self._liar.happens("duplicate", notice.chance):
            pause = timedelta(seconds=notice.chance.choice([0, 1, 400]))
            self._after(pause, lambda: [self._message(notice)])
        return [self._message(notice)]

    def _message(self, notice: _Notice) -> OutgoingMessage:
        chance = notice.chance
        if notice.body is None or self._liar.happens("retold", chance):
            notice.body = self._write(notice)
        kind: str | None = None
        values: Json = {}
        if self._liar.happens("forged", chance):
            kind, values = chance.choice(
                [
                    ("wrong_key", {}),
                    ("tampered", {}),
                    ("foreign_client_id", {"client_id": "MCH-FOREIGN-0001"}),
                    ("missing_header", {"header": "Signature"}),
                    ("missing_header", {"header": "Request-Timestamp"}),
                ]
            )
        elif self._liar.happens("broken_json", chance):
            kind = "broken_json"
        message = make_message(self._account.config, notice.body, kind, values)
        headers = message.headers(
            _MERCHANT + NOTIFICATION_PATH,
            self._account.config.request_id(),
            utc_text(self._now()),
        )
        if self._liar.happens("header_case", chance):
            change = chance.choice([str.lower, str.upper])
            headers = {change(name): value for name, value in headers.items()}
        told: tuple[tuple[TillPayment, int], ...] = ()
        if notice.payment is not None and kind in (None, "broken_json"):
            place = self._remember(
                message.sent_body,
                Source.NOTIFICATION,
                notice.payment,
                is_readable=kind is None,
            )
            told = ((notice.payment, place),)
        return OutgoingMessage(NOTIFICATION_PATH, headers, message.sent_body, notice, told)

    def _write(self, notice: _Notice) -> bytes:
        document, chance = notice.document, notice.chance
        if notice.payment is not None:
            document = self._liar.of_payment(document, notice.payment.currency, chance)
        form = (
            chance.choice(AMOUNT_FORMS) if self._liar.happens("amount_forms", chance) else "decimal"
        )
        return bodies.notification_bytes(document, form)

    # --- inquiries ------------------------------------------------------------------------

    def inquire(self, payment_code: str, channel: str) -> OutgoingMessage:
        """A cashier types digits that live at the merchant: the question to us."""
        self._take_key()
        question = self._inquirer.compose(self._catalogue.channel(channel), payment_code)
        if question is None:
            raise AssertionError("every channel has an inquiry URL")
        return OutgoingMessage(
            INQUIRY_PATH, question.headers, question.message.sent_body, question=question
        )

    def inquiry_answered(
        self, message: OutgoingMessage, status: int, headers: Mapping[str, str], body: bytes | str
    ) -> str | None:
        """Our answer arrives. The order number that a till may now ``pay`` for, if any."""
        if message.question is None:
            raise AssertionError("only an inquiry is answered")
        known = self._store.inquiries.last_payable(payment_code=message.question.asked.payment_code)
        if self._liar.happens(
            "answer_lost", self._liar.chance(known.invoice_number if known else None)
        ):
            return None
        lower = {name.lower(): value for name, value in headers.items()}
        sent = body.encode() if isinstance(body, str) else body
        judged = self._inquirer.judge(
            message.question, RawResponse(status=status, headers=lower, body=sent)
        )
        return judged.invoice_number if judged.problem is None else None

    # --- what it says of orders -----------------------------------------------------------

    def answer_status(self, invoice_number: str, plain: wire.Answer) -> wire.Answer:
        """The status check's answer, as chance has it."""
        row = self._store.orders.get(invoice_number)
        chance = self._liar.chance(invoice_number)
        if row is None:
            return self._liar.of_old(invoice_number, chance) or plain
        word, shown = status_of(self._account, row)
        if shown is None:
            if not self._by_order[invoice_number]:
                old = self._liar.of_old(invoice_number, chance)
                return old or self._liar.of_unpaid(word, json.loads(plain.body), chance)
            return plain
        payments = self._store.payments.of_order(invoice_number)
        until = self._now().timestamp() - _SHOWN_AFTER.total_seconds()
        visible = [each for each in payments if each.paid_at <= until]
        if len(visible) > 1 and self._liar.happens("any_payment", chance):
            shown = chance.choice(visible)
        payment = self._by_order[invoice_number][payments.index(shown)]
        channel = self._catalogue.channel(row.channel)
        document = self._liar.of_payment(
            bodies.status_answer(row, channel, word, shown), payment.currency, chance
        )
        if self._liar.happens("created_date", chance):
            document = self._liar.spoil("created_date", document)
        if self._liar.happens("null_ids", chance):
            document = self._liar.spoil("null_ids", document)
        if self._liar.happens("other_word", chance):
            document["transaction"]["status"] = chance.choice(WORDS)
        body = dump(document, chance if self._liar.happens("amount_forms", chance) else None)
        if word == "SUCCESS":
            self._remember(body, Source.STATUS_CHECK, payment)
        return wire.Answer(status=HTTPStatus.OK, body=body)

    def _remember(
        self,
        body: bytes,
        source: Source,
        payment: TillPayment,
        *,
        is_readable: bool = True,
    ) -> int:
        """Note what a body truly speaks of; returns its place among the payment's tellings."""
        digest = sha256(body).hexdigest()
        known = self._told.get(digest)
        told = () if known is None else known.payments
        if payment not in told:
            told = (*told, payment)
        named: dict[str, str] = {}
        with suppress(ValueError):
            document = json.loads(body)
            is_readable = is_readable and _is_amount(document["order"]["amount"])
            paid = document.get("online_to_offline_payment", {})
            pairs = paid.get("identifier") or paid.get("identifer") or []
            named = {pair["name"]: pair["value"] for pair in pairs}
        telling = Telling(
            digest,
            source,
            told,
            comparable(named.get("AGENT_TRX_ID")),
            (comparable(named.get("AGENT_STORE_ID")), comparable(named.get("AGENT_ID"))),
            is_readable,
        )
        self._told[digest] = telling
        payment.tellings.append(telling)
        return len(payment.tellings) - 1


# --- the simulator's parts, with chance in them ---------------------------------------------


def _named(request: wire.Request) -> str | None:
    """The order number that a request is about."""
    if request.method == "GET":
        return unquote(request.target.removeprefix(STATUS_PATH))
    with suppress(ValueError, LookupError, TypeError):
        return str(json.loads(request.body)["order"]["invoice_number"])
    return None


def _is_amount(value: object) -> bool:
    return str(value).replace(".", "", 1).isdigit()


class _Api(DokuApi):
    """DOKU's routes, whose answers pass through the hands of a liar."""

    def __init__(self, account: Account, till: Till, doku: Doku) -> None:
        super().__init__(account, till)
        self._doku = doku
        self._payment_codes = _Codes(account, till, doku)

    def _status_answer(self, invoice_number: str) -> wire.Answer:
        return self._doku.answer_status(invoice_number, super()._status_answer(invoice_number))


class _Codes(PaymentCodes):
    def __init__(self, account: Account, till: Till, doku: Doku) -> None:
        super().__init__(account, till)
        self._doku = doku

    def make(self, request: wire.Request, channel: ChannelAtDoku, feature: str) -> wire.Answer:
        return self._doku.retell_code(request, super().make(request, channel, feature))


class _NoLog(RequestLog):
    """Nobody reads a log of requests here."""

    def __init__(self) -> None:
        pass

    def add(self, **_: Any) -> int:
        return 0

    def note_fault(self, number: int, kind: str) -> None:
        pass

    def note_status(self, number: int, status: int) -> None:
        pass
