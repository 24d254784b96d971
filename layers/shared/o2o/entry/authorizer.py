"""API Gateway's REQUEST authorizer, as messages."""

from typing import Any

from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import (
    APIGatewayAuthorizerRequestEvent,
    APIGatewayAuthorizerResponse,
    parse_api_gateway_arn,
)

from o2o.core.storefronts import ApiKey
from o2o.entry.body import headers_of
from o2o.entry.observability import count
from o2o.entry.settings import AuthorizeSettings

NOBODY = "nobody"


def authorization(event: dict[str, Any]) -> str:
    """The ``Authorization`` header, however its name is spelt."""
    return headers_of(event).get("authorization", "")


def answer(
    event: dict[str, Any], key: ApiKey | None, settings: AuthorizeSettings
) -> dict[str, Any]:
    """The policy. It is cached by header, so it speaks of the whole stage, not of one route.

    A refusal is a Deny rather than an error: it can be cached, and it is no failure of ours.
    The usage key must be one that API Gateway knows, or it refuses the call.
    """
    arn = parse_api_gateway_arn(APIGatewayAuthorizerRequestEvent(event).method_arn)
    policy = APIGatewayAuthorizerResponse(
        principal_id=key.storefront_id if key else NOBODY,
        region=arn.region,
        aws_account_id=arn.aws_account_id,
        api_id=arn.api_id,
        stage=arn.stage,
        context=_context(key, settings) if key else None,
        usage_identifier_key=(key.usage_key or settings.shared_usage_key) if key else None,
    )
    if key:
        policy.allow_all_routes()
    else:
        count("ApiKeyRejected")
        policy.deny_all_routes()
    return policy.asdict()


def _context(key: ApiKey, settings: AuthorizeSettings) -> dict[str, str]:
    """What the functions hear of the caller; API Gateway passes no null on."""
    context = {
        "storefront_id": key.storefront_id,
        "key_id": key.key_id,
        "rate_limit": str(settings.storefront_rate_limit),
    }
    return context if key.namespace is None else context | {"namespace": key.namespace}
