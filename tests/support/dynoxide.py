"""A real DynamoDB engine for tests."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.engine import find_dynoxide
from tests.support.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
_START_SECONDS = PATIENCE_SECONDS


def find() -> Path | None:
    """The engine's program: ``O2O_DYNOXIDE``, else where npm put it."""
    configured = os.environ.get("O2O_DYNOXIDE")
    return Path(configured) if configured else find_dynoxide(ROOT)


@contextmanager
def run(program: Path) -> Iterator[str]:
    """Run the engine in memory and give its URL."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    command = [str(program), "serve", "--host", HOST, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as engine:
        try:
            _wait_until_it_answers(engine, port)
            yield f"http://{HOST}:{port}"
        finally:
            engine.terminate()


def _wait_until_it_answers(engine: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while engine.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), timeout=10).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError("the DynamoDB engine does not answer")
