"""The API as OpenAPI 3.1, from its code: docs/openapi.json, and what describe_api serves.

    python -m tools.openapi

generates them (`make openapi`); a test compares them with the code. Paths, parameters and models
come from each handler's resolver, whether a key is needed from template.yaml, responses from
tools/operations.py, problems from entry/problems.py, and examples from docs/api.md, where the tests
run them. The schema of a webhook's body is also a file of its own, docs/event.schema.json.

Clients are generated from the document, so it says things in the form that generators understand
(decision 0050); `make clients` generates some and uses them.
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

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.merge import OpenAPIMerge
from aws_lambda_powertools.event_handler.openapi.models import License, Server, ServerVariable, Tag
from samtranslator.yaml_helper import yaml_parse

from o2o.core.channels import Channel
from o2o.entry import problems, wiring
from o2o.entry.describe_api import ADDRESS
from o2o.entry.http import RATE_LIMIT_POLICY, rate_limit_policy
from o2o.entry.models.events import BooksPayload, WebhookPayload
from o2o.entry.problems import ProblemType
from o2o.version import VERSION
from tools import artefacts, reference
from tools.operations import ALWAYS, JSON, OPERATIONS, TAGS, WEBHOOK, Answer, Operation

Json = dict[str, Any]

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "openapi.json"
EVENT_SCHEMA = ROOT / "docs" / "event.schema.json"
SERVED = ROOT / "layers" / "shared" / "o2o" / "entry" / "describe_api"

_CHANNELS = [channel.capitalize() for channel in Channel]
DESCRIPTION = f"""\
Cash payment codes for {", ".join(_CHANNELS[:-1])} and {_CHANNELS[-1]} through DOKU.

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
            "items": {"$ref": "#/components/schemas/InvalidParam"},
        },
    },
}
INVALID_PARAM_SCHEMA: Json = {
    "type": "object",
    "description": "A field at fault.",
    "required": ["name", "reason"],
    "properties": {
        "name": {"type": "string", "description": "Dotted, as in customer.name."},
        "reason": {"type": "string"},
    },
}

_REF = "#/components/schemas/"
SENT = {each.__name__: each for each in (WebhookPayload, BooksPayload)}
"""What webhooks are sent, by its name."""

WEBHOOKS: Json = {
    "event": {
        "post": {
            "operationId": "receive_event",
            "tags": [WEBHOOK],
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
                "content": {JSON: {"schema": {"$ref": _REF + WebhookPayload.__name__}}},
            },
            "responses": {
                "2XX": {"description": "The event has arrived: it is not sent again."},
                "410": {
                    "description": "The endpoint is gone: no event is sent until it is resumed."
                },
                "default": {"description": "The event is sent again, for about three days."},
            },
        }
    }
}

_POST = WEBHOOKS["event"]["post"]
WEBHOOKS["books_closed"] = {
    "post": _POST
    | {
        "operationId": "receive_books_closed",
        "summary": "A day was closed, or closed again",
        "description": (
            "To the same address, signed in the same way; its type is `books.closed`. A day that is"
            " closed again has the next `sequence`."
        ),
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"$ref": _REF + BooksPayload.__name__}}},
        },
    }
}

OPEN_ENUM = "x-extensible-enum"
_UNPROCESSABLE = "422"  # Powertools' status of an invalid request; ours is 400
_NEVER_ANSWERED = {"HTTPValidationError", "ResponseValidationError", "ValidationError"}
_ANYTHING = "JsonValue"  # pydantic's name for any JSON, of which generators make an empty class
_METHODS = {"get", "head", "post", "put", "patch", "delete"}


def generate() -> Json:
    """The document. Raises ValueError if code, template and tools/operations.py do not match."""
    routes = read_routes()
    if unlike := routes.keys() ^ OPERATIONS.keys():
        raise ValueError(f"template.yaml and tools/operations.py differ on {sorted(unlike)}")
    merge = OpenAPIMerge(
        title="O2O",
        version=VERSION,
        description=DESCRIPTION,
        tags=[Tag(name=tag, description=description) for tag, description in TAGS.items()],
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
            router = module.api.routes if hasattr(module, "api") else router_of(module, routes)
            schema = json.loads(router.get_openapi_json_schema())
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
                status: {part: value for part, value in response.items() if part != "content"}
                for status, response in operation["responses"].items()
            }
    payloads = {
        name: tidy(model.model_json_schema(mode="serialization", ref_template=_REF + "{model}"))
        for name, model in SENT.items()
    }
    components = document["components"]
    for payload in payloads.values():
        components["schemas"] |= payload.pop("$defs")
    components["schemas"] = {
        name: schema
        for name, schema in components["schemas"].items()
        if name not in _NEVER_ANSWERED
    } | {PROBLEM: PROBLEM_SCHEMA, "InvalidParam": INVALID_PARAM_SCHEMA, **payloads}
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
    open_answers(document)
    add_examples(document)
    return in_order(document)


def event_schema(document: Json) -> Json:
    """The schema of a webhook's body as a JSON Schema of its own."""
    schemas = document["components"]["schemas"]
    needed = reachable(schemas, [schemas[name] for name in SENT]) | SENT.keys()
    schema: Json = json.loads(
        json.dumps(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": WebhookPayload.__name__,
                "anyOf": [{"$ref": _REF + name} for name in SENT],
                "$defs": {name: schemas[name] for name in sorted(needed)},
            }
        ).replace(_REF, "#/$defs/")
    )
    return schema


# --- from the code ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Route:
    """The folder of the function that answers, and whether no API key is needed."""

    folder: Path
    public: bool


def read_routes() -> dict[str, Route]:
    """The template's routes by ``METHOD path``."""
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
    """While entered, set the environment variables of all functions, to import their handlers."""
    before = dict(os.environ)
    wiring.forget_clients()
    for function in artefacts.read_functions().values():
        os.environ.update(function.environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        wiring.forget_clients()


def load(folder: Path) -> ModuleType:
    """Import a function's handler module. Raises ValueError if it can't be imported."""
    spec = importlib.util.spec_from_file_location(f"openapi_of_{folder.name}", folder / "app.py")
    if spec is None or spec.loader is None:
        raise ValueError(f"{folder} can't be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def router_of(module: ModuleType, routes: Mapping[str, Route]) -> APIGatewayRestResolver:
    """A router for a module that has none: its only route, and the function that answers there."""
    folder = Path(str(module.__file__)).parent
    (route,) = (name for name, each in routes.items() if each.folder == folder)
    (name,) = (
        name
        for name, each in vars(module).items()
        if getattr(each, "__module__", None) == module.__name__ and name != "lambda_handler"
    )

    def answer() -> None:
        """Its message is described by DOKU."""

    answer.__name__ = name
    method, path = route.split(" ")
    router = APIGatewayRestResolver(enable_validation=True)
    router.route(path, method)(answer)
    return router


def documented(module: ModuleType, schema: Json) -> dict[str, tuple[str, str]]:
    """Name and docstring of a module's route functions, by the operationId of Powertools."""
    found = {}
    for route, operation in operations(schema):
        method, path = route.split(" ")
        for name, function in vars(module).items():
            operation_id = re.sub(r"\W", "_", name + path) + f"_{method.lower()}"
            if operation["operationId"] == operation_id and function.__doc__:
                found[operation_id] = (name, function.__doc__)
    return found


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Every operation of a document, with its route as ``METHOD path``."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                yield f"{method.upper()} {path}", operation


# --- descriptions and responses ---------------------------------------------------------------


def describe(operation: Json, name: str, docstring: str, words: Operation, *, public: bool) -> None:
    """Set an operation's id, summary, description, responses and problems."""
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
    if not public:
        for response in responses.values():
            response["headers"] = response.get("headers", {}) | LIMIT
    kinds = [*words.problems, *ALWAYS] + ([] if public else [problems.UNAUTHORIZED])
    for status in sorted({kind.status for kind in kinds}):
        problem = problem_of([kind for kind in kinds if kind.status == status])
        if str(status) in responses:  # an error in DOKU's format, or in ours
            responses[str(status)]["content"] |= problem["content"]
        else:
            responses[str(status)] = problem
    if not public:
        responses[str(problems.TOO_MANY_REQUESTS.status)]["headers"] |= LIMIT
    operation["responses"] = responses


def answer_of(answer: Answer, returned: Json) -> Json:
    """The response object; ``returned`` is the schema of the handler's return annotation."""
    schema = returned if answer.schema is None else dict(answer.schema)
    if answer.also:
        # The handler's annotation says text, too, for the other forms.
        (schema,) = (each for each in returned["anyOf"] if each.get("type") != "string")
    response: Json = {
        "description": answer.description,
        "content": {
            answer.media_type: {"schema": schema},
            **{each: {"schema": {"type": "string"}} for each in answer.also},
        },
    }
    if answer.headers:
        response["headers"] = {
            name: header(name, description) for name, description in answer.headers.items()
        }
    return response


def problem_of(kinds: list[ProblemType]) -> Json:
    """The response object of the problems that share a status."""
    response: Json = {
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
        response["headers"] = {"Retry-After": retry_after | {"required": all(waiting)}}
    if problems.UNAUTHORIZED in kinds:
        response["headers"] = {
            "WWW-Authenticate": header("WWW-Authenticate", "How a key is presented: Bearer.")
        }
    return response


LIMIT: Json = {
    RATE_LIMIT_POLICY: {
        "description": "How many requests (q) in how many seconds (w) the storefront may send.",
        "required": False,
        "schema": {"type": "string", "example": rate_limit_policy(20)},
    }
}
"""The header of a storefront's routes."""


def header(name: str, description: str) -> Json:
    """A header object of a header that is always present."""
    kinds: dict[str, Json] = {
        "Location": {"type": "string", "format": "uri-reference"},
        "Retry-After": {"type": "integer", "minimum": 1},
    }
    return {
        "description": description,
        "required": True,
        "schema": kinds.get(name, {"type": "string"}),
    }


# --- tidying the generators' output -----------------------------------------------------------


def tidy(value: Any, key: str = "") -> Any:
    """A copy without what repeats a name, means something else to generators, or nothing.

    Titles that repeat a name; floats for integers; null in parameters; a default of a field:
    generators of TypeScript take the field for required then, and others cannot write an object.
    """
    if isinstance(value, list):
        return [tidy(each) for each in value]
    if not isinstance(value, dict):
        return int(value) if isinstance(value, float) and value.is_integer() else value
    if value == {"$ref": _REF + _ANYTHING}:
        return True if key == "additionalProperties" else {}
    tidied = {name: tidy(each, name) for name, each in value.items()}
    if key == "properties":
        return {
            name: {word: each for word, each in _untitled(schema).items() if word != "default"}
            for name, schema in tidied.items()
        }
    if key in ("schemas", "$defs"):
        tidied.pop(_ANYTHING, None)
    if "in" in tidied and isinstance(schema := tidied.get("schema"), dict):
        tidied["schema"] = _untitled(_without_null(schema))
    if key == "schema" or ("type" in tidied and isinstance(tidied.get("title"), str)):
        return _untitled(tidied)
    return tidied


def _untitled(schema: Any) -> Any:
    if isinstance(schema, dict) and isinstance(schema.get("title"), str):
        return {name: each for name, each in schema.items() if name != "title"}
    return schema


def _without_null(schema: Json) -> Json:
    """The schema of an optional parameter: it can be left out, but a URL can't have a null."""
    kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**{name: each for name, each in schema.items() if name != "anyOf"}, **kinds[0]}


def reachable(schemas: Json, values: Any) -> set[str]:
    """The names of the schemas that values refer to, directly or through others."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for each in value:
                walk(each)
        elif isinstance(value, dict):
            name = value["$ref"].removeprefix(_REF) if "$ref" in value else None
            if name is not None and name not in found:
                found.add(name)
                walk(schemas[name])
            for each in value.values():
                walk(each)

    walk(values)
    return found


def open_answers(document: Json) -> None:
    """Let answers have values that this version does not know, as the API says that they may.

    A client that was generated from an ``enum`` refuses a new value, and with it the answer: in
    what we send it becomes a text whose values are told. What is sent to us stays an ``enum``.
    """
    schemas = document["components"]["schemas"]
    taken = reachable(
        schemas,
        [
            [operation.get("parameters", []), operation.get("requestBody", {})]
            for _, operation in operations(document)
        ],
    )
    enums = {name: schema for name, schema in schemas.items() if "enum" in schema}
    for name in schemas.keys() - taken - enums.keys():
        schemas[name]["properties"] = {
            field: _open(schema, enums) for field, schema in schemas[name]["properties"].items()
        }
    for name in enums.keys() - taken:
        del schemas[name]


def _open(schema: Json, enums: Json) -> Json:
    """A field of an answer without the enumerations that it refers to."""
    found: list[Json] = []

    def text(value: Any) -> Any:
        if isinstance(value, list):
            return [text(each) for each in value]
        if not isinstance(value, dict):
            return value
        name = value.get("$ref", "").removeprefix(_REF)
        if name in enums:
            found.append(enums[name])
            beside = {word: each for word, each in value.items() if word != "$ref"}
            return {"type": "string", OPEN_ENUM: enums[name]["enum"], **beside}
        return {word: text(each) for word, each in value.items()}

    opened: Json = text(schema)
    for enum in found:
        told = opened.get("description") or enum["description"]
        unsaid = [value for value in enum["enum"] if f"`{value}`" not in told]
        if unsaid:
            told += f" One of {', '.join(f'`{each}`' for each in enum['enum'])}; more may follow."
        opened["description"] = told
    return opened


def rename(document: Json) -> Json:
    """The document with its models' names as clients have them.

    ``View`` at the end and ``New`` in front are conventions of our code only. ``NewCustomer`` is
    also what Go calls the function that makes a ``Customer``.
    """
    schemas = document["components"]["schemas"]
    names = {
        name: f"{name.removeprefix('New')}Request"
        if name.startswith("New")
        else name.removesuffix("View")
        for name in schemas
    }
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
    """The document in reading order: routes are in the order of tools/operations.py."""
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
    """One request and its response in docs/api.md."""

    method: str
    path: str
    request: Any
    status: str
    headers: Mapping[str, str]
    answer: Any


def read_examples() -> list[Example]:
    """All examples in docs/api.md."""
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
    """Add each example of docs/api.md to its operation.

    Whoever copies the first one of each operation, in the order of the document, meets no error on
    a stack where nothing has happened. So the first example of docs/api.md that is answered with a
    success comes first, and paths name what it made.
    """
    for example in read_examples():
        operation = operation_at(document, example.method, example.path)
        if example.request is not None and int(example.status) < 300:  # noqa: PLR2004 - successes
            media = operation["requestBody"]["content"][JSON]
            examples = media.setdefault("examples", {})
            name = f"answered_{example.status}"
            others = sum(each.startswith(name) for each in examples)
            examples[f"{name}_{others + 1}" if others else name] = {"value": example.request}
        response = operation["responses"][example.status]
        media_type = example.headers.get("Content-Type", JSON)
        media = response["content"][media_type]
        if media_type == problems.CONTENT_TYPE:
            slug = example.answer["type"].rpartition("/")[2]
            media["examples"][slug]["value"] = example.answer
        else:
            media.setdefault("example", example.answer)
    created = document["paths"]["/payment-codes"]["post"]["requestBody"]["content"][JSON]
    first = next(iter(created["examples"].values()))["value"]
    known = {"invoice_number": first["invoice_number"], "slug": problems.NOT_FOUND.slug}
    for _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path" and parameter["name"] in known:
                parameter["example"] = known[parameter["name"]]


def operation_at(document: Json, method: str, path: str) -> Json:
    """The operation that a path belongs to, a fixed path before one with parameters.

    Raises ValueError if there is none.
    """
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
    """The document as it is committed in docs/: indented."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def compact(document: Json) -> str:
    """The document as JSON on one line."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n"


def served(document: Json) -> str:
    """The document as the API serves it, with one server that is filled in then."""
    return compact(document | {"servers": [{"url": ADDRESS}]})


def _problem_page(slug: str) -> Callable[[Json], str]:
    return lambda _: reference.render_problem(slug)


FILES: dict[Path, Callable[[Json], str]] = {
    DOCUMENT: pretty,
    EVENT_SCHEMA: lambda document: pretty(event_schema(document)),
    SERVED / "openapi.json": served,
    SERVED / "reference.html": reference.render,
    **{SERVED / "problems" / f"{slug}.html": _problem_page(slug) for slug in problems.BY_SLUG},
}
"""Every generated file, with the function that makes its content from the document."""


def left_over() -> set[Path]:
    """Pages of problem types that no longer exist."""
    return set((SERVED / "problems").iterdir()) - FILES.keys()


def main() -> None:
    """Generate all files, and remove those that are no longer generated."""
    document = generate()
    for path, form in FILES.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(form(document), "utf-8")
    for path in left_over():
        path.unlink()


if __name__ == "__main__":
    main()
