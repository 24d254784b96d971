"""IAM, as far as the functions' roles go: whether a function may make a call.

No engine that stands in for AWS on one machine enforces it, so the workers do, before a call is
sent. Of a transaction or a batch, each action is judged with the keys of the whole request. AWS
does not document whether it does that or looks at one item at a time: what passes here passes
either way.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import botocore.handlers
from botocore.exceptions import ClientError

from local.aws import ACCOUNT
from local.errors import StackError

Statement = Mapping[str, Any]
"""A statement of a policy, its references resolved."""

LEADING_KEYS = "dynamodb:LeadingKeys"

_ACTIONS = {
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "SendMessageBatch": "SendMessage",
}
_OF_API_GATEWAY = {
    "CreateApiKey": ("POST", "/apikeys"),
    "CreateUsagePlanKey": ("POST", "/usageplans/{usagePlanId}/keys"),
    "GetApiKeys": ("GET", "/apikeys"),
    "GetUsagePlanKeys": ("GET", "/usageplans/{usagePlanId}/keys"),
}
_OF_S3 = {"ListObjectsV2": "ListBucket", "ListObjectVersions": "ListBucketVersions"}
_OF_VERSIONS = {"DeleteObject", "GetObject"}
_KEYED_BY = {"Put": "Item", "Update": "Key", "Delete": "Key", "ConditionCheck": "Key"}
_NAMES_ITEMS = {"Item", "Key", "KeyConditionExpression", "RequestItems", "TransactItems"}
_PARTITION_OF_QUERY = re.compile(r"#?\w+ = (:\w+)")


@dataclass(frozen=True, slots=True)
class Request:
    """What IAM is asked: an action, the ARN of what it is done to, the context by its keys."""

    action: str
    resource: str = "*"
    context: Mapping[str, Sequence[str]] | None = None

    @property
    def kinds(self) -> list[str]:
        """The kinds of item that it is about, as policies have them: ``CODE#*``."""
        keys = (self.context or {}).get(LEADING_KEYS, ())
        return sorted({re.sub("#.*", "#*", key, flags=re.DOTALL) for key in keys})


# --- Policies -----------------------------------------------------------------------------


def allows(statements: Sequence[Statement], request: Request) -> bool:
    """Whether a policy of these statements, all of which allow, allows the request."""
    return any(_allows(statement, request) for statement in statements)


def as_list(value: Any) -> list[Any]:
    """What a policy may write as one value or as several."""
    return list(value) if isinstance(value, list) else [value]


def _allows(statement: Statement, request: Request) -> bool:
    if statement["Effect"] != "Allow":
        raise StackError("The local stack supports policies that allow only.")
    context = request.context or {}
    return (
        any(fnmatchcase(request.action, action) for action in as_list(statement["Action"]))
        and any(fnmatchcase(request.resource, each) for each in as_list(statement["Resource"]))
        and all(
            _OPERATORS[operator](context.get(key, ()), as_list(wanted))
            for operator, condition in statement.get("Condition", {}).items()
            for key, wanted in condition.items()
        )
    )


def _all_like(values: Sequence[str], patterns: list[str]) -> bool:
    return all(any(fnmatchcase(value, pattern) for pattern in patterns) for value in values)


def _equals(values: Sequence[str], wanted: list[str]) -> bool:
    return any(value in wanted for value in values)


def _is_null(values: Sequence[str], wanted: list[str]) -> bool:
    return ("false" if values else "true") in wanted


_OPERATORS: Mapping[str, Callable[[Sequence[str], list[str]], bool]] = {
    "ForAllValues:StringLike": _all_like,
    "StringEquals": _equals,
    "Null": _is_null,
}


# --- Calls --------------------------------------------------------------------------------


def requests_of(
    service: str, operation: str, params: Mapping[str, Any], region: str
) -> Iterator[Request]:
    """What IAM is asked about one call of an API: one thing, or one for each of its actions."""
    action = f"{service}:{_ACTIONS.get(operation, operation)}"
    if service == "dynamodb":
        yield from _dynamodb(operation, params, region)
    elif service == "sqs":
        yield Request(action, arn("sqs", params["QueueUrl"].rpartition("/")[2], region))
    elif service in ("cloudformation", "secretsmanager"):
        name = params.get("StackName") or params["SecretId"]
        yield Request(action, arn(service, name, region))
    elif service == "events":
        for entry in params["Entries"]:
            bus = arn("events", entry["EventBusName"], region)
            yield Request(action, bus, {"events:source": [entry["Source"]]})
    elif service == "lambda":
        yield Request(action, params["FunctionName"])
    elif service == "s3":
        place = "/".join(params[name] for name in ("Bucket", "Key") if name in params)
        name = _OF_S3.get(operation, operation)
        # One version is an action of its own.
        of_version = "Version" if "VersionId" in params and operation in _OF_VERSIONS else ""
        yield Request(f"s3:{name}{of_version}", arn("s3", place, region))
    elif service == "apigateway":
        method, path = _OF_API_GATEWAY[operation]
        place = path.format_map(params)
        yield Request(f"apigateway:{method}", f"arn:aws:apigateway:{region}::{place}")
    elif service != "sts":  # which asks for no permission to say who one is
        yield Request(action)


def arn(service: str, name: str, region: str) -> str:
    """The ARN of a table, queue, secret, bus, bucket or stack of a name, which may be the ARN."""
    kind = {
        "cloudformation": "stack/",
        "dynamodb": "table/",
        "events": "event-bus/",
        "secretsmanager": "secret:",
        "sqs": "",
    }
    if name.startswith("arn:"):
        return name
    if service == "s3":
        return f"arn:aws:s3:::{name}"
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{kind[service]}{name}"


def _dynamodb(operation: str, params: Mapping[str, Any], region: str) -> Iterator[Request]:
    if not params.keys() & _NAMES_ITEMS:
        yield Request(f"dynamodb:{operation}", arn("dynamodb", params["TableName"], region))
        return
    found = list(items_of(operation, params))
    keys = sorted({partition for _, _, partition in found})
    for action, place in sorted({(action, place) for action, place, _ in found}):
        yield Request(f"dynamodb:{action}", arn("dynamodb", place, region), {LEADING_KEYS: keys})


def items_of(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What a call of DynamoDB's does: each action, its table or index, and the partition."""
    if operation == "TransactWriteItems":
        for write in params["TransactItems"]:
            ((kind, part),) = write.items()
            yield f"{kind}Item", part["TableName"], part[_KEYED_BY[kind]]["pk"]["S"]
    elif operation == "BatchGetItem":
        for table, wanted in params["RequestItems"].items():
            for key in wanted["Keys"]:
                yield operation, table, key["pk"]["S"]
    elif operation == "Query":
        named = _PARTITION_OF_QUERY.match(params["KeyConditionExpression"])
        if named is None:
            raise StackError(f"No partition is named: {params['KeyConditionExpression']}")
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        partition = params["ExpressionAttributeValues"][named[1]]["S"]
        yield operation, params["TableName"] + index, partition
    else:
        keyed = params.get("Key") or params["Item"]
        yield operation, params["TableName"], keyed["pk"]["S"]


# --- In a worker --------------------------------------------------------------------------


def enforce(function: str, statements: Sequence[Statement], used: Path) -> None:
    """Refuse every call of this process that the role does not allow, as AWS does.

    Each kind of call is written to the file ``used`` when it is first made.
    """
    seen: set[str] = set()

    def judge(params: dict[str, Any], model: Any, context: Mapping[str, Any], **_: object) -> None:
        service, region = model.service_model.service_name, context["client_region"]
        for request in requests_of(service, model.name, params, region):
            if not allows(statements, request):
                raise refusal(function, request, model.name)
            line = json.dumps(
                {
                    "function": function,
                    "action": request.action,
                    "resource": request.resource,
                    "kinds": request.kinds,
                }
            )
            if line not in seen:
                seen.add(line)
                with used.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")

    # Every session has them; a function makes its clients after this.
    botocore.handlers.BUILTIN_HANDLERS.append(("provide-client-params.*.*", judge))


def refusal(function: str, request: Request, operation: str) -> ClientError:
    """The error that AWS would answer with."""
    message = (
        f"{function} is not authorized to perform: {request.action} on resource:"
        f" {request.resource}, kinds of item: {', '.join(request.kinds) or 'none'}"
    )
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, operation)
