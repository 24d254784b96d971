"""The events that AWS passes to functions, in the form in which AWS builds them.

The API is behind a custom domain here, whose mapping names the stage: the paths of its events begin
with the base path, if there is one, and not with the stage (decision 0056).
"""

import base64
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from local.aws import ACCOUNT, REGION
from local.blueprint import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request to the API as received; paths and ``query`` are still percent-encoded.

    ``route_path`` is what follows the base path, or ``None`` if the path does not begin with it.
    """

    method: str
    path: str
    route_path: str | None
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str
    protocol: str
    received_at: datetime
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def header(self, name: str) -> str:
        """The last value of a header, by its name in any case; empty if it is missing."""
        return next((v for k, v in reversed(self.headers) if k.lower() == name.lower()), "")


def _last(pairs: Iterable[tuple[str, str]]) -> dict[str, str] | None:
    return dict(pairs) or None


def _all(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]] | None:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values or None


def method_arn(stage: str, request: HttpRequest) -> str:
    """The ARN of the requested method, as an authorizer's policies name it."""
    return (
        f"arn:aws:execute-api:{REGION}:{ACCOUNT}:local/{stage}/{request.method}{request.route_path}"
    )


# AWS spells these names so, and lets those of others as they came; it keeps two to itself.
_SPELT = {
    name.lower(): name
    for name in (
        *("Authorization", "Host", "User-Agent"),
        *("X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"),
    )
}
_KEPT = {"connection", "content-length"}


def _headers(request: HttpRequest) -> list[tuple[str, str]]:
    return [
        (_SPELT.get(name.lower(), name), value)
        for name, value in request.headers
        if name.lower() not in _KEPT
    ]


def _base(
    request: HttpRequest, route: Route, parameters: Mapping[str, str], stage: str
) -> dict[str, Any]:
    """The part of the event that authorizers and proxy functions have in common."""
    query = parse_qsl(request.query, keep_blank_values=True)
    headers = _headers(request)
    domain = request.header("host")
    return {
        "resource": route.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": _last(headers),
        "multiValueHeaders": _all(headers),
        "queryStringParameters": _last(query),
        "multiValueQueryStringParameters": _all(query),
        "pathParameters": dict(parameters) or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "deploymentId": "local",
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "extendedRequestId": request.request_id,
            "httpMethod": request.method,
            "identity": {
                **dict.fromkeys(_UNKNOWN),
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent") or None,
            },
            "path": request.path,
            "protocol": request.protocol,
            "requestId": request.request_id,
            "requestTime": request.received_at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": int(request.received_at.timestamp() * 1000),
            "resourceId": route.path,
            "resourcePath": route.path,
            "stage": stage,
        },
    }


_UNKNOWN = (
    *("accessKey", "accountId", "caller", "cognitoAuthenticationProvider"),
    *("cognitoAuthenticationType", "cognitoIdentityId", "cognitoIdentityPoolId"),
    *("principalOrgId", "user", "userArn"),
)
"""What ``identity`` says of callers without AWS credentials: null."""


def authorizer_event(
    request: HttpRequest, route: Route, parameters: Mapping[str, str], stage: str
) -> dict[str, Any]:
    """The event of a REQUEST authorizer."""
    return {
        "type": "REQUEST",
        "methodArn": method_arn(stage, request),
        **_base(request, route, parameters, stage),
    }


def proxy_event(
    request: HttpRequest,
    route: Route,
    parameters: Mapping[str, str],
    stage: str,
    *,
    authorizer: Mapping[str, Any] | None,
    binary_media_types: frozenset[str],
) -> dict[str, Any]:
    """The event of a Lambda proxy integration (format 1.0)."""
    event = _base(request, route, parameters, stage)
    if authorizer is not None:
        event["requestContext"]["authorizer"] = dict(authorizer)
    body, encoded = _body(request, binary_media_types)
    return {**event, "body": body, "isBase64Encoded": encoded}


def _body(request: HttpRequest, binary_media_types: frozenset[str]) -> tuple[str | None, bool]:
    """The body, and whether it is base64.

    API Gateway garbles bytes that are not UTF-8 unless the media type is binary. Here they are
    base64 instead.
    """
    if not request.body:
        return None, False
    media_type = request.header("content-type").partition(";")[0].strip().lower()
    if media_type not in binary_media_types and "*/*" not in binary_media_types:
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True


def queue_event(messages: Iterable[Mapping[str, Any]], queue_arn: str) -> dict[str, Any]:
    """The event of an SQS event source, from the messages that ReceiveMessage returned."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {
                    name: {
                        "dataType": attribute["DataType"],
                        "stringValue": attribute.get("StringValue"),
                        "stringListValues": [],
                        "binaryListValues": [],
                    }
                    for name, attribute in message.get("MessageAttributes", {}).items()
                },
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": REGION,
            }
            for message in messages
        ]
    }


def stream_event(records: Iterable[Mapping[str, Any]], stream_arn: str) -> dict[str, Any]:
    """The event of a DynamoDB stream, from the records that GetRecords returned."""
    return {
        "Records": [
            {
                **_as_json({key: record[key] for key in _STREAM_FIELDS if key in record}),
                "eventSourceARN": stream_arn,
            }
            for record in records
        ]
    }


_STREAM_FIELDS = (
    "eventID",
    "eventName",
    "eventVersion",
    "eventSource",
    "awsRegion",
    "dynamodb",
    "userIdentity",
)


def _as_json(value: Any) -> Any:
    """A value of boto3 as Lambda's JSON has it: times in seconds since 1970, bytes as base64."""
    if isinstance(value, Mapping):
        return {key: _as_json(each) for key, each in value.items()}
    if isinstance(value, list | set):
        return [_as_json(each) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    return value
