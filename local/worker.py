"""One worker: a process that runs one function as Lambda does, one event at a time.

It is forked from a process that has the third-party packages loaded already; then it sees exactly
the environment and the folders that Lambda would show it, and only then imports the handler.
"""

import importlib
import importlib.util
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from local.clock import SharedClock
from local.processes import die_with_parent

PRELOAD = (
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.logging",
    "aws_lambda_powertools.metrics",
    "boto3",
    "pydantic",
    "requests",
    "local.worker",
)
_PACKAGES = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """All that a worker needs to become a function."""

    name: str
    arn: str
    handler: str
    folder: str
    layers: tuple[str, ...]
    environment: Mapping[str, str]
    memory_mb: int
    clock: str
    log: str


class LambdaContext:
    """The second argument of a handler."""

    function_version = "$LATEST"
    identity = None
    client_context = None

    def __init__(self, spec: WorkerSpec, request_id: str, timeout_seconds: float) -> None:
        self.function_name = spec.name
        self.invoked_function_arn = spec.arn
        self.memory_limit_in_mb = str(spec.memory_mb)
        self.aws_request_id = request_id
        self.log_group_name = f"/aws/lambda/{spec.name}"
        self.log_stream_name = str(os.getpid())
        self._deadline = time.monotonic() + timeout_seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the worker is killed for taking too long."""
        return max(0, round((self._deadline - time.monotonic()) * 1000))


def serve(spec: WorkerSpec, connection: Connection) -> None:
    """Run the function's events until the other end of the connection closes."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor
    _write_to(Path(spec.log))
    os.environ.clear()
    os.environ.update(spec.environment)
    time.tzset()
    standard = [path for path in sys.path if _belongs_to_python(path)]
    sys.path[:] = [spec.folder, *spec.layers, *standard]
    try:
        handler = _load_handler(spec)
    except Exception as error:  # noqa: BLE001 (whatever a function raises is its answer)
        connection.send_bytes(_failure(error))
        return
    connection.send_bytes(b"ready")
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except EOFError:
            return
        context = LambdaContext(spec, request["request_id"], request["timeout_seconds"])
        try:
            answer = json.dumps({"answer": handler(request["event"], context)}).encode()
        except Exception as error:  # noqa: BLE001 (as above)
            answer = _failure(error, context.aws_request_id)
        connection.send_bytes(answer)


def _write_to(log: Path) -> None:
    """Send what is printed to the function's log, line by line."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)


def _belongs_to_python(path: str) -> bool:
    parts = Path(path).parts
    return any(name in parts for name in _PACKAGES) or (
        bool(path) and Path(path).is_relative_to(sys.base_prefix)
    )


def _load_handler(spec: WorkerSpec) -> Callable[[Any, LambdaContext], Any]:
    if importlib.util.find_spec("o2o") is not None:
        wiring = importlib.import_module("o2o.entry.wiring")
        wiring.use_clock(SharedClock(Path(spec.clock)).now)
    module, _, function = spec.handler.rpartition(".")
    handler: Callable[[Any, LambdaContext], Any] = getattr(
        importlib.import_module(module), function
    )
    return handler


def _failure(error: Exception, request_id: str | None = None) -> bytes:
    """Lambda's error document; it goes to the log too, as on Lambda."""
    failure = {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_exception(error),
    }
    print(json.dumps({"level": "ERROR", "message": "The function raised an error.", **failure}))
    return json.dumps({"failure": failure}).encode()
