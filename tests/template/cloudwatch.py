"""CloudWatch's alarms, as its documentation says that they are evaluated.

AWS's pages "Configuring how CloudWatch alarms treat missing data" and "Using math expressions with
CloudWatch metrics". Time is in minutes of a day; a datapoint comes at the end of its period.
"""

import ast
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

DAY = 24 * 60

Samples = dict[int, list[float]]
"""Values of a metric by the minute in which they came."""

Metrics = dict[str, Samples]
"""Samples by ``key_of`` a metric."""

Points = dict[int, float]
"""Datapoints by the end of their periods; what is missing is not there."""

_BEYOND = 2
"""How many periods CloudWatch looks back beyond those that it evaluates, if some are missing."""

_BREACHES = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}


def key_of(metric: Mapping[str, Any]) -> str:
    """A metric's identity: its namespace, its name, its dimensions."""
    dimensions = sorted(
        f"{each['Name']}={json.dumps(each['Value'], sort_keys=True)}"
        for each in metric["Dimensions"]
    )
    return " ".join([metric["Namespace"], metric["MetricName"], *dimensions])


def metrics_of(alarm: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The metrics that an alarm watches, by their keys."""
    if "Metrics" not in alarm:
        return {key_of(alarm): alarm}
    watched = [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]
    return {key_of(each): each for each in watched}


def rings(alarm: Mapping[str, Any], metrics: Metrics, *, until: int = DAY) -> list[int]:
    """The minutes of the day at whose end the alarm is in the state ALARM."""
    period, points = _points(alarm, metrics, until)
    evaluated = alarm["EvaluationPeriods"]
    needed = alarm.get("DatapointsToAlarm", evaluated)
    breaches = _BREACHES[alarm["ComparisonOperator"]]
    missing = {"breaching": True, "notBreaching": False}[alarm["TreatMissingData"]]
    ringing = []
    for end in range(period * (evaluated + _BEYOND), until + 1, period):
        ends = [end - period * back for back in range(evaluated + _BEYOND)]
        real = [breaches(points[each], alarm["Threshold"]) for each in ends if each in points]
        judged = (real + [missing] * evaluated)[:evaluated]
        if sum(judged) >= needed:
            ringing.append(end)
    return ringing


def _points(alarm: Mapping[str, Any], metrics: Metrics, until: int) -> tuple[int, Points]:
    if "Metrics" not in alarm:
        statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        period = alarm["Period"] // 60
        return period, _aggregate(metrics.get(key_of(alarm), {}), statistic, period, until)
    (period,) = {
        each["MetricStat"]["Period"] // 60 for each in alarm["Metrics"] if "MetricStat" in each
    }
    series = {
        each["Id"]: _aggregate(
            metrics.get(key_of(each["MetricStat"]["Metric"]), {}),
            each["MetricStat"]["Stat"],
            period,
            until,
        )
        for each in alarm["Metrics"]
        if "MetricStat" in each
    }
    (answer,) = (each for each in alarm["Metrics"] if each.get("ReturnData", True))
    tree = ast.parse(" ".join(answer["Expression"].split()), mode="eval").body
    points = {}
    for end in range(period, until + 1, period):
        value = _value(tree, {name: each.get(end) for name, each in series.items()})
        if value is not None:
            points[end] = value
    return period, points


def _aggregate(samples: Samples, statistic: str, period: int, until: int) -> Points:
    points = {}
    for end in range(period, until + 1, period):
        values = [value for minute in range(end - period, end) for value in samples.get(minute, ())]
        if values:
            points[end] = _statistic(statistic, values)
    return points


def _statistic(name: str, values: Sequence[float]) -> float:
    if name.startswith("p"):
        return sorted(values)[math.ceil(float(name[1:]) / 100 * len(values)) - 1]
    return {
        "Sum": sum(values),
        "SampleCount": len(values),
        "Average": sum(values) / len(values),
        "Maximum": max(values),
    }[name]


# --- Metric math --------------------------------------------------------------------------


def _value(node: ast.expr, series: Mapping[str, float | None]) -> float | None:
    """The value at one instant. Where one is missing that is needed, there is none."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Name(id=name):
            return series[name]
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, arguments, series)
        case ast.BinOp(left=left, op=op, right=right):
            return _both(_OPERATORS[type(op)], _value(left, series), _value(right, series))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _both(_OPERATORS[type(op)], _value(left, series), _value(right, series))
    raise ValueError(ast.dump(node))


def _call(
    name: str, arguments: Sequence[ast.expr], series: Mapping[str, float | None]
) -> float | None:
    if name == "FILL":
        value, filling = (_value(each, series) for each in arguments)
        return filling if value is None else value
    if name == "IF":
        condition, yes, no = (_value(each, series) for each in arguments)
        return None if condition is None else yes if condition else no
    # Of what is there: AWS's functions over several series pass over what is missing.
    (argument,) = arguments
    if isinstance(argument, ast.List):
        all_ = [_value(each, series) for each in argument.elts]
    else:
        assert ast.unparse(argument) == "METRICS()"
        all_ = list(series.values())
    real = [each for each in all_ if each is not None]
    if not real:
        return None
    return {"SUM": sum(real), "MAX": max(real)}[name]


_OPERATORS: dict[type, Any] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right if right else None,
    ast.Gt: lambda left, right: float(left > right),
    ast.GtE: lambda left, right: float(left >= right),
    ast.Lt: lambda left, right: float(left < right),
    ast.Eq: lambda left, right: float(left == right),
}


def _both(operator: Any, left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else operator(left, right)
