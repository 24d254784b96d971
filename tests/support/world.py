"""A whole world in memory: the use cases on the twins, a clock to turn, and a DOKU to break."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum, auto

from o2o.adapters.doku.personal import without_person
from o2o.core.archive import ArchivedMessage, MessageKind
from o2o.core.bins import Bin, BinTable
from o2o.core.channels import BinType, Channel, ChannelSettings, Partnership
from o2o.core.code_requests import CodeRequest, Expiry
from o2o.core.codes import Customer, DokuCode, Intent, PaymentCode, Source
from o2o.core.errors import (
    DokuBlocked,
    DokuOutcomeUnknown,
    DokuRefused,
    DokuUnavailable,
    Obstacle,
    UnreadableMessage,
)
from o2o.core.inquiries import Inquiry, InquiryAnswer, InquiryStatus, SignedResponse
from o2o.core.notifications import DokuMessage, Notification, OrderState, OrderStatus
from o2o.core.payments import Evidence, PaymentReport
from o2o.core.report_columns import ReportColumns
from o2o.core.timetable import Retention, Timetable
from o2o.entry.models.events import forget
from o2o.usecases.answer_inquiry import AnswerInquiry
from o2o.usecases.cancel_code import CancelCode
from o2o.usecases.expire_codes import ExpireCodes, Lane
from o2o.usecases.forget_codes import ForgetCodes
from o2o.usecases.generate_code import GenerateCode, Generated
from o2o.usecases.ports import (
    ArchiveReader,
    Clock,
    CodeStore,
    Doku,
    DokuInbox,
    Entropy,
    MessageArchive,
    NotificationStore,
    TimeLeft,
)
from o2o.usecases.read_codes import ReadCodes
from o2o.usecases.receive_notification import ReceiveNotification
from o2o.usecases.reconcile import Reconcile
from o2o.usecases.reconcile_codes import ReconcileCodes
from o2o.usecases.record_message import ReceivedNotification, RecordMessage
from o2o.usecases.refresh_code import RefreshCode
from o2o.usecases.settle import Settle
from tests.support.due import lane_of, of_codes
from tests.support.memory import (
    RETENTION,
    MemoryCodeStore,
    MemoryEventStore,
    MemoryMessageArchive,
    MemoryNotificationStore,
    MemoryOrderSearch,
    MemoryTable,
    MemoryWorkQueue,
)

START = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)

TIMETABLE = Timetable(
    requested=tuple(timedelta(minutes=m) for m in (1, 2, 5, 15, 60)),
    active=tuple(timedelta(minutes=m) for m in (15, 60, 180, 360, 720, 1440)),
    inquired=tuple(timedelta(minutes=m) for m in (1.5, 5, 12)),
    grace=timedelta(seconds=60),
    guess=timedelta(minutes=30),
    look_again=(timedelta(minutes=35), timedelta(hours=18)),
)

CHANNELS = {
    Channel.ALFA: ChannelSettings("/alfa", 10_000, 2_500_000, 43_200, "/alfa-merchant"),
    Channel.INDOMARET: ChannelSettings("/indomaret", 10_000, 5_000_000, 43_200),
}

BINS = BinTable.of(
    [
        Bin(Channel.ALFA, Partnership.AGGREGATOR, BinType.GENERAL, "8"),
        Bin(Channel.ALFA, Partnership.AGGREGATOR, BinType.EXCLUSIVE, "889955"),
        Bin(Channel.INDOMARET, Partnership.DIRECT, BinType.DIRECT, "88899"),
    ]
)


@dataclass
class TurnableClock:
    """A clock that stands until it is turned."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


class SeededEntropy:
    """The same chance in every run."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)

    def request_id(self) -> str:
        return f"request-{self._random.getrandbits(64):016x}"

    def token(self, length: int) -> str:
        return "".join(
            self._random.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(length)
        )

    def randbelow(self, bound: int) -> int:
        return self._random.randrange(bound)


class Mood(Enum):
    """How DOKU behaves."""

    WELL = auto()
    DOWN = auto()
    """Takes no request."""
    FORGETFUL = auto()
    """Takes requests and its answers get lost."""
    REFUSING = auto()
    """Refuses this very order."""
    BLOCKING = auto()
    """Refuses everybody."""
    DENYING = auto()
    """Knows nothing of its orders when it is asked about them."""
    BABBLING = auto()
    """Says of paid orders that they were paid, and nothing of it that can be read."""


@dataclass
class Order:
    """An order at DOKU."""

    intent: Intent
    invoice_number: str
    payment_code: str
    amount: Decimal
    expires_at: datetime
    payments: list[PaymentReport] = field(default_factory=list)


class FakeDoku:
    """DOKU as the use cases see it: one order a Request-Id, and the truth about payments."""

    def __init__(self, clock: TurnableClock) -> None:
        self._clock = clock
        self.mood = Mood.WELL
        self.orders: dict[str, Order] = {}
        self.sent: list[Intent] = []
        self.said: dict[str, OrderStatus] = {}
        """Its answers about payments, by their bodies."""

    def compose(
        self,
        code: PaymentCode,
        expires_in_minutes: int,
        report: Mapping[str, str] | None = None,  # noqa: ARG002 - the port has this parameter
    ) -> str:
        return f"{code.order_number} {code.amount} {expires_in_minutes}"

    def generate(self, code: PaymentCode, time_left: TimeLeft) -> DokuCode:
        assert code.channel in CHANNELS
        assert time_left() > 0
        intent = code.intent
        assert intent is not None
        self.sent.append(intent)
        if self.mood is Mood.DOWN:
            raise DokuUnavailable("DOKU is down")
        if self.mood is Mood.REFUSING:
            raise DokuRefused("Invalid JSON Format")
        if self.mood is Mood.BLOCKING:
            raise DokuBlocked("PAYMENT CHANNEL IS INACTIVE", Obstacle.CHANNEL_INACTIVE)
        invoice_number, amount, minutes = intent.body.split()
        order = self.orders.get(invoice_number)
        if order is None:
            order = Order(
                intent,
                invoice_number,
                code.payment_code or f"8{len(self.orders):015d}",
                Decimal(amount),
                self._clock() + timedelta(minutes=int(minutes)),
            )
            self.orders[invoice_number] = order
        elif order.intent != intent:
            raise DokuRefused("duplicate invoice number")
        if self.mood is Mood.FORGETFUL:
            raise DokuOutcomeUnknown("the answer got lost")
        return DokuCode(order.payment_code, order.expires_at, "https://doku.example/how")

    def check_status(self, order_number: str, time_left: TimeLeft) -> OrderStatus:
        assert time_left() > 0
        if self.mood in (Mood.DOWN, Mood.FORGETFUL):
            raise DokuUnavailable("DOKU is down")
        order = self.orders.get(order_number)
        if order is None or self.mood is Mood.DENYING:
            return OrderStatus(OrderState.UNKNOWN)
        visible = [
            payment
            for payment in order.payments
            if payment.paid_at + timedelta(seconds=60) <= self._clock()
        ]
        if visible and self.mood is Mood.BABBLING:
            unreadable = Evidence(f"{order_number} ?")
            return self._sign(OrderStatus(OrderState.SUCCESS, unreadable=unreadable), unreadable)
        if visible:
            newest = visible[-1]
            evidence = Evidence(f"status {newest.receipt_number} {newest.paid_at}")
            payment = PaymentReport(
                invoice_number=order_number,
                payment_code=None,
                amount=newest.amount,
                paid_at=newest.paid_at,
                source=Source.STATUS_CHECK,
                evidence=evidence,
                receipt_number=newest.receipt_number,
            )
            return self._sign(OrderStatus(OrderState.SUCCESS, payment), evidence)
        if self._clock() >= order.expires_at:
            return OrderStatus(OrderState.EXPIRED)
        return OrderStatus(OrderState.PENDING)

    def _sign(self, status: OrderStatus, evidence: Evidence) -> OrderStatus:
        self.said[evidence.body] = status
        return replace(status, message=DokuMessage("/status", {}, evidence.body.encode()))

    def pay(
        self, invoice_number: str, *, amount: int | None = None, receipt: str | None = None
    ) -> PaymentReport:
        """A customer pays at the till; the answer is what DOKU notifies."""
        order = self.orders[invoice_number]
        receipt = receipt or f"R{invoice_number}-{len(order.payments)}"
        report = PaymentReport(
            invoice_number=invoice_number,
            payment_code=order.payment_code,
            amount=Decimal(amount) if amount else order.amount,
            paid_at=self._clock(),
            source=Source.NOTIFICATION,
            evidence=Evidence(f"notification {receipt} {self._clock()}"),
            receipt_number=receipt,
            store_id="S1",
        )
        order.payments.append(report)
        return report

    def learn(self, code: PaymentCode) -> None:
        """DOKU has an order for a code that lives at the merchant from its payment on."""
        assert code.payment_code is not None
        self.orders[code.order_number] = Order(
            Intent("", ""),
            code.order_number,
            code.payment_code,
            Decimal(code.amount),
            code.expires_at,
        )


class OpenInbox:
    """An inbox that reads what tests put into it."""

    def __init__(self) -> None:
        self.messages: dict[str, Notification] = {}
        self.inquiries: dict[str, Inquiry] = {}

    def post(self, notification: Notification) -> bytes:
        body = f"message {len(self.messages)}"
        self.messages[body] = notification
        return body.encode()

    def ask(self, inquiry: Inquiry) -> bytes:
        body = f"inquiry {len(self.inquiries)}"
        self.inquiries[body] = inquiry
        return body.encode()

    def verify(self, message: DokuMessage) -> Evidence:
        return Evidence(message.body.decode(), dict(message.headers))

    def read_inquiry(self, evidence: Evidence) -> Inquiry:
        if evidence.body not in self.inquiries:
            raise UnreadableMessage("not JSON")
        return self.inquiries[evidence.body]

    def sign_response(self, message: DokuMessage, answer: InquiryAnswer) -> SignedResponse:
        return SignedResponse(answer.status.http_status, dict(message.headers), repr(answer))

    def read_notification(self, evidence: Evidence) -> Notification:
        if evidence.body not in self.messages:
            raise UnreadableMessage("not JSON")
        return self.messages[evidence.body]


class OpenReader(ArchiveReader):
    """Reads what a world's DOKU said; a body without a word of it has another signature."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.foreign: set[bytes] = set()

    def is_proven(self, archived: ArchivedMessage) -> bool:
        return archived.message.body not in self.foreign

    def evidence(self, archived: ArchivedMessage) -> Evidence:
        return Evidence(archived.message.body.decode(), dict(archived.message.headers))

    def order_number(self, archived: ArchivedMessage) -> str | None:
        if archived.kind is MessageKind.NOTIFICATION:
            return None
        payment = self._world.doku.said[archived.message.body.decode()].payment
        return payment.invoice_number if payment else "INV-?"

    def read(self, archived: ArchivedMessage) -> Notification:
        body = archived.message.body.decode()
        if archived.kind is MessageKind.NOTIFICATION:
            return self._world.inbox.read_notification(self.evidence(archived))
        status = self._world.doku.said[body]
        if status.unreadable:
            raise UnreadableMessage("not JSON")
        return Notification(status.state, status.payment)


def sent(body: bytes, headers: Mapping[str, str] | None = None) -> DokuMessage:
    """A message of DOKU's."""
    return DokuMessage("/doku/notifications", headers or {}, body)


def plenty() -> float:
    """Time left, always enough."""
    return 10.0


class UseCases:
    """The use cases about codes, wired as ``o2o.entry.wiring`` wires them."""

    def __init__(
        self,
        *,
        codes: CodeStore,
        notifications: NotificationStore,
        archive: MessageArchive,
        doku: Doku,
        inbox: DokuInbox,
        clock: Clock,
        entropy: Entropy,
        retention: Retention = RETENTION,
    ) -> None:
        self.observed: list[ReceivedNotification] = []
        self.settle = Settle(codes=codes, clock=clock, timetable=TIMETABLE)
        self.generate = GenerateCode(
            codes=codes,
            doku=doku,
            clock=clock,
            entropy=entropy,
            channels=CHANNELS,
            bins=BINS,
            timetable=TIMETABLE,
            report_columns=ReportColumns(),
            page_token=lambda invoice_number: f"token-of-{invoice_number}",
        )
        self.receive = ReceiveNotification(
            inbox=inbox,
            record=RecordMessage(
                settle=self.settle, notifications=notifications, clock=clock, timetable=TIMETABLE
            ),
            archive=archive,
            observe=self.observed.append,
            clock=clock,
        )
        self.ask_doku = Reconcile(
            codes=codes,
            notifications=notifications,
            archive=archive,
            doku=doku,
            settle=self.settle,
            clock=clock,
            timetable=TIMETABLE,
        )
        self.refresh = RefreshCode(codes=codes, reconcile=self.ask_doku)
        self.reconcile = ReconcileCodes(
            codes=codes,
            notifications=notifications,
            inbox=inbox,
            reconcile=self.ask_doku,
            settle=self.settle,
            clock=clock,
            timetable=TIMETABLE,
            retention=retention,
        )
        self.cancel = CancelCode(codes=codes, clock=clock, timetable=TIMETABLE)
        self.read = ReadCodes(codes=codes)
        self.answer = AnswerInquiry(inbox=inbox, codes=codes, clock=clock, timetable=TIMETABLE)


class World(UseCases):
    """Everything wired together."""

    def __init__(
        self,
        codes: CodeStore | None = None,
        notifications: NotificationStore | None = None,
        make_doku: Callable[[Clock], Doku] | None = None,
        make_inbox: Callable[[Clock], DokuInbox] | None = None,
    ) -> None:
        self.table = table = MemoryTable()
        self.clock = TurnableClock()
        self.codes = codes or MemoryCodeStore(table)
        self.notifications = notifications or MemoryNotificationStore(table)
        self.archive = MemoryMessageArchive()
        self.queue = MemoryWorkQueue()
        self.doku = FakeDoku(self.clock)
        self.inbox = OpenInbox()
        super().__init__(
            codes=self.codes,
            notifications=self.notifications,
            archive=self.archive,
            doku=make_doku(self.clock) if make_doku else self.doku,
            inbox=make_inbox(self.clock) if make_inbox else self.inbox,
            clock=self.clock,
            entropy=SeededEntropy(),
        )
        self.forget = ForgetCodes(
            codes=self.codes,
            notifications=self.notifications,
            events=MemoryEventStore(table),
            archive=self.archive,
            reader=OpenReader(self),
            search=MemoryOrderSearch(table),
            take_person_out=without_person,
            forget_payload=forget,
            clock=self.clock,
        )
        self.due = of_codes(self.codes)
        # One queue, so that a test need not ask which lane something is in.
        self.expire = ExpireCodes(
            awaited=Lane(lane_of(self.codes, "awaited"), self.queue),
            codes=Lane(lane_of(self.codes, "codes"), self.queue),
            events=Lane(lane_of(MemoryEventStore(table), "events"), MemoryWorkQueue()),
            clock=self.clock,
        )

    def request(self, invoice_number: str = "INV-1", **changes: object) -> CodeRequest:
        """A request with defaults; its fingerprint is its content."""
        fields: dict[str, object] = {
            "invoice_number": invoice_number,
            "amount": 150_000,
            "channel": Channel.ALFA,
            "customer": Customer("Anton Budiman"),
            "expiry": Expiry(in_minutes=60),
        } | changes
        return CodeRequest(fingerprint=repr(sorted(map(str, fields.items()))), **fields)  # type: ignore[arg-type]

    def ask(self, invoice_number: str = "INV-1", **changes: object) -> Generated:
        """Storefront ``shop`` asks for a code."""
        return self.generate("shop", self.request(invoice_number, **changes), time_left=plenty)

    def code(self, invoice_number: str = "INV-1") -> PaymentCode:
        """The code as it stands in the codes."""
        code = self.codes.get(invoice_number)
        assert code is not None
        return code

    def notify(self, report: PaymentReport) -> ReceivedNotification:
        """DOKU's notification arrives."""
        return self.receive(sent(self.inbox.post(Notification(OrderState.SUCCESS, report))))

    def inquire(self, payment_code: str, channel: Channel | None = Channel.ALFA) -> InquiryStatus:
        """A cashier types digits, and DOKU asks us."""
        return self.answer(sent(self.inbox.ask(Inquiry(channel, payment_code)))).status

    def work_off(self) -> int:
        """Whatever is due, queued and done."""
        self.expire()
        worked = 0
        while (work := self.queue.take()) is not None:
            self.reconcile(work, time_left=plenty)
            worked += 1
        return worked

    def live(self, until: datetime, step: timedelta = timedelta(minutes=1)) -> None:
        """Let time pass, and whatever is due be done at every step."""
        while self.clock.now < until:
            self.clock.now = min(until, self.clock.now + step)
            self.work_off()
