"""The table, as ``template.yaml`` defines it and nothing else does."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TEMPLATE = Path(__file__).parents[2] / "template.yaml"
_TABLE = "Table"


@cache
def definition() -> dict[str, Any]:
    """The table's keys and indexes; the limits of throughput are parameters of a deployment."""
    properties = yaml_parse(_TEMPLATE.read_text(encoding="utf-8"))["Resources"][_TABLE][
        "Properties"
    ]
    indexes = [
        {name: value for name, value in index.items() if name != "OnDemandThroughput"}
        for index in properties["GlobalSecondaryIndexes"]
    ]
    return {
        "AttributeDefinitions": properties["AttributeDefinitions"],
        "KeySchema": properties["KeySchema"],
        "GlobalSecondaryIndexes": indexes,
        "BillingMode": properties["BillingMode"],
    }


def create(client: "DynamoDBClient", name: str) -> None:
    """Create the table under a name."""
    client.create_table(TableName=name, **definition())
