"""Whatever DOKU answers, in bytes and in any order: only proof ends a code, and every wait ends.

Hypothesis chooses how DOKU treats requests for codes and status checks, DOKU's real client reads
the bytes, and the use cases act on them. No notification ever arrives.
"""

import json
import socket
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BufferedReader, BytesIO
from typing import Any

import requests
import urllib3
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from requests.adapters import HTTPAdapter

from o2o.adapters.deadline import DeadlineResponse
from o2o.adapters.doku.client import DokuClient
from o2o.adapters.doku.credentials import DokuCredentials
from o2o.adapters.doku.messages import STATUS_PATH
from o2o.adapters.doku.transport import NotConnected
from o2o.core.channels import Channel, Feature
from o2o.core.code_requests import Expiry
from o2o.core.codes import Status
from o2o.core.errors import DokuRefused, IllegalMove
from o2o.usecases.ports import Clock
from tests.support.examples import examples
from tests.support.wire import CLIENT_ID, SECRET, Request, raw_answer, signed_answer
from tests.support.world import TIMETABLE, SeededEntropy, World, plenty

PATHS = {(Channel.ALFA, Feature.DGPC): "/alfa", (Channel.ALFA, Feature.MGPC): "/alfa-merchant"}
PAGE = b"<html>of something that stands before DOKU</html>"
INACTIVE = {"message": ["PAYMENT CHANNEL IS INACTIVE"]}
BAD_REQUEST = {"message": ["Invalid JSON Format"]}
FAILED = {"status": "FAILED", "response_code": "4001", "response_message": "told"}
NO_ORDER = {"error": {"code": "data_not_found", "message": "Data not found"}}


class Crash(Exception):
    """Our process ends while it waits for DOKU's answer."""


class Pipe(HTTPAdapter):
    """A transport in memory: bytes in, bytes out, read by the parser of the real one."""

    def __init__(self, answer: Callable[[Request], bytes | None]) -> None:
        super().__init__()
        self._answer = answer

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        headers = {name.lower(): str(value) for name, value in request.headers.items()}
        body = request.body if isinstance(request.body, bytes) else b""
        content = self._answer(Request(request.method or "", request.path_url, headers, body))
        if content is None:
            raise requests.ConnectionError("the connection broke")
        parsed = DeadlineResponse(_Received(content))
        parsed.begin()
        raw = urllib3.HTTPResponse(
            parsed,
            headers=dict(parsed.headers.items()),
            status=parsed.status,
            preload_content=False,
        )
        return self.build_response(request, raw)


class _Received(socket.socket):
    """The side of a socket that an answer is read from."""

    def __init__(self, content: bytes) -> None:  # opens none
        self._content = content

    def makefile(self, *_: Any, **__: Any) -> Any:
        return BufferedReader(BytesIO(self._content))

    def gettimeout(self) -> float:
        return 60.0

    def settimeout(self, value: float | None, /) -> None:
        pass

    def close(self) -> None:
        pass


def unsigned(status: int, content: object) -> Callable[[Request], bytes]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return lambda _: raw_answer(status, body)


def signed(status: int, content: object) -> Callable[[Request], bytes]:
    return lambda request: signed_answer(request, status, content)


REFUSALS = {
    "refused": unsigned(400, BAD_REQUEST),
    "refused, signed": signed(409, {"error": {"code": "duplicate_invoice_number"}}),
    "refused, fourth shape": unsigned(400, FAILED),
}
"""What ends a code, as the answer to its only send."""

NO_PROOF = {
    "inactive": unsigned(400, INACTIVE),
    "inactive, signed": signed(400, INACTIVE),
    "no path": unsigned(404, {"message": "No static resource x."}),
    "no order, unsigned": unsigned(404, NO_ORDER),
    "a router's page": unsigned(404, PAGE),
    "a firewall's page": unsigned(403, PAGE),
    "unauthorized": unsigned(401, b""),
    "bad signature": unsigned(401, {"error": {"code": "invalid_signature"}}),
    "bad header": unsigned(400, {"error": {"code": "invalid_header_request"}}),
    "too many": unsigned(429, b""),
    "idempotent": signed(409, {"error": {"code": "idempotent_request"}}),
    "bad gateway": unsigned(502, PAGE),
    "refused with another key": lambda request: signed_answer(request, 400, BAD_REQUEST, "other"),
    "junk, signed": signed(200, PAGE),
    "paid, unsigned": unsigned(200, {"transaction": {"status": "SUCCESS"}}),
    "expired, unsigned": unsigned(200, {"transaction": {"status": "EXPIRED"}}),
}
"""What says nothing of an order, whatever was asked."""

WELL, LOST, CRASH, UNREACHABLE = "well", "the answer is lost", "we crash", "unreachable"
NOT_PAID = ["EXPIRED", "PENDING", "FAILED", "no order"]
PAID = ["unreadable", "other amount"]
GENERATE = st.one_of(
    *map(st.sampled_from, ([WELL, "early hints"], [LOST, CRASH], [*REFUSALS], [*NO_PROOF]))
)
CHECK = st.one_of(
    *map(st.sampled_from, ([WELL, "strange"], NOT_PAID, PAID)),
    st.sampled_from([LOST, CRASH, UNREACHABLE, "refused", *NO_PROOF]),
)


class Bytes:
    """DOKU: what it knows, what it said, and how it behaves."""

    def __init__(self) -> None:
        self.generate, self.check = WELL, WELL
        self.takes_refused = False
        self.orders: dict[str, str] = {}
        self.paid: dict[str, datetime] = {}
        self.sends: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.said: defaultdict[str, set[str]] = defaultdict(set)
        """What it said of an order in a signed answer to a status check."""

    def answer(self, request: Request) -> bytes | None:
        if request.method == "POST":
            return self._generate(request)
        return self._check(request, request.target.removeprefix(STATUS_PATH))

    def _generate(self, request: Request) -> bytes | None:
        sent = json.loads(request.body)
        invoice = sent["order"]["invoice_number"]
        self.sends[invoice] += 1
        mood = self.generate
        if mood == UNREACHABLE:
            raise NotConnected
        if mood in REFUSALS:
            # It may have taken an earlier send; of a first one it is certain that it did not.
            self.refused.add(invoice)
            return REFUSALS[mood](request)
        if mood not in NO_PROOF or self.takes_refused:
            digits = sent["online_to_offline_info"].get("payment_code") or f"8{len(self.orders):09}"
            self.orders.setdefault(invoice, digits)
        if mood == CRASH:
            raise Crash
        if mood in NO_PROOF:
            return NO_PROOF[mood](request)
        made = {
            "order": {"invoice_number": invoice},
            "online_to_offline_info": {"payment_code": self.orders[invoice]},
        }
        status = 200 if self.sends[invoice] == 1 else 409
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" if mood == "early hints" else b""
        return None if mood == LOST else hints + signed_answer(request, status, made)

    def _check(self, request: Request, invoice: str) -> bytes | None:
        mood = self.check
        if mood == UNREACHABLE:
            raise NotConnected
        if mood == CRASH:
            raise Crash
        if mood == LOST:
            return None
        if mood == "refused":
            return REFUSALS[mood](request)
        if mood in NO_PROOF:
            return NO_PROOF[mood](request)
        if mood == "no order" or (mood == WELL and invoice not in self.orders):
            self.said[invoice].add("no order")
            return signed_answer(request, 404, NO_ORDER)
        state = {"strange": "SOMETHING_NEW"}.get(mood, mood)
        amount: object = 150_000
        if mood in (WELL, "unreadable", "other amount"):
            state = "SUCCESS" if invoice in self.paid else "PENDING"
            amount = {"unreadable": "much", "other amount": 1}.get(mood, amount)
        self.said[invoice].add(state)
        paid_at = self.paid.get(invoice)
        date = paid_at and paid_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        content = {
            "order": {"invoice_number": invoice, "amount": amount},
            "transaction": {"status": state, "date": date},
        }
        return signed_answer(request, 200, content)


MOST = 3
ORDER: dict[str, Any] = {
    "minutes": st.sampled_from([5, 60, 1440]),
    "feature": st.sampled_from([Feature.DGPC, Feature.MGPC]),
    "mood": GENERATE,
}


class Proof(RuleBasedStateMachine):
    """The world on DOKU's real client, and what DOKU said of each code while it was open."""

    invoices = Bundle("invoices")

    def __init__(self) -> None:
        super().__init__()
        self.doku = Bytes()
        self.world = World(make_doku=self._client)
        self.asked: list[str] = []
        self.told_paid: set[str] = set()

    def _client(self, clock: Clock) -> DokuClient:
        client = DokuClient(
            base_url="http://doku.example",
            paths=PATHS,
            credentials=lambda *, refresh=False: DokuCredentials(  # noqa: ARG005 - the port has it
                CLIENT_ID, SECRET
            ),
            clock=clock,
            entropy=SeededEntropy(),
        )
        client._session.mount("http://", Pipe(self._answer))
        return client

    def _answer(self, request: Request) -> bytes | None:
        content = self.doku.answer(request)
        if request.method == "GET":
            invoice = request.target.removeprefix(STATUS_PATH)
            if "SUCCESS" in self.doku.said[invoice] and self.world.code(invoice).is_open:
                self.told_paid.add(invoice)
        return content

    @initialize(target=invoices, **ORDER)
    def ask_first(self, minutes: int, feature: Feature, mood: str) -> str:
        return self._ask(minutes, feature, mood)

    @precondition(lambda self: len(self.asked) < MOST)
    @rule(target=invoices, **ORDER)
    def ask(self, minutes: int, feature: Feature, mood: str) -> str:
        return self._ask(minutes, feature, mood)

    def _ask(self, minutes: int, feature: Feature, mood: str) -> str:
        invoice = f"INV-{len(self.asked)}"
        self.asked.append(invoice)
        self.doku.generate = mood
        try:
            self.world.ask(invoice, feature=feature, expiry=Expiry(in_minutes=minutes))
        except DokuRefused:
            assert self.world.code(invoice).status is Status.FAILED
        except Crash:
            # The storefront repeats what it got no answer to.
            again = self.world.ask(invoice, feature=feature, expiry=Expiry(in_minutes=minutes))
            assert again.code.status is Status.REQUESTED
        return invoice

    @rule(generate=GENERATE, check=CHECK, takes=st.booleans())
    def doku_changes_its_mood(self, generate: str, check: str, *, takes: bool) -> None:
        self.doku.generate, self.doku.check, self.doku.takes_refused = generate, check, takes

    @rule(invoice=invoices, check=st.sampled_from([WELL, *PAID]))
    def the_customer_pays_and_says_so(self, invoice: str, check: str) -> None:
        if invoice in self.doku.orders and self.world.clock() < self.world.code(invoice).expires_at:
            self.doku.paid.setdefault(invoice, self.world.clock())
            self.the_storefront_refreshes(invoice, check)

    @rule(invoice=invoices, check=CHECK)
    def the_storefront_refreshes(self, invoice: str, check: str) -> None:
        self.doku.check = check
        self._unless_we_crash(lambda: self.world.refresh("shop", invoice, time_left=plenty))

    @rule(invoice=invoices)
    def the_storefront_cancels(self, invoice: str) -> None:
        try:
            self.world.cancel("shop", invoice)
        except IllegalMove:
            assert not self.world.code(invoice).is_open

    @rule(minutes=st.sampled_from([0.1, 1, 2, 16, 61, 800, 3000]))
    def time_passes(self, minutes: float) -> None:
        self.world.clock.advance(minutes=minutes)
        self._unless_we_crash(self.world.work_off)

    @staticmethod
    def _unless_we_crash(act: Callable[[], object]) -> None:
        try:
            act()
        except Crash:
            return

    @invariant()
    def only_a_certain_word_ends_a_code(self) -> None:
        for invoice in self.asked:
            code = self.world.code(invoice)
            if code.status not in (Status.FAILED, Status.EXPIRED):
                continue
            assert code.ended_at is not None
            if code.failure and code.failure.reason == "refused":
                assert invoice in self.doku.refused
                assert invoice not in self.doku.orders
                continue
            words = {"PENDING", "EXPIRED", "FAILED"}
            if code.status is Status.FAILED:
                words.add("no order")
            if code.unconfirmed:
                assert code.ended_at >= code.expires_at + TIMETABLE.guess
            else:
                assert words & self.doku.said[invoice]

    @invariant()
    def a_success_is_never_expired(self) -> None:
        for invoice in self.told_paid:
            assert self.world.code(invoice).status not in (Status.FAILED, Status.EXPIRED)

    def teardown(self) -> None:
        """DOKU stays as it is, for ever: every wait ends all the same. Then it mends its ways."""
        world = self.world
        if CRASH in (self.doku.check, self.doku.generate):
            self.doku.generate = self.doku.check = LOST
        end = world.clock() + timedelta(days=10)
        while dues := [due for each in self.asked if (due := world.code(each).due_at)]:
            world.clock.now = max(world.clock.now, min(dues))
            assert world.clock.now < end
            world.work_off()
        self.only_a_certain_word_ends_a_code()
        self.a_success_is_never_expired()
        for invoice in self.asked:
            assert not world.code(invoice).is_open or invoice in self.told_paid
        self.doku.generate = self.doku.check = WELL
        for invoice in self.doku.paid:
            world.refresh("shop", invoice, time_left=plenty)
            assert world.code(invoice).status is Status.PAID


Proof.TestCase.settings = settings(max_examples=examples(300), stateful_step_count=12)
TestProof = Proof.TestCase
