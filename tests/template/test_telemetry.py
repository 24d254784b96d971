"""What is told of a call: nothing that names a customer or an order, or opens a payment page.

Functions' logs, metrics and dead letters are held to it where they are written:
`tests/integration/functions/test_events.py`.
"""

import json
import re

from tests.template.model import Template

# The whole address of a call, its headers, its body and its query are none of these.
MAY_BE_LOGGED = {
    "authorizer.latency", "authorizer.status", "authorizer.storefront_id", "error.responseType",
    "httpMethod", "identity.sourceIp", "integration.error", "integration.latency",
    "integration.status", "requestId", "requestTime", "resourcePath", "responseLatency",
    "responseLength", "status", "waf.status",
}  # fmt: skip


def test_the_access_log_has_routes_and_no_addresses(template: Template) -> None:
    (stage,) = template.of_type("AWS::ApiGateway::Stage").values()
    told = stage["AccessLogSetting"]["Format"]
    assert set(re.findall(r"\$context\.([\w.]+)", told)) == MAY_BE_LOGGED
    assert json.loads(told)["route"] == "$context.httpMethod $context.resourcePath"


def test_nothing_is_traced(template: Template) -> None:
    # API Gateway's segments hold the whole address, a page's token and an invoice number in it.
    (stage,) = template.of_type("AWS::ApiGateway::Stage").values()
    assert not stage.get("TracingEnabled")
    for name, function in template.functions.items():
        assert function.get("TracingConfig", {}).get("Mode", "PassThrough") == "PassThrough", name
    assert "xray:" not in json.dumps(template.resources)


def test_api_gateway_logs_no_execution(template: Template) -> None:
    (stage,) = template.of_type("AWS::ApiGateway::Stage").values()
    for setting in stage["MethodSettings"]:
        assert (setting["LoggingLevel"], setting["DataTraceEnabled"]) == ("OFF", False)


def test_no_place_for_what_failed_gets_the_record_itself(template: Template) -> None:
    # SQS is told where a record was; a bucket would get the record, with the customer's name.
    for name, mapping in template.of_type("AWS::Lambda::EventSourceMapping").items():
        destination = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if destination is not None:
            place = template.resources[destination["Fn::GetAtt"][0]]
            assert place["Type"] == "AWS::SQS::Queue", name
