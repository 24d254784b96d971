"""A run says what it has left out, and CI leaves nothing out that was not announced."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.support.documents import ROOT, read

SUITE = """
import pytest
from tests.support.machine import lack, need_npm_package, need_program

@pytest.mark.parametrize("number", range(3))
def test_a_browser(number):
    lack("chromium", "install it")

def test_an_engine():
    need_npm_package("nothing/there")

@pytest.mark.skipif(True, reason="no Linux: it reads /proc")
def test_linux():
    raise AssertionError

def test_nothing_special():
    need_program("bash")
"""
REASONS = """\
    3x no chromium: install it
    1x no Linux: it reads /proc
    1x no npm packages: install npm, then run make again
"""


def run(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    (folder / "test_suite.py").write_text(SUITE)
    inherited = {k: v for k, v in os.environ.items() if k not in {"CI", "O2O_LACKS"}}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir", str(folder), "-p", "no:cacheprovider",
         "-p", "tests.support.machine", *arguments, str(folder)],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_the_reasons_stand_at_the_end_each_once(tmp_path: Path) -> None:
    code, printed = run(tmp_path)
    assert (code, REASONS in printed) == (0, True), printed
    assert "CI must" not in printed


@pytest.mark.parametrize("arguments", [(), ("--numprocesses", "2")])
def test_ci_leaves_nothing_out(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, printed = run(tmp_path, *arguments, CI="true", O2O_LACKS="npm packages, Linux")
    assert (code, REASONS in printed) == (1, True), printed
    told = [line for line in printed.splitlines() if line.startswith("CI must")]
    assert told == ["CI must test this, or announce it in O2O_LACKS: no chromium: install it"]


def test_ci_may_leave_out_what_was_announced(tmp_path: Path) -> None:
    code, printed = run(tmp_path, CI="true", O2O_LACKS="npm packages,chromium,Linux")
    assert (code, "CI must" in printed) == (0, False), printed


def test_a_run_that_leaves_nothing_out_says_nothing(tmp_path: Path) -> None:
    code, printed = run(tmp_path, "-k", "special", CI="true")
    assert (code, "not tested" in printed) == (0, False), printed


def test_what_the_workflow_announces_is_what_tests_lack() -> None:
    jobs = yaml_parse(read(".github/workflows/gate.yml"))["jobs"]
    machines = jobs["newcomer"]["strategy"]["matrix"]["include"]
    announced = {each["lacks"] for each in machines}
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    assert {each for each in announced if f'lack("{each}", ' not in tests} == set()
    # Together with the gate, every Python that the project takes.
    setup = jobs["gate"]["steps"][1]["with"]["python-version"]
    assert {setup, *(each["python"] for each in machines)} == {"3.11", "3.12", "3.13"}
