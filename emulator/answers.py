"""The same requests to two stacks, and where their answers differ."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from emulator.waiting import wait_for

_SECONDS = 60.0
_TRANSPORT = re.compile(
    r"(connection|content-length|date|keep-alive|server|transfer-encoding|x-amz.*)$"
)
"""Headers that each server has its own of."""
_CHANGING = (
    (re.compile(r"https?://[\w.-]+(:\d+)?(/v1)?(?=[/\"\s]|$)"), "<address>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "<instant>"),
    (re.compile(r"(?<=/pay/)[\w-]+\.[\w-]+"), "<token>"),
    (re.compile(r"\bevt_[0-9a-f]{32}\b"), "<event>"),
    (re.compile(r"\w+, \d+ \w+ \d{4}, \d\d[.:]\d\d WIB"), "<instant>"),
    (re.compile(r"\b\d{9,20}\b|\b\d{4}( \d{4}){3}\b"), "<digits>"),
    (re.compile(r"(?<=HMACSHA256=)[\w+/=]+"), "<signature>"),
)
_ORDER = {"amount": 25_000, "channel": "alfa", "customer": {"name": "Anton Budiman"}}
_SKIPPED_FIELDS = {"duration_ms"}
_SKIPPED_BODIES = ("text/html",)
"""Pages are made of digits and times; their headers are compared."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request; ``path`` may name what an earlier answer brought."""

    name: str
    method: str
    path: str
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    key: bool = True


_JSON = (("Content-Type", "application/json"),)
EXCHANGES = (
    Exchange("channels", "GET", "/channels"),
    Exchange("no key", "GET", "/channels", key=False),
    Exchange("a wrong key", "GET", "/channels", headers=(("Authorization", "Bearer no"),)),
    Exchange("another scheme", "GET", "/channels", headers=(("Authorization", "Basic bm8="),)),
    Exchange("no route", "GET", "/nothing"),
    Exchange("no route and no key", "GET", "/nothing", key=False),
    Exchange("no such method", "PUT", "/channels"),
    Exchange("a code", "POST", "/payment-codes", {**_ORDER, "invoice_number": "SAME-1"}),
    Exchange("again", "POST", "/payment-codes", {**_ORDER, "invoice_number": "SAME-1"}),
    Exchange(
        "another",
        "POST",
        "/payment-codes",
        {**_ORDER, "invoice_number": "SAME-1", "amount": 26_000},
    ),
    Exchange(
        "dipc",
        "POST",
        "/payment-codes",
        {**_ORDER, "invoice_number": "SAME-2", "channel": "indomaret", "feature": "dipc"},
    ),
    Exchange("wrong fields", "POST", "/payment-codes", {"amount": "1", "colour": "red"}),
    Exchange("no JSON", "POST", "/payment-codes", "{", _JSON),
    Exchange("no content type", "POST", "/payment-codes", "{}", (("Content-Type", "text/plain"),)),
    Exchange("an unknown query", "GET", "/payment-codes?colour=red"),
    Exchange("a query twice", "GET", "/payment-codes?limit=1&limit=2"),
    Exchange("a filtered list", "GET", "/payment-codes?invoice_number=SAME-1"),
    Exchange("one", "GET", "/payment-codes/SAME-1"),
    Exchange("none", "GET", "/payment-codes/NO-SUCH"),
    Exchange("an escaped path", "GET", "/payment-codes/A%2FB%20C"),
    Exchange("a slash at the end", "GET", "/payment-codes/SAME-1/"),
    Exchange("no payments", "GET", "/payment-codes/SAME-1/payments"),
    Exchange("how to pay", "GET", "/payment-codes/SAME-1/how-to-pay"),
    Exchange("refresh", "POST", "/payment-codes/SAME-1/refresh"),
    Exchange("cancel", "POST", "/payment-codes/SAME-2/cancel"),
    Exchange("cancel again", "POST", "/payment-codes/SAME-2/cancel"),
    Exchange("the page", "GET", "/pay/{token}", key=False),
    Exchange("the page's head", "HEAD", "/pay/{token}", key=False),
    Exchange("the page's status", "GET", "/pay/{token}/status", key=False),
    Exchange("a wrong token", "GET", "/pay/wrong", key=False),
    Exchange("the reference", "GET", "/docs", key=False),
    Exchange("the document", "GET", "/openapi.json", key=False),
    Exchange("a problem", "GET", "/problems/not-found", key=False),
    Exchange("no signature", "POST", "/doku/notifications", {"order": {}}, key=False),
    Exchange("an inquiry without one", "POST", "/doku/inquiries", {"order": {}}, key=False),
)


def ask(about: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The answers of a stack to all exchanges, by name, without what differs from run to run."""
    answers: dict[str, dict[str, Any]] = {}
    with requests.Session() as session:
        session.trust_env = False

        def send(exchange: Exchange, **found: str) -> requests.Response:
            headers = {"Authorization": f"Bearer {about['api_key']}"} if exchange.key else {}
            text = isinstance(exchange.body, str)
            return session.request(
                exchange.method,
                about["api_url"] + exchange.path.format(**found),
                data=exchange.body if text else None,
                json=None if text else exchange.body,
                headers=headers | dict(exchange.headers),
                timeout=_SECONDS,
                allow_redirects=False,
            )

        token = ""
        for exchange in EXCHANGES:
            answer = send(exchange, token=token)
            answers[exchange.name] = comparable(answer)
            if exchange.name == "a code" and answer.ok:
                token = answer.json()["pay_url"].rpartition("/")[2]
        code = send(Exchange("", "GET", "/payment-codes/SAME-1")).json()
        session.post(
            f"{about['doku']['base_url']}/_control/pay",
            json={"payment_code": code["payment_code"]},
            timeout=_SECONDS,
        ).raise_for_status()
        one = Exchange("paid", "GET", "/payment-codes/SAME-1")
        wait_for("the payment", lambda: send(one).json()["status"] == "paid")
        answers["paid"] = comparable(send(one))
        events = Exchange("events", "GET", "/events?invoice_number=SAME-1")
        wait_for("the deliveries", lambda: _all_delivered(send(events).json()["items"]))
        answers["events"] = comparable(send(events))
    return answers


def _all_delivered(events: list[dict[str, Any]]) -> bool:
    return len(events) > 1 and all(each["delivery"]["status"] == "delivered" for each in events)


def comparable(answer: requests.Response) -> dict[str, Any]:
    """What of an answer must be the same everywhere."""
    kind = answer.headers.get("content-type", "")
    parts: dict[str, Any] = {"status": answer.status_code}
    for name, value in answer.headers.items():
        if not _TRANSPORT.match(name.lower()):
            parts[f"header {name.lower()}"] = mask(value).removeprefix("/v1")
    if kind.partition(";")[0] not in _SKIPPED_BODIES:
        try:
            parts |= dict(_leaves(answer.json(), "body"))
        except ValueError:
            parts["body"] = mask(answer.text)
    return parts


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in _SKIPPED_FIELDS:
                yield from _leaves(each, f"{path}.{key}")
    elif isinstance(value, list):
        yield f"{path}[]", len(value)
        for number, each in enumerate(value):
            yield from _leaves(each, f"{path}[{number}]")
    else:
        yield path, mask(value) if isinstance(value, str) else value


def mask(text: str) -> str:
    """A text without what differs from run to run."""
    for pattern, name in _CHANGING:
        text = pattern.sub(name, text)
    return text


_OF_A_PROBLEM = ("status", "body.type")


def differences(
    ours: Mapping[str, Mapping[str, Any]], theirs: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Where two stacks' answers differ, as one line for each part: ours, then theirs."""
    found = []
    for name in ours:
        one, other = ours[name], theirs[name]
        # Of two problems that are not the same one, the rest says nothing more.
        both = one.get("body.type") and other.get("body.type") not in (None, one["body.type"])
        for part in _OF_A_PROBLEM if both else sorted(one.keys() | other.keys()):
            if one.get(part) != other.get(part):
                said = f"{json.dumps(one.get(part))} is {json.dumps(other.get(part))}"
                found.append(f"{name}: {part}: {said}")
    return found
