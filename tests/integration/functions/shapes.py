"""One event in the forms in which API Gateway may hand it on.

A REST API's own address has the stage in front of the route: ``requestContext.path`` shows it,
``path`` does not. Behind a custom domain both show the base path of its mapping. Neither is
decoded, and slashes are as the caller wrote them; ``resource`` is the route's.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from tests.integration.functions import doku

Event = dict[str, Any]

FIRST_ADDRESS = "https://api.example.com/v1"
"""The address in `events/`. Links that are on record keep it."""


def addressed(event: Event, path: str, called: str | None = None, **context: Any) -> Event:
    """The event with its two paths, and DOKU's signature for the path that was called."""
    context["path"] = path if called is None else called
    return signed(event | {"path": path, "requestContext": event["requestContext"] | context})


def signed(event: Event) -> Event:
    """The event with DOKU's signature for its path, if it is a message of DOKU's."""
    if not event["resource"].startswith("/doku/"):
        return event
    given = {name.lower(): value for name, value in event["headers"].items()}
    body: str = event["body"]
    message = doku.request_headers(
        event["requestContext"]["path"],
        body.encode(),
        given["request-id"],
        given["request-timestamp"],
    )
    return with_headers(event, {**event["headers"], **message})


def with_headers(event: Event, headers: Mapping[str, str]) -> Event:
    """The event with these headers."""
    return event | {
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
    }


def encoded(text: str) -> str:
    """A segment of a path, all of it percent-encoded."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def route(event: Event) -> str:
    """The path of the event's route, as a caller writes it at an address of its own."""
    path = str(event["resource"])
    for name, value in (event["pathParameters"] or {}).items():
        path = path.replace(f"{{{name}}}", value)
    return path


def about(event: Event, slashes: str = "", **parameters: str) -> Event:
    """The event at the API's own address, about something else."""
    event = event | {"pathParameters": parameters}
    path = route(event) + slashes
    return addressed(event, path, f"/v1{path}")


def _behind(base: str) -> Callable[[Event], Event]:
    return lambda event: addressed(event, base + route(event), domainName="o2o.example.net")


def _encoded(event: Event) -> Event:
    parameters = {name: encoded(value) for name, value in (event["pathParameters"] or {}).items()}
    return about(event, **parameters)


def _base64(event: Event) -> Event:
    body: str | None = event["body"]
    if not body:
        return event
    return event | {"body": b64encode(body.encode()).decode(), "isBase64Encoded": True}


SHAPES: dict[str, Callable[[Event], Event]] = {
    "custom domain": _behind(""),
    "base path": _behind("/o2o"),
    "base path of two segments": _behind("/shops/o2o"),
    "base path named like a route": _behind("/payment-codes"),
    "mapping without a stage": _behind("/o2o/v1"),
    "slash at the end": lambda event: addressed(event, route(event) + "/", f"/v1{route(event)}/"),
    "slash at the end, base path": lambda event: addressed(event, f"/o2o{route(event)}/"),
    "double slash": lambda event: addressed(event, route(event), f"/v1/{route(event)}"),
    "double slash, base path": lambda event: addressed(event, f"/o2o/{route(event)}"),
    "percent-encoded": _encoded,
    "base64": _base64,
    "stage variables": lambda event: event | {"stageVariables": {"colour": "blue"}},
    "no maps": lambda event: {name: value or None for name, value in event.items()},
    "lower-case headers": lambda event: with_headers(
        event, {name.lower(): value for name, value in event["headers"].items()}
    ),
    "capitalised headers": lambda event: with_headers(
        event, {name.title(): value for name, value in event["headers"].items()}
    ),
    "a header twice": lambda event: (
        event
        | {
            "headers": {**event["headers"], "X-Twice": "a"},
            "multiValueHeaders": {**event["multiValueHeaders"], "X-Twice": ["a", "a"]},
        }
    ),
}


def same(answer: Mapping[str, Any], event: Event) -> tuple[int, Any]:
    """An answer without what depends on the address that was called."""
    context = event["requestContext"]
    base = context["path"].rstrip("/").removesuffix(route(event)).rstrip("/")
    body = answer["body"]
    for address in (f"https://{context['domainName']}{base}", FIRST_ADDRESS):
        body = body.replace(address, "https://here")
    body = re.sub(r'href="\.{1,2}/', 'href="', body)
    try:
        return answer["statusCode"], json.loads(body)
    except ValueError:
        return answer["statusCode"], body
