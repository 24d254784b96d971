"""What README.md and docs/api.md show is what a reader sees, who has just started a stack."""

import json
import os
import re
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import ROOT, mask, read
from tests.support.local_stack import LocalStack
from tests.support.machine import need_program
from tests.support.patience import PATIENCE_SECONDS, until

API = read("docs/api.md")
README = read("README.md")


@pytest.fixture(scope="module")
def stack(fresh_stack: LocalStack) -> LocalStack:
    return fresh_stack


# --- docs/api.md -----------------------------------------------------------------------------

Example = tuple[str, str, str]
"""What to do at the simulator before (or nothing), the request, the answer."""


def examples() -> list[Example]:
    """The examples, in their order."""
    found = re.findall(
        r"^<!-- simulator: ([^\n]+) -->$|^```http\n(.+?)^```$", API, re.MULTILINE | re.DOTALL
    )
    told: list[Example] = []
    before = request = ""
    for action, block in found:
        if action:
            before = action
        elif block.partition(" ")[0].isdigit():
            told.append((before, request, block))
            before = request = ""
        else:
            request = block
    return told


def test_the_examples_are_true(stack: LocalStack) -> None:
    assert len(examples()) == API.count("```http\n") // 2
    for before, request, answer in examples():
        if before:
            method, path, body = before.split(" ", 2)
            stack.doku(method, path, json.loads(body))
        line, _, body = request.partition("\n")
        method, path = line.split(" ", 1)
        if before.startswith("POST /pay "):
            stack.becomes(path.rpartition("/")[2], "paid")
        check(stack.call(method, path, json=json.loads(body) if body.strip() else None), answer)


def check(seen: Any, written: str) -> None:
    """Compare an answer with its example: status, the headers that are shown, and the body."""
    head, _, body = written.partition("\n\n")
    status, *headers = head.strip().splitlines()
    assert status == f"{seen.status_code} {HTTPStatus(seen.status_code).phrase}", seen.text
    for header in headers:
        name, _, value = header.partition(": ")
        told = seen.headers.get(name, "")
        assert told.isdigit() if name == "Retry-After" else told == value, name
    # As text, so that the order of the fields counts too.
    assert plain(seen.text) == plain(body)


def plain(text: str) -> str:
    return mask(json.dumps(json.loads(text), indent=2, ensure_ascii=False))


# --- README.md -------------------------------------------------------------------------------


def commands() -> list[tuple[str, str]]:
    """Each command of the consoles with what it prints."""
    consoles = "".join(re.findall(r"^```console\n(.+?)^```$", README, re.MULTILINE | re.DOTALL))
    _, *told = re.split(r"^\$ ", consoles, flags=re.MULTILINE)
    return [(command, output) for command, _, output in (each.partition("\n") for each in told)]


def type_in(shell: str, command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What comes of a command in a reader's shell."""
    return subprocess.run(
        [shell, "-c", command],
        cwd=folder,
        # Our own Python first: the examples need any, and there may be no other.
        env={"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def run(shell: str, command: str, folder: Path) -> str:
    """What a reader's shell prints, without what differs from run to run."""
    done = type_in(shell, command, folder)
    assert done.stderr == ""
    return mask(done.stdout.strip())


def test_the_five_minutes_are_true(stack: LocalStack, tmp_path: Path) -> None:
    shell = need_program("bash")
    need_program("curl")
    (tmp_path / ".local").symlink_to(stack.folder)
    preamble = ""
    for command, output in commands():
        if not output:
            preamble += command + "\n"
            continue
        if command.startswith("o2o /payment-codes/INV-1 "):
            until(lambda: stack.get("INV-1")["payments"])  # the notification takes its moment
        assert run(shell, preamble + command, tmp_path) == mask(output.strip()), command


def test_without_a_stack_the_five_minutes_say_what_is_missing(tmp_path: Path) -> None:
    shell = need_program("bash")
    preamble = ""
    for command, output in commands():
        if not output:
            preamble += command + "\n"
            continue
        done = type_in(shell, preamble + command, tmp_path)
        assert ".local/env: No such file or directory" in done.stderr
        assert re.search(r"O2O_\w+: is in \.local/env as long as make run runs\n", done.stderr)
        assert "curl:" not in done.stderr


# --- docs/integration.md ---------------------------------------------------------------------


def test_the_commands_of_the_integration_work(stack: LocalStack, tmp_path: Path) -> None:
    """After the five minutes, which make the same code."""
    shell = need_program("bash")
    for program in ("curl", "jq"):
        need_program(program)
    (tmp_path / ".local").symlink_to(stack.folder)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    blocks = re.findall(
        r"^```sh\n(.+?)^```$", read("docs/integration.md"), re.MULTILINE | re.DOTALL
    )
    printed = [type_in(shell, f"set -e\n{block}", tmp_path) for block in blocks]
    assert [done.returncode for done in printed] == [0, 0], printed
    assert printed[0].stdout.startswith("INV-1 ")
    stack.becomes("INV-1", "paid")
