"""What a run begins with: the events of `events/`, and answers as DOKU's protocol has them."""

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from tests.support.documents import ROOT

_NAMES = ("Client-Id", "Request-Id", "Request-Timestamp", "Signature")


def any_text(data: bytes) -> str:
    """Any text there is, lone halves of surrogate pairs among them."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape")


def events(function: str) -> Iterator[dict[str, Any]]:
    """A function's events."""
    for path in sorted((ROOT / "events" / function).glob("*.json")):
        yield json.loads(path.read_text("utf-8"))


def body_of(event: dict[str, Any]) -> bytes:
    """An event's body, as it travelled."""
    body = event.get("body") or ""
    return b64decode(body) if event["isBase64Encoded"] else body.encode()


def written(first: str, headers: dict[str, str], body: bytes) -> bytes:
    """A request as targets read it."""
    lines = [first, *(f"{name}: {value}" for name, value in headers.items())]
    return "\n".join(lines).encode() + b"\n\n" + body


def doku_requests(function: str, path: str) -> tuple[bytes, ...]:
    """A function's events, with DOKU's signature on them and as they stand there."""
    found = []
    for event in events(function):
        given = {name.lower(): text for name, text in event["headers"].items()}
        headers = {name: given.get(name.lower(), "") for name in _NAMES}
        body = body_of(event)
        found.append(written(f"POST {path}", headers, body))
        compact = json.dumps(_or_none(body) or {}).encode()
        found.append(written(f"POST {path}", headers | {"Signature": "sign"}, compact))
    return tuple(found)


def _or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def doku_answers(body: dict[str, Any], person: str) -> tuple[bytes, ...]:
    """Answers of DOKU's: this one, and those that say no in each of its shapes."""
    json_head = "Content-Type: application/json"
    no = (
        {"error": {"code": "invalid_parameter", "message": [f"{person} is too long"]}},
        {"error": {"code": "idempotent_request", "message": "Request-Id"}},
        {"message": ["PAYMENT CHANNEL IS INACTIVE"]},
        {"error_messages": ["ORDER ID NOT FOUND"]},
        {"response_code": "3001", "response_message": f"NAME {person}", "status": "FAILED"},
        {"timestamp": "2026-03-01", "status": 404, "error": "Not Found", "path": "/x"},
        {"message": "No static resource x"},
    )
    return (
        *(
            f"HTTP/1.1 {status} x\n{json_head}\nSignature: sign\n\n".encode()
            + json.dumps(each).encode()
            for status, each in (
                (200, body),
                (409, body),
                (400, body),
                *zip((400, 409, 403, 404, 422, 404, 500), no, strict=True),
            )
        ),
        *(
            (
                f"HTTP/1.1 {status} x\r\n{json_head}\r\nContent-Length: {len(text)}\r\n\r\n{text}"
            ).encode()
            for status, text in (
                (200, json.dumps(body)),
                (404, json.dumps(no[3])),
                (400, json.dumps(no[0])),
                (401, json.dumps({"error": {"code": "invalid_signature", "message": "no"}})),
            )
        ),
        b"HTTP/1.1 103 x\r\nLink: y\r\n\r\nHTTP/1.1 403 x\r\nServer: waf\r\n\r\n<html>",
        b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\nSignature: x\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    )
