"""Somebody hears of it."""

import re
from typing import Any

import pytest

from o2o.core.inquiries import InquiryStatus
from o2o.usecases.receive_notification import NotificationOutcome
from tests.template.model import ROOT, Template

BUSINESS = {
    "CodeUnconfirmed",
    "DokuChannelInactive",
    "DokuCredentialsRejected",
    "DokuFirewall",
    "DokuPathUnknown",
    "DokuUnavailable",
    "InquiryInvalidSignature",
    "NotificationRejected",
    "NotificationUnmatched",
    "NotificationUnreadable",
    "PaymentAgain",
    "PaymentAmountMismatch",
    "PaymentDigitsMismatch",
    "PaymentRefunded",
    "PaymentUncertain",
    "ReconciledUnreadable",
    "EventsOverdueSeconds",
    "CodesOverdueSeconds",
    "UnexpectedError",
    "WebhookEndpointPaused",
}


def test_every_alarm_has_a_sentence_and_goes_to_the_topic(template: Template) -> None:
    for name, alarm in alarms(template).items():
        assert alarm["AlarmDescription"].endswith("."), name
        condition, topics, nothing = alarm["AlarmActions"]["Fn::If"]
        assert condition == "HasAlarmTopic", name
        assert topics == [{"Ref": "AlarmTopicArn"}], name
        assert nothing == {"Ref": "AWS::NoValue"}, name


def test_silence_is_good_except_from_expire_codes(template: Template) -> None:
    for name, alarm in alarms(template).items():
        expected = "breaching" if name == "ExpireCodesSilent" else "notBreaching"
        assert alarm["TreatMissingData"] == expected, name
    heartbeat = alarms(template)["ExpireCodesSilent"]
    # Counted, not summed: a run that finds nothing overdue reports 0.
    assert heartbeat["Statistic"] == "SampleCount"
    assert heartbeat["ComparisonOperator"] == "LessThanThreshold"


def test_prod_without_a_topic_is_refused(template: Template) -> None:
    rule = template.source["Rules"]["ProductionIsReal"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    asserted = [each["Assert"] for each in rule["Assertions"]]
    assert {"Fn::Equals": [{"Ref": "WebhookAllowLocal"}, "false"]} in asserted
    assert {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}]} in asserted
    assert {"Fn::Equals": [{"Ref": "DokuBaseUrl"}, "https://api.doku.com"]} in asserted


def test_errors_ring_for_each_function(template: Template) -> None:
    watched = {
        alarm["Dimensions"][0]["Value"]["Ref"]
        for alarm in alarms(template).values()
        if alarm.get("MetricName") == "Errors"
    }
    assert watched == set(template.functions)


THROTTLED = ("FunctionsThrottled", "OtherFunctionsThrottled")
SLOW = ("FunctionsSlow", "OtherFunctionsSlow")


@pytest.mark.parametrize(
    ("names", "metric", "statistic"), [(THROTTLED, "Throttles", "Sum"), (SLOW, "Duration", "p99")]
)
def test_throttles_and_slowness_ring_for_all(
    template: Template, names: tuple[str, ...], metric: str, statistic: str
) -> None:
    watched = []
    for name in names:
        metrics = [each for each in alarms(template)[name]["Metrics"] if "MetricStat" in each]
        assert len(metrics) <= 10  # CloudWatch takes no more
        for each in metrics:
            assert each["ReturnData"] is False
            assert each["MetricStat"]["Stat"] == statistic
            assert each["MetricStat"]["Metric"]["MetricName"] == metric
            (dimension,) = each["MetricStat"]["Metric"]["Dimensions"]
            watched.append(dimension["Value"]["Ref"])
    assert sorted(watched) == sorted(template.functions)


def test_slow_means_four_fifths_of_the_functions_own_time_out(template: Template) -> None:
    shares: dict[str, str] = {}
    for name in SLOW:
        alarm = alarms(template)[name]
        (expression,) = (each["Expression"] for each in alarm["Metrics"] if "Expression" in each)
        shared = dict(re.findall(r"(\w+)/(\d+)", expression))
        assert set(shared) == {each["Id"] for each in alarm["Metrics"] if "MetricStat" in each}
        assert alarm["Threshold"] == 0.8
        shares |= shared
    time_outs = {
        function["CodeUri"].removeprefix("functions/"): str(function["Timeout"] * 1000)
        for function in template.written_functions.values()
    }
    assert shares == time_outs


def test_a_cashier_who_waits_rings_long_before_the_time_out(template: Template) -> None:
    alarm = alarms(template)["InquiriesSlow"]
    # At the API's clock: a function's own duration leaves its start out.
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/ApiGateway", "Latency")
    assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == {
        "ApiName": {"Ref": "AWS::StackName"},
        "Stage": "v1",
        "Method": "POST",
        "Resource": "/doku/inquiries",
    }
    assert (alarm["ExtendedStatistic"], alarm["Threshold"]) == ("p99", 2000)


def test_the_business_alarms(template: Template) -> None:
    rung = {
        alarm["MetricName"]
        for alarm in alarms(template).values()
        if alarm.get("Namespace") == "O2O"
    }
    assert rung == BUSINESS


def test_business_metrics_are_found_where_the_functions_put_them(template: Template) -> None:
    for function in template.functions.values():
        variables = function["Environment"]["Variables"]
        for alarm in alarms(template).values():
            if alarm.get("MetricName") in BUSINESS:
                assert alarm["Namespace"] == variables["POWERTOOLS_METRICS_NAMESPACE"]
                assert alarm["Dimensions"] == [
                    {"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}
                ]


@pytest.mark.parametrize("metric", sorted(BUSINESS))
def test_the_code_counts_what_the_alarm_waits_for(metric: str) -> None:
    sources = [*ROOT.glob("layers/shared/o2o/**/*.py"), *ROOT.glob("functions/*/app.py")]
    counted = {
        name for path in sources for name in re.findall(r'"([A-Z]\w+)"', path.read_text("utf-8"))
    }
    counted |= {
        f"Notification{each.value.title().replace('_', '')}" for each in NotificationOutcome
    }
    counted |= {f"Inquiry{each.value.title().replace('_', '')}" for each in InquiryStatus}
    assert metric in counted


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    return template.of_type("AWS::CloudWatch::Alarm")
