"""Forwards requests of the console's pages to the stack's other servers."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import requests
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_SECONDS = 60.0
_HEADERS_BACK = ("location", "retry-after", "x-amzn-requestid")


class Forward:
    """Forwards requests to one server, with an API key that the browser must not see, if any."""

    def __init__(self, base_url: str, api_key: Callable[[], str] | None = None) -> None:
        self._base_url = base_url
        self._api_key = api_key

    async def forward(self, request: Request) -> Response:
        """The server's response to the path after the route's prefix; 502 if there is none."""
        # The route's {path}, still percent-encoded.
        path = request.scope["raw_path"].decode("latin-1").split("/", 3)[3]
        query = f"?{request.url.query}" if request.url.query else ""
        body = await request.body()
        try:
            answer = await asyncio.to_thread(
                self._send, request.method, f"{self._base_url}/{path}{query}", body
            )
        except requests.RequestException as error:
            return JSONResponse(
                {"error": f"{self._base_url} does not answer: {type(error).__name__}."},
                HTTPStatus.BAD_GATEWAY,
            )
        headers = {name: answer.headers[name] for name in _HEADERS_BACK if name in answer.headers}
        return Response(answer.content, answer.status_code, headers, _media_type(answer))

    def _send(self, method: str, url: str, body: bytes) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._api_key()}"} if self._api_key else {}
        if body:
            headers["Content-Type"] = "application/json"
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method, url, data=body, headers=headers, timeout=_SECONDS, allow_redirects=False
            )


def _media_type(answer: requests.Response) -> str:
    """Anything but JSON becomes plain text, so that no other page runs in the console's origin."""
    kind = answer.headers.get("Content-Type", "")
    return kind if kind.partition(";")[0].endswith("json") else "text/plain"
