"""samconfig.toml gives every stage what the template asks for, and nothing secret."""

import json
import re
import tomllib
from datetime import timedelta
from typing import Any

import pytest

from o2o.core.report_columns import ReportColumns
from o2o.entry.settings import codes, webhooks
from tests.template.model import ROOT, Template

STAGES = ("dev", "staging", "prod")
# What nobody but the operator can know: commented out, so that a deployment without it stops.
LEFT_TO_THE_OPERATOR = {"dev": set(), "staging": {"Bins"}, "prod": {"Bins", "AlarmTopicArn"}}


@pytest.fixture(scope="module")
def samconfig() -> dict[str, Any]:
    return tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))


def overrides(samconfig: dict[str, Any], stage: str) -> dict[str, str]:
    given: dict[str, str] = dict(samconfig[stage]["deploy"]["parameters"]["parameter_overrides"])
    # `make build` writes the hash of the build and the version there.
    assert given.pop("$include") == "file://.aws-sam/parameters.yaml"
    return given


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_stage_gives_is_what_the_template_takes(
    template: Template, samconfig: dict[str, Any], stage: str
) -> None:
    parameters = template.source["Parameters"]
    given = overrides(samconfig, stage)
    for name, value in given.items():
        assert_allowed(parameters[name], value)
    required = {name for name, each in parameters.items() if "Default" not in each}
    missing = required - set(given) - {"BuildHash", "Version"}
    assert missing == LEFT_TO_THE_OPERATOR[stage] - {"AlarmTopicArn"}
    assert given["Stage"] == stage
    assert ("AlarmTopicArn" in given) is False


@pytest.mark.parametrize("stage", STAGES)
def test_only_dev_deploys_without_asking(samconfig: dict[str, Any], stage: str) -> None:
    deploy = samconfig[stage]["deploy"]["parameters"]
    assert deploy["confirm_changeset"] is (stage != "dev")
    assert deploy["capabilities"] == "CAPABILITY_IAM"
    assert deploy["stack_name"] == f"o2o-{stage}"


def test_no_account_and_no_secret_is_in_it() -> None:
    text = (ROOT / "samconfig.toml").read_text(encoding="utf-8")
    assert not re.search(r"\b\d{12}\b", text)
    assert not re.search(r"secret_key|SK-|AKIA", text)


def test_prod_is_real_and_the_others_are_not(samconfig: dict[str, Any]) -> None:
    hosts = {stage: overrides(samconfig, stage)["DokuBaseUrl"] for stage in STAGES}
    assert hosts == {
        "dev": "https://api-sandbox.doku.com",
        "staging": "https://api-sandbox.doku.com",
        "prod": "https://api.doku.com",
    }


def test_every_parameter_is_described_and_bounded(template: Template) -> None:
    for name, parameter in template.source["Parameters"].items():
        assert parameter["Description"], name
        if parameter["Type"] == "Number":
            assert "MinValue" in parameter, name
        else:
            assert {"AllowedPattern", "AllowedValues"} & set(parameter), name
        if "Default" in parameter:
            assert_allowed(parameter, str(parameter["Default"]))


def test_only_what_is_right_everywhere_has_a_default(template: Template) -> None:
    defaults = {name for name, each in template.source["Parameters"].items() if "Default" in each}
    assert defaults == {
        "AlarmTopicArn",  # a rule refuses prod without it
        "ArchiveLockDays",
        "AuthorizerTtlSeconds",
        "BasePath",
        "BooksLockDays",
        "CertificateArn",  # a rule refuses a domain without it
        "Channels",
        "DokuTimeoutSeconds",
        "ReadableBy01",
        "DomainName",
        "EventRetentionDays",
        "HostedZoneId",
        "InquiryProvisionedConcurrency",
        "InquiryReservedConcurrency",
        "LogLevel",
        "MaxReadUnits",
        "MaxWriteUnits",
        "NotificationReservedConcurrency",
        "OverrideNotificationUrl",
        "PublicUrl",
        "ReconcileConcurrency",
        "ReportColumns",
        "RollOut",
        "StorefrontBurstLimit",
        "StorefrontRateLimit",
        "Timetable",
        "WebAclArn",
        "WebhookAllowLocal",  # a rule refuses prod with it
        "WebhookConcurrency",
        "WebhookRetryMinutes",
        "WebhookTimeoutSeconds",
    }


def test_the_functions_can_read_what_is_configured(
    template: Template, samconfig: dict[str, Any]
) -> None:
    defaults = template.source["Parameters"]
    channels = codes.parse_channels(defaults["Channels"]["Default"])
    codes.parse_timetable(defaults["Timetable"]["Default"])
    assert codes.parse_report_columns(defaults["ReportColumns"]["Default"]) == ReportColumns()
    retries = webhooks.parse_retries(defaults["WebhookRetryMinutes"]["Default"])
    assert timedelta(days=3) < retries.span < timedelta(days=4)
    # An event can be sent again long after it has become a dead letter.
    assert retries.span < timedelta(days=defaults["EventRetentionDays"]["MinValue"])
    codes.check_paths(channels, codes.parse_bins(overrides(samconfig, "dev")["Bins"]))


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("Bins", ""),
        ("Bins", "[]"),
        ("Channels", "none"),
        ("DomainName", "https://pay.example.com"),
        ("DomainName", "Pay.example.com"),
        ("DomainName", "localhost"),
        ("CertificateArn", "pay.example.com"),
        ("HostedZoneId", "/hostedzone/Z1"),
        ("BasePath", "o2o"),
        ("BasePath", "/o2o/"),
        ("BasePath", "/shops/o2o"),
        ("DokuBaseUrl", "https://api.doku.com/"),
        ("DokuBaseUrl", "api.doku.com"),
        ("AlarmTopicArn", "my-topic"),
        ("InquiryProvisionedConcurrency", "-1"),
        ("OverrideNotificationUrl", "http://pay.example/v1/doku/notifications"),
        ("OverrideNotificationUrl", "https://pay.example/v1/doku/inquiries"),
        ("ReportColumns", ""),
        ("ReportColumns", '["storefront"]'),
        ("BuildHash", "local"),
        ("Version", "1"),
        ("WebAclArn", "arn:aws:wafv2:us-east-1:123456789012:global/webacl/o2o/" + "0" * 36),
        ("WebhookAllowLocal", "yes"),
        ("WebhookRetryMinutes", "[]"),
        ("WebhookRetryMinutes", "[0]"),
        ("WebhookRetryMinutes", "1,5"),
    ],
)
def test_nonsense_is_refused(template: Template, parameter: str, value: str) -> None:
    with pytest.raises(AssertionError):
        assert_allowed(template.source["Parameters"][parameter], value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "https://pay.example/doku/notifications",
        "https://pay.example:8443/v1/doku/notifications",
        "http://pay.example/doku/notifications",
        "https://pay.example/doku/notification",
        "https://pay.example/doku/notifications/",
    ],
)
def test_the_template_and_the_functions_take_the_same_url(template: Template, value: str) -> None:
    parameter = template.source["Parameters"]["OverrideNotificationUrl"]
    taken = re.fullmatch(parameter["AllowedPattern"], value) is not None
    try:
        codes.parse_override_url(value)
    except ValueError:
        assert not taken
    else:
        assert taken


def test_json_may_have_several_lines(template: Template) -> None:
    assert_allowed(template.source["Parameters"]["Bins"], json.dumps([{"bin": "8"}], indent=2))
    columns = json.dumps({"storefront": "Shop"}, indent=2)
    assert_allowed(template.source["Parameters"]["ReportColumns"], columns)


def assert_allowed(parameter: dict[str, Any], value: str) -> None:
    """As CloudFormation checks it."""
    if "AllowedValues" in parameter:
        assert value in parameter["AllowedValues"]
    if "AllowedPattern" in parameter:
        assert re.fullmatch(parameter["AllowedPattern"], value)
    if parameter["Type"] == "Number":
        assert parameter["MinValue"] <= float(value) <= parameter.get("MaxValue", float("inf"))
