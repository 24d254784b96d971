"""The settings of what knows codes: channels, BINs, the timetable and DOKU."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from o2o.core.bins import Bin, BinTable
from o2o.core.channels import BinType, Channel, ChannelSettings, Feature, Partnership
from o2o.core.errors import InvalidConfiguration
from o2o.core.report_columns import ReportColumns, ReportFact
from o2o.core.timetable import Retention, Timetable
from o2o.entry.settings import (
    Setting,
    Settings,
    Value,
    parse_address,
    parse_base_url,
    parse_days,
    parse_duration,
    parse_json,
    parse_public_url,
    parse_seconds,
    parse_text,
)

_MINUTE = timedelta(minutes=1)


def parse_override_url(value: str) -> str | None:
    """Where DOKU sends notifications instead; None for what is configured there."""
    if not value:
        return None
    parts = parse_address(value)
    if parts.scheme != "https" or not parts.path.endswith("/notifications"):
        raise ValueError("must be the https address of /doku/notifications on another host")
    return value


def parse_channels(value: str) -> dict[Channel, ChannelSettings]:
    """``CHANNELS``: one object a channel, with the fields of ChannelSettings."""
    settings = {
        Channel(name): ChannelSettings(**entry) for name, entry in parse_json(value, dict).items()
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
        _bin(entry, position) for position, entry in enumerate(parse_json(value, list), start=1)
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


def _names(value: Any, kind: Callable[[str], Value]) -> frozenset[Value] | None:
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


def parse_report_columns(value: str) -> ReportColumns:
    """``REPORT_COLUMNS``: an object with the key of each fact that DOKU's report is to have."""
    keys: dict[ReportFact, str] = {}
    for name, key in parse_json(value, dict).items():
        if name not in list(ReportFact):
            raise ValueError(f"{name!r} is unknown, it can have {' and '.join(ReportFact)}")
        if not isinstance(key, str):
            raise TypeError(f"{name}: a key must be text")
        keys[ReportFact(name)] = key
    return ReportColumns(keys)


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
    entry = parse_json(value, dict)

    def offsets(name: str) -> tuple[timedelta, ...]:
        minutes = entry[name]
        if not isinstance(minutes, list) or not minutes:
            raise TypeError(f"{name} must be a list of minutes")
        found = tuple(parse_duration(each, _MINUTE) for each in minutes)
        # The last one repeats, so nothing may round to no wait at all.
        if sorted(set(found)) != list(found) or not found[0]:
            raise ValueError(f"{name} must be positive and ascending")
        return found

    guess = parse_duration(entry["guess_minutes"], _MINUTE)
    if not guess:
        raise ValueError("guess_minutes must be positive")

    return Timetable(
        requested=offsets("requested_minutes"),
        active=offsets("active_minutes"),
        inquired=offsets("inquired_minutes"),
        look_again=offsets("look_again_minutes"),
        grace=parse_duration(entry["grace_seconds"], timedelta(seconds=1)),
        guess=guess,
    )


class LifeSettings(Settings):
    """For functions that change codes."""

    timetable = Setting(parse_timetable)
    code_retention_days = Setting(parse_days)
    evidence_retention_days = Setting(parse_days)

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        # Contradictions are told as a function starts.
        _ = self.retention

    @property
    def retention(self) -> Retention:
        """How long what need not be kept for good is kept."""
        return read_retention(self.code_retention_days, self.evidence_retention_days)


class DokuSettings(LifeSettings):
    """For functions that call DOKU.

    ``override_notification_url`` is None for the one that is configured at DOKU.
    """

    doku_base_url = Setting(parse_base_url)
    doku_secret_name = Setting(parse_text)
    doku_timeout_seconds = Setting(parse_seconds)
    channels = Setting(parse_channels)
    override_notification_url = Setting(parse_override_url)

    @property
    def paths(self) -> dict[tuple[Channel, Feature], str]:
        """DOKU's path for a new code."""
        paths: dict[tuple[Channel, Feature], str] = {}
        for channel, settings in self.channels.items():
            paths[channel, Feature.DGPC] = settings.path
            if settings.merchant_path is not None:
                paths[channel, Feature.MGPC] = settings.merchant_path
        return paths


class ReconcileSettings(DokuSettings):
    """For functions that ask DOKU what became of a code."""

    archive_bucket_name = Setting(parse_text)


class GenerateSettings(DokuSettings):
    """For ``generate_code``."""

    bins = Setting(parse_bins)
    report_columns = Setting(parse_report_columns)
    public_url = Setting(parse_public_url)
    signing_secret_name = Setting(parse_text)

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        check_paths(self.channels, self.bins)


class MatchSettings(LifeSettings):
    """For the command that matches settlements."""

    bins = Setting(parse_bins)


class ReadSettings(Settings):
    """For ``read_codes``."""

    channels = Setting(parse_channels)
    bins = Setting(parse_bins)


class InboxSettings(LifeSettings):
    """For functions that DOKU calls."""

    doku_secret_name = Setting(parse_text)


class ReceiveSettings(InboxSettings):
    """For ``receive_notification``."""

    archive_bucket_name = Setting(parse_text)


class ExplainSettings(Settings):
    """For ``explain_payment``."""

    doku_base_url = Setting(parse_base_url)
    bins = Setting(parse_bins)


class ShowSettings(Settings):
    """For ``show_code``."""

    signing_secret_name = Setting(parse_text)
    bins = Setting(parse_bins)
