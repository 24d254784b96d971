"""The events that the emulator makes, by their keys, and the examples in ``events/``."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tools.build import ROOT

EXAMPLES = ROOT / "events"
_FREE = {
    "Keys",
    "NewImage",
    "OldImage",
    "authorizer",
    "headers",
    "messageAttributes",
    "multiValueHeaders",
    "multiValueQueryStringParameters",
    "pathParameters",
    "queryStringParameters",
    "stageVariables",
}
"""Objects whose keys are the data's own."""


_MANY = "requestContext.identity"
"""Its keys are counted as one: most of them are of callers that we do not have."""


def keys_of(events: Iterable[Any]) -> set[str]:
    """The places of all keys in some events, as ``Records[].body``."""
    return {place for event in events for place in _keys(event)}


def _keys(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _keys(each, f"{path}[]")
    elif isinstance(value, dict):
        for key, each in value.items():
            place = f"{path}.{key}" if path else key
            yield f"{_MANY}.*" if path == _MANY and each is None else place
            if key not in _FREE:
                yield from _keys(each, place)


def source_of(event: Mapping[str, Any]) -> str:
    """Who makes such an event."""
    if "methodArn" in event:
        return "authorizer"
    if "httpMethod" in event:
        return "API"
    records = event.get("Records")
    if records:
        return str(records[0]["eventSource"].removeprefix("aws:"))
    return "schedule"


def by_source(events: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """The keys of events, by who makes such events."""
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        grouped.setdefault(source_of(event), []).append(event)
    return {source: keys_of(group) for source, group in grouped.items()}


def examples() -> dict[str, set[str]]:
    """The keys of the examples of AWS's events."""
    return by_source(json.loads(path.read_text("utf-8")) for path in EXAMPLES.glob("*/*.json"))


def differences(examples: Mapping[str, set[str]], seen: Mapping[str, set[str]]) -> list[str]:
    """Keys that only one has: ``+`` the emulator's events, ``-`` the examples."""
    return [
        f"{source} {sign}{key}"
        for source in sorted(examples.keys() | seen.keys())
        for sign, keys in (
            ("+", seen.get(source, set()) - examples.get(source, set())),
            ("-", examples.get(source, set()) - seen.get(source, set())),
        )
        for key in sorted(keys)
    ]
