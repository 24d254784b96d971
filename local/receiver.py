"""The demo store's own end of the webhooks: takes them, checks them, keeps them to be looked at."""

import base64
import binascii
import hmac
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_KEPT = 200
_TOLERANCE_SECONDS = 300
_PREFIX = "whsec_"
_NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationOutcome:
    """One webhook as it came."""

    number: int
    received_at: datetime
    headers: Mapping[str, str]
    body: bytes
    problem: str | None
    """Why it is not to be trusted; ``None`` where it is."""
    answered: int

    def view(self) -> dict[str, Any]:
        """What the page shows."""
        try:
            body = json.loads(self.body)
        except ValueError:
            body = self.body.decode("utf-8", "replace")
        return {
            "number": self.number,
            "received_at": self.received_at.isoformat(timespec="milliseconds"),
            "headers": dict(self.headers),
            "body": body,
            "verified": self.problem is None,
            "problem": self.problem,
            "answered": self.answered,
        }


class Receiver:
    """Takes webhooks that are signed with one of ``secrets``, as the store was told them."""

    def __init__(self, *, secrets: Sequence[str], now: Callable[[], datetime]) -> None:
        self._secrets = secrets
        self._now = now
        self._kept: deque[NotificationOutcome] = deque(maxlen=_KEPT)
        self._answer = HTTPStatus.OK.value
        self._number = 0

    async def take(self, request: Request) -> Response:
        """Keep a webhook and answer as was wished; 401 to one that is not to be trusted."""
        body = await request.body()
        headers = {name: request.headers.get(name, "") for name in _NAMES}
        now = self._now()
        problem = find_problem(headers, body, self._secrets, now)
        answered = self._answer if problem is None else HTTPStatus.UNAUTHORIZED.value
        self._number += 1
        self._kept.appendleft(
            NotificationOutcome(
                number=self._number,
                received_at=now,
                headers=headers,
                body=body,
                problem=problem,
                answered=answered,
            )
        )
        return Response(status_code=answered)

    async def show(self, _request: Request) -> Response:
        """What came, newest first, and what the next one is answered."""
        return JSONResponse(
            {"answer": self._answer, "items": [received.view() for received in self._kept]}
        )

    async def set_answer(self, request: Request) -> Response:
        """Answer from now on with another status, to see what a failing storefront meets."""
        try:
            self._answer = HTTPStatus(json.loads(await request.body())["status"]).value
        except (KeyError, TypeError, ValueError):
            return JSONResponse(
                {"error": 'Send {"status": an HTTP status}.'}, HTTPStatus.BAD_REQUEST
            )
        return JSONResponse({"answer": self._answer})


def find_problem(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
) -> str | None:
    """Why a message is not to be trusted by the rules of Standard Webhooks; ``None`` if it is."""
    if missing := [name for name in _NAMES if not headers.get(name)]:
        return f"{missing[0]} is missing."
    sent_at = headers["webhook-timestamp"]
    if not (sent_at.isascii() and sent_at.isdigit()):
        return "webhook-timestamp is no number of seconds."
    if abs(now.timestamp() - int(sent_at)) > _TOLERANCE_SECONDS:
        return "webhook-timestamp is more than five minutes away."
    signed = f"{headers['webhook-id']}.{sent_at}.".encode() + body
    made = {_signature(secret, signed) for secret in secrets}
    given = headers["webhook-signature"].encode().split(b" ")
    if any(hmac.compare_digest(mine, theirs) for mine in made for theirs in given):
        return None
    return "webhook-signature fits none of the storefront's secrets."


def _signature(secret: str, signed: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("A webhook secret is whsec_ and base64.") from None
    return b"v1," + base64.b64encode(hmac.digest(key, signed, sha256))
