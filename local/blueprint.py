"""The resolved template as the objects that the local stack runs."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.errors import StackError
from local.usage import Throttle, UsagePlan

Resources = Mapping[str, Mapping[str, Any]]

_FUNCTION_ARN = re.compile(r"arn:aws:lambda:[\w-]+:\d+:function:([\w-]+)(?::[\w$-]+)?")
_RATE = re.compile(r"rate\((\d+) (second|minute|hour|day)s?\)")
_UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_API_KEY = "api_key"  # SAM's name for it
_HEADER_SOURCE = "method.request.header."
# The properties of a table that matter locally; recovery, encryption and tags do not.
_TABLE_PROPERTIES = (
    "TableName",
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "ProvisionedThroughput",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
)
_INDEX_PROPERTIES = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Lambda function: its code, its layers, its own environment variables and its rights."""

    name: str
    handler: str
    folder: Path
    layers: tuple[Path, ...]
    environment: Mapping[str, str]
    timeout_seconds: int
    memory_mb: int
    statements: tuple[Mapping[str, Any], ...] = ()
    """Of its role's policies: what it may do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizer:
    """A REQUEST authorizer of the API. Its results are cached by the values of its headers."""

    function: str
    identity_headers: tuple[str, ...]
    ttl_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method and path of the API, and the function that answers."""

    method: str
    path: str
    function: str
    authorizer: Authorizer | None
    needs_key: bool
    """Whether a caller must have an API key, which here the authorizer names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResponse:
    """The template's version of one of API Gateway's own error responses."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    template: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The REST API: routes, own error responses by type, binary media types, and its usage plan."""

    stage: str
    routes: tuple[Route, ...]
    gateway_responses: Mapping[str, GatewayResponse]
    binary_media_types: frozenset[str]
    usage_plan: UsagePlan | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule: a function and the JSON text that it is called with at a fixed rate."""

    name: str
    function: str
    every_seconds: int
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSource:
    """An event source mapping from an SQS queue to a function."""

    queue_url: str
    queue_arn: str
    function: str
    batch_size: int
    partial_failures: bool
    max_concurrency: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSource:
    """An event source mapping from a table's stream to a function."""

    name: str
    table: str
    function: str
    batch_size: int
    partial_failures: bool
    bisect: bool
    max_retries: int | None
    on_failure_arn: str | None
    patterns: tuple[Mapping[str, Any], ...] = ()
    """Filters: a record that matches none of them is skipped. Without any, none is skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The arguments of DynamoDB's ``CreateTable`` and ``UpdateTimeToLive``."""

    definition: Mapping[str, Any]
    ttl_attribute: str | None

    @property
    def name(self) -> str:
        """The table's physical name."""
        return str(self.definition["TableName"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """Everything that the local stack runs; functions are keyed by their logical ids."""

    functions: Mapping[str, Function]
    api: Api
    schedules: tuple[Schedule, ...]
    queue_sources: tuple[QueueSource, ...]
    stream_sources: tuple[StreamSource, ...]
    tables: tuple[Table, ...]

    def setting(self, name: str) -> str | None:
        """The value of an environment variable in any function that has it, or ``None``."""
        values = (function.environment.get(name) for function in self.functions.values())
        return next((value for value in values if value), None)


def read_blueprint(resources: Resources, root: Path) -> Blueprint:
    """Read resolved resources; folders of functions and layers are under ``root``.

    Raises ``StackError`` for a feature of AWS that the local stack does not support.
    """
    layers = {
        resource["Ref"]: root / resource["Properties"]["Content"]["S3Key"]
        for _, resource in _of_type(resources, "AWS::Lambda::LayerVersion")
    }
    queues = {}
    for _, resource in _of_type(resources, "AWS::SQS::Queue"):
        queues[resource["Properties"]["QueueName"]] = resource["Ref"]
    mappings = [
        (name, resource["Properties"])
        for name, resource in _of_type(resources, "AWS::Lambda::EventSourceMapping")
    ]
    roles = {name: role["Properties"] for name, role in _of_type(resources, "AWS::IAM::Role")}
    return Blueprint(
        functions={
            name: _function(name, resource["Properties"], layers, roles, root)
            for name, resource in _of_type(resources, "AWS::Lambda::Function")
        },
        api=_api(resources),
        schedules=tuple(
            _schedule(name, resource["Properties"])
            for name, resource in _of_type(resources, "AWS::Scheduler::Schedule")
        ),
        queue_sources=tuple(
            _queue_source(properties, queues)
            for _, properties in mappings
            if ":sqs:" in properties["EventSourceArn"]
        ),
        stream_sources=tuple(
            _stream_source(name, properties)
            for name, properties in mappings
            if ":dynamodb:" in properties["EventSourceArn"]
        ),
        tables=tuple(
            _table(resource["Properties"])
            for _, resource in _of_type(resources, "AWS::DynamoDB::Table")
        ),
    )


def _of_type(resources: Resources, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, each) for name, each in sorted(resources.items()) if each["Type"] == kind)


def _function_name(reference: str) -> str:
    """The name of the function in an ARN or an integration's URI, or the reference itself."""
    found = _FUNCTION_ARN.search(reference)
    return found.group(1) if found else reference


def _function(
    name: str,
    properties: Mapping[str, Any],
    layers: Mapping[str, Path],
    roles: Mapping[str, Mapping[str, Any]],
    root: Path,
) -> Function:
    role = roles.get(properties.get("Role", "").rpartition(":")[2], {})
    variables = properties.get("Environment", {}).get("Variables", {})
    return Function(
        name=name,
        handler=properties["Handler"],
        folder=root / properties["Code"]["S3Key"],
        layers=tuple(layers[layer] for layer in properties.get("Layers", []) if layer in layers),
        environment={key: str(value) for key, value in variables.items()},
        timeout_seconds=int(properties.get("Timeout", 3)),
        memory_mb=int(properties.get("MemorySize", 128)),
        statements=tuple(
            statement
            for policy in role.get("Policies", ())
            for statement in policy["PolicyDocument"]["Statement"]
        ),
    )


def _api(resources: Resources) -> Api:
    apis = list(_of_type(resources, "AWS::ApiGateway::RestApi"))
    if len(apis) != 1:
        raise StackError(f"The template has {len(apis)} REST APIs; the local stack supports one.")
    body = apis[0][1]["Properties"]["Body"]
    # Swagger 2 and OpenAPI 3 differ in where they keep them.
    schemes = body.get("securityDefinitions") or body.get("components", {}).get("securitySchemes")
    authorizers = {
        name: _authorizer(name, definition)
        for name, definition in (schemes or {}).items()
        if "x-amazon-apigateway-authorizer" in definition
    }
    stages = [stage["Properties"] for _, stage in _of_type(resources, "AWS::ApiGateway::Stage")]
    return Api(
        stage=stages[0]["StageName"] if stages else "local",
        routes=tuple(
            Route(
                method=method.upper(),
                path=path,
                function=_function_name(operation["x-amazon-apigateway-integration"]["uri"]),
                authorizer=_authorizer_of(operation, authorizers),
                needs_key=any(_API_KEY in each for each in operation.get("security", ())),
            )
            for path, operations in body["paths"].items()
            for method, operation in operations.items()
            if operation.get("x-amazon-apigateway-integration", {}).get("type") == "aws_proxy"
        ),
        gateway_responses={
            kind: _gateway_response(definition)
            for kind, definition in body.get("x-amazon-apigateway-gateway-responses", {}).items()
        },
        binary_media_types=frozenset(body.get("x-amazon-apigateway-binary-media-types", ())),
        usage_plan=_usage_plan(resources),
    )


def _usage_plan(resources: Resources) -> UsagePlan | None:
    plans = [plan for _, plan in _of_type(resources, "AWS::ApiGateway::UsagePlan")]
    if not plans:
        return None
    if len(plans) != 1:
        raise StackError("The template has several usage plans; the local stack supports one.")
    properties = plans[0]["Properties"]
    (stage,) = properties["ApiStages"]
    methods = {}
    for name, throttle in stage.get("Throttle", {}).items():
        path, _, method = name.rpartition("/")
        methods[f"{method} {path}"] = _throttle(throttle)
    return UsagePlan(
        plan_id=plans[0]["Ref"], throttle=_throttle(properties["Throttle"]), methods=methods
    )


def _throttle(properties: Mapping[str, Any]) -> Throttle:
    return Throttle(rate=float(properties["RateLimit"]), burst=int(properties["BurstLimit"]))


def _authorizer(name: str, definition: Mapping[str, Any]) -> Authorizer:
    details = definition["x-amazon-apigateway-authorizer"]
    sources = [source.strip() for source in details.get("identitySource", "").split(",") if source]
    if details.get("type") != "request" or not all(
        source.startswith(_HEADER_SOURCE) for source in sources
    ):
        raise StackError(
            f"Authorizer {name}: the local stack supports REQUEST authorizers on headers only."
        )
    return Authorizer(
        function=_function_name(details["authorizerUri"]),
        identity_headers=tuple(source.removeprefix(_HEADER_SOURCE).lower() for source in sources),
        ttl_seconds=int(details.get("authorizerResultTtlInSeconds", 300)),
    )


def _authorizer_of(
    operation: Mapping[str, Any], authorizers: Mapping[str, Authorizer]
) -> Authorizer | None:
    names = [name for requirement in operation.get("security", ()) for name in requirement]
    return next((authorizers[name] for name in names if name in authorizers), None)


def _gateway_response(definition: Mapping[str, Any]) -> GatewayResponse:
    prefix = "gatewayresponse.header."
    templates = definition.get("responseTemplates", {})
    return GatewayResponse(
        status=int(definition["statusCode"]) if definition.get("statusCode") else None,
        headers={
            name.removeprefix(prefix).lower(): value.removeprefix("'").removesuffix("'")
            for name, value in definition.get("responseParameters", {}).items()
            if name.startswith(prefix) and value.startswith("'")
        },
        template=templates.get("application/json"),
    )


def _schedule(name: str, properties: Mapping[str, Any]) -> Schedule:
    expression = properties["ScheduleExpression"]
    rate = _RATE.fullmatch(expression)
    if rate is None:
        raise StackError(f"Schedule {name}: {expression} is no rate; others are not supported.")
    target = properties["Target"]
    return Schedule(
        name=name,
        function=_function_name(target["Arn"]),
        every_seconds=int(rate.group(1)) * _UNIT_SECONDS[rate.group(2)],
        payload=target.get("Input", "{}"),
    )


def _partial_failures(properties: Mapping[str, Any]) -> bool:
    return "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ())


def _queue_source(properties: Mapping[str, Any], queues: Mapping[str, str]) -> QueueSource:
    arn = properties["EventSourceArn"]
    concurrency = properties.get("ScalingConfig", {}).get("MaximumConcurrency")
    return QueueSource(
        queue_url=queues[arn.rpartition(":")[2]],
        queue_arn=arn,
        function=_function_name(properties["FunctionName"]),
        batch_size=int(properties.get("BatchSize", 10)),
        partial_failures=_partial_failures(properties),
        max_concurrency=None if concurrency is None else int(concurrency),
    )


def _stream_source(name: str, properties: Mapping[str, Any]) -> StreamSource:
    retries = int(properties.get("MaximumRetryAttempts", -1))
    on_failure = properties.get("DestinationConfig", {}).get("OnFailure", {})
    filters = properties.get("FilterCriteria", {}).get("Filters", ())
    patterns = tuple(json.loads(each["Pattern"]) for each in filters)
    for pattern in patterns:
        _check_pattern(name, pattern)
    return StreamSource(
        name=name,
        table=properties["EventSourceArn"].split(":table/")[1].split("/")[0],
        function=_function_name(properties["FunctionName"]),
        batch_size=int(properties.get("BatchSize", 100)),
        partial_failures=_partial_failures(properties),
        bisect=properties.get("BisectBatchOnFunctionError") is True,
        max_retries=None if retries < 0 else retries,
        on_failure_arn=on_failure.get("Destination"),
        patterns=patterns,
    )


def _check_pattern(name: str, pattern: Mapping[str, Any]) -> None:
    for wanted in pattern.values():
        if isinstance(wanted, Mapping):
            _check_pattern(name, wanted)
        elif not all(_is_supported(each) for each in wanted):
            raise StackError(
                f"{name}: the local stack supports filters by equal strings and prefixes only."
            )


def _is_supported(wanted: object) -> bool:
    if isinstance(wanted, Mapping):
        return wanted.keys() == {"prefix"} and isinstance(wanted["prefix"], str)
    return isinstance(wanted, str)


def _table(properties: Mapping[str, Any]) -> Table:
    definition = {key: properties[key] for key in _TABLE_PROPERTIES if key in properties}
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if kind in definition:
            definition[kind] = [
                {key: index[key] for key in _INDEX_PROPERTIES if key in index}
                for index in definition[kind]
            ]
    if stream := properties.get("StreamSpecification"):
        definition["StreamSpecification"] = {"StreamEnabled": True, **stream}
    ttl = properties.get("TimeToLiveSpecification", {})
    return Table(definition=definition, ttl_attribute=ttl.get("AttributeName"))
