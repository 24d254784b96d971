"""What is changed in a template for the emulator: by type, never by name."""

import copy
from typing import Any

import pytest

from emulator.differences import DIFFERENCES, Seen, disagreements
from emulator.template import adapt, declared


def adapted(resources: dict[str, Any], **rest: Any) -> tuple[dict[str, Any], set[str]]:
    seen = Seen()
    template = {"Resources": resources, **rest}
    before = copy.deepcopy(template)
    made = adapt(template, {"Concurrency": "7"}, seen)
    assert template == before, "the translated template stays as it is"
    return made, set(seen.places)


def test_what_the_emulator_takes_stays_as_it_is():
    resources = {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 360}},
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}},
    }
    made, seen = adapted(resources)
    assert made["Resources"] == resources
    assert seen == set()


def test_deployments_their_role_and_their_policy_go():
    role = {"Statement": [{"Principal": {"Service": ["codedeploy.amazonaws.com"]}}]}
    made, seen = adapted(
        {
            "Anything": {"Type": "AWS::CodeDeploy::Application"},
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": role}},
            "Alias": {"Type": "AWS::Lambda::Alias", "UpdatePolicy": {"X": 1}, "Properties": {}},
        }
    )
    assert made["Resources"] == {"Alias": {"Type": "AWS::Lambda::Alias", "Properties": {}}}
    assert seen == {"deployments"}


def test_the_right_to_answer_codedeploy_goes_with_it():
    statements = [
        {"Action": "codedeploy:PutLifecycleEventHookExecutionStatus", "Resource": "x"},
        {"Action": ["logs:PutLogEvents"], "Resource": "y"},
    ]
    policies = [{"PolicyDocument": {"Statement": statements}}]
    made, seen = adapted({"Role": {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies}}})
    (policy,) = made["Resources"]["Role"]["Properties"]["Policies"]
    assert policy["PolicyDocument"]["Statement"] == statements[1:]
    assert seen == {"deployments"}


def test_who_does_not_use_tls_is_not_refused():
    tls = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    other = {"Effect": "Deny", "Action": "s3:DeleteObject"}

    def policy(*statements: dict[str, Any]) -> dict[str, Any]:
        properties = {"PolicyDocument": {"Statement": list(statements)}}
        return {"Type": "AWS::S3::BucketPolicy", "Properties": properties}

    made, seen = adapted({"Both": policy(tls, other), "One": policy(tls), "None": policy(other)})
    assert made["Resources"] == {"Both": policy(other), "None": policy(other)}
    assert seen == {"plain-http"}


def test_types_that_the_emulator_does_not_know_go():
    made, seen = adapted({"Query": {"Type": "AWS::Logs::QueryDefinition", "Properties": {}}})
    assert made["Resources"] == {}
    assert seen == {"unknown-types"}


@pytest.mark.parametrize(
    ("metrics", "watched"),
    [
        (
            [
                {"Id": "sum", "Expression": "SUM(METRICS())"},
                {
                    "Id": "one",
                    "MetricStat": {
                        "Stat": "p99",
                        "Period": 300,
                        "Metric": {"Namespace": "N", "MetricName": "M", "Dimensions": [{"a": "b"}]},
                    },
                },
            ],
            {
                "Namespace": "N",
                "MetricName": "M",
                "Dimensions": [{"a": "b"}],
                "Period": 300,
                "ExtendedStatistic": "p99",
            },
        ),
        (
            [{"Id": "found", "Expression": "SEARCH('x')"}],
            {
                "Namespace": "AWS/Lambda",
                "MetricName": "Errors",
                "Dimensions": [],
                "Period": 60,
                "Statistic": "Sum",
            },
        ),
    ],
)
def test_an_alarm_on_an_expression_watches_one_metric(metrics, watched):
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": metrics, "Threshold": 1}}
    made, seen = adapted({"Alarm": alarm})
    assert made["Resources"]["Alarm"]["Properties"] == {"Threshold": 1, **watched}
    assert seen == {"alarms-on-expressions"}


def test_keys_that_the_authorizer_would_name_are_not_asked_for():
    both: list[Any] = [{"Guard": []}, {"api_key": []}]
    public: dict[str, Any] = {"post": {"security": []}}
    paths: dict[str, Any] = {
        "/own": {"get": {"security": both}},
        "/open": public,
        "/bare": {"get": {}},
    }
    properties: dict[str, Any] = {"ApiKeySourceType": "AUTHORIZER", "Body": {"paths": paths}}
    api = {"Type": "AWS::ApiGateway::RestApi", "Properties": properties}
    made, seen = adapted({"Api": api})
    changed = made["Resources"]["Api"]["Properties"]["Body"]["paths"]
    assert changed == paths | {"/own": {"get": {"security": [{"Guard": []}]}}}
    assert seen == {"keys-of-the-authorizer"}
    del properties["ApiKeySourceType"]  # keys in a header are the callers' own
    assert adapted({"Api": api}) == ({"Resources": {"Api": api}}, set())


def test_gateway_responses_are_resources_that_the_deployment_waits_for():
    answer = {
        "statusCode": 404,
        "responseParameters": {"gatewayresponse.header.X": "'x'"},
        "responseTemplates": {"application/json": "{}"},
    }
    body = {"paths": {}, "x-amazon-apigateway-gateway-responses": {"ACCESS_DENIED": answer}}
    made, seen = adapted(
        {
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": body}},
            "Deployed": {
                "Type": "AWS::ApiGateway::Deployment",
                "DependsOn": "Other",
                "Properties": {"RestApiId": {"Ref": "Api"}},
            },
        }
    )
    assert made["Resources"]["ApiResponseAccessDenied"] == {
        "Type": "AWS::ApiGateway::GatewayResponse",
        "Properties": {
            "RestApiId": {"Ref": "Api"},
            "ResponseType": "ACCESS_DENIED",
            "StatusCode": "404",
            "ResponseParameters": answer["responseParameters"],
            "ResponseTemplates": answer["responseTemplates"],
        },
    }
    assert made["Resources"]["Api"]["Properties"]["Body"] == {"paths": {}}
    assert made["Resources"]["Deployed"]["DependsOn"] == ["ApiResponseAccessDenied", "Other"]
    assert seen == {"gateway-responses"}


def test_a_reference_to_a_secret_is_its_arn_wherever_it_stands():
    made, seen = adapted(
        {
            "Secret": {"Type": "AWS::SecretsManager::Secret"},
            "Role": {"Type": "X", "Properties": {"Policies": [{"Resource": {"Ref": "Secret"}}]}},
        },
        Outputs={"Name": {"Value": {"Ref": "Secret"}}},
    )
    arn = {"Fn::GetAtt": ["Secret", "Id"]}
    assert made["Resources"]["Role"]["Properties"]["Policies"] == [{"Resource": arn}]
    assert made["Outputs"]["Name"]["Value"] == arn
    assert seen == {"references-to-secrets"}


def test_a_number_through_a_reference_is_a_number():
    scaling = {"ScalingConfig": {"MaximumConcurrency": {"Ref": "Concurrency"}}}
    made, seen = adapted(
        {"Mapping": {"Type": "X", "Properties": scaling}}, Parameters={"Concurrency": {}}
    )
    properties = made["Resources"]["Mapping"]["Properties"]
    assert properties == {"ScalingConfig": {"MaximumConcurrency": 7}}
    assert seen == {"numbers-through-references"}


def test_who_may_send_a_message_may_send_a_batch():
    made, seen = adapted({"Role": {"Type": "X", "Properties": {"Action": "sqs:SendMessage"}}})
    action = made["Resources"]["Role"]["Properties"]["Action"]
    assert action == ["sqs:SendMessage", "sqs:SendMessageBatch"]
    assert seen == {"batches-of-messages"}


def test_of_a_condition_only_the_unknown_keys_go():
    condition = {
        "StringEquals": {"events:source": "o2o"},
        "ArnEquals": {"aws:SourceArn": "arn", "events:source": "o2o"},
    }
    made, seen = adapted({"Role": {"Type": "X", "Properties": {"Condition": condition}}})
    left = made["Resources"]["Role"]["Properties"]["Condition"]
    assert left == {"ArnEquals": {"aws:SourceArn": "arn"}}
    assert seen == {"condition-keys"}


def test_rules_go():
    made, seen = adapted({}, Rules={"Any": {}})
    assert "Rules" not in made
    assert seen == {"rules"}


def test_what_is_created_is_decided_as_cloudformation_does():
    template = {
        "Parameters": {"Stage": {"Default": "dev"}, "Topic": {}},
        "Conditions": {
            "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
            "HasTopic": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Topic"}, ""]}]},
            "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "HasTopic"}]},
            "Either": {"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "HasTopic"}]},
        },
        "Resources": {
            "Always": {"Type": "A"},
            "InProd": {"Type": "B", "Condition": "IsProd"},
            "WithBoth": {"Type": "C", "Condition": "Both"},
            "WithEither": {"Type": "D", "Condition": "Either"},
        },
    }
    assert declared(template, {"Topic": "arn"}) == {"Always": "A", "WithEither": "D"}


def test_the_list_shrinks_or_the_run_fails():
    seen = Seen()
    for name in DIFFERENCES - {"rules"}:
        seen.note(name, "there")
    seen.note("news", "here")
    assert disagreements(seen) == [
        "The difference news is not listed in docs/emulator.md; it was met at here.",
        "The difference rules is listed in docs/emulator.md and is no more: take it out.",
    ]
