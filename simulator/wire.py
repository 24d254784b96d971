"""An HTTP request and its answer, independent of sockets."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any


class Delivery(Enum):
    """How an answer is sent."""

    WHOLE = "whole"
    HALF = "half"
    """With the length of the whole, half of the bytes, then the end of the connection."""
    DRIP = "drip"
    """Byte by byte."""
    RESET = "reset"
    """Not at all: the connection is reset."""
    NONE = "none"
    """Not at all: the client has left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as received."""

    method: str
    target: str
    """The path exactly as sent, without the query."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Header names in lower case."""
    body: bytes
    connection: socket.socket


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer to send."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.WHOLE
    seconds_per_byte: float = 0.0
    interim_status: int | None = None
    """An interim answer that is sent before: HTTP allows any number of 1xx."""

    def with_headers(self, headers: Mapping[str, str]) -> "Answer":
        """Return the answer with more headers."""
        return replace(self, headers={**self.headers, **headers})


def json_answer(status: int, document: object, *, pretty: bool = False) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status=int(status), body=json_bytes(document, pretty=pretty))


def json_bytes(document: object, *, pretty: bool = False) -> bytes:
    """Return a JSON document as UTF-8, compact or with two spaces."""
    form: dict[str, Any] = {"indent": 2} if pretty else {"separators": (",", ":")}
    return json.dumps(document, ensure_ascii=False, **form).encode("utf-8")
