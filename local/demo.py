"""``python -m local.demo``: payment codes from creation to payment, on a local stack.

It uses the running stack, whose clock it moves forward by about half an hour, or starts a temporary
one. Every step is checked: the first one with another result than expected ends the demo with an
error message and exit code 1.
"""

import argparse
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.markup import escape

from local.errors import StackError
from local.options import add_state_dir
from local.processes import die_with_parent
from local.stack import ROOT

_START_SECONDS = 600.0
_PATIENCE_SECONDS = 300.0
_CALL_SECONDS = 120.0
_HANGING_BUDGET_SECONDS = 29.0
_STOP_SECONDS = 60.0


class UnexpectedResult(Exception):
    """A step had another result than expected. The message has both."""


def expect(what: str, expected: object, seen: object) -> None:
    """Raise ``UnexpectedResult`` unless ``seen`` equals ``expected``."""
    if seen != expected:
        raise UnexpectedResult(f"{what}: expected {expected!r}, got {seen!r}.")


class Story:
    """The demo's steps on one stack; the demo acts as storefront, customer and cashier."""

    def __init__(self, about: Mapping[str, Any], console: Console) -> None:
        self._api_url = about["api_url"]
        self._doku_url = about["doku"]["base_url"]
        self._console_url = about["console_url"]
        self._console = console
        self._http = requests.Session()
        self._http.trust_env = False
        self._key = about["api_key"]
        self._prefix = f"DEMO-{secrets.token_hex(3)}"
        self._number = 0

    def run(self) -> None:
        """Run all steps. Raises ``UnexpectedResult`` at the first unexpected result."""
        with self._step("List the channels"):
            channels = self._channels()
        for channel in channels:
            with self._step(f"Create a payment code for {channel}"):
                self._create(channel, show=True)
        with self._step("Repeat a request: same digits; a different body is refused"):
            self._repeat()
        with self._step("A customer pays at the till"):
            self._pay_at_the_till()
        with self._step("An unpaid code expires"):
            expired = self._expire()
        with self._step("A customer pays the expired code: the payment is recorded as late"):
            self._pay_late(expired)
        with self._step("DOKU's notification is lost; reconciliation finds the payment"):
            self._lose_notification()
        with self._step(
            "DOKU accepts a request but does not answer; the code becomes active later"
        ):
            self._hang()

    # --- the steps ---------------------------------------------------------------------------

    def _channels(self) -> list[str]:
        answer = self._call("GET", "/channels", show=True)
        expect("The status of GET /channels", 200, answer.status_code)
        channels = sorted(item["channel"] for item in answer.json()["items"])
        missing = sorted({"alfa", "indomaret"} - set(channels))
        expect("The channels that are missing", [], missing)
        self._say(", ".join(channels))
        return channels

    def _repeat(self) -> None:
        order = self._order("alfa")
        first = self._call("POST", "/payment-codes", order)
        again = self._call("POST", "/payment-codes", order, show=True)
        expect("The status of the first POST", 201, first.status_code)
        expect("The status of the same POST again", 200, again.status_code)
        digits = first.json()["payment_code"]
        expect("The digits of the same POST again", digits, again.json()["payment_code"])
        other = self._call("POST", "/payment-codes", {**order, "amount": order["amount"] + 1})
        expect("The status of a POST with another body", 409, other.status_code)
        self._say(f"{digits} both times, then {other.status_code} {other.json()['title']}")

    def _pay_at_the_till(self) -> None:
        code = self._create("alfa")
        self._pay(code, show=True)
        paid = self._becomes(code, "paid")
        expect("Whether the payment is late", expected=False, seen=paid["late"])
        expect("The amounts paid", [code["amount"]], [each["amount"] for each in paid["payments"]])
        self._call("GET", f"/payment-codes/{code['invoice_number']}", show=True)
        self._say(f"paid at {paid['paid_at']}, receipt {paid['payments'][0]['receipt_number']}")

    def _expire(self) -> Mapping[str, Any]:
        code = self._create("indomaret", expires_in_minutes=5)
        self._advance(seconds=360)
        expired = self._becomes(code, "expired")
        self._say(f"{expired['payment_code']} expired at {expired['expires_at']}")
        return expired

    def _pay_late(self, code: Mapping[str, Any]) -> None:
        self._pay(code, force=True)
        paid = self._becomes(code, "paid")
        expect("Whether the payment is late", expected=True, seen=paid["late"])
        self._say("paid, and marked late")

    def _lose_notification(self) -> None:
        code = self._create("alfa")
        self._pay(code, notify="lost")
        unpaid = self._get(code)
        expect("The status before DOKU is asked", "active", unpaid["status"])
        self._advance(seconds=960)
        paid = self._becomes(code, "paid")
        expect("Where the payment came from", "status_check", paid["payments"][0]["source"])
        self._say("found by asking DOKU for the status")

    def _hang(self) -> None:
        order = self._order("indomaret")
        fault = {
            "kind": "hang_after_accept",
            "operation": "generate",
            "invoice_number": order["invoice_number"],
        }
        self._doku("POST", "/faults", fault)
        before = time.monotonic()
        answer = self._call("POST", "/payment-codes", order, show=True)
        seconds = time.monotonic() - before
        expect("The status while DOKU hangs", 202, answer.status_code)
        if seconds > _HANGING_BUDGET_SECONDS:
            raise UnexpectedResult(
                f"The answer while DOKU hangs: expected within {_HANGING_BUDGET_SECONDS:.0f}"
                f" seconds, got after {seconds:.1f}."
            )
        expect("The code while DOKU hangs", "requested", answer.json()["status"])
        self._say(f"202 after {seconds:.1f} s, status requested")
        self._advance(seconds=61)
        active = self._becomes(order, "active")
        known = self._doku("GET", f"/orders/{order['invoice_number']}")
        expect("DOKU's digits", known["payment_code"], active["payment_code"])
        self._say(f"active with DOKU's digits {active['payment_code']}")

    # --- helpers -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self._number += 1
        self._console.print(f"\n[bold]{self._number}. {title}")
        with self._console.status("…"):
            yield
        self._console.print("   [green]✓")

    def _say(self, text: str) -> None:
        self._console.print(f"   {escape(text)}", highlight=False)

    def _order(self, channel: str, **more: Any) -> dict[str, Any]:
        return {
            "invoice_number": f"{self._prefix}-{secrets.token_hex(3)}",
            "amount": 25_000,
            "channel": channel,
            "customer": {"name": "Anton Budiman"},
            **more,
        }

    def _create(self, channel: str, *, show: bool = False, **more: Any) -> dict[str, Any]:
        order = self._order(channel, **more)
        answer = self._call("POST", "/payment-codes", order, show=show)
        expect(f"The status of a POST for {channel}", 201, answer.status_code)
        code: dict[str, Any] = answer.json()
        expect(f"The status of a new code for {channel}", "active", code["status"])
        if not str(code["payment_code"]).isdigit():
            raise UnexpectedResult(
                f"The payment code: expected digits, got {code['payment_code']!r}."
            )
        if show:
            self._say(f"{code['payment_code']}, payable until {code['expires_at']}")
        return code

    def _get(self, code: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._call("GET", f"/payment-codes/{code['invoice_number']}")
        expect("The status of GET", 200, answer.status_code)
        view: dict[str, Any] = answer.json()
        return view

    def _becomes(self, code: Mapping[str, Any], status: str) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            view = self._get(code)
            if view["status"] == status:
                return view
            if time.monotonic() > deadline:
                raise UnexpectedResult(
                    f"The code {code['invoice_number']}: expected to become {status} within"
                    f" {_PATIENCE_SECONDS:.0f} seconds, is still {view['status']}."
                )
            time.sleep(0.1)

    def _pay(self, code: Mapping[str, Any], *, show: bool = False, **details: Any) -> None:
        body = {"payment_code": code["payment_code"], **details}
        if show:
            self._show("POST", f"{self._doku_url}/_control/pay", body)
        self._doku("POST", "/pay", body)

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, show: bool = False
    ) -> requests.Response:
        if show:
            self._show(method, self._api_url + path, body)
        headers = {"Authorization": f"Bearer {self._key}"}
        return self._send(method, self._api_url + path, body, headers)

    def _doku(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = self._send(method, f"{self._doku_url}/_control{path}", body)
        expect(
            f"The simulator's answer to {method} {path} ({answer.text})", 200, answer.status_code
        )
        return answer.json()

    def _advance(self, *, seconds: int) -> None:
        self._say(f"the clock moves forward by {seconds} seconds")
        answer = self._send(
            "POST", f"{self._console_url}/_local/clock", {"advance_seconds": seconds}
        )
        expect("The schedules that failed", [], answer.json()["failed_schedules"])

    def _send(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        try:
            return self._http.request(
                method, url, json=body, headers=headers, timeout=_CALL_SECONDS
            )
        except requests.RequestException as error:
            raise UnexpectedResult(f"{method} {url}: expected a response, got {error}.") from error

    def _show(self, method: str, url: str, body: Mapping[str, Any] | None) -> None:
        words = ["curl", *(["-X", method] if method != "GET" and body is None else []), url]
        if url.startswith(self._api_url):
            words += ["-H", "'Authorization: Bearer …'"]
        if body is not None:
            words += ["-H", "'Content-Type: application/json'", "-d", f"'{json.dumps(body)}'"]
        self._console.print(f"   [dim]$ {escape(' '.join(words))}", highlight=False)


def running_stack(folder: Path) -> dict[str, Any] | None:
    """The content of ``stack.json`` in ``folder`` if its stack responds, else ``None``."""
    try:
        about: dict[str, Any] = json.loads((folder / "stack.json").read_text())
        with requests.Session() as session:
            session.trust_env = False
            session.get(f"{about['console_url']}/_local/clock", timeout=60).raise_for_status()
    except (OSError, ValueError, KeyError, TypeError):  # RequestException is an OSError
        return None
    return about


@contextlib.contextmanager
def own_stack() -> Iterator[dict[str, Any]]:
    """Run a temporary stack. Raises ``StackError`` if it does not start.

    Yields the content of its ``stack.json``, with its folder as ``state_dir``.
    """
    with tempfile.TemporaryDirectory(prefix="o2o-demo-") as name:
        folder = Path(name)
        environment = {key: value for key, value in os.environ.items() if key[:4] != "O2O_"}
        with subprocess.Popen(
            [sys.executable, "-m", "local", "--state-dir", name],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=die_with_parent,  # noqa: PLW1509 (no other thread runs yet)
        ) as process:
            try:
                yield {**_wait_for(lambda: running_stack(folder), process), "state_dir": name}
            finally:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()


def _wait_for(
    look: Callable[[], dict[str, Any] | None], process: subprocess.Popen[bytes]
) -> dict[str, Any]:
    deadline = time.monotonic() + _START_SECONDS
    while (about := look()) is None:
        if process.poll() is not None:
            raise StackError("The temporary stack did not start; see above.")
        if time.monotonic() > deadline:
            raise StackError("The temporary stack is not responding.")
        time.sleep(0.1)
    return about


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the exit code is 0 if every step had the expected result, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m local.demo",
        description="Follow a few payment codes through their life on a local stack.",
    )
    add_state_dir(parser, "of the running stack")
    folder = parser.parse_args(arguments).state_dir
    console = Console(soft_wrap=True)
    try:
        with contextlib.ExitStack() as undo:
            about = running_stack(folder)
            if about is None:
                with console.status("No stack is running: starting a temporary one"):
                    about = undo.enter_context(own_stack())
            console.print(f"Using the stack at {escape(about['api_url'])}")
            Story(about, console).run()
    except (StackError, UnexpectedResult) as error:
        console.print(f"\n[red]demo: {escape(str(error))}")
        return 1
    except KeyboardInterrupt:
        return 130
    console.print("\n[green]Every step had the expected result.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
