"""The deployed stack on the emulator, with a DOKU, a storefront and its receiver of webhooks."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import boto3
import yaml
from botocore.config import Config

from emulator.artefacts import archives
from emulator.differences import Seen
from emulator.front import Front
from emulator.server import CREDENTIALS, REGION, Emulator
from emulator.template import adapt, declared
from local.clock import SharedClock
from local.console import Console
from local.errors import StackError
from local.forward import Forward
from local.ports import HOST, PortChoice, port_of
from local.processes import only_one
from local.receiver import Receiver
from local.servers import Servers
from local.stack import BINS, BINS_AT_DOKU, CLIENT_ID, PARAMETERS
from local.template import translate
from simulator import Simulator, SimulatorConfig
from tools.build import BUILT, ROOT
from tools.build import PARAMETERS as BUILD_PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "o2o-emulated"
STOREFRONT = "demo"
STAGE_PATH = "/v1"
_FOLDER = ROOT / ".aws-sam" / "emulator"
_BUCKET = "folder"  # the translator's name for where artefacts are
_SECRET_KEY = "SK-emulated"  # noqa: S105 (of a simulator that lives for minutes)
_DEPLOY_SECONDS = 300.0
_CLI_SECONDS = 300.0


class EmulatedStack:
    """One stack, from its deployment until ``stop``, which leaves nothing behind."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.api_id = ""
        self._undo = contextlib.ExitStack()
        self.description: Mapping[str, Any] = {}
        """As a local stack's ``stack.json``."""
        self.outputs: Mapping[str, str] = {}
        self.declared: Mapping[str, str] = {}
        """The types of the resources, by logical id."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self.outputs:
            self._keep_logs()
        self._undo.close()
        if kind is None:
            _clear()

    def _keep_logs(self) -> None:
        for group, lines in self.logs().items():
            path = _FOLDER / "logs" / f"{group}.log"
            path.write_text("".join(f"{line}\n" for line in lines), "utf-8")

    @property
    def url(self) -> str:
        """The emulator's own address."""
        return self._emulator.url

    def client(self, service: Any) -> Any:
        """A client of the emulator's."""
        session = boto3.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        config = Config(retries={"total_max_attempts": 1}, proxies={}, read_timeout=120)
        return session.client(service, endpoint_url=self._emulator.url, config=config)

    def start(self) -> None:
        """Deploy and set up, as docs/deploying.md tells an operator. Raises ``StackError``."""
        _FOLDER.mkdir(parents=True, exist_ok=True)
        self._undo.enter_context(only_one(_FOLDER))
        _clear()
        (_FOLDER / "logs").mkdir()
        self._emulator = Emulator(_FOLDER)
        self._clock = SharedClock(self._emulator.clock)
        api, console = (PortChoice(what=what, option="").listen() for what in ("API", "console"))
        self._undo.callback(api.close)
        self._undo.callback(console.close)
        api_url = f"http://{HOST}:{port_of(api)}{STAGE_PATH}"
        console_url = f"http://{HOST}:{port_of(console)}"
        self._undo.callback(self._emulator.stop)
        self._emulator.start()
        simulator = self._start_simulator(api_url)
        self._deploy(simulator.url)
        self.api_id = self.outputs["ApiUrl"].removeprefix("https://").partition(".")[0]
        host = f"{self.api_id}.execute-api.localhost"
        if not _is_found(host):
            self.seen.note("host-name", host)
        front = Front(self._emulator.url, f"{host}:{self._emulator.port}")
        self._empty_secrets()
        self.client("secretsmanager").put_secret_value(
            SecretId=self.outputs["DokuSecretName"],
            SecretString=json.dumps({"client_id": CLIENT_ID, "secret_key": _SECRET_KEY}),
        )
        self.admin("storefront", "add", STOREFRONT, "--name", "Demo store")
        api_key = self.admin("key", "issue", STOREFRONT)["api_key"]
        self.admin("webhooks", "root", "make")
        self.admin("webhooks", "set", STOREFRONT, f"{console_url}/_local/webhooks")
        secrets = [each["secret"] for each in self.admin("webhooks", "secret", STOREFRONT)]
        self.description = {
            "api_url": api_url,
            "api_key": api_key,
            "doku": {
                "base_url": simulator.url,
                "client_id": CLIENT_ID,
                "secret_key": _SECRET_KEY,
            },
            "notification_url": f"{api_url}/doku/notifications",
            "inquiry_url": f"{api_url}/doku/inquiries",
            "console_url": console_url,
        }
        desk = Console(
            clock=self._clock,
            run_schedules=self.run_schedules,
            moved=simulator.wake,
            logs=_FOLDER / "logs",
            about={},
            api=Forward(api_url, lambda: api_key),
            doku=Forward(f"{simulator.url}/_control"),
            receiver=Receiver(secrets=lambda: secrets, now=self._clock.now),
        )
        servers = Servers([(front, api), (desk.app, console)])
        servers.start()
        self._undo.callback(servers.stop)

    def _start_simulator(self, api_url: str) -> Simulator:
        channels = {each["channel"] for each in BINS}
        simulator = Simulator(
            SimulatorConfig(
                client_id=CLIENT_ID,
                secret_key=_SECRET_KEY,
                database=_FOLDER / "simulator.sqlite",
                notification_urls=dict.fromkeys(channels, f"{api_url}/doku/notifications"),
                inquiry_urls=dict.fromkeys(channels, f"{api_url}/doku/inquiries"),
                notification_timeout_seconds=29,
                inquiry_timeout_seconds=29,
                bins=BINS_AT_DOKU,
                now=self._clock.now,
            )
        ).start()
        self._undo.callback(simulator.stop)
        return simulator

    def _deploy(self, doku_url: str) -> None:
        parameters = {
            **PARAMETERS,
            **yaml.safe_load(BUILD_PARAMETERS.read_text("utf-8")),
            "DokuBaseUrl": doku_url,
            "PublicUrl": "https://pay.example.com",
        }
        translated = translate(BUILT / "template.yaml", parameters)
        template = adapt(translated, parameters, self.seen)
        self.declared = declared(template, parameters)
        s3 = self.client("s3")
        s3.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for name, archive in archives():
            s3.put_object(Bucket=_BUCKET, Key=name, Body=archive)
        self.seen.note("compiled-modules", "SharedLayer")
        s3.put_object(Bucket=_BUCKET, Key="template.json", Body=json.dumps(template))
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=NAME,
            TemplateURL=f"{self._emulator.url}/{_BUCKET}/template.json",
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in parameters.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
        deadline = time.monotonic() + _DEPLOY_SECONDS
        while True:
            (stack,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
            if stack["StackStatus"] == "CREATE_COMPLETE":
                break
            if not stack["StackStatus"].endswith("IN_PROGRESS") or time.monotonic() > deadline:
                raise StackError(f"{stack['StackStatus']}: {self._why_not(cloudformation)}")
            time.sleep(0.2)
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def _empty_secrets(self) -> None:
        """Take the empty texts away that the emulator gives secrets without a value."""
        secrets = self.client("secretsmanager")
        for each in secrets.list_secrets()["SecretList"]:
            value = secrets.get_secret_value(SecretId=each["ARN"])
            if not value.get("SecretString"):
                secrets.update_secret_version_stage(
                    SecretId=each["ARN"],
                    VersionStage="AWSCURRENT",
                    RemoveFromVersionId=value["VersionId"],
                )
                self.seen.note("empty-secrets", each["Name"])

    def _why_not(self, cloudformation: Any) -> str:
        events = cloudformation.describe_stack_events(StackName=NAME)["StackEvents"]
        return "; ".join(
            f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}"
            for each in events
            if each["ResourceStatus"].endswith("_FAILED")
        )

    def run_schedules(self) -> list[str]:
        """Run what the schedules run, once; returns the names of those that failed."""
        scheduler, functions = self.client("scheduler"), self.client("lambda")
        failed = []
        for each in scheduler.list_schedules()["Schedules"]:
            schedule = scheduler.get_schedule(Name=each["Name"], GroupName=each["GroupName"])
            answer = functions.invoke(
                FunctionName=schedule["Target"]["Arn"],
                Payload=schedule["Target"].get("Input", "{}").encode(),
            )
            if "FunctionError" in answer:
                failed.append(each["Name"])
        return failed

    def logs(self) -> dict[str, list[str]]:
        """All that the functions have logged, by the last part of the log group's name."""
        logs = self.client("logs")
        groups = [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]
        return {
            group.rpartition("/")[2]: [
                event["message"]
                for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
                for event in page["events"]
            ]
            for group in groups
        }

    def admin(self, *words: str) -> Any:
        """Run the operator's command line; its answer. Raises ``StackError`` if it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "admin", "--stack", NAME, "--json", *words],
            cwd=ROOT,
            env={"PATH": "", "O2O_REASON": "make emulate", **self._emulator.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_CLI_SECONDS,
        )
        if done.returncode:
            raise StackError(f"admin {' '.join(words)}: {done.stderr or done.stdout}")
        return json.loads(done.stdout)


def _is_found(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except OSError:
        return False


def _clear() -> None:
    """Leave nothing of a former run but the lock."""
    for left in _FOLDER.iterdir():
        if left.is_dir():
            shutil.rmtree(left)
        elif left.name != "lock":
            left.unlink()
