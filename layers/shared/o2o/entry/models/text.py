"""The texts, instants and numbers that models are made of, and the base of what is sent to us."""

import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
)

INVOICE_NUMBER_PATTERN = r"^[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*$"
"""It becomes a segment of a signed path, so dots alone are not allowed."""

InvoiceNumberText = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=INVOICE_NUMBER_PATTERN)
]

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)


def read_printable(text: str) -> str:
    """Only what a till can be expected to show: no emoji, no control characters."""
    for character in text:
        category = unicodedata.category(character)
        plain = character.isascii() and character.isprintable()
        letter = category[0] in "LNP" or category in ("Mn", "Mc")
        if not (plain or letter) or ord(character) in _VARIATION_SELECTORS:
            raise ValueError("must hold letters, digits, punctuation and spaces only")
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _instant(value: Any) -> Any:
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        return value
    raise ValueError("must be an RFC 3339 instant with an offset, as text")


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is out of range") from error


def _calendar_day(value: Any) -> Any:
    if isinstance(value, str) and _DATE.fullmatch(value):
        return value
    raise ValueError("must be a date such as 2026-01-31, as text")


def read_email(value: str) -> str:
    """What looks like an e-mail address. Raises ValueError."""
    if not EMAIL.fullmatch(value):
        raise ValueError("must be an e-mail address")
    return read_printable(value)


Printable = AfterValidator(read_printable)
Instant = Annotated[AwareDatetime, BeforeValidator(_instant), AfterValidator(_utc)]
Day = Annotated[date, BeforeValidator(_calendar_day)]


class Model(BaseModel):
    """Base of what is sent to us: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


def seconds(instant: datetime) -> datetime:
    """An instant as answers show it, to the second."""
    return instant.replace(microsecond=0)


def number(amount: Decimal) -> int | float:
    """Rupiah as JSON shows them: whole ones without a fraction."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
