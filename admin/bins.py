"""Check the BIN configuration before a stack starts with it.

The functions refuse a wrong one as they start, with the first mistake; here are all of them.
"""

import json
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from o2o.core.bins import Bin, BinTable
from o2o.core.channels import BinType, Channel, ChannelSettings, Feature
from o2o.core.errors import InvalidConfiguration
from o2o.entry.settings.codes import (
    check_paths,
    parse_bins,
    parse_channels,
    parse_report_columns,
    read_retention,
)

ROOT = Path(__file__).parent.parent
COLUMNS = ("bin", "channel", "bin_type", "features", "code_digits", "storefronts", "biller")

MAX_BYTES = 3072
"""Of BINS, CHANNELS and REPORT_COLUMNS together: Lambda takes 4096 for all of a function's."""

_REFUSALS = (KeyError, TypeError, ValueError, InvalidConfiguration)


class NothingToCheck(Exception):
    """There is no configuration to be found; the message says where it was looked for."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is checked of the parameters that ``source`` gives: JSON as text, retentions in days."""

    source: str
    bins: str
    channels: str
    code_retention: str | None = None
    evidence_retention: str | None = None
    report_columns: str = "{}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was understood, and every mistake as a sentence."""

    rows: tuple[dict[str, Any], ...]
    mistakes: tuple[str, ...]
    notes: tuple[str, ...]


def of_file(path: Path) -> Configuration:
    """A file with the value of Bins, and the template's Channels. Raises NothingToCheck."""
    try:
        return Configuration(path.name, path.read_text("utf-8"), _default_channels())
    except (OSError, UnicodeDecodeError) as error:
        raise NothingToCheck(f"{path} can't be read: {error}") from error


def of_stages(only: str | None = None) -> list[Configuration]:
    """One stage of samconfig.toml, or all that give Bins. Raises NothingToCheck."""
    stages = _stages()
    if only is not None and "Bins" not in stages.get(only, {}):
        raise NothingToCheck(f"samconfig.toml gives no Bins for the stage {only!r}")
    found = [
        Configuration(
            stage,
            str(given["Bins"]),
            str(given.get("Channels", _default_channels())),
            given.get("CodeRetentionDays"),
            given.get("EvidenceRetentionDays"),
            str(given.get("ReportColumns", "{}")),
        )
        for stage, given in stages.items()
        if "Bins" in given and only in (None, stage)
    ]
    if not found:
        raise NothingToCheck("samconfig.toml gives no Bins for any stage")
    return found


def check(configuration: Configuration) -> Verdict:
    """Judge a configuration by the rules that the functions start with."""
    mistakes = list(_contradictions(configuration))
    texts = (configuration.bins, configuration.channels, configuration.report_columns)
    size = sum(len(text.encode()) for text in texts)
    if size > MAX_BYTES:
        mistakes.append(
            f"Bins, Channels and ReportColumns have {size} bytes together, {MAX_BYTES} are possible"
        )
    try:
        parse_report_columns(configuration.report_columns)
    except _REFUSALS as error:
        mistakes.append(f"ReportColumns: {error}")
    channels: dict[Channel, ChannelSettings] | None = None
    try:
        channels = parse_channels(configuration.channels)
    except _REFUSALS as error:
        mistakes.append(f"Channels: {error}")
    try:
        entries = json.loads(configuration.bins)
    except (ValueError, RecursionError) as error:
        return Verdict((), (*mistakes, f"Bins is not JSON: {error}"), ())
    if not isinstance(entries, list) or not entries:
        mistake = "Bins must be a JSON list with at least one BIN"
        return Verdict((), (*mistakes, mistake), ())

    bins: dict[int, Bin] = {}
    for position, entry in enumerate(entries, start=1):
        try:
            (bins[position],) = parse_bins(json.dumps([entry])).bins
        except _REFUSALS as error:
            # Alone, every entry is the first.
            mistakes.append(f"entry {position}: {str(error).removeprefix('entry 1: ')}")
    mistakes += _conflicts(bins)
    if channels is not None:
        mistakes += _unserved(bins, channels)
    rows = tuple(_row(configuration.source, each) for each in bins.values())
    return Verdict(rows, tuple(mistakes), tuple(_ambiguous(bins.values())))


def _contradictions(configuration: Configuration) -> Iterator[str]:
    """CloudFormation can't compare numbers, so that it is done here, before each deployment."""
    given = (configuration.code_retention, configuration.evidence_retention)
    if None in given:
        return
    try:
        read_retention(*(timedelta(days=int(str(days))) for days in given))
    except ValueError as error:
        yield f"CodeRetentionDays and EvidenceRetentionDays must be whole numbers: {error}"
    except InvalidConfiguration as error:
        yield str(error)


def _conflicts(bins: Mapping[int, Bin]) -> Iterator[str]:
    for (position, one), (other_position, other) in combinations(bins.items(), 2):
        try:
            BinTable.of((one, other))
        except InvalidConfiguration as error:
            yield f"entries {position} and {other_position}: {error}"


def _unserved(
    bins: Mapping[int, Bin], channels: Mapping[Channel, ChannelSettings]
) -> Iterator[str]:
    for position, each in bins.items():
        try:
            check_paths(channels, BinTable.of((each,)))
        except InvalidConfiguration as error:
            yield f"entry {position}: {error}"


def _ambiguous(bins: Collection[Bin]) -> Iterator[str]:
    for channel in Channel:
        for feature in Feature:
            fitting = [
                each for each in bins if each.channel is channel and feature in each.features
            ]
            if any(_share(one, other) for one, other in combinations(fitting, 2)):
                names = ", ".join(each.digits for each in fitting)
                yield f"{channel} {feature}: a request has to name its bin, one of {names}."


def _share(one: Bin, other: Bin) -> bool:
    """Whether some storefront may use both."""
    if one.storefronts is None or other.storefronts is None:
        return True
    return not one.storefronts.isdisjoint(other.storefronts)


def _row(source: str, each: Bin) -> dict[str, Any]:
    length = len(each.digits)
    digits = f"{length + 1} to {length + each.rule.max_unique_digits}"
    if each.features != {Feature.DGPC}:
        digits += f", ours {length + each.generated_digits}"
    return {
        "source": source,
        "bin": each.digits,
        "channel": each.channel,
        "partnership": each.partnership,
        "bin_type": each.bin_type,
        "features": ", ".join(sorted(each.features)),
        "code_digits": digits,
        "storefronts": _storefronts(each),
        "biller": each.biller,
    }


def _storefronts(each: Bin) -> str:
    if each.storefronts is not None:
        return ", ".join(sorted(each.storefronts))
    return "all" if each.bin_type is BinType.GENERAL else "the first"


def _stages() -> dict[str, dict[str, Any]]:
    try:
        sections = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise NothingToCheck(f"samconfig.toml can't be read: {error}") from error
    found = {}
    for stage, section in sections.items():
        if isinstance(section, dict) and "deploy" in section:
            given = section["deploy"].get("parameters", {}).get("parameter_overrides", {})
            if not isinstance(given, dict):
                raise NothingToCheck(
                    f"samconfig.toml: parameter_overrides of {stage!r} must be a table"
                )
            found[stage] = given
    return found


def _default_channels() -> str:
    template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    return str(template["Parameters"]["Channels"]["Default"])
