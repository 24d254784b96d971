"""On AWS a command goes by the environment that the deployed function has."""

import io
import json
import os
import zipfile
from pathlib import Path

import boto3
from moto import mock_aws

from admin.environment import environment
from admin.target import Target


def test_the_environment_is_the_functions_while_inside_and_ours_afterwards(monkeypatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-3")
    monkeypatch.delenv("TABLE_NAME", raising=False)
    with mock_aws():
        role = boto3.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("app.py", "")
        function = boto3.client("lambda").create_function(
            FunctionName="browse",
            Runtime="python3.13",
            Handler="app.lambda_handler",
            Role=role["Role"]["Arn"],
            Code={"ZipFile": code.getvalue()},
            Environment={"Variables": {"TABLE_NAME": "deployed"}},
        )
        template = {
            "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
            "Outputs": {"BrowseEventsAlias": {"Value": function["FunctionArn"]}},
        }
        boto3.client("cloudformation").create_stack(
            StackName="o2o-dev", TemplateBody=json.dumps(template)
        )
        target = Target("o2o-dev", "ap-southeast-3", None, Path(".local"))
        with environment(target, "BrowseEvents") as found:
            assert os.environ["TABLE_NAME"] == "deployed"
            assert found.outputs == {"BrowseEventsAlias": function["FunctionArn"]}
        assert "TABLE_NAME" not in os.environ
