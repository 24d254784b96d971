"""The examples of docs/examples do what they say: codes made, webhooks verified, in every language.

A language that this machine lacks is skipped.
"""

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from local.ports import PortChoice, release
from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
from o2o.adapters.dynamodb.store import Store
from o2o.core.events import EventType
from tests.support.local_stack import LocalStack, clean_environment, webhook_secret
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


def run(command: Sequence[str], **given: str) -> tuple[int, str, str]:
    """What an example comes to whose environment is only this."""
    done = subprocess.run(
        command,
        cwd=EXAMPLES,
        env=environment(**given),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip()


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


def test_nobody_answers(language: str) -> None:
    nowhere = f"http://127.0.0.1:{release(PortChoice(what='nobody', option='').listen())}"
    done = run(
        [*CREATE[language], "INV-1", "25000"], O2O_URL=nowhere, O2O_KEY="any", O2O_MAX_WAIT="0"
    )
    assert done == (1, "", f"No answer from {nowhere}.")


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (("INV-1", "25000"), {}),
        (("INV-1", "25000"), {"O2O_URL": "http://127.0.0.1:9"}),
        (("INV-1", "25000"), {"O2O_URL": "", "O2O_KEY": ""}),
        ((), {"O2O_URL": "http://127.0.0.1:9", "O2O_KEY": "any"}),
        (("INV-1",), {"O2O_URL": "http://127.0.0.1:9", "O2O_KEY": "any"}),
    ],
)
def test_what_is_missing_is_told(
    language: str, words: tuple[str, ...], given: dict[str, str]
) -> None:
    code, printed, complained = run([*CREATE[language], *words], **given)
    assert code != 0
    assert printed == ""
    (sentence,) = complained.splitlines()
    assert "O2O_KEY" in sentence if len(given) < 2 or not given["O2O_KEY"] else "order" in sentence


# --- receiving webhooks ----------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["O2O_WEBHOOK_SECRET", "O2O_BOOKS"])
def test_a_receiver_that_is_not_set_up_says_so(receives: str, tmp_path: Path, missing: str) -> None:
    given = {"O2O_WEBHOOK_SECRET": SECRET, "O2O_BOOKS": str(tmp_path)}
    del given[missing]
    # PHP's server starts all the same: the program is run alone.
    command = ["php", RECEIVE["php"][-1]] if receives == "php" else RECEIVE[receives]
    code, _, complained = run([part.format(port=1) for part in command], **given)
    assert code == 1
    (sentence,) = complained.splitlines()
    assert missing in sentence


@dataclass
class Receiver:
    """A receiver that runs, and its books."""

    url: str
    books: Path

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

    def entries(self) -> list[str]:
        """What is in the books, event by event."""
        return [path.read_text().strip() for path in sorted(self.books.glob("evt_*"))]


@contextmanager
def receiver(
    language: str, secret: str, books: Path, *, full_disk: bool = False
) -> Iterator[Receiver]:
    """A receiver; with ``full_disk`` it can make files and write nothing into them."""

    def limit() -> None:
        if full_disk:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    port = release(PortChoice(what="receiver", option="").listen())
    with subprocess.Popen(
        [part.format(port=port) for part in RECEIVE[language]],
        cwd=EXAMPLES,
        env=environment(
            O2O_WEBHOOK_SECRET=secret, O2O_BOOKS=str(books), PHP_CLI_SERVER_WORKERS="4"
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=limit,  # noqa: PLW1509 - no other thread runs yet
        process_group=0,
    ) as process:
        try:
            running = Receiver(f"http://127.0.0.1:{port}/webhooks", books)
            until(running.is_up)
            yield running
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def message(number: int, kind: str = "payment_code.paid", **payment: object) -> str:
    paid = {"certain": True, "had_ended": False, "amount": 150_000, **payment}
    code = {"invoice_number": f"INV-{number}", "amount": 150_000, "info": "Zoë", "payment": paid}
    event = {"id": f"evt_{number:032x}", "type": kind, "sequence": 3, "data": code}
    return json.dumps(event, ensure_ascii=False)


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


def test_a_receiver_believes_what_is_signed_and_nothing_else(receives: str, tmp_path: Path) -> None:
    body = message(1)
    other = "whsec_" + "YW5vdGhlci1zZWNyZXQtb2YtYS10ZXN0LTMyLWJ5dGU="
    with receiver(receives, SECRET, tmp_path) as running:
        headers = signed(body)
        assert running.post(body.replace("150000", "150001"), headers) == 400
        assert running.post(body, signed(body, secret=other)) == 400
        for age in (timedelta(minutes=-6), timedelta(minutes=6)):
            assert running.post(body, signed(body, at=datetime.now(UTC) + age)) == 400
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
            left = {key: value for key, value in headers.items() if key != name}
            assert running.post(body, left) == 400
        # What is no JSON is not even read.
        assert running.post("{", headers) == 400
        assert running.entries() == []

        assert running.post(body, headers) == 204
        # The same again has arrived, too, and is not done twice.
        assert running.post(body, headers) == 204
        rotating = headers["webhook-signature"]
        both = f"{signed(body, secret=other)['webhook-signature']} {rotating}"
        assert running.post(body, {**headers, "webhook-signature": both}) == 204
        later = message(2)
        assert running.post(later, signed(later)) == 204
        assert running.entries() == [f"credit payment_code.paid INV-{n} 150000" for n in (1, 2)]


def test_every_type_is_taken_and_only_a_payment_as_agreed_is_credited(
    receives: str, tmp_path: Path
) -> None:
    types = [*(each.value for each in EventType), "payment_code.of_a_later_version"]
    odd: list[dict[str, Any]] = [{"certain": False}, {"had_ended": True}, {"amount": 149_999}]
    bodies = [message(number, kind) for number, kind in enumerate(types)]
    bodies += [message(100 + number, **payment) for number, payment in enumerate(odd)]
    with receiver(receives, SECRET, tmp_path) as running:
        assert {running.post(body, signed(body)) for body in bodies} == {204}
        entries = running.entries()
    credited = [entry for entry in entries if entry.startswith("credit")]
    assert credited == [f"credit payment_code.paid INV-{types.index('payment_code.paid')} 150000"]
    reviewed = {entry.split()[1] for entry in entries if entry.startswith("review")}
    # As docs/integration.md has it: what a person decides.
    assert reviewed == {
        "payment_code.paid",
        "payment_code.paid_late",
        "payment_code.paid_again",
        "payment_code.amount_mismatch",
        "payment_code.digits_mismatch",
        "payment.refunded",
    }
    assert len(entries) == 1 + len(reviewed) - 1 + len(odd)


def test_two_deliveries_at_once_are_one_entry(receives: str, tmp_path: Path) -> None:
    body = message(1)
    headers = signed(body)
    with receiver(receives, SECRET, tmp_path) as running, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: running.post(body, headers), range(24)))
        assert set(answers) == {204}
        assert running.entries() == ["credit payment_code.paid INV-1 150000"]
    assert len(list(tmp_path.iterdir())) == 1  # and nothing is left lying about


@pytest.mark.skipif(sys.platform != "linux", reason="no Linux: it limits what a process may write")
def test_what_ends_between_seen_and_handled_is_handled_by_the_next(
    receives: str, tmp_path: Path
) -> None:
    """The first receiver can make the entry's file, and dies or fails as it writes into it."""
    body = message(1)
    with (
        receiver(receives, SECRET, tmp_path, full_disk=True) as running,
        contextlib.suppress(requests.ConnectionError),  # it died
    ):
        assert running.post(body, signed(body)) == 500
    with receiver(receives, SECRET, tmp_path) as running:
        for _ in range(2):
            assert running.post(body, signed(body)) == 204
        assert running.entries() == ["credit payment_code.paid INV-1 150000"]


def test_a_payment_reaches_the_receiver(stack: LocalStack, receives: str, tmp_path: Path) -> None:
    with (
        receiver(receives, webhook_secret(stack, "demo"), tmp_path) as running,
        pointed(stack, running.url),
    ):
        code = stack.create(amount=150_000)
        stack.pay(code)
        expected = f"credit payment_code.paid {code['invoice_number']} 150000"
        assert until(running.entries) == [expected]


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
