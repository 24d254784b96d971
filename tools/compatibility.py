"""Find breaking changes of docs/openapi.json since the last release: `make compatibility`.

    python -m tools.compatibility

compares it with tools/released/openapi.json, the document of the last release, and exits with a
sentence for each change that would break a caller. Only what is sent and received counts: names of
components and operations may change, and so may descriptions. As the API documents, responses may
get new fields and new values. A change of a JSON Schema keyword that this module does not know
counts as breaking.
"""

import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

Json = Any

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "openapi.json"
RELEASED = ROOT / "tools" / "released" / "openapi.json"

_METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
_PROBLEM = "application/problem+json"

_NUMBERS = {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "format"}
_OF_TYPE = {
    "string": {"minLength", "maxLength", "format", "pattern"},
    "integer": _NUMBERS,
    "number": _NUMBERS,
    "array": {"items", "minItems", "maxItems", "uniqueItems"},
    "object": {"properties", "required", "additionalProperties", "minProperties", "maxProperties"},
}
_AT_LEAST = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_AT_MOST = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_EXACT = ("format", "pattern", "multipleOf", "uniqueItems")
_WORDS = {
    "title", "description", "example", "examples", "deprecated", "externalDocs", "$comment",
    "readOnly", "writeOnly", "xml",
}  # fmt: skip
_ELSEWHERE = {"type", "enum", "default"}.union(*_OF_TYPE.values())


class Way(Enum):
    """Who sends the data: callers (taken by the API) or the API (given by it)."""

    TAKEN = auto()
    """Everything that callers could send must stay valid."""
    GIVEN = auto()
    """Everything that is received must have been possible before, except new fields and values."""


@dataclass(frozen=True, slots=True)
class Break:
    """One breaking change."""

    route: str
    part: str
    """The request, a response or a parameter; empty for the whole route."""
    field: str
    """The field of the part, such as ``payments[].amount``; empty for the whole part."""
    what: str

    def __str__(self) -> str:
        if not self.part:
            return f"{self.route} {self.what}"
        field = f"`{self.field}` in " if self.field else ""
        return f"{self.route}: {field}{self.part} {self.what}"


def breaks(released: Json, document: Json) -> list[Break]:
    """All breaking changes from the released document to the other one."""
    return list(_Comparison(released, document).run())


def sentences(found: Iterable[Break]) -> list[str]:
    """A sentence for each change; the same change of a field in several places is listed once."""
    places: dict[object, list[Break]] = {}
    for each in found:
        places.setdefault((each.field, each.what) if each.field else each, []).append(each)
    lines = []
    for first, *others in places.values():
        more = f", and so in {len(others)} other place{'s'[: len(others) > 1]}" if others else ""
        lines.append(f"{first}{more}.")
    return lines


class _Comparison:
    def __init__(self, old: Json, new: Json) -> None:
        self._old = old
        self._new = new
        self._under_way: set[str] = set()

    def run(self) -> Iterator[Break]:
        there = {_nameless(path): item for path, item in self._new["paths"].items()}
        for path, item in self._old["paths"].items():
            for method, old, new in _operations(item, there.get(_nameless(path), {})):
                yield from self._operation(f"{method.upper()} {path}", path, old, new)
        for name, item in self._old.get("webhooks", {}).items():
            for _, old, new in _operations(item, self._new.get("webhooks", {}).get(name, {})):
                yield from self._operation(f"The webhook {name}", "", old, new, webhook=True)
        for problem in sorted(_problems(self._old) - _problems(self._new)):
            yield Break(f"The problem {problem}", "", "", "is gone")

    # --- operations ---------------------------------------------------------------------------

    def _operation(
        self, route: str, path: str, old: Json, new: Json, *, webhook: bool = False
    ) -> Iterator[Break]:
        if new is None:
            yield Break(route, "", "", "is gone")
            return
        sent, answered = (Way.GIVEN, Way.TAKEN) if webhook else (Way.TAKEN, Way.GIVEN)
        yield from self._fields(
            route, self._parameters(self._old, path, old), self._parameters(self._new, path, new),
            sent,
        )  # fmt: skip
        yield from self._request(route, old, new, sent)
        for status, answer in old.get("responses", {}).items():
            part = f"the answer {status}"
            if status not in new.get("responses", {}):
                yield Break(route, part, "", "is gone")
                continue
            before = _resolve(self._old, answer)
            after = _resolve(self._new, new["responses"][status])
            yield from self._content(route, part, before, after, answered)
            yield from self._fields(route, _headers(part, before), _headers(part, after), answered)
        if not webhook and not _as_open(_security(self._old, old), _security(self._new, new)):
            yield Break(route, "", "", "asks for credentials that it did not ask for")

    def _parameters(self, document: Json, path: str, operation: Json) -> "_Fields":
        names = re.findall(r"\{(\w+)\}", path)
        found: _Fields = {}
        for each in operation["parameters"]:
            parameter = _resolve(document, each)
            place, name = parameter["in"], parameter["name"]
            # A path parameter is identified by its position: its name is not sent.
            key = str(len(found)) if place == "path" else name.lower()
            if place == "path" and name in names:
                key = str(names.index(name))
            part = f"the {place} parameter `{name}`"
            found[place, key] = (part, parameter.get("required", False), parameter["schema"])
        return found

    def _fields(self, route: str, old: "_Fields", new: "_Fields", way: Way) -> Iterator[Break]:
        for key, (part, required, schema) in old.items():
            if key not in new:
                yield Break(route, part, "", "is gone")
                continue
            _, required_now, schema_now = new[key]
            if way is Way.TAKEN and required_now and not required:
                yield Break(route, part, "", "is required now")
            if way is Way.GIVEN and required and not required_now:
                yield Break(route, part, "", "can be missing now")
            yield from self._schema(route, part, schema, schema_now, way)
        if way is Way.TAKEN:
            for key in sorted(new.keys() - old.keys()):
                part, required, _ = new[key]
                if required:
                    yield Break(route, part, "", "is required now")

    def _request(self, route: str, old: Json, new: Json, way: Way) -> Iterator[Break]:
        before = _resolve(self._old, old.get("requestBody", {}))
        after = _resolve(self._new, new.get("requestBody", {}))
        part = "the request"
        if before and not after:
            yield Break(route, part, "", "no longer has a body")
            return
        if way is Way.TAKEN and after.get("required") and not before.get("required"):
            yield Break(route, part, "", "needs a body now")
        yield from self._content(route, part, before, after, way)

    def _content(self, route: str, part: str, old: Json, new: Json, way: Way) -> Iterator[Break]:
        there = new.get("content", {})
        for media_type, media in old.get("content", {}).items():
            if media_type not in there:
                yield Break(route, part, "", f"can no longer be {media_type}")
            else:
                before, after = media.get("schema", {}), there[media_type].get("schema", {})
                yield from self._schema(route, part, before, after, way)

    def _schema(self, route: str, part: str, old: Json, new: Json, way: Way) -> Iterator[Break]:
        for field, what in self._differences("", old, new, way):
            yield Break(route, part, field, what)

    # --- schemas ------------------------------------------------------------------------------

    def _differences(self, at: str, old: Json, new: Json, way: Way) -> "_Differences":
        """Where and how the new schema breaks a promise of the old one."""
        pair = json.dumps([old, new, way.name])
        if pair in self._under_way:  # a schema that contains itself
            return
        self._under_way.add(pair)
        yield from self._default(at, old, new, way)
        olds, news = list(_forms(self._old, old)), list(_forms(self._new, new))
        must_fit, can_fit = (olds, news) if way is Way.TAKEN else (news, olds)
        for form in must_fit:
            fitting = [each for each in can_fit if _fits(form, each)]
            found = [
                list(self._form(at, *((form, each) if way is Way.TAKEN else (each, form)), way))
                for each in fitting
            ]
            if not fitting:
                yield at, _other_type(olds, news, form, way)
            elif [] not in found:
                yield from min(found, key=len)
        self._under_way.discard(pair)

    def _default(self, at: str, old: Json, new: Json, way: Way) -> "_Differences":
        before = _default(self._old, old)
        after = _default(self._new, new)
        if way is Way.TAKEN and before is not None and before != after:
            yield at, f"means {json.dumps(after)} when it is left out, not {json.dumps(before)}"

    def _form(self, at: str, old: Json, new: Json, way: Way) -> "_Differences":
        yield from _values(at, old, new, way)
        yield from _bounds(at, old, new, way)
        for keyword in sorted((old.keys() | new.keys()) - _ELSEWHERE):
            if old.get(keyword) != new.get(keyword):
                yield at, f"has another `{keyword}`, which can't be judged here"
        if "items" in old or "items" in new:
            before, after = old.get("items", {}), new.get("items", {})
            yield from self._differences(f"{at}[]", before, after, way)
        yield from self._properties(at, old, new, way)

    def _properties(self, at: str, old: Json, new: Json, way: Way) -> "_Differences":
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, schema in before.items():
            if name in after:
                yield from self._differences(_below(at, name), schema, after[name], way)
            else:
                yield _below(at, name), "is gone"
        needed, needed_now = set(old.get("required", ())), set(new.get("required", ()))
        if way is Way.TAKEN:
            for name in sorted(needed_now - needed):
                yield _below(at, name), "is required now"
        else:
            for name in sorted((needed - needed_now) & after.keys()):
                yield _below(at, name), "can be missing now"
        others, others_now = (each.get("additionalProperties", True) for each in (old, new))
        if isinstance(others, Mapping) and isinstance(others_now, Mapping):
            yield from self._differences(_below(at, "*"), others, others_now, way)
        elif way is Way.TAKEN and others is not False and others_now is False:
            yield at, "no longer takes other fields"
        elif way is Way.TAKEN and others is True and others_now is not True:
            yield at, "no longer takes other fields of any kind"
        elif way is Way.GIVEN and isinstance(others, Mapping) and others_now is True:
            yield at, "can have other fields of any kind now"


_Fields = dict[tuple[str, str], tuple[str, bool, Json]]
_Differences = Iterator[tuple[str, str]]


# --- parts of schemas -------------------------------------------------------------------------


def _values(at: str, old: Json, new: Json, way: Way) -> _Differences:
    """A new value does not break a response; a missing one does: it may have been renamed."""
    if "enum" in new:
        gone = [value for value in old.get("enum", ()) if value not in new["enum"]]
        if gone:
            values = ", ".join(json.dumps(value) for value in gone)
            yield at, f"can no longer be {values}"
        elif way is Way.TAKEN and "enum" not in old:
            yield at, "takes only some values now"


def _bounds(at: str, old: Json, new: Json, way: Way) -> _Differences:
    wide, narrow = (new, old) if way is Way.TAKEN else (old, new)
    for keyword in sorted(old.keys() | new.keys()):
        limit, other = wide.get(keyword), narrow.get(keyword)
        if limit is None or limit == other:
            continue
        if keyword in _AT_LEAST:
            held = other is not None and other > limit
        elif keyword in _AT_MOST:
            held = other is not None and other < limit
        else:
            held = keyword not in _EXACT
        if not held:
            before, after = json.dumps(old.get(keyword)), json.dumps(new.get(keyword))
            yield at, f"has the {keyword} {after} now, not {before}"


def _forms(document: Json, schema: Json) -> Iterator[dict[str, Json]]:
    """A schema as alternatives of one type each, with the keywords that apply to that type."""
    if schema is False:
        return
    schema = {} if schema is True else _resolve(document, schema)
    for keyword in ("allOf", "anyOf", "oneOf"):
        if keyword in schema:
            rest = {name: each for name, each in schema.items() if name != keyword}
            parts = schema[keyword]
            for each in (
                [[*parts, rest]] if keyword == "allOf" else [[rest, part] for part in parts]
            ):
                yield from _forms(document, _merged(document, each))
            return
    if "x-extensible-enum" in schema:  # values that an answer has, and to which more may come
        rest = {name: each for name, each in schema.items() if name != "x-extensible-enum"}
        schema = rest | {"enum": schema["x-extensible-enum"]}
    if "const" in schema:
        rest = {name: each for name, each in schema.items() if name != "const"}
        schema = rest | {"enum": [schema["const"]]}
    kinds = schema.get("type", _types_of(schema.get("enum", ())))
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        yield _form(schema, kind)


def _form(schema: Json, kind: str | None) -> dict[str, Json]:
    """The part of a schema that applies to values of one type."""
    of_others = set().union(*_OF_TYPE.values()) - _OF_TYPE.get(kind or "", set())
    form = {
        name: each
        for name, each in schema.items()
        if name not in _WORDS | {"type", "default"} and (kind is None or name not in of_others)
    }
    if kind == "integer" and "exclusiveMinimum" in form:
        form["minimum"] = max(form.pop("exclusiveMinimum") + 1, form.get("minimum", -math.inf))
    if kind == "integer" and "exclusiveMaximum" in form:
        form["maximum"] = min(form.pop("exclusiveMaximum") - 1, form.get("maximum", math.inf))
    return form | ({"type": kind} if kind else {})


def _merged(document: Json, parts: Iterable[Json]) -> dict[str, Json]:
    """One schema with the keywords of all of them."""
    merged: dict[str, Json] = {}
    for part in parts:
        schema = _resolve(document, part)
        for keyword, value in schema.items():
            if keyword == "properties":
                merged[keyword] = merged.get(keyword, {}) | value
            elif keyword == "required":
                merged[keyword] = [*merged.get(keyword, ()), *value]
            else:
                merged[keyword] = value
    return merged


def _types_of(values: Iterable[Json]) -> list[str] | None:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return sorted({names.get(type(value), "object") for value in values}) or None


def _fits(form: Json, other: Json) -> bool:
    """Whether a value of the one's type can be of the other's."""
    kinds = (form.get("type"), other.get("type"))
    return kinds[1] in {None, kinds[0]} or kinds == ("integer", "number")


def _other_type(olds: list[Json], news: list[Json], form: Json, way: Way) -> str:
    old, new = (
        " or ".join(dict.fromkeys(each.get("type", "anything") for each in forms)) or "nothing"
        for forms in (olds, news)
    )
    if way is Way.GIVEN and form.get("type") == "null":
        return "can be null now"
    return f"is {new} now, not {old}"


def _default(document: Json, schema: Json) -> Json:
    resolved = _resolve(document, schema)
    return resolved.get("default") if isinstance(resolved, Mapping) else None


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


# --- parts of documents -----------------------------------------------------------------------


def _resolve(document: Json, value: Json) -> Json:
    """The target of a reference, updated with the keywords beside the reference."""
    while isinstance(value, Mapping) and "$ref" in value:
        found = document
        for key in value["$ref"].removeprefix("#/").split("/"):
            found = found[key.replace("~1", "/").replace("~0", "~")]
        beside = {name: each for name, each in value.items() if name != "$ref"}
        value = {**found, **beside} if beside else found
    return value


def _nameless(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _operations(old: Json, new: Json) -> Iterator[tuple[str, Json, Json]]:
    """The method and operation for each of the old item's, with the new one or ``None``."""
    for method in _METHODS:
        if method in old:
            yield method, _whole(old, method), _whole(new, method) if method in new else None


def _whole(item: Json, method: str) -> Json:
    parameters = [*item.get("parameters", ()), *item[method].get("parameters", ())]
    return {**item[method], "parameters": parameters}


def _headers(part: str, answer: Json) -> _Fields:
    return {
        ("header", name.lower()): (
            f"the header `{name}` of {part}", header.get("required", False), header["schema"],
        )
        for name, header in answer.get("headers", {}).items()
    }  # fmt: skip


def _security(document: Json, operation: Json) -> list[frozenset[str]]:
    """The alternatives of credentials that give access; the names of schemes do not matter."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    return [
        frozenset(
            json.dumps(
                [schemes[name].get(key) for key in ("type", "scheme", "in", "name")] + scopes
            )
            for name, scopes in way.items()
        )
        for way in operation.get("security", document.get("security", [])) or [{}]
    ]


def _as_open(old: list[frozenset[str]], new: list[frozenset[str]]) -> bool:
    return all(any(now <= before for now in new) for before in old)


def _problems(document: Json) -> set[str]:
    """The types of all problems; callers distinguish errors by them."""
    return {
        example["value"]["type"]
        for item in document["paths"].values()
        for method in item.keys() & set(_METHODS)
        for answer in item[method].get("responses", {}).values()
        for example in answer.get("content", {}).get(_PROBLEM, {}).get("examples", {}).values()
    }


def main(released: Path = RELEASED, document: Path = DOCUMENT) -> None:
    """Compare the two files; exit with an error message if there is a breaking change."""
    before = json.loads(released.read_text("utf-8"))
    found = sentences(breaks(before, json.loads(document.read_text("utf-8"))))
    if found:
        version = before["info"]["version"]
        heading = f"The API breaks what version {version} promised (CONTRIBUTING.md, Releases):"
        sys.exit("\n  ".join([heading, *found]))


if __name__ == "__main__":
    main()
