"""What the first call after a restore costs, of the functions that start from a snapshot.

    .venv/bin/python -m benchmarks.first_call [--rounds 9]

A process imports a handler, as Lambda does before it takes the snapshot, and then handles events of
`events/` with the engine and the stand-in for AWS of a local stack: the first call is what a
customer or a cashier waits for after a restore, those behind it are warm, in turns with the same
requests to AWS without any of our code. Each function is started as if no snapshot was taken of it,
and primed for one, in a new order in each round. What is not here: TLS, which `benchmarks.tls`
measures, and how Lambda loads the snapshot's pages. Writes benchmarks/first_call.json and the table
in docs/benchmarks.md.
"""

import argparse
import copy
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError
from rich.console import Console
from rich.progress import track

from benchmarks import document
from benchmarks.functions import folder_of
from benchmarks.handlers import Context, load
from benchmarks.measuring import Spent, Spread, in_turns, keep, machine
from local.aws import client
from local.options import positive
from o2o.entry import wiring
from tests.support.local_stack import LocalStack, started
from tests.support.wire import CLIENT_ID, SECRET
from tools.build import ROOT

MARK = "{number}"
ENTRY = "benchmark"
"""The name of a secret that holds the key of `events/`."""
_TOKEN = "SU5WLTIwMjYwMzAxLTAwMDE.AAAAAAAAAAAAAAAAAAAAAA"  # noqa: S105 - of the event
_WARM = 12
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
    """What calls took, and what the requests to AWS of a warm one take with nothing around them."""

    unprimed: Spent
    primed: Spent
    warm: Spent
    bare: Spent


def child(case: Case, event: dict[str, Any]) -> None:
    """Import the handler, and print what its calls took, and their bare requests."""
    handler = load(case.function)
    numbers = itertools.count()

    def call() -> Callable[[], object]:
        return partial(handler, _numbered(event, str(next(numbers))), Context())

    told = in_turns({"first": call}, 1)
    # What it asks of AWS when its secrets are known, to be asked again by itself.
    requests: list[tuple[Any, str, Any]] = []
    recorded = "recorded"
    with recording(requests):
        answer = handler(_numbered(event, recorded), Context())
    if answer.get("statusCode") != case.status:
        sys.exit(f"{case.function} answered {answer}")

    def bare() -> Callable[[], object]:
        number = str(next(numbers))
        again = [
            (asked, operation, _numbered(parameters, number, recorded))
            for asked, operation, parameters in requests
        ]
        return partial(ask, again)

    told |= in_turns({"warm": call, "bare": bare}, _WARM)
    print(json.dumps(told, default=asdict))


def ask(requests: Sequence[tuple[Any, str, Any]]) -> None:
    """Send requests to AWS's stand-in, and take no notice of what it says."""
    for asked, operation, parameters in requests:
        with suppress(ClientError):
            asked._make_api_call(operation, parameters)  # noqa: SLF001 - by its name


@contextmanager
def recording(requests: list[tuple[Any, str, Any]]) -> Iterator[None]:
    """Note what is asked of AWS meanwhile."""
    clients = [wiring._client(each) for each in ("dynamodb", "s3")]  # noqa: SLF001 - as it is made

    def note(client: Any, params: Any, model: Any, **_: Any) -> None:
        requests.append((client, model.name, copy.deepcopy(params)))

    notes = [(each, partial(note, each)) for each in clients]
    for each, noted in notes:
        each.meta.events.register("provide-client-params", noted)
    try:
        yield
    finally:
        for each, noted in notes:
            each.meta.events.unregister("provide-client-params", noted)


def _numbered(value: Any, number: str, mark: str = MARK) -> Any:
    """The same with a number instead of the mark, wherever it stands."""
    if isinstance(value, dict):
        return {name: _numbered(each, number, mark) for name, each in value.items()}
    if isinstance(value, list):
        return [_numbered(each, number, mark) for each in value]
    return value.replace(mark, number) if isinstance(value, str) else value


def measure(stack: LocalStack, rounds: int) -> dict[str, Calls]:
    """Every case, shuffled in each round."""
    described = json.loads((stack.folder / "functions.json").read_text("utf-8"))
    environments = {folder_of(name): environment for name, environment in described.items()}
    client("secretsmanager", stack.about["aws_url"]).create_secret(
        Name=ENTRY,
        SecretString=json.dumps({"client_id": CLIENT_ID, "secret_key": SECRET}),
    )
    told: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    order = random.Random(1)  # noqa: S311 - no secret
    pairs = [(case, primed) for case in CASES for primed in (False, True)]
    for _ in track(range(rounds), description="rounds"):
        for case, primed in order.sample(pairs, len(pairs)):
            environment = environments[case.function] | {
                "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if primed else "on-demand"
            }
            if case.by_doku:
                environment["DOKU_SECRET_NAME"] = ENTRY
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
        text = text.replace("INV-20260301-0001", f"{uuid4().hex}-{MARK}")
    elif not case.by_doku:
        code = stack.create()
        token = code["pay_url"].rpartition("/pay/")[2]
        text = text.replace(_TOKEN, token)
    event: dict[str, Any] = json.loads(text)
    return event


def _start(case: Case, environment: dict[str, str], event: dict[str, Any]) -> dict[str, Any]:
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
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _calls(unprimed: list[dict[str, Any]], primed: list[dict[str, Any]]) -> Calls:
    def spent(told: list[dict[str, Any]], what: str) -> Spent:
        medians = ([each[what][time]["median"] for each in told] for time in ("cpu", "wall"))
        return Spent(*map(Spread.of, medians))

    both = [*unprimed, *primed]
    return Calls(
        spent(unprimed, "first"), spent(primed, "first"), spent(both, "warm"), spent(both, "bare")
    )


def table(found: dict[str, Calls], rounds: int) -> Iterator[str]:
    """The table of the document."""
    yield (
        f"{rounds} starts of each, {machine()}; milliseconds of one processor, and what half of"
        " them lie between; the clock's, DOKU's simulator in it, only where it says so.\n\n"
        "| | first call | half | primed | half | primed, on the clock | warm | half"
        " | its bare requests | half | times the floor |\n|---|" + "---:|" * 10 + "\n"
    )
    for name, each in found.items():
        yield (
            f"| `{name}` | {each.unprimed.cpu} | {each.primed.cpu} | {each.primed.wall.median:.1f}"
            f" | {each.warm.cpu} | {each.bare.cpu}"
            f" | {each.warm.cpu.median / each.bare.cpu.median:.2f} |\n"
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
    keep("first_call", found)
    document.write("first-call", "".join(table(found, arguments.rounds)))
    Console().print(document.marked("first-call"))


if __name__ == "__main__":
    main()
