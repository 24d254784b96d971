"""The console of a local stack: pages for the developer, and the JSON that they use."""

import asyncio
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from local.clock import SharedClock
from local.desk import DeskProcess
from local.forward import Forward
from local.pages import STATIC, guarded, refusal, refuse_other_types
from local.receiver import Receiver

_LOG_TAIL_BYTES = 256 * 1024
_LINES_AT_ONCE_BYTES = 64 * 1024
_OPEN_TO_OTHER_SITES = {"/_local/run-schedules"}
"""Needs no content type: it has no body, and an extra run does no harm."""


class Console:
    """The ASGI application of the console and its control API below ``/_local``."""

    def __init__(  # noqa: PLR0913 - a server for each
        self,
        *,
        clock: SharedClock,
        run_schedules: Callable[[], list[str]],
        moved: Callable[[], None],
        logs: Path,
        about: Mapping[str, Any],
        api: Forward,
        doku: Forward,
        receiver: Receiver,
        desk: DeskProcess | None = None,
    ) -> None:
        self._clock = clock
        self._run_schedules = run_schedules
        self._moved = moved
        self._logs = logs
        self._about = about
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Mount("/static", StaticFiles(directory=STATIC)),
                Route("/logs/{name}", self._log),
                Route("/_local/about", self._show_about),
                Route("/_local/clock", self._show_clock),
                Route("/_local/clock", self._advance, methods=["POST"]),
                Route("/_local/run-schedules", self._run_now, methods=["POST"]),
                Route("/_local/logs", self._list_logs),
                Route("/_local/logs/{name}", self._follow_log),
                Route("/_local/webhooks", receiver.show),
                Route("/_local/webhooks", receiver.take, methods=["POST"]),
                Route("/_local/webhooks/answer", receiver.set_answer, methods=["POST"]),
                Route("/_local/api/{path:path}", api.forward, methods=["GET", "POST"]),
                *(
                    [Route("/_local/desk/{path:path}", desk.forward, methods=["GET", "POST"])]
                    if desk
                    else []
                ),
                Route("/_local/doku/{path:path}", doku.forward, methods=["GET", "POST", "DELETE"]),
            ],
            middleware=guarded(_refuse),
        )

    async def _page(self, _request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def _show_about(self, _request: Request) -> Response:
        return JSONResponse(self._about)

    # --- logs --------------------------------------------------------------------------------

    def _find_log(self, request: Request) -> Path | None:
        names = {path.stem: path for path in self._logs.glob("*.log")}
        return names.get(request.path_params["name"])

    async def _log(self, request: Request) -> Response:
        path = self._find_log(request)
        if path is None:
            return refusal("There is no such log.", HTTPStatus.NOT_FOUND)
        start = max(0, path.stat().st_size - _LOG_TAIL_BYTES)
        return PlainTextResponse(_read(path, start, _LOG_TAIL_BYTES))

    async def _list_logs(self, _request: Request) -> Response:
        logs = sorted(self._logs.glob("*.log"))
        return JSONResponse([{"name": log.stem, "bytes": log.stat().st_size} for log in logs])

    async def _follow_log(self, request: Request) -> Response:
        """The last lines of a log, or the lines after the byte offset ``after``."""
        path = self._find_log(request)
        if path is None:
            return refusal("There is no such log.", HTTPStatus.NOT_FOUND)
        after = request.query_params.get("after", "")
        size = path.stat().st_size
        start = max(0, size - _LINES_AT_ONCE_BYTES)
        if after.isascii() and after.isdigit() and start <= int(after) <= size:
            start = int(after)
        # Leave an incomplete last line for the next request.
        whole, newline, _ = _read(path, start, size - start).rpartition(b"\n")
        lines = whole.decode("utf-8", "replace").splitlines()
        return JSONResponse({"lines": lines, "next": start + len(whole) + len(newline)})

    # --- time --------------------------------------------------------------------------------

    async def _show_clock(self, _request: Request) -> Response:
        return JSONResponse(self._time())

    async def _advance(self, request: Request) -> Response:
        try:
            seconds = json.loads(await request.body())["advance_seconds"]
            self._clock.advance(float(seconds))
        except (KeyError, TypeError):
            return refusal('Send {"advance_seconds": a number}.')
        except ValueError as error:
            return refusal(str(error))
        self._moved()
        return await self._run_now(request)

    async def _run_now(self, _request: Request) -> Response:
        failed = await asyncio.to_thread(self._run_schedules)
        return JSONResponse({**self._time(), "failed_schedules": failed})

    def _time(self) -> dict[str, Any]:
        return {
            "now": self._clock.now().isoformat(timespec="seconds"),
            "offset_seconds": self._clock.offset_seconds,
        }


def _refuse(request: Request) -> Response | None:
    """Refuses requests by which other sites could change something."""
    return None if request.url.path in _OPEN_TO_OTHER_SITES else refuse_other_types(request)


def _read(path: Path, start: int, size: int) -> bytes:
    with path.open("rb") as log:
        log.seek(start)
        return log.read(size)
