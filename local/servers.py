"""HTTP servers of the supervisor: one thread, one event loop, one socket each."""

import asyncio
import socket
import threading
from collections.abc import Sequence

import uvicorn
from starlette.types import ASGIApp

_STOP_SECONDS = 3.0


class Servers:
    """Serves applications on sockets that are bound already."""

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
                    ws="none",
                )
            )
            for app, _ in served
        ]
        self._thread = threading.Thread(target=self._run, name="servers", daemon=True)

    def start(self) -> None:
        """Begin. Connections that came before wait in the sockets and are answered now."""
        self._thread.start()

    def stop(self) -> None:
        """End, at once for whoever waits for nothing."""
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
