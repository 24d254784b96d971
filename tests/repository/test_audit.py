"""What `make audit` makes of the answers, and of what is accepted."""

import json
from datetime import date

import pytest

from tools import audit
from tools.audit import Accepted, Answer, Finding

TODAY = date(2026, 11, 28)
JINJA = Finding("jinja2", "GHSA-cpwx-vrp4-4pq7")
MINIMIST = Finding("minimist", "GHSA-xvch-5gv4-984h")

SERVED = json.dumps(
    {
        "dependencies": [
            {"name": "jinja2", "version": "3.1.5", "vulns": [{"id": JINJA.id, "fix_versions": []}]},
            {"name": "idna", "version": "3.20", "vulns": []},
        ],
        "fixes": [],
    }
)
NOT_SERVED = json.dumps(
    {"dependencies": [{"name": "idna", "skip_reason": "could not be audited"}], "fixes": []}
)
NPM = json.dumps(
    {
        "vulnerabilities": {
            "minimist": {
                "name": "minimist",
                "via": [{"source": 1, "url": f"https://github.com/advisories/{MINIMIST.id}"}],
            },
            "mkdirp": {"name": "mkdirp", "via": ["minimist"]},
        },
        "metadata": {"dependencies": {"total": 12}},
    }
)


def test_what_is_served_is_read() -> None:
    assert audit.read_pip_audit(SERVED) == Answer(2, 0, (JINJA,))
    assert audit.read_npm_audit(NPM) == Answer(12, 0, (MINIMIST,))


def test_what_is_not_served_is_not_checked() -> None:
    assert audit.read_pip_audit(NOT_SERVED) == Answer(0, 1)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", '{"message": "405 Method Not Allowed", "statusCode": 405}']
)
def test_no_answer_is_no_pass(text: str) -> None:
    for read in (audit.read_pip_audit, audit.read_npm_audit):
        with pytest.raises(ValueError, match=r"405|understood"):
            read(text)


def test_only_what_nobody_accepted_is_told() -> None:
    accepted = (Accepted(JINJA, "We render no template of a stranger's.", TODAY),)
    assert audit.judge([JINJA], accepted, TODAY, all_checked=True) == []
    assert audit.judge([JINJA, MINIMIST], accepted, TODAY, all_checked=True) == [
        "minimist: GHSA-xvch-5gv4-984h"
    ]


def test_an_acceptance_ends() -> None:
    accepted = (Accepted(JINJA, "Soon mended.", date(2026, 11, 27)),)
    (line,) = audit.judge([JINJA], accepted, TODAY, all_checked=True)
    assert "accepted until 2026-11-27" in line


def test_what_is_mended_is_accepted_no_longer_if_all_was_checked() -> None:
    accepted = (Accepted(JINJA, "Soon mended.", TODAY),)
    (line,) = audit.judge([], accepted, TODAY, all_checked=True)
    assert "take it out" in line
    assert audit.judge([], accepted, TODAY, all_checked=False) == []


ENTRY = '[[accepted]]\nid = "GHSA-1"\npackage = "x"\n'


@pytest.mark.parametrize(
    "text",
    [
        ENTRY,
        ENTRY + 'reason = "Because."\n',
        ENTRY + 'reason = " "\nuntil = 2026-12-31\n',
        ENTRY + 'reason = "Because."\nuntil = "some day"\n',
    ],
)
def test_an_acceptance_needs_a_reason_and_a_day(text: str) -> None:
    with pytest.raises((KeyError, ValueError)):
        audit.read_accepted(text)


def test_what_is_accepted_is_whole() -> None:
    whole = ENTRY + 'reason = "Because."\nuntil = 2026-12-31\n'
    assert audit.read_accepted(whole)[0].until == date(2026, 12, 31)
    audit.read_accepted(audit.ACCEPTED.read_text("utf-8"))


def test_every_list_of_packages_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_run", lambda *_, **__: "not here")
    asked = {name for name, _ in audit.ask()}
    root = audit.ROOT
    lists = {*root.glob("requirements/*.txt"), *root.glob("layers/*/requirements.txt")}
    lists |= {root / "package-lock.json", root / "tests/clients/package-lock.json"}
    assert asked == {str(path.relative_to(root)) for path in lists}


@pytest.mark.parametrize(("options", "code"), [([], None), (["--required"], 1)])
def test_what_could_not_be_asked_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    code: int | None,
) -> None:
    answers = [("requirements/a.txt", Answer(0, 7)), ("package-lock.json", "405")]
    monkeypatch.setattr(audit, "ask", lambda: iter(answers))
    if code is None:
        audit.main(options)
    else:
        with pytest.raises(SystemExit) as stopped:
            audit.main(options)
        assert stopped.value.code == code
    told = capsys.readouterr().out
    assert "NOT CHECKED" in told
    assert "7 packages are not served" in told
    assert "package-lock.json: 405" in told
