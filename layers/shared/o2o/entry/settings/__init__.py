"""The functions' settings: one class each, read once from the environment.

A setting is the environment variable of its name in capitals. None has a default: what the
template forgets is an error that names the variable, never a wrong value in production. What
functions without codes need is here; ``settings.codes`` and ``settings.webhooks`` hold the rest.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar
from urllib.parse import SplitResult, urlsplit

from o2o.core.errors import InvalidConfiguration

if TYPE_CHECKING:
    from o2o.core.timetable import Retention

Value = TypeVar("Value")

_LONGEST = timedelta(days=36_500)
"""No duration is longer: a date that far ahead must still be one."""


class Setting(Generic[Value]):
    """One setting of a class, and what reads it from its variable's text.

    Not a field of a dataclass: a process that starts would pay for a class of each function.
    """

    __slots__ = ("_name", "_parse")

    def __init__(self, parse: Callable[[str], Value]) -> None:
        self._parse = parse

    def __set_name__(self, owner: "type[Settings]", name: str) -> None:
        self._name = name

    def __get__(self, settings: "Settings", owner: "type[Settings]") -> Value:
        value: Value = settings.values[self._name]
        return value

    def __set__(self, settings: "Settings", value: Value) -> None:
        raise AttributeError(f"{self._name} is read from the environment only")

    def read(self, environ: Mapping[str, str]) -> Value:
        """The value of the variable. Raises InvalidConfiguration, naming it and the mistake."""
        variable = self._name.upper()
        text = environ.get(variable)
        if text is None:
            raise InvalidConfiguration(f"{variable}: is not set")
        try:
            return self._parse(text)
        except KeyError as error:
            raise InvalidConfiguration(f"{variable}: {error.args[0]} is missing") from error
        except (ValueError, TypeError, InvalidConfiguration) as error:
            raise InvalidConfiguration(f"{variable}: {error}") from error


def parse_text(value: str) -> str:
    """Any text but none. Raises ValueError."""
    if not value:
        raise ValueError("is empty")
    return value


def parse_flag(value: str) -> bool:
    """``true`` or ``false``. Raises ValueError."""
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def parse_seconds(value: str) -> float:
    """How long a call may take. Raises ValueError."""
    number = float(value)
    if not 0 < number <= 30:  # noqa: PLR2004 - API Gateway waits no longer
        raise ValueError("must be above 0 and at most 30 seconds")
    return number


def parse_days(value: str) -> timedelta:
    """Whole days, a century at most. Raises ValueError."""
    number = int(value)
    if not 1 <= number <= _LONGEST.days:
        raise ValueError(f"must be from 1 to {_LONGEST.days} days")
    return timedelta(days=number)


def parse_duration(value: Any, unit: timedelta) -> timedelta:
    """So many of a unit. Raises ValueError unless a date can be that far from another."""
    if type(value) not in (int, float) or not 0 <= value <= _LONGEST / unit:
        raise ValueError(
            f"{value!r} must be a number that is neither negative nor beyond a century"
        )
    return value * unit  # type: ignore[no-any-return]  # a number times a duration


def parse_rate(value: str) -> int:
    """Requests a second. Raises ValueError."""
    number = int(value)
    if number < 1:
        raise ValueError("must be at least one request a second")
    return number


def parse_address(value: str) -> SplitResult:
    """An address that every program reads alike. Raises ValueError if it is none."""
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be plain ASCII without spaces")
    parts = urlsplit(value)
    if not parts.hostname or "@" in parts.netloc or "?" in value or "#" in value:
        raise ValueError("must name a host, and no user, query or fragment")
    _ = parts.port  # Raises ValueError if it is no number.
    return parts


def parse_base_url(value: str) -> str:
    """A scheme and a host. Raises ValueError."""
    parts = parse_address(value)
    if parts.scheme not in ("https", "http") or parts.path.strip("/"):
        raise ValueError("must be a scheme and a host")
    return value.rstrip("/")


def parse_public_url(value: str) -> str | None:
    """Where customers reach the stack; None for where they called it. Raises ValueError."""
    if not value:
        return None
    if parse_address(value).scheme != "https" or value.endswith("/"):
        raise ValueError("must be empty, or an https address without a slash at the end")
    return value


def parse_json(value: str, kind: type[Value]) -> Value:
    """JSON of a kind, list or object. Raises ValueError or TypeError."""
    try:
        parsed = json.loads(value)
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    if not isinstance(parsed, kind):
        raise TypeError(f"must be a JSON {'object' if kind is dict else 'list'}")
    return parsed


class Settings:
    """What every function needs."""

    table_name = Setting(parse_text)
    readable_by_01 = Setting(parse_flag)

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Raises InvalidConfiguration if values contradict each other."""
        self.values = values

    @property
    def retention(self) -> "Retention | None":
        """How long what need not be kept for good is kept; None for who writes nothing of it."""
        return None

    @classmethod
    def names(cls) -> Iterator[str]:
        """The names of the settings, those of every function first."""
        return (name for name, _ in cls._all())

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raises InvalidConfiguration, naming the variable and the mistake."""
        return cls({name: setting.read(environ) for name, setting in cls._all()})

    @classmethod
    def _all(cls) -> Iterator[tuple[str, Setting[Any]]]:
        for kind in reversed(cls.__mro__):
            for name, each in vars(kind).items():
                if isinstance(each, Setting):
                    yield name, each


class AuthorizeSettings(Settings):
    """For ``authorize_storefront``.

    ``storefront_rate_limit`` is in requests a second; ``shared_usage_key`` is for storefronts that
    have no usage key of their own.
    """

    storefront_rate_limit = Setting(parse_rate)
    shared_usage_key = Setting(parse_text)


class CloseBooksSettings(Settings):
    """For ``close_books``."""

    archive_bucket_name = Setting(parse_text)
    books_bucket_name = Setting(parse_text)
    event_retention_days = Setting(parse_days)


class DescribeSettings(Settings):
    """For ``describe_api``."""

    public_url = Setting(parse_public_url)


class ExpireSettings(Settings):
    """For ``expire_codes``."""

    awaited_queue_url = Setting(parse_text)
    reconcile_queue_url = Setting(parse_text)
    webhook_queue_url = Setting(parse_text)


class PublishSettings(Settings):
    """For ``publish_events``."""

    event_bus_name = Setting(parse_text)
    event_dead_letter_queue_url = Setting(parse_text)
    event_retention_days = Setting(parse_days)
    webhook_queue_url = Setting(parse_text)


class BrowseEventsSettings(Settings):
    """For ``browse_events``."""

    webhook_queue_url = Setting(parse_text)
