"""The drills: the restore walked whole, and what holds of each of them."""

import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from local.stack import ROOT
from tests.support import dynoxide
from tests.support.documents import read, section
from tests.support.local_stack import clean_environment
from tests.support.patience import until
from tools.drills import frame, poison_record, restore


def test_after_a_restore_every_payment_is_there_and_it_is_told_how():
    dynoxide.need()
    out = StringIO()
    findings = frame.run(restore.walk, Console(file=out, width=150))
    how = {each.what.rpartition(": ")[2]: each.found for each in findings}
    assert len(findings) == 8 + 5
    assert how["paid before that moment"] == restore.BEFORE
    assert how["paid while the table was away"] == restore.ASKED
    assert how["made after that moment"] == restore.KEPT
    # Whatever had been acknowledged, DOKU need not be asked for it.
    replayed = {name for name, found in how.items() if found == restore.REPLAYED}
    assert replayed == {
        "open at that moment",
        "ended at that moment, paid late",
        "reusable, one of several payments",
    }
    assert "All 13 as expected" in out.getvalue()


def test_a_record_of_which_no_event_can_be_made_holds_up_no_other():
    """The shortest of the others; all of them are walked every night."""
    dynoxide.need()
    frame.run(poison_record.walk, Console(file=StringIO(), width=150))


def test_the_drill_walks_the_steps_of_the_runbook():
    runbook = section(read("docs/operations.md"), "## Restore").partition("\n###")[0]
    steps = [line for line in runbook.splitlines() if line[:2] in {f"{n}." for n in range(1, 10)}]
    assert len(steps) == 7


def test_a_drill_fails_if_something_is_not_as_it_must_be():
    dynoxide.need()
    out = StringIO()

    def walk(drill: frame.Drill) -> None:
        drill.expect("two and two", 5, 2 + 2)

    with pytest.raises(frame.DrillFailed, match="two and two"):
        frame.run(walk, Console(file=out, width=150))
    assert "NOT SO" in out.getvalue()


@pytest.mark.skipif(sys.platform != "linux", reason="no Linux: it looks into /proc")
def test_a_drill_that_is_ended_leaves_nothing_behind(tmp_path):
    dynoxide.need()
    drill = subprocess.Popen(
        [sys.executable, "-m", "tools.drills", "restore"],
        cwd=ROOT,
        env={**clean_environment(), "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: any(tmp_path.glob("*/state/stack.json")))
    assert of(tmp_path)
    drill.send_signal(signal.SIGTERM)
    _, said = drill.communicate()
    assert (drill.returncode, said) == (1, "drill: ended half-way.\n")
    assert list(tmp_path.iterdir()) == []
    until(lambda: not of(tmp_path))


def of(folder: Path) -> list[Path]:
    """The processes that know a folder, by their command lines."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder) in path.read_text():
                found.append(path)
        except OSError:
            continue
    return found
