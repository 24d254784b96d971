"""The texts, instants and numbers that models are made of, and the base of what is sent to us."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from o2o.core.till_text import bare, till_text

INVOICE_NUMBER_PATTERN = r"^[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*$"
"""It becomes a segment of a signed path, so dots alone are not allowed."""

InvoiceNumberText = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=INVOICE_NUMBER_PATTERN)
]

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 25000.0 is an integer to whoever reads the API's document."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(_whole)
"""For a StrictInt, behind its bounds: pydantic describes those in front only."""


def for_till(longest: int) -> AfterValidator:
    """A text stays as it was sent. Raises ValueError if a till gets nothing of it, or too much."""

    def check(text: str) -> str:
        shown = till_text(text)
        if not shown:
            raise ValueError("must hold something that a till can show")
        if len(shown) > longest:
            raise ValueError(f"must be at most {longest} characters long")
        return text

    return AfterValidator(check)


def _bare(value: Any) -> Any:
    return bare(value) if isinstance(value, str) else value


def _instant(value: Any) -> Any:
    if isinstance(value, str):
        # In a query that nobody encoded, the offset's plus sign arrives as a space.
        text = value.replace(" ", "+")
        if _RFC3339.fullmatch(text):
            return text
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


def _email(value: str) -> str:
    if not EMAIL.fullmatch(value) or not all(map(till_text, value)):
        raise ValueError("must be an e-mail address")
    return value


Bare = BeforeValidator(_bare)
"""Text for programs: what is invisible in it, or blank at its ends, came from the clipboard."""

Email = Annotated[
    str,
    Field(max_length=128, json_schema_extra={"pattern": f"^{EMAIL.pattern}$"}),
    AfterValidator(_email),
    Bare,
]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant), AfterValidator(_utc), Bare]
Day = Annotated[date, BeforeValidator(_calendar_day), Bare]


class Model(BaseModel):
    """Base of what is sent to us: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


def seconds(instant: datetime) -> datetime:
    """An instant as answers show it, to the second."""
    return instant.replace(microsecond=0)


def number(amount: Decimal) -> int | float:
    """Rupiah as JSON shows them: whole ones without a fraction."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
