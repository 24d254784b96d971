"""DOKU's signature on what is fuzzed, by the protocol and not by our own code."""

import base64
import binascii
import hashlib

from tests.fuzz.functions import CLIENT_ID, DOKU_KEY, Request
from tests.support.wire import mac

SIGN = "sign"
"""As the value of ``Signature``: what DOKU would have signed."""

_SIGNED = ("Client-Id", "Request-Id", "Request-Timestamp")


def signed(request: Request, path: str) -> tuple[Request, bool]:
    """The request as it travels, and whether its signature is DOKU's for this path."""
    given = {name: request.header(name) for name in (*_SIGNED, "Signature")}
    digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
    lines = [f"{name}:{given[name]}" for name in _SIGNED]
    right = mac(DOKU_KEY, "\n".join([*lines, f"Request-Target:{path}", f"Digest:{digest}"]))
    if given["Signature"] == SIGN:
        headers = {
            name: text for name, text in request.headers.items() if name.lower() != "signature"
        }
        headers["Signature"] = given["Signature"] = right
        request = Request(request.method, request.path, request.query, headers, request.body)
    is_doku_s = given["Client-Id"] == CLIENT_ID and _mac(given["Signature"]) == _mac(right)
    return request, is_doku_s


def _mac(signature: str) -> bytes | None:
    scheme, _, text = signature.partition("=")
    if scheme != "HMACSHA256":
        return None
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        return None
