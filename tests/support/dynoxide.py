"""A real DynamoDB engine for tests, and one that can't do everything."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.engine import find_dynoxide
from tests.support import tables
from tests.support.machine import need_npm_package
from tests.support.patience import PATIENCE_SECONDS
from tests.support.receivers import Answer, Handler, answering

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
_START_SECONDS = PATIENCE_SECONDS


def find() -> Path | None:
    """The engine's program: ``O2O_DYNOXIDE``, else where npm put it."""
    configured = os.environ.get("O2O_DYNOXIDE")
    return Path(configured) if configured else find_dynoxide(ROOT)


def need() -> Path:
    """The engine's program; without it the test is skipped."""
    return need_npm_package(find())


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


def halfway(lacks: str) -> Answer:
    """An engine that lacks one operation, as far as it is asked until then."""
    stream = {} if lacks == "streams" else {"LatestStreamArn": "arn"}
    answers: dict[str, Any] = {
        "ListTables": {"TableNames": []},
        "CreateTable": {},
        "DescribeTable": {"Table": {**tables.definition(), **stream}},
        "DescribeTimeToLive": {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}},
    }
    made: list[str] = []

    def answer(request: Handler) -> None:
        operation = request.headers["X-Amz-Target"].partition(".")[2]
        status, body = 200, answers.get(operation, {})
        if operation == lacks:
            status, body = 400, {"__type": "com.amazon.coral.service#UnknownOperationException"}
        elif operation == "DescribeTable" and not made:
            status, body = 400, {"__type": "x#ResourceNotFoundException"}
        elif operation == "CreateTable":
            made.append(operation)
        answering(status, "application/x-amz-json-1.0", json.dumps(body).encode())(request)

    return answer
