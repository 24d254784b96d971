"""A request and an answer, apart from sockets."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any


class Delivery(Enum):
    """How an answer travels."""

    WHOLE = "whole"
    HALF = "half"
    """The length of the whole, half of the bytes, end of the connection."""
    DRIP = "drip"
    """Byte by byte."""
    RESET = "reset"
    """Not at all: the connection is reset."""
    NONE = "none"
    """Not at all: nobody is there any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came in: ``target`` is the path exactly as sent, without the query."""

    method: str
    target: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Header names in lower case."""
    body: bytes
    connection: socket.socket


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes out."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.WHOLE
    seconds_per_byte: float = 0.0

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
