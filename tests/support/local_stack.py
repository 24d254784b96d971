"""The whole local stack, and what a person does with it."""

import hmac
import json
import os
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests

from local.aws import client
from local.stack import ROOT
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.storefronts import DynamoStorefrontStore
from o2o.adapters.system import SystemEntropy
from o2o.adapters.usage_plan import UsagePlan
from o2o.usecases.limit_storefronts import LimitStorefronts
from o2o.usecases.manage_storefronts import ManageStorefronts
from tests.support.patience import CALL_SECONDS, PATIENCE_SECONDS, until


def clean_environment() -> dict[str, str]:
    """The environment of this process without what could steer a stack."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("O2O_", "AWS_", "PYTEST_"))
    }


def run_module(
    module: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """What a command line comes to."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**clean_environment(), **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@dataclass(kw_only=True)
class LocalStack:
    """A local stack in a process of its own, and what a person does with it."""

    folder: Path
    arguments: tuple[str, ...] = ()
    root: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    about: dict[str, Any] = field(default_factory=dict)
    http: requests.Session = field(default_factory=requests.Session)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    def start(self) -> None:
        stack_file = self.folder / "stack.json"
        stack_file.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local", "--state-dir", str(self.folder), *self.arguments],
            cwd=self.root,
            env={**clean_environment(), **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        process = self.process
        until(lambda: stack_file.exists() or process.poll() is not None)
        if process.poll() is not None:
            pytest.fail(f"The stack did not start:\n{process.communicate()[0]}")
        self.about = json.loads(stack_file.read_text())
        self.http.trust_env = False

    def kill(self) -> None:
        """End the supervisor as a power cut would."""
        self.stop(signal.SIGKILL)

    def stop(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """End as Ctrl-C does, or by another signal; the exit code and all that was printed."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """Wait for an end that something else brought; the same."""
        process, self.process = self.process, None
        assert process is not None
        printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, printed

    # --- a storefront ---

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.about['api_key']}", **options.pop("headers", {})}
        return self.http.request(
            method,
            self.about["api_url"] + path,
            headers={name: value for name, value in headers.items() if value is not None},
            timeout=CALL_SECONDS,
            **options,
        )

    def get(self, invoice_number: str) -> dict[str, Any]:
        answer = self.call("GET", f"/payment-codes/{invoice_number}")
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    def order(self, **changes: Any) -> dict[str, Any]:
        """The body of a request for a code; the invoice number is a new one."""
        return {
            "invoice_number": f"INV-{os.getpid()}-{next(self.numbers)}",
            "amount": 25_000,
            "channel": "alfa",
            "customer": {"name": "Anton Budiman"},
            **changes,
        }

    def create(self, **changes: Any) -> dict[str, Any]:
        """A new active code."""
        answer = self.call("POST", "/payment-codes", json=self.order(**changes))
        assert answer.status_code == 201, answer.text
        view: dict[str, Any] = answer.json()
        return view

    def becomes(self, invoice_number: str, status: str) -> dict[str, Any]:
        """The code, once it has that status."""

        def look() -> dict[str, Any] | None:
            view = self.get(invoice_number)
            return view if view["status"] == status else None

        return until(look)

    # --- DOKU and the clock ---

    def doku(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(
            method,
            f"{self.about['doku']['base_url']}/_control{path}",
            json=body,
            timeout=CALL_SECONDS,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def taken(self) -> Iterator[dict[str, Any]]:
        """All payments that DOKU's tills took, oldest first."""
        after = 0
        while page := self.doku("GET", f"/payments?limit=1000&after={after}")["payments"]:
            after = page[-1]["id"]
            yield from page

    def pay(self, code: Mapping[str, Any], **details: Any) -> Any:
        return self.doku("POST", "/pay", {"payment_code": code["payment_code"], **details})

    def fault(self, **fault: Any) -> Any:
        return self.doku("POST", "/faults", fault)

    def advance(self, **duration: float) -> None:
        """Move the clock by hours, minutes and seconds; schedules run at once."""
        units = {"hours": 3600, "minutes": 60, "seconds": 1}
        seconds = sum(units[unit] * number for unit, number in duration.items())
        answer = self.http.post(
            f"{self.about['console_url']}/_local/clock",
            json={"advance_seconds": seconds},
            timeout=CALL_SECONDS,
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["failed_schedules"] == []

    def run_schedules(self) -> None:
        answer = self.http.post(
            f"{self.about['console_url']}/_local/run-schedules", timeout=CALL_SECONDS
        )
        assert answer.json()["failed_schedules"] == []

    def dynamodb(self) -> Any:
        return client("dynamodb", self.about["dynamodb_url"])

    def attempts(self, invoice_number: str) -> list[Any]:
        """DOKU's log of the notifications that it sent, once each of them was answered."""

        def look() -> list[Any]:
            kept = self.doku("GET", f"/orders/{invoice_number}")["notifications"]
            tried = [attempt for notification in kept for attempt in notification["attempts"]]
            return tried if kept and all(each["attempts"] for each in kept) else []

        return until(look)

    def log(self, function: str) -> list[dict[str, Any]]:
        """What a function logged."""
        path = self.folder / "logs" / f"{function}.log"
        return [json.loads(line) for line in path.read_text().splitlines()]


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[LocalStack]:
    """A stack that runs meanwhile."""
    running = LocalStack(folder=folder, arguments=arguments)
    running.start()
    try:
        yield running
    finally:
        running.http.close()
        running.stop()


def new_storefront(stack: LocalStack, name: str, *, limited: bool = True) -> str:
    """Add a storefront with the use cases of the product; returns its API key.

    One that is not ``limited`` is as those of before storefronts had a limit of their own.
    """
    dynamodb = stack.dynamodb()
    (table,) = dynamodb.list_tables()["TableNames"]
    store = DynamoStorefrontStore(Store(dynamodb, table))
    storefronts = ManageStorefronts(
        storefronts=store, clock=lambda: datetime.now(UTC), entropy=SystemEntropy()
    )
    storefronts.add(name, name)
    apigateway = client("apigateway", stack.about["aws_url"])
    plan = UsagePlan(apigateway, stack.about["outputs"]["UsagePlanId"], "local")
    if limited:
        LimitStorefronts(storefronts=store, limits=plan).one(name)
    return storefronts.issue_key(name).api_key


def webhook_secret(stack: LocalStack, storefront: str) -> str:
    """The first secret that signs a storefront's webhooks."""
    secrets = client("secretsmanager", stack.about["aws_url"])
    entry = secrets.get_secret_value(SecretId=stack.about["outputs"]["WebhookSecretName"])
    root = json.loads(entry["SecretString"])["current"]
    made = hmac.digest(root.encode(), f"webhook\n{storefront}\n1".encode(), sha256)
    return f"whsec_{b64encode(made).decode()}"
