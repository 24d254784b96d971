"""What a client does at its first call and never again, done before a snapshot is taken.

botocore resolves an operation's shapes and the service's address at the first call, and keeps both
in the client. So each operation is called once here, unsigned and with nobody at the other end:
nothing leaves the process, and nothing secret is read (decision 0098).
"""

from collections.abc import Mapping
from typing import Any

from botocore import UNSIGNED, xform_name
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders

_KEY = {"pk": {"S": "-"}, "sk": {"S": "-"}}
_WRITE = {
    "TableName": "-",
    "Item": _KEY,
    "ConditionExpression": "-",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}

CALLS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "dynamodb": {
        "GetItem": {"TableName": "-", "Key": _KEY},
        "PutItem": _WRITE,
        "Query": {"TableName": "-", "KeyConditionExpression": "-"},
        "TransactWriteItems": {"TransactItems": [{"Put": _WRITE}]},
    },
    "s3": {"PutObject": {"Bucket": "bucket", "Key": "-", "Body": b"-"}},
    "secretsmanager": {"GetSecretValue": {"SecretId": "-"}},
}
"""What is called first by whom a customer or a cashier waits for."""


def prime(client: Any) -> None:
    """Do what the first calls of a client would do."""
    events = client.meta.events
    events.register_first("choose-signer", _unsigned)
    events.register_first("before-send", _answer)
    try:
        for operation, parameters in CALLS.get(client.meta.service_model.service_name, {}).items():
            getattr(client, xform_name(operation))(**parameters)
    finally:
        events.unregister("choose-signer", _unsigned)
        events.unregister("before-send", _answer)


def _unsigned(**_: Any) -> Any:
    return UNSIGNED


def _answer(request: AWSRequest, **_: Any) -> AWSResponse:
    return AWSResponse(request.url or "", 200, HTTPHeaders(), _Nothing())


class _Nothing:
    """The body of an answer that says nothing."""

    def stream(self) -> list[bytes]:
        return []
