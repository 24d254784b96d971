"""The process that stands in for AWS: moto's server, with the template's resources.

It reads one line of JSON from standard input, with ``template``, ``parameters``, ``name`` and
``objects``: the folder that keeps what is put into buckets, since moto forgets it. It writes one to
standard output, with ``url`` and ``resources``, or with ``error``. It ends when standard input
closes, so it can't outlive the supervisor.
"""

import copy
import json
import logging
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.core.utils import unix_time
from moto.dynamodb.models.table import StreamShard
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import s3_backends
from moto.sqs import models as queues
from moto.sqs.models import Message, SQSBackend
from werkzeug.serving import make_server

from local.aws import ACCOUNT
from local.errors import StackError
from local.template import resolve, translate

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


_WRITES = {"BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"}


def _copy_shard(shard: StreamShard, memo: dict[int, Any]) -> StreamShard:
    """A deep copy but for the records, which never change.

    Moto copies a table before each transaction. Most of it is the history of the stream: after a
    thousand changes the functions would wait for DynamoDB until they give up.
    """
    made = copy.copy(shard)
    memo[id(shard)] = made
    made.table = copy.deepcopy(shard.table, memo)
    made.items = list(shard.items)
    return made


def _is_kept(backend: SQSBackend, queue_name: str, message: Message) -> bool:
    """Whether a message is not too old for its queue.

    Moto counts all messages of the queue for each one that it hands out: a few hundred that wait
    would take seconds.
    """
    period: int = backend.get_queue(queue_name).message_retention_period  # type: ignore[attr-defined]
    return period + message.sent_timestamp / 1000 > unix_time()  # type: ignore[operator]


def _milliseconds() -> float:
    """What Moto's queues take for the time. They ask for each message that waits, at each call.

    Moto makes a date of it first, so that a few thousand messages would take tenths of a second.
    """
    return time.time() * 1000


def main() -> None:
    """Create the resources, then serve until the supervisor has ended."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it logs every poll
    request = json.loads(sys.stdin.readline())
    try:
        template = translate(Path(request["template"]), request["parameters"])
        resources = resolve(template, request["parameters"], request["name"])
    except StackError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    StreamShard.__deepcopy__ = _copy_shard  # type: ignore[attr-defined]
    SQSBackend.is_message_valid_based_on_retention_period = _is_kept  # type: ignore[assignment]
    queues.unix_time_millis = _milliseconds  # type: ignore[assignment, attr-defined]
    moto = DomainDispatcherApplication(create_backend_app)
    app = _OneWriteAtATime(_KeepsObjects(moto, Path(request["objects"])))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    print(json.dumps({"url": url, "resources": resources}), flush=True)
    sys.stdin.read()


class _OneWriteAtATime:
    """Moto, with what is written to tables one after the other.

    Moto puts the whole table back as it was if it refuses a transaction: what others have written
    meanwhile would be lost, and two transactions could both find that a key is free.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app
        self._lock = threading.Lock()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        service, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        if not (service.startswith("DynamoDB_") and operation in _WRITES):
            return self._app(environ, start_response)
        with self._lock:
            return list(self._app(environ, start_response))


class _KeepsObjects:
    """Moto, with each object that is put into a bucket in a file, and those of before put again."""

    def __init__(self, app: "WSGIApplication", folder: Path) -> None:
        self._app = app
        self._folder = folder
        self._backend = s3_backends[ACCOUNT]["aws"]
        for bucket in self._backend.buckets:
            for file in sorted((folder / bucket).rglob("*")):
                if file.is_file():
                    key = str(file.relative_to(folder / bucket))
                    self._backend.put_object(bucket, key, file.read_bytes())

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
        if environ["REQUEST_METHOD"] != "PUT" or not key or bucket not in self._backend.buckets:
            return self._app(environ, start_response)
        answer = list(self._app(environ, start_response))
        kept = self._backend.get_object(bucket, key)
        if kept is not None:
            file = self._folder / bucket / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(kept.value)
        return answer


if __name__ == "__main__":
    main()
