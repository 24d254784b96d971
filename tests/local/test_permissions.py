"""Functions are held to their roles, as AWS holds them."""

import json
from typing import Any

import pytest

from local.functions import FunctionError
from local.permissions import LEADING_KEYS, Request, allows, arn, requests_of
from tests.local.shop import Shop

REGION = "us-east-1"
TABLE = arn("dynamodb", "table", REGION)


def test_a_call_that_the_role_does_not_allow_is_refused(shop: Shop) -> None:
    with (
        shop.pool("EchoFunction") as pool,
        pytest.raises(FunctionError, match=r"AccessDenied.* sqs:SendMessage on resource: arn"),
    ):
        pool.submit({"queryStringParameters": {"wish": "send"}}).result()


def test_each_kind_of_call_is_noted_once(shop: Shop) -> None:
    with shop.pool("WorkFunction") as pool:
        for body in ("1", "2"):
            pool.submit({"Records": [{"messageId": body, "body": body}]}).result()
    lines = (shop.folder / "logs" / "calls.jsonl").read_text(encoding="utf-8").splitlines()
    noted = [json.loads(line) for line in lines]
    mine = [each for each in noted if "done-1" in each["kinds"]]
    assert len(mine) == 1
    assert (mine[0]["function"], mine[0]["action"]) == ("WorkFunction", "dynamodb:PutItem")


def test_all_keys_of_a_transaction_are_one_request() -> None:
    def write(kind: str, member: str, pk: str) -> dict[str, Any]:
        return {kind: {"TableName": "table", member: {"pk": {"S": pk}, "sk": {"S": "X"}}}}

    transaction = {
        "TransactItems": [
            write("Put", "Item", "CODE#1"),
            write("Put", "Item", "DIGITS#2"),
            write("ConditionCheck", "Key", "CODE#3"),
        ]
    }
    keys = ["CODE#1", "CODE#3", "DIGITS#2"]
    asked = list(requests_of("dynamodb", "TransactWriteItems", transaction, REGION))
    assert asked == [
        Request("dynamodb:ConditionCheckItem", TABLE, {LEADING_KEYS: keys}),
        Request("dynamodb:PutItem", TABLE, {LEADING_KEYS: keys}),
    ]


def policy(*kinds: str, null: bool = True) -> dict[str, Any]:
    condition: dict[str, Any] = {"ForAllValues:StringLike": {LEADING_KEYS: list(kinds)}}
    if null:
        condition["Null"] = {LEADING_KEYS: "false"}
    return {
        "Effect": "Allow",
        "Action": "dynamodb:PutItem",
        "Resource": TABLE,
        "Condition": condition,
    }


def put(*keys: str) -> Request:
    return Request("dynamodb:PutItem", TABLE, {LEADING_KEYS: keys})


def test_one_statement_has_to_cover_a_request() -> None:
    both = put("CODE#1", "DIGITS#2")
    assert allows([policy("CODE#*", "DIGITS#*")], both)
    assert not allows([policy("CODE#*"), policy("DIGITS#*")], both)


def test_a_request_without_keys_passes_all_values_and_not_null() -> None:
    assert allows([policy("CODE#*", null=False)], put())
    assert not allows([policy("CODE#*")], put())


def test_a_request_is_held_against_action_and_resource() -> None:
    statements = [policy("CODE#*")]
    assert allows(statements, put("CODE#1"))
    index = Request("dynamodb:PutItem", f"{TABLE}/index/due", {LEADING_KEYS: ["CODE#1"]})
    assert not allows(statements, index)
    assert not allows(statements, Request("dynamodb:Scan", TABLE, {LEADING_KEYS: ["CODE#1"]}))
