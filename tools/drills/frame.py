"""What the drills share: a temporary local stack, steps that are told, and a table at the end.

A drill walks a runbook of docs/operations.md with the runbook's own commands. Then it compares from
outside: what DOKU's simulator and the storefront's receiver know with what the API shows.
"""

import json
import shlex
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from local.aws import client
from local.engine import find_dynoxide
from local.stack import ROOT
from tests.support.local_stack import LocalStack, run_module
from tests.support.patience import until


class DrillFailed(Exception):
    """A drill can't go on, or something is not as it must be."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must be so, and how it was found."""

    what: str
    expected: str
    found: str
    holds: bool


class Queue:
    """A queue of the stack's, as a person with the AWS command line handles it."""

    def __init__(self, stack: LocalStack, url: str) -> None:
        self._sqs = client("sqs", stack.about["aws_url"])
        self._url = url

    def depth(self) -> int:
        """How many messages it has, those under way included."""
        answer = self._sqs.get_queue_attributes(
            QueueUrl=self._url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )
        return sum(int(each) for each in answer["Attributes"].values())

    def hurry(self) -> None:
        """Bring what failed again after a second instead of minutes: its time can't be moved."""
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"VisibilityTimeout": "1"})

    def remove(self) -> dict[str, str]:
        """Take it away; what ``restore`` needs."""
        kept = self._sqs.get_queue_attributes(
            QueueUrl=self._url, AttributeNames=["VisibilityTimeout", "RedrivePolicy"]
        )
        self._sqs.delete_queue(QueueUrl=self._url)
        return dict(kept["Attributes"])

    def restore(self, attributes: dict[str, str]) -> None:
        """Bring it back, empty."""
        self._sqs.create_queue(QueueName=self._url.rpartition("/")[2], Attributes=attributes)


class Drill:
    """One drill under way, on a stack of its own that ends with it."""

    def __init__(self, folder: Path, program: Path, console: Console) -> None:
        self.folder = folder
        self.program = program
        """The DynamoDB engine."""
        self.findings: list[Finding] = []
        self.undo = ExitStack()
        """What must be ended; the stack is in it once it is started."""
        self._console = console
        self._stack: LocalStack | None = None

    @property
    def stack(self) -> LocalStack:
        """The local stack, which runs."""
        if self._stack is None:
            raise AssertionError("start it first")
        return self._stack

    def start(self, *arguments: str) -> LocalStack:
        """Start a stack with these options."""
        self._stack = stack = LocalStack(folder=self.folder / "state", arguments=arguments)
        self.undo.callback(self._end_stack)
        stack.start()
        return stack

    def _end_stack(self) -> None:
        self.stack.http.close()
        if self.stack.process is not None:
            self.stack.stop()

    # --- what is done ------------------------------------------------------------------------

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Tell what is done now."""
        self._console.print(f"- {title}", markup=False)
        yield

    def runbook(self, command: str, **examples: str) -> Any:
        """Run a command as the runbook has it, and give what it prints as JSON.

        ``examples``: what stands in the runbook, such as ``shop``, and what is meant here.
        """
        for example, meant in {**examples, "shop": "demo"}.items():
            command = command.replace(example, meant)
        return self.admin(*shlex.split(command))

    def admin(self, *words: str) -> Any:
        """What a command of the operator's prints as JSON. Raises DrillFailed if it fails."""
        done = run_module("admin", "--state-dir", str(self.stack.folder), "--json", *words)
        if done.returncode:
            raise DrillFailed(f"{' '.join(words)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def queue(self, output: str) -> Queue:
        """A queue of the stack's, by the output that names it."""
        return Queue(self.stack, self.stack.about["outputs"][f"{output}Url"])

    def rest(self) -> None:
        """Wait until nothing is queued or being worked on."""
        for each in ("AwaitedQueue", "ReconcileQueue", "WebhookQueue"):
            until(lambda each=each: not self.queue(each).depth(), each)  # type: ignore[misc]

    # --- what was found ----------------------------------------------------------------------

    def expect(self, what: str, expected: object, found: object) -> None:
        """Note what must be so, and how it is."""
        self.note(what, str(expected), str(found), holds=expected == found)

    def note(self, what: str, expected: str, found: str, *, holds: bool) -> None:
        """The same, if it takes more than a comparison to tell."""
        self.findings.append(Finding(what, expected, found, holds))

    def tell(self, what: str, found: str) -> None:
        """Note what nothing is expected of."""
        self.note(what, "", found, holds=True)

    def show(self) -> None:
        """Print the table of what was expected and found."""
        table = Table("what", "expected", "found", "")
        for each in self.findings:
            style = None if each.holds else "bold red"
            table.add_row(each.what, each.expected, each.found, _verdict(each), style=style)
        self._console.print(table)


def _verdict(finding: Finding) -> str:
    if not finding.holds:
        return "NOT SO"
    return "ok" if finding.expected else ""


Walk = Callable[[Drill], None]
"""A drill: raises DrillFailed if it can't go on."""


def run(walk: Walk, console: Console) -> list[Finding]:
    """Walk a drill and show what it found. Raises DrillFailed unless all is as expected."""
    program = find_dynoxide(ROOT)
    if program is None:
        raise DrillFailed("Dynoxide is not installed; `make run` installs it with npm")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        drill = Drill(Path(folder), program, console)
        try:
            with drill.undo:
                walk(drill)
        except (AssertionError, pytest.fail.Exception) as reason:
            raise DrillFailed(str(reason)) from reason
        finally:
            drill.show()
    wrong = [each.what for each in drill.findings if not each.holds]
    if wrong:
        raise DrillFailed(f"not as expected: {'; '.join(wrong)}")
    console.print(
        f"All {len(drill.findings)} as expected, in {time.monotonic() - began:.0f} seconds."
    )
    return drill.findings
