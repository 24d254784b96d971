"""Codes and payments outlive mistakes; secrets are nowhere."""

import json

import pytest

from o2o.adapters.dynamodb import table as keys
from tests.template.model import ROOT, Template


def test_the_table_stays_whatever_happens_to_the_stack(template: Template) -> None:
    table = template.resources["Table"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }
    assert table["Properties"]["DeletionProtectionEnabled"] == {"Fn::If": ["IsProd", True, False]}
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}


def test_the_table_pays_by_use_up_to_a_ceiling(template: Template) -> None:
    table = template.resources["Table"]["Properties"]
    ceiling = {
        "MaxReadRequestUnits": {"Ref": "MaxReadUnits"},
        "MaxWriteRequestUnits": {"Ref": "MaxWriteUnits"},
    }
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["OnDemandThroughput"] == ceiling
    # An index with a lower ceiling would hold up the writes of the table.
    for index in table["GlobalSecondaryIndexes"]:
        assert index["OnDemandThroughput"] == ceiling


def test_the_table_tells_of_its_changes_and_forgets_in_time(template: Template) -> None:
    table = template.resources["Table"]["Properties"]
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


@pytest.mark.parametrize(
    ("index", "partition", "sort"),
    [
        (keys.DUE_INDEX, "due_shard", "due_at"),
        (keys.LISTING_INDEX, "listing", "created_at"),
        (keys.PAID_INDEX, "paid_to", "paid_at"),
    ],
)
def test_the_indexes_are_the_codes(
    template: Template, index: str, partition: str, sort: str
) -> None:
    table = template.resources["Table"]["Properties"]
    declared = {each["IndexName"]: each for each in table["GlobalSecondaryIndexes"]}
    assert set(declared) == {keys.DUE_INDEX, keys.LISTING_INDEX, keys.PAID_INDEX}
    assert declared[index]["KeySchema"] == [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]
    # Nothing is read from an index and then trusted.
    assert declared[index]["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_the_archive_is_private_and_stays_whatever_happens_to_the_stack(
    template: Template,
) -> None:
    archive = template.resources["Archive"]
    assert archive["DeletionPolicy"] == archive["UpdateReplacePolicy"] == "Retain"
    settings = archive["Properties"]
    assert set(settings["PublicAccessBlockConfiguration"].values()) == {True}
    assert settings["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    (statement,) = template.resources["ArchivePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert "BucketName" not in settings


def test_the_archive_loses_nothing_before_its_time(template: Template) -> None:
    settings = template.resources["Archive"]["Properties"]
    assert settings["VersioningConfiguration"] == {"Status": "Enabled"}
    forget, tidy = settings["LifecycleConfiguration"]["Rules"]
    assert forget["ExpirationInDays"] == {"Ref": "EvidenceRetentionDays"}
    assert forget["NoncurrentVersionExpiration"] == {"NoncurrentDays": 35}
    assert "ExpirationInDays" not in tidy
    # It can't be turned on later by whoever has the objects already; without a rule it locks none.
    assert settings["ObjectLockEnabled"] is True
    assert settings["ObjectLockConfiguration"]["Rule"] == {
        "Fn::If": [
            "LocksArchive",
            {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": {"Ref": "ArchiveLockDays"}}},
            {"Ref": "AWS::NoValue"},
        ]
    }


@pytest.mark.parametrize("name", ["DokuSecret", "WebhookSecret"])
def test_a_secret_is_created_empty_and_stays(template: Template, name: str) -> None:
    secret = template.resources[name]
    assert not {"SecretString", "GenerateSecretString"} & set(secret["Properties"])
    assert secret["DeletionPolicy"] == secret["UpdateReplacePolicy"] == "Retain"


def test_the_master_secret_is_made_once_and_stays(template: Template) -> None:
    secret = template.resources["SigningSecret"]
    assert secret["Properties"]["GenerateSecretString"]["PasswordLength"] >= 32
    assert secret["DeletionPolicy"] == secret["UpdateReplacePolicy"] == "Retain"
    assert "Name" not in secret["Properties"]


def test_nothing_that_could_be_replaced_has_a_name_of_its_own(template: Template) -> None:
    names = {
        "FunctionName", "LogGroupName", "QueueName", "RoleName", "TableName", "AlarmName",
        "BucketName", "TopicName",
    }  # fmt: skip
    owners = {"AWS::Lambda::Function", "AWS::Logs::LogGroup", "AWS::SQS::Queue", "AWS::IAM::Role",
              "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::CloudWatch::Alarm"}  # fmt: skip
    for name, resource in template.resources.items():
        if resource["Type"] in owners:
            named = [
                str(resource["Properties"][each]) for each in names & set(resource["Properties"])
            ]
            # What is named after the build makes place for its successor.
            assert all("${BuildHash}" in each for each in named), name
    for secret in template.of_type("AWS::SecretsManager::Secret").values():
        assert "Name" not in secret


def test_no_update_can_replace_or_delete_what_could_not_be_made_again(template: Template) -> None:
    allow, deny = json.loads((ROOT / "tools" / "stack-policy.json").read_text("utf-8"))["Statement"]
    assert (allow["Effect"], allow["Action"], allow["Resource"]) == ("Allow", "Update:*", "*")
    assert (deny["Effect"], set(deny["Action"])) == ("Deny", {"Update:Replace", "Update:Delete"})
    kept = {
        f"LogicalResourceId/{name}"
        for name, resource in template.resources.items()
        if resource["Type"]
        in {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"}
    }
    assert set(deny["Resource"]) == kept
