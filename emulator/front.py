"""The API's own address: passes requests on under the host name that API Gateway gives the API."""

import asyncio

import urllib3
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_HOP_BY_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
_SECONDS = 60.0


class Front:
    """The ASGI application of one host name, which this machine's resolver need not know."""

    def __init__(self, url: str, host: str) -> None:
        self._url = url
        self._host = host
        self._pool = urllib3.PoolManager(maxsize=20, timeout=_SECONDS, retries=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and its answer back, as they are."""
        request = Request(scope, receive)
        path = scope["raw_path"].decode("latin-1")
        query = f"?{request.url.query}" if request.url.query else ""
        headers = urllib3.HTTPHeaderDict(
            (name, value) for name, value in request.headers.items() if name not in _HOP_BY_HOP
        )
        headers["Host"] = self._host
        answer = await asyncio.to_thread(
            self._pool.request,
            request.method,
            f"{self._url}{path}{query}",
            body=await request.body() or None,
            headers=headers,
            decode_content=False,
            redirect=False,
        )
        response = Response(answer.data, answer.status)
        response.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.headers.iteritems()
            if name.lower() not in _HOP_BY_HOP
        ]
        response.raw_headers.append((b"content-length", str(len(answer.data)).encode()))
        await response(scope, receive, send)
