"""A storefront's look on its customers' pages: a name, a logo and a colour, all optional."""

import re
from base64 import b64encode
from dataclasses import dataclass, field

MAX_LOGO_BYTES = 6 * 1024
"""8 KiB once it is text in the page."""

LONGEST_NAME = 64

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)
_SVG = re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*<svg[\s>]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Look:
    """What a storefront's customers see. ``logo`` is a data URI, ``colour`` is ``#rrggbb``."""

    storefront_id: str
    name: str | None = None
    logo: str | None = field(default=None, repr=False)
    colour: str | None = None


def read_name(text: str) -> str:
    """A name as people call the storefront. Raises ValueError."""
    name = text.strip()
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
