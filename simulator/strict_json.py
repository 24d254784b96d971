"""Reads JSON documents strictly, for DOKU's routes and the control API alike."""

import json
from typing import Any

_TOO_DEEP = 64


class Malformed(ValueError):
    """Bytes that are not the JSON object that was expected."""


def _refuse_constant(name: str) -> None:
    raise Malformed(f"{name} is not JSON")


def read_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object from raw bytes; raises ``Malformed``.

    Refused are NaN and infinities, bytes that are not UTF-8, half surrogates and endless nesting:
    nothing that could not be stored and sent again.
    """
    try:
        document = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(document, dict):
        raise Malformed("not a JSON object")
    if _depth(document) > _TOO_DEEP:
        raise Malformed("nested too deep")
    return document


def _depth(document: dict[str, Any]) -> int:
    """Return how many levels a document has, without recursion."""
    level: list[Any] = [document]
    depth = 0
    while level:
        depth += 1
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = below
    return depth
