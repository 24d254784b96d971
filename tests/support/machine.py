"""What tests need of a machine, and what a run says at its end of what was not there.

A test that lacks something is skipped. In CI that fails the run, unless the job has announced it:
``O2O_LACKS`` names what this machine does not have, separated by commas.
"""

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "bash": "bash",
    "curl": "curl",
    "jq": "jq",
    "node": "nodejs",
    "php": "php-cli",
    "sh": "dash",
}
"""Programs that examples run on, and Debian's packages of them."""


def lack(what: str, remedy: str) -> NoReturn:
    """Skip the test that needs it."""
    pytest.skip(f"no {what}: {remedy}")


def need_program(name: str) -> str:
    """Where a program is; without it the test is skipped."""
    path = shutil.which(name)
    return path or lack(name, f"apt-get install {PACKAGES[name]}")


def need_npm_package(path: str | Path | None) -> Path:
    """A file in ``node_modules``; without it the test is skipped."""
    if path is None or not (found := ROOT / "node_modules" / path).exists():
        lack("npm packages", "install npm, then run make again")
    return found


def _left_out(config: pytest.Config) -> list[tuple[str, int]]:
    """The reasons why tests were skipped, and how often; the commonest first."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", ()) if reporter else ()
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    return sorted(reasons.items(), key=lambda each: (-each[1], each[0]))


def _unannounced(config: pytest.Config) -> list[str]:
    """The reasons that CI does not accept."""
    if os.environ.get("CI") != "true":
        return []
    announced = {f"no {each.strip()}" for each in os.environ.get("O2O_LACKS", "").split(",")}
    return [each for each, _ in _left_out(config) if each.partition(":")[0] not in announced]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that has left out more than was announced."""
    if _unannounced(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was left out, and why."""
    if not (left_out := _left_out(config)):
        return
    terminalreporter.section("not tested on this machine")
    for reason, times in left_out:
        terminalreporter.write_line(f"{times:5}x {reason}")
    for reason in _unannounced(config):
        terminalreporter.write_line(
            f"CI must test this, or announce it in O2O_LACKS: {reason}", red=True
        )
