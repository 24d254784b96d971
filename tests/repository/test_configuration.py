"""docs/configuration.md: every parameter and every field is in it, with the true defaults."""

import dataclasses
import json
import re
import tomllib
from datetime import timedelta
from typing import Any, get_args

import pytest
from samtranslator.yaml_helper import yaml_parse

from admin.bins import MAX_BYTES
from o2o.core.channels import BinType, Channel, ChannelSettings, Feature, Partnership
from o2o.core.errors import InvalidConfiguration
from o2o.core.report_columns import ReportFact
from o2o.entry.settings.codes import (
    GenerateSettings,
    LifeSettings,
    parse_bins,
    parse_report_columns,
)
from tests.support.bin_rules import RULES
from tests.support.documents import read, rows, section

TEXT = read("docs/configuration.md")
PARAMETERS: dict[str, dict[str, Any]] = yaml_parse(read("template.yaml"))["Parameters"]
GROUPS = yaml_parse(read("template.yaml"))["Metadata"]["AWS::CloudFormation::Interface"][
    "ParameterGroups"
]


def described() -> dict[str, str]:
    """The rows of all parameters."""
    return {
        name: cells
        for group in GROUPS
        for name, cells in rows(section(TEXT, f"## {group['Label']['default']}")).items()
    }


def example(heading: str) -> Any:
    """The JSON that stands below a heading."""
    (block,) = re.findall(r"^```json\n(.+?)^```$", section(TEXT, heading), re.MULTILINE | re.DOTALL)
    return json.loads(block)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group["Label"]["default"])
def test_every_parameter_is_described_where_the_template_has_it(group):
    assert list(rows(section(TEXT, f"## {group['Label']['default']}"))) == group["Parameters"]


def test_no_parameter_is_without_a_group():
    assert set(described()) == set(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_default_and_the_limits_are_the_templates(name):
    parameter = PARAMETERS[name]
    default, _, meaning = described()[name].partition("|")
    expected = "required" if "Default" not in parameter else f"`{parameter['Default']}`"
    if parameter.get("Default") == "":
        expected = "empty"
    if expected.startswith("`{") and expected != "`{}`":  # too long for a cell
        expected = "[below]"
        assert example(f"## {name}") == json.loads(parameter["Default"])
    assert default.strip().startswith(expected)
    for limit in ("MinValue", "MaxValue"):
        if limit in parameter:
            assert re.search(rf"\b{parameter[limit]}\b", meaning), limit
    for value in parameter.get("AllowedValues", ()):
        assert f"`{value}`" in meaning


def test_every_field_of_the_channels_is_described():
    fields = rows(section(TEXT, "## Channels"))
    assert set(fields) == {field.name for field in dataclasses.fields(ChannelSettings)}
    for field in dataclasses.fields(ChannelSettings):
        optional = type(None) in get_args(field.type)
        assert fields[field.name].startswith("optional" if optional else "required")


def test_every_field_of_the_timetable_is_described():
    assert set(rows(section(TEXT, "## Timetable"))) == set(example("## Timetable"))


def test_every_fact_of_a_report_column_is_described():
    assert set(rows(section(TEXT, "## Report columns"))) == set(ReportFact)
    shown = parse_report_columns(json.dumps(example("## Report columns")))
    assert set(shown.keys) == set(ReportFact)


def test_every_field_of_a_bin_is_described():
    fields = rows(section(TEXT, "## BINs"))
    entry = {"channel": "alfa", "partnership": "direct", "bin_type": "direct", "bin": "70014"}
    required = {name for name, cells in fields.items() if cells.startswith("required")}
    assert required == set(entry)
    optional = {
        "features": ["dipc"],
        "storefronts": ["shop"],
        "unique_digits": 12,
        "biller": "Kopi Senja",
    }
    assert set(fields) - required == set(optional)
    parse_bins(json.dumps([entry | optional]))
    for name in required:
        without = {field: value for field, value in entry.items() if field != name}
        with pytest.raises(ValueError, match=name):
            parse_bins(json.dumps([without]))
    with pytest.raises((ValueError, InvalidConfiguration), match="unknown"):
        parse_bins(json.dumps([entry | {"something_else": 1}]))
    for name, words in {
        "channel": Channel,
        "partnership": Partnership,
        "bin_type": BinType,
        "features": Feature,
    }.items():
        assert all(f"`{word}`" in fields[name] for word in words), name


def test_every_sort_of_bin_is_told():
    told = re.findall(
        r"^\| (\w+) \| (\w+) \| (\w+) \| (\d+)(?: to (\d+))? digits?"
        r" \| up to (\d+) digits \| (.+) \|$",
        section(TEXT, "## BINs"),
        re.MULTILINE,
    )
    assert {
        (channel, partnership, bin_type): (
            range(int(shortest), int(longest or shortest) + 1),
            int(unique),
            *documented_and_inferred(features),
        )
        for channel, partnership, bin_type, shortest, longest, unique, features in told
    } == {
        row: (rule.bin_digits, rule.max_unique_digits, set(rule.features), set(rule.inferred))
        for row, rule in RULES.items()
    }


def documented_and_inferred(features: str) -> tuple[set[str], set[str]]:
    """Those in parentheses are inferred."""
    documented, _, inferred = features.rstrip(")").partition(" (")
    return set(documented.split(", ")), set(inferred.split(", ")) - {""}


def test_the_example_of_bins_is_valid():
    table = parse_bins(json.dumps(example("## BINs")))
    assert len(table.offered(Channel.ALFA, "shop", None)) == 2
    assert f"{MAX_BYTES:,} bytes" in section(TEXT, "## BINs")


def test_retentions_that_contradict_are_refused_by_every_function_that_has_them():
    """CloudFormation can't compare numbers; ``make deploy`` does, and the functions do."""
    environment = {
        "TABLE_NAME": "o2o",
        "READABLE_BY_01": "false",
        "TIMETABLE": PARAMETERS["Timetable"]["Default"],
        "CODE_RETENTION_DAYS": "90",
        "EVIDENCE_RETENTION_DAYS": "90",
    }
    assert LifeSettings.from_env(environment).retention.evidence.days == 90
    with pytest.raises(InvalidConfiguration, match="EVIDENCE_RETENTION_DAYS"):
        LifeSettings.from_env(environment | {"EVIDENCE_RETENTION_DAYS": "89"})
    kinds: set[type[LifeSettings]] = {
        LifeSettings,
        *LifeSettings.__subclasses__(),
        GenerateSettings,
    }
    for kind in kinds:
        days = {
            "code_retention_days": timedelta(days=2),
            "evidence_retention_days": timedelta(days=1),
        }
        with pytest.raises(InvalidConfiguration, match="EVIDENCE_RETENTION_DAYS"):
            kind(days)


@pytest.mark.parametrize("stage", ["dev", "staging"])
def test_the_retentions_of_the_stages_agree(stage):
    given = tomllib.loads(read("samconfig.toml"))[stage]["deploy"]["parameters"]
    days = given["parameter_overrides"]
    assert int(days["CodeRetentionDays"]) <= int(days["EvidenceRetentionDays"])
