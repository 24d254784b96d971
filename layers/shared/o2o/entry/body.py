"""Reading a request: path and headers, and the body as small, strict JSON or a clear refusal."""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from o2o.core.errors import InvalidRequest

JSON = "application/json"
MAX_BODY_BYTES = 16 * 1024
MAX_DEPTH = 16


def called_path(event: Mapping[str, Any]) -> str:
    """The path of the URL that was called, as the caller wrote it (decision 0056)."""
    return str(event["requestContext"]["path"])


def headers_of(event: Mapping[str, Any]) -> dict[str, str]:
    """The headers that have a value, by their names in lower case."""
    headers = event.get("headers") or {}
    return {str(name).lower(): str(value) for name, value in headers.items() if value is not None}


def raw_body(event: dict[str, Any]) -> bytes:
    """The body's bytes as they came over the wire. API Gateway hands binary in base64."""
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise InvalidRequest.of("body", "is not readable") from error


def check_json_body(event: dict[str, Any]) -> dict[str, Any]:
    """The event with a body that is known to be a small, strict JSON object, and marked as JSON.

    Raises InvalidRequest: NaN, infinities, doubled names, lone surrogates, deep nesting and
    large bodies are all things that two readers could understand differently.
    """
    headers = headers_of(event)
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise InvalidRequest.of("Content-Type", "must be application/json")
    body = raw_body(event)
    if len(body) > MAX_BODY_BYTES:
        raise InvalidRequest.of("body", f"must be at most {MAX_BODY_BYTES} bytes long")
    try:
        text = body.decode("utf-8")
        parsed = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_unique_names,
        )
        json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, _RefusedJson) else "is not valid JSON in UTF-8"
        raise InvalidRequest.of("body", reason) from error
    if not isinstance(parsed, dict):
        raise InvalidRequest.of("body", "must be a JSON object")
    if _depth(parsed) > MAX_DEPTH:
        raise InvalidRequest.of("body", f"must be nested at most {MAX_DEPTH} levels deep")
    # The router judges it again, by rules of its own.
    headers["content-type"] = JSON
    return event | {"headers": headers, "body": text, "isBase64Encoded": False}


class _RefusedJson(ValueError):
    """JSON that parsers accept and we do not."""


def _refuse_constant(_: str) -> NoReturn:
    raise _RefusedJson("must not hold NaN or Infinity")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _RefusedJson("must not hold numbers beyond the range of a double")
    return number


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RefusedJson("must not hold a name twice in one object")
    return members


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return depth
