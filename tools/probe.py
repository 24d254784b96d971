"""Import `app` from the import path in the first argument, and print what that took, as JSON.

Runs in a bare Python (-I -S), see tools/artefacts.py. A connection is an error: what is made
before a snapshot is taken must not hold one.
"""

import os
import sys
import time

BEFORE = set(sys.modules)
sys.path[:0] = sys.argv[1].split(os.pathsep)

import importlib  # noqa: E402 - what the probe imports for itself counts neither way
import json  # noqa: E402
from collections.abc import Iterator, MutableMapping  # noqa: E402


class Recorder(MutableMapping[str, str]):
    """The environment, which remembers what was asked for."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self.environ = environ
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
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
        """As os.environ has it."""
        return dict(self.environ)


def no_connection(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse to go out."""
    if event in {"socket.connect", "socket.getaddrinfo"}:
        raise RuntimeError(f"{event} {arguments[-1]} during import")


def main() -> None:
    """Import and tell."""
    recorder = Recorder(os.environ)
    os.environ = recorder  # type: ignore[assignment]  # noqa: B003 - it stands before the real one
    sys.addaudithook(no_connection)
    begin = time.perf_counter()
    app = importlib.import_module("app")
    seconds = time.perf_counter() - begin
    told = {
        "callable": callable(app.lambda_handler),
        "app": app.__file__,
        "asked": sorted(recorder.asked),
        "milliseconds": round(seconds * 1000, 1),
        "modules": sorted(set(sys.modules) - BEFORE),
        "files": {
            name: getattr(sys.modules.get(name), "__file__", None)
            for name in ("boto3", "o2o", "aws_lambda_powertools", "pydantic")
        },
    }
    sys.stdout.write(json.dumps(told))


main()
