"""The examples of docs/examples do what they say: codes made, webhooks verified, in every language.

A language that this machine lacks is skipped.
"""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from local.aws import client
from local.ports import PortChoice, release
from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.signing import Signing
from tests.support.local_stack import LocalStack, clean_environment
from tests.support.machine import need_npm_package, need_program
from tests.support.patience import CALL_SECONDS, PATIENCE_SECONDS, until

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"

CREATE = {
    "curl": ["sh", "curl/create-code.sh"],
    "node": ["node", "node/create-code.mjs"],
    "php": ["php", "php/create_code.php"],
    "python": [sys.executable, "python/create_code.py"],
}
RECEIVE = {
    "node": ["node", "node/receive-webhook.mjs", "{port}"],
    "php": ["php", "-S", "127.0.0.1:{port}", "php/receive_webhook.php"],
    "python": [sys.executable, "python/receive_webhook.py", "{port}"],
}
NEEDS = {
    "curl": ["curl", "jq"],
    "node": ["node"],
    "php": ["php"],
    "python": [],
}
SECRET = "whsec_" + "c2VjcmV0LW9mLWEtdGVzdC13aXRoLTMyLWJ5dGVzLg=="


@pytest.fixture(scope="module")
def stack(fresh_stack: LocalStack) -> LocalStack:
    """The receivers refuse what the clock of another stack, which tests have moved, has stamped."""
    return fresh_stack


def need(language: str) -> None:
    for program in NEEDS[language]:
        need_program(program)
    if language == "node":
        need_npm_package("standardwebhooks")


def environment(**more: str) -> dict[str, str]:
    return clean_environment() | {"NO_PROXY": "127.0.0.1", "PYTHONUNBUFFERED": "1"} | more


# --- creating codes --------------------------------------------------------------------------


@pytest.fixture(params=sorted(CREATE))
def language(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    need(chosen)
    return chosen


def start(
    stack: LocalStack, language: str, invoice_number: str, amount: int, **more: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*CREATE[language], invoice_number, str(amount)],
        cwd=EXAMPLES,
        env=environment(O2O_URL=stack.about["api_url"], O2O_KEY=stack.about["api_key"])
        | {"O2O_MAX_WAIT": "1"}
        | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def create(
    stack: LocalStack, language: str, invoice_number: str, amount: int, **more: str
) -> tuple[int, str, str]:
    process = start(stack, language, invoice_number, amount, **more)
    printed, complained = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, printed.strip(), complained.strip()


def test_a_code_is_created_and_a_repetition_is_the_same(stack: LocalStack, language: str) -> None:
    number = stack.order()["invoice_number"]
    first = create(stack, language, number, 25_000)
    assert first[0] == 0, first
    digits = stack.get(number)["payment_code"]
    assert first == (0, f"{number} active {digits} 25000", "")
    assert create(stack, language, number, 25_000) == first


def test_what_is_still_unclear_is_waited_for(stack: LocalStack, language: str) -> None:
    number = stack.order()["invoice_number"]
    stack.fault(kind="error_5xx", operation="generate", invoice_number=number, times=1)
    process = start(stack, language, number, 25_000)

    def requested() -> bool:
        answer = stack.call("GET", f"/payment-codes/{number}")
        return answer.status_code == 200 and answer.json()["status"] == "requested"

    until(requested)
    stack.advance(minutes=1, seconds=1)
    printed, complained = process.communicate(timeout=PATIENCE_SECONDS)
    digits = stack.get(number)["payment_code"]
    assert (process.returncode, complained) == (0, "")
    assert printed.strip() == f"{number} active {digits} 25000"


@pytest.mark.parametrize(
    ("amount", "key", "problem"),
    [
        (1, None, "/problems/invalid-request"),
        (25_001, None, "/problems/invoice-number-taken"),
        (25_000, "o2o_000000000000_no", "/problems/unauthorized"),
    ],
)
def test_a_refusal_is_told_and_not_tried_again(
    stack: LocalStack, language: str, amount: int, key: str | None, problem: str
) -> None:
    number = stack.create()["invoice_number"]
    more = {"O2O_KEY": key} if key else {}
    code, printed, complained = create(stack, language, number, amount, **more)
    assert (code, printed) == (1, "")
    assert complained.startswith(f"{problem}: "), complained


# --- receiving webhooks ----------------------------------------------------------------------


@dataclass
class Receiver:
    """A receiver that runs, and what it printed."""

    url: str
    lines: list[str] = field(default_factory=list)

    def post(self, body: str, headers: dict[str, str]) -> int:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                self.url, data=body.encode(), headers=headers, timeout=CALL_SECONDS
            )
            return answer.status_code

    def is_up(self) -> bool:
        try:
            return self.post("{}", {}) == 400
        except requests.ConnectionError:
            return False


@contextmanager
def receiver(language: str, secret: str) -> Iterator[Receiver]:
    port = release(PortChoice(what="receiver", option="").listen())
    with subprocess.Popen(
        [part.format(port=port) for part in RECEIVE[language]],
        cwd=EXAMPLES,
        env=environment(O2O_WEBHOOK_SECRET=secret),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        running = Receiver(f"http://127.0.0.1:{port}/webhooks")
        assert process.stdout is not None
        output = process.stdout

        reader = threading.Thread(target=_follow, args=(output, running.lines), daemon=True)
        reader.start()
        try:
            until(running.is_up)
            yield running
        finally:
            process.kill()
            reader.join(PATIENCE_SECONDS)


def _follow(output: Any, lines: list[str]) -> None:
    for line in output:
        if line.startswith("payment_code."):
            lines.append(line.strip())  # noqa: PERF401 - each one as it comes


def message(number: int) -> str:
    return (
        f'{{"id":"evt_{number:032x}","type":"payment_code.paid","timestamp":"2026-01-31T05:12:43Z",'
        f'"sequence":3,"data":{{"invoice_number":"INV-{number}","amount":150000,"info":"Zoë"}}}}'
    )


def signed(body: str, *, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    found = re.search(r"evt_[0-9a-f]+", body)
    assert found
    at = at or datetime.now(UTC)
    return {
        "Content-Type": "application/json",
        "webhook-id": found[0],
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(found[0], at, body),
    }


@pytest.fixture(params=sorted(RECEIVE))
def receives(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    need(chosen)
    return chosen


def test_a_receiver_believes_what_is_signed_and_nothing_else(receives: str) -> None:
    number = int.from_bytes(os.urandom(8))
    body = message(number)
    other = "whsec_" + "YW5vdGhlci1zZWNyZXQtb2YtYS10ZXN0LTMyLWJ5dGU="
    with receiver(receives, SECRET) as running:
        headers = signed(body)
        assert running.post(body, headers) == 204
        # The same again has arrived, too, and is not done twice.
        assert running.post(body, headers) == 204
        rotating = headers["webhook-signature"]
        both = f"{signed(body, secret=other)['webhook-signature']} {rotating}"
        assert running.post(body, {**headers, "webhook-signature": both}) == 204

        assert running.post(body.replace("150000", "150001"), headers) == 400
        assert running.post(body, signed(body, secret=other)) == 400
        for age in (timedelta(minutes=-6), timedelta(minutes=6)):
            assert running.post(body, signed(body, at=datetime.now(UTC) + age)) == 400
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
            left = {key: value for key, value in headers.items() if key != name}
            assert running.post(body, left) == 400

        later = message(number + 1)
        assert running.post(later, signed(later)) == 204
        expected = [f"payment_code.paid INV-{n} 150000" for n in (number, number + 1)]
        until(lambda: len(running.lines) >= 2)
        assert running.lines == expected


def test_a_payment_reaches_the_receiver(stack: LocalStack, receives: str) -> None:
    with receiver(receives, secret_of(stack)) as running, pointed(stack, running.url):
        code = stack.create(amount=150_000)
        stack.pay(code)
        number = code["invoice_number"]
        # In whichever order: webhooks promise none.
        told = {f"payment_code.{kind} {number} 150000" for kind in ("activated", "paid")}
        until(lambda: told <= set(running.lines))


def secret_of(stack: LocalStack) -> str:
    secrets = client("secretsmanager", stack.about["aws_url"])
    name = stack.about["outputs"]["SigningSecretName"]
    return Signing(secrets, name).webhook_secret("demo", 1)


@contextmanager
def pointed(stack: LocalStack, url: str) -> Iterator[None]:
    """Have the demo storefront's events sent there for a while."""
    dynamodb = stack.dynamodb()
    (table,) = dynamodb.list_tables()["TableNames"]
    endpoints = DynamoEndpointStore(Store(dynamodb, table))

    def point(there: str) -> str:
        endpoint = endpoints.get_endpoint("demo")
        assert endpoint is not None
        endpoints.save_endpoint(endpoint.point_to(there))
        return endpoint.url

    before = point(url)
    yield
    point(before)
