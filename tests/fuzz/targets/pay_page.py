"""A request of a customer's: ``GET /pay/TOKEN`` with any token, query and headers.

Only a token that was made here opens a page, and a page never shows another code. What is read of
the headers is total, and nobody's words become markup.
"""

from html.parser import HTMLParser

from tests.fuzz.functions import (
    PERSON,
    RIVAL,
    SECRETS,
    SIGNING,
    Request,
    functions,
    must_be_declared,
    must_not_tell,
)

_OWN, _FOREIGN = (SIGNING.page_token(each) for each in ("OWN", "k7q2._INV-1"))
_MAC = _OWN.partition(".")[2]
SEEDS = (
    f"GET /pay/{_OWN}?lang=en\nAccept-Language: id-ID,id;q=0.9,en;q=0.8,*;q=0.1\n\n".encode(),
    f"GET /pay/{_OWN}/status".encode(),
    f"HEAD /pay/{_OWN}.?lang=id&lang=en&fbclid=1".encode(),
    f"GET /pay/{_FOREIGN}".encode(),
    f"GET /pay/{_FOREIGN.partition('.')[0]}.{_MAC}".encode(),
    f"GET /pay/%2{_OWN}//\nAccept-Language: x".encode(),
)


def check(data: bytes) -> None:
    """Raise AssertionError if a page is opened or shown wrongly."""
    request = Request.read(data)
    head, _, rest = request.path.removeprefix("/pay/").partition("/")
    if request.method not in ("GET", "HEAD") or not request.path.startswith("/pay/") or not head:
        return
    resource = "/pay/{token}/status" if rest == "status" and request.method == "GET" else None
    resource = resource or "/pay/{token}"
    answer = functions().invoke("show_code", request.event(resource, {"token": head}))
    must_be_declared(answer, request.method, resource)
    assert not answer.is_written
    must_not_tell(answer.text + answer.told, *SECRETS)
    must_not_tell(answer.told, PERSON, RIVAL)
    if _FOREIGN not in request.path:
        must_not_tell(answer.text, RIVAL)
    if _OWN not in request.path and _FOREIGN not in request.path:
        assert answer.status == 404
    if answer.status == 200 and answer.body.startswith("<"):
        _Reader().feed(answer.body)


class _Reader(HTMLParser):
    """Fails at what only a stranger's words could have brought."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name.startswith("on") for name, _ in attrs), (tag, attrs)
