"""The demo storefront's webhook endpoint: verifies webhooks and keeps them for the console."""

import asyncio
import base64
import binascii
import hmac
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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
class ReceivedWebhook:
    """One webhook, with the result of its verification and the status that it was answered."""

    number: int
    received_at: datetime
    headers: Mapping[str, str]
    body: bytes
    problem: str | None
    """Why it was rejected; ``None`` if it was verified."""
    answered: int

    def view(self) -> dict[str, Any]:
        """The webhook as JSON; a body that is not JSON is shown as text."""
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
    """Takes webhooks that are signed with one of the storefront's secrets and keeps 200.

    ``secrets`` looks them up for each, because they may be rotated at any time. ``now`` dates
    webhooks by the stack's clock, as the console shows everything. They are verified by the
    machine's clock, as every storefront does.
    """

    def __init__(
        self, *, secrets: Callable[[], Sequence[str]], now: Callable[[], datetime]
    ) -> None:
        self._secrets = secrets
        self._now = now
        self._kept: deque[ReceivedWebhook] = deque(maxlen=_KEPT)
        self._answer = HTTPStatus.OK.value
        self._number = 0

    async def take(self, request: Request) -> Response:
        """Keep a webhook; answer 401 if it can't be verified, else with the chosen status."""
        body = await request.body()
        headers = {name: request.headers.get(name, "") for name in _NAMES}
        secrets = await asyncio.to_thread(self._secrets)
        problem = find_problem(headers, body, secrets, datetime.now(UTC))
        answered = self._answer if problem is None else HTTPStatus.UNAUTHORIZED.value
        self._number += 1
        self._kept.appendleft(
            ReceivedWebhook(
                number=self._number,
                received_at=self._now(),
                headers=headers,
                body=body,
                problem=problem,
                answered=answered,
            )
        )
        return Response(status_code=answered)

    async def show(self, _request: Request) -> Response:
        """The webhooks, newest first, and the status with which the next one is answered."""
        return JSONResponse(
            {"answer": self._answer, "items": [received.view() for received in self._kept]}
        )

    async def set_answer(self, request: Request) -> Response:
        """Choose the status of the next answers, to simulate a storefront that fails."""
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
    """Why a message is invalid by the rules of Standard Webhooks; ``None`` if it is valid."""
    if missing := [name for name in _NAMES if not headers.get(name)]:
        return f"{missing[0]} is missing."
    sent_at = headers["webhook-timestamp"]
    if not (sent_at.isascii() and sent_at.isdigit()):
        return "webhook-timestamp is not a number of seconds."
    if abs(now.timestamp() - int(sent_at)) > _TOLERANCE_SECONDS:
        return "webhook-timestamp is more than five minutes off."
    signed = f"{headers['webhook-id']}.{sent_at}.".encode() + body
    valid = {_signature(secret, signed) for secret in secrets}
    given = headers["webhook-signature"].encode().split(b" ")
    if any(hmac.compare_digest(one, other) for one in valid for other in given):
        return None
    return "webhook-signature matches none of the storefront's secrets."


def _signature(secret: str, signed: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("A webhook secret must be whsec_ and base64.") from None
    return b"v1," + base64.b64encode(hmac.digest(key, signed, sha256))
