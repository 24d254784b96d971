"""README.md and what it points to: figures are measured, and what they name exists.

That its five minutes are true is tested in tests/system/test_documents.py.
"""

import os
import re
import subprocess
import sys

import pytest
from samtranslator.yaml_helper import yaml_parse

from benchmarks import costs, document, scale
from benchmarks.bill import total
from tests.support import dynoxide
from tests.support.documents import ROOT, read, rows, section

TEXT = read("README.md")
DEPLOYING = read("docs/deploying.md")
BENCHMARKS = read("docs/benchmarks.md")


@pytest.fixture(scope="module")
def bench() -> costs.Bench:
    dynoxide.need()
    return costs.measure()


@pytest.mark.parametrize("mark", ["units", "idle", "busy", "levers"])
def test_the_figures_are_the_measured_ones(bench: costs.Bench, mark: str) -> None:
    told = "run `.venv/bin/python -m benchmarks.costs --write`"
    assert document.marked(mark) == costs.rendered(bench)[mark], told


def test_the_scale_is_the_computed_one(bench: costs.Bench) -> None:
    for mark, text in scale.Scale(scale.CODES, bench.rows).rendered().items():
        told = f"{mark}: run `.venv/bin/python -m benchmarks.scale`"
        assert document.marked(mark, scale.DOCUMENT) == text, told


def test_an_idle_month_is_cheap_and_every_line_has_a_name(bench: costs.Bench) -> None:
    lines = list(costs.bill_of(bench).idle())
    # Half of it are the alarms: ten cents for each metric that one watches.
    assert total(lines) < 30
    assert len({line.what for line in lines}) == len(lines)


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
