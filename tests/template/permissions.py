"""IAM, as far as the functions' roles go: may this function make this call?

moto and Dynoxide let everybody do everything. While ``enforced``, each call of the boto3 clients is
held against the role that the template gives to the function under way.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from tests.template.model import TEMPLATE

_SERVICE_ACTIONS = {
    ("sqs", "SendMessageBatch"): "SendMessage",
    ("sqs", "DeleteMessageBatch"): "DeleteMessage",
    ("sqs", "ChangeMessageVisibilityBatch"): "ChangeMessageVisibility",
}
_WRITES = {"Put": "Item", "Update": "Key", "Delete": "Key", "ConditionCheck": "Key"}


@dataclass(frozen=True)
class Call:
    """What IAM sees of a call: an action, and of DynamoDB the index and the partition."""

    action: str
    index: str | None = None
    partition: str | None = None


class NotAllowed(AssertionError):
    """The role of the function does not cover the call."""


class Roles:
    """The roles of template.yaml."""

    def __init__(self) -> None:
        resources = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))["Resources"]
        self._statements: dict[str, list[dict[str, Any]]] = {}
        for resource in resources.values():
            if resource["Type"] == "AWS::Serverless::Function":
                role = resources[resource["Properties"]["Role"]["Fn::GetAtt"][0]]
                (policy,) = role["Properties"]["Policies"]
                folder = resource["Properties"]["CodeUri"].removeprefix("functions/")
                self._statements[folder] = policy["PolicyDocument"]["Statement"]

    def check(self, function: str, call: Call) -> None:
        """Raises NotAllowed."""
        if not any(_covers(statement, call) for statement in self._statements[function]):
            raise NotAllowed(f"{function} may not {call}")

    @contextmanager
    def enforced(self, function: str, clients: Iterable[Any]) -> Iterator[None]:
        """Check every call that these boto3 clients make in the meantime."""

        def before(params: dict[str, Any], model: Any, **_: object) -> None:
            for call in calls(model.service_model.service_name, model.name, params):
                self.check(function, call)

        hooks = [client.meta.events for client in clients]
        for hook in hooks:
            hook.register("provide-client-params.*.*", before, unique_id="permissions")
        try:
            yield
        finally:
            for hook in hooks:
                hook.unregister("provide-client-params.*.*", unique_id="permissions")


def calls(service: str, operation: str, params: dict[str, Any]) -> Iterator[Call]:
    """What IAM is asked about one call of an API: one thing, or one for each part of it."""
    if service != "dynamodb":
        yield Call(f"{service}:{_SERVICE_ACTIONS.get((service, operation), operation)}")
    elif operation == "TransactWriteItems":
        for write in params["TransactItems"]:
            ((kind, part),) = write.items()
            yield Call(f"dynamodb:{kind}Item", None, part[_WRITES[kind]]["pk"]["S"])
    elif operation == "BatchGetItem":
        for request in params["RequestItems"].values():
            for key in request["Keys"]:
                yield Call("dynamodb:BatchGetItem", None, key["pk"]["S"])
    elif operation == "Query":
        found = re.match(r"#?\w+ = (:\w+)", params["KeyConditionExpression"])
        assert found, params["KeyConditionExpression"]
        partition = params["ExpressionAttributeValues"][found[1]]["S"]
        yield Call("dynamodb:Query", params.get("IndexName"), partition)
    else:
        keyed = params.get("Key") or params["Item"]
        yield Call(f"dynamodb:{operation}", None, keyed["pk"]["S"])


def _covers(statement: dict[str, Any], call: Call) -> bool:
    actions = statement["Action"]
    if call.action not in (actions if isinstance(actions, list) else [actions]):
        return False
    if call.partition is None:
        return True
    place = "!Table" if call.index is None else f"${{Table.Arn}}/index/{call.index}"
    resource = statement["Resource"]
    declared = "!Table" if resource == {"Fn::GetAtt": ["Table", "Arn"]} else resource["Fn::Sub"]
    pattern = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return bool(declared == place and fnmatchcase(call.partition, pattern))
