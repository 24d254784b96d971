"""The console's server: what it takes, from whom, and what it never hands out."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook
from starlette.requests import Request
from starlette.responses import Response

from local.demo import running_stack
from local.forward import Forward
from local.ports import PortChoice, release
from local.receiver import Receiver, find_problem
from tests.support.local_stack import LocalStack, run_module
from tests.support.patience import CALL_SECONDS, until

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
SECRETS = tuple(f"whsec_{base64.b64encode(bytes([each]) * 32).decode()}" for each in (1, 2, 3))
BODY = b'{"type": "payment_code.paid", "data": {"invoice_number": "INV-1"}}'


def signed(*secrets: str, sent_at: datetime = NOW, body: bytes = BODY) -> dict[str, str]:
    """The headers of a message, by the library that receivers use."""
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": " ".join(
            Webhook(secret).sign("evt_1", sent_at, body.decode()) for secret in secrets
        ),
    }


# --- who may be trusted ----------------------------------------------------------------------


@pytest.mark.parametrize("signers", [SECRETS[:1], SECRETS[1:2], SECRETS, SECRETS[::-1]])
def test_a_signature_of_a_valid_secret_is_enough(signers: tuple[str, ...]) -> None:
    assert find_problem(signed(*signers), BODY, SECRETS[:2], NOW) is None


def test_what_is_not_to_be_trusted() -> None:
    good = signed(SECRETS[0])
    unfit = "webhook-signature matches none of the storefront's secrets."
    cases: list[tuple[dict[str, str], bytes, str]] = [
        (signed(SECRETS[2]), BODY, unfit),
        (good, BODY + b" ", unfit),
        ({**good, "webhook-id": "evt_2"}, BODY, unfit),
        ({**good, "webhook-signature": "v1,é v2,x"}, BODY, unfit),
        (
            {**good, "webhook-timestamp": "soon"},
            BODY,
            "webhook-timestamp is not a number of seconds.",
        ),
        ({**good, "webhook-signature": ""}, BODY, "webhook-signature is missing."),
        ({}, BODY, "webhook-id is missing."),
    ]
    for headers, body, problem in cases:
        assert find_problem(headers, body, SECRETS[:2], NOW) == problem


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_message_of_another_time_is_not_trusted(minutes: int) -> None:
    headers = signed(SECRETS[0], sent_at=NOW + timedelta(minutes=minutes))
    problem = find_problem(headers, BODY, SECRETS[:1], NOW)
    assert problem == "webhook-timestamp is more than five minutes off."


# --- the receiver ----------------------------------------------------------------------------


def ask(
    endpoint: Callable[[Request], Awaitable[Response]],
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    path: str = "/_local/webhooks",
) -> Response:
    """The answer of one endpoint."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": "POST" if body else "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [
            (name.encode(), value.encode("latin-1")) for name, value in (headers or {}).items()
        ],
    }

    async def run() -> Response:
        return await endpoint(Request(scope, receive))

    # In a thread of its own: a browser that other tests started keeps a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


def told(answer: Response) -> Any:
    """The JSON of an answer."""
    return json.loads(bytes(answer.body))


def test_the_receiver_keeps_what_came_and_answers_as_wished() -> None:
    receiver = Receiver(secrets=lambda: SECRETS[:1], now=lambda: NOW)
    good = signed(SECRETS[0], sent_at=datetime.now(UTC))
    assert ask(receiver.take, BODY, good).status_code == 200
    assert ask(receiver.take, b"\xff", good).status_code == 401
    assert told(ask(receiver.set_answer, b'{"status": 500}')) == {"answer": 500}
    assert ask(receiver.take, BODY, good).status_code == 500
    shown = told(ask(receiver.show))
    assert shown["answer"] == 500
    assert [(each["number"], each["verified"], each["answered"]) for each in shown["items"]] == [
        (3, True, 500),
        (2, False, 401),
        (1, True, 200),
    ]
    assert shown["items"][2]["body"] == json.loads(BODY)
    assert shown["items"][2]["received_at"] == "2026-01-31T12:00:00.000+00:00"
    assert shown["items"][1]["body"] == "�"


@pytest.mark.parametrize("body", [b"{}", b"[]", b"{", b'{"status": 99}', b'{"status": "200"}'])
def test_the_receiver_refuses_what_is_no_status(body: bytes) -> None:
    receiver = Receiver(secrets=tuple, now=lambda: NOW)
    assert ask(receiver.set_answer, body).status_code == 400
    assert told(ask(receiver.show))["answer"] == 200


def test_the_receiver_forgets_the_oldest() -> None:
    receiver = Receiver(secrets=tuple, now=lambda: NOW)
    for _ in range(201):
        ask(receiver.take, BODY)
    items = told(ask(receiver.show))["items"]
    assert (len(items), items[0]["number"], items[-1]["number"]) == (200, 201, 2)


# --- the way to the other servers ------------------------------------------------------------


def test_a_server_that_is_not_there_is_told() -> None:
    nowhere = f"http://127.0.0.1:{release(PortChoice(what='nobody', option='').listen())}"
    answer = ask(Forward(nowhere).forward, path="/_local/api/channels")
    assert answer.status_code == 502
    assert told(answer) == {"error": f"{nowhere} does not answer: ConnectionError."}


class TestRunning:
    def get(self, stack: LocalStack, path: str, **options: Any) -> Any:
        return stack.http.get(
            f"{stack.about['console_url']}{path}", timeout=CALL_SECONDS, **options
        )

    def post(self, stack: LocalStack, path: str, **options: Any) -> Any:
        return stack.http.post(
            f"{stack.about['console_url']}{path}", timeout=CALL_SECONDS, **options
        )

    def test_the_api_without_a_key(self, stack: LocalStack) -> None:
        made = self.post(stack, "/_local/api/payment-codes", json=stack.order())
        assert made.status_code == 201
        invoice = made.json()["invoice_number"]
        assert made.headers["Location"] == f"/payment-codes/{invoice}"
        assert self.get(stack, f"/_local/api{made.headers['Location']}").json() == stack.get(
            invoice
        )
        listed = self.get(stack, "/_local/api/payment-codes?limit=1&status=active").json()
        assert [each["invoice_number"] for each in listed["items"]] == [invoice]
        refused = self.get(stack, "/_local/api/payment-codes/a%2Fb")
        assert refused.status_code in (400, 404)
        assert refused.headers["Content-Type"] == "application/problem+json"

    def test_the_desk_of_this_stack(self, stack: LocalStack) -> None:
        about = self.get(stack, "/_local/desk/about").json()
        assert (about["stack"], about["write"], about["needs_reason"]) == (None, True, False)
        assert "demo" in [each["storefront_id"] for each in about["storefronts"]]
        code = stack.create()
        shown = self.get(stack, f"/_local/desk/codes/{code['invoice_number']}").json()
        assert shown["code"]["status"] == "active"
        assert "Anton" not in json.dumps(shown)

    def test_the_simulator(self, stack: LocalStack) -> None:
        code = stack.create()
        bill = self.post(
            stack, "/_local/doku/inquiry", json={"payment_code": code["payment_code"]}
        ).json()
        assert (bill["payable"], bill["amount"]) == (True, 25_000)
        fault = self.post(stack, "/_local/doku/faults", json={"kind": "lost"}).json()
        url = f"{stack.about['console_url']}/_local/doku/faults/{fault['id']}"
        headers = {"Content-Type": "application/json"}
        assert stack.http.delete(url, headers=headers, timeout=CALL_SECONDS).json() == {
            "cleared": 1
        }

    @pytest.mark.parametrize(
        "path",
        [
            *("api/payment-codes", "doku/pay", "doku/reset", "clock", "webhooks/answer"),
            "desk/events/redeliver",
        ],
    )
    def test_a_page_of_another_site_changes_nothing(self, stack: LocalStack, path: str) -> None:
        for kind in ("text/plain", "application/x-www-form-urlencoded", None):
            headers = {"Content-Type": kind} if kind else {}
            answer = self.post(stack, f"/_local/{path}", data=b"{}", headers=headers)
            assert answer.status_code == 415

    def test_no_page_of_the_api_becomes_one_of_the_console(self, stack: LocalStack) -> None:
        page = stack.http.get(stack.create()["pay_url"], timeout=CALL_SECONDS)
        assert page.headers["Content-Type"].startswith("text/html")
        path = page.url.removeprefix(stack.about["api_url"])
        there = self.get(stack, f"/_local/api{path}")
        assert there.headers["Content-Type"].startswith("text/plain")

    def test_the_policy_is_strict(self, stack: LocalStack) -> None:
        for path in ("/", "/static/app.js", "/static/style.css", "/_local/about", "/nothing"):
            headers = self.get(stack, path).headers
            policy = headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self';")
            assert "unsafe" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
        assert self.get(stack, "/static/..%2fconsole.py").status_code == 404

    def test_a_log_is_followed(self, stack: LocalStack) -> None:
        stack.create()
        path = "/_local/logs/GenerateCodeFunction"
        names = [log["name"] for log in self.get(stack, "/_local/logs").json()]
        assert "GenerateCodeFunction" in names
        # Workers may still be writing of what other tests did.
        last = until(lambda: _quiet(lambda: self.get(stack, path).json()))
        assert any("CodeCreated" in line for line in last["lines"])
        since = f"{path}?after={last['next']}"
        assert self.get(stack, since).json() == {"lines": [], "next": last["next"]}
        stack.create()
        fresh = until(lambda: self.get(stack, since).json()["lines"])
        assert any("CodeCreated" in line for line in fresh)
        for odd in ("-1", "x", str(10**12), "²"):
            assert self.get(stack, path, params={"after": odd}).json()["lines"]
        assert self.get(stack, "/_local/logs/..%2Fcredentials").status_code == 404

    def test_a_webhook_of_somebody_else_is_kept_but_not_trusted(self, stack: LocalStack) -> None:
        now = datetime.fromisoformat(self.get(stack, "/_local/clock").json()["now"])
        headers = {"Content-Type": "application/json", **signed(SECRETS[0], sent_at=now)}
        assert self.post(stack, "/_local/webhooks", data=BODY, headers=headers).status_code == 401
        items = self.get(stack, "/_local/webhooks").json()["items"]
        # Others of the stack's own may have come since.
        assert 401 in [each["answered"] for each in items if not each["verified"]]

    def test_the_events_of_the_demo_store_arrive_signed(self, stack: LocalStack) -> None:
        code = stack.create()
        stack.pay(code)

        def arrived() -> list[str]:
            items = self.get(stack, "/_local/webhooks").json()["items"]
            types = [
                item["body"]["type"]
                for item in items
                if item["verified"]
                and item["body"]["data"].get("invoice_number") == code["invoice_number"]
            ]
            return sorted(types) if len(types) == 2 else []

        assert until(arrived) == ["payment_code.activated", "payment_code.paid"]


class TestWhatTheOperatorReplaces:
    """On a stack of its own: the demo store's secret and key are not what they were afterwards."""

    def run(self, stack: LocalStack, *words: str) -> None:
        done = run_module("admin", "--state-dir", str(stack.folder), *words)
        assert done.returncode == 0, done.stderr

    def hears(self, stack: LocalStack, code: Mapping[str, Any]) -> Mapping[str, Any]:
        """The webhook that a new code is active, as the console shows it."""
        url = f"{stack.about['console_url']}/_local/webhooks"

        def look() -> dict[str, Any] | None:
            for item in stack.http.get(url, timeout=CALL_SECONDS).json()["items"]:
                if item["body"]["data"].get("invoice_number") == code["invoice_number"]:
                    shown: dict[str, Any] = item
                    return shown
            return None

        return until(look)

    def repeat(self, stack: LocalStack, heard: Mapping[str, Any]) -> int:
        """The answer to the same webhook, once more."""
        return stack.http.post(
            f"{stack.about['console_url']}/_local/webhooks",
            data=json.dumps(heard["body"], separators=(",", ":"), ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json", **heard["headers"]},
            timeout=CALL_SECONDS,
        ).status_code

    def test_a_new_webhook_secret(self, fresh_stack: LocalStack) -> None:
        first = self.hears(fresh_stack, fresh_stack.create())
        assert self.repeat(fresh_stack, first) == 200
        self.run(fresh_stack, "webhooks", "rotate", "demo", "--hours", "0")
        second = self.hears(fresh_stack, fresh_stack.create())
        assert (second["verified"], second["problem"]) == (True, None)
        # What the former secret signed counts no more.
        assert self.repeat(fresh_stack, first) == 401

    def test_a_revoked_key(self, fresh_stack: LocalStack) -> None:
        former = fresh_stack.about["api_key"]
        self.run(fresh_stack, "key", "revoke", former.split("_")[1])
        fresh_stack.advance(minutes=10)  # the API's cache of keys is stale
        assert fresh_stack.call("GET", "/channels").status_code == 401
        console = f"{fresh_stack.about['console_url']}/_local/api/channels"
        assert fresh_stack.http.get(console, timeout=CALL_SECONDS).status_code == 200
        # Those who look the key up, the demo for one, find the new one.
        about = running_stack(fresh_stack.folder)
        assert about is not None
        fresh_stack.about["api_key"] = about["api_key"]
        assert about["api_key"] != former
        assert about["api_key"] in (fresh_stack.folder / "env").read_text()
        assert fresh_stack.call("GET", "/channels").status_code == 200


def _quiet(look: Callable[[], Any]) -> Any:
    before = look()
    return before if before == look() else None
