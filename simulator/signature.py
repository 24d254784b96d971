"""DOKU's signature (DOKU protocol, section 2), written from the document."""

import base64
import hashlib
import hmac

SCHEME = "HMACSHA256="
HEADERS = ("Client-Id", "Request-Id", "Request-Timestamp", "Signature")
"""The headers of a signed request, in the order in which DOKU looks for them."""


def digest(body: bytes) -> str:
    """Base64 of the SHA-256 of the bytes as they travel."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")


def component(
    *,
    client_id: str,
    request_id: str,
    timestamp: str,
    target: str,
    body: bytes | None,
    timestamp_name: str = "Request-Timestamp",
) -> str:
    """Return the text that is signed; ``body`` is ``None`` for a GET, which has no Digest line."""
    lines = [
        f"Client-Id:{client_id}",
        f"Request-Id:{request_id}",
        f"{timestamp_name}:{timestamp}",
        f"Request-Target:{target}",
    ]
    if body is not None:
        lines.append(f"Digest:{digest(body)}")
    return "\n".join(lines)


def sign(secret_key: str, text: str) -> str:
    """Return the value of the ``Signature`` header."""
    mac = hmac.new(secret_key.encode(), text.encode(), hashlib.sha256)
    return SCHEME + base64.b64encode(mac.digest()).decode("ascii")


def matches(secret_key: str, text: str, header: str) -> bool:
    """Whether a ``Signature`` header is exactly right, in constant time."""
    return hmac.compare_digest(sign(secret_key, text).encode(), header.strip().encode())
