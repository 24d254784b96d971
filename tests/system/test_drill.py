"""The restore, as docs/operations.md has it: every payment is there afterwards."""

from io import StringIO

from rich.console import Console

from tests.support import dynoxide
from tests.support.documents import read, section
from tools import drill


def test_after_a_restore_every_payment_is_there_and_it_is_told_how(tmp_path):
    out = StringIO()
    found = drill.Drill(tmp_path, dynoxide.need(), Console(file=out, width=150)).run()
    assert len(found) == 8
    how = {each.payment.about: each.how for each in found}
    assert how["paid before that moment"] == drill.BEFORE
    assert how["open at that moment"] == drill.ASKED
    assert how["paid while the table was away"] == drill.ASKED
    assert how["made after that moment"] == drill.KEPT
    # DOKU's status check shows one payment of a code, so that somebody has to ask for the others.
    assert drill.SENT_AGAIN in {each.how for each in found}
    assert "8 payments at the till, 8 here." in out.getvalue()


def test_the_drill_walks_the_steps_of_the_runbook():
    runbook = section(read("docs/operations.md"), "## Restore").partition("\n###")[0]
    steps = [line for line in runbook.splitlines() if line[:2] in {f"{n}." for n in range(1, 10)}]
    assert len(steps) == 6
