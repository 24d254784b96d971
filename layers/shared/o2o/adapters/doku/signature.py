"""DOKU's signature (DOKU protocol, section 2)."""

import base64
import binascii
import hmac
from collections.abc import Iterable
from hashlib import sha256

CLIENT_ID = "Client-Id"
REQUEST_ID = "Request-Id"
REQUEST_TIMESTAMP = "Request-Timestamp"
RESPONSE_TIMESTAMP = "Response-Timestamp"
SIGNATURE = "Signature"

_SCHEME = "HMACSHA256="


def digest(body: bytes) -> str:
    """Base64 of the SHA-256 of the bytes as they travel."""
    return base64.b64encode(sha256(body).digest()).decode()


def component(
    *,
    client_id: str,
    request_id: str,
    timestamp: str,
    target: str,
    body: bytes | None,
    timestamp_name: str = REQUEST_TIMESTAMP,
) -> str:
    """The text that is signed. ``target`` is the path as sent; a GET's ``body`` is None."""
    lines = [
        f"{CLIENT_ID}:{client_id}",
        f"{REQUEST_ID}:{request_id}",
        f"{timestamp_name}:{timestamp}",
        f"Request-Target:{target}",
    ]
    if body is not None:
        lines.append(f"Digest:{digest(body)}")
    return "\n".join(lines)


def sign(secret_key: str, text: str) -> str:
    """The ``Signature`` header for a text."""
    return _SCHEME + base64.b64encode(_mac(secret_key, text)).decode()


def verify(signature: str, text: str, secret_keys: Iterable[str | None]) -> bool:
    """Whether one of the keys made the ``Signature`` header; an empty key made none.

    Decoded signatures are compared in constant time, and missing padding is forgiven.
    """
    header = signature.strip()
    if not header.startswith(_SCHEME):
        return False
    encoded = header.removeprefix(_SCHEME)
    try:
        mac = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return any(hmac.compare_digest(_mac(key, text), mac) for key in secret_keys if key)


def _mac(secret_key: str, text: str) -> bytes:
    # A stranger may send lone surrogates: they must neither match nor crash.
    return hmac.digest(secret_key.encode(), text.encode("utf-8", "surrogatepass"), "sha256")
