"""The API as OpenAPI 3.1, from its code: docs/openapi.json, and what describe_api serves.

    python -m tools.openapi

writes them anew (`make openapi`); a test holds them to the code. Each handler's resolver has its
paths, parameters and models, template.yaml who may call them, tools/operations.py the answers,
entry/problems.py the problems, and docs/api.md the examples, which the tests run.
"""

import importlib.util
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from aws_lambda_powertools.event_handler.openapi.merge import OpenAPIMerge
from aws_lambda_powertools.event_handler.openapi.models import License, Server, ServerVariable, Tag
from samtranslator.yaml_helper import yaml_parse

from o2o.entry import problems
from o2o.entry.describe_api import ADDRESS
from o2o.entry.models.events import WebhookPayload
from o2o.entry.problems import ProblemType
from o2o.version import VERSION
from tools import artefacts, reference
from tools.operations import ALWAYS, JSON, OPERATIONS, TAGS, Answer, Operation

Json = dict[str, Any]

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "openapi.json"
SERVED = ROOT / "layers" / "shared" / "o2o" / "entry" / "describe_api"

DESCRIPTION = """\
Cash payment codes for Alfa and Indomaret through DOKU.

The **invoice number** is the idempotency key: it means one payment code, for ever. After a time-out
or a 5xx, send the same request again. **Money** is whole rupiah. **Instants** are RFC 3339 with an
offset; answers use UTC. **Days** are WIB (UTC+7). **Errors** are problem documents (RFC 9457):
decide by their `type`. New fields and new values may appear in answers: ignore what you do not
know.
"""

KEY = "apiKey"
PROBLEM = "Problem"
PROBLEM_SCHEMA: Json = {
    "type": "object",
    "description": "An error, as RFC 9457 has it. Decide by its type, which is stable.",
    "required": ["type", "title"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "Below the API's address, a page about it.",
        },
        "title": {"type": "string", "description": "For people."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "For people: what is wrong this time."},
        "invalid_params": {
            "type": "array",
            "description": "Every field at fault.",
            "items": {
                "type": "object",
                "required": ["name", "reason"],
                "properties": {
                    "name": {"type": "string", "description": "Dotted, as in customer.name."},
                    "reason": {"type": "string"},
                },
            },
        },
    },
}

WEBHOOKS: Json = {
    "event": {
        "post": {
            "operationId": "receive_event",
            "summary": "Something happened to a payment code",
            "description": (
                "Signed as Standard Webhooks has it: verify the signature over the bytes as they"
                " came, then answer within 10 seconds. The same event may come more than once,"
                " with the same `webhook-id`; order a code's events by `sequence`."
            ),
            "security": [],
            "parameters": [
                {
                    "name": name,
                    "in": "header",
                    "required": True,
                    "description": description,
                    "schema": {"type": "string"},
                }
                for name, description in {
                    "webhook-id": "The event's id, the same at every attempt.",
                    "webhook-timestamp": "When this attempt was made, in seconds since 1970.",
                    "webhook-signature": "v1,<base64>: one, or two while a secret is replaced.",
                }.items()
            ],
            "requestBody": {
                "required": True,
                "content": {JSON: {"schema": {"$ref": "#/components/schemas/WebhookPayload"}}},
            },
            "responses": {
                "2XX": {"description": "It has arrived: it is not sent again."},
                "410": {"description": "Nobody wants it: no event is sent until you say so."},
                "default": {"description": "It is sent again, for about three days."},
            },
        }
    }
}

_REF = "#/components/schemas/"
_UNPROCESSABLE = "422"  # Powertools' own idea of a wrong request; ours is 400
_NEVER_ANSWERED = {"HTTPValidationError", "ResponseValidationError", "ValidationError"}
_METHODS = {"get", "head", "post", "put", "patch", "delete"}


def generate() -> Json:
    """The document. Raises ValueError where the code, the template and the words disagree."""
    routes = read_routes()
    if unlike := routes.keys() ^ OPERATIONS.keys():
        raise ValueError(f"template.yaml and tools/operations.py differ on {sorted(unlike)}")
    used = [tag for tag in TAGS if any(each.tag == tag for each in OPERATIONS.values())]
    merge = OpenAPIMerge(
        title="O2O",
        version=VERSION,
        description=DESCRIPTION,
        tags=[Tag(name=tag, description=TAGS[tag]) for tag in used],
        servers=[
            Server(
                url=ADDRESS,
                description="The stack's output ApiUrl, or a domain in front of it.",
                variables={
                    "host": ServerVariable(default="api.example.com"),
                    "path": ServerVariable(default="/v1"),
                },
            )
        ],
        license_info=License(name="Apache-2.0", identifier="Apache-2.0"),
        security=[{KEY: []}],
        on_conflict="error",
    )
    docstrings: dict[str, tuple[str, str]] = {}
    with environment():
        for folder in sorted({route.folder for route in routes.values()}):
            module = load(folder)
            schema = json.loads(module.api.routes.get_openapi_json_schema())
            merge.add_schema(schema)
            docstrings |= documented(module, schema)
    document = tidy(json.loads(json.dumps(merge.get_openapi_schema())))
    found = {route for route, _ in operations(document)}
    if unlike := found ^ OPERATIONS.keys():
        raise ValueError(f"the handlers and tools/operations.py differ on {sorted(unlike)}")
    for route, operation in operations(document):
        name, words = docstrings[operation["operationId"]]
        describe(operation, name, words, OPERATIONS[route], public=routes[route].public)
        if route.startswith("HEAD "):
            operation["responses"] = {
                status: {part: told for part, told in response.items() if part != "content"}
                for status, response in operation["responses"].items()
            }
    payload = tidy(
        WebhookPayload.model_json_schema(mode="serialization", ref_template=_REF + "{model}")
    )
    components = document["components"]
    components["schemas"] = {
        name: schema
        for name, schema in (components["schemas"] | payload.pop("$defs")).items()
        if name not in _NEVER_ANSWERED
    } | {PROBLEM: PROBLEM_SCHEMA, WebhookPayload.__name__: payload}
    document["webhooks"] = WEBHOOKS
    components["securitySchemes"] = {
        KEY: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "o2o_<key id>_<secret>",
            "description": "A key of your storefront. It sees this storefront's codes only.",
        }
    }
    document = rename(document)
    add_examples(document)
    return in_order(document)


# --- what the code says -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Route:
    """Which function answers, and whether anybody may call."""

    folder: Path
    public: bool


def read_routes() -> dict[str, Route]:
    """The template's routes, as ``METHOD path``."""
    template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    return {
        f"{event['Properties']['Method'].upper()} {event['Properties']['Path']}": Route(
            folder=ROOT / resource["Properties"]["CodeUri"],
            public=event["Properties"].get("Auth", {}).get("Authorizer") == "NONE",
        )
        for resource in template["Resources"].values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "Api"
    }


@contextmanager
def environment() -> Iterator[None]:
    """Any function's environment, as the template gives it."""
    before = dict(os.environ)
    for function in artefacts.read_functions().values():
        os.environ.update(function.environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def load(folder: Path) -> ModuleType:
    """A function's handler module."""
    spec = importlib.util.spec_from_file_location(f"openapi_of_{folder.name}", folder / "app.py")
    if spec is None or spec.loader is None:
        raise ValueError(f"{folder} can't be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def documented(module: ModuleType, schema: Json) -> dict[str, tuple[str, str]]:
    """A module's functions and their docstrings, by the operationId that Powertools makes."""
    found = {}
    for route, operation in operations(schema):
        method, path = route.split(" ")
        for name, function in vars(module).items():
            told = re.sub(r"\W", "_", name + path) + f"_{method.lower()}"
            if operation["operationId"] == told and function.__doc__:
                found[told] = (name, function.__doc__)
    return found


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Every operation of a document, as ``METHOD path`` and what is said of it."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                yield f"{method.upper()} {path}", operation


# --- what is said of it -----------------------------------------------------------------------


def describe(operation: Json, name: str, docstring: str, words: Operation, *, public: bool) -> None:
    """Give an operation its name, words, answers and problems."""
    summary, _, rest = docstring.strip().partition("\n\n")
    operation["operationId"] = name
    operation["summary"] = " ".join(summary.split()).rstrip(".")
    if rest:
        operation["description"] = "\n".join(line.strip() for line in rest.splitlines()).strip()
    operation["tags"] = [words.tag]
    if public:
        operation["security"] = []
    ours = operation.pop("responses")
    ours.pop(_UNPROCESSABLE, None)
    (returned,) = (each["content"][JSON].get("schema", {}) for each in ours.values())
    responses = {str(status): answer_of(each, returned) for status, each in words.answers.items()}
    kinds = [*words.problems, *ALWAYS] + ([] if public else [problems.UNAUTHORIZED])
    for status in sorted({kind.status for kind in kinds}):
        problem = problem_of([kind for kind in kinds if kind.status == status])
        if str(status) in responses:  # DOKU's own form of an error, and ours
            responses[str(status)]["content"] |= problem["content"]
        else:
            responses[str(status)] = problem
    operation["responses"] = responses


def answer_of(answer: Answer, returned: Json) -> Json:
    """A response object."""
    schema = returned if answer.schema is None else dict(answer.schema)
    told: Json = {
        "description": answer.description,
        "content": {answer.media_type: {"schema": schema}},
    }
    if answer.headers:
        told["headers"] = {
            name: header(name, description) for name, description in answer.headers.items()
        }
    return told


def problem_of(kinds: list[ProblemType]) -> Json:
    """The response object of the problems that share a status."""
    told: Json = {
        "description": " Or: ".join(f"{kind.title}." for kind in kinds),
        "content": {
            problems.CONTENT_TYPE: {
                "schema": {"$ref": f"#/components/schemas/{PROBLEM}"},
                "examples": {
                    kind.slug: {
                        "summary": kind.title,
                        "value": {"type": kind.uri, "title": kind.title, "status": kind.status},
                    }
                    for kind in kinds
                },
            }
        },
    }
    waiting = [kind in {*problems.RETRY_AFTER, problems.TOO_MANY_REQUESTS} for kind in kinds]
    if any(waiting):
        retry_after = header("Retry-After", "Seconds after which it is worth another try.")
        told["headers"] = {"Retry-After": retry_after | {"required": all(waiting)}}
    if problems.UNAUTHORIZED in kinds:
        told["headers"] = {
            "WWW-Authenticate": header("WWW-Authenticate", "How a key is presented: Bearer.")
        }
    return told


def header(name: str, description: str) -> Json:
    """A header object."""
    kinds: dict[str, Json] = {
        "Location": {"type": "string", "format": "uri-reference"},
        "Retry-After": {"type": "integer", "minimum": 1},
    }
    return {
        "description": description,
        "required": True,
        "schema": kinds.get(name, {"type": "string"}),
    }


# --- what the generators leave ----------------------------------------------------------------


def tidy(value: Any, key: str = "") -> Any:
    """Without titles that repeat a name, numbers that are no float, and null in a query."""
    if isinstance(value, list):
        return [tidy(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, dict):
        return value
    told = {name: tidy(each, name) for name, each in value.items()}
    if key == "properties":
        return {name: _untitled(schema) for name, schema in told.items()}
    if "in" in told and isinstance(schema := told.get("schema"), dict):
        told["schema"] = _untitled(_without_null(schema))
    if key == "schema" or ("type" in told and isinstance(told.get("title"), str)):
        return _untitled(told)
    return told


def _untitled(schema: Any) -> Any:
    if isinstance(schema, dict) and isinstance(schema.get("title"), str):
        return {name: each for name, each in schema.items() if name != "title"}
    return schema


def _without_null(schema: Json) -> Json:
    """A parameter that is left out is left out: there is no null in an address."""
    kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**{name: each for name, each in schema.items() if name != "anyOf"}, **kinds[0]}


def rename(document: Json) -> Json:
    """Without the ending View, which sets a model of an answer apart from what it shows."""
    schemas = document["components"]["schemas"]
    names = {name: name.removesuffix("View") for name in schemas}
    if len(set(names.values())) != len(names):
        raise ValueError(f"two models have one name: {sorted(names.values())}")

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {
            name: _REF + names[each.removeprefix(_REF)] if name == "$ref" else walk(each)
            for name, each in value.items()
        }

    renamed: Json = walk(document)
    renamed["components"]["schemas"] = {
        names[name]: schema for name, schema in sorted(renamed["components"]["schemas"].items())
    }
    return renamed


_FIRST = ("openapi", "info", "servers", "security", "tags", "paths", "webhooks", "components")
_FIRST_IN_OPERATION = (
    "operationId", "summary", "description", "tags", "security", "parameters", "requestBody",
    "responses",
)  # fmt: skip


def in_order(document: Json) -> Json:
    """The same in an order that reads well: routes by the order of tools/operations.py."""
    position = {route: number for number, route in enumerate(OPERATIONS)}

    def by_route(path: str) -> int:
        return min(position[f"{method.upper()} {path}"] for method in paths[path])

    paths = document["paths"]
    ordered = {name: document[name] for name in _FIRST if name in document}
    ordered["paths"] = {
        path: {
            method: {name: operation[name] for name in _FIRST_IN_OPERATION if name in operation}
            for method, operation in sorted(
                paths[path].items(), key=lambda item: position[f"{item[0].upper()} {path}"]
            )
        }
        for path in sorted(paths, key=by_route)
    }
    return ordered


# --- examples ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Example:
    """One request and its answer, as docs/api.md shows them."""

    method: str
    path: str
    request: Any
    status: str
    headers: Mapping[str, str]
    answer: Any


def read_examples() -> list[Example]:
    """The examples of docs/api.md, in their order."""
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    blocks = re.findall(r"^```http\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)
    found = []
    request = ""
    for block in blocks:
        if not block.partition(" ")[0].isdigit():
            request = block
            continue
        line, _, sent = request.partition("\n")
        method, path = line.split(" ", 1)
        head, _, answer = block.partition("\n\n")
        first, *headers = head.splitlines()
        found.append(
            Example(
                method=method,
                path=path.partition("?")[0],
                request=json.loads(sent) if sent.strip() else None,
                status=first.partition(" ")[0],
                headers=dict(each.split(": ", 1) for each in headers),
                answer=json.loads(answer) if answer.strip() else None,
            )
        )
    return found


def add_examples(document: Json) -> None:
    """Show each example of the documents where it belongs."""
    for example in read_examples():
        operation = operation_at(document, example.method, example.path)
        if example.request is not None and int(example.status) < 300:  # noqa: PLR2004 - successes
            media = operation["requestBody"]["content"][JSON]
            media.setdefault("examples", {})[f"answered_{example.status}"] = {
                "value": example.request
            }
        response = operation["responses"][example.status]
        media_type = example.headers.get("Content-Type", JSON)
        media = response["content"][media_type]
        if media_type == problems.CONTENT_TYPE:
            slug = example.answer["type"].rpartition("/")[2]
            media["examples"][slug]["value"] = example.answer
        else:
            media.setdefault("example", example.answer)


def operation_at(document: Json, method: str, path: str) -> Json:
    """The operation that an address belongs to; the fixed path before the variable one."""
    found: dict[bool, Json] = {}
    for template, item in document["paths"].items():
        pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in item:
            found["{" in template] = item[method.lower()]
    if not found:
        raise ValueError(f"docs/api.md has an example of {method} {path}, which does not exist")
    return found[min(found)]


# --- the files --------------------------------------------------------------------------------


def pretty(document: Json) -> str:
    """As it is committed in docs/."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def compact(document: Json) -> str:
    """On one line."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n"


def served(document: Json) -> str:
    """The document as it is served, at one address."""
    return compact(document | {"servers": [{"url": ADDRESS}]})


def _problem_page(slug: str) -> Callable[[Json], str]:
    return lambda _: reference.render_problem(slug)


FILES: dict[Path, Callable[[Json], str]] = {
    DOCUMENT: pretty,
    SERVED / "openapi.json": served,
    SERVED / "reference.html": reference.render,
    **{SERVED / "problems" / f"{slug}.html": _problem_page(slug) for slug in problems.BY_SLUG},
}
"""Every file that is made of the document, and how."""


def main() -> None:
    """Write all of them anew."""
    document = generate()
    for path, form in FILES.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(form(document), "utf-8")


if __name__ == "__main__":
    main()
