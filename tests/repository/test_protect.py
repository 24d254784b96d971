"""What keeps a stack in prod from being deleted, or its table from being replaced."""

import json

import boto3
import pytest
from botocore.stub import Stubber

from tests.support.documents import read
from tools import protect


@pytest.fixture
def client():
    return boto3.client(
        "cloudformation",
        region_name="ap-southeast-3",
        aws_access_key_id="none",
        aws_secret_access_key="none",
    )


def test_a_stack_is_protected_from_deletion_and_from_replacement(client):
    with Stubber(client) as stub:
        policy = {"StackName": "o2o-prod", "StackPolicyBody": protect.POLICY.read_text("utf-8")}
        stub.add_response("set_stack_policy", {}, policy)
        stub.add_response(
            "update_termination_protection",
            {"StackId": "arn"},
            {"StackName": "o2o-prod", "EnableTerminationProtection": True},
        )
        assert "can't be deleted" in protect.protect(client, "o2o-prod", lift=False)
        stub.assert_no_pending_responses()


def test_the_policy_can_be_lifted_and_the_stack_can_still_not_be_deleted(client):
    with Stubber(client) as stub:
        allow = {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}
        policy = json.dumps({"Statement": [allow]})
        stub.add_response(
            "set_stack_policy", {}, {"StackName": "o2o-prod", "StackPolicyBody": policy}
        )
        assert "may replace" in protect.protect(client, "o2o-prod", lift=True)
        stub.assert_no_pending_responses()


def test_a_deployment_to_prod_protects_the_stack():
    recipe = read("Makefile").partition("\ndeploy: bins build")[2].partition("\n\n")[0]
    assert "tools.protect" in recipe
    assert "prod" in recipe
