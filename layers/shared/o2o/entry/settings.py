"""The functions' settings: one frozen dataclass each, read once from the environment.

A field is the environment variable of its name in capitals. None has a default: what the
template forgets is an error that names the variable, never a wrong value in production.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Self, TypeVar
from urllib.parse import SplitResult, urlsplit

from o2o.core.bins import Bin, BinTable
from o2o.core.channels import BinType, Channel, ChannelSettings, Feature, Partnership
from o2o.core.errors import InvalidConfiguration
from o2o.core.retries import RetrySchedule
from o2o.core.timetable import Retention, Timetable

Parsed = TypeVar("Parsed")

_MINUTE = timedelta(minutes=1)
_LONGEST = timedelta(days=36_500)
"""No duration is longer: a date that far ahead must still be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every function needs."""

    table_name: str
    readable_by_01: bool

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raises InvalidConfiguration, naming the variable and the mistake."""
        return cls(**{field.name: _read(field.name, environ) for field in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizeSettings(Settings):
    """For ``authorize_storefront``.

    ``storefront_rate_limit`` is in requests a second; ``shared_usage_key`` is for storefronts that
    have no usage key of their own.
    """

    storefront_rate_limit: int
    shared_usage_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeSettings(Settings):
    """For functions that change codes."""

    timetable: Timetable
    code_retention_days: timedelta
    evidence_retention_days: timedelta

    def __post_init__(self) -> None:
        # Contradictions are told as a function starts.
        _ = self.retention

    @property
    def retention(self) -> Retention:
        """How long what need not be kept for good is kept."""
        return read_retention(self.code_retention_days, self.evidence_retention_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class DokuSettings(LifeSettings):
    """For functions that call DOKU.

    ``override_notification_url`` is None for the one that is configured at DOKU.
    """

    doku_base_url: str
    doku_secret_name: str
    doku_timeout_seconds: float
    channels: dict[Channel, ChannelSettings]
    override_notification_url: str | None

    @property
    def paths(self) -> dict[tuple[Channel, Feature], str]:
        """DOKU's path for a new code."""
        paths: dict[tuple[Channel, Feature], str] = {}
        for channel, settings in self.channels.items():
            paths[channel, Feature.DGPC] = settings.path
            if settings.merchant_path is not None:
                paths[channel, Feature.MGPC] = settings.merchant_path
        return paths


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileSettings(DokuSettings):
    """For functions that ask DOKU what became of a code."""

    archive_bucket_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateSettings(DokuSettings):
    """For ``generate_code``."""

    bins: BinTable
    public_url: str | None
    signing_secret_name: str

    def __post_init__(self) -> None:
        DokuSettings.__post_init__(self)
        check_paths(self.channels, self.bins)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSettings(Settings):
    """For ``read_codes``."""

    channels: dict[Channel, ChannelSettings]
    bins: BinTable


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxSettings(LifeSettings):
    """For functions that DOKU calls."""

    doku_secret_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveSettings(InboxSettings):
    """For ``receive_notification``."""

    archive_bucket_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainSettings(Settings):
    """For ``explain_payment``."""

    doku_base_url: str
    bins: BinTable


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeSettings(Settings):
    """For ``describe_api``."""

    public_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowSettings(Settings):
    """For ``show_code``."""

    signing_secret_name: str
    bins: BinTable


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireSettings(Settings):
    """For ``expire_codes``."""

    awaited_queue_url: str
    reconcile_queue_url: str
    webhook_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSettings(Settings):
    """For ``publish_events``."""

    event_bus_name: str
    event_dead_letter_queue_url: str
    event_retention_days: timedelta
    webhook_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverSettings(Settings):
    """For ``deliver_webhooks``."""

    signing_secret_name: str
    webhook_secret_name: str
    webhook_dead_letter_queue_url: str
    webhook_retry_minutes: RetrySchedule
    webhook_timeout_seconds: float
    webhook_allow_local: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowseEventsSettings(Settings):
    """For ``browse_events``."""

    webhook_queue_url: str


def _text(value: str) -> str:
    if not value:
        raise ValueError("is empty")
    return value


def _seconds(value: str) -> float:
    seconds = float(value)
    if not 0 < seconds <= 30:  # noqa: PLR2004 - API Gateway waits no longer
        raise ValueError("must be above 0 and at most 30 seconds")
    return seconds


def _days(value: str) -> timedelta:
    days = int(value)
    if not 1 <= days <= _LONGEST.days:
        raise ValueError(f"must be from 1 to {_LONGEST.days} days")
    return timedelta(days=days)


def _duration(value: Any, unit: timedelta) -> timedelta:
    """So many of a unit. Raises ValueError unless a date can be that far from another."""
    if type(value) not in (int, float) or not 0 <= value <= _LONGEST / unit:
        raise ValueError(
            f"{value!r} must be a number that is neither negative nor beyond a century"
        )
    return value * unit  # type: ignore[no-any-return]  # a number times a duration


def _rate(value: str) -> int:
    rate = int(value)
    if rate < 1:
        raise ValueError("must be at least one request a second")
    return rate


def _address(value: str) -> SplitResult:
    """An address that every program reads alike. Raises ValueError if it is none."""
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be plain ASCII without spaces")
    parts = urlsplit(value)
    if not parts.hostname or "@" in parts.netloc or "?" in value or "#" in value:
        raise ValueError("must name a host, and no user, query or fragment")
    _ = parts.port  # Raises ValueError if it is no number.
    return parts


def _base_url(value: str) -> str:
    parts = _address(value)
    if parts.scheme not in ("https", "http") or parts.path.strip("/"):
        raise ValueError("must be a scheme and a host")
    return value.rstrip("/")


def _override_url(value: str) -> str | None:
    if not value:
        return None
    parts = _address(value)
    if parts.scheme != "https" or not parts.path.endswith("/notifications"):
        raise ValueError("must be the https address of /doku/notifications on another host")
    return value


def _public_url(value: str) -> str | None:
    if not value:
        return None
    if _address(value).scheme != "https" or value.endswith("/"):
        raise ValueError("must be empty, or an https address without a slash at the end")
    return value


def parse_retries(value: str) -> RetrySchedule:
    """``WEBHOOK_RETRY_MINUTES``: the waits between one try and the next, as a JSON list."""
    minutes = _json(value, list)
    if not minutes or not all(type(each) is int and each > 0 for each in minutes):
        raise ValueError("must be a JSON list of positive whole minutes")
    return RetrySchedule(tuple(_duration(each, _MINUTE) for each in minutes))


def _flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def parse_channels(value: str) -> dict[Channel, ChannelSettings]:
    """``CHANNELS``: one object a channel, with the fields of ChannelSettings."""
    settings = {
        Channel(name): ChannelSettings(**entry) for name, entry in _json(value, dict).items()
    }
    for name, each in settings.items():
        paths: tuple[object, ...] = (each.path, each.merchant_path or "/")
        for path in paths:
            if not isinstance(path, str) or not path.startswith("/"):
                raise ValueError(f"{name}: a path must begin with a slash")
        numbers: tuple[object, ...] = (each.min_amount, each.max_amount, each.max_expiry_minutes)
        if not all(type(number) is int for number in numbers):
            raise ValueError(f"{name}: amounts and minutes must be whole numbers")
        if not 0 < each.min_amount <= each.max_amount:
            raise ValueError(f"{name}: min_amount must be positive and at most max_amount")
        if each.max_expiry_minutes < 1:
            raise ValueError(f"{name}: max_expiry_minutes must be at least 1")
    return settings


def parse_bins(value: str) -> BinTable:
    """``BINS``: a list of objects, one a BIN.

    Each has ``channel``, ``partnership``, ``bin_type`` and ``bin``, and may have
    ``features``, ``storefronts``, ``unique_digits`` and ``biller``.
    """
    return BinTable.of(
        _bin(entry, position) for position, entry in enumerate(_json(value, list), start=1)
    )


_BIN_REQUIRED = {"channel", "partnership", "bin_type", "bin"}
_BIN_OPTIONAL = {"features", "storefronts", "unique_digits", "biller"}


def _bin(entry: Any, position: int) -> Bin:
    where = f"entry {position}"
    if not isinstance(entry, dict):
        raise TypeError(f"{where}: must be an object")
    if missing := _BIN_REQUIRED - entry.keys():
        raise ValueError(f"{where}: {', '.join(sorted(missing))} is missing")
    if unknown := entry.keys() - _BIN_REQUIRED - _BIN_OPTIONAL:
        raise ValueError(f"{where}: {', '.join(sorted(unknown))} is unknown")
    if not isinstance(entry["bin"], str):
        raise TypeError(f"{where}: bin must be text, so that leading zeros count")
    if not isinstance(entry.get("unique_digits", 1), int):
        raise TypeError(f"{where}: unique_digits must be a whole number")
    if not isinstance(entry.get("biller", ""), str):
        raise TypeError(f"{where}: biller must be text")
    try:
        return Bin(
            channel=Channel(entry["channel"]),
            partnership=Partnership(entry["partnership"]),
            bin_type=BinType(entry["bin_type"]),
            digits=entry["bin"],
            only_features=_names(entry.get("features"), Feature),
            storefronts=_names(entry.get("storefronts"), str),
            unique_digits=entry.get("unique_digits"),
            named_biller=entry.get("biller"),
        )
    except (ValueError, TypeError, InvalidConfiguration) as error:
        raise InvalidConfiguration(f"{where}: {error}") from error


def _names(value: Any, kind: Callable[[str], Parsed]) -> frozenset[Parsed] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError("features and storefronts must be lists of texts")
    return frozenset(kind(each) for each in value)


def check_paths(channels: Mapping[Channel, ChannelSettings], bins: BinTable) -> None:
    """Raise InvalidConfiguration for a BIN that its channel's settings can't serve."""
    for entry in bins.bins:
        settings = channels.get(entry.channel)
        if settings is None:
            raise InvalidConfiguration(f"BIN {entry.digits!r}: CHANNELS has no {entry.channel}")
        if Feature.MGPC in entry.features and settings.merchant_path is None:
            raise InvalidConfiguration(
                f"BIN {entry.digits!r}: mgpc needs merchant_path of {entry.channel} in CHANNELS,"
                " or leave it out of the BIN's features"
            )


def read_retention(codes: timedelta, evidence: timedelta) -> Retention:
    """The retentions. Raises InvalidConfiguration if they contradict each other."""
    try:
        return Retention(codes=codes, evidence=evidence)
    except ValueError as error:
        raise InvalidConfiguration(
            "EVIDENCE_RETENTION_DAYS: must be at least CODE_RETENTION_DAYS, so that no evidence"
            " goes before its code"
        ) from error


def parse_timetable(value: str) -> Timetable:
    """``TIMETABLE``: ascending minutes after creation, activation, inquiry and end.

    The grace is in seconds.
    """
    entry = _json(value, dict)

    def offsets(name: str) -> tuple[timedelta, ...]:
        minutes = entry[name]
        if not isinstance(minutes, list) or not minutes:
            raise TypeError(f"{name} must be a list of minutes")
        found = tuple(_duration(each, _MINUTE) for each in minutes)
        # The last one repeats, so nothing may round to no wait at all.
        if sorted(set(found)) != list(found) or not found[0]:
            raise ValueError(f"{name} must be positive and ascending")
        return found

    guess = _duration(entry["guess_minutes"], _MINUTE)
    if not guess:
        raise ValueError("guess_minutes must be positive")

    return Timetable(
        requested=offsets("requested_minutes"),
        active=offsets("active_minutes"),
        inquired=offsets("inquired_minutes"),
        look_again=offsets("look_again_minutes"),
        grace=_duration(entry["grace_seconds"], timedelta(seconds=1)),
        guess=guess,
    )


def _json(value: str, kind: type[Parsed]) -> Parsed:
    try:
        parsed = json.loads(value)
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    if not isinstance(parsed, kind):
        raise TypeError(f"must be a JSON {'object' if kind is dict else 'list'}")
    return parsed


_PARSERS: dict[str, Callable[[str], Any]] = {
    "table_name": _text,
    "readable_by_01": _flag,
    "archive_bucket_name": _text,
    "doku_base_url": _base_url,
    "doku_secret_name": _text,
    "doku_timeout_seconds": _seconds,
    "channels": parse_channels,
    "bins": parse_bins,
    "timetable": parse_timetable,
    "code_retention_days": _days,
    "evidence_retention_days": _days,
    "public_url": _public_url,
    "signing_secret_name": _text,
    "override_notification_url": _override_url,
    "awaited_queue_url": _text,
    "reconcile_queue_url": _text,
    "webhook_secret_name": _text,
    "webhook_queue_url": _text,
    "webhook_dead_letter_queue_url": _text,
    "webhook_retry_minutes": parse_retries,
    "webhook_timeout_seconds": _seconds,
    "webhook_allow_local": _flag,
    "event_bus_name": _text,
    "event_dead_letter_queue_url": _text,
    "event_retention_days": _days,
    "storefront_rate_limit": _rate,
    "shared_usage_key": _text,
}


def _read(name: str, environ: Mapping[str, str]) -> Any:
    variable = name.upper()
    value = environ.get(variable)
    if value is None:
        raise InvalidConfiguration(f"{variable}: is not set")
    try:
        return _PARSERS[name](value)
    except KeyError as error:
        raise InvalidConfiguration(f"{variable}: {error.args[0]} is missing") from error
    except (ValueError, TypeError, InvalidConfiguration) as error:
        raise InvalidConfiguration(f"{variable}: {error}") from error
