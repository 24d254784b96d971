"""Addresses of pages as people and chat apps pass them on: with a slash more, or a full stop."""

import re
from urllib.parse import unquote

# It begins where a word does: tried at each letter of a long one, it would take the square of it.
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]++\.[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])", re.ASCII
)


def read_token(written: str) -> str:
    """The token in a segment of a path, which may be percent-encoded; else the segment itself.

    Whether the token opens anything is not judged here.
    """
    found = _TOKEN.search(unquote(written))
    return found[0] if found else written


def way_to_others(path: str) -> str:
    """How a link on a page at this path, as the browser has it, begins that leads to another."""
    slashes = len(path) - len(path.rstrip("/"))
    return "../" * slashes or "./"
