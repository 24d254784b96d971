"""The supervisor's HTTP servers, one per socket, on one event loop in a thread."""

import asyncio
import socket
import threading
from collections.abc import Sequence

import uvicorn
from starlette.types import ASGIApp

_STOP_SECONDS = 3.0
KEEP_ALIVE_SECONDS = 300
"""A client that sends on an idle connection just as it is closed gets no answer. With the five
seconds that uvicorn waits otherwise, that happens on a busy machine."""


class Servers:
    """Serves applications, each on a socket that is already bound."""

    def __init__(self, served: Sequence[tuple[ASGIApp, socket.socket]]) -> None:
        self._sockets = [bound for _, bound in served]
        self._servers = [
            uvicorn.Server(
                uvicorn.Config(
                    app,
                    access_log=False,
                    lifespan="off",
                    log_config=None,
                    log_level="warning",
                    server_header=False,
                    timeout_graceful_shutdown=1,
                    timeout_keep_alive=KEEP_ALIVE_SECONDS,
                    ws="none",
                )
            )
            for app, _ in served
        ]
        self._thread = threading.Thread(target=self._run, name="servers", daemon=True)

    def start(self) -> None:
        """Start serving; connections that are waiting in the sockets are answered."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving; requests that are being answered get up to a second."""
        for server in self._servers:
            server.should_exit = True
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        async def serve() -> None:
            await asyncio.gather(
                *(
                    server.serve(sockets=[bound])
                    for server, bound in zip(self._servers, self._sockets, strict=True)
                )
            )

        asyncio.run(serve())
