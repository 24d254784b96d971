"""GET /openapi.json, /docs and /problems/{slug}."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from o2o.entry import problems
from tests.integration.functions.shapes import about
from tools.reference import marked

ROOT = Path(__file__).parents[3]
BASE = "https://api.example.com/v1"


class Page(HTMLParser):
    """What stands in a page: its anchors, its links, and everything it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.add(tag)
        self.ids += [told["id"] or ""] if "id" in told else []
        if tag == "a":
            self.links.append(told["href"] or "")
        self.loaded += [told[name] or "" for name in ("src", "srcset", "data") if name in told]
        self.loaded += [told["href"] or ""] if tag == "link" else []


@pytest.fixture
def describe(stack: Any, event: Any) -> Callable[..., Any]:
    """Ask with an event of `events/describe_api`, changed or not."""

    def ask(name: str, **changes: Any) -> Any:
        answer = stack.invoke("describe_api", event(f"describe_api/{name}", **changes))
        headers = {key: ",".join(values) for key, values in answer["multiValueHeaders"].items()}
        return answer | {"headers": headers}

    return ask


def test_the_document_names_the_address_that_it_was_asked_at(describe: Any) -> None:
    answer = describe("openapi")
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] == "application/json"
    document = json.loads(answer["body"])
    assert document["servers"] == [{"url": BASE}]
    committed = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    assert document | {"servers": committed["servers"]} == committed


def test_the_page_shows_every_operation_and_problem(describe: Any) -> None:
    page = Page(describe("docs")["body"])
    document = json.loads(describe("openapi")["body"])
    names = {
        operation["operationId"]
        for part in ("paths", "webhooks")
        for item in document[part].values()
        for operation in item.values()
    }
    assert names <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    anchors = {link[1:] for link in page.links if link.startswith("#")}
    assert anchors <= set(page.ids)
    linked = {link for link in page.links if not link.startswith("#")}
    assert linked == {"./openapi.json", *(f"./problems/{slug}" for slug in problems.BY_SLUG)}


@pytest.mark.parametrize("slashes", ["", "/"])
def test_links_lead_there_from_an_address_with_a_slash_too(
    stack: Any, event: Any, slashes: str
) -> None:
    base = "https://api.example.com/v1"
    for case, parameters, there in (
        ("docs", {}, f"{base}/openapi.json"),
        ("problem", {"slug": "busy"}, f"{base}/docs"),
    ):
        asked = about(event(f"describe_api/{case}"), slashes, **parameters)
        page = Page(stack.invoke("describe_api", asked)["body"])
        address = "https://api.example.com" + asked["requestContext"]["path"]
        assert there in {urljoin(address, link) for link in page.links}


@pytest.mark.parametrize("name", ["docs", "problem"])
def test_a_page_loads_nothing_and_runs_nothing(describe: Any, name: str) -> None:
    answer = describe(name)
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert answer["headers"]["X-Content-Type-Options"] == "nosniff"
    text = answer["body"]
    page = Page(text)
    assert page.loaded == ["data:,"]
    assert not page.tags & {"script", "iframe", "img", "form", "object"}
    assert "style=" not in text  # the policy would refuse it
    policy = answer["headers"]["Content-Security-Policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


@pytest.mark.parametrize("slug", sorted(problems.BY_SLUG))
def test_every_problem_type_has_a_page(describe: Any, slug: str) -> None:
    path = f"/problems/{slug}"
    answer = describe("problem", pathParameters={"slug": slug})
    assert answer["statusCode"] == 200
    kind = problems.BY_SLUG[slug]
    assert f"<h1>{kind.title}</h1>" in answer["body"].replace("&#39;", "'")
    assert kind.uri == path
    assert kind.meaning.endswith(".")
    assert kind.advice.endswith(".")


def test_an_unknown_problem_type_is_a_problem(describe: Any) -> None:
    answer = describe("problem", pathParameters={"slug": "none"})
    assert (answer["statusCode"], json.loads(answer["body"])["type"]) == (
        404,
        "/problems/not-found",
    )


def test_what_the_document_says_stays_text() -> None:
    told = marked("a <b>&</b> `c<d` **e**\n\nf")
    assert (
        told == "<p>a &lt;b&gt;&amp;&lt;/b&gt; <code>c&lt;d</code> <strong>e</strong></p><p>f</p>"
    )
