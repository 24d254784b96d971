"""Each handler as Lambda loads it, over moto's AWS and a DOKU on a real socket."""

import importlib.util
import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from moto import mock_aws
from pytest_httpserver import HTTPServer

from o2o.adapters.system import system_clock
from o2o.entry import observability, wiring
from tests.support import tables
from tests.support.settings import CHANNELS, TIMETABLE
from tests.support.world import TurnableClock
from tests.template.permissions import Roles

ROOT = Path(__file__).parents[3]
ROLES = Roles()
SERVICES = ("dynamodb", "events", "s3", "secretsmanager", "sqs")
REGION = "ap-southeast-3"
CLIENT_ID = "MCH-0001-10791114622547"
SECRET_KEY = "SK-local-test-key-0001"

BINS = [
    {"channel": "alfa", "partnership": "aggregator", "bin_type": "general", "bin": "8"},
    {"channel": "alfa", "partnership": "aggregator", "bin_type": "exclusive", "bin": "889955"},
    {"channel": "indomaret", "partnership": "direct", "bin_type": "direct", "bin": "88899"},
]


@dataclass
class Context:
    """Lambda's context."""

    function_name: str = "function"
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:ap-southeast-3:123456789012:function:function"
    aws_request_id: str = "request"
    seconds: float = 15.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class Answer:
    """An answer of a function behind API Gateway."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    raw: str = ""


@dataclass
class Stack:
    """The functions, their clock, and what they run on."""

    clock: TurnableClock
    doku: HTTPServer
    awaited_queue_url: str
    queue_url: str
    webhook_queue_url: str
    dead_letters_url: str
    event_letters_url: str
    modules: dict[str, ModuleType] = field(default_factory=dict)

    def function(self, name: str) -> ModuleType:
        """A handler's module, loaded once, as `app` of its own folder."""
        if name not in self.modules:
            path = ROOT / "functions" / name / "app.py"
            spec = importlib.util.spec_from_file_location(f"{name}_app", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
            self.modules[name] = module
        return self.modules[name]

    def invoke(self, name: str, event: dict[str, Any], **context: Any) -> Any:
        """What the handler answers, with the permissions that template.yaml gives it."""
        function = self.function(name)
        clients = [wiring._client(service) for service in SERVICES]
        with ROLES.enforced(name, [*clients, wiring._patient_client("s3")]):
            return function.lambda_handler(event, Context(**context))

    def take_work(self) -> Iterator[dict[str, Any]]:
        """The messages for ``reconcile_codes``, those that somebody awaits first; then gone."""
        sqs = wiring._client("sqs")
        for url in (self.awaited_queue_url, self.queue_url):
            taken = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            for message in taken.get("Messages", []):
                yield message
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def call(self, name: str, event: dict[str, Any], **context: Any) -> Answer:
        """What API Gateway would make of it."""
        answer = self.invoke(name, event, **context)
        headers = dict(answer.get("headers") or {})
        headers |= {
            key: ",".join(all_) for key, all_ in answer.get("multiValueHeaders", {}).items()
        }
        return Answer(answer["statusCode"], json.loads(answer["body"]), headers, answer["body"])


def counts(printed: str) -> dict[str, float]:
    """The metrics of the invocations, which go to standard output."""
    found: dict[str, float] = {}
    for line in printed.splitlines():
        document = json.loads(line)
        for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
            found[metric["Name"]] = found.get(metric["Name"], 0) + sum(document[metric["Name"]])
    return found


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    """What was counted in this process outside of a function would be told with the first call."""
    observability.metrics.clear_metrics()


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """An event of `events/`, with some of its members changed."""

    def load(name: str, **changes: Any) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text("utf-8"))
        return loaded | changes

    return load


NAMES = count(1)


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """An AWS of moto's. Its clients are costly, so that all tests share them."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_REGION", REGION)
        # Read once, when the first function is loaded.
        patch.setenv("POWERTOOLS_SERVICE_NAME", "o2o")
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "O2O")
        wiring.forget_clients()
        yield
    wiring.forget_clients()


@pytest.fixture
def stack(aws: None, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> Iterator[Stack]:
    """A table, a queue and a secret of its own for each test, and functions that know them."""
    clock = TurnableClock()
    name = f"o2o-{next(NAMES)}"
    tables.create(wiring._client("dynamodb"), name)
    queue_url = wiring._client("sqs").create_queue(QueueName=name)["QueueUrl"]
    awaited_queue_url = wiring._client("sqs").create_queue(QueueName=f"{name}-a")["QueueUrl"]
    webhook_queue_url = wiring._client("sqs").create_queue(QueueName=f"{name}-w")["QueueUrl"]
    dead_letters_url = wiring._client("sqs").create_queue(QueueName=f"{name}-d")["QueueUrl"]
    event_letters_url = wiring._client("sqs").create_queue(QueueName=f"{name}-e")["QueueUrl"]
    wiring._client("events").create_event_bus(Name=name)
    for bucket in (name, f"{name}-books"):
        wiring._client("s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
    wiring._client("secretsmanager").create_secret(
        Name=name, SecretString=json.dumps({"client_id": CLIENT_ID, "secret_key": SECRET_KEY})
    )
    wiring._client("secretsmanager").create_secret(
        Name=f"{name}-signing", SecretString="a-master-secret-for-tests-" * 3
    )
    wiring._client("secretsmanager").create_secret(
        Name=f"{name}-webhooks", SecretString=json.dumps({"current": "a-root-for-tests-" * 3})
    )
    for variable, value in {
        "TABLE_NAME": name,
        "READABLE_BY_01": "false",
        "ARCHIVE_BUCKET_NAME": name,
        "BOOKS_BUCKET_NAME": f"{name}-books",
        "AWAITED_QUEUE_URL": awaited_queue_url,
        "RECONCILE_QUEUE_URL": queue_url,
        "WEBHOOK_QUEUE_URL": webhook_queue_url,
        "WEBHOOK_DEAD_LETTER_QUEUE_URL": dead_letters_url,
        "WEBHOOK_RETRY_MINUTES": "[1,5,30]",
        "WEBHOOK_TIMEOUT_SECONDS": "2",
        "WEBHOOK_ALLOW_LOCAL": "true",
        "EVENT_BUS_NAME": name,
        "EVENT_DEAD_LETTER_QUEUE_URL": event_letters_url,
        "EVENT_RETENTION_DAYS": "90",
        "DOKU_SECRET_NAME": name,
        "DOKU_BASE_URL": httpserver.url_for("").rstrip("/"),
        "DOKU_TIMEOUT_SECONDS": "8",
        "CHANNELS": json.dumps(CHANNELS),
        "BINS": json.dumps(BINS),
        "TIMETABLE": json.dumps(TIMETABLE),
        "CODE_RETENTION_DAYS": "90",
        "EVIDENCE_RETENTION_DAYS": "3650",
        "OVERRIDE_NOTIFICATION_URL": "",
        "REPORT_COLUMNS": "{}",
        "PUBLIC_URL": "",
        "STOREFRONT_RATE_LIMIT": "20",
        "SHARED_USAGE_KEY": "shared-by-those-without",
        "SIGNING_SECRET_NAME": f"{name}-signing",
        "WEBHOOK_SECRET_NAME": f"{name}-webhooks",
    }.items():
        monkeypatch.setenv(variable, value)
    wiring.use_clock(clock)
    yield Stack(
        clock,
        httpserver,
        awaited_queue_url,
        queue_url,
        webhook_queue_url,
        dead_letters_url,
        event_letters_url,
    )
    wiring.use_clock(system_clock)


@pytest.fixture
def logs(aws: None, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the functions log, as CloudWatch would get it."""
    from o2o.entry import observability

    stream = io.StringIO()
    for handler in observability.logger.handlers:
        monkeypatch.setattr(handler, "stream", stream)
    return stream
