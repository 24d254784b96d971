"""Calls an ASGI application without a server."""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True)
class Answer:
    """What an application answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def call(
    app: ASGIApp, method: str, target: str, *, body: Any = None, headers: Mapping[str, str] = {}
) -> Answer:
    """The answer to one request; a body that is not bytes is sent as JSON."""
    path, _, query = target.partition("?")
    given = {"host": "127.0.0.1:8000", **headers}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        given = {"content-type": "application/json", **given}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "server": ("127.0.0.1", 8000),
        "headers": [(name.lower().encode(), text.encode()) for name, text in given.items()],
    }
    sent: list[Mapping[str, Any]] = []

    waiting = [{"type": "http.request", "body": body or b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.Event().wait()  # nobody goes away
        return waiting.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    # In a thread of its own: a browser that other tests started keeps a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, app(scope, receive, send)).result()  # type: ignore[arg-type]
    start = sent[0]
    return Answer(
        start["status"],
        {name.decode().lower(): text.decode() for name, text in start["headers"]},
        b"".join(message.get("body", b"") for message in sent[1:]),
    )
