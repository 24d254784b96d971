"""The desk's server: its pages, and the JSON below ``/_desk`` that they use."""

import asyncio
import json
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

import botocore.exceptions
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from admin.target import Target, UnreachableStack
from admin.web.access import Access
from admin.web.pages import Asked, Pages, UseCases
from local.pages import STATIC, guarded, refusal, refuse_other_types
from o2o.core.deliveries import DeliveryStatus
from o2o.core.errors import InvalidRequest, NotFound, O2OError
from o2o.core.events import EventType
from o2o.entry import wiring

PREFIX = "/_desk"
_OPEN = f"{PREFIX}/session"
"""Where the link is exchanged for the token."""

_OWN_SITES = {"same-origin", "none"}

_EXPIRED = {
    "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "RequestExpired",
    "UnrecognizedClientException",
}  # fmt: skip
_REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_NO_CREDENTIALS = (
    botocore.exceptions.CredentialRetrievalError,
    botocore.exceptions.NoCredentialsError,
    botocore.exceptions.PartialCredentialsError,
    botocore.exceptions.SSOError,
    botocore.exceptions.TokenRetrievalError,
)
_RENEW = (
    "AWS does not take your credentials any more. Renew them where they come from, as with"
    " `aws sso login`, and try again. If your shell has them as variables, end the desk and start"
    " it again there."
)
_READS_ONLY = "This desk only reads. Start it with --write to change something."

Work = Callable[[Pages, Asked], Any]
Endpoint = Callable[[Request], Awaitable[Response]]

_READS: dict[str, Work] = {
    "/search": Pages.search,
    "/attention": Pages.attention,
    "/inquired": Pages.inquired,
    "/books": Pages.books,
    "/books/{day}": Pages.book,
    "/endpoints": Pages.endpoints,
    "/events": Pages.events,
    "/codes/{order_number}": Pages.code,
}
_CHANGES: dict[str, Work] = {
    "/codes/{order_number}/payments/{payment}/resolution": Pages.resolve,
    "/notifications/{identity}/assign": Pages.assign,
    "/notifications/{identity}/dismiss": Pages.dismiss,
    "/events/redeliver": Pages.redeliver,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, for a person."""

    sentence: str
    status: HTTPStatus
    needs_credentials: bool = False


class DeskServer:
    """The ASGI application, on one stack; in the environment of its functions."""

    def __init__(self, target: Target, access: Access, *, write: bool) -> None:
        self._target = target
        self._access = access
        self._write = write
        self._pages: Pages | None = None
        self._lock = threading.Lock()
        change = self._change if write else self._only_reads
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Mount("/static", StaticFiles(directory=STATIC)),
                Route(_OPEN, self._begin, methods=["POST"]),
                Route(f"{PREFIX}/about", self._about),
                *(Route(PREFIX + path, self._read(work)) for path, work in _READS.items()),
                *(
                    Route(PREFIX + path, change(work), methods=["POST"])
                    for path, work in _CHANGES.items()
                ),
            ],
            middleware=guarded(self._refuse),
        )

    def _refuse(self, request: Request) -> Response | None:
        """Answers whoever is not the desk's own page with its token."""
        if not request.url.path.startswith(f"{PREFIX}/"):
            return None
        origin = request.headers.get("origin")
        own = f"{request.url.scheme}://{request.headers.get('host', '')}"
        site = request.headers.get("sec-fetch-site", "none")
        if site not in _OWN_SITES or origin not in (None, own):
            return refusal("Only the desk's own page may ask.", HTTPStatus.FORBIDDEN)
        is_open = request.url.path == _OPEN
        if not is_open and not self._access.allows(request.headers.get("authorization", "")):
            return refusal(
                "Open the desk by the link that its terminal shows.", HTTPStatus.UNAUTHORIZED
            )
        return refuse_other_types(request)

    async def _page(self, _request: Request) -> Response:
        return FileResponse(STATIC / "desk.html")

    async def _begin(self, request: Request) -> Response:
        asked = await _asked(request)
        token = self._access.exchange(asked.get("link", "")) if asked is not None else None
        if token is None:
            return refusal(
                "This link was used before, or is of another run. If it was not you who used it,"
                " end the desk in its terminal.",
                HTTPStatus.UNAUTHORIZED,
            )
        return JSONResponse({"token": token})

    async def _about(self, _request: Request) -> Response:
        def about(pages: Pages, _: Asked) -> dict[str, Any]:
            return {
                "stack": self._target.stack,
                "write": self._write,
                "needs_reason": self._target.stack is not None,
                "storefronts": pages.storefronts(),
                "event_types": [each.value for each in EventType],
                "delivery_statuses": [each.value for each in DeliveryStatus],
            }

        return await self._answer(about, {})

    def _read(self, work: Work) -> Endpoint:
        async def read(request: Request) -> Response:
            return await self._answer(work, {**request.query_params, **request.path_params})

        return read

    def _change(self, work: Work) -> Endpoint:
        async def change(request: Request) -> Response:
            asked = await _asked(request)
            if asked is None:
                return refusal("Send a JSON object of texts.")
            return await self._answer(work, {**asked, **request.path_params})

        return change

    def _only_reads(self, _work: Work) -> Endpoint:
        async def refuse(_request: Request) -> Response:
            return refusal(_READS_ONLY, HTTPStatus.FORBIDDEN)

        return refuse

    async def _answer(self, work: Work, asked: Asked) -> Response:
        """What the work comes to; what goes wrong becomes a sentence."""
        try:
            return JSONResponse(await asyncio.to_thread(lambda: work(self._ready(), asked)))
        except InvalidRequest as error:
            fields = [asdict(param) for param in error.params]
            return JSONResponse(
                {"error": str(error), "invalid_params": fields}, HTTPStatus.BAD_REQUEST
            )
        except Exception as error:  # noqa: BLE001 - a page shows a sentence, whatever it is
            problem = explain(error)
            if problem.needs_credentials:
                self._forget()
            return refusal(problem.sentence, problem.status)

    def _ready(self) -> Pages:
        with self._lock:
            if self._pages is None:
                self._pages = Pages(self._target, UseCases.wired(self._target, write=self._write))
            return self._pages

    def _forget(self) -> None:
        """Let the next request look for credentials anew."""
        with self._lock:
            self._pages = None
            wiring.forget_clients()


async def _asked(request: Request) -> Asked | None:
    """The fields of a body; None if it is no object of texts."""
    try:
        asked = json.loads(await request.body())
    except ValueError:
        return None
    is_texts = isinstance(asked, dict) and all(isinstance(each, str) for each in asked.values())
    return asked if is_texts else None


def explain(error: Exception) -> Problem:
    """What a person is told of an error."""
    if isinstance(error, NotFound):
        return Problem(f"{str(error).capitalize()}.", HTTPStatus.NOT_FOUND)
    if isinstance(error, O2OError):
        return Problem(f"{str(error).capitalize()}.", HTTPStatus.CONFLICT)
    if isinstance(error, UnreachableStack):
        told = _of_aws(error.__cause__)
        return told or Problem(f"{str(error).capitalize()}.", HTTPStatus.BAD_GATEWAY)
    told = _of_aws(error)
    if told is None:
        at = traceback.extract_tb(error.__traceback__)[-1]
        # Never its words: they may be anything.
        print(f"{type(error).__name__} at {at.filename}:{at.lineno}", file=sys.stderr)
        told = Problem(
            "Something is wrong with the desk itself; its terminal says where.",
            HTTPStatus.INTERNAL_SERVER_ERROR,
        )
    return told


def _of_aws(error: BaseException | None) -> Problem | None:
    if isinstance(error, _NO_CREDENTIALS):
        return Problem(_RENEW, HTTPStatus.SERVICE_UNAVAILABLE, needs_credentials=True)
    if isinstance(error, botocore.exceptions.ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        if code in _EXPIRED:
            return Problem(_RENEW, HTTPStatus.SERVICE_UNAVAILABLE, needs_credentials=True)
        sentence = f"AWS refused {error.operation_name} ({code})."
        if code in _REFUSED:
            sentence = f"{sentence} Do you have the policy for operators?"
        return Problem(sentence, HTTPStatus.BAD_GATEWAY)
    if isinstance(error, botocore.exceptions.BotoCoreError):
        sentence = f"The stack does not answer ({type(error).__name__})."
        return Problem(sentence, HTTPStatus.BAD_GATEWAY)
    return None
