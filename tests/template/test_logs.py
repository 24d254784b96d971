"""What the functions say arrives: no setting of the log silences a metric or Lambda's report."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.model import ROOT, Template

LEVELS = {"TRACE": 5, "DEBUG": 10, "INFO": 20, "WARN": 30, "WARNING": 30, "ERROR": 40, "FATAL": 50}

HANDLER = """
import logging
import os
from o2o.entry.observability import count, instrument, logger

logging.getLogger().addHandler(logging.StreamHandler())  # as Lambda's runtime does
if level := os.environ.get("AWS_LAMBDA_LOG_LEVEL"):
    logging.getLogger().setLevel(level)

class Context:
    function_name = function_version = invoked_function_arn = aws_request_id = "x"
    memory_limit_in_mb = 512

@instrument
def handle(event, context):
    count("PaymentOnTime")
    for level in ("debug", "info", "warning"):
        getattr(logger, level)("ours")
    logging.getLogger("botocore.parsers").debug("the secret's value")

handle({}, Context())
"""


@pytest.fixture(scope="module", params=["DEBUG", "INFO", "WARN"])
def level(request: Any) -> str:
    value: str = request.param
    return value


@pytest.fixture(scope="module")
def logging_config(template: Template, level: str) -> dict[str, str]:
    """LoggingConfig of all functions, with the parameter LogLevel as given."""
    assert level in template.source["Parameters"]["LogLevel"]["AllowedValues"]
    configs = [
        {
            name: level if value == {"Ref": "LogLevel"} else value
            for name, value in function["LoggingConfig"].items()
            if name != "LogGroup"
        }
        for function in template.functions.values()
    ]
    assert all(config == configs[0] for config in configs)
    return configs[0]


@pytest.fixture(scope="module")
def printed(logging_config: dict[str, str], level: str) -> list[str]:
    """What a function prints."""
    return run(logging_config, level)


def test_metrics_arrive_at_every_log_level(
    logging_config: dict[str, str], printed: list[str]
) -> None:
    arrived = sent_by_lambda(logging_config, printed)
    assert any('"PaymentOnTime":[1.0]' in line for line in arrived)


def test_the_parameter_decides_on_our_own_lines(
    logging_config: dict[str, str], printed: list[str], level: str
) -> None:
    arrived = sent_by_lambda(logging_config, printed)
    ours = [line for line in arrived if '"message":"ours"' in line]
    assert len(ours) == {"DEBUG": 3, "INFO": 2, "WARN": 1}[level]


def test_no_library_speaks_of_secrets(printed: list[str]) -> None:
    """The body of a request and the value of a secret are in what boto3 says at DEBUG."""
    assert not [line for line in printed if "secret" in line]


def test_lambda_reports_memory_starts_and_restores(logging_config: dict[str, str]) -> None:
    """Their level is INFO, by AWS's page "System log level event mapping"."""
    assert logging_config["LogFormat"] == "Text" or (
        LEVELS[logging_config["SystemLogLevel"]] <= LEVELS["INFO"]
    )


def test_metrics_are_read_from_the_log_groups(template: Template) -> None:
    """CloudWatch makes metrics of lines only in the class STANDARD, which is the default."""
    for name, group in template.of_type("AWS::Logs::LogGroup").items():
        assert set(group) == {"RetentionInDays"}, name
    for name, function in template.functions.items():
        variables = function["Environment"]["Variables"]
        assert variables["POWERTOOLS_LOG_LEVEL"] == {"Ref": "LogLevel"}, name
        assert "POWERTOOLS_METRICS_DISABLED" not in variables, name


def run(logging_config: dict[str, str], level: str) -> list[str]:
    """What a function prints, in the environment that Lambda gives it."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "layers/shared"),
        "POWERTOOLS_LOG_LEVEL": level,
        "POWERTOOLS_METRICS_NAMESPACE": "O2O",
        "POWERTOOLS_SERVICE_NAME": "o2o",
    }
    if logging_config["LogFormat"] == "JSON":
        environ["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        environ["AWS_LAMBDA_LOG_LEVEL"] = logging_config.get("ApplicationLogLevel", "INFO")
    done = subprocess.run(
        [sys.executable, "-c", HANDLER], env=environ, capture_output=True, text=True, check=True
    )
    return (done.stdout + done.stderr).splitlines()


def sent_by_lambda(logging_config: dict[str, str], lines: list[str]) -> Iterator[str]:
    """The lines that reach the log, by AWS's page "Log-level filtering".

    Only the format JSON filters, and a line without a level counts as INFO.
    """
    for line in lines:
        if logging_config["LogFormat"] == "JSON":
            least = LEVELS[logging_config.get("ApplicationLogLevel", "INFO")]
            if LEVELS.get(level_of(line), LEVELS["INFO"]) < least:
                continue
        yield line


def level_of(line: str) -> str:
    try:
        return str(json.loads(line).get("level"))
    except ValueError:
        return ""
