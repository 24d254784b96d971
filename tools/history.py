"""Has several clients use a few codes at once, and asks whether what they saw can have been.

    .venv/bin/python -m tools.history --seconds 60

On a temporary local stack, round after round: storefronts create, repeat, read, list, refresh and
cancel, tills pay and inquire, DOKU loses notifications and repeats them, the clock moves past
expiries, and functions' processes are killed at calls of theirs. Each request is written down with
its answer and when both were; in the end of a round, when all has come to rest, each code is read
once more. Then ``tests.support.code_history`` looks for an order of all this in which every answer
was true. Exits with 1, and prints the history, if there is none for a code.
"""

import argparse
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import requests
from rich.console import Console
from rich.table import Table

from local import engine
from local.kill_points import AFTER, BEFORE, Call, KillPoint
from tests.support.code_history import GET, CodeHistory
from tests.support.local_stack import LocalStack, started
from tests.support.patience import CALL_SECONDS
from tools.kills import NotRecovered, Shop
from tools.life_cycle import ROOT

ARGUMENTS = ("--workers", "3", "--kill-points")
_CLIENTS = 4
_STEPS = 24
"""What each client does in a round."""
_KINDS: tuple[dict[str, Any], ...] = (
    {"expires_in_minutes": 30 * 24 * 60},
    {"expires_in_minutes": 5, "channel": "indomaret"},
    {"expires_in_minutes": 30 * 24 * 60, "feature": "dipc", "bin": "889955"},
    {"expires_in_minutes": 5, "feature": "mgpc", "bin": "889955"},
)
_AMOUNTS = (25_000, 30_000)
_LONGEST_WAIT_FOR_A_DEATH = 1.0


@dataclass(slots=True)
class Subject:
    """A code that all clients use."""

    body: dict[str, Any]
    history: CodeHistory
    digits: str | None = None

    @property
    def number(self) -> str:
        """Its invoice number."""
        return self.history.invoice_number


@dataclass(slots=True)
class Tally:
    """What was done, and how it ended."""

    operations: Counter[tuple[str, str]] = field(default_factory=Counter)
    codes: int = 0
    rounds: int = 0
    deaths: int = 0
    faults: list[str] = field(default_factory=list)


class Client:
    """A storefront, a till, and DOKU: whatever is done from outside, one thing at a time."""

    def __init__(
        self, stack: LocalStack, subjects: Sequence[Subject], chance: random.Random
    ) -> None:
        self._stack = stack
        self._subjects = subjects
        self._chance = chance
        self._http = requests.Session()
        self._http.trust_env = False
        self.operations: Counter[tuple[str, str]] = Counter()

    def run(self, steps: int) -> None:
        """Do so many things."""
        with self._http:
            for _ in range(steps):
                subject = self._chance.choice(self._subjects)
                (act,) = self._chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
                act(self, subject)

    # --- the storefront ----------------------------------------------------------------------

    def create(self, subject: Subject) -> None:
        """Ask for the code, mostly with one body, now and then with the other."""
        amount = _AMOUNTS[self._chance.random() < 0.2]  # noqa: PLR2004
        called, status, told = self._call(
            "create", "POST", "/payment-codes", json={**subject.body, "amount": amount}
        )
        if status == HTTPStatus.CONFLICT and told["type"] != "/problems/invoice-number-taken":
            return
        view = told if status < HTTPStatus.BAD_REQUEST else None
        subject.history.made(called, time.monotonic(), str(amount), status, view)
        if view is not None:
            subject.digits = view["payment_code"] or subject.digits

    def read(self, subject: Subject) -> None:
        """Read the code."""
        called, status, told = self._call("read", "GET", f"/payment-codes/{subject.number}")
        self._saw(subject, GET, called, status, told)

    def list(self, subject: Subject) -> None:
        """Read the list: whoever is in it is seen."""
        called, status, told = self._call("list", "GET", "/payment-codes?limit=20")
        for view in told["items"] if status == HTTPStatus.OK else ():
            if view["invoice_number"] == subject.number:
                subject.history.seen("list", called, time.monotonic(), view)

    def refresh(self, subject: Subject) -> None:
        """Have DOKU asked."""
        path = f"/payment-codes/{subject.number}/refresh"
        called, status, told = self._call("refresh", "POST", path)
        self._saw(subject, "refresh", called, status, told)

    def cancel(self, subject: Subject) -> None:
        """Cancel the code."""
        path = f"/payment-codes/{subject.number}/cancel"
        called, status, told = self._call("cancel", "POST", path)
        if status == HTTPStatus.CONFLICT and told["type"] != "/problems/invalid-status":
            return
        view = told if status == HTTPStatus.OK else None
        subject.history.cancelled(called, time.monotonic(), status, view)

    # --- the till, and DOKU ------------------------------------------------------------------

    def pay(self, subject: Subject) -> None:
        """Pay at the till, if the digits are known; DOKU may lose the notification."""
        if subject.digits is not None:
            notify = self._chance.choice(
                ["send", "send", "lost", {"kind": "duplicate", "copies": 3}]
            )
            body = {"payment_code": subject.digits, "notify": notify}
            called, status, told = self._control("pay", "/pay", body)
            if status == HTTPStatus.OK:
                subject.history.paid(called, told["receipt_number"])

    def inquire(self, subject: Subject) -> None:
        """Show the code at the till; DOKU asks about those that live at the merchant."""
        if subject.digits is not None and subject.body.get("feature") == "dipc":
            called, _, told = self._control("inquire", "/inquiry", {"payment_code": subject.digits})
            asked = told.get("inquiry")
            if asked and asked["problem"] is None:
                subject.history.inquired(called, time.monotonic(), asked["status"])

    def notify(self, subject: Subject) -> None:
        """Have DOKU's Back Office send the last notification again."""
        self._control("notify", "/notify", {"invoice_number": subject.number})

    # --- over HTTP ---------------------------------------------------------------------------

    def _saw(self, subject: Subject, what: str, called: float, status: int, told: Any) -> None:
        if status == HTTPStatus.OK:
            subject.history.seen(what, called, time.monotonic(), told)
        elif status == HTTPStatus.NOT_FOUND:
            subject.history.missing(called, time.monotonic())

    def _call(self, what: str, method: str, path: str, **options: Any) -> tuple[float, int, Any]:
        headers = {"Authorization": f"Bearer {self._stack.about['api_key']}"}
        url = self._stack.about["api_url"] + path
        return self._send(what, method, url, headers=headers, **options)

    def _control(self, what: str, path: str, body: Mapping[str, Any]) -> tuple[float, int, Any]:
        url = f"{self._stack.about['doku']['base_url']}/_control{path}"
        return self._send(what, "POST", url, json=body)

    def _send(self, what: str, method: str, url: str, **options: Any) -> tuple[float, int, Any]:
        """When it was sent, the status, and the JSON of the answer."""
        called = time.monotonic()
        answer = self._http.request(method, url, timeout=CALL_SECONDS, **options)
        ends = {2: "ok", 4: "refused", 5: "unknown"}
        self.operations[what, ends[answer.status_code // 100]] += 1
        return called, answer.status_code, answer.json()


_WEIGHTS: Mapping[Callable[[Client, Subject], None], int] = {
    Client.create: 8,
    Client.read: 8,
    Client.list: 2,
    Client.refresh: 3,
    Client.cancel: 1,
    Client.pay: 2,
    Client.inquire: 3,
    Client.notify: 2,
}


class Killer:
    """Kills functions at calls of theirs, one after the other, as long as it is entered."""

    def __init__(self, shop: Shop, chance: random.Random) -> None:
        self._points = shop.points
        self._chance = chance
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        made = {(each["function"], each["name"]) for each in self._points.calls()}
        self._calls = sorted(made)
        self.deaths = 0

    def __enter__(self) -> Self:
        if self._calls:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if self._calls:
            self._thread.join()
        self._points.withdraw()

    def _run(self) -> None:
        while not self._stopping.wait(self._chance.uniform(0.0, 0.5)):
            call = Call(*self._chance.choice(self._calls), nth=1)
            self._points.order(KillPoint(call, self._chance.choice([BEFORE, AFTER])))
            until = time.monotonic() + _LONGEST_WAIT_FOR_A_DEATH
            while self._points.is_ordered and time.monotonic() < until:
                self._stopping.wait(0.02)
            self.deaths += not self._points.is_ordered
            self._points.withdraw()


class Histories:
    """Rounds on one stack; everything that is chosen is chosen by ``seed``."""

    def __init__(self, stack: LocalStack, seed: int) -> None:
        self._stack = stack
        self._shop = Shop(stack)
        self._chance = random.Random(seed)  # noqa: S311 - a test's
        self.tally = Tally()

    def round(self) -> None:
        """Use a few new codes, let all come to rest, and judge what was seen."""
        subjects = [
            Subject(body, CodeHistory(body["invoice_number"]))
            for body in (self._stack.order(**kind) for kind in _KINDS)
        ]
        self._shop.open(disturbed=True)
        self._use(subjects)
        taken: defaultdict[str, set[str]] = defaultdict(set)
        for each in self._stack.taken():
            taken[each["invoice_number"]].add(each["receipt_number"])
        for subject in subjects:
            self._rest(subject, taken[subject.number])
            fault = subject.history.find_fault()
            if fault is not None:
                self.tally.faults.append(f"{subject.number}\n{fault}")
        self.tally.codes += len(subjects)
        self.tally.rounds += 1

    def _use(self, subjects: Sequence[Subject]) -> None:
        clients = [
            Client(self._stack, subjects, random.Random(self._chance.random()))  # noqa: S311
            for _ in range(_CLIENTS)
        ]
        with (
            Killer(self._shop, random.Random(self._chance.random())) as killer,  # noqa: S311
            ThreadPoolExecutor(_CLIENTS) as threads,
        ):
            for seconds in (61, 61, 300):
                list(threads.map(lambda client: client.run(_STEPS // 3), clients))
                for subject in subjects:
                    if subject.body["expires_in_minutes"] < 10:  # noqa: PLR2004
                        subject.history.may_expire(time.monotonic())
                self._shop.advance(seconds=seconds)
        self.tally.deaths += killer.deaths
        for each in clients:
            self.tally.operations += each.operations

    def _rest(self, subject: Subject, taken: set[str]) -> None:
        """Read the code once all that the till took is known; there is nothing for it to be."""
        path = f"/payment-codes/{subject.number}"

        def settled() -> tuple[float, requests.Response] | None:
            called = time.monotonic()
            answer = self._shop.ask("GET", path)
            if answer.status_code == HTTPStatus.NOT_FOUND and not taken:
                return called, answer
            view = answer.json()
            known = {each["receipt_number"] for each in view["payments"]}
            return (called, answer) if known == taken and view["status"] != "requested" else None

        try:
            called, answer = self._shop.until(settled, f"{subject.number} to come to rest")
        except NotRecovered as reason:
            called, answer = time.monotonic(), self._shop.ask("GET", path)
            if not (answer.ok and _may_be_all_that_doku_shows(answer.json(), taken)):
                took = f"the till took {sorted(taken)}, shown is {answer.text}"
                raise NotRecovered(f"{reason}: {took}") from None
        if answer.ok:
            subject.history.seen(GET, called, time.monotonic(), answer.json())
        else:
            subject.history.missing(called, time.monotonic())


def _may_be_all_that_doku_shows(view: Mapping[str, Any], taken: set[str]) -> bool:
    """Whether the rest may be payments of which DOKU never tells (decision 0047).

    A status check shows one payment of several; notifications of the others may be lost.
    """
    known = {each["receipt_number"] for each in view["payments"]}
    return bool(known) and known < taken and view["payments_complete"] is not True


def show(tally: Tally, console: Console) -> None:
    """What was done, how it ended, and what can't be explained."""
    table = Table("operation", "ok", "refused", "unknown")
    for what in sorted({what for what, _ in tally.operations}):
        table.add_row(
            what, *(str(tally.operations[what, end]) for end in ("ok", "refused", "unknown"))
        )
    console.print(table)
    console.print(
        f"{tally.operations.total()} operations on {tally.codes} codes in {tally.rounds} rounds,"
        f" {tally.deaths} processes killed, {len(tally.faults)} histories without an explanation"
    )
    for fault in tally.faults:
        console.print(fault, soft_wrap=True, markup=False, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.history",
        description="Have several clients use codes at once, and check what they saw.",
    )
    parser.add_argument("--seconds", type=float, default=60, help="for so long (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="what is chosen (default: 1)")
    options = parser.parse_args(arguments)
    # Whoever ends it shall leave no stack behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(width=120)
    if engine.find_dynoxide(ROOT) is None:
        console.print("history: Dynoxide is not installed; `make run` installs it with npm.")
        return 1
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), *ARGUMENTS) as stack:
        histories = Histories(stack, options.seed)
        ends = time.monotonic() + options.seconds
        try:
            while time.monotonic() < ends and not histories.tally.faults:
                histories.round()
        except NotRecovered as reason:
            histories.tally.faults.append(str(reason))
    show(histories.tally, console)
    return 1 if histories.tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
