"""Somebody hears of it."""

import ast
import json
import os
import re
import subprocess
import sys
from typing import Any

from tests.template.cloudwatch import metrics_of
from tests.template.model import ROOT, Template


def test_every_alarm_has_a_sentence_and_goes_to_the_topic(template: Template) -> None:
    for name, alarm in alarms(template).items():
        assert alarm["AlarmDescription"].endswith("."), name
        condition, topics, nothing = alarm["AlarmActions"]["Fn::If"]
        assert condition == "HasAlarmTopic", name
        assert topics == [{"Ref": "AlarmTopicArn"}], name
        assert nothing == {"Ref": "AWS::NoValue"}, name
        # An alarm of a roll-out is new each time, and would tell of its first OK.
        is_lasting = "Condition" not in template.resources[name]
        assert alarm.get("OKActions") == (alarm["AlarmActions"] if is_lasting else None), name


def test_silence_is_good_except_from_expire_codes(template: Template) -> None:
    for name, alarm in alarms(template).items():
        expected = "breaching" if name == "ExpireCodesSilent" else "notBreaching"
        assert alarm["TreatMissingData"] == expected, name
    heartbeat = alarms(template)["ExpireCodesSilent"]
    # Counted, not summed: a run that finds nothing overdue reports 0.
    (stat,) = (each["MetricStat"]["Stat"] for each in heartbeat["Metrics"] if "MetricStat" in each)
    assert stat == "SampleCount"
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


SLOW = ("FunctionsSlow", "OtherFunctionsSlow")
IN_THE_BACKGROUND = {
    "CloseBooksFunction": "ScheduleDeadLetters",
    "DeliverWebhooksFunction": "WebhookQueueOld",
    "DescribeApiFunction": "ApiFailing",  # answered 5xx, by API Gateway
    "ExpireCodesFunction": "ExpireCodesSilent",
    "PublishEventsFunction": "EventsLate",
    "ReadBooksFunction": "ApiFailing",
    "ReconcileCodesFunction": "ReconcileQueueOld",
}
"""The alarm that tells if a function is throttled, where throttles themselves ring nothing."""


def test_throttles_ring_where_somebody_waits(template: Template) -> None:
    watched = [
        function
        for alarm in ("FunctionsThrottled", "OtherFunctionsThrottled")
        for function in watched_together(template, alarm, "Throttles", "Sum")
    ]
    assert sorted([*watched, *IN_THE_BACKGROUND]) == sorted(template.functions)
    assert set(IN_THE_BACKGROUND.values()) <= set(alarms(template))


def test_slowness_rings_for_all(template: Template) -> None:
    watched = [
        each for name in SLOW for each in watched_together(template, name, "Duration", "p99")
    ]
    assert sorted(watched) == sorted(template.functions)


def watched_together(template: Template, name: str, metric: str, statistic: str) -> list[str]:
    """The functions whose metric one alarm watches by metric math."""
    metrics = [each for each in alarms(template)[name]["Metrics"] if "MetricStat" in each]
    assert len(metrics) <= 10  # CloudWatch takes no more
    watched = []
    for each in metrics:
        assert each["ReturnData"] is False
        assert each["MetricStat"]["Stat"] == statistic
        assert each["MetricStat"]["Metric"]["MetricName"] == metric
        (dimension,) = each["MetricStat"]["Metric"]["Dimensions"]
        watched.append(dimension["Value"]["Ref"])
    return watched


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


def test_every_metric_of_ours_that_an_alarm_watches_is_counted(template: Template) -> None:
    counted = countable()
    for metric in ours(template):
        assert metric["MetricName"] in counted, metric


def test_metrics_are_found_where_the_functions_put_them(template: Template) -> None:
    """Namespace and dimensions are those of a metric that a function counted in its settings."""
    names = ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "BUILD_HASH")
    stated, *others = (
        {
            name: json.dumps(function["Environment"]["Variables"][name], sort_keys=True)
            for name in names
        }
        for function in template.functions.values()
    )
    assert all(each == stated for each in others)
    sent = sent_by_a_function(stated)
    for metric in ours(template):
        dimensions = {
            each["Name"]: json.dumps(each["Value"], sort_keys=True) for each in metric["Dimensions"]
        }
        if "function" in dimensions:
            assert json.loads(dimensions["function"])["Ref"] in template.functions
            dimensions["function"] = A_FUNCTION
            assert metric["MetricName"] == "UnexpectedError"
        found = (json.dumps(metric["Namespace"]), dimensions)
        assert found in sent["UnexpectedError" if "function" in dimensions else "Any"], metric


A_FUNCTION = "a function's name"


def sent_by_a_function(variables: dict[str, str]) -> dict[str, list[tuple[str, dict[str, str]]]]:
    """With which namespace and dimensions any metric, and that of a bug, are sent."""
    script = """
from o2o.entry.observability import *
count('Any')
log_failure(ValueError())
metrics.flush_metrics()
"""
    environ = {"PYTHONPATH": str(ROOT / "layers/shared"), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environ | variables | {"AWS_LAMBDA_FUNCTION_NAME": A_FUNCTION},
        capture_output=True,
        text=True,
        check=True,
    )
    sent: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for document in map(json.loads, done.stdout.splitlines()):
        for directive in document.get("_aws", {}).get("CloudWatchMetrics", ()):
            for metric in directive["Metrics"]:
                sent.setdefault(metric["Name"], []).extend(
                    (directive["Namespace"], {name: document[name] for name in names})
                    for names in directive["Dimensions"]
                )
    return sent


def countable() -> set[str]:
    """Every metric that the code can count: the names in calls of ``count`` and in its tables."""
    sources = [*ROOT.glob("layers/shared/o2o/entry/**/*.py"), *ROOT.glob("functions/*/app.py")]
    found: set[str] = set()
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="count"), args=[argument, *_]):
                    found |= texts(argument)
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(values=values)):
                    if name.endswith(("METRIC", "METRICS")) or name == "_NOT_NEWS":
                        found |= {text for value in values for text in texts(value)}
    return found


def texts(node: ast.expr) -> set[str]:
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def ours(template: Template) -> list[Any]:
    """The metrics of ours that alarms watch."""
    return [
        metric
        for alarm in alarms(template).values()
        for metric in metrics_of(alarm).values()
        if metric["Namespace"] == "O2O"
    ]


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    return template.of_type("AWS::CloudWatch::Alarm")
