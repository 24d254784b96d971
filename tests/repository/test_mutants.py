"""The deliberate bugs fit the code as it is, and a verdict on one can be trusted."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tools import mutants
from tools.mutants import Mutant, Stale, Verdict

MUTANTS = mutants.read()


def test_every_mutant_fits_the_code_as_it_is() -> None:
    """One that is stale names the text that a change has moved: bring it up to date."""
    stale = []
    for mutant in MUTANTS:
        try:
            mutant.apply_to(mutants.ROOT)
        except Stale as reason:
            stale.append(str(reason))
    assert not stale, "\n".join(stale)


def test_there_are_enough_and_no_two_are_the_same() -> None:
    assert len(MUTANTS) >= 60
    assert not [name for name, times in Counter(m.name for m in MUTANTS).items() if times > 1]
    assert len({(m.file, m.old, m.new) for m in MUTANTS}) == len(MUTANTS)


def test_what_must_find_a_mutant_exists() -> None:
    named = {test.partition("::")[0] for mutant in MUTANTS for test in mutant.tests}
    assert not [path for path in named if not (mutants.ROOT / path).exists()]


def test_every_mutant_says_why_it_matters() -> None:
    assert all(mutant.why.endswith(".") and mutant.tests for mutant in MUTANTS)


# --- verdicts, on a project of a few lines ---------------------------------------------------

SUM = """
def add(one, other):
    return one + other
"""
TESTS = """
import pytest

from {package} import sums


@pytest.fixture
def three():
    return sums.add(1, 2)


def test_a_sum(three):
    assert three == 3
"""
CONFTEST = """
from hypothesis import settings

settings.register_profile("mutants")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "conftest.py": CONFTEST,
        "arithmetic/__init__.py": "",
        "arithmetic/sums.py": SUM,
        "test_sums.py": TESTS.format(package="arithmetic"),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)  # noqa: S607
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    return tmp_path


def bug(new: str, old: str = "one + other") -> Mutant:
    return Mutant(
        name=new, file="arithmetic/sums.py", old=old, new=new, why="", tests=("test_sums.py",)
    )


def verdicts(*bugs: Mutant, limit: int = 600) -> dict[str, Verdict]:
    return {each.mutant.name: each.verdict for each in mutants.judge(bugs, 2, limit)}


def test_a_mutant_is_killed_by_a_test_that_fails_and_by_nothing_else(project: Path) -> None:
    expected = {
        bug("one - other"): Verdict.KILLED,
        bug("other + one"): Verdict.SURVIVED,
        # Of what can't run, and of what stops a test before it begins, no test has judged.
        bug("one + nothing"): Verdict.BROKEN,
        bug("1 / 0"): Verdict.BROKEN,
        bug("def sub(", "def add("): Verdict.BROKEN,
        bug("raise OSError\n\ndef add", "\ndef add"): Verdict.BROKEN,
    }
    assert verdicts(*expected) == {each.name: verdict for each, verdict in expected.items()}
    assert (project / "arithmetic/sums.py").read_text() == SUM


def test_a_mutant_that_never_ends_is_not_killed(project: Path) -> None:
    endless = bug("while True:\n        pass", "return one + other")
    assert set(verdicts(endless, limit=1).values()) == {Verdict.TIMEOUT}


def test_what_fails_without_a_mutant_judges_none(project: Path) -> None:
    (project / "test_sums.py").write_text(TESTS.format(package="nowhere"))
    with pytest.raises(mutants.UnreadyTests, match="fail without any mutant"):
        verdicts(bug("one - other"))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("three", "four", "0 times"),
        ("one", "two", "2 times"),
        ("one + other", "one +", "would not compile"),
        ("return one + other", "return one + other  # as before", "changes nothing"),
    ],
)
def test_a_mutant_that_does_not_fit_is_stale(
    project: Path, old: str, new: str, reason: str
) -> None:
    with pytest.raises(Stale, match=reason):
        verdicts(bug(new, old))


def test_the_command_fails_for_a_survivor(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "tests/mutants").mkdir(parents=True)
    entry = '[{}]\nfile="arithmetic/sums.py"\nold="+"\nnew="{}"\nwhy=""\ntests=["test_sums.py"]\n'
    listed = entry.format("minus", "-") + entry.format("plus", "- -")
    (project / "tests/mutants/all.toml").write_text(listed)
    with pytest.raises(SystemExit) as ended:
        mutants.main(["--jobs", "2"])
    assert ended.value.code == 1
    assert "2 mutants" in (told := capsys.readouterr().out)
    assert "1 killed, 1 survived" in told
    mutants.main(["--only", "min*"])
