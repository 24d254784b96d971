"""README.md and what it points to: figures are measured, and what they name exists.

That its five minutes are true is tested in tests/system/test_documents.py.
"""

import os
import re
import subprocess
import sys

from samtranslator.yaml_helper import yaml_parse

from benchmarks import costs
from tests.support import dynoxide
from tests.support.documents import ROOT, read, rows, section

TEXT = read("README.md")
DEPLOYING = read("docs/deploying.md")
BENCHMARKS = read("docs/benchmarks.md")


def test_the_figures_are_the_measured_ones() -> None:
    dynoxide.need()
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
