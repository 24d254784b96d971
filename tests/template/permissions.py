"""The roles of template.yaml, enforced on the functions that tests call in their own process.

The functions of a local stack are judged by the same rules: ``local/permissions.py``.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from samtranslator.yaml_helper import yaml_parse

from local.permissions import (
    LEADING_KEYS,
    Request,
    allows,
    arn,
    as_list,
    items_of,
    requests_of,
)
from tests.template.model import TEMPLATE

REGION = "ap-southeast-3"
_SERVICES = {
    "AWS::DynamoDB::Table": "dynamodb",
    "AWS::Events::EventBus": "events",
    "AWS::S3::Bucket": "s3",
    "AWS::SQS::Queue": "sqs",
    "AWS::SecretsManager::Secret": "secretsmanager",
}


class Right(NamedTuple):
    """One thing that a role allows: an action on a resource, on one kind of item if it has any."""

    function: str
    action: str
    resource: str
    kind: str = ""


class NotAllowed(AssertionError):
    """The role of the function does not cover the call."""


def on_table(action: str, *partitions: str, index: str | None = None) -> Request:
    """A request about items of a table, whatever its name: see ``Roles.check``."""
    place = "Table" if index is None else f"Table/index/{index}"
    return Request(f"dynamodb:{action}", place, {LEADING_KEYS: partitions})


class Roles:
    """The roles of template.yaml."""

    def __init__(self) -> None:
        template = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
        self._resources = template["Resources"]
        shared = template["Globals"]["Function"]["Environment"]["Variables"]
        self._statements: dict[str, list[dict[str, Any]]] = {}
        self._variables: dict[str, dict[str, Any]] = {}
        self.used: set[Right] = set()
        self._operators: list[list[dict[str, Any]]] = []
        for resource in self._resources.values():
            if resource["Type"] == "AWS::Serverless::Function":
                properties = resource["Properties"]
                role = self._resources[properties["Role"]["Fn::GetAtt"][0]]
                (policy,) = role["Properties"]["Policies"]
                folder = properties["CodeUri"].removeprefix("functions/")
                self._statements[folder] = policy["PolicyDocument"]["Statement"]
                own = properties.get("Environment", {}).get("Variables", {})
                self._variables[folder] = shared | own
            elif resource["Type"] == "AWS::IAM::ManagedPolicy":
                document = resource["Properties"]["PolicyDocument"]
                self._operators.append(document["Statement"])

    def check(self, function: str, request: Request, arns: Mapping[str, str] | None = None) -> None:
        """Raises NotAllowed. ``arns`` are those of the template's resources, else their names."""
        if not _allow(self._statements[function], request, arns or {}):
            raise NotAllowed(f"{function} may not {request}")

    def rights(self) -> set[Right]:
        """All that the functions' roles allow."""
        return {
            Right(function, action, _resolve(resource, {}), kind)
            for function, statements in self._statements.items()
            for statement in statements
            for action in as_list(statement["Action"])
            for resource in as_list(statement["Resource"])
            for kind in _kinds(statement)
        }

    def check_operator(self, request: Request, arns: Mapping[str, str], *, changes: bool) -> None:
        """Raises NotAllowed. ``changes`` if the operator has the second policy, too."""
        reads, writes = self._operators
        if not _allow([*reads, *(writes if changes else ())], request, arns):
            raise NotAllowed(f"an operator may not {request}")

    @contextmanager
    def enforced(self, function: str, clients: Iterable[Any]) -> Iterator[None]:
        """Check every call that these boto3 clients make in the meantime."""
        arns = self._arns(function)

        def before(params: dict[str, Any], model: Any, **_: object) -> None:
            service = model.service_model.service_name
            for request in requests_of(service, model.name, params, REGION):
                self.check(function, request, arns)
            self.used |= set(_rights_of(function, service, model.name, params, arns))

        hooks = [client.meta.events for client in clients]
        for hook in hooks:
            hook.register("provide-client-params.*.*", before, unique_id="permissions")
        try:
            yield
        finally:
            for hook in hooks:
                hook.unregister("provide-client-params.*.*", unique_id="permissions")

    def _arns(self, function: str) -> dict[str, str]:
        """What the function's environment calls the template's resources."""
        found: dict[str, str] = {}
        for variable, value in self._variables[function].items():
            logical_id = value.get("Ref", "") if isinstance(value, dict) else ""
            service = _SERVICES.get(self._resources.get(logical_id, {}).get("Type"))
            if service and variable in os.environ:
                name = os.environ[variable].rpartition("/")[2]  # queues go by their addresses
                found[logical_id] = arn(service, name, REGION)
        return found


def _kinds(statement: Mapping[str, Any]) -> list[str]:
    conditions = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
    return as_list(conditions.get(LEADING_KEYS, ""))


def _rights_of(
    function: str,
    service: str,
    operation: str,
    params: Mapping[str, Any],
    arns: Mapping[str, str],
) -> Iterator[Right]:
    """The rights that one call needs: of a transaction, each for its own item."""
    names = {each: name for name, each in arns.items()}
    if service == "dynamodb":
        for action, place, partition in items_of(operation, params):
            table, _, index = place.partition("/")
            resource = "/".join(filter(None, (names[arn("dynamodb", table, REGION)], index)))
            kind = re.sub("#.*", "#*", partition, flags=re.DOTALL)
            yield Right(function, f"dynamodb:{action}", resource, kind)
    else:
        for request in requests_of(service, operation, params, REGION):
            bucket, _, key = request.resource.partition("/")
            resource = names.get(request.resource) or f"{names[bucket]}/{key.split('/')[0]}/*"
            yield Right(function, request.action, resource)


def _allow(
    statements: Iterable[Mapping[str, Any]], request: Request, arns: Mapping[str, str]
) -> bool:
    resolved = [{**each, "Resource": _resolve(each["Resource"], arns)} for each in statements]
    return allows(resolved, request)


def _resolve(resource: Any, arns: Mapping[str, str]) -> Any:
    match resource:
        case [*several]:
            return [_resolve(each, arns) for each in several]
        case {"Ref": name} | {"Fn::GetAtt": [name, "Arn" | "StreamArn"]}:
            return arns.get(name, name)
        case {"Fn::Sub": text}:
            reference = re.compile(r"\$\{([\w:]+)(?:\.Arn)?\}")
            return reference.sub(lambda found: arns.get(found[1], found[1]), text)
    return resource
