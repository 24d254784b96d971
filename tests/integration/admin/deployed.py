"""A stack on moto's AWS, and the command line that acts on it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from admin.cli import app
from tests.support import tables

PLAN = "plan01"
"""The id of its usage plan."""


@contextmanager
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The stack ``o2o-dev`` with its table and what the commands read of its outputs."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-3")
    with mock_aws():
        tables.create(boto3.client("dynamodb"), "o2o-table")
        template = {
            "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
            "Outputs": {
                "TableName": {"Value": "o2o-table"},
                "UsagePlanId": {"Value": PLAN},
            },
        }
        boto3.client("cloudformation").create_stack(
            StackName="o2o-dev", TemplateBody=json.dumps(template)
        )
        yield


def run(*arguments: str, ok: bool = True) -> Result:
    """What a command says; ``ok``: whether it is to succeed."""
    result = CliRunner().invoke(app, ["--stack", "o2o-dev", *arguments])
    assert (result.exit_code == 0) is ok, result.output
    return result
