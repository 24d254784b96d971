"""What the benchmarks write into docs/benchmarks.md, between markers."""

from pathlib import Path

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def marked(mark: str) -> str:
    """What stands between the markers now."""
    return _parts(mark)[1]


def write(mark: str, text: str) -> None:
    """Put a text between the markers."""
    before, _, after = _parts(mark)
    DOCUMENT.write_text(f"{before}{text}{after}", "utf-8")


def _parts(mark: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->"
    before, found, rest = DOCUMENT.read_text("utf-8").partition(begin)
    inside, closed, after = rest.partition(end)
    if not found or not closed:
        raise LookupError(f"{DOCUMENT.name} has no markers of {mark!r}")
    return before + begin, inside, end + after
