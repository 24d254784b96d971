"""The browsable reference, made of the OpenAPI document, and a page for each problem type.

Without a script and without anything foreign. `make openapi` writes them.
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

Json = dict[str, Any]

_FOLDER = Path(__file__).parent


def render(document: Json) -> str:
    """The whole document as a page; its address is filled in where it is served."""
    return _render(
        "reference.html",
        info=document["info"],
        base_url=ADDRESS,
        groups=[
            (tag, [each for each in _operations(document, "paths") if tag["name"] in each.tags])
            for tag in document["tags"]
        ],
        webhooks=list(_operations(document, "webhooks")),
        problems=problems.BY_SLUG.values(),
    )


def render_problem(slug: str) -> str:
    """The page of a problem type."""
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
    """A text with its **strong** words, `code` and paragraphs as HTML."""
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
    """One field or parameter."""

    name: str
    kind: str
    required: bool
    description: str
    limits: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: what it means, its headers, and an example for each of its forms."""

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
    example: Any
    answers: list[Answer]


def _operations(document: Json, part: str) -> Iterator[Operation]:
    for path, item in document.get(part, {}).items():
        for method, operation in item.items():
            yield _operation(document, method.upper(), path, operation)


def _operation(document: Json, method: str, path: str, told: Json) -> Operation:
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    examples = [each["value"] for each in body.get("examples", {}).values()]
    return Operation(
        method=method,
        path=path,
        name=told.get("operationId", path),
        summary=told["summary"],
        description=told.get("description", ""),
        tags=told.get("tags", []),
        public=told.get("security") == [],
        parameters=[
            _row(document, each["name"], each, required=each.get("required", False))
            for each in told.get("parameters", ())
        ],
        body=list(_rows(document, body.get("schema", {}))),
        example=examples[0] if examples else None,
        answers=[_answer(document, *each) for each in told["responses"].items()],
    )


def _answer(document: Json, status: str, told: Json) -> Answer:
    examples: list[Any] = []
    kinds: list[str] = []
    model, rows = "", list[Row]()
    for media_type, content in told.get("content", {}).items():
        if media_type == problems.CONTENT_TYPE:
            kinds += content["examples"]
            continue
        model = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        rows += _rows(document, content.get("schema", {}))
        if "example" in content:
            examples.append(content["example"])
    return Answer(
        status, told["description"], list(told.get("headers", {})), model, rows, examples, kinds
    )


def _rows(document: Json, schema: Json, prefix: str = "") -> Iterator[Row]:
    """The fields of an object and of the objects inside it, by their dotted names."""
    resolved = _resolve(document, schema)
    required = resolved.get("required", ())
    for name, each in resolved.get("properties", {}).items():
        yield _row(document, prefix + name, {"schema": each} | each, required=name in required)
        inner = _resolve(document, _resolve(document, each).get("items", each))
        yield from _rows(document, inner, f"{prefix}{name}.")


def _row(document: Json, name: str, told: Json, *, required: bool) -> Row:
    resolved = _resolve(document, told["schema"])
    description = told.get("description") or resolved.get("description", "")
    return Row(name, _kind(document, told["schema"]), required, description, _limits(resolved))


def _resolve(document: Json, schema: Json) -> Json:
    """A schema without its reference, and without the null that it may be."""
    kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) == 1:
        schema = {name: each for name, each in schema.items() if name != "anyOf"} | kinds[0]
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        # What stands beside the reference says more of this place.
        beside = {name: each for name, each in schema.items() if name != "$ref"}
        return _resolve(document, document["components"]["schemas"][name]) | beside
    return schema


def _kind(document: Json, schema: Json) -> str:
    told = _resolve(document, schema)
    kinds = [_kind(document, each) for each in told.get("anyOf", ())] or [told.get("type", "any")]
    if told.get("type") == "array":
        kinds = [f"list of {_kind(document, told['items'])}"]
    if told.get("format"):
        kinds = [told["format"]]
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
    told = [" · ".join(map(str, schema["enum"]))] if "enum" in schema else []
    if "maxLength" in schema:
        told.append(f"{schema.get('minLength', 0)} to {schema['maxLength']} characters")
    for name, words in _BOUNDS.items():
        value = schema.get(name)
        if value is not None and not isinstance(value, dict):
            told.append(f"{words} {value if isinstance(value, str) else json.dumps(value)}")
    return "; ".join(told)
