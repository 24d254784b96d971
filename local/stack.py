"""The supervisor: starts the parts of the stack in order, and stops them in reverse."""

import contextlib
import json
import queue
import secrets
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from local import engine
from local.aws import client
from local.blueprint import Blueprint, Resources, read_blueprint
from local.clock import SharedClock
from local.console import Console
from local.desk import DeskProcess
from local.errors import StackError
from local.forward import Forward
from local.functions import FunctionPool, SharedSettings, make_pool, prepare
from local.gateway import TIMEOUT_SECONDS, Gateway
from local.ports import HOST, PortChoice, port_of, release
from local.processes import Children, only_one
from local.receiver import Receiver
from local.servers import Servers
from local.sources import QueuePoller, Scheduler, StreamPoller, backlog
from local.storefront import STOREFRONT, DemoStorefront
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.signing import Signing, WebhookRoots
from o2o.adapters.usage_plan import UsagePlan
from o2o.version import VERSION
from simulator import Bin, ConfigError, Simulator, SimulatorConfig, StartError
from simulator.faults import KINDS
from simulator.store.orders import STATUSES

if TYPE_CHECKING:
    import socket

ROOT = Path(__file__).parent.parent
NAME = "o2o-local"
CLIENT_ID = "MCH-LOCAL-0001"
# Every type of BIN that DOKU has, for the API and the simulator; and one with the features that are
# inferred for Indomaret, which a BIN has only if its entry names them.
BINS: tuple[dict[str, Any], ...] = (
    {"channel": "alfa", "partnership": "aggregator", "bin_type": "general", "bin": "8"},
    {"channel": "alfa", "partnership": "aggregator", "bin_type": "exclusive", "bin": "889955"},
    {"channel": "alfa", "partnership": "direct", "bin_type": "direct", "bin": "70014"},
    {"channel": "indomaret", "partnership": "direct", "bin_type": "direct", "bin": "88899"},
    {
        "channel": "indomaret",
        "partnership": "direct",
        "bin_type": "direct",
        "bin": "88900",
        "features": ["mgpc", "dipc"],
    },
)
BINS_AT_DOKU = tuple(
    Bin(
        channel=each["channel"],
        type=each["bin_type"],
        digits=each["bin"],
        features=each.get("features"),
    )
    for each in BINS
)
"""The same as the simulator is told them."""
# The template's parameters, which a deployment has in samconfig.toml.
PARAMETERS = {
    "Stage": "dev",
    "BuildHash": "0" * 64,
    "Version": VERSION,
    "Bins": json.dumps(BINS),
    # Seen in the simulator's order: `GET /_control/orders/{invoice_number}`.
    "ReportColumns": json.dumps({"storefront": "Storefront", "invoice_number": "Invoice number"}),
    "ManageApiGatewayAccount": "no",
    "CodeRetentionDays": "7",
    "EvidenceRetentionDays": "30",
    "WebhookAllowLocal": "true",
    # As fast as this machine is; `--parameter` gives a real limit.
    "StorefrontRateLimit": "1000",
    "StorefrontBurstLimit": "2000",
}
_MAX_LOG_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of a local stack. Ports that are not given are the previous ones, else any.

    ``base_path`` goes before the API's routes, as behind a custom domain: empty, or like ``/o2o``.
    """

    state_dir: Path
    api_port: int | None = None
    simulator_port: int | None = None
    console_port: int | None = None
    base_path: str = ""
    dynamodb_url: str | None = None
    workers: int = 4
    kill_points: bool = False
    """Whether functions' processes can be made to die at their calls: ``local.kill_points``."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Of the template, instead of ``PARAMETERS``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The description of a running stack."""

    description: Mapping[str, Any]
    """The content of ``stack.json``."""
    note: str | None
    """A warning for the developer: the data is kept in memory only."""


class Stack:
    """One local stack, with its data in one folder.

    ``stop`` may be called at any time, also after a ``start`` that failed halfway.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._folder = options.state_dir.absolute()
        self._undo = contextlib.ExitStack()
        self._deaths: queue.Queue[str] = queue.Queue()
        self._children = Children(self._folder, self._deaths.put)
        self._clock = SharedClock(self._folder / "clock")

    def start(self) -> Started:
        """Start everything and return once it responds. Raises ``StackError`` if a part fails."""
        if self._options.dynamodb_url is not None:
            engine.check(self._options.dynamodb_url)
        try:
            self._take_folder()
        except OSError as error:
            raise StackError(f"{self._folder} can't be used ({error.strerror}).") from None
        ports = _Ports(self._options, self._load("ports.json"))
        self._undo.callback(ports.close)
        kept = self._load("credentials.json").items()
        credentials = {name: text for name, text in kept if isinstance(text, str)}
        credentials.setdefault("secret_key", f"SK-{secrets.token_urlsafe(24)}")
        # Customers' page addresses are derived from it, so it must survive a restart.
        credentials.setdefault("signing_secret", secrets.token_urlsafe(48))
        credentials.setdefault("webhook_secret", secrets.token_urlsafe(48))

        # The slow ones first: they start while the others are set up.
        self._undo.callback(self._children.stop)
        cloud_output = self._start_cloud(f"http://{HOST}:{port_of(ports.simulator)}")
        dynamodb_url, note = self._start_engine(ports)
        prepare()
        simulator = self._start_simulator(ports, credentials["secret_key"])
        cloud = json.loads(cloud_output.readline() or "null")
        if cloud is None:
            raise StackError(f"moto did not start; see {self._folder}/logs/cloud.log.")
        if "error" in cloud:
            raise StackError(cloud["error"])
        dynamodb_url = dynamodb_url or cloud["url"]
        blueprint = read_blueprint(cloud["resources"], ROOT)

        shared = SharedSettings(
            aws_url=cloud["url"],
            dynamodb_url=dynamodb_url,
            clock=self._folder / "clock",
            logs=self._folder / "logs",
            kill_points=self._folder / "kill-points" if self._options.kill_points else None,
        )
        console_url = f"http://{HOST}:{port_of(ports.console)}"
        storefront = self._set_up(blueprint, dynamodb_url, cloud["url"], credentials, console_url)
        pools = self._start_pools(blueprint, shared)
        scheduler = Scheduler(blueprint.schedules, pools)

        api_url = self._api_url(ports)
        description = {
            "api_url": api_url,
            "api_key": credentials["api_key"],
            "doku": {
                "base_url": simulator.url,
                "client_id": CLIENT_ID,
                "secret_key": credentials["secret_key"],
            },
            "notification_url": f"{api_url}/doku/notifications",
            "inquiry_url": f"{api_url}/doku/inquiries",
            "console_url": console_url,
            "dynamodb_url": dynamodb_url,
            "aws_url": cloud["url"],
            "outputs": _outputs(cloud["resources"]),
        }
        desk = DeskProcess(self._folder)
        self._undo.callback(desk.stop)
        console = Console(
            clock=self._clock,
            run_schedules=scheduler.run_all,
            moved=simulator.wake,
            logs=self._folder / "logs",
            about={
                "storefront": STOREFRONT,
                "api_url": api_url,
                "cashier_url": f"{simulator.url}/cashier",
                "doku_url": f"{simulator.url}/_control",
                "dynamodb_url": dynamodb_url,
                "faults": {
                    name: {
                        "operations": kind.operations,
                        "parameters": {
                            each: {"default": parameter.default, "choices": parameter.choices}
                            for each, parameter in kind.parameters.items()
                        },
                    }
                    for name, kind in KINDS.items()
                },
                "channels": sorted({each["channel"] for each in BINS}),
                "statuses": STATUSES,
            },
            api=Forward(api_url, storefront.api_key),
            doku=Forward(f"{simulator.url}/_control"),
            desk=desk,
            receiver=Receiver(secrets=storefront.webhook_secrets, now=self._clock.now),
        )
        gateway = Gateway(blueprint.api, pools, self._clock.now, self._options.base_path)
        servers = Servers([(gateway, ports.api), (console.app, ports.console)])
        servers.start()
        self._undo.callback(servers.stop)
        self._start_sources(blueprint, pools, scheduler, cloud["url"], dynamodb_url)
        self._children.watch()
        self._save("ports.json", ports.numbers())
        self._save(
            "functions.json",
            {name: shared.environment(each) for name, each in blueprint.functions.items()},
        )
        self._describe(description)
        self._undo.callback(self._forget_description)
        return Started(description=description, note=note)

    def wait(self, stop_requested: threading.Event) -> None:
        """Wait for the event. Raises ``StackError`` when a child process ends unexpectedly."""
        while not stop_requested.is_set():
            with contextlib.suppress(queue.Empty):
                raise StackError(self._deaths.get(timeout=0.2))

    def stop(self) -> None:
        """Stop everything that was started."""
        self._undo.close()

    def _api_url(self, ports: "_Ports") -> str:
        return f"http://{HOST}:{port_of(ports.api)}{self._options.base_path}"

    # --- the parts ---------------------------------------------------------------------------

    def _start_cloud(self, doku_url: str) -> IO[str]:
        """Start moto with the template; returns the output on which it reports its resources."""
        cloud_input, cloud_output = self._children.start(
            "cloud", [sys.executable, "-m", "local.cloud"]
        )
        request = {
            "template": str(ROOT / "template.yaml"),
            "parameters": {**PARAMETERS, "DokuBaseUrl": doku_url, **self._options.parameters},
            "name": NAME,
            "objects": str(self._folder / "objects"),
        }
        cloud_input.write(json.dumps(request) + "\n")
        cloud_input.flush()
        return cloud_output

    def _start_engine(self, ports: "_Ports") -> tuple[str | None, str | None]:
        """The engine's URL (``None``: moto's), and a note for the developer."""
        if self._options.dynamodb_url is not None:
            return self._options.dynamodb_url, None
        program = engine.find_dynoxide(ROOT)
        if program is None:
            return None, engine.explain_moto()
        port = release(ports.dynamodb)
        database = self._folder / "dynamodb.sqlite"
        return engine.start_dynoxide(self._children, program, database, port), None

    def _start_simulator(self, ports: "_Ports", secret_key: str) -> Simulator:
        doku_url = f"{self._api_url(ports)}/doku"
        channels = {each["channel"] for each in BINS}
        try:
            simulator = Simulator(
                SimulatorConfig(
                    client_id=CLIENT_ID,
                    secret_key=secret_key,
                    port=release(ports.simulator),
                    database=self._folder / "simulator.sqlite",
                    notification_urls=dict.fromkeys(channels, f"{doku_url}/notifications"),
                    inquiry_urls=dict.fromkeys(channels, f"{doku_url}/inquiries"),
                    # A function is loaded at its first event, which a busy machine may take
                    # longer for than DOKU would wait.
                    notification_timeout_seconds=TIMEOUT_SECONDS,
                    inquiry_timeout_seconds=TIMEOUT_SECONDS,
                    bins=BINS_AT_DOKU,
                    now=self._clock.now,
                )
            ).start()
        except (ConfigError, StartError) as error:
            raise StackError(str(error)) from error
        self._undo.callback(simulator.stop)
        return simulator

    def _set_up(
        self,
        blueprint: Blueprint,
        dynamodb_url: str,
        aws_url: str,
        credentials: dict[str, str],
        console_url: str,
    ) -> DemoStorefront:
        """Make what is not there yet: tables, secrets, the demo storefront and its key."""
        plan = blueprint.api.usage_plan
        if plan is None:
            raise StackError("The template has no usage plan.")
        secretsmanager = client("secretsmanager", aws_url)
        secretsmanager.put_secret_value(
            SecretId=blueprint.setting("DOKU_SECRET_NAME"),
            SecretString=json.dumps(
                {"client_id": CLIENT_ID, "secret_key": credentials["secret_key"]}
            ),
        )
        signing_secret_name = blueprint.setting("SIGNING_SECRET_NAME") or ""
        secretsmanager.put_secret_value(
            SecretId=signing_secret_name, SecretString=credentials["signing_secret"]
        )
        webhook_secret_name = blueprint.setting("WEBHOOK_SECRET_NAME") or ""
        secretsmanager.put_secret_value(
            SecretId=webhook_secret_name,
            SecretString=json.dumps({"current": credentials["webhook_secret"]}),
        )
        dynamodb = client("dynamodb", dynamodb_url)
        signing = Signing(secretsmanager, signing_secret_name)
        storefront = DemoStorefront(
            Store(dynamodb, blueprint.setting("TABLE_NAME") or ""),
            WebhookRoots(secretsmanager, webhook_secret_name, signing, report=_fail),
            UsagePlan(client("apigateway", aws_url), plan.plan_id, "local"),
            self._clock.now,
            credentials.get("api_key", ""),
            self._keep_key,
        )
        with engine.telling(dynamodb_url):
            for table in blueprint.tables:
                engine.create_table(dynamodb, table)
            storefront.open(console_url)
            credentials["api_key"] = storefront.api_key()
        self._save("credentials.json", credentials)
        return storefront

    def _start_pools(self, blueprint: Blueprint, shared: SharedSettings) -> dict[str, FunctionPool]:
        pools = {}
        for name, function in blueprint.functions.items():
            pools[name] = make_pool(function, shared, self._options.workers)
            self._undo.callback(pools[name].close)
        return pools

    def _start_sources(
        self,
        blueprint: Blueprint,
        pools: Mapping[str, FunctionPool],
        scheduler: Scheduler,
        aws_url: str,
        dynamodb_url: str,
    ) -> None:
        sqs = client("sqs", aws_url, read_timeout=30)
        sources: list[Scheduler | QueuePoller | StreamPoller] = [
            QueuePoller(source, pools[source.function], sqs) for source in blueprint.queue_sources
        ]
        dynamodb = client("dynamodb", dynamodb_url)
        # botocore's validation refuses Dynoxide's shard ids as too short.
        streams = client("dynamodbstreams", dynamodb_url, parameter_validation=False)
        for source in blueprint.stream_sources:
            table = dynamodb.describe_table(TableName=source.table)["Table"]

            def give_up(queue_arn: str, notice: Mapping[str, Any]) -> None:
                url = sqs.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
                sqs.send_message(QueueUrl=url, MessageBody=json.dumps(notice))

            sources.append(
                StreamPoller(
                    source,
                    pools[source.function],
                    streams,
                    table["LatestStreamArn"],
                    self._folder / f"stream-{source.name}.json",
                    give_up,
                    # They are in moto's memory.
                    lambda: not backlog(sqs, [each.queue_url for each in blueprint.queue_sources]),
                )
            )
        for each in (*sources, scheduler):
            each.start()
            self._undo.callback(each.stop)

    # --- the folder --------------------------------------------------------------------------

    def _take_folder(self) -> None:
        """Make the folder if it is missing, lock it, and clear what an earlier stack left."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("logs", "kill-points") if self._options.kill_points else ("logs",):
            (self._folder / name).mkdir(exist_ok=True)
        self._undo.enter_context(only_one(self._folder))
        self._forget_description()
        self._children.end_leftovers()
        self._rotate_logs()
        self._clock.now()  # while nothing runs that goes by it

    def _load(self, name: str) -> dict[str, Any]:
        """The content of a file, or nothing if it is missing or damaged."""
        try:
            document = json.loads((self._folder / name).read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def _save(self, name: str, document: Mapping[str, Any]) -> None:
        self._write(name, json.dumps(document, indent=2) + "\n")

    def _write(self, name: str, text: str) -> None:
        """Replace a file atomically; only its owner may read it, because it may hold keys."""
        fresh = self._folder / f"{name}.new"
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(text)
        fresh.replace(self._folder / name)

    def _keep_key(self, api_key: str) -> None:
        """Write a new API key where this stack's next start and other programs look for it."""
        if credentials := self._load("credentials.json"):
            self._save("credentials.json", {**credentials, "api_key": api_key})
        if description := self._load("stack.json"):
            self._describe({**description, "api_key": api_key})

    def _describe(self, description: Mapping[str, Any]) -> None:
        """Say where everything is: to a shell, and to programs."""
        self._write(
            "env",
            f"export O2O_URL={description['api_url']} O2O_KEY={description['api_key']}"
            f" O2O_DOKU={description['doku']['base_url']}\n",
        )
        self._save("stack.json", description)

    def _forget_description(self) -> None:
        for name in ("env", "stack.json"):
            (self._folder / name).unlink(missing_ok=True)

    def _rotate_logs(self) -> None:
        for log in (self._folder / "logs").glob("*.log"):
            if log.stat().st_size > _MAX_LOG_BYTES:
                log.replace(log.with_suffix(".log.1"))


def _fail(error: Exception) -> None:
    raise error


def _outputs(resources: Resources) -> dict[str, str]:
    """The outputs of ``stack.json``: queue URLs, and the names of table, bus and secrets."""
    outputs = {
        f"{name}Url": resource["Ref"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::SQS::Queue"
    }
    for output, name in (
        ("TableName", "Table"),
        ("ArchiveBucketName", "Archive"),
        ("BooksBucketName", "Books"),
        ("EventBusName", "EventBus"),
        ("DokuSecretName", "DokuSecret"),
        ("SigningSecretName", "SigningSecret"),
        ("WebhookSecretName", "WebhookSecret"),
        ("UsagePlanId", "UsagePlan"),
    ):
        outputs[output] = resources[name]["Ref"]
    return outputs


class _Ports:
    """The listening sockets of one stack; bound first, so that addresses are known early."""

    def __init__(self, options: Options, previous: Mapping[str, Any]) -> None:
        self._bound: dict[str, socket.socket] = {}
        wanted = {
            "api": ("API", "--api-port", options.api_port),
            "simulator": ("DOKU simulator", "--simulator-port", options.simulator_port),
            "console": ("console", "--console-port", options.console_port),
            "dynamodb": ("DynamoDB engine", "", None),
        }
        for name, (what, option, configured) in wanted.items():
            port = PortChoice(
                what=what, option=option, configured=configured, previous=previous.get(name)
            )
            try:
                self._bound[name] = port.listen()
            except StackError:
                self.close()
                raise
        self._numbers = {name: port_of(bound) for name, bound in self._bound.items()}
        self.api = self._bound["api"]
        self.simulator = self._bound["simulator"]
        self.console = self._bound["console"]
        self.dynamodb = self._bound["dynamodb"]

    def numbers(self) -> dict[str, int]:
        return self._numbers

    def close(self) -> None:
        for bound in self._bound.values():
            bound.close()
