"""WIB (UTC+7), the time of DOKU's compact dates and of the merchant's day."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

WIB = timezone(timedelta(hours=7), "WIB")

_COMPACT = re.compile(r"\d{14}", re.ASCII)


def parse_doku_instant(text: str) -> datetime:
    """An instant in either form of DOKU's, as aware UTC.

    Compact ``yyyyMMddHHmmss`` is WIB wall clock (DOKU protocol, section 3); the other
    form is RFC 3339 with an offset. Raises ValueError for anything else.
    """
    if _COMPACT.fullmatch(text):
        # strptime accepts single-digit fields; the fullmatch above leaves it no choice.
        local = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=WIB)
        return local.astimezone(UTC)
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("the date has no offset")
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the date is out of range") from error


def end_of_day(day: date) -> datetime:
    """The last second of a calendar day in WIB, as aware UTC."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=WIB).astimezone(UTC)


def day_of(instant: datetime) -> date:
    """The WIB day of an instant."""
    return instant.astimezone(WIB).date()


def start_of_day(day: date) -> datetime:
    """The first instant of a calendar day in WIB, as aware UTC."""
    return datetime.combine(day, time(), tzinfo=WIB).astimezone(UTC)


def day_span(day: date) -> tuple[datetime, datetime]:
    """The first and the last microsecond of a WIB day, as aware UTC."""
    begin = start_of_day(day)
    return begin, begin + timedelta(days=1) - timedelta(microseconds=1)
