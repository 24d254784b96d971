"""The API about itself: its OpenAPI document, a page to browse it, a page for each problem type.

The files beside this module are made from the code by ``make openapi`` and served as they are.
"""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path

from aws_lambda_powertools.event_handler import Response

from o2o.core.errors import NotFound
from o2o.entry import problems
from o2o.entry.page.address import way_to_others

ADDRESS = "https://{host}{path}"
"""Stands for the API's own address in the files."""

_FOLDER = Path(__file__).parent
_LINK = re.compile(r'href="(?=openapi\.json|problems/|\.\./docs")')
_CACHE = "public, max-age=300"


def openapi(base_url: str) -> "Response[str]":
    """The OpenAPI document of the API at this address."""
    return Response(
        status_code=200,
        content_type="application/json",
        # Any tool may read it, also one that runs in a browser.
        headers={"Access-Control-Allow-Origin": "*", "Cache-Control": _CACHE},
        body=_read("openapi.json").replace(ADDRESS, base_url),
    )


def reference(base_url: str, path: str) -> "Response[str]":
    """The whole document as a page at this path, as the browser has it."""
    return _page(_read("reference.html").replace(escape(ADDRESS), escape(base_url)), path)


def problem(slug: str, path: str) -> "Response[str]":
    """What a problem type means and what to do about it, as a page. Raises NotFound."""
    if slug not in problems.BY_SLUG:
        raise NotFound("there is no such problem type")
    return _page(_read(f"problems/{slug}.html"), path)


def _page(html: str, path: str) -> "Response[str]":
    html = _LINK.sub(f'href="{way_to_others(path)}', html)
    style = html.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return Response(
        status_code=200,
        content_type="text/html; charset=utf-8",
        headers={
            "Cache-Control": _CACHE,
            "Content-Security-Policy": "; ".join(f"{k} {v}" for k, v in policy.items()),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
        body=html,
    )


@cache
def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")
