"""Import `app` from the import path in the first argument, and print measurements as JSON.

Runs in a bare Python (-I -S), see tools/artefacts.py. A network connection during the import is an
error: it would be part of the snapshot that Lambda takes then.
"""

import os
import sys
import time

BEFORE = set(sys.modules)
sys.path[:0] = sys.argv[1].split(os.pathsep)

import importlib  # noqa: E402 - after BEFORE and sys.path are set
import json  # noqa: E402
from collections.abc import Iterator, MutableMapping  # noqa: E402


class Recorder(MutableMapping[str, str]):
    """The environment; it records the names of the variables that were read."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self.environ = environ
        self.names_read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names_read.add(name)
        return self.environ[name]

    def __setitem__(self, name: str, value: str) -> None:
        self.environ[name] = value

    def __delitem__(self, name: str) -> None:
        del self.environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.environ)

    def __len__(self) -> int:
        return len(self.environ)

    def copy(self) -> dict[str, str]:
        """A copy as a dict, like ``os.environ.copy``."""
        return dict(self.environ)


def no_connection(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook that raises RuntimeError at any network connection."""
    if event in {"socket.connect", "socket.getaddrinfo"}:
        raise RuntimeError(f"{event} {arguments[-1]} during import")


def main() -> None:
    """Import the handler and print the measurements."""
    recorder = Recorder(os.environ)
    os.environ = recorder  # type: ignore[assignment]  # noqa: B003 - it stands before the real one
    sys.addaudithook(no_connection)
    begin, cpu_begin = time.perf_counter(), time.process_time()
    app = importlib.import_module("app")
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu_begin
    result = {
        "callable": callable(app.lambda_handler),
        "app": app.__file__,
        "asked": sorted(recorder.names_read),
        "milliseconds": round(seconds * 1000, 1),
        "cpu_milliseconds": round(cpu_seconds * 1000, 1),
        "modules": sorted(set(sys.modules) - BEFORE),
        "files": {
            name: getattr(sys.modules.get(name), "__file__", None)
            for name in ("botocore", "o2o", "aws_lambda_powertools", "pydantic")
        },
    }
    sys.stdout.write(json.dumps(result))


main()
