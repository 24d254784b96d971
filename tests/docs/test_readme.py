"""README.md: what its five minutes show is what a reader sees. Figures, and how to deploy."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

from benchmarks import costs
from tests.docs.documents import ROOT, mask, read, rows, section
from tests.local.support import LocalStack, until
from tests.support import dynoxide

TEXT = read("README.md")
DEPLOYING = read("docs/deploying.md")
BENCHMARKS = read("docs/benchmarks.md")


def commands() -> list[tuple[str, str]]:
    """Each command of the consoles with what it prints."""
    consoles = "".join(re.findall(r"^```console\n(.+?)^```$", TEXT, re.MULTILINE | re.DOTALL))
    _, *told = re.split(r"^\$ ", consoles, flags=re.MULTILINE)
    return [(command, output) for command, _, output in (each.partition("\n") for each in told)]


def run(shell: str, command: str, folder: Path) -> str:
    """What a reader's shell prints, without what differs from run to run."""
    done = subprocess.run(
        [shell, "-c", command],
        cwd=folder,
        # Our own Python first: the examples need any, and there may be no other.
        env={"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return mask(done.stdout.strip())


@pytest.mark.stack
@pytest.mark.xdist_group("documents")
def test_the_five_minutes_are_true(stack: LocalStack, tmp_path: Path) -> None:
    shell = shutil.which("bash")
    if shell is None or shutil.which("curl") is None:
        pytest.skip("bash or curl is missing")
    (tmp_path / ".local").symlink_to(stack.folder)
    preamble = ""
    for command, output in commands():
        if not output:
            preamble += command + "\n"
            continue
        if command.startswith("o2o /payment-codes/INV-1 "):
            until(lambda: stack.get("INV-1")["payments"])  # the notification takes its moment
        assert run(shell, preamble + command, tmp_path) == mask(output.strip()), command


def test_the_figures_are_the_measured_ones() -> None:
    if dynoxide.find() is None:
        pytest.skip("no DynamoDB engine: run `npm ci`")
    assert rows_of_figures() == costs.sums(costs.measure())


def rows_of_figures() -> dict[str, tuple[float, float]]:
    table = BENCHMARKS.partition("<!-- measured -->\n")[2].partition("<!-- end -->")[0]
    found = re.findall(r"^\| ([^|]+) \| ([\d,.]+) \| ([\d,.]+) \|$", table, re.MULTILINE)
    return {
        what: (float(read_units.replace(",", "")), float(write_units.replace(",", "")))
        for what, read_units, write_units in found
    }


def test_every_parameter_that_must_be_given_is_described() -> None:
    parameters = yaml_parse(read("template.yaml"))["Parameters"]
    needed = {name for name, each in parameters.items() if "Default" not in each}
    described = set(rows(section(DEPLOYING, "## Deploy").replace("\n   |", "\n|")))
    assert needed - described == set()
    assert described <= set(parameters)


def test_every_command_finds_its_module() -> None:
    names = ("configuration", "life-cycle", "operations", "webhooks")
    documents = TEXT + DEPLOYING + BENCHMARKS + "".join(read(f"docs/{name}.md") for name in names)
    modules = sorted(set(re.findall(r"\.venv/bin/python -m ([a-z_.]+)", documents)))
    assert "benchmarks.costs" in modules
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", f"import {', '.join(modules)}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_target_and_output_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"\bmake ([a-z-]+)", TEXT + DEPLOYING):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    outputs = yaml_parse(read("template.yaml"))["Outputs"]
    for name in ("DokuSecretName", "NotificationUrl", "InquiryUrl"):
        assert name in outputs
        assert name in DEPLOYING
