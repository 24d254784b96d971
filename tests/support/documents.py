"""The documents, taken apart."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_ROW = re.compile(r"^\| `([^`]+)` \|(.*)\|$", re.MULTILINE)

# What differs from run to run; everything else must be as it is written.
_CHANGING = (
    (re.compile(r"https?://[\w.]+(:\d+)?(?=[/\"\s]|$)"), "<address>"),
    (re.compile(r"o2o_[a-z0-9]{12}_[a-z0-9]{50}"), "<key>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+00:00)"), "<instant>"),
    (re.compile(r"\w+, \d+ \w+ \d{4}, \d\d([.:])\d\d WIB"), r"<day>, <hour>\1<minute> WIB"),
    (re.compile(r"\b8\d{15}\b|\b8\d{3}( \d{4}){3}\b"), "<digits>"),
    (re.compile(r"(?<=/pay/)[\w-]+\.[\w-]{22}"), "<token>"),
    (re.compile(r"\b\d{12}\b"), "<receipt number>"),
    (re.compile(r'"key:[a-z0-9]{12}"'), '"key:<key id>"'),
    (re.compile(r'"notification": \d+'), '"notification": <number>'),
)


def read(name: str) -> str:
    """A document of the repository."""
    return (ROOT / name).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    _, found, below = f"\n{text}".partition(f"\n{heading}\n")
    assert found, f"there is no heading {heading!r}"
    return re.split(rf"^#{{1,{level}}} ", below, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> dict[str, str]:
    """The rows of the tables in a text whose first cell is code, by that code."""
    return {name: cells.strip() for name, cells in _ROW.findall(text)}


def mask(text: str) -> str:
    """A text without what differs from run to run."""
    for pattern, name in _CHANGING:
        text = pattern.sub(name, text)
    return text
