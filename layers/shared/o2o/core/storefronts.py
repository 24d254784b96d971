"""Storefronts: who may ask for codes, the API keys that prove it, and their branding.

An invoice number belongs to its storefront, and DOKU needs one that is unique in the stack: the
order number. The first storefront's order numbers are its plain invoice numbers. Every later
storefront has a namespace, and its order numbers begin with it: ``k7q2._INV-1`` (decision 0042).
"""

import hmac
import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Self

from o2o.core.errors import InvalidRequest
from o2o.core.till_text import bare

MAX_LOGO_BYTES = 6 * 1024
"""8 KiB once it is text in the page."""

LONGEST_NAME = 64

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)
# What was read of it once is not read again: a comment ends at its first end, and nowhere else.
_SVG = re.compile(
    rb"\s*+(?:<\?xml[^>]*+>\s*+)?+(?:<!--(?>.*?-->)\s*+|<!DOCTYPE[^>]*+>\s*+)*+<svg[\s>]", re.DOTALL
)


_STOREFRONT_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
_API_KEY = re.compile(r"o2o_([a-z0-9]{12})_([a-z0-9]{50})", re.ASCII)

KEY_ID_LENGTH = 12
SECRET_LENGTH = 50
"""Lower-case letters and digits: 36 to the power of 50 is more than 2 to the power of 258."""

LONGEST_ORDER_NUMBER = 64
"""DOKU takes no more characters (DOKU protocol, section 3)."""

NAMESPACE_LENGTH = 4
"""Lower-case letters and digits."""

_SEPARATOR = "._"
"""Of characters that DOKU takes; rare enough in numbers of a shop's own making to be reserved."""

_IN_A_NAMESPACE = re.compile(rf"[a-z0-9]{{{NAMESPACE_LENGTH}}}\._.*", re.ASCII)

LONGEST_IN_A_NAMESPACE = LONGEST_ORDER_NUMBER - NAMESPACE_LENGTH - len(_SEPARATOR)


def to_order_number(
    namespace: str | None, invoice_number: str, field_name: str = "invoice_number"
) -> str:
    """What DOKU gets for a storefront's invoice number. Raises InvalidRequest if it is too long."""
    if namespace is None:
        return invoice_number
    if len(invoice_number) > LONGEST_IN_A_NAMESPACE:
        raise InvalidRequest.of(
            field_name, f"must have at most {LONGEST_IN_A_NAMESPACE} characters"
        )
    return f"{namespace}{_SEPARATOR}{invoice_number}"


def to_invoice_number(namespace: str | None, order_number: str) -> str:
    """The storefront's own number in an order number of its namespace."""
    if namespace is None:
        return order_number
    return order_number.removeprefix(f"{namespace}{_SEPARATOR}")


def check_invoice_number(namespace: str | None, invoice_number: str) -> None:
    """Raise InvalidRequest for a number that a new code of this storefront can't have.

    A plain number must not lie in another storefront's namespace. Whether there is such a
    storefront plays no part: the answer tells nobody anything.
    """
    if namespace is None and _IN_A_NAMESPACE.fullmatch(invoice_number):
        raise InvalidRequest.of(
            "invoice_number",
            f"must not begin with {NAMESPACE_LENGTH} lower-case letters or digits"
            f" and {_SEPARATOR!r}: such numbers are reserved",
        )
    to_order_number(namespace, invoice_number)


@dataclass(frozen=True, slots=True)
class Storefront:
    """A shop or application that asks for payment codes. ``name`` is for people.

    ``namespace`` is None for the first storefront of a stack, and for those of version 0.1.
    ``usage_key`` is what the API counts its requests by (decision 0071); without one it shares its
    rate with all others that have none.
    """

    storefront_id: str
    name: str
    created_at: datetime
    namespace: str | None = None
    usage_key: str | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as it is stored: of its secret, the SHA-256 only.

    It carries its storefront's ``namespace`` and ``usage_key``, so that a request needs no further
    read.
    """

    key_id: str
    storefront_id: str
    secret_sha256: str = field(repr=False)
    created_at: datetime
    revoked_at: datetime | None = None
    namespace: str | None = None
    usage_key: str | None = None

    @classmethod
    def of(cls, key_id: str, secret: str, storefront: Storefront, created_at: datetime) -> Self:
        """A new key of a storefront's."""
        return cls(
            key_id,
            storefront.storefront_id,
            _digest(secret),
            created_at,
            namespace=storefront.namespace,
            usage_key=storefront.usage_key,
        )

    def is_opened_by(self, secret: str) -> bool:
        """Whether the key is in force and this is its secret."""
        return self.revoked_at is None and hmac.compare_digest(self.secret_sha256, _digest(secret))


def format_api_key(key_id: str, secret: str) -> str:
    """The key as a storefront presents it."""
    return f"o2o_{key_id}_{secret}"


def parse_api_key(text: str) -> tuple[str, str] | None:
    """The key's id and its secret, or None: this is not a key's text."""
    parts = _API_KEY.fullmatch(text)
    return (parts[1], parts[2]) if parts else None


def _digest(secret: str) -> str:
    # The secret has 256 random bits, so a slow password hash would add nothing.
    return sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Branding:
    """What a storefront's customers see on their pages, all of it optional.

    ``logo`` is a data URI, ``colour`` is ``#rrggbb``.
    """

    storefront_id: str
    name: str | None = None
    logo: str | None = field(default=None, repr=False)
    colour: str | None = None


def read_storefront_id(text: str) -> str:
    """A storefront's id. Raises ValueError."""
    if not _STOREFRONT_ID.fullmatch(text):
        raise ValueError("must be 1 to 40 lower-case letters, digits and inner hyphens")
    return text


def read_name(text: str) -> str:
    """A name as people call the storefront. Raises ValueError."""
    # From the clipboard it brings spaces of many kinds, and what is invisible.
    name = " ".join(bare(text).split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise ValueError(f"must have 1 to {LONGEST_NAME} printable characters")
    return name


def read_colour(text: str) -> str:
    """A colour as ``#rrggbb``. Raises ValueError."""
    if not _COLOUR.fullmatch(text):
        raise ValueError("must be a colour such as #0b6e4f")
    return text.lower()


def read_logo(image: bytes) -> str:
    """An image as a data URI. Raises ValueError unless it is a small PNG, JPEG, WebP or SVG."""
    if len(image) > MAX_LOGO_BYTES:
        raise ValueError(f"must have at most {MAX_LOGO_BYTES} bytes")
    return f"data:{_media_type(image)};base64,{b64encode(image).decode()}"


def _media_type(image: bytes) -> str:
    if image.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if image.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "image/webp"
    if _SVG.match(image):
        # Shown as an image, where it can neither run a script nor load anything.
        return "image/svg+xml"
    raise ValueError("must be a PNG, JPEG, WebP or SVG image")
