"""What the local stack reads out of a template."""

import copy
import json
from typing import Any

import pytest

from local.blueprint import read_blueprint
from local.errors import StackError
from tests.local.shop import FIXTURES, Shop


def changed(shop: Shop, resource: str, **properties: Any) -> dict[str, Any]:
    resources = copy.deepcopy(dict(shop.resources))
    resources[resource]["Properties"].update(properties)
    return resources


def test_functions_come_with_folder_layer_limits_and_resolved_environment(shop: Shop) -> None:
    echo = shop.blueprint.functions["EchoFunction"]
    assert echo.folder == FIXTURES / "functions/echo"
    assert echo.layers == (FIXTURES / "layers/shared",)
    assert (echo.handler, echo.timeout_seconds, echo.memory_mb) == ("app.lambda_handler", 2, 256)
    assert echo.environment == {
        "STAGE": "dev",
        "TABLE_NAME": "shop-Table",
        "GREETING": "Selamat datang",
        "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/shop-Queue",
    }


def test_a_resource_whose_condition_is_false_does_not_exist(shop: Shop) -> None:
    assert "OnlyInProdFunction" not in shop.blueprint.functions


def test_routes_know_their_function_behind_an_alias_and_their_authorizer(shop: Shop) -> None:
    routes = {(route.method, route.path): route for route in shop.blueprint.api.routes}
    assert set(routes) == {
        ("GET", "/greetings"),
        ("GET", "/greetings/mine"),
        ("GET", "/greetings/{name}"),
        ("GET", "/files/{path+}"),
        ("GET", "/counted/{name}"),
        ("POST", "/counted/{name}"),
        ("POST", "/greetings"),
        ("POST", "/open"),
    }
    assert {route.function for route in routes.values()} == {"EchoFunction"}
    assert routes["POST", "/open"].authorizer is None
    assert {name for name, route in routes.items() if route.needs_key} == {
        ("GET", "/counted/{name}"),
        ("POST", "/counted/{name}"),
    }
    guard = routes["GET", "/greetings"].authorizer
    assert guard is not None
    assert (guard.function, guard.identity_headers) == ("GuardFunction", ("authorization",))
    assert guard.ttl_seconds == 300
    assert shop.blueprint.api.stage == "v1"


def test_openapi_3_keeps_authorizers_elsewhere(shop: Shop) -> None:
    body = copy.deepcopy(shop.resources["Api"]["Properties"]["Body"])
    body["components"] = {"securitySchemes": body.pop("securityDefinitions")}
    api = read_blueprint(changed(shop, "Api", Body=body), FIXTURES).api
    assert api == shop.blueprint.api


def test_gateway_responses_and_binary_types(shop: Shop) -> None:
    unauthorized = shop.blueprint.api.gateway_responses["UNAUTHORIZED"]
    assert unauthorized.status == 401
    assert unauthorized.headers == {"content-type": "application/problem+json"}
    assert shop.blueprint.api.binary_media_types == {"image/png"}


def test_schedules_have_a_rate(shop: Shop) -> None:
    (schedule,) = shop.blueprint.schedules
    assert (schedule.function, schedule.every_seconds) == ("TickFunction", 60)
    assert schedule.payload == '{"beat": true}'


@pytest.mark.parametrize("expression", ["cron(0 12 * * ? *)", "at(2026-01-01T00:00:00)", "rate(5)"])
def test_a_schedule_of_another_form_is_refused_by_name(shop: Shop, expression: str) -> None:
    resources = changed(shop, "TickFunctionMinute", ScheduleExpression=expression)
    with pytest.raises(StackError, match="TickFunctionMinute"):
        read_blueprint(resources, FIXTURES)


def test_queue_source(shop: Shop) -> None:
    (source,) = shop.blueprint.queue_sources
    assert source.queue_url.endswith("/shop-Queue")
    assert source.queue_arn == "arn:aws:sqs:us-east-1:123456789012:shop-Queue"
    assert (source.function, source.batch_size) == ("WorkFunction", 5)
    assert (source.partial_failures, source.max_concurrency) == (True, 2)


def test_stream_source(shop: Shop) -> None:
    (source,) = shop.blueprint.stream_sources
    assert (source.table, source.function) == ("shop-Table", "WatchFunction")
    assert (source.bisect, source.max_retries, source.batch_size) == (True, 1, 10)
    assert source.on_failure_arn == "arn:aws:sqs:us-east-1:123456789012:shop-DeadLetters"


def with_filter(shop: Shop, pattern: object) -> Any:
    criteria = {"Filters": [{"Pattern": json.dumps(pattern)}]}
    return changed(shop, "WatchFunctionStream", FilterCriteria=criteria)


def test_a_filter_for_equal_texts_is_read(shop: Shop) -> None:
    keys = {"sk": {"S": ["CODE", {"prefix": "EDITION#"}]}}
    pattern = {"eventName": ["INSERT"], "dynamodb": {"Keys": keys}}
    (source,) = read_blueprint(with_filter(shop, pattern), FIXTURES).stream_sources
    assert source.patterns == (pattern,)


def test_a_filter_for_texts_that_begin_so_is_read(shop: Shop) -> None:
    pattern = {"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "BOOKS#"}]}}}}
    (source,) = read_blueprint(with_filter(shop, pattern), FIXTURES).stream_sources
    assert source.patterns == (pattern,)


@pytest.mark.parametrize("wanted", [[{"suffix": "CO"}], [1], ["CODE", {"exists": False}]])
def test_a_filter_that_would_be_misunderstood_is_refused(shop: Shop, wanted: object) -> None:
    resources = with_filter(shop, {"dynamodb": {"Keys": {"sk": {"S": wanted}}}})
    with pytest.raises(StackError, match="equal strings"):
        read_blueprint(resources, FIXTURES)


def test_an_authorizer_on_something_else_than_headers_is_refused(shop: Shop) -> None:
    body = copy.deepcopy(shop.resources["Api"]["Properties"]["Body"])
    details = body["securityDefinitions"]["Guard"]["x-amazon-apigateway-authorizer"]
    details["identitySource"] = "method.request.querystring.key"
    with pytest.raises(StackError, match="Guard"):
        read_blueprint(changed(shop, "Api", Body=body), FIXTURES)


def test_the_table_is_created_as_declared(shop: Shop) -> None:
    (table,) = shop.blueprint.tables
    assert table.name == "shop-Table"
    assert table.ttl_attribute == "ttl"
    assert table.definition["StreamSpecification"] == {
        "StreamEnabled": True,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    assert "PointInTimeRecoverySpecification" not in table.definition


def test_a_setting_is_found_in_whichever_function_has_it(shop: Shop) -> None:
    assert shop.blueprint.setting("GREETING") == "Selamat datang"
    assert shop.blueprint.setting("NOBODY_HAS_THIS") is None
