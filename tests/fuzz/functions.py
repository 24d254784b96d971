"""The functions as Lambda loads them, on twins in memory: a request in, an answer out.

All but AWS is real: the frame, the models, the use cases, DOKU's signature and messages. In the
stored codes and in the secrets stand texts that are planted there, to see where they come out.
"""

import contextlib
import importlib.util
import io
import json
import os
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

from o2o.adapters.doku.credentials import DokuCredentials
from o2o.adapters.doku.inbox import Inbox
from o2o.adapters.signing import Signing
from o2o.core.codes import Customer, Intent, PaymentCode, Status
from o2o.core.events import Change
from o2o.core.storefronts import ApiKey, Storefront
from o2o.entry import observability, wiring
from o2o.entry.models.events import render
from o2o.usecases.publish_events import PublishEvents
from tests.support.documents import ROOT
from tests.support.memory import (
    MemoryCodeStore,
    MemoryEventStore,
    MemoryMessageArchive,
    MemoryNotificationStore,
    MemoryPaymentStore,
    MemorySearchIndex,
    MemoryStorefrontStore,
    MemoryTable,
    MemoryWorkQueue,
)
from tests.support.samples import make_code, make_own_code, make_settlement
from tests.support.settings import CHANNELS, TIMETABLE
from tests.support.world import FakeDoku, SeededEntropy, TurnableClock

CLIENT_ID = "MCH-0001-10791114622547"
KEY_ID = "k" * 12
KEY_SECRET = "plantedkey" * 5
DOKU_KEY = "SK-planted-key-of-doku"
SIGNING_SECRET = "planted-secret-of-the-pages-" * 2
SECRETS = (KEY_SECRET, DOKU_KEY, SIGNING_SECRET)
"""May come out nowhere."""

PERSON = "Budiwati Rahasia"
"""The customer of every code of the storefront whose key is used."""
RIVAL = "Saingan Tersembunyi"
"""The customer, the line on the till and the metadata of another storefront's codes."""

SHOP = Storefront("shop", "Toko", TurnableClock().now)
OTHER = Storefront("rival", "Saingan", TurnableClock().now, namespace="k7q2")

SETTINGS = {
    "TABLE_NAME": "table",
    "READABLE_BY_01": "false",
    "ARCHIVE_BUCKET_NAME": "archive",
    "AWAITED_QUEUE_URL": "awaited",
    "RECONCILE_QUEUE_URL": "reconcile",
    "WEBHOOK_QUEUE_URL": "webhooks",
    "WEBHOOK_DEAD_LETTER_QUEUE_URL": "letters",
    "WEBHOOK_RETRY_MINUTES": "[1,5,30]",
    "WEBHOOK_TIMEOUT_SECONDS": "2",
    "WEBHOOK_ALLOW_LOCAL": "false",
    "EVENT_BUS_NAME": "bus",
    "EVENT_DEAD_LETTER_QUEUE_URL": "event-letters",
    "EVENT_RETENTION_DAYS": "90",
    "DOKU_SECRET_NAME": "doku",
    "DOKU_BASE_URL": "https://api.doku.com",
    "DOKU_TIMEOUT_SECONDS": "8",
    "CHANNELS": json.dumps(CHANNELS),
    "BINS": json.dumps(
        [
            {"channel": "alfa", "partnership": "aggregator", "bin_type": "general", "bin": "8"},
            {
                "channel": "alfa",
                "partnership": "aggregator",
                "bin_type": "exclusive",
                "bin": "889955",
                "biller": "Toko",
                "storefronts": ["shop"],
                "unique_digits": 10,
                "features": ["mgpc", "dipc"],
            },
            {"channel": "indomaret", "partnership": "direct", "bin_type": "direct", "bin": "88899"},
        ]
    ),
    "TIMETABLE": json.dumps(TIMETABLE),
    "CODE_RETENTION_DAYS": "90",
    "EVIDENCE_RETENTION_DAYS": "3650",
    "OVERRIDE_NOTIFICATION_URL": "",
    "REPORT_COLUMNS": '{"storefront": "Shop", "invoice_number": "Shop\'s number"}',
    "PUBLIC_URL": "https://pay.example.com",
    "STOREFRONT_RATE_LIMIT": "20",
    "SHARED_USAGE_KEY": "shared-by-those-without",
    "SIGNING_SECRET_NAME": "signing",
    "WEBHOOK_SECRET_NAME": "webhooks",
}
"""What the functions' environment says, in a deployment that is set up well."""


_ENTRY = SimpleNamespace(get_secret_value=lambda **_: {"SecretString": SIGNING_SECRET})
SIGNING = Signing(_ENTRY, "signing")  # type: ignore[arg-type]


@dataclass(frozen=True)
class Request:
    """A request as it is written in a corpus: first line, headers, an empty line, the body."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def read(cls, data: bytes) -> "Request":
        head, _, body = data.partition(b"\n\n")
        first, *lines = head.decode("utf-8", "replace").split("\n")
        method, _, address = first.partition(" ")
        path, _, query = address.partition("?")
        pairs = (line.partition(":") for line in lines)
        return cls(
            method, path, query, {name: value.strip() for name, _, value in pairs if name}, body
        )

    def header(self, name: str) -> str:
        """A header's value, however its name is spelt; empty if there is none."""
        return next(
            (text for each, text in self.headers.items() if each.lower() == name.lower()), ""
        )

    def event(self, resource: str, parameters: dict[str, str] | None = None) -> dict[str, Any]:
        """The event that API Gateway makes of it."""
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        try:
            body, is_encoded = self.body.decode(), False
        except UnicodeDecodeError:
            body, is_encoded = b64encode(self.body).decode(), True
        return {
            "resource": resource,
            "path": self.path,
            "httpMethod": self.method,
            "headers": self.headers or None,
            "multiValueHeaders": {name: [text] for name, text in self.headers.items()} or None,
            "queryStringParameters": {name: all_[-1] for name, all_ in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": parameters,
            "requestContext": {
                "path": f"/v1{self.path}",
                "resourcePath": resource,
                "domainName": "api.example.com",
                "requestId": "request",
                "stage": "v1",
                "authorizer": {"storefront_id": "shop", "key_id": KEY_ID, "rate_limit": "20"},
            },
            "body": body or None,
            "isBase64Encoded": is_encoded,
        }


@dataclass(frozen=True)
class Answer:
    """What a function answered, and what else came of it."""

    status: int
    body: str
    headers: dict[str, str]
    is_written: bool
    """Whether anything in the table has changed."""
    told: str
    """What it logged and counted."""

    @property
    def text(self) -> str:
        """All that the caller gets to see."""
        return f"{self.headers} {self.body}"


@dataclass
class Functions:
    """All of them over one table, which is as it was before each invocation."""

    table: MemoryTable = field(default_factory=MemoryTable)
    clock: TurnableClock = field(default_factory=TurnableClock)

    def __post_init__(self) -> None:
        self.codes = MemoryCodeStore(self.table)
        self.events = MemoryEventStore(self.table)
        self.storefronts = MemoryStorefrontStore(self.table)
        self.doku = FakeDoku(self.clock)
        self._modules: dict[str, Any] = {}
        self._told = io.StringIO()
        self._fill()
        self.before = self._state()

    def _fill(self) -> None:
        for storefront in (SHOP, OTHER):
            self.storefronts.add_storefront(storefront)
        self.storefronts.put_key(ApiKey.of(KEY_ID, KEY_SECRET, SHOP, self.clock()))
        own = {"customer": Customer(PERSON, "budiwati@rahasia.example")}
        digits = {"status": Status.ACTIVE, "activated_at": self.clock(), "intent": None}
        for code in (
            make_code("WAITS", intent=Intent("request", "WAITS 150000 60"), **own),
            make_code("INV-20260301-0001", payment_code="8889955000000021", **digits, **own),
            make_code("AGAIN", payment_code="8123456789012346", reusable=True, **digits, **own),
            make_own_code("OWN", payment_code="8899550812345678", **own),
            make_own_code(
                "INV-1",
                storefront_id="rival",
                namespace="k7q2",
                payment_code="8899559999999999",
                customer=Customer(RIVAL),
                info=RIVAL,
                metadata=json.dumps({"note": RIVAL}),
            ),
        ):
            assert self.codes.create(code) is None
            self._publish(Change(None, code))
        for receipt in ("R-1", "R-2"):
            before = self.code("AGAIN")
            settlement = make_settlement(before, receipt)
            self.codes.record(settlement)
            self._publish(Change(before, settlement.code))

    def code(self, order_number: str) -> PaymentCode:
        """A stored code."""
        found = self.codes.get(order_number)
        assert found is not None
        return found

    def _publish(self, change: Change) -> None:
        PublishEvents(
            events=self.events,
            search=MemorySearchIndex(self.table),
            queue=MemoryWorkQueue(),
            bus=SimpleNamespace(put=lambda _: None),
            dead_letters=MemoryWorkQueue(),
            render=render,
            keep_for=timedelta(days=90),
            report=lambda _: None,
        ).keep(change)

    def _state(self) -> dict[str, dict[Any, Any]]:
        state = {
            name: dict(each) for name, each in vars(self.table).items() if isinstance(each, dict)
        }
        state["payments"] = {code: dict(each) for code, each in state["payments"].items()}
        return state

    def _restore(self) -> None:
        for name, entries in self.before.items():
            stored = getattr(self.table, name)
            stored.clear()
            stored.update(entries)
        self.table.payments.update(
            {code: dict(each) for code, each in self.before["payments"].items()}
        )

    def invoke(self, name: str, event: dict[str, Any]) -> Answer:
        """What a function answers. The table is put back afterwards."""
        module = self._load(name)
        self._told.seek(0)
        self._told.truncate()
        with contextlib.redirect_stdout(self._told), _logged_to(self._told):
            answer = module.lambda_handler(event, _CONTEXT)
        after = self._state()
        is_written = after != self.before
        self.after = after
        if is_written:
            self._restore()
        self.doku.orders.clear()
        self.doku.sent.clear()
        headers = {
            **(answer.get("headers") or {}),
            **{each: ",".join(all_) for each, all_ in answer.get("multiValueHeaders", {}).items()},
        }
        return Answer(
            answer.get("statusCode", 0),
            answer.get("body", json.dumps(answer)),
            headers,
            is_written,
            self._told.getvalue(),
        )

    def _load(self, name: str) -> Any:
        if name not in self._modules:
            path = ROOT / "functions" / name / "app.py"
            spec = importlib.util.spec_from_file_location(f"fuzzed_{name}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            with self._wired():
                spec.loader.exec_module(module)
            self._modules[name] = module
        return self._modules[name]

    @contextlib.contextmanager
    def _wired(self) -> Any:
        """The composition root over the twins; what is loaded meanwhile keeps them."""
        twins = {
            "_codes": lambda _: self.codes,
            "_payments": lambda _: MemoryPaymentStore(self.table),
            "_notifications": lambda _: MemoryNotificationStore(self.table),
            "_archive": lambda *_: MemoryMessageArchive(),
            "_events": lambda _: self.events,
            "_storefronts": lambda _: self.storefronts,
            "_queue": lambda _: MemoryWorkQueue(),
            "_doku": lambda _: self.doku,
            "_client": lambda _: SimpleNamespace(put_events=lambda **_: {"FailedEntryCount": 0}),
            "_inbox": lambda _: Inbox(credentials=credentials, clock=self.clock),
            "_signing": lambda _: SIGNING,
            "SystemEntropy": SeededEntropy,
            "clock": self.clock,
        }
        before = {name: getattr(wiring, name) for name in twins}
        environment = dict(os.environ)
        try:
            os.environ.update(SETTINGS)
            for each, twin in twins.items():
                setattr(wiring, each, twin)
            yield
        finally:
            for each, original in before.items():
                setattr(wiring, each, original)
            os.environ.clear()
            os.environ.update(environment)


@contextlib.contextmanager
def _logged_to(stream: io.StringIO) -> Iterator[None]:
    """Have the functions' logs there; afterwards they go where they went before."""
    handlers: list[Any] = list(observability.logger.handlers)
    before = [handler.stream for handler in handlers]
    for handler in handlers:
        handler.stream = stream
    try:
        yield
    finally:
        for handler, former in zip(handlers, before, strict=True):
            handler.stream = former


_CONTEXT = SimpleNamespace(
    function_name="function",
    function_version="$LATEST",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:ap-southeast-3:123456789012:function:function",
    aws_request_id="request",
    get_remaining_time_in_millis=lambda: 15_000,
)


def credentials(*, refresh: bool = False) -> DokuCredentials:
    return DokuCredentials(client_id=CLIENT_ID, secret_key=DOKU_KEY)


@cache
def functions() -> Functions:
    """The functions of this process."""
    return Functions()


def declared(method: str, resource: str) -> frozenset[int]:
    """The statuses that the API's document declares for a route."""
    return _declared()[method.lower(), resource]


@cache
def _declared() -> dict[tuple[str, str], frozenset[int]]:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    return {
        (method, path): frozenset(map(int, operation["responses"]))
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


SERVER_ERROR = 500


def must_be_declared(answer: Answer, method: str, resource: str) -> None:
    """A declared answer that is no failure, and a problem document if it is an error."""
    assert answer.status in declared(method, resource), answer
    assert answer.status < SERVER_ERROR, answer
    assert "unexpected error" not in answer.told, answer.told
    if answer.status >= 400 and not resource.startswith(("/pay/{token}", "/doku/inquiries")):
        problem = json.loads(answer.body)
        assert problem["status"] == answer.status
        if problem["type"] == "/problems/invalid-request":
            assert problem["invalid_params"], problem


def must_not_tell(text: str, *planted: str) -> None:
    """None of what was planted stands in a text, however it is written."""
    folded = text.casefold()
    for each in planted:
        assert each.casefold() not in folded, f"{each!r} came out: {text!r}"
