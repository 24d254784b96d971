"""Ask whether a package that is used has a known vulnerability: `make audit`.

Python's packages are asked about with pip-audit, npm's with `npm audit`. A mirror of an index may
not serve that: what was not checked is told, and is no pass; with ``--required`` it is a failure.
What is accepted stands in tools/audit.toml, with a reason and a day on which that ends.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PIP_AUDIT = ROOT / ".venv-audit" / "bin" / "pip-audit"
ACCEPTED = ROOT / "tools" / "audit.toml"
REQUIREMENTS = (
    *sorted((ROOT / "requirements").glob("*.txt")),
    ROOT / "layers" / "shared" / "requirements.txt",
)
NPM_FOLDERS = (ROOT, ROOT / "tests" / "clients")
_PATIENCE_SECONDS = 600


class Finding(NamedTuple):
    """A known vulnerability of a package that is used."""

    package: str
    id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said about one list of packages."""

    checked: int
    unchecked: int
    findings: tuple[Finding, ...] = ()


class Accepted(NamedTuple):
    """A finding that is lived with, until a day."""

    finding: Finding
    reason: str
    until: date


def read_pip_audit(text: str) -> Answer:
    """An answer of pip-audit's. Raises ValueError if it is none."""
    packages = _object(text)["dependencies"]
    checked = [each for each in packages if "skip_reason" not in each]
    return Answer(
        len(checked),
        len(packages) - len(checked),
        tuple(Finding(each["name"], vuln["id"]) for each in checked for vuln in each["vulns"]),
    )


def read_npm_audit(text: str) -> Answer:
    """An answer of npm's. Raises ValueError if it is none, as when the registry refuses."""
    answer = _object(text)
    packages = int(answer["metadata"]["dependencies"]["total"])
    return Answer(packages, 0, tuple(_of_npm(answer["vulnerabilities"].values())))


def _of_npm(vulnerable: Iterable[dict[str, Any]]) -> Iterator[Finding]:
    for each in vulnerable:
        for via in each["via"]:
            # A text names another package, which is listed itself.
            if isinstance(via, dict):
                yield Finding(each["name"], str(via["url"]).rpartition("/")[2])


def _object(text: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(text)
        if "dependencies" not in answer and "vulnerabilities" not in answer:
            raise ValueError(str(answer.get("message", "no answer that is understood")))
    except (AttributeError, TypeError, json.JSONDecodeError) as error:
        raise ValueError("no answer that is understood") from error
    return answer


def read_accepted(text: str) -> tuple[Accepted, ...]:
    """What is accepted. Raises ValueError, KeyError or TypeError for an entry that is not whole."""
    found = []
    for entry in tomllib.loads(text).get("accepted", ()):
        if not str(entry["reason"]).strip() or not isinstance(entry["until"], date):
            raise ValueError(f"{entry['id']}: a reason and a day are needed")
        found.append(
            Accepted(Finding(entry["package"], entry["id"]), entry["reason"], entry["until"])
        )
    return tuple(found)


def judge(
    findings: Iterable[Finding], accepted: Iterable[Accepted], today: date, *, all_checked: bool
) -> list[str]:
    """What a person has to look at, a line each; nothing if all is well."""
    known = {each.finding: each for each in accepted}
    found = sorted(set(findings))
    lines = [f"{each.package}: {each.id}" for each in found if each not in known]
    for each in known.values():
        name = f"{each.finding.package}: {each.finding.id}"
        if each.until < today:
            lines.append(f"{name} was accepted until {each.until}: look at it again")
        elif all_checked and each.finding not in found:
            lines.append(f"{name} is accepted and not there any more: take it out")
    return lines


def ask() -> Iterator[tuple[str, Answer | str]]:
    """Ask about each list of packages; a text says why there was no answer."""
    for path in REQUIREMENTS:
        arguments = ("--requirement", path, "--disable-pip", "--require-hashes")
        yield (
            str(path.relative_to(ROOT)),
            _run(read_pip_audit, PIP_AUDIT, *arguments, "--format=json", "--progress-spinner=off"),
        )
    for folder in NPM_FOLDERS:
        yield (
            str((folder / "package-lock.json").relative_to(ROOT)),
            _run(read_npm_audit, "npm", "audit", "--json", "--package-lock-only", cwd=folder),
        )


def _run(read: Any, *command: str | Path, cwd: Path = ROOT) -> Answer | str:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )
        answer: Answer = read(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return str(error).splitlines()[0]
    return answer


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask about all packages; exit code 1 if there is something to look at."""
    parser = argparse.ArgumentParser(prog="make audit", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--required", action="store_true", help="fail if anything could not be checked"
    )
    options = parser.parse_args(arguments)
    accepted = read_accepted(ACCEPTED.read_text("utf-8"))
    findings: list[Finding] = []
    unchecked: list[str] = []
    for name, answer in ask():
        if isinstance(answer, str):
            unchecked.append(f"{name}: {answer}")
        else:
            findings += answer.findings
            print(
                f"{name}: {answer.checked} packages, {len(answer.findings)} known vulnerabilities"
            )
            if answer.unchecked:
                unchecked.append(f"{name}: {answer.unchecked} packages are not served")
    today = datetime.now(UTC).date()
    lines = judge(findings, accepted, today, all_checked=not unchecked)
    if unchecked:
        print("NOT CHECKED, which says nothing about them:", *unchecked, sep="\n  ")
    if lines:
        sys.exit("\n".join(["These have to be looked at:", *lines]))
    if unchecked and options.required:
        sys.exit(1)


if __name__ == "__main__":
    main()
