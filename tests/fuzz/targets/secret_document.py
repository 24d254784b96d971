"""What stands in an entry of Secrets Manager: a line with its kind, and the text.

It is read, or refused by a sentence that holds nothing of it.
"""

import json
from types import SimpleNamespace
from typing import Any

from o2o.adapters.secrets import SecretCredentials
from o2o.adapters.signing import Signing, WebhookRoots
from o2o.core.errors import InvalidConfiguration
from tests.fuzz.functions import CLIENT_ID, DOKU_KEY, must_not_tell

SECRET = "planted" * 6
SEEDS = (
    b"doku\n" + json.dumps({"client_id": CLIENT_ID, "secret_key": DOKU_KEY}).encode(),
    b"doku\n\xef\xbb\xbf"
    + json.dumps(
        {"client_id": f" {CLIENT_ID} ", "secret_key": DOKU_KEY, "previous_secret_key": SECRET}
    ).encode(),
    b"doku\n{}",
    b"doku\n" + b"[" * 100_000,
    b"webhooks\n" + json.dumps({"current": SECRET, "previous": SECRET}).encode(),
    b'webhooks\n{"current": "' + b"\\ud800" * 40 + b'"}',
    b"signing\n" + SECRET.encode(),
)


class _NotFoundError(Exception):
    pass


def _client(text: str) -> Any:
    return SimpleNamespace(
        get_secret_value=lambda **_: {"SecretString": text},
        exceptions=SimpleNamespace(ResourceNotFoundException=_NotFoundError),
    )


def check(data: bytes) -> None:
    """Raise AssertionError if an entry is taken wrongly, or told."""
    kind, _, text = data.decode("utf-8", "replace").partition("\n")
    client = _client(text)
    signing = Signing(client, "signing")
    try:
        if kind == "doku":
            read = SecretCredentials(client, "doku", report=_fail)()
            for each in (read.client_id, read.secret_key, read.previous_secret_key or "x"):
                assert each.isascii()
                assert each.isprintable()
                assert each.strip() == each != ""
            must_not_tell(repr(read), read.secret_key if len(read.secret_key) > 9 else "\0")
        elif kind == "webhooks":
            made = WebhookRoots(client, "webhooks", signing, report=_fail).secrets("shop", 1)
            assert all(each.startswith("whsec_") for each in made)
        elif kind == "signing":
            token = signing.page_token("INV-1")
            assert signing.read_page_token(token) == "INV-1"
    except InvalidConfiguration as error:
        assert kind in str(error) or "signing" in str(error)
        must_not_tell(str(error), SECRET, DOKU_KEY)


def _fail(error: Exception) -> None:
    raise error
