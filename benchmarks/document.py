"""What the benchmarks write into documents, between markers."""

from pathlib import Path

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def marked(mark: str, document: Path = DOCUMENT) -> str:
    """What stands between the markers now."""
    return _parts(mark, document)[1]


def write(mark: str, text: str, document: Path = DOCUMENT) -> None:
    """Put a text between the markers."""
    before, _, after = _parts(mark, document)
    document.write_text(f"{before}{text}{after}", "utf-8")


def _parts(mark: str, document: Path) -> tuple[str, str, str]:
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->"
    before, found, rest = document.read_text("utf-8").partition(begin)
    inside, closed, after = rest.partition(end)
    if not found or not closed:
        raise LookupError(f"{document.name} has no markers of {mark!r}")
    return before + begin, inside, end + after
