"""Each function may do what it does, and nothing else."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.permissions import LEADING_KEYS, Request, as_list
from tests.support.documents import ROOT
from tests.template.model import Template
from tests.template.permissions import NotAllowed, Roles, on_table

# Lambda lists streams without naming one.
WITHOUT_RESOURCE = {"dynamodb:ListStreams"}

# What reads the stream, which Lambda does for the function.
STREAM_ACCESS = {"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"}

# What each role may do with the table: action, where, and on which kinds of partition.
TABLE_ACCESS = {
    "AnswerInquiry": {
        ("GetItem", "Table", "CODE#*"),
        ("GetItem", "Table", "DIGITS#*"),
        ("PutItem", "Table", "CODE#*"),
    },
    "AuthorizeStorefront": {("GetItem", "Table", "KEY#*")},
    "BrowseEvents": {
        ("BatchGetItem", "Table", "EVENT#*"),
        ("GetItem", "Table", "EVENT#*"),
        ("PutItem", "Table", "EVENT#*"),
        ("Query", "index/listing", "EVENTS#*"),
    },
    "CloseBooks": {
        ("BatchGetItem", "Table", "CODE#*"),
        ("BatchGetItem", "Table", "EVENT#*"),
        ("BatchGetItem", "Table", "NOTIFICATION#*"),
        ("BatchGetItem", "Table", "STOREFRONT#*"),
        ("GetItem", "Table", "BOOKS"),
        ("GetItem", "Table", "NOTIFICATION#*"),
        ("PutItem", "Table", "BOOKS"),
        ("PutItem", "Table", "BOOKS#*"),
        ("Query", "Table", "BOOKS"),
        ("Query", "Table", "CODE#*"),
        ("Query", "index/listing", "ATTENTIONS#*"),
        ("Query", "index/listing", "CODES#*"),
        ("Query", "index/listing", "EVENTS#*"),
        ("Query", "index/listing", "NOTIFICATIONS"),
        ("Query", "index/listing", "PAYMENTS#*"),
        ("Query", "index/listing", "STOREFRONTS"),
        ("Query", "index/paid", "PAYMENTS#*"),
    },
    "CancelCode": {("GetItem", "Table", "CODE#*"), ("PutItem", "Table", "CODE#*")},
    "DeliverWebhooks": {
        ("GetItem", "Table", "EVENT#*"),
        ("PutItem", "Table", "EVENT#*"),
        ("GetItem", "Table", "ENDPOINT#*"),
        ("PutItem", "Table", "ENDPOINT#*"),
    },
    "ExpireCodes": {("Query", "index/due", "DUE#*")},
    "ExplainPayment": {("GetItem", "Table", "CODE#*")},
    "GenerateCode": {
        ("GetItem", "Table", "CODE#*"),
        ("PutItem", "Table", "CODE#*"),
        ("PutItem", "Table", "DIGITS#*"),
    },
    "PublishEvents": {
        ("PutItem", "Table", "EVENT#*"),
        ("DeleteItem", "Table", "SEARCH#*"),
        ("PutItem", "Table", "SEARCH#*"),
    },
    "ReadBooks": {("GetItem", "Table", "BOOKS#*"), ("Query", "Table", "BOOKS#*")},
    "ReadCodes": {
        ("BatchGetItem", "Table", "CODE#*"),
        ("GetItem", "Table", "CODE#*"),
        ("Query", "Table", "CODE#*"),
        ("Query", "index/listing", "CODES#*"),
    },
    "ReadPayments": {
        ("BatchGetItem", "Table", "CODE#*"),
        ("Query", "Table", "CODE#*"),
        ("Query", "Table", "SEARCH#*"),
        ("Query", "index/listing", "ATTENTIONS#*"),
        ("Query", "index/listing", "PAYMENTS#*"),
        ("Query", "index/paid", "PAYMENTS#*"),
    },
    "ReceiveNotification": {
        ("ConditionCheckItem", "Table", "CODE#*"),
        ("GetItem", "Table", "CODE#*"),
        ("PutItem", "Table", "CODE#*"),
        ("Query", "Table", "CODE#*"),
        ("PutItem", "Table", "NOTIFICATION#*"),
        ("PutItem", "Table", "SEARCH#*"),
    },
    "ReconcileCodes": {
        ("ConditionCheckItem", "Table", "CODE#*"),
        ("GetItem", "Table", "CODE#*"),
        ("PutItem", "Table", "CODE#*"),
        ("Query", "Table", "CODE#*"),
        ("DeleteItem", "Table", "NOTIFICATION#*"),
        ("GetItem", "Table", "NOTIFICATION#*"),
        ("PutItem", "Table", "NOTIFICATION#*"),
        ("PutItem", "Table", "SEARCH#*"),
    },
    "RefreshCode": {
        ("ConditionCheckItem", "Table", "CODE#*"),
        ("GetItem", "Table", "CODE#*"),
        ("PutItem", "Table", "CODE#*"),
        ("Query", "Table", "CODE#*"),
        ("GetItem", "Table", "NOTIFICATION#*"),
        ("PutItem", "Table", "NOTIFICATION#*"),
        ("PutItem", "Table", "SEARCH#*"),
    },
    "ResolvePayment": {("GetItem", "Table", "CODE#*"), ("PutItem", "Table", "CODE#*")},
    "ShowCode": {
        ("GetItem", "Table", "CODE#*"),
        ("GetItem", "Table", "STOREFRONT#*"),
        ("Query", "Table", "CODE#*"),
    },
}


OWN_ROLL_OUTS = {
    "Fn::Sub": "arn:${AWS::Partition}:codedeploy:${AWS::Region}:${AWS::AccountId}:"
    "deploymentgroup:${ServerlessDeploymentApplication}/*"
}
"""The groups of the stack's own application at CodeDeploy, whose names SAM makes."""


ARCHIVE = {"Fn::Sub": "${Archive.Arn}/messages/*"}
"""The archive's objects: their keys are instants."""

BOOKS = [{"Fn::Sub": "${Books.Arn}/books/*"}, {"Fn::Sub": "${Books.Arn}/slices/*"}]
"""The books' files, and the slices that they are made of."""


def test_one_role_for_each_function(template: Template) -> None:
    used = Counter(function["Role"]["Fn::GetAtt"][0] for function in template.functions.values())
    assert set(used.values()) == {1}
    assert set(used) == {name.removesuffix("Function") + "Role" for name in template.functions}
    for role in used:
        policy = template.resources[role]["Properties"]["AssumeRolePolicyDocument"]
        (statement,) = policy["Statement"]
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_no_wildcards(template: Template) -> None:
    for role, statement in statements(template):
        assert statement["Effect"] == "Allow"
        actions = as_list(statement["Action"])
        assert not any("*" in action for action in actions), (role, actions)
        for resource in as_list(statement["Resource"]):
            if set(actions) <= WITHOUT_RESOURCE:
                assert resource == "*"
            else:
                # A reference to something of this stack, never a pattern.
                assert set(resource) <= {"Ref", "Fn::GetAtt", "Fn::Sub"}, (role, resource)
                assert "*" not in str(resource) or resource in (OWN_ROLL_OUTS, ARCHIVE, *BOOKS), (
                    role
                )


def test_functions_have_no_managed_policies(template: Template) -> None:
    managed = {
        name
        for name, role in template.of_type("AWS::IAM::Role").items()
        if role.get("ManagedPolicyArns")
    }
    # CodeDeploy's own, and the region's setting of API Gateway.
    assert managed == {"RollOutRole", "ApiGatewayLogsRole"}


def test_the_table_opens_only_as_far_as_needed(template: Template) -> None:
    found: dict[str, set[tuple[str, str, str]]] = {}
    for role, statement in statements(template):
        for action in as_list(statement["Action"]):
            service, operation = action.split(":")
            if service == "dynamodb" and operation not in STREAM_ACCESS:
                where = place(statement["Resource"])
                condition = statement["Condition"]
                # ForAllValues is true of a request without keys, too.
                assert set(condition) == {"ForAllValues:StringLike", "Null"}
                assert condition["Null"] == {LEADING_KEYS: "false"}
                known = found.setdefault(role.removesuffix("Role"), set())
                # A transaction of several kinds of item is for one statement to allow.
                assert not {each for each in known if each[:2] == (operation, where)}, statement
                known |= {
                    (operation, where, keys)
                    for keys in condition["ForAllValues:StringLike"][LEADING_KEYS]
                }
    assert found == TABLE_ACCESS


def test_only_who_publishes_reads_the_stream(template: Template) -> None:
    readers = {
        (role, str(statement["Resource"]))
        for role, statement in statements(template)
        for action in as_list(statement["Action"])
        if action.removeprefix("dynamodb:") in STREAM_ACCESS
    }
    stream = str({"Fn::GetAtt": ["Table", "StreamArn"]})
    assert readers == {("PublishEventsRole", stream), ("PublishEventsRole", "*")}


def test_only_the_publisher_speaks_on_the_bus_and_under_its_own_name(template: Template) -> None:
    found = [
        (role, statement["Resource"], statement["Condition"])
        for role, statement in statements(template)
        if "events:PutEvents" in as_list(statement["Action"])
    ]
    bus = {"Fn::GetAtt": ["EventBus", "Arn"]}
    assert found == [("PublishEventsRole", bus, {"StringEquals": {"events:source": "o2o"}})]


def test_only_who_speaks_with_doku_reads_its_secret(template: Template) -> None:
    readers = {
        role.removesuffix("Role")
        for role, statement in statements(template)
        if statement["Action"] == "secretsmanager:GetSecretValue"
        and statement["Resource"] == {"Ref": "DokuSecret"}
    }
    configured = {
        name.removesuffix("Function")
        for name, function in template.functions.items()
        if "DOKU_SECRET_NAME" in function["Environment"]["Variables"]
    }
    assert readers == configured == {
        "AnswerInquiry", "GenerateCode", "ReceiveNotification", "ReconcileCodes", "RefreshCode",
    }  # fmt: skip


def test_who_has_the_archive_adds_to_it_and_can_do_nothing_else(template: Template) -> None:
    found = {
        role.removesuffix("Role"): (statement["Action"], statement["Resource"])
        for role, statement in statements(template)
        if "s3:" in str(statement["Action"]) and role != "CloseBooksRole"
    }
    configured = {
        name.removesuffix("Function")
        for name, function in template.functions.items()
        if "ARCHIVE_BUCKET_NAME" in function["Environment"]["Variables"]
    }
    assert configured == {"ReceiveNotification", "ReconcileCodes", "RefreshCode", "CloseBooks"}
    assert found == dict.fromkeys(configured - {"CloseBooks"}, ("s3:PutObject", ARCHIVE))


def test_who_closes_the_books_reads_the_archive_and_deletes_nothing(template: Template) -> None:
    buckets = [{"Fn::GetAtt": ["Archive", "Arn"]}, {"Fn::GetAtt": ["Books", "Arn"]}]
    assert [
        (statement["Action"], statement["Resource"])
        for role, statement in statements(template)
        if "s3:" in str(statement["Action"]) and role == "CloseBooksRole"
    ] == [
        ("s3:ListBucket", buckets),
        ("s3:GetObject", ARCHIVE),
        (["s3:GetObject", "s3:PutObject"], BOOKS),
    ]


def test_only_who_signs_reads_the_master_secret(template: Template) -> None:
    readers = {
        role.removesuffix("Role")
        for role, statement in statements(template)
        if statement["Action"] == "secretsmanager:GetSecretValue"
        and statement["Resource"] == {"Ref": "SigningSecret"}
    }
    configured = {
        name.removesuffix("Function")
        for name, function in template.functions.items()
        if "SIGNING_SECRET_NAME" in function["Environment"]["Variables"]
    }
    assert readers == configured == {"DeliverWebhooks", "GenerateCode", "ShowCode"}


def test_only_who_signs_webhooks_reads_their_root(template: Template) -> None:
    readers = {
        role.removesuffix("Role")
        for role, statement in statements(template)
        if statement["Action"] == "secretsmanager:GetSecretValue"
        and statement["Resource"] == {"Ref": "WebhookSecret"}
    }
    assert readers == {"DeliverWebhooks"}


def test_a_function_logs_into_its_own_group_only(template: Template) -> None:
    groups = {
        name.removesuffix("Function") + "Role": function["LoggingConfig"]["LogGroup"]["Ref"]
        for name, function in template.functions.items()
    }
    logged = {
        role: statement["Resource"]
        for role, statement in statements(template)
        if any(action.startswith("logs:") for action in as_list(statement["Action"]))
    }
    assert logged == {role: {"Fn::GetAtt": [group, "Arn"]} for role, group in groups.items()}


@pytest.fixture(scope="module")
def roles() -> Roles:
    return Roles()


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client(
            "dynamodb",
            region_name="ap-southeast-3",
            aws_access_key_id="none",
            aws_secret_access_key="none",
        )


@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("answer_inquiry", on_table("PutItem", "DIGITS#alfa#8899550001")),
        ("answer_inquiry", on_table("Query", "CODE#INV-1")),
        ("authorize_storefront", on_table("GetItem", "CODE#INV-1")),
        ("authorize_storefront", on_table("PutItem", "KEY#1")),
        ("cancel_code", on_table("DeleteItem", "CODE#INV-1")),
        ("browse_events", Request("secretsmanager:GetSecretValue", "DokuSecret")),
        ("browse_events", Request("sqs:ReceiveMessage", "WebhookQueue")),
        ("cancel_code", Request("secretsmanager:GetSecretValue", "DokuSecret")),
        ("deliver_webhooks", on_table("GetItem", "CODE#INV-1")),
        ("publish_events", on_table("GetItem", "CODE#INV-1")),
        ("publish_events", on_table("PutItem", "CODE#INV-1")),
        ("explain_payment", on_table("PutItem", "CODE#INV-1")),
        ("explain_payment", Request("secretsmanager:GetSecretValue", "DokuSecret")),
        ("generate_code", on_table("DeleteItem", "DIGITS#alfa#8899550001")),
        ("generate_code", on_table("PutItem", "KEY#1")),
        ("read_codes", on_table("Query", "DUE#1", index="due")),
        ("read_codes", on_table("Query", "KEYS#shop", index="listing")),
        ("receive_notification", on_table("DeleteItem", "NOTIFICATION#INV-1")),
        ("close_books", on_table("PutItem", "CODE#INV-1")),
        ("close_books", on_table("DeleteItem", "BOOKS#shop")),
        ("read_books", on_table("GetItem", "BOOKS")),
        ("read_books", on_table("PutItem", "BOOKS#shop")),
        ("expire_codes", Request("sqs:ReceiveMessage", "WebhookQueue")),
        ("describe_api", on_table("GetItem", "CODE#INV-1")),
        ("show_code", on_table("PutItem", "CODE#INV-1")),
        ("show_code", on_table("GetItem", "KEY#1")),
    ],
)
def test_what_a_function_has_no_business_with(roles: Roles, function: str, call: Request) -> None:
    with pytest.raises(NotAllowed):
        roles.check(function, call)


def test_a_transaction_needs_the_permission_of_each_part(roles: Roles, dynamodb: Any) -> None:
    transaction = [
        {"Put": {"TableName": "t", "Item": {"pk": {"S": "CODE#1"}, "sk": {"S": "CODE"}}}},
        {"Delete": {"TableName": "t", "Key": {"pk": {"S": "CODE#1"}, "sk": {"S": "CODE"}}}},
    ]
    with (
        roles.enforced("reconcile_codes", [dynamodb]),
        pytest.raises(NotAllowed, match=r"reconcile_codes may not .*DeleteItem"),
    ):
        dynamodb.transact_write_items(TransactItems=transaction)
    with pytest.raises(dynamodb.exceptions.ClientError):  # nobody minds any more
        dynamodb.transact_write_items(TransactItems=transaction)


@pytest.mark.parametrize("role", sorted(TABLE_ACCESS))
def test_a_transaction_is_one_request_with_all_its_keys(roles: Roles, role: str) -> None:
    """Whether AWS looks at all keys at once or at one after the other: it is allowed."""
    access = TABLE_ACCESS[role]
    function = re.sub("(?<=.)(?=[A-Z])", "_", role).lower()
    for action, where in {(action, where) for action, where, _ in access}:
        keys = [each[2].replace("*", "1") for each in access if each[:2] == (action, where)]
        index = where.partition("index/")[2] or None
        roles.check(function, on_table(action, *keys, index=index))
        with pytest.raises(NotAllowed):
            roles.check(function, on_table(action, *keys, "AUDIT#1", index=index))
        with pytest.raises(NotAllowed):
            roles.check(function, on_table(action, index=index))


def test_a_query_is_judged_by_its_partition_and_index(roles: Roles, dynamodb: Any) -> None:
    query = {
        "TableName": "t",
        "KeyConditionExpression": "listing = :listing",
        "ExpressionAttributeValues": {":listing": {"S": "KEYS#shop"}},
        "IndexName": "listing",
    }
    with roles.enforced("read_codes", [dynamodb]), pytest.raises(NotAllowed):
        dynamodb.query(**query)


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, role in template.of_type("AWS::IAM::Role").items():
        for policy in role.get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def place(resource: dict[str, Any]) -> str:
    if resource == {"Fn::GetAtt": ["Table", "Arn"]}:
        return "Table"
    return str(resource["Fn::Sub"]).removeprefix("${Table.Arn}/")


# --- operators ---------------------------------------------------------------------------------


def operators_statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, policy in template.of_type("AWS::IAM::ManagedPolicy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            yield name, statement


def test_nobody_is_given_an_operators_policy_by_the_stack(template: Template) -> None:
    policies = template.of_type("AWS::IAM::ManagedPolicy")
    assert set(policies) == {"OperatorReads", "OperatorChanges"}
    for policy in policies.values():
        assert set(policy) == {"Description", "PolicyDocument"}


def test_operators_policies_name_what_they_open(template: Template) -> None:
    for name, statement in operators_statements(template):
        assert statement["Effect"] == "Allow"
        opened = as_list(statement["Resource"])
        named = [each for each in opened if each not in (ARCHIVE, *BOOKS)]
        assert "*" not in str(as_list(statement["Action"]) + named), name
        actions = [each for each in as_list(statement["Action"]) if each.startswith("dynamodb:")]
        if actions and actions != ["dynamodb:Scan"]:
            assert statement["Condition"]["Null"] == {LEADING_KEYS: "false"}, statement["Sid"]


def test_who_only_looks_changes_nothing_and_reads_no_secret(template: Template) -> None:
    actions = {
        action
        for name, statement in operators_statements(template)
        if name == "OperatorReads"
        for action in as_list(statement["Action"])
    }
    assert actions == {
        "cloudformation:DescribeStacks",
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:Query",
        "lambda:GetFunctionConfiguration",
        "sqs:ChangeMessageVisibility",  # a letter that was looked at is there again at once
        "sqs:ReceiveMessage",
    }


def test_operators_read_the_settings_of_the_functions_that_commands_run_as(
    template: Template,
) -> None:
    opened = {
        alias["Ref"].removesuffix("FunctionAliaslive")
        for _, statement in operators_statements(template)
        if statement["Action"] == "lambda:GetFunctionConfiguration"
        for alias in statement["Resource"]
    }
    functions = {name.removesuffix("Function") for name in template.written_functions}
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "admin").glob("*.py"))
    assert opened == {name for name in functions if f'"{name}"' in sources}
