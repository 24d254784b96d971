"""The operator's desk behind the console's pages: a process of its own, once a page needs it."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from local.forward import Forward
from local.pages import refusal

_ROOT = Path(__file__).parent.parent
_STOP_SECONDS = 3.0


class DeskProcess:
    """``python -m admin desk --write`` on this stack. It ends with its standard input."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._way: Forward | None = None

    async def forward(self, request: Request) -> Response:
        """The desk's response to the path after the route's prefix; it is started if need be."""
        way = await asyncio.to_thread(self._started)
        if way is None:
            return refusal(f"The desk did not start; see {self._folder}/logs/desk.log.")
        return await way.forward(request)

    def stop(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            process, self._process = self._process, None
            if process is None:
                return
            try:
                process.communicate(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()

    def _started(self) -> Forward | None:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._way = self._start()
            return self._way

    def _start(self) -> Forward | None:
        command = [sys.executable, "-m", "admin", "--json", "--state-dir", str(self._folder)]
        with (self._folder / "logs" / "desk.log").open("a") as log:
            self._process = subprocess.Popen(
                [*command, "desk", "--write", "--no-open", "--until-input-ends"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=_ROOT,
                # This stack, whichever one the developer's shell names.
                env={name: text for name, text in os.environ.items() if name != "O2O_STACK"},
                process_group=0,  # Ctrl-C must reach the supervisor only
            )
        output = self._process.stdout
        line = output.readline() if output else ""
        if not line:
            return None
        told: dict[str, Any] = json.loads(line)
        return Forward(f"{told['url']}/_desk", lambda: told["token"])
