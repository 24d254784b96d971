"""The dashboard and the saved queries show what there is, and a person on call begins with them."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from admin.cli import app
from tests.support.documents import read, section
from tests.template.cloudwatch import metrics_of
from tests.template.model import ROOT, Template
from tests.template.test_alarms import countable

# What AWS sends by itself: AWS's pages "Types of metrics for Lambda functions", "Amazon API Gateway
# dimensions and metrics", "Available CloudWatch metrics for Amazon SQS" and "DynamoDB Metrics and
# dimensions".
BY_AWS: dict[tuple[str, tuple[str, ...]], set[str]] = {
    ("AWS/Lambda", ("FunctionName",)): {"IteratorAge"},
    ("AWS/Lambda", ()): {"Duration", "Errors", "Invocations", "Throttles"},
    ("AWS/ApiGateway", ("ApiName", "Stage")): {"4XXError", "5XXError", "Count", "Latency"},
    ("AWS/SQS", ("QueueName",)): {
        "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible",
    },
    ("AWS/DynamoDB", ("TableName",)): {
        "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents",
        "WriteThrottleEvents",
    },
    ("AWS/DynamoDB", ("GlobalSecondaryIndexName", "TableName")): {
        "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents",
        "WriteThrottleEvents",
    },
    ("AWS/DynamoDB", ("Operation", "TableName")): {"SuccessfulRequestLatency"},
}  # fmt: skip

# What names whom in a metric's dimensions.
OF_TYPE = {
    "FunctionName": "AWS::Lambda::Function",
    "QueueName": "AWS::SQS::Queue",
    "TableName": "AWS::DynamoDB::Table",
}

# Of Logs Insights itself, and of each of Lambda's and Powertools' lines.
FIELDS = {
    "@timestamp", "@type", "@billedDuration", "@duration", "@initDuration", "@maxMemoryUsed",
    "@log", "function_name", "level", "message",
}  # fmt: skip
KEYWORDS = {
    "SOURCE", "and", "as", "asc", "bin", "by", "count", "desc", "fields", "filter", "in", "max",
    "pct", "sort", "stats", "sum",
}  # fmt: skip


@pytest.fixture(scope="module")
def dashboards(template: Template) -> list[list[dict[str, Any]]]:
    """The widgets of each."""
    return [
        json.loads(dashboard["DashboardBody"]["Fn::Sub"])["widgets"]
        for dashboard in template.of_type("AWS::CloudWatch::Dashboard").values()
    ]


@pytest.fixture(scope="module")
def widgets(dashboards: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [widget for dashboard in dashboards for widget in dashboard]


def shown(widgets: list[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of each metric."""
    for widget in widgets:
        for entry in widget["properties"].get("metrics", ()):
            *words, options = entry
            assert set(options) <= {"stat", "label", "yAxis"}
            namespace, name, *pairs = words
            yield namespace, name, dict(zip(pairs[::2], pairs[1::2], strict=True))


def test_every_metric_that_is_shown_is_sent(
    template: Template, widgets: list[dict[str, Any]]
) -> None:
    counted = countable()
    for namespace, name, dimensions in shown(widgets):
        if namespace == "O2O":
            assert name in counted
            assert dimensions == {"service": "${AWS::StackName}"}
            continue
        assert name in BY_AWS[namespace, tuple(sorted(dimensions))], name
        for dimension, kind in OF_TYPE.items():
            if dimension in dimensions:
                (owner,) = re.findall(r"^\$\{(\w+)(?:\.QueueName)?\}$", dimensions[dimension])
                assert owner in template.of_type(kind), dimensions
        if "Stage" in dimensions:
            assert dimensions == {"ApiName": "${AWS::StackName}", "Stage": "v1"}
        (table,) = template.of_type("AWS::DynamoDB::Table").values()
        indexes = {each["IndexName"] for each in table["GlobalSecondaryIndexes"]}
        assert dimensions.get("GlobalSecondaryIndexName", "due") in indexes


def test_every_queue_is_shown(template: Template, widgets: list[dict[str, Any]]) -> None:
    named = {
        dimensions["QueueName"].removeprefix("${").removesuffix(".QueueName}")
        for _, name, dimensions in shown(widgets)
        if name == "ApproximateNumberOfMessagesVisible"
    }
    assert named == set(template.of_type("AWS::SQS::Queue"))


def test_the_dashboards_are_free(dashboards: list[list[dict[str, Any]]]) -> None:
    # AWS's page "Amazon CloudWatch pricing": three of up to 50 metrics each.
    assert len(dashboards) <= 3
    for dashboard in dashboards:
        metrics = {
            (namespace, name, *sorted(dimensions.items()))
            for namespace, name, dimensions in shown(dashboard)
        }
        assert len(metrics) <= 50


def test_what_rings_is_on_the_dashboard(template: Template, widgets: list[dict[str, Any]]) -> None:
    (alarms,) = (each["properties"]["alarms"] for each in widgets if each["type"] == "alarm")
    # Those of a roll-out are there in prod only.
    always = [
        name
        for name in template.of_type("AWS::CloudWatch::Alarm")
        if "Condition" not in template.resources[name]
    ]
    assert sorted(alarms) == sorted(f"${{{name}.Arn}}" for name in always)
    names = {name for _, name, _ in shown(widgets)}
    for alarm, properties in template.of_type("AWS::CloudWatch::Alarm").items():
        assert {metric["MetricName"] for metric in metrics_of(properties).values()} <= names, alarm


def test_widgets_have_names_of_their_own_and_do_not_overlap(
    dashboards: list[list[dict[str, Any]]], widgets: list[dict[str, Any]]
) -> None:
    titles = titles_of(widgets)
    assert len(titles) == len(set(titles))
    for dashboard in dashboards:
        taken: set[tuple[int, int]] = set()
        for widget in dashboard:
            place = {
                (x, y)
                for x in range(widget["x"], widget["x"] + widget["width"])
                for y in range(widget["y"], widget["y"] + widget["height"])
            }
            assert not place & taken
            assert max(x for x, _ in place) < 24
            taken |= place


def test_queries_name_fields_that_the_log_lines_have(
    template: Template, widgets: list[dict[str, Any]]
) -> None:
    lines = log_lines()
    (stage,) = template.of_type("AWS::ApiGateway::Stage").values()
    of_access = set(json.loads(stage["AccessLogSetting"]["Format"]))
    queries = [
        (query["QueryString"], [each["Ref"] for each in query["LogGroupNames"]])
        for query in template.of_type("AWS::Logs::QueryDefinition").values()
    ]
    queries += [
        (query, re.findall(r"SOURCE '\$\{(\w+)\}'", query))
        for widget in widgets
        if (query := widget["properties"].get("query"))
    ]
    for query, groups in queries:
        assert set(groups) <= set(template.of_type("AWS::Logs::LogGroup"))
        literals = re.findall(r'"([^"]*)"', query)
        bare = re.sub(r"""(["']).*?\1""", "", query)
        made = set(re.findall(r"\bas (\w+)", bare))
        used = {
            word.split(".")[0] for word in re.findall(r"(?<![\w.@])[@A-Za-z_][\w.]*", bare)
        } - made - KEYWORDS  # fmt: skip
        if groups == ["ApiAccessLogs"]:
            assert used <= of_access
            continue
        named = [line for line in literals if line in lines]
        if "message in" in query or 'message = "' in query:
            assert named
        known = set().union(*(lines[line] for line in named or lines))
        assert used - FIELDS <= known, query


def test_what_is_asked_of_all_functions_is_asked_of_all(
    template: Template, widgets: list[dict[str, Any]]
) -> None:
    logs = {
        function["LoggingConfig"]["LogGroup"]["Ref"] for function in template.functions.values()
    }
    queries = template.of_type("AWS::Logs::QueryDefinition")
    for name in ("ErrorsQuery", "StartsQuery"):
        assert {each["Ref"] for each in queries[name]["LogGroupNames"]} == logs
    (query,) = (
        widget["properties"]["query"]
        for widget in widgets
        if "REPORT" in widget["properties"].get("query", "")
    )
    assert set(re.findall(r"SOURCE '\$\{(\w+)\}'", query)) == logs


def test_the_queries_have_the_stack_s_name(template: Template) -> None:
    names = [
        query["Name"]["Fn::Sub"]
        for query in template.of_type("AWS::Logs::QueryDefinition").values()
    ]
    assert len(names) == len(set(names))
    assert all(name.startswith("${AWS::StackName}/") for name in names)


def test_the_runbook_begins_with_the_dashboard(
    template: Template, widgets: list[dict[str, Any]]
) -> None:
    titles = set(titles_of(widgets))
    queries = {
        query["Name"]["Fn::Sub"].partition("/")[2]
        for query in template.of_type("AWS::Logs::QueryDefinition").values()
    }
    commands = {
        f"{group} {command}"
        for group, found in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
        for command in getattr(found, "commands", ())
    }
    rows = [
        line.split(" | ")
        for line in section(read("docs/operations.md"), "## Alarms").splitlines()
        if line.startswith("| `")
    ]
    told = [name for row in rows for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(told) == sorted(template.of_type("AWS::CloudWatch::Alarm"))
    for row in rows:
        assert len(row) == 4, row[0]
        look = row[2]
        assert set(re.findall(r"\*\*(.+?)\*\*", look)) & titles, row[0]
        assert set(re.findall(r"\*\*(.+?)\*\*", look)) <= titles, row[0]
        for name in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", look):
            assert name in queries, row[0]
        for name in re.findall(r"`(.+?)`", look):
            assert name in commands, row[0]


def titles_of(widgets: list[dict[str, Any]]) -> list[str]:
    return [widget["properties"]["title"] for widget in widgets if "title" in widget["properties"]]


def log_lines() -> dict[str, set[str]]:
    """The fields of each log line of ours, by its words."""
    found: dict[str, set[str]] = {}
    for path in ROOT.glob("layers/shared/o2o/entry/*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        # What `log_failure` adds is made of dicts.
        told = {
            key.value
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef)
            and function.name in ("log_failure", "_particulars")
            for node in ast.walk(function)
            if isinstance(node, ast.Dict)
            for key in node.keys
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        }
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or not call.args:
                continue
            words = call.args[0]
            named = ast.unparse(call.func)
            if (named == "log" or named.startswith("logger.")) and isinstance(words, ast.Constant):
                fields = {each.arg for each in call.keywords if each.arg}
                found[str(words.value)] = fields - {"extra"} | (
                    told if "extra" in fields else set()
                )
    return found
