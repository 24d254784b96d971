"""Generates the HTML reference from the OpenAPI document, and a page for each problem type.

The pages have no scripts and load nothing from elsewhere. `make openapi` writes them.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from o2o.entry import problems
from o2o.entry.describe_api import ADDRESS
from tools.operations import DOKU, WEBHOOK

Json = dict[str, Any]

_FOLDER = Path(__file__).parent


def render(document: Json) -> str:
    """The whole document as an HTML page; the API fills in its address when it serves the page."""
    return _render(
        "reference.html",
        info=document["info"],
        base_url=ADDRESS,
        groups=[
            (tag, [each for each in _operations(document, "paths") if tag["name"] in each.tags])
            for tag in document["tags"]
            if tag["name"] != WEBHOOK
        ],
        webhooks=list(_operations(document, "webhooks")),
        problems=problems.BY_SLUG.values(),
    )


def render_problem(slug: str) -> str:
    """The HTML page of a problem type."""
    return _render("problem.html", kind=problems.BY_SLUG[slug])


def _render(template: str, **values: object) -> str:
    html = _templates().get_template(template).render(style=Markup(_style()), **values)  # noqa: S704 - our own file
    return html.strip() + "\n"


@cache
def _style() -> str:
    return (_FOLDER / "style.css").read_text("utf-8")


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["marked"] = marked
    templates.filters["pretty"] = _pretty
    return templates


def marked(text: str) -> Markup:
    """Text with **bold**, `code` and paragraphs, as HTML."""
    html = str(escape(text.strip()))
    html = re.sub(r"`{1,2}([^`]+)`{1,2}", r"<code>\1</code>", html)
    html = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", html)
    paragraphs = "".join(f"<p>{each}</p>" for each in re.split(r"\n{2,}", html))
    return Markup(paragraphs)  # noqa: S704 - escaped above


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


# --- the document, as the page shows it ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One field or parameter, as a row of a table."""

    name: str
    kind: str
    required: bool
    description: str
    limits: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One response: description, headers, fields, examples, and the slugs of its problems."""

    status: str
    description: str
    headers: list[str]
    model: str
    rows: list[Row]
    examples: list[Any]
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, or one webhook."""

    method: str
    path: str
    name: str
    summary: str
    description: str
    tags: list[str]
    public: bool
    parameters: list[Row]
    body: list[Row]
    curl: str
    """A command that sends the first example; what only an earlier answer tells is a variable."""
    answers: list[Answer]


def _operations(document: Json, part: str) -> Iterator[Operation]:
    for path, item in document.get(part, {}).items():
        for method, operation in item.items():
            yield _operation(document, method.upper(), path, operation)


def _operation(document: Json, method: str, path: str, operation: Json) -> Operation:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Operation(
        method=method,
        path=path,
        name=operation.get("operationId", path),
        summary=operation["summary"],
        description=operation.get("description", ""),
        tags=operation.get("tags", []),
        public=operation.get("security") == [],
        parameters=[
            _row(document, each["name"], each, required=each.get("required", False))
            for each in operation.get("parameters", ())
        ],
        body=list(_rows(document, body.get("schema", {}))),
        curl="" if {DOKU, WEBHOOK} & {*operation["tags"]} else _curl(method, path, operation),
        answers=[_answer(document, *each) for each in operation["responses"].items()],
    )


def _curl(method: str, path: str, operation: Json) -> str:
    for each in operation.get("parameters", ()):
        value = each.get("example", f"${each['name'].upper()}")
        path = path.replace(f"{{{each['name']}}}", value)
    lines = [f'curl "{ADDRESS}{path}"']
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if operation.get("security") != []:
        lines.append('-H "Authorization: Bearer $O2O_KEY"')
    if body:
        example = next(iter(body["examples"].values()))["value"]
        lines += ['-H "Content-Type: application/json"', f"-d '{_pretty(example)}'"]
    elif method == "HEAD":
        lines[0] = lines[0].replace("curl", "curl --head")
    elif method == "POST":
        lines.append("-X POST")
    return " \\\n  ".join(lines)


def _answer(document: Json, status: str, response: Json) -> Answer:
    examples: list[Any] = []
    kinds: list[str] = []
    model, rows = "", list[Row]()
    for media_type, content in response.get("content", {}).items():
        if media_type == problems.CONTENT_TYPE:
            kinds += content["examples"]
            continue
        model = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        rows += _rows(document, content.get("schema", {}))
        if "example" in content:
            examples.append(content["example"])
    headers = list(response.get("headers", {}))
    return Answer(status, response["description"], headers, model, rows, examples, kinds)


def _rows(document: Json, schema: Json, prefix: str = "") -> Iterator[Row]:
    """The fields of an object and of nested objects, with dotted names."""
    resolved = _resolve(document, schema)
    required = resolved.get("required", ())
    for name, each in resolved.get("properties", {}).items():
        yield _row(document, prefix + name, {"schema": each} | each, required=name in required)
        inner = _resolve(document, _resolve(document, each).get("items", each))
        yield from _rows(document, inner, f"{prefix}{name}.")


def _row(document: Json, name: str, field: Json, *, required: bool) -> Row:
    resolved = _resolve(document, field["schema"])
    description = field.get("description") or resolved.get("description", "")
    return Row(name, _kind(document, field["schema"]), required, description, _limits(resolved))


def _resolve(document: Json, schema: Json) -> Json:
    """A schema with its reference resolved, and without ``null`` as an alternative."""
    kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) == 1:
        schema = {name: each for name, each in schema.items() if name != "anyOf"} | kinds[0]
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        # Keywords beside the reference are more specific.
        beside = {name: each for name, each in schema.items() if name != "$ref"}
        return _resolve(document, document["components"]["schemas"][name]) | beside
    return schema


def _kind(document: Json, schema: Json) -> str:
    resolved = _resolve(document, schema)
    kinds = [_kind(document, each) for each in resolved.get("anyOf", ())]
    kinds = kinds or [resolved.get("type", "any")]
    if resolved.get("type") == "array":
        kinds = [f"list of {_kind(document, resolved['items'])}"]
    if resolved.get("type") == "string" and "format" in resolved:
        kinds = [resolved["format"]]
    if {"type": "null"} in schema.get("anyOf", ()):
        kinds.append("null")
    return " or ".join(kinds)


_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "pattern": "matches",
    "default": "default",
}


def _limits(schema: Json) -> str:
    limits = [" · ".join(map(str, schema["enum"]))] if "enum" in schema else []
    if "maxLength" in schema:
        limits.append(f"{schema.get('minLength', 0)} to {schema['maxLength']} characters")
    for name, words in _BOUNDS.items():
        value = schema.get(name)
        if value is not None and not isinstance(value, dict):
            limits.append(f"{words} {value if isinstance(value, str) else json.dumps(value)}")
    return "; ".join(limits)
