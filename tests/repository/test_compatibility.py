"""What counts as a break of the API, rule by rule: each with the sentence that it is told in."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from o2o.version import VERSION
from tools import compatibility
from tools.compatibility import breaks, sentences

Json = Any
Change = Callable[[Json], object]

OBJECT = {"type": "object"}
REAL = json.loads(compatibility.DOCUMENT.read_text("utf-8"))
DOCUMENT: Json = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1.0.0"},
    "security": [{"key": []}],
    "paths": {
        "/orders": {
            "parameters": [{"name": "shop", "in": "query", "schema": {"type": "string"}}],
            "post": {
                "operationId": "order",
                "parameters": [
                    {"name": "Trace", "in": "header", "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "required": False,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/NewOrder"}},
                        "text/csv": {"schema": {"type": "string"}},
                    },
                },
                "responses": {
                    "201": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Order"}},
                            "text/html": {"schema": {"type": "string"}},
                        },
                        "headers": {"Location": {"required": True, "schema": {"type": "string"}}},
                    },
                    "409": {
                        "content": {
                            "application/problem+json": {
                                "schema": {"type": "object"},
                                "examples": {"taken": {"value": {"type": "/problems/taken"}}},
                            }
                        }
                    },
                },
            },
        },
        "/orders/{id}": {
            "get": {
                "security": [],
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"maxLength": 9}}
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Order"}}
                        }
                    }
                },
            }
        },
    },
    "webhooks": {
        "paid": {
            "post": {
                "parameters": [
                    {"name": "id", "in": "header", "required": True, "schema": {"type": "string"}}
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["sum"],
                                "properties": {"sum": {"type": "integer"}},
                            }
                        }
                    },
                },
                "responses": {"2XX": {"description": "Arrived."}},
            }
        }
    },
    "components": {
        "schemas": {
            "NewOrder": {
                "type": "object",
                "required": ["amount"],
                "properties": {
                    "amount": {"type": "integer", "minimum": 1, "maximum": 100},
                    "rate": {"type": "number"},
                    "kind": {"type": "string", "enum": ["small", "large"]},
                    "note": {"anyOf": [{"type": "string", "maxLength": 50}, {"type": "null"}]},
                    "copies": {"type": "integer", "default": 1},
                    "lines": {"type": "array", "maxItems": 5, "items": {"type": "string"}},
                    "labels": {"type": "object", "additionalProperties": {"maxLength": 8}},
                    "more": {"type": "object"},
                },
            },
            "Order": {
                "type": "object",
                "required": ["amount", "lines"],
                "properties": {
                    "amount": {"type": "integer", "minimum": 1},
                    "kind": {"$ref": "#/components/schemas/Kind"},
                    "at": {"type": "string", "format": "date-time", "pattern": "^2"},
                    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                    "lines": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["text"],
                            "properties": {"text": {"type": "string", "maxLength": 50}},
                        },
                    },
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}},
                },
            },
            "Kind": {"type": "string", "enum": ["small", "large"]},
        },
        "securitySchemes": {
            "key": {"type": "http", "scheme": "bearer"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "s"},
        },
    },
}


def post(document: Json) -> Json:
    return document["paths"]["/orders"]["post"]


def sent(document: Json) -> Json:
    return document["components"]["schemas"]["NewOrder"]


def came(document: Json) -> Json:
    return document["components"]["schemas"]["Order"]


def answer(document: Json) -> Json:
    return post(document)["responses"]["201"]


def webhook(document: Json) -> Json:
    return document["webhooks"]["paid"]["post"]


def payload(document: Json) -> Json:
    return webhook(document)["requestBody"]["content"]["application/json"]["schema"]


def change(*keys: object, to: Json) -> Change:
    """A change of what stands below these keys of a schema's properties."""

    def changed(schema: Json) -> None:
        place = schema["properties"]
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return changed


def request(*keys: object, to: Json) -> Change:
    return lambda document: change(*keys, to=to)(sent(document))


def response(*keys: object, to: Json) -> Change:
    return lambda document: change(*keys, to=to)(came(document))


def changed(how: Change) -> list[str]:
    document = copy.deepcopy(DOCUMENT)
    how(document)
    assert document != DOCUMENT, "nothing was changed"
    return sentences(breaks(DOCUMENT, document))


ORDER = "POST /orders"
TWICE = ", and so in 1 other place."
IN_REQUEST = "in the request"
IN_ANSWER = "in the answer 201"

BREAKS: dict[str, tuple[Change, str]] = {
    # operations
    "a path is gone": (
        lambda document: document["paths"].pop("/orders/{id}"),
        "GET /orders/{id} is gone.",
    ),
    "an operation is gone": (
        lambda document: document["paths"]["/orders"].pop("post") and None,
        f"{ORDER} is gone.\nThe problem /problems/taken is gone.",
    ),
    "an answer is gone": (
        lambda document: post(document)["responses"].pop("201"),
        f"{ORDER}: the answer 201 is gone.",
    ),
    "an operation needs a key": (
        lambda document: document["paths"]["/orders/{id}"]["get"].pop("security") and None,
        "GET /orders/{id} asks for credentials that it did not ask for.",
    ),
    "an operation needs another key": (
        lambda document: document.update(security=[{"cookie": []}]),
        f"{ORDER} asks for credentials that it did not ask for.",
    ),
    "a problem is gone": (
        lambda document: post(document)["responses"]["409"]["content"]["application/problem+json"][
            "examples"
        ].update(taken={"value": {"type": "/problems/in-use"}}),
        "The problem /problems/taken is gone.",
    ),
    # parameters
    "a parameter is gone": (
        lambda document: post(document)["parameters"].clear(),
        f"{ORDER}: the header parameter `Trace` is gone.",
    ),
    "a parameter of the whole path is gone": (
        lambda document: document["paths"]["/orders"]["parameters"].clear(),
        f"{ORDER}: the query parameter `shop` is gone.",
    ),
    "a parameter is required": (
        lambda document: post(document)["parameters"][0].update(required=True),
        f"{ORDER}: the header parameter `Trace` is required now.",
    ),
    "a new parameter is required": (
        lambda document: post(document)["parameters"].append(
            {"name": "page", "in": "query", "required": True, "schema": {}}
        ),
        f"{ORDER}: the query parameter `page` is required now.",
    ),
    "a parameter takes less": (
        lambda document: document["paths"]["/orders/{id}"]["get"]["parameters"][0].update(
            schema={"maxLength": 8}
        ),
        "GET /orders/{id}: the path parameter `id` has the maxLength 8 now, not 9.",
    ),
    # what a request has
    "no body is taken": (
        lambda document: post(document).pop("requestBody"),
        f"{ORDER}: the request no longer has a body.",
    ),
    "a body is needed": (
        lambda document: post(document)["requestBody"].update(required=True),
        f"{ORDER}: the request needs a body now.",
    ),
    "a form of the request is gone": (
        lambda document: post(document)["requestBody"]["content"].pop("text/csv"),
        f"{ORDER}: the request can no longer be text/csv.",
    ),
    "a field of the request is gone": (
        lambda document: sent(document)["properties"].pop("rate"),
        f"{ORDER}: `rate` {IN_REQUEST} is gone.",
    ),
    "a field of the request is required": (
        lambda document: sent(document)["required"].append("kind"),
        f"{ORDER}: `kind` {IN_REQUEST} is required now.",
    ),
    "a new field of the request is required": (
        lambda document: sent(document).update(
            required=["amount", "who"], properties={**sent(document)["properties"], "who": {}}
        ),
        f"{ORDER}: `who` {IN_REQUEST} is required now.",
    ),
    "a field of the request has another type": (
        request("kind", to={"type": "boolean"}),
        f"{ORDER}: `kind` {IN_REQUEST} is boolean now, not string.",
    ),
    "a number must be whole": (
        request("rate", to={"type": "integer"}),
        f"{ORDER}: `rate` {IN_REQUEST} is integer now, not number.",
    ),
    "null is not taken": (
        request("note", to={"type": "string", "maxLength": 50}),
        f"{ORDER}: `note` {IN_REQUEST} is string now, not string or null.",
    ),
    "a value is not taken": (
        request("kind", "enum", to=["small"]),
        f'{ORDER}: `kind` {IN_REQUEST} can no longer be "large".',
    ),
    "only some values are taken": (
        request("rate", "enum", to=[1.5]),
        f"{ORDER}: `rate` {IN_REQUEST} takes only some values now.",
    ),
    "the lower limit is higher": (
        request("amount", "minimum", to=2),
        f"{ORDER}: `amount` {IN_REQUEST} has the minimum 2 now, not 1.",
    ),
    "the upper limit is lower": (
        request("amount", "maximum", to=99),
        f"{ORDER}: `amount` {IN_REQUEST} has the maximum 99 now, not 100.",
    ),
    "there is a limit": (
        request("rate", "maximum", to=3),
        f"{ORDER}: `rate` {IN_REQUEST} has the maximum 3 now, not null.",
    ),
    "a limit without its end": (
        request("amount", to={"type": "integer", "exclusiveMinimum": 1, "maximum": 100}),
        f"{ORDER}: `amount` {IN_REQUEST} has the minimum 2 now, not 1.",
    ),
    "an alternative takes less": (
        request("note", "anyOf", 0, "maxLength", to=49),
        f"{ORDER}: `note` {IN_REQUEST} has the maxLength 49 now, not 50.",
    ),
    "a list takes less": (
        request("lines", "maxItems", to=4),
        f"{ORDER}: `lines` {IN_REQUEST} has the maxItems 4 now, not 5.",
    ),
    "what is in a list takes less": (
        request("lines", "items", "pattern", to="^a"),
        f'{ORDER}: `lines[]` {IN_REQUEST} has the pattern "^a" now, not null.',
    ),
    "a default is another": (
        request("copies", "default", to=2),
        f"{ORDER}: `copies` {IN_REQUEST} means 2 when it is left out, not 1.",
    ),
    "other fields are refused": (
        request("more", "additionalProperties", to=False),
        f"{ORDER}: `more` {IN_REQUEST} no longer takes other fields.",
    ),
    "some other fields are refused": (
        request("more", "additionalProperties", to={"type": "string"}),
        f"{ORDER}: `more` {IN_REQUEST} no longer takes other fields of any kind.",
    ),
    "other fields take less": (
        request("labels", "additionalProperties", to={"maxLength": 7}),
        f"{ORDER}: `labels.*` {IN_REQUEST} has the maxLength 7 now, not 8.",
    ),
    "a keyword that nobody knows": (
        request("more", "propertyNames", to={"pattern": "^a"}),
        f"{ORDER}: `more` {IN_REQUEST} has another `propertyNames`, which can't be judged here.",
    ),
    # what an answer has
    "a form of the answer is gone": (
        lambda document: answer(document)["content"].pop("text/html"),
        f"{ORDER}: the answer 201 can no longer be text/html.",
    ),
    "a header is gone": (
        lambda document: answer(document)["headers"].clear(),
        f"{ORDER}: the header `Location` of the answer 201 is gone.",
    ),
    "a header can be missing": (
        lambda document: answer(document)["headers"]["Location"].update(required=False),
        f"{ORDER}: the header `Location` of the answer 201 can be missing now.",
    ),
    "a header has another type": (
        lambda document: answer(document)["headers"]["Location"].update(schema={"type": "integer"}),
        f"{ORDER}: the header `Location` of the answer 201 is integer now, not string.",
    ),
    "a field of the answer is gone": (
        lambda document: came(document)["properties"].pop("amount"),
        f"{ORDER}: `amount` {IN_ANSWER} is gone{TWICE}",
    ),
    "a field of the answer can be missing": (
        lambda document: came(document)["required"].remove("amount"),
        f"{ORDER}: `amount` {IN_ANSWER} can be missing now{TWICE}",
    ),
    "a field deep in the answer can be missing": (
        response("lines", "items", "required", to=[]),
        f"{ORDER}: `lines[].text` {IN_ANSWER} can be missing now{TWICE}",
    ),
    "a field of the answer has another type": (
        response("amount", to={"type": "string"}),
        f"{ORDER}: `amount` {IN_ANSWER} is string now, not integer{TWICE}",
    ),
    "a whole number can be any": (
        response("amount", to={"type": "number", "minimum": 1}),
        f"{ORDER}: `amount` {IN_ANSWER} is number now, not integer{TWICE}",
    ),
    "a field of the answer can be null": (
        response("amount", to={"type": ["integer", "null"], "minimum": 1}),
        f"{ORDER}: `amount` {IN_ANSWER} can be null now{TWICE}",
    ),
    "a value has another name": (
        lambda document: document["components"]["schemas"]["Kind"].update(enum=["small", "big"]),
        f'{ORDER}: `kind` {IN_ANSWER} can no longer be "large"{TWICE}',
    ),
    "a value of an open enumeration has another name": (
        lambda document: document["components"].update(
            schemas=document["components"]["schemas"]
            | {"Kind": {"type": "string", "x-extensible-enum": ["small", "big"]}}
        ),
        f'{ORDER}: `kind` {IN_ANSWER} can no longer be "large"{TWICE}',
    ),
    "an answer is longer": (
        response("lines", "items", "properties", "text", "maxLength", to=51),
        f"{ORDER}: `lines[].text` {IN_ANSWER} has the maxLength 51 now, not 50{TWICE}",
    ),
    "an answer can be of any length": (
        response("lines", "items", "properties", "text", to={"type": "string"}),
        f"{ORDER}: `lines[].text` {IN_ANSWER} has the maxLength null now, not 50{TWICE}",
    ),
    "an answer can be less": (
        response("amount", "minimum", to=0),
        f"{ORDER}: `amount` {IN_ANSWER} has the minimum 0 now, not 1{TWICE}",
    ),
    "an answer has another format": (
        response("at", "format", to="date"),
        f'{ORDER}: `at` {IN_ANSWER} has the format "date" now, not "date-time"{TWICE}',
    ),
    "other fields of the answer can be anything": (
        response("labels", to={"type": "object"}),
        f"{ORDER}: `labels` {IN_ANSWER} can have other fields of any kind now{TWICE}",
    ),
    # webhooks go the other way
    "a webhook is gone": (
        lambda document: document["webhooks"].clear(),
        "The webhook paid is gone.",
    ),
    "a field of a webhook is gone": (
        lambda document: payload(document)["properties"].pop("sum"),
        "The webhook paid: `sum` in the request is gone.",
    ),
    "a field of a webhook can be missing": (
        lambda document: payload(document).update(required=[]),
        "The webhook paid: `sum` in the request can be missing now.",
    ),
    "a webhook's header can be missing": (
        lambda document: webhook(document)["parameters"][0].update(required=False),
        "The webhook paid: the header parameter `id` can be missing now.",
    ),
    "an answer to a webhook is not understood": (
        lambda document: webhook(document)["responses"].clear(),
        "The webhook paid: the answer 2XX is gone.",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_it_is_a_break(name: str) -> None:
    how, sentence = BREAKS[name]
    assert "\n".join(changed(how)) == sentence


def rename_components(document: Json) -> None:
    text = json.dumps(document).replace("/Order", "/Purchase").replace('"Order"', '"Purchase"')
    document.clear()
    document.update(json.loads(text))


def write_in_place(document: Json) -> None:
    came(document)["properties"]["kind"] = document["components"]["schemas"].pop("Kind")


def rename_in_path(document: Json) -> None:
    item = document["paths"].pop("/orders/{id}")
    item["get"]["parameters"][0]["name"] = "order"
    document["paths"]["/orders/{order}"] = item


HARMLESS: dict[str, Change] = {
    "a path": lambda document: document["paths"].update({"/shops": {}}),
    "an operation": lambda document: document["paths"]["/orders"].update(get={"responses": {}}),
    "an answer": lambda document: post(document)["responses"].update({"503": {}}),
    "a problem": lambda document: document["paths"].update(
        {
            "/shops": {
                "get": {
                    "responses": {
                        "400": {
                            "content": {
                                "application/problem+json": {
                                    "examples": {"no": {"value": {"type": "/problems/no"}}}
                                }
                            }
                        }
                    }
                }
            }
        }
    ),
    "a version": lambda document: document["info"].update(version="1.1.0"),
    "words": lambda document: sent(document).update(description="An order.", title="New"),
    "an operation's name": lambda document: post(document).update(operationId="create"),
    "a component's name": rename_components,
    "a component that is written in place": write_in_place,
    "the name of a part of the path": rename_in_path,
    "a key that is not needed": lambda document: document.update(security=[]),
    "another key as well": lambda document: document["security"].append({"cookie": []}),
    "the scheme's name": lambda document: document.update(
        json.loads(json.dumps(document).replace('"key"', '"bearer"'))
    ),
    "a parameter": lambda document: post(document)["parameters"].append(
        {"name": "page", "in": "query", "schema": {}}
    ),
    "a header's case": lambda document: post(document)["parameters"][0].update(name="trace"),
    "a field of the request": request("who", to={"type": "string"}),
    "a field that need not be sent": lambda document: sent(document).update(required=[]),
    "a value that is taken": request("kind", "enum", to=["small", "large", "huge"]),
    "any value": request("kind", to={"type": "string"}),
    "wider limits": request("amount", to={"type": "integer", "minimum": 0}),
    "the same limit": request(
        "amount", to={"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 101}
    ),
    "null in a request": request("rate", to={"type": ["number", "null"]}),
    "another number": request("amount", to={"type": "number", "minimum": 1, "maximum": 100}),
    "the null that is meant anyway": request("kind", "default", to=None),
    "a field of the answer": response("who", to={"type": "string"}),
    "a field that always comes": lambda document: came(document)["required"].append("kind"),
    "a value in an answer": lambda document: document["components"]["schemas"]["Kind"].update(
        enum=["small", "large", "huge"]
    ),
    "an enumeration of an answer that is open": response(
        "kind", to={"type": "string", "x-extensible-enum": ["small", "large", "huge"]}
    ),
    "an answer that is never null": response("note", to={"type": "string"}),
    "narrower limits of an answer": response("amount", to={"type": "integer", "minimum": 5}),
    "a constant": response("kind", to={"enum": ["small", "large"]}),
    "types as a list": response("note", to={"type": ["null", "string"]}),
    "all of one": response("kind", to={"allOf": [{"$ref": "#/components/schemas/Kind"}]}),
    "a field of a webhook": lambda document: payload(document)["properties"].update(who={}),
    "a header of a webhook": lambda document: webhook(document)["parameters"].append(
        {"name": "again", "in": "header", "required": True, "schema": {"type": "string"}}
    ),
    "an answer to a webhook": lambda document: webhook(document)["responses"].update({"410": {}}),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_it_is_no_break(name: str) -> None:
    assert changed(HARMLESS[name]) == []


def test_the_real_document_may_rename_what_does_not_travel() -> None:
    text = json.dumps(REAL)
    for name in REAL["components"]["schemas"]:
        text = text.replace(f'schemas/{name}"', f'schemas/Our{name}"')
    document = json.loads(text)
    schemas = document["components"]["schemas"]
    document["components"]["schemas"] = {f"Our{name}": each for name, each in schemas.items()}
    assert breaks(REAL, document) == []


def test_a_break_in_the_real_document_is_found() -> None:
    document = copy.deepcopy(REAL)
    created = document["paths"]["/payment-codes"]["post"]["responses"]["201"]
    name = created["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    del document["components"]["schemas"][name]["properties"]["payment_code"]
    listed, *answered = sentences(breaks(REAL, document))
    assert listed == "GET /payment-codes: `items[].payment_code` in the answer 200 is gone."
    assert len(answered) == 1
    assert answered[0].startswith("POST /payment-codes: `payment_code` in the answer 20")


def test_the_command_says_what_broke(tmp_path: Path) -> None:
    released, document = tmp_path / "released.json", tmp_path / "document.json"
    released.write_text(json.dumps(DOCUMENT), "utf-8")
    document.write_text(json.dumps(DOCUMENT), "utf-8")
    compatibility.main(released, document)
    changed_one = copy.deepcopy(DOCUMENT)
    del changed_one["paths"]["/orders/{id}"]
    document.write_text(json.dumps(changed_one), "utf-8")
    with pytest.raises(SystemExit, match=r"(?s)version 1\.0\.0.*GET /orders/\{id\} is gone\.$"):
        compatibility.main(released, document)


def test_the_released_document_is_no_newer_than_the_code() -> None:
    released = json.loads(compatibility.RELEASED.read_text("utf-8"))["info"]["version"]
    assert [int(part) for part in released.split(".")] <= [int(part) for part in VERSION.split(".")]
