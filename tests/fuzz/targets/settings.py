"""A setting: a line with the variable's name, and its value.

It is refused by a sentence that names the variable, or the functions can live by it: no amount
without bounds, no wait that is none.
"""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from o2o.core.errors import InvalidConfiguration
from o2o.entry import settings
from o2o.entry.settings import codes, webhooks
from tests.fuzz.functions import SETTINGS

_ALL = {
    each: set(each.names())
    for module in (settings, codes, webhooks)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, settings.Settings)
}
SEEDS = (
    *(f"{name}\n{value}".encode() for name, value in SETTINGS.items()),
    b"BINS\n" + b"[" * 100_000,
    b"OVERRIDE_NOTIFICATION_URL\nhttps://other.example.com/v1/doku/notifications",
    b"PUBLIC_URL\nhttps://pay.example.com/base",
    b"PUBLIC_URL\nhttps://pay.example.com#x",
    b"OVERRIDE_NOTIFICATION_URL\nhttps://other.e\x83ample.com/doku/notifications",
    b'REPORT_COLUMNS\n{"storefront": "\\ud83d"}',
    b"DOKU_BASE_URL\nhttp://127.0.0.1:8080/",
)
CENTURY = timedelta(days=36_500)


def check(data: bytes) -> None:
    """Raise AssertionError if a setting is taken or refused wrongly."""
    text = data.decode("utf-8", "replace")
    variable, _, value = text.partition("\n")
    if variable not in SETTINGS:
        return
    kind = next(each for each, names in _ALL.items() if variable.lower() in names)
    try:
        read = kind.from_env({**SETTINGS, variable: value})
    except InvalidConfiguration as error:
        assert variable in str(error) or kind is not settings.Settings
        return
    _must_be_livable(variable, getattr(read, variable.lower()))


def _must_be_livable(variable: str, value: Any) -> None:
    match variable:
        case "CHANNELS":
            for each in value.values():
                numbers = (each.min_amount, each.max_amount, each.max_expiry_minutes)
                assert all(type(number) is int for number in numbers), each
                assert 0 < each.min_amount <= each.max_amount
                assert each.max_expiry_minutes > 0
                assert each.path.startswith("/")
        case "BINS":
            assert all(each.digits.isascii() and each.digits.isdigit() for each in value.bins)
        case "REPORT_COLUMNS":
            keys = list(value.keys.values())
            assert len(set(keys)) == len(keys)
            assert all(1 <= len(key) <= 64 and key.isprintable() for key in keys)
        case "TIMETABLE":
            for row in (value.requested, value.active, value.inquired, value.look_again):
                assert list(row) == sorted(set(row))
                assert timedelta() < row[0] <= row[-1] <= CENTURY
            assert timedelta() <= value.grace <= CENTURY
            assert timedelta() < value.guess <= CENTURY
        case "WEBHOOK_RETRY_MINUTES":
            assert all(timedelta() < each <= CENTURY for each in value.waits)
        case "PUBLIC_URL" | "DOKU_BASE_URL" | "OVERRIDE_NOTIFICATION_URL" if value:
            _must_lead_somewhere(value)
        case "STOREFRONT_RATE_LIMIT":
            assert value > 0


def _must_lead_somewhere(address: str) -> None:
    """A path behind it is a path for everybody who reads it."""
    parts = urlsplit(f"{address}/pay/x")
    assert parts.path.endswith("/pay/x")
    assert parts.hostname
    assert parts.username is None
    assert address.isascii()
    assert address.isprintable()
    assert " " not in address
