"""A merchant as the tests need one: signs and verifies by itself, listens, and waits.

Nothing here uses the simulator's code: both are written from docs/doku-protocol.md.
"""

import base64
import hashlib
import hmac
import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

CLIENT_ID = "MCH-0001-10791114622547"
SECRET_KEY = "SK-local-test-key-0001"
ALFA = "/alfa-online-to-offline/v2/payment-code"
ALFA_MERCHANT = "/alfa-online-to-offline/v2/merchant-payment-code"
INDOMARET = "/indomaret-online-to-offline/v2/payment-code"
INDOMARET_MERCHANT = "/indomaret-online-to-offline/v2/merchant-payment-code"
STATUS = "/orders/v1/status/"
DEADLINE = 300.0
"""Seconds to wait for what must come: enough for a slow machine that is busy."""

Json = Any
"""Whatever a JSON document holds."""


def sign(text: str, secret_key: str = SECRET_KEY) -> str:
    mac = hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).digest()
    return "HMACSHA256=" + base64.b64encode(mac).decode()


def signed_text(
    headers: Mapping[str, str], target: str, body: bytes | None, kind: str = "Request"
) -> str:
    text = (
        f"Client-Id:{headers['Client-Id']}\nRequest-Id:{headers['Request-Id']}\n"
        f"{kind}-Timestamp:{headers[f'{kind}-Timestamp']}\nRequest-Target:{target}"
    )
    if body is not None:
        text += "\nDigest:" + base64.b64encode(hashlib.sha256(body).digest()).decode()
    return text


def timestamp(offset_seconds: float = 0) -> str:
    instant = datetime.now(UTC) + timedelta(seconds=offset_seconds)
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def eventually(probe: Callable[[], object], what: str) -> None:
    """Wait for a condition; fail with what was waited for."""
    deadline = time.monotonic() + DEADLINE
    while not probe():
        assert time.monotonic() < deadline, f"waited {DEADLINE:.0f} s for: {what}"
        time.sleep(0.005)


def generation(invoice_number: str = "INV-1", /, **changes: object) -> dict[str, Any]:
    """A body that asks for a code, for either channel."""
    document: dict[str, Any] = {
        "order": {"invoice_number": invoice_number, "amount": 19_000},
        "online_to_offline_info": {
            "expired_time": 60,
            "reusable_status": False,
            "info": "Merchant Demo Store",
        },
        "customer": {"name": "Anton Budiman", "email": "anton@example.com"},
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = document
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return document


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes
    target: str

    @property
    def json(self) -> Json:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["online_to_offline_info"]["payment_code"])

    @property
    def is_signed(self) -> bool:
        """Whether the answer carries DOKU's signature over exactly these bytes."""
        if "Signature" not in self.headers:
            return False
        text = signed_text(self.headers, self.target, self.body, "Response")
        return self.headers["Signature"] == sign(text)


class Client:
    """A merchant's side of DOKU's API, and the simulator's control API."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.address = urlsplit(url).netloc

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        connection = http.client.HTTPConnection(self.address, timeout=DEADLINE)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read(), path)
        finally:
            connection.close()

    def headers(
        self,
        path: str,
        body: bytes | None,
        *,
        request_id: str | None = None,
        at: str | None = None,
        client_id: str = CLIENT_ID,
        secret_key: str = SECRET_KEY,
    ) -> dict[str, str]:
        headers = {
            "Client-Id": client_id,
            "Request-Id": request_id or str(uuid.uuid4()),
            "Request-Timestamp": at or timestamp(),
            "Content-Type": "application/json",
        }
        return {**headers, "Signature": sign(signed_text(headers, path, body), secret_key)}

    def post(self, path: str, body: object, **how: str) -> Reply:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", path, self.headers(path, raw, **how), raw)

    def generate(self, invoice_number: str = "INV-1", path: str = ALFA, **changes: Any) -> Reply:
        reply = self.post(path, generation(invoice_number, **changes))
        assert reply.status == 200, reply.body
        return reply

    def get_status(self, invoice_number: str, **how: str) -> Reply:
        path = STATUS + invoice_number
        return self.send("GET", path, self.headers(path, None, **how))

    def status(self, invoice_number: str = "INV-1") -> str:
        """Only the transaction's status."""
        reply = self.get_status(invoice_number)
        assert reply.status == 200, reply.body
        return str(reply.json["transaction"]["status"])

    def control(self, method: str, path: str, body: object = None) -> Reply:
        raw = None if body is None else json.dumps(body).encode()
        return self.send(method, "/_control" + path, {}, raw)

    def did(self, method: str, path: str, body: object = None) -> Json:
        """Call the control API and expect success."""
        reply = self.control(method, path, body)
        assert reply.status == 200, reply.body
        return reply.json

    def now(self) -> str:
        """The simulator's time."""
        return str(self.did("GET", "/clock")["now"])

    def advance(self, seconds: float) -> None:
        self.did("POST", "/clock", {"advance_seconds": seconds})

    def register(
        self, code: str, invoice_number: str = "INV-1", path: str = ALFA_MERCHANT, **changes: Any
    ) -> Reply:
        """Register the merchant's own digits."""
        body = generation(invoice_number, online_to_offline_info__payment_code=code, **changes)
        return self.post(path, body)

    def inquire(self, code: str) -> Json:
        return self.did("POST", "/inquiry", {"payment_code": code})

    def pay(self, invoice_number: str = "INV-1", **more: Any) -> Json:
        return self.did("POST", "/pay", {"invoice_number": invoice_number, **more})

    def order(self, invoice_number: str = "INV-1") -> Json:
        return self.did("GET", f"/orders/{invoice_number}")

    def attempts(self, invoice_number: str = "INV-1") -> list[Json]:
        """Every attempt to notify of an order, in order."""
        notifications = self.order(invoice_number)["notifications"]
        return [attempt for item in notifications for attempt in item["attempts"]]

    def add_fault(self, kind: str, **more: Any) -> Json:
        return self.did("POST", "/faults", {"kind": kind, **more})


@dataclass(frozen=True)
class Message:
    """A notification as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)

    @property
    def invoice_number(self) -> str:
        return str(self.json["order"]["invoice_number"])

    @property
    def is_genuine(self) -> bool:
        """The merchant's own check of the signature and the sender."""
        if {"Client-Id", "Request-Id", "Request-Timestamp", "Signature"} - self.headers.keys():
            return False
        text = signed_text(self.headers, self.path, self.body)
        return self.headers["Signature"] == sign(text) and self.headers["Client-Id"] == CLIENT_ID


@dataclass
class Reaction:
    """How the merchant answers one inquiry, before it is signed."""

    status: int
    document: Json
    body: bytes | None = None
    """Bytes in place of the document."""
    secret_key: str = SECRET_KEY
    headers: dict[str, str | None] = field(default_factory=dict)
    """Headers in place of the right ones; ``None`` leaves one out, after signing."""
    target: str | None = None
    """Another path to sign."""
    sent: bytes | None = None
    """Bytes to send in place of those that are signed."""
    length: int | None = None
    """A wrong Content-Length."""


HTTP_OF = {
    "success": 200,
    "billing_not_found": 404,
    "billing_already_paid": 400,
    "billing_was_expired": 400,
    "decline": 400,
    "invalid_signature": 401,
}


class Merchant:
    """Accepts notifications, and answers with ``statuses`` in turn, then 200.

    Answers inquiries too: of the codes in ``bills`` (a status, or invoice number and amount).
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.statuses: list[int] = []
        self.inquiries: list[Message] = []
        self.bills: dict[str, str | tuple[str, int]] = {}
        self.react: Callable[[Reaction], None] = lambda _: None
        """Changes an answer before it is signed and sent."""
        self._came = threading.Condition()
        merchant = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                message = Message(self.path, dict(self.headers), body)
                if self.path.endswith("/inquiries"):
                    self.answer(message)
                    return
                status = merchant._take(message)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def answer(self, message: Message) -> None:
                reaction = merchant._reaction(message)
                status, headers, body = merchant._signed(message, reaction)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                length = len(body) if reaction.length is None else reaction.length
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/doku/notifications"
        self.inquiry_url = f"http://127.0.0.1:{self._server.server_port}/v1/doku/inquiries"

    def _take(self, message: Message) -> int:
        with self._came:
            self.messages.append(message)
            self._came.notify_all()
            return self.statuses.pop(0) if self.statuses else 200

    def _reaction(self, message: Message) -> Reaction:
        with self._came:
            self.inquiries.append(message)
        if not message.is_genuine:
            return Reaction(401, {"online_to_offline_inquiry": {"status": "invalid_signature"}})
        code = message.json["online_to_offline_info"]["payment_code"]
        bill = self.bills.get(code, "billing_not_found")
        if isinstance(bill, str):
            document: Json = {
                "online_to_offline_info": {"payment_code": code},
                "online_to_offline_inquiry": {"status": bill},
            }
            return Reaction(HTTP_OF[bill], document)
        document = {
            "order": {"invoice_number": bill[0], "amount": bill[1]},
            "online_to_offline_info": {"payment_code": code, "info1": "Online Shopping Store"},
            "online_to_offline_inquiry": {"status": "success"},
            "customer": {"name": "Anton Budiman", "email": "anton@example.com"},
            "additional_info": {},
        }
        return Reaction(200, document)

    def _signed(self, message: Message, reaction: Reaction) -> tuple[int, dict[str, str], bytes]:
        self.react(reaction)
        body = json.dumps(reaction.document).encode() if reaction.body is None else reaction.body
        headers = {
            "Client-Id": CLIENT_ID,
            "Request-Id": message.headers.get("Request-Id", "none"),
            "Response-Timestamp": timestamp(),
            **{name: value for name, value in reaction.headers.items() if value is not None},
        }
        target = reaction.target or message.path
        text = signed_text(headers, target, body, "Response")
        headers = {"Signature": sign(text, reaction.secret_key), **headers}
        for name, value in reaction.headers.items():
            if value is None:
                del headers[name]
        return reaction.status, headers, body if reaction.sent is None else reaction.sent

    def wait_for(self, count: int) -> list[Message]:
        """Wait until so many notifications have come."""
        with self._came:
            came = self._came.wait_for(lambda: len(self.messages) >= count, DEADLINE)
            assert came, f"{len(self.messages)} of {count} notifications came"
            return list(self.messages)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
