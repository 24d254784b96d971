"""The first example of each operation works when it is copied, on a stack that was just started.

In the order of the document, as somebody tries it who has imported it into a tool, or reads the
reference in a browser. What only an earlier answer tells, a token or an event's id, is taken from
there.
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

from jsonschema import Draft202012Validator

from tests.support.local_stack import LocalStack, clean_environment
from tests.support.machine import need_program
from tests.support.patience import PATIENCE_SECONDS, until
from tools import openapi
from tools.operations import DOKU

Json = dict[str, Any]


def told_by(stack: LocalStack, code: Json) -> dict[str, Callable[[], str]]:
    """What a reader finds in earlier answers, by the parameter that wants it."""

    def event_id() -> str:
        event: Json = until(lambda: stack.call("GET", "/events").json()["items"])[0]
        return str(event["id"])

    def payment() -> str:
        """The customer pays meanwhile, even if the code was cancelled by an example before."""
        stack.pay(code)
        found = until(lambda: stack.get(code["invoice_number"])["payments"])
        return str(found[0]["id"])

    def date() -> str:
        """The day is over, and closed."""

        def closed() -> list[Json]:
            items: list[Json] = stack.call("GET", "/books").json()["items"]
            if not items:
                stack.advance(hours=24)
            return items

        return str(until(closed)[0]["day"])

    return {
        "event_id": event_id,
        "token": lambda: code["pay_url"].rpartition("/")[2],
        "payment": payment,
        "date": date,
    }


def sent(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Method, path and operation of everything that a storefront or its customer can send."""
    for route, operation in openapi.operations(document):
        method, path = route.split(" ")
        # DOKU signs what it sends: nobody can copy that.
        if operation["tags"] != [DOKU]:
            yield method, path, operation


def test_the_examples_of_the_document_work(fresh_stack: LocalStack) -> None:
    stack = fresh_stack
    document = stack.call("GET", "/openapi.json").json()
    (server,) = document["servers"]
    assert server["url"] == stack.about["api_url"]
    code: Json = {}
    tried = []
    for method, path, operation in sent(document):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                name = parameter["name"]
                value = parameter.get("example") or told_by(stack, code)[name]()
                path = path.replace(f"{{{name}}}", value)  # noqa: PLW2901 - filled in
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        body = next(iter(content["examples"].values()))["value"] if content else None
        answer = stack.call(method, path, json=body)
        route = f"{method} {path}"
        assert 200 <= answer.status_code < 300, (route, answer.text)
        documented = operation["responses"][str(answer.status_code)].get("content", {})
        kind = answer.headers["Content-Type"].partition(";")[0]
        if method != "HEAD":
            assert kind in documented, route
        if kind == "application/json":
            schema = {"components": document["components"], **documented[kind]["schema"]}
            errors = [
                error.message for error in Draft202012Validator(schema).iter_errors(answer.json())
            ]
            assert errors == [], route
        code = code or answer.json()
        tried.append(operation["operationId"])
    assert len(tried) == len(set(tried)) > 15


def test_the_commands_of_the_reference_work(own_stack: LocalStack) -> None:
    shell = need_program("sh")
    need_program("curl")
    stack = own_stack
    stack.start()
    page = stack.call("GET", "/docs").text
    commands = [
        unescape(found)
        for found in re.findall(
            r"<figcaption>Example</figcaption>\s*<pre[^>]*><code>(.+?)</code>", page, re.DOTALL
        )
    ]
    document = stack.call("GET", "/openapi.json").json()
    assert len(commands) == len(list(sent(document)))
    code: Json = {}
    for command in commands:
        known = {
            name.upper(): tell()
            for name, tell in told_by(stack, code).items()
            if f"${name.upper()}" in command
        }
        done = subprocess.run(
            [shell, "-c", f"{command} --silent --output answer --write-out '%{{http_code}}'"],
            cwd=stack.folder,
            env=clean_environment() | {"NO_PROXY": "*", "O2O_KEY": stack.about["api_key"]} | known,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert re.fullmatch("2[0-9][0-9]", done.stdout), (command, done.stdout, done.stderr)
        code = code or stack.get("INV-20260131-0001")
