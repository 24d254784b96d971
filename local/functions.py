"""The local Lambda: a pool of worker processes for each function of the template."""

import json
import multiprocessing
import multiprocessing.forkserver
import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.aws import REGION, function_arn
from local.blueprint import Function
from local.worker import PRELOAD, WorkerSpec, serve

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_START_SECONDS = 300.0
_STOP_SECONDS = 5.0


class FunctionError(Exception):
    """A function failed: it raised an error, timed out, or its process died.

    ``kind`` is the ``errorType`` of Lambda's error document: the class of a raised error, or
    Lambda's own name of the failure.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSettings:
    """What all functions of one stack share: endpoints, the clock's file and the log folder.

    ``kill_points`` is the folder by which their processes can be made to die, if they can be.
    """

    aws_url: str
    dynamodb_url: str
    clock: Path
    logs: Path
    kill_points: Path | None = None

    def environment(self, function: Function) -> dict[str, str]:
        """All environment variables of the function's process, and no others."""
        return {
            **function.environment,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_SESSION_TOKEN": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb_url,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "LAMBDA_TASK_ROOT": str(function.folder),
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            # Functions must not use the developer's own AWS configuration.
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


class _Worker:
    """One worker process, as the supervisor sees it."""

    _starting = threading.Lock()

    def __init__(self, spec: WorkerSpec) -> None:
        self._connection: Connection
        context = multiprocessing.get_context("forkserver")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(spec, theirs), daemon=True)
        with self._starting:
            self._process.start()
        theirs.close()
        try:
            first = self._receive(_START_SECONDS)
            if first != b"ready":
                _result(first)
        except FunctionError:
            self.kill()
            raise

    def run(self, request: Mapping[str, Any]) -> Any:
        """Run the function with one event and return its result.

        Raises ``FunctionError``. Unless it is a ``_HandlerError``, the worker can't be used again.
        """
        try:
            self._connection.send_bytes(json.dumps(request).encode())
        except OSError:
            raise FunctionError("Runtime.ExitError", "The process was gone.") from None
        return _result(self._receive(request["timeout_seconds"]))

    def _receive(self, timeout_seconds: float) -> bytes:
        try:
            if self._connection.poll(timeout_seconds):
                return self._connection.recv_bytes()
        except (EOFError, OSError):
            raise FunctionError("Runtime.ExitError", "The process ended unexpectedly.") from None
        raise FunctionError(
            "Sandbox.Timedout", f"Task timed out after {timeout_seconds:.2f} seconds"
        )

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> None:
        self._process.kill()
        self._process.join(_STOP_SECONDS)


class _HandlerError(FunctionError):
    """The handler raised an error; its worker can run further events."""


def _result(received: bytes) -> Any:
    """What the handler returned. Raises ``_HandlerError`` for an error that it raised."""
    document = json.loads(received)
    if "failure" in document:
        failure = document["failure"]
        raise _HandlerError(failure["errorType"], failure["errorMessage"])
    return document["result"]


class FunctionPool:
    """The workers of one function: started when needed, up to a limit, one event at a time each.

    Each thread of the pool owns one worker, so waiting for a free worker is waiting for a thread.
    """

    def __init__(self, spec: WorkerSpec, *, timeout_seconds: int, limit: int) -> None:
        self.name = spec.name
        self.arn = spec.arn
        self.limit = limit
        self._spec = spec
        self._timeout_seconds = timeout_seconds
        self._threads = ThreadPoolExecutor(limit, thread_name_prefix=spec.name)
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._workers: set[_Worker] = set()
        self._closed = False

    def submit(self, event: object) -> Future[Any]:
        """Run the function with one event; the future raises ``FunctionError`` if it fails."""
        try:
            return self._threads.submit(self._run, event)
        except RuntimeError:  # the pool is closed
            refused: Future[Any] = Future()
            refused.set_exception(FunctionError("Stopped", "The local stack is stopping."))
            return refused

    def close(self) -> None:
        """Kill all workers, even those that are running an event."""
        with self._lock:
            self._closed = True
            workers = list(self._workers)
        for worker in workers:
            worker.kill()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _worker(self) -> _Worker:
        worker: _Worker | None = getattr(self._mine, "worker", None)
        if worker is None or not worker.alive:
            self._discard(worker)
            worker = _Worker(self._spec)
            with self._lock:
                self._workers.add(worker)
                closed = self._closed
            if closed:
                worker.kill()
            self._mine.worker = worker
        return worker

    def _discard(self, worker: _Worker | None) -> None:
        if worker is not None:
            worker.kill()
            with self._lock:
                self._workers.discard(worker)
            self._mine.worker = None

    def _run(self, event: object) -> Any:
        worker = self._worker()
        request = {
            "event": event,
            "request_id": str(uuid.uuid4()),
            "timeout_seconds": self._timeout_seconds,
        }
        try:
            return worker.run(request)
        except _HandlerError:
            raise
        except FunctionError as error:
            self._discard(worker)
            self._log(error, request["request_id"])
            raise

    def _log(self, error: FunctionError, request_id: object) -> None:
        """Log the error as Lambda's platform would: the function itself can't any more."""
        line = {
            "level": "ERROR",
            "message": "The function failed.",
            "errorType": error.kind,
            "errorMessage": error.message,
            "requestId": request_id,
        }
        with Path(self._spec.log).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")


def prepare() -> None:
    """Start the process that workers are forked from, so that it loads the packages early."""
    multiprocessing.set_forkserver_preload(list(PRELOAD))
    multiprocessing.forkserver.ensure_running()


def make_pool(function: Function, shared: SharedSettings, limit: int) -> FunctionPool:
    """The pool of a function, with up to ``limit`` workers."""
    spec = WorkerSpec(
        name=function.name,
        arn=function_arn(function.name),
        handler=function.handler,
        folder=str(function.folder),
        layers=tuple(str(layer) for layer in function.layers),
        environment=shared.environment(function),
        memory_mb=function.memory_mb,
        clock=str(shared.clock),
        log=str(shared.logs / f"{function.name}.log"),
        statements=function.statements,
        calls=str(shared.logs / "calls.jsonl"),
        kill_points=None if shared.kill_points is None else str(shared.kill_points),
    )
    return FunctionPool(spec, timeout_seconds=function.timeout_seconds, limit=limit)
