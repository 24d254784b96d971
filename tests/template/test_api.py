"""The edge: who may come in, how fast, and what they hear when they may not."""

import json
from http import HTTPStatus

import pytest

from o2o.entry import problems
from o2o.entry.http import RATE_LIMIT_POLICY, rate_limit_policy
from tests.template.model import Template

ROUTES = {
    ("get", "/channels"),
    ("get", "/payment-codes"),
    ("post", "/payment-codes"),
    ("get", "/payment-codes/{invoice_number}"),
    ("get", "/payment-codes/{invoice_number}/how-to-pay"),
    ("get", "/payment-codes/{invoice_number}/payments"),
    ("post", "/payment-codes/{invoice_number}/payments/{payment}/resolution"),
    ("get", "/payments"),
    ("post", "/payment-codes/{invoice_number}/cancel"),
    ("post", "/payment-codes/{invoice_number}/refresh"),
    ("get", "/books"),
    ("get", "/books/{date}"),
    ("get", "/events"),
    ("get", "/events/{event_id}"),
    ("post", "/events/redeliver"),
    ("post", "/doku/inquiries"),
    ("post", "/doku/notifications"),
    ("get", "/pay/{token}"),
    ("head", "/pay/{token}"),
    ("get", "/pay/{token}/status"),
    ("get", "/openapi.json"),
    ("get", "/docs"),
    ("get", "/problems/{slug}"),
}
# Nothing in them is a secret.
ABOUT = {("get", "/openapi.json"), ("get", "/docs"), ("get", "/problems/{slug}")}
# DOKU's signature protects the others, or the customer's token.
PUBLIC = {
    ("post", "/doku/inquiries"),
    ("post", "/doku/notifications"),
    ("get", "/pay/{token}"),
    ("head", "/pay/{token}"),
    ("get", "/pay/{token}/status"),
    *ABOUT,
}

ROOM_FOR = 10
"""Storefronts at their limit at once, before a route's ceiling slows them all."""


def test_routes(template: Template) -> None:
    assert routes(template) == ROUTES


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_every_route_but_dokus_and_the_customers_asks_for_a_key(
    template: Template, route: tuple[str, str]
) -> None:
    method, path = route
    security = template.api["paths"][path][method]["security"]
    # "api_key" has API Gateway count the request; the authorizer names what it counts by.
    assert security == ([] if route in PUBLIC else [{"Storefront": []}, {"api_key": []}])


def test_the_authorizer_sees_the_authorization_header(template: Template) -> None:
    scheme = template.api["components"]["securitySchemes"]["Storefront"]
    authorizer = scheme["x-amazon-apigateway-authorizer"]
    assert authorizer["type"] == "request"
    assert authorizer["identitySource"] == "method.request.header.Authorization"
    # The reference has CloudFormation change the API only when the alias's roll-out is through.
    assert "{'Ref': 'AuthorizeStorefrontFunctionAliaslive'}" in str(authorizer["authorizerUri"])
    ttl = template.source["Resources"]["Api"]["Properties"]["Auth"]["Authorizers"]["Storefront"]
    assert ttl["Identity"]["ReauthorizeEvery"] == {"Ref": "AuthorizerTtlSeconds"}
    parameter = template.source["Parameters"]["AuthorizerTtlSeconds"]
    assert (parameter["MinValue"], parameter["MaxValue"]) == (0, 3600)


def test_one_regional_api_with_one_stage(template: Template) -> None:
    (api,) = template.of_type("AWS::ApiGateway::RestApi").values()
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert api["Name"] == {"Ref": "AWS::StackName"}
    assert api["FailOnWarnings"] is True
    (stage,) = template.of_type("AWS::ApiGateway::Stage").values()
    assert stage["StageName"] == "v1"
    (deployment,) = template.of_type("AWS::ApiGateway::Deployment").values()
    assert "StageName" not in deployment  # or there would be a second one, "Stage"


def test_every_route_has_a_limit_and_what_may_ask_doku_a_low_one(template: Template) -> None:
    (stage,) = template.of_type("AWS::ApiGateway::Stage").values()
    rates = {}
    for setting in stage["MethodSettings"]:
        path = setting["ResourcePath"].replace("~1", "/").replace("//", "/")
        rates[setting["HttpMethod"], path] = setting["ThrottlingRateLimit"]
        assert setting["ThrottlingBurstLimit"] >= setting["ThrottlingRateLimit"]
        assert setting["DataTraceEnabled"] is False  # it would log bodies and keys
        assert setting["LoggingLevel"] == "OFF"
    default = rates.pop(("*", "/*"))
    assert default == ROOM_FOR * template.source["Parameters"]["StorefrontRateLimit"]["Default"]
    assert {(method.lower(), path) for method, path in rates} <= ROUTES
    low = {("POST", "refresh"), ("GET", "how-to-pay")}
    assert all(
        rates.pop((method, f"/payment-codes/{{invoice_number}}/{name}")) < default
        for method, name in low
    )
    assert set(rates) == {(method.upper(), path) for method, path in PUBLIC - ABOUT}
    assert all(rate >= default for rate in rates.values())


def test_each_storefront_has_a_limit_that_leaves_room_for_others(template: Template) -> None:
    (plan,) = template.of_type("AWS::ApiGateway::UsagePlan").values()
    parameters = template.source["Parameters"]
    assert plan["Throttle"] == {
        "RateLimit": {"Ref": "StorefrontRateLimit"},
        "BurstLimit": {"Ref": "StorefrontBurstLimit"},
    }
    (stage,) = plan["ApiStages"]
    assert stage["ApiId"] == {"Ref": "Api"}
    assert stage["Stage"] == {"Ref": next(iter(template.of_type("AWS::ApiGateway::Stage")))}
    # What may ask DOKU has a low limit for each storefront, and a ceiling for all of them.
    ((name, own),) = stage["Throttle"].items()
    assert name == "/payment-codes/{invoice_number}/refresh/POST"
    assert own["RateLimit"] < parameters["StorefrontRateLimit"]["Default"]
    ceilings = {
        setting["ResourcePath"].replace("~1", "/").replace("//", "/")
        + "/"
        + setting["HttpMethod"]: setting
        for setting in template.source["Resources"]["Api"]["Properties"]["MethodSettings"]
    }
    assert ceilings[name]["ThrottlingRateLimit"] >= 5 * own["RateLimit"]
    assert ceilings[name]["ThrottlingBurstLimit"] >= 5 * own["BurstLimit"]
    assert (
        ceilings["/*/*"]["ThrottlingBurstLimit"]
        == ROOM_FOR * parameters["StorefrontBurstLimit"]["Default"]
    )


def test_api_gateway_counts_by_what_the_authorizer_names(template: Template) -> None:
    (api,) = template.of_type("AWS::ApiGateway::RestApi").values()
    assert api["ApiKeySourceType"] == "AUTHORIZER"
    # Storefronts without a key of their own share one: nobody is cut off by an upgrade.
    ((name, shared),) = template.of_type("AWS::ApiGateway::ApiKey").items()
    assert shared["Enabled"] is True
    variables = template.functions["AuthorizeStorefrontFunction"]["Environment"]["Variables"]
    assert variables["SHARED_USAGE_KEY"] == shared["Value"]
    assert variables["STOREFRONT_RATE_LIMIT"] == {"Ref": "StorefrontRateLimit"}
    (in_the_plan,) = template.of_type("AWS::ApiGateway::UsagePlanKey").values()
    (plan,) = template.of_type("AWS::ApiGateway::UsagePlan")
    assert in_the_plan == {
        "KeyId": {"Ref": name},
        "KeyType": "API_KEY",
        "UsagePlanId": {"Ref": plan},
    }
    assert template.source["Outputs"]["UsagePlanId"]["Value"] == {"Ref": plan}


def test_the_gateway_names_the_limit_as_the_functions_do(template: Template) -> None:
    answer = template.api["x-amazon-apigateway-gateway-responses"]["THROTTLED"]
    headers = answer["responseParameters"]
    assert headers["gatewayresponse.header.Retry-After"] == "'1'"
    policy = headers[f"gatewayresponse.header.{RATE_LIMIT_POLICY}"]["Fn::Sub"]
    assert policy == f"'{rate_limit_policy('${StorefrontRateLimit}')}'"


def test_a_web_acl_stands_before_the_stage_if_there_is_one(template: Template) -> None:
    ((name, association),) = template.of_type("AWS::WAFv2::WebACLAssociation").items()
    assert template.resources[name]["Condition"] == "HasWebAcl"
    assert template.source["Conditions"]["HasWebAcl"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "WebAclArn"}, ""]}]
    }
    assert association["WebACLArn"] == {"Ref": "WebAclArn"}
    # Through the stage's own id, so that the stage is there before the association.
    (stage,) = template.of_type("AWS::ApiGateway::Stage")
    assert f"/restapis/${{Api}}/stages/${{{stage}}}" in association["ResourceArn"]["Fn::Sub"]


def test_a_route_has_metrics_of_its_own_where_an_alarm_reads_them(template: Template) -> None:
    """Each is billed as a custom metric, five to a route; those of the whole API are free."""
    (stage,) = template.of_type("AWS::ApiGateway::Stage").values()
    measured = {
        (each["HttpMethod"], each["ResourcePath"].replace("~1", "/").replace("//", "/"))
        for each in stage["MethodSettings"]
        if each["MetricsEnabled"]
    }
    read = set()
    for alarm in template.of_type("AWS::CloudWatch::Alarm").values():
        for metric in (alarm, *(each.get("MetricStat", {}) for each in alarm.get("Metrics", []))):
            named = metric.get("Metric", metric).get("Dimensions", [])
            dimensions = {each["Name"]: each["Value"] for each in named}
            if "Method" in dimensions:
                read.add((dimensions["Method"], dimensions["Resource"]))
    assert measured == read


def test_access_logs_are_json_without_anything_personal(template: Template) -> None:
    (stage,) = template.of_type("AWS::ApiGateway::Stage").values()
    access_log = stage["AccessLogSetting"]
    assert access_log["DestinationArn"] == {"Fn::GetAtt": ["ApiAccessLogs", "Arn"]}
    fields = json.loads(access_log["Format"])
    assert {"request_id", "route", "status", "latency_ms", "integration_error"} <= set(fields)
    # An invoice number or a cursor would be in the path and the query.
    for forbidden in ("$context.path", "$input", "header", "querystring", "identity.userAgent"):
        assert forbidden not in access_log["Format"]


@pytest.mark.parametrize(
    ("response", "status", "kind"),
    [
        ("UNAUTHORIZED", 401, "unauthorized"),
        ("ACCESS_DENIED", 401, "unauthorized"),
        ("MISSING_AUTHENTICATION_TOKEN", 404, "not-found"),
        ("INVALID_SIGNATURE", 404, "not-found"),
        ("THROTTLED", 429, "too-many-requests"),
        ("INVALID_API_KEY", 503, "busy"),
        ("REQUEST_TOO_LARGE", 400, "invalid-request"),
        ("AUTHORIZER_FAILURE", 503, "busy"),
        ("DEFAULT_4XX", None, "bad-request"),
        ("DEFAULT_5XX", 500, "internal-error"),
    ],
)
def test_the_gateways_own_answers_are_problems(
    template: Template, response: str, status: int | None, kind: str
) -> None:
    answer = template.api["x-amazon-apigateway-gateway-responses"][response]
    header = "gatewayresponse.header.Content-Type"
    assert answer["responseParameters"][header] == "'application/problem+json'"
    problem = json.loads(answer["responseTemplates"]["application/json"])
    assert problem["type"] == f"/problems/{kind}"
    assert problem["title"]
    ours = problems.BY_SLUG[kind]
    assert problem["title"] == ours.title  # the same words, whoever says them
    if status is None:
        assert "status" not in problem  # the gateway knows many
        assert "statusCode" not in answer
    else:
        assert int(answer["statusCode"]) == problem["status"] == ours.status == HTTPStatus(status)
    if status == HTTPStatus.UNAUTHORIZED:
        assert answer["responseParameters"]["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'"


def routes(template: Template) -> set[tuple[str, str]]:
    return {(method, path) for path, methods in template.api["paths"].items() for method in methods}
