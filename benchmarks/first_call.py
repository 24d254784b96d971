"""What the first call after a restore costs, of the functions that start from a snapshot.

    .venv/bin/python -m benchmarks.first_call [--rounds 9]

A process imports a handler, as Lambda does before it takes the snapshot, and then handles events of
`events/` with the engine and the stand-in for AWS of a local stack: the first call is what a
customer or a cashier waits for after a restore, those behind it are warm. Each function is started
as if no snapshot was taken of it, and primed for one, in a new order in each round. What is not
here: TLS, which `benchmarks.tls` measures, and how Lambda loads the snapshot's pages. Writes
benchmarks/first_call.json and the table in docs/benchmarks.md.
"""

import argparse
import importlib.util
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

from rich.console import Console
from rich.progress import track

from benchmarks import document
from local.aws import client
from local.options import positive
from tests.support.local_stack import LocalStack, started

ROOT = Path(__file__).parent.parent
MEASURED = Path(__file__).with_name("first_call.json")
SECRET = "benchmark"  # noqa: S105 - its name
_TOKEN = "SU5WLTIwMjYwMzAxLTAwMDE.AAAAAAAAAAAAAAAAAAAAAA"  # noqa: S105 - of the event
_WARM = 8
_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Case:
    """A function, the event that it is called with, and what it answers."""

    function: str
    event: str
    status: int | None
    by_doku: bool = False
    """The event is signed with the key that all events of `events/` are signed with."""


CASES = (
    Case("generate_code", "alfa", 201),
    Case("authorize_storefront", "unknown_key", None),
    Case("show_code", "page", 200),
    Case("answer_inquiry", "unknown_digits", 404, by_doku=True),
    Case("receive_notification", "unknown_invoice", 200, by_doku=True),
)


@dataclass(frozen=True, slots=True)
class Calls:
    """Medians, in milliseconds of one processor; the first ones' wall time, too."""

    unprimed_ms: float
    primed_ms: float
    primed_wall_ms: float
    warm_ms: float


class Context:
    """Lambda's context, of a call that has a quarter of a minute."""

    function_name = function_version = invoked_function_arn = aws_request_id = "benchmark"
    memory_limit_in_mb = 512

    def get_remaining_time_in_millis(self) -> int:
        """Always the same: nothing here waits."""
        return 15_000


def child(case: Case, event: dict[str, Any]) -> None:
    """Import the handler, and print what its calls took."""
    path = ROOT / "functions" / case.function / "app.py"
    spec = importlib.util.spec_from_file_location("app", path)
    if spec is None or spec.loader is None:
        sys.exit(f"{path} is no module.")
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    told = []
    for number in range(_WARM + 1):
        called = json.loads(json.dumps(event).replace("{number}", str(number)))
        cpu, wall = time.process_time(), time.perf_counter()
        answer = app.lambda_handler(called, Context())
        told.append(((time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000))
        status = answer.get("statusCode")
        if status != case.status or answer.get("batchItemFailures"):
            sys.exit(f"{case.function} answered {answer}")
    print(json.dumps(told))


def measure(stack: LocalStack, rounds: int) -> dict[str, Calls]:
    """Every case, shuffled in each round."""
    environments = json.loads((stack.folder / "functions.json").read_text("utf-8"))
    client("secretsmanager", stack.about["aws_url"]).create_secret(
        Name=SECRET,
        SecretString=json.dumps(
            {"client_id": "MCH-0001-10791114622547", "secret_key": "SK-local-test-key-0001"}
        ),
    )
    told: dict[tuple[str, bool], list[list[list[float]]]] = {}
    order = random.Random(1)  # noqa: S311 - no secret
    pairs = [(case, primed) for case in CASES for primed in (False, True)]
    for _ in track(range(rounds), description="rounds"):
        for case, primed in order.sample(pairs, len(pairs)):
            name = "".join(word.capitalize() for word in case.function.split("_")) + "Function"
            environment = environments[name] | {
                "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if primed else "on-demand"
            }
            if case.by_doku:
                environment["DOKU_SECRET_NAME"] = SECRET
            told.setdefault((case.function, primed), []).append(
                _start(case, environment, _event(stack, case))
            )
    return {
        case.function: _calls(told[case.function, False], told[case.function, True])
        for case in CASES
    }


def _event(stack: LocalStack, case: Case) -> dict[str, Any]:
    """The event, of a new code of the stack's own where it is about one."""
    text = (ROOT / "events" / case.function / f"{case.event}.json").read_text("utf-8")
    if case.function == "generate_code":
        # Each call makes a code.
        text = text.replace("INV-20260301-0001", f"{uuid4().hex}-{{number}}")
    elif not case.by_doku:
        code = stack.create()
        token = code["pay_url"].rpartition("/pay/")[2]
        text = text.replace(_TOKEN, token)
    event: dict[str, Any] = json.loads(text)
    return event


def _start(case: Case, environment: dict[str, str], event: dict[str, Any]) -> list[list[float]]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.first_call", "--case", str(CASES.index(case))],
        env=environment | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "layers/shared")))},
        input=json.dumps(event),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{done.stderr}")
    told: list[list[float]] = json.loads(done.stdout.splitlines()[-1])
    return told


def _calls(unprimed: list[list[list[float]]], primed: list[list[list[float]]]) -> Calls:
    def first(told: list[list[list[float]]], which: int) -> float:
        return round(median(each[0][which] for each in told), 1)

    warm = median(call[0] for each in (*unprimed, *primed) for call in each[1:])
    return Calls(first(unprimed, 0), first(primed, 0), first(primed, 1), round(warm, 1))


def table(found: dict[str, Calls], rounds: int) -> Iterator[str]:
    """The table of the document."""
    yield (
        f"{rounds} starts of each, Python {platform.python_version()} on"
        f" {platform.machine()}; milliseconds of one processor.\n\n"
        "| | first call | primed | primed, until it was answered | warm |\n"
        "|---|---:|---:|---:|---:|\n"
    )
    for name, each in found.items():
        yield (
            f"| `{name}` | {each.unprimed_ms:.1f} | {each.primed_ms:.1f}"
            f" | {each.primed_wall_ms:.1f} | {each.warm_ms:.1f} |\n"
        )


def main() -> None:
    """Measure, and write what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=positive, default=9, help="starts of each")
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case is not None:
        child(CASES[arguments.case], json.load(sys.stdin))
        return
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as stack:
        found = measure(stack, arguments.rounds)
    MEASURED.write_text(
        json.dumps({name: asdict(each) for name, each in found.items()}, indent=1) + "\n"
    )
    document.write("first-call", "".join(table(found, arguments.rounds)))
    Console().print(document.marked("first-call"))


if __name__ == "__main__":
    main()
