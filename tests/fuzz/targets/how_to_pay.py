"""DOKU's document on how to pay, and its address: a line with the address, and the document.

Neither is ever fatal. Only DOKU's own hosts are asked, over https, and what is shown is text on one
line each, of which there are not many.
"""

from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from o2o.adapters.doku.how_to_pay import HowToPayApi, read_instructions

SEEDS = (
    b'https://api.doku.com/x\n{"payment_instruction": [{"channel": "ALFA", "step": ["Bayar"]}]}',
    b"https://api-sandbox.doku.com:443/a?b=c#d\n[]",
    b'https://doku.com.evil.example/\n{"payment_instruction": [{"step": [1, null, "\\ud800"]}]}',
    b"http://user@doku.com@evil.example\\x/\n{",
    b"https://\xc4\xb0.doku.com/\n\xff\xfe{\x00}\x00",
    b"HTTPS://DOKU.COM./\nnull",
)


class _Nowhere(HTTPAdapter):
    """Says where a request would go, and sends none."""

    def send(self, request: PreparedRequest, *_: object, **__: object) -> Response:
        ASKED.append(str(request.url))
        raise OSError


ASKED: list[str] = []
_API = HowToPayApi("https://api.doku.com")
for scheme in ("https://", "http://"):
    _API._session.mount(scheme, _Nowhere())


def check(data: bytes) -> None:
    """Raise AssertionError if somebody else is asked, or too much is shown."""
    address, _, document = data.partition(b"\n")
    ASKED.clear()
    assert _API.fetch(address.decode("utf-8", "replace"), lambda: 15.0) == ()
    for asked in ASKED:
        parts = urlsplit(asked)
        assert parts.scheme == "https"
        host = (parts.hostname or "").rstrip(".")
        assert host == "doku.com" or host.endswith(".doku.com"), asked
        assert parts.username is None
        assert parts.port in (None, 443)
        assert asked.isascii()
        assert asked.isprintable()
    shown = read_instructions(document)
    assert len(shown) <= 10
    for each in shown:
        assert 1 <= len(each.steps) <= 20
        for text in (each.place, *each.steps):
            assert text.isprintable()
            assert len(text) <= 500
