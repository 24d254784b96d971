"""A worker: a process that runs one function as Lambda does, one event at a time.

It is forked from a process that has loaded the third-party packages. It sets the environment and
the import path that the function has on Lambda, and imports the handler only then.
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
from local.kill_points import KillPoints
from local.permissions import enforce
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
    """What a worker needs to run a function; it is pickled, so paths are strings."""

    name: str
    arn: str
    handler: str
    folder: str
    layers: tuple[str, ...]
    environment: Mapping[str, str]
    memory_mb: int
    clock: str
    log: str
    statements: tuple[Mapping[str, Any], ...]
    calls: str
    kill_points: str | None = None


class LambdaContext:
    """The context object that Lambda passes to handlers."""

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
        """Milliseconds until the function times out and its worker is killed."""
        return max(0, round((self._deadline - time.monotonic()) * 1000))


def serve(spec: WorkerSpec, connection: Connection) -> None:
    """Run the events that arrive on the connection until its other end closes.

    Sends ``ready`` once the handler is loaded, then for each event a JSON document with the
    ``result`` or the ``failure``.
    """
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor handles Ctrl-C
    _redirect_output(Path(spec.log))
    os.environ.clear()
    os.environ.update(spec.environment)
    time.tzset()
    standard = [path for path in sys.path if _belongs_to_python(path)]
    sys.path[:] = [spec.folder, *spec.layers, *standard]
    enforce(spec.name, spec.statements, Path(spec.calls))
    if spec.kill_points is not None:
        KillPoints(Path(spec.kill_points)).watch(spec.name)
    try:
        handler = _load_handler(spec)
    except Exception as error:  # noqa: BLE001 (any error of a function is reported)
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
            reply = json.dumps({"result": handler(request["event"], context)}).encode()
        except Exception as error:  # noqa: BLE001 (as above)
            reply = _failure(error, context.aws_request_id)
        connection.send_bytes(reply)


def _redirect_output(log: Path) -> None:
    """Write standard output and error to the function's log, line by line."""
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
        clock = SharedClock(Path(spec.clock))
        wiring.use_clock(clock.now, clock.ages)
    module, _, function = spec.handler.rpartition(".")
    handler: Callable[[Any, LambdaContext], Any] = getattr(
        importlib.import_module(module), function
    )
    return handler


def _failure(error: Exception, request_id: str | None = None) -> bytes:
    """Lambda's error document, which is logged too, as on Lambda."""
    failure = {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_exception(error),
    }
    print(json.dumps({"level": "ERROR", "message": "The function raised an error.", **failure}))
    return json.dumps({"failure": failure}).encode()
