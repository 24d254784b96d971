"""What the console and the operator's desk share: their pages, and how these are protected."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC = Path(__file__).parent / "static"

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_SAFE = {"GET", "HEAD"}

Refuse = Callable[[Request], Response | None]
"""Answers a request that must not be served; None for all others."""


def guarded(refuse: Refuse) -> list[Middleware]:
    """For an application on loopback that has pages."""
    return [
        # Against DNS rebinding: another site may point its own host name at 127.0.0.1.
        Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
        Middleware(_Guard, refuse=refuse),
    ]


def refusal(sentence: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> JSONResponse:
    """A sentence for the person at the page."""
    return JSONResponse({"error": sentence}, status)


def refuse_other_types(request: Request) -> Response | None:
    """Whatever may change something has a content type that needs CORS from another site."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method in _SAFE or kind == "application/json":
        return None
    return refusal("The content type must be application/json.", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


class _Guard:
    """Answers what must not be served; adds the security headers."""

    def __init__(self, app: ASGIApp, refuse: Refuse) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refused = self._refuse(Request(scope)) if scope["type"] == "http" else None
        await (refused or self._app)(scope, receive, send_guarded)
