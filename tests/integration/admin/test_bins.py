"""The BIN check: every mistake at once, and none that the functions would not make of it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from admin import bins
from admin.cli import app
from o2o.core.errors import InvalidConfiguration
from o2o.entry.settings.codes import check_paths, parse_bins, parse_channels
from tools import artefacts

GENERAL = {"channel": "alfa", "partnership": "aggregator", "bin_type": "general", "bin": "8"}
EXCLUSIVE = GENERAL | {"bin_type": "exclusive", "bin": "889955"}
DIRECT = GENERAL | {"partnership": "direct", "bin_type": "direct", "bin": "70014"}
INDOMARET = DIRECT | {"channel": "indomaret", "bin": "88899"}
CHANNELS = bins._default_channels()


def check(*entries: Any, channels: str = CHANNELS) -> bins.Verdict:
    return bins.check(bins.Configuration("here", json.dumps(entries), channels))


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def samconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A samconfig.toml of our own, beside the template."""
    (tmp_path / "template.yaml").symlink_to(bins.ROOT / "template.yaml")
    monkeypatch.setattr(bins, "ROOT", tmp_path)
    return tmp_path / "samconfig.toml"


def write(samconfig: Path, **stages: dict[str, str]) -> None:
    lines = ["version = 0.1"]
    for stage, given_there in stages.items():
        lines.append(f"[{stage}.deploy.parameters.parameter_overrides]")
        lines += [f"{name} = {json.dumps(value)}" for name, value in given_there.items()]
    samconfig.write_text("\n".join(lines), "utf-8")


def test_every_feature_at_once_is_right():
    verdict = check(GENERAL, EXCLUSIVE, DIRECT, INDOMARET)
    assert verdict.mistakes == ()
    assert [(row["bin"], row["features"], row["code_digits"]) for row in verdict.rows] == [
        ("8", "dgpc", "2 to 20"),
        ("889955", "dipc, mgpc", "7 to 20, ours 16"),
        ("70014", "dipc, mgpc", "6 to 25, ours 16"),
        ("88899", "dgpc", "6 to 25"),
    ]


def test_whom_a_customer_names_is_shown_and_judged():
    verdict = check(GENERAL, DIRECT | {"biller": "Kopi Senja"})
    assert [row["biller"] for row in verdict.rows] == ["DOKU", "Kopi Senja"]
    assert check(DIRECT | {"biller": 7}).mistakes == ("entry 1: biller must be text",)
    (mistake,) = check(GENERAL, DIRECT | {"biller": ""}).mistakes
    assert mistake.startswith("entry 2: BIN '70014': biller must be 1 to 30 printable characters")


def test_two_bins_for_one_feature_are_told():
    assert check(EXCLUSIVE, DIRECT).notes == (
        "alfa mgpc: a request has to name its bin, one of 889955, 70014.",
        "alfa dipc: a request has to name its bin, one of 889955, 70014.",
    )
    assert check(EXCLUSIVE | {"features": ["mgpc"]}, DIRECT | {"features": ["dipc"]}).notes == ()
    for_each = [EXCLUSIVE | {"storefronts": ["one"]}, DIRECT | {"storefronts": ["other"]}]
    assert check(*for_each).notes == ()


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (5, "entry 2: must be an object"),
        ({"channel": "alfa"}, "entry 2: bin, bin_type, partnership is missing"),
        (EXCLUSIVE | {"colour": "red"}, "entry 2: colour is unknown"),
        (EXCLUSIVE | {"channel": "dana"}, "entry 2: 'dana' is not a valid Channel"),
        (EXCLUSIVE | {"bin": 889955}, "entry 2: bin must be text, so that leading zeros count"),
        (
            EXCLUSIVE | {"bin": "88995"},
            "entry 2: BIN '88995': 6 to 11 digits are needed for alfa aggregator exclusive, not 5",
        ),
        (
            DIRECT | {"features": ["dgpc"]},
            "entry 2: BIN '70014': alfa direct direct has no dgpc",
        ),
        (
            INDOMARET | {"partnership": "aggregator"},
            "entry 2: BIN '88899': indomaret has no direct BIN in the aggregator partnership",
        ),
        (GENERAL, "entries 1 and 2: BIN '8': twice for alfa"),
    ],
)
def test_a_mistake_is_a_sentence_that_names_the_entry(entry: Any, sentence: str):
    assert check(GENERAL, entry, INDOMARET).mistakes == (sentence,)


def test_retentions_that_contradict_are_refused_before_a_deployment(samconfig):
    given_there = {"Bins": json.dumps([GENERAL]), "CodeRetentionDays": "30"}
    write(samconfig, dev=given_there | {"EvidenceRetentionDays": "30"})
    assert run("bins", "check").exit_code == 0
    for evidence, sentence in (("29", "must be at least"), ("many", "whole numbers")):
        write(samconfig, dev=given_there | {"EvidenceRetentionDays": evidence})
        refused = run("bins", "check")
        assert refused.exit_code == 1
        assert sentence in refused.stderr


def test_columns_of_doku_s_report_are_checked_before_a_deployment(samconfig):
    given_there = {"Bins": json.dumps([GENERAL])}
    write(samconfig, dev=given_there | {"ReportColumns": '{"storefront": "Shop"}'})
    assert run("bins", "check").exit_code == 0
    write(samconfig, dev=given_there | {"ReportColumns": '{"customer": "Customer"}'})
    refused = run("bins", "check")
    assert refused.exit_code == 1
    assert "dev: ReportColumns: 'customer' is unknown" in refused.stderr


def test_what_would_not_fit_into_a_function_s_variables_is_refused():
    columns = json.dumps({"storefront": "Shop"})
    filled = json.dumps([GENERAL]) + " " * bins.MAX_BYTES
    for spare in (0, 1):
        text = filled[: bins.MAX_BYTES - len(CHANNELS) - len(columns) + spare]
        given_there = bins.Configuration("here", text, CHANNELS, report_columns=columns)
        told = [each for each in bins.check(given_there).mistakes if "bytes together" in each]
        assert len(told) == spare


def test_a_bin_that_names_nobody_is_shown_as_the_first_storefront_s():
    rows = check(GENERAL, EXCLUSIVE, DIRECT | {"storefronts": ["shop", "topup"]}).rows
    assert [row["storefronts"] for row in rows] == ["all", "the first", "shop, topup"]


def test_all_mistakes_are_told_at_once():
    short = DIRECT | {"bin": "88995"}
    mistakes = check(EXCLUSIVE, {}, short, INDOMARET | {"storefronts": []}).mistakes
    assert [each.partition(":")[0] for each in mistakes] == [
        "entry 2",
        "entry 4",
        "entries 1 and 3",
    ]
    assert "a code could belong to both" in mistakes[-1]


@pytest.mark.parametrize("value", ["", "{}", "[]", "null", "8", "[{]"])
def test_what_is_no_list_of_bins_is_one_mistake(value: str):
    (mistake,) = bins.check(bins.Configuration("here", value, CHANNELS)).mistakes
    assert mistake.startswith("Bins ")


def test_a_bin_needs_its_channel_and_the_path_of_its_feature():
    channels = json.loads(CHANNELS)
    del channels["alfa"]["merchant_path"], channels["indomaret"]
    assert check(GENERAL, EXCLUSIVE, INDOMARET, channels=json.dumps(channels)).mistakes == (
        (
            "entry 2: BIN '889955': mgpc needs merchant_path of alfa in CHANNELS,"
            " or leave it out of the BIN's features"
        ),
        "entry 3: BIN '88899': CHANNELS has no indomaret",
    )
    (mistake,) = check(GENERAL, channels='{"alfa": {"path": "/x"}}').mistakes
    assert mistake.startswith("Channels: ")


ENTRIES = st.fixed_dictionaries(
    {
        "channel": st.sampled_from(["alfa", "indomaret"]),
        "partnership": st.sampled_from(["aggregator", "direct"]),
        "bin_type": st.sampled_from(["general", "exclusive", "direct"]),
        "bin": st.text("89", min_size=1, max_size=7),
    },
    optional={
        "features": st.lists(st.sampled_from(["dgpc", "mgpc", "dipc"]), max_size=2),
        "storefronts": st.lists(st.sampled_from(["one", "other"]), max_size=2),
        "unique_digits": st.integers(-1, 21),
    },
)
GOOD = st.sampled_from([GENERAL, EXCLUSIVE, DIRECT, INDOMARET])


@given(st.lists(st.one_of(GOOD, ENTRIES), min_size=1, max_size=5))
def test_the_check_and_the_functions_agree(entries: list[Any]):
    try:
        check_paths(parse_channels(CHANNELS), parse_bins(json.dumps(entries)))
    except (ValueError, InvalidConfiguration):
        assert check(*entries).mistakes
    else:
        assert not check(*entries).mistakes


def test_too_much_for_lambdas_variables_is_told_here():
    many = [EXCLUSIVE | {"bin": str(100_000 + number)} for number in range(40)]
    (mistake,) = check(*many).mistakes
    assert "bytes" in mistake
    others = artefacts.read_functions()["GenerateCodeFunction"]
    arns = {name: "a" * 128 for name in others.variables if name.endswith("_SECRET_NAME")}
    variables = others.shared | others.variables | arns
    size = sum(len(name) + len(value) for name, value in variables.items())
    assert size - sum(len(variables[each]) for each in ("BINS", "CHANNELS")) < 4096 - bins.MAX_BYTES


def test_all_stages_with_bins_are_checked(samconfig: Path):
    wrong = json.dumps([{"bin": "8"}])
    write(samconfig, dev={"Bins": json.dumps([GENERAL])}, staging={}, prod={"Bins": wrong})
    result = run("bins", "check")
    assert result.exit_code == 1
    assert "BINs of dev" in result.stdout
    assert result.stderr == "prod: entry 1: bin_type, channel, partnership is missing\n"
    assert run("bins", "check", "--stage", "dev").exit_code == 0
    assert run("bins", "check", "--stage", "prod").exit_code == 1


def test_a_stage_may_bring_its_own_channels(samconfig: Path):
    channels = json.loads(CHANNELS)
    del channels["alfa"]["merchant_path"]
    given_there = {"Bins": json.dumps([EXCLUSIVE]), "Channels": json.dumps(channels)}
    write(samconfig, dev=given_there)
    assert "mgpc needs merchant_path" in run("bins", "check").stderr


@pytest.mark.parametrize("stage", ["staging", "moon"])
def test_a_stage_without_bins_is_no_success(samconfig: Path, stage: str):
    write(samconfig, dev={"Bins": json.dumps([GENERAL])}, staging={})
    result = run("bins", "check", "--stage", stage)
    assert result.exit_code == 1
    assert result.stderr == f"samconfig.toml gives no Bins for the stage '{stage}'\n"


def test_nothing_at_all_to_check_is_no_success(samconfig: Path):
    assert "can't be read" in run("bins", "check").stderr
    write(samconfig, dev={})
    assert run("bins", "check").exit_code == 1
    samconfig.write_text("[dev.deploy.parameters]\nparameter_overrides = 'Bins=[]'", "utf-8")
    assert "must be a table" in run("bins", "check").stderr


def test_a_file_is_checked_before_it_is_anybodys(tmp_path: Path):
    file = tmp_path / "bins.json"
    file.write_text(json.dumps([GENERAL, EXCLUSIVE | {"storefronts": ["shop"]}]))
    result = run("--json", "bins", "check", "--file", file)
    assert result.exit_code == 0
    assert [row["storefronts"] for row in json.loads(result.stdout)] == ["all", "shop"]
    assert run("bins", "check", "--file", file, "--stage", "dev").exit_code == 1
    assert "can't be read" in run("bins", "check", "--file", tmp_path / "none").stderr


def test_the_command_works_where_nobody_set_a_path():
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-m", "admin", "bins", "check"],
        cwd=bins.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "889955" in done.stdout
