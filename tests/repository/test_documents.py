"""All documents: what they point at exists, and what is generated is up to date."""

import ast
import re
from functools import cache

import pytest
from samtranslator.yaml_helper import yaml_parse

from o2o.core.codes import Status
from o2o.core.notifications import KeptFor
from tests.support.documents import ROOT, read, rows, section
from tools import life_cycle

DOCUMENTS = sorted(
    str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
)


def test_the_life_cycle_is_the_codes():
    text = life_cycle.DOCUMENT.read_text("utf-8")
    assert text == life_cycle.generate(text), "run tools/life_cycle.py"


def test_every_status_is_explained():
    told = rows(section(read("docs/life-cycle.md"), "## Statuses"))
    assert set(told) == set(Status)


# --- links -----------------------------------------------------------------------------------


@cache
def anchors(document: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    without_blocks = re.sub(r"^```.*?^```$", "", read(document), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", without_blocks, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document):
    folder = (ROOT / document).parent
    for target in re.findall(r"(?:\]\(|src=\")([^)\"\s]+)[)\"]", read(document)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (folder / path).resolve() if path else ROOT / document
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(str(file.relative_to(ROOT))), target


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_file_with_a_secret_is_removed_by_the_commands_that_made_it(document):
    for block in re.findall(r"^ *```\n(.*?)^ *```", read(document), re.MULTILINE | re.DOTALL):
        for file in re.findall(r"--secret-string file://(\S+)", block):
            before, _, after = block.partition(f"file://{file}")
            assert re.search(rf"umask 077 .*{file}", before), block
            assert re.search(rf"^ *rm {file}$", after, re.MULTILINE), block
            assert file in read(".gitignore").splitlines()


def test_every_decision_is_listed_by_its_title():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text("utf-8")
    listed = dict(re.findall(r"(?m)^\| \[\d{4}\]\((.+)\) \| (.+) \|$", index))
    written = {}
    for path in folder.glob("0*.md"):
        head, _, title = path.read_text("utf-8").partition("\n")[0].partition(": ")
        assert head == f"# {path.name[:4]}"
        written[path.name] = title
    assert listed == written


# --- guarantees ------------------------------------------------------------------------------

FAILURES = read("docs/when-things-fail.md")
NAMED_TESTS = sorted(
    {
        named
        for document in DOCUMENTS
        for named in re.findall(r"`(tests/[\w/]+\.py)::([\w:]+)`", read(document))
    }
)


@cache
def names(path: str) -> set[str]:
    """The functions, methods, classes and other names of a module, as pytest spells them."""
    found = set()
    for node in ast.parse(read(path)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (each for each in node.body if isinstance(each, ast.FunctionDef))
            found |= {f"{node.name}::{each.name}" for each in methods}
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_is_named_is_there(document):
    for path in re.findall(r"`(tests/[\w/.-]+)", read(document)):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(("path", "name"), NAMED_TESTS)
def test_the_test_of_a_guarantee_exists(path, name):
    assert name in names(path)


def test_every_guarantee_names_a_test():
    _, *guarantees = re.split(r"(?m)^\d+\. ", section(FAILURES, "## Guarantees"))
    assert guarantees
    for guarantee in guarantees:
        assert "`tests/" in guarantee, guarantee


def test_every_threat_names_what_proves_its_measure():
    threats = re.findall(r"(?m)^\| .+ \|$", section(read("docs/security.md"), "## Threats"))
    told = [each for each in threats if not each.startswith(("| threat |", "|--"))]
    assert len(told) > 30
    for threat in told:
        assert threat.split(" | ")[-1].startswith(("`tests/", "`make ")), threat


# --- operations ------------------------------------------------------------------------------


def test_every_alarm_is_explained():
    resources = yaml_parse(read("template.yaml"))["Resources"]
    alarms = {name for name, each in resources.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    first_cells = re.findall(
        r"^\| (`[^|]+) \|", section(read("docs/operations.md"), "## Alarms"), re.MULTILINE
    )
    explained = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    assert alarms - explained == set()
    assert explained - alarms == set()


def test_every_name_that_is_used_exists():
    template = yaml_parse(read("template.yaml"))
    known = {*template["Parameters"], *template["Outputs"], *template["Resources"]}
    text = read("docs/operations.md")
    for name in re.findall(r"\$\(output (\w+)\)", text):
        assert name in template["Outputs"]
    for name in re.findall(r"`((?:[A-Z][a-z]+){2,}s?)`", text + FAILURES):
        assert name in known or name in METRICS, name


METRICS = {
    "DokuDuration",
    "SuccessfulRequestLatency",
    "AwsUnavailable",
    "DokuUnavailable",
    "DokuRefused",
    "NotificationKnown",
    "PaymentUncertain",
}
"""Named where no alarm is."""


def test_every_reason_to_keep_a_notification_is_told():
    told = section(read("docs/operations.md"), "## Kept notifications")
    assert all(f"`{reason}`" in told for reason in KeptFor)


def test_the_log_lines_that_are_told_are_written():
    told = section(read("docs/operations.md"), "## Logs")
    entry = ROOT / "layers" / "shared" / "o2o" / "entry"
    files = [*entry.glob("observ*.py"), entry / "roll_out.py"]
    source = "".join(file.read_text("utf-8") for file in files)
    written = set(re.findall(r'(?:log|logger\.\w+)\(\s*"([^"]+)"', source))
    assert set(re.findall(r"(?m)^\| `([^`]+)`:", told)) == written
