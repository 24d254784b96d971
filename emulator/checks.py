"""What only a deployment shows, checked from outside: by the API, the console and AWS's clients."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import requests

from emulator.stack import NAME, EmulatedStack
from emulator.waiting import wait_for
from local.demo import expect
from tools.artefacts import read_functions
from tools.build import BUILT

_COUNTED: Mapping[str, tuple[str, str, str]] = {
    "AWS::CloudWatch::Alarm": ("cloudwatch", "describe_alarms", "MetricAlarms"),
    "AWS::DynamoDB::Table": ("dynamodb", "list_tables", "TableNames"),
    "AWS::IAM::Role": ("iam", "list_roles", "Roles"),
    "AWS::Lambda::EventSourceMapping": (
        "lambda",
        "list_event_source_mappings",
        "EventSourceMappings",
    ),
    "AWS::Lambda::Function": ("lambda", "list_functions", "Functions"),
    "AWS::Logs::LogGroup": ("logs", "describe_log_groups", "logGroups"),
    "AWS::SQS::Queue": ("sqs", "list_queues", "QueueUrls"),
    "AWS::Scheduler::Schedule": ("scheduler", "list_schedules", "Schedules"),
    "AWS::SecretsManager::Secret": ("secretsmanager", "list_secrets", "SecretList"),
}
"""How what was created is listed by the service itself, which was empty before."""


def everything_is_there(stack: EmulatedStack) -> str:
    """Each resource of the template exists, for CloudFormation and for its own service."""
    declared = stack.declared
    pages = stack.client("cloudformation").get_paginator("list_stack_resources")
    created = {
        each["LogicalResourceId"]
        for page in pages.paginate(StackName=NAME)
        for each in page["StackResourceSummaries"]
        if each["ResourceStatus"] == "CREATE_COMPLETE"
    }
    expect("The resources that are missing", [], sorted(declared.keys() - created))
    counts = Counter(declared.values())
    for kind, (service, operation, key) in _COUNTED.items():
        listed = stack.client(service).get_paginator(operation).paginate()
        expect(f"How many there are of {kind}", counts[kind], sum(len(p[key]) for p in listed))
    rules = stack.client("events").list_rules(EventBusName=stack.outputs["EventBusName"])["Rules"]
    expect("The rules on the bus", counts["AWS::Events::Rule"], len(rules))
    return f"{len(created)} resources"


def functions_have_their_settings(stack: EmulatedStack) -> str:
    """Each function's alias has the environment variables that the template declares, filled in."""
    functions = read_functions(BUILT / "template.yaml")
    for name, function in functions.items():
        alias = stack.outputs[f"{name.removesuffix('Function')}Alias"]
        configured = stack.client("lambda").get_function_configuration(FunctionName=alias)
        variables = configured["Environment"]["Variables"]
        expect(
            f"The settings of {name}",
            sorted({**function.shared, **function.variables}),
            sorted(variables),
        )
        odd = [key for key, value in variables.items() if not isinstance(value, str)]
        expect(f"The settings of {name} that are no text", [], odd)
    return f"{len(functions)} functions"


def a_cashier_asks(stack: EmulatedStack) -> str:
    """DOKU's signed inquiry about a code that lives here is answered, and its payment arrives."""
    order = {
        "invoice_number": "EMULATED-DIPC",
        "amount": 30_000,
        "channel": "indomaret",
        "feature": "dipc",
        "customer": {"name": "Sri Rahayu"},
    }
    code = call(stack.description, "POST", "/payment-codes", order)
    expect("The status of a POST for dipc", 201, code.status_code)
    paid = doku(stack.description, "/pay", {"payment_code": code.json()["payment_code"]})
    expect("Whether the till took the money", 200, paid.status_code)
    wait_for("the payment", lambda: _status(stack, "EMULATED-DIPC") == "paid")
    view = call(stack.description, "GET", "/payment-codes/EMULATED-DIPC").json()
    expect("Whether there was an inquiry", expected=True, seen=view["inquired_at"] is not None)
    return f"asked at {view['inquired_at']}, paid at {view['paid_at']}"


def webhooks_arrive(stack: EmulatedStack) -> str:
    """Each event of the stack's was delivered, by stream, queue and function."""
    events = call(stack.description, "GET", "/events?limit=100").json()["items"]
    wanted = {each["id"] for each in events}
    expect("Whether there are events", expected=True, seen=len(wanted) > 0)

    def received() -> list[dict[str, Any]]:
        url = f"{stack.description['console_url']}/_local/webhooks"
        items: list[dict[str, Any]] = _get(url).json()["items"]
        return items

    wait_for(
        "each event's webhook",
        lambda: wanted <= {each["headers"]["webhook-id"] for each in received()},
    )
    expect("The webhooks that are not signed", [], [e for e in received() if not e["verified"]])
    return f"{len(wanted)} events"


def the_schedule_runs(stack: EmulatedStack) -> str:
    """The schedule itself has run its function: its event is not the one that this tool sends."""

    def ran() -> bool:
        lines = stack.logs().get("ExpireCodesLogs", [])
        return any(event.get("source") == "aws.scheduler" for event in logged_events(lines))

    wait_for("a run of the schedule", ran)
    return "expire_codes ran by itself"


def a_custom_domain_answers(stack: EmulatedStack) -> str:
    """The API answers behind a base path of a custom domain."""
    host, base_path = "pay.example.com", "cash"
    gateway = stack.client("apigateway")
    gateway.create_domain_name(domainName=host, endpointConfiguration={"types": ["REGIONAL"]})
    gateway.create_base_path_mapping(
        domainName=host, basePath=base_path, restApiId=stack.api_id, stage="v1"
    )
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {stack.description['api_key']}", "Host": host}
        answer = session.get(f"{stack.url}/{base_path}/channels", headers=headers, timeout=60)
    expect("The status of GET /channels there", 200, answer.status_code)

    def paths() -> list[str]:
        return [
            event["requestContext"]["path"]
            for event in logged_events(stack.logs()["ReadCodesLogs"])
            if host in event["headers"].values()
        ]

    wait_for("its event in the log", lambda: bool(paths()))
    if paths() != [f"/{base_path}/channels"]:
        stack.seen.note("base-path", paths()[0])
    return f"called as /{base_path}/channels, the function is told {paths()[0]}"


def nothing_failed(stack: EmulatedStack) -> str:
    """No function has logged an error, and no queue of dead letters has any."""
    broken = [
        f"{group}: {line}"
        for group, lines in stack.logs().items()
        for line in lines
        if '"level":"ERROR"' in line
    ]
    expect("What functions have logged as errors", [], broken)
    sqs = stack.client("sqs")
    for name, url in stack.outputs.items():
        if "DeadLetterQueue" in name:
            attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            expect(name, "0", attributes["Attributes"]["ApproximateNumberOfMessages"])
    return "no errors, no dead letters"


CHECKS: tuple[Callable[[EmulatedStack], str], ...] = (
    everything_is_there,
    functions_have_their_settings,
    a_cashier_asks,
    webhooks_arrive,
    the_schedule_runs,
    a_custom_domain_answers,
    nothing_failed,
)


# --- helpers --------------------------------------------------------------------------------


def logged_events(lines: Iterable[str]) -> list[dict[str, Any]]:
    """The events that a function was run with, from its log."""
    found = []
    for line in lines:
        try:
            message = json.loads(line).get("message")
        except (ValueError, AttributeError):
            continue
        if isinstance(message, dict):
            found.append(message)
    return found


def call(
    about: Mapping[str, Any], method: str, path: str, body: Mapping[str, Any] | None = None
) -> requests.Response:
    """Call the API of a stack as its storefront."""
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {about['api_key']}"}
        url = about["api_url"] + path
        return session.request(method, url, json=body, headers=headers, timeout=60)


def doku(about: Mapping[str, Any], path: str, body: Mapping[str, Any]) -> requests.Response:
    """Have a stack's simulator of DOKU do something."""
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"{about['doku']['base_url']}/_control{path}", json=body, timeout=60)


def _get(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=60)


def _status(stack: EmulatedStack, invoice_number: str) -> str:
    view = call(stack.description, "GET", f"/payment-codes/{invoice_number}").json()
    return str(view["status"])
