"""Kills functions' processes at every call that they make, and counts what is lost.

    make kills

On a temporary local stack: its functions, a real DynamoDB engine, real signatures, DOKU's
simulator. Each scenario is played undisturbed first, which records the requests that its functions
send: to AWS, DOKU, and receivers of webhooks. Then it is played once for each side of each of
these: the process dies before the request leaves, or once it is answered and before the function
learns it. What goes on is what goes on afterwards in life: the storefront repeats what got no
answer, DOKU and the queue and the stream try again, the clock moves on. In the end everything must
be as if nobody had died, seen from outside: over HTTP, by DOKU, and at the receiver of webhooks.
Exits with 1 if something is not.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import requests
from rich.console import Console
from rich.table import Table

from local import engine
from local.aws import client
from local.kill_points import AFTER, BEFORE, Call, KillPoint, KillPoints
from tests.support.local_stack import LocalStack, clean_environment, started
from tests.support.patience import CALL_SECONDS, PATIENCE_SECONDS
from tools.life_cycle import ROOT

ARGUMENTS = ("--workers", "1", "--kill-points")
"""What a stack is started with to be killed in."""
READS = ("Get", "Query", "BatchGet", "GET ")
_COLD = "GetSecretValue"
"""A call that only new processes make."""
_MONTH = 30 * 24 * 60
# How the clock is moved if nothing else goes on: to the timetable's looks and DOKU's retries.
_NUDGES = (61, 61, 300, 1_900, 6 * 3_600, 12 * 3_600)
_VISIBILITY_SECONDS = 2
_REDELIVERIES = 20
_REPEATS = 50
_TRIES = 3

Found = TypeVar("Found")


class NotRecovered(Exception):
    """Something is not as it would be if nobody had died."""


class Shop:
    """What storefronts, customers, DOKU and operators do, and do again if nobody answers."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.points = KillPoints(stack.folder / "kill-points")
        self._orders: list[dict[str, Any]] = []
        self._sqs = client("sqs", stack.about["aws_url"])
        self._queues = {
            name: url for name, url in stack.about["outputs"].items() if name.endswith("QueueUrl")
        }
        self._may_nudge = False
        for name, url in self._queues.items():
            if "Dead" not in name:
                # As on AWS, in seconds: what was not deleted comes again.
                kept = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
                policy = json.loads(kept["Attributes"]["RedrivePolicy"])
                policy["maxReceiveCount"] = _REDELIVERIES
                self._sqs.set_queue_attributes(
                    QueueUrl=url,
                    Attributes={
                        "VisibilityTimeout": str(_VISIBILITY_SECONDS),
                        "RedrivePolicy": json.dumps(policy),
                    },
                )

    def open(self, *, disturbed: bool) -> None:
        """Begin a scenario; if it is ``disturbed``, the clock is moved when nothing goes on."""
        self._orders = []
        self._may_nudge = disturbed
        self.receiver_answers(HTTPStatus.OK)
        self.stack.doku("DELETE", "/faults")

    # --- what people do ----------------------------------------------------------------------

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """A request of the storefront's, repeated as the documents say."""
        answer = self.stack.call(method, path, **options)
        for _ in range(_REPEATS):
            if answer.status_code not in {429, 500, 503}:
                break
            time.sleep(0.05)
            answer = self.stack.call(method, path, **options)
        return answer

    def request(self, **changes: Any) -> dict[str, Any]:
        """Ask for a code; what was answered."""
        self._orders.append(self.stack.order(**{"expires_in_minutes": _MONTH, **changes}))
        view: dict[str, Any] = self.ask("POST", "/payment-codes", json=self._orders[-1]).json()
        return view

    def create(self, **changes: Any) -> dict[str, Any]:
        """A new code, once it is active and its storefront has heard so."""
        self.request(**changes)
        return self.becomes(self.last, "active", heard="activated")

    @property
    def last(self) -> str:
        """The invoice number of what was asked for last."""
        return str(self._orders[-1]["invoice_number"])

    def get(self, invoice_number: str) -> dict[str, Any]:
        """The code as it is now."""
        view: dict[str, Any] = self.ask("GET", f"/payment-codes/{invoice_number}").json()
        return view

    def becomes(
        self, invoice_number: str, status: str, *, heard: str | None = None
    ) -> dict[str, Any]:
        """The code, once it has that status and its storefront has heard so."""
        view = self.until(
            lambda: self._has(invoice_number, status), f"{invoice_number} to be {status}"
        )
        self.hears(invoice_number, heard or status)
        return view

    def _has(self, invoice_number: str, status: str) -> dict[str, Any] | None:
        view = self.get(invoice_number)
        return view if view["status"] == status else None

    def hears(self, number: str, kind: str, times: int = 1) -> None:
        """Wait until the storefront's receiver was told so many different events of a code."""
        self.until(
            lambda: len(set(self.posts(number, kind))) >= times,
            f"{number}: {kind} to be delivered",
        )

    def pay(self, code: Mapping[str, Any], **details: Any) -> None:
        """Pay at the till; the cashier tries again."""
        body = {"payment_code": code["payment_code"], **details}
        url = f"{self.stack.about['doku']['base_url']}/_control/pay"
        post = partial(self.stack.http.post, url, json=body, timeout=CALL_SECONDS)
        self.until(lambda: post().ok, f"{code['invoice_number']} to be paid at the till")

    def advance(self, **duration: float) -> None:
        """Move the clock; that a schedule fails is no matter, it runs again."""
        units = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
        self._move(sum(units[unit] * number for unit, number in duration.items()))

    def receiver_answers(self, status: int) -> None:
        """What the storefront's receiver answers from now on."""
        url = f"{self.stack.about['console_url']}/_local/webhooks/answer"
        self.stack.http.post(url, json={"status": status}, timeout=CALL_SECONDS)

    def command(self, *words: str) -> None:
        """A command of the operator's, given again if it ends before it says that it is done."""
        watched = (
            "from pathlib import Path; from local.kill_points import KillPoints; import runpy, sys;"
            " KillPoints(Path(sys.argv.pop(1))).watch('operator');"
            " runpy.run_module('admin', run_name='__main__')"
        )
        folder = str(self.stack.folder)
        target = ("--state-dir", folder)
        code = -signal.SIGKILL
        while code == -signal.SIGKILL:
            done = subprocess.run(
                [sys.executable, "-c", watched, f"{folder}/kill-points", *target, *words],
                cwd=ROOT,
                env=clean_environment(),
                capture_output=True,
                text=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
            code = done.returncode
            if code not in {0, -signal.SIGKILL}:
                raise NotRecovered(f"{' '.join(words)}: {done.stderr}")

    def events(self, number: str) -> list[dict[str, Any]]:
        """The events of a code, with their deliveries."""
        query = {"invoice_number": number}
        events: list[dict[str, Any]] = self.ask("GET", "/events", params=query).json()["items"]
        return events

    def attempted(self, number: str) -> bool:
        """Whether it was tried in vain to deliver an event of a code.

        Who dies after the endpoint was paused leaves no attempt.
        """
        deliveries = [event["delivery"] for event in self.events(number)]
        return any(
            each["status"] == "paused" or (each["attempts"] and each["status"] != "delivered")
            for each in deliveries
        )

    def posts(self, number: str, kind: str = "") -> list[str]:
        """The ids in the webhooks about a code that its receiver took, newest first."""
        url = f"{self.stack.about['console_url']}/_local/webhooks"
        return [
            each["body"]["id"]
            for each in self.stack.http.get(url, timeout=CALL_SECONDS).json()["items"]
            if each["verified"]
            and each["answered"] == HTTPStatus.OK
            and each["body"]["data"].get("invoice_number") == number
            and kind in each["body"]["type"]
        ]

    # --- waiting -----------------------------------------------------------------------------

    def until(self, look: Callable[[], Found | None], what: str) -> Found:
        """Look until there is something to see; move the clock whenever nothing else goes on."""
        deadline, nudges = time.monotonic() + PATIENCE_SECONDS, iter(_NUDGES)
        looks = 0
        while not (found := look()):
            if time.monotonic() > deadline:
                raise NotRecovered(f"waited for {what}")
            looks += 1
            if self._may_nudge and looks % 5 == 0 and not self.points.is_ordered and self._idle():
                seconds = next(nudges, None)
                if seconds is None:
                    raise NotRecovered(f"waited for {what}, by the clock too")
                self._move(seconds)
            time.sleep(0.1)
        return found

    def rest(self) -> None:
        """Wait until nothing is left to do by itself."""
        self.until(lambda: self._idle() and self._all_delivered(), "the queues to be empty")
        if due := self._due():
            self.stack.http.post(
                f"{self.stack.about['console_url']}/_local/run-schedules", timeout=CALL_SECONDS
            )
            self.until(lambda: not self._due(), f"what is due to be done: {due}")
            self.until(self._idle, "the queues to be empty")

    def _move(self, seconds: float) -> None:
        answer = self.stack.http.post(
            f"{self.stack.about['console_url']}/_local/clock",
            json={"advance_seconds": seconds},
            timeout=CALL_SECONDS,
        )
        answer.raise_for_status()

    def _waiting(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(map(int, found.values()))

    def _idle(self) -> bool:
        return not any(self._waiting(url) for url in self._queues.values())

    def _due(self) -> list[str]:
        """The keys of what is due by now."""
        now = self.stack.http.get(
            f"{self.stack.about['console_url']}/_local/clock", timeout=CALL_SECONDS
        ).json()["now"]
        scanned = self.stack.dynamodb().scan(
            TableName=self.stack.about["outputs"]["TableName"],
            IndexName="due",
            FilterExpression="due_at <= :now",
            ExpressionAttributeValues={":now": {"S": now[:19]}},
        )
        return [item["pk"]["S"] for item in scanned["Items"]]

    # --- what it came to ---------------------------------------------------------------------

    def outcome(self) -> list[dict[str, Any]]:
        """What became of each code, as far as it must be the same whoever dies.

        Raises NotRecovered if what API, DOKU and receiver say of one differs.
        """
        for name, url in self._queues.items():
            if "Dead" in name and self._waiting(url):
                raise NotRecovered(f"there are dead letters: {name}")
        return [self._outcome(order) for order in self._orders]

    def _outcome(self, order: Mapping[str, Any]) -> dict[str, Any]:
        number = order["invoice_number"]
        view = self.get(number)
        again = self.ask("POST", "/payment-codes", json=order).json()
        if again.get("payment_code") != view["payment_code"] and view["status"] != "failed":
            raise NotRecovered(f"{number}: the same request has other digits")
        receipts = Counter(each["receipt_number"] for each in view["payments"])
        at_doku = self._at_doku(number)
        taken = Counter(each["receipt_number"] for each in at_doku.get("payments", ()))
        if receipts != taken:
            raise NotRecovered(f"{number}: paid {receipts} here, {taken} at the till")
        if at_doku.get("payment_code") not in {None, view["payment_code"]} and view["customer"]:
            raise NotRecovered(f"{number}: other digits at DOKU")
        return {
            "status": view["status"],
            "has digits": view["payment_code"] is not None,
            "customer": view["customer"] is not None,
            "payments": Counter((each["kind"], each["amount"]) for each in view["payments"]),
            "at DOKU": bool(at_doku),
            "events": self._delivered(number),
        }

    def _at_doku(self, number: str) -> dict[str, Any]:
        """DOKU's order; nothing if it has none."""
        orders = self.stack.doku("GET", "/orders?limit=1000")["orders"]
        held = [each for each in orders if each["invoice_number"] == number]
        if len(held) > 1:
            raise NotRecovered(f"{number}: {len(held)} orders at DOKU")
        if not held:
            return {}
        found: dict[str, Any] = self.stack.doku("GET", f"/orders/{number}")
        return found

    def _all_delivered(self) -> bool:
        return all(
            event["delivery"]["status"] == "delivered"
            for order in self._orders
            for event in self.events(order["invoice_number"])
        )

    def _delivered(self, number: str) -> Counter[str]:
        """How many events of each type were delivered, by the API and by the receiver."""
        told = set(self.posts(number))
        events = self.events(number)
        if strangers := told - {event["id"] for event in events}:
            raise NotRecovered(f"{number}: the receiver was told what is no event: {strangers}")
        delivered = {e["id"]: e["type"] for e in events if e["delivery"]["status"] == "delivered"}
        if untold := delivered.keys() - set(self.posts(number)):
            raise NotRecovered(f"{number}: the receiver knows nothing of {untold}")
        return Counter(delivered.values())


# --- scenarios -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is played, and the functions that are killed in it."""

    name: str
    victims: tuple[str, ...]
    play: Callable[[Shop], None]


def _paid(shop: Shop) -> None:
    code = shop.create()
    shop.pay(code)
    shop.becomes(code["invoice_number"], "paid")


def _registered(shop: Shop) -> None:
    shop.create(feature="mgpc", bin="889955")


def _asked_at_the_till(shop: Shop) -> None:
    code = shop.create(feature="dipc", bin="889955")
    shop.pay(code)
    shop.becomes(code["invoice_number"], "paid")


def _reusable(shop: Shop) -> None:
    code = shop.create(reusable=True)
    for times in (1, 2):
        shop.pay(code)
        shop.hears(code["invoice_number"], "paid", times)


def _unanswered(shop: Shop) -> None:
    shop.stack.fault(kind="error_5xx", operation="generate", accepted=True)
    number = shop.request()["invoice_number"]
    shop.advance(seconds=61)
    shop.becomes(number, "active", heard="activated")


def _refused(shop: Shop) -> None:
    # Each time: that DOKU refuses a repeat proves nothing, and if it takes one there is a code.
    shop.stack.fault(kind="refused", operation="generate", times=None)
    shop.request(expires_in_minutes=60)
    shop.becomes(shop.last, "failed")


def _notification_lost(shop: Shop) -> None:
    code = shop.create()
    shop.pay(code, notify="lost")
    shop.advance(minutes=16)
    shop.becomes(code["invoice_number"], "paid")


def _refreshed(shop: Shop) -> None:
    code = shop.create()
    shop.pay(code, notify="lost")
    shop.advance(minutes=2)
    shop.ask("POST", f"/payment-codes/{code['invoice_number']}/refresh")
    shop.becomes(code["invoice_number"], "paid")


def _expired(shop: Shop) -> None:
    code = shop.create(expires_in_minutes=5)
    shop.advance(minutes=5, seconds=1)
    shop.becomes(code["invoice_number"], "expired")


def _cancelled(shop: Shop) -> None:
    code = shop.create()
    shop.ask("POST", f"/payment-codes/{code['invoice_number']}/cancel")
    shop.becomes(code["invoice_number"], "cancelled")


def _replaced(shop: Shop) -> None:
    former = shop.create()
    code = shop.create(channel="indomaret", replaces=former["invoice_number"])
    shop.becomes(former["invoice_number"], "cancelled")
    shop.pay(code)
    shop.becomes(code["invoice_number"], "paid")


def _not_taken(shop: Shop) -> None:
    shop.receiver_answers(500)
    number = shop.request()["invoice_number"]
    shop.until(lambda: shop.attempted(number), "a delivery to fail")
    shop.receiver_answers(200)
    shop.advance(hours=1)
    shop.hears(number, "activated")


def _resumed(shop: Shop) -> None:
    shop.receiver_answers(410)
    number = shop.request()["invoice_number"]
    shop.until(lambda: shop.attempted(number), "a delivery to fail")
    shop.receiver_answers(200)
    shop.command("webhooks", "resume", "demo")
    shop.hears(number, "activated")


def _sent_again(shop: Shop) -> None:
    number = shop.create()["invoice_number"]
    wanted = {"event_ids": [event["id"] for event in shop.events(number)]}
    shop.ask("POST", "/events/redeliver", json=wanted)
    shop.until(lambda: len(shop.posts(number)) > 1, "an event to come again")


def _forgotten(shop: Shop) -> None:
    code = shop.create()
    number = code["invoice_number"]
    shop.pay(code)
    shop.becomes(number, "paid")
    shop.advance(days=2)
    shop.advance(days=8)
    shop.until(lambda: shop.get(number)["customer"] is None, "personal data to go")


_GENERATE, _NOTIFY = "GenerateCodeFunction", "ReceiveNotificationFunction"
_PUBLISH, _DELIVER = "PublishEventsFunction", "DeliverWebhooksFunction"
_EXPIRE, _RECONCILE = "ExpireCodesFunction", "ReconcileCodesFunction"

SCENARIOS = (
    # First, because in a month's time the codes of the others are forgotten, too.
    Scenario("forgotten", (_RECONCILE,), _forgotten),
    Scenario("paid", (_GENERATE, _NOTIFY, _PUBLISH, _DELIVER), _paid),
    Scenario("registered at DOKU", (_GENERATE,), _registered),
    Scenario("asked about at the till", (_GENERATE, "AnswerInquiryFunction"), _asked_at_the_till),
    Scenario("reusable, paid twice", (_NOTIFY,), _reusable),
    Scenario("DOKU's answer is missing", (_GENERATE, _EXPIRE, _RECONCILE), _unanswered),
    Scenario("refused by DOKU", (_GENERATE,), _refused),
    Scenario("notification lost", (_EXPIRE, _RECONCILE), _notification_lost),
    Scenario("refreshed", ("RefreshCodeFunction",), _refreshed),
    Scenario("expired", (_RECONCILE,), _expired),
    Scenario("cancelled", ("CancelCodeFunction",), _cancelled),
    Scenario("replaced", (_GENERATE,), _replaced),
    Scenario("webhook not taken", (_EXPIRE, _DELIVER), _not_taken),
    Scenario("paused and resumed", (_DELIVER, "operator"), _resumed),
    Scenario("sent again", ("BrowseEventsFunction", _DELIVER), _sent_again),
)


# --- killing ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Result:
    """What a scenario came to."""

    scenario: str
    calls: int = 0
    points: int = 0
    """At which somebody died."""
    recovered: int = 0
    failures: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    """Points to which nothing came this time: how often a call is made is chance."""


Choose = Callable[[Sequence[KillPoint]], Sequence[KillPoint]]
"""Which of the points of a scenario somebody dies at."""


def every(points: Sequence[KillPoint]) -> Sequence[KillPoint]:
    """All of them."""
    return points


def writes(points: Sequence[KillPoint]) -> Sequence[KillPoint]:
    """Those of calls that change something."""
    return [each for each in points if not each.call.name.startswith(READS)]


def share(points: Sequence[KillPoint]) -> Sequence[KillPoint]:
    """One of each victim's writes; which one depends on how many there are."""
    found = [each for each in writes(points) if each.call.nth == 1]
    victims = dict.fromkeys(each.call.function for each in found)
    of_each = [[each for each in found if each.call.function == victim] for victim in victims]
    return [mine[len(points) % len(mine)] for mine in of_each]


class Kills:
    """Plays scenarios on one stack, and kills functions in them."""

    def __init__(self, stack: LocalStack) -> None:
        self._shop = Shop(stack)
        self._points = self._shop.points

    def run(self, scenario: Scenario, choose: Choose) -> Result:
        """Kill at the points of a scenario that ``choose`` takes."""
        calls, expected = self._record(scenario)
        result = Result(scenario.name, calls=len(calls))
        points = [KillPoint(call, side) for call in calls for side in (BEFORE, AFTER)]
        for point in choose(points):
            where = f"{point.call.function} {point.side} {point.call.name} {point.call.nth}"
            try:
                if any(self._kill(scenario, point, expected) for _ in range(_TRIES)):
                    result.recovered += 1
                else:
                    result.unreached.append(where)
                    continue
            except (AssertionError, NotRecovered) as reason:
                # What is tried next shall not fail because of this.
                self._shop.command("webhooks", "resume", "demo")
                result.failures.append(f"{where}: {reason}")
            result.points += 1
        return result

    def _record(self, scenario: Scenario) -> tuple[list[Call], list[dict[str, Any]]]:
        """The calls that the victims make each time, and what it comes to.

        Played twice, by new processes, which read secrets: what a batch holds is chance, and so is
        how many processes there are.
        """
        first, expected = self._play(scenario)
        second, again = self._play(scenario)
        if expected != again:
            raise NotRecovered(f"{scenario.name} comes to {expected}, then to {again}")
        calls = [
            Call(function, name, nth + 1)
            for (function, name), count in (first & second).items()
            for nth in range(count)
        ]
        return calls, expected

    def _play(self, scenario: Scenario) -> tuple[Counter[tuple[str, str]], list[dict[str, Any]]]:
        for victim in scenario.victims:
            self._renew(victim)
        before = len(self._points.calls())
        self._shop.open(disturbed=False)
        scenario.play(self._shop)
        self._shop.rest()
        made = self._points.calls()[before:]
        outcome = self._shop.outcome()
        return (
            Counter(
                (each["function"], each["name"])
                for each in made
                if each["function"] in scenario.victims
            ),
            outcome,
        )

    def _kill(self, scenario: Scenario, point: KillPoint, expected: list[dict[str, Any]]) -> bool:
        """Play a scenario and have the process die; returns whether one did."""
        if point.call.name == _COLD:
            self._renew(point.call.function)
        self._shop.open(disturbed=True)
        self._points.order(point)
        try:
            scenario.play(self._shop)
        finally:
            died = not self._points.is_ordered
            self._points.withdraw()
        self._shop.rest()
        if (outcome := self._shop.outcome()) != expected:
            raise NotRecovered(f"it comes to {outcome} instead of {expected}")
        return died

    def _renew(self, function: str) -> None:
        """End a function's process, so that the next event meets a new one."""
        found = [each["pid"] for each in self._points.calls() if each["function"] == function]
        with contextlib.suppress(ProcessLookupError):
            if found:
                os.kill(found[-1], signal.SIGKILL)


def show(results: Sequence[Result], console: Console) -> None:
    """A line for each scenario, and what failed."""
    table = Table("scenario", "calls", "kill points", "recovered", "not reached")
    for each in results:
        table.add_row(each.scenario, *map(str, _counts(each)))
    if len(results) > 1:
        table.add_section()
        table.add_row(
            "all", *(str(sum(column)) for column in zip(*map(_counts, results), strict=True))
        )
    console.print(table)
    for each in results:
        for failure in each.failures:
            console.print(f"{each.scenario}: {failure}", soft_wrap=True)
        for where in each.unreached:
            console.print(f"{each.scenario}: nothing came to {where}", soft_wrap=True)


def _counts(result: Result) -> tuple[int, int, int, int]:
    return result.calls, result.points, result.recovered, len(result.unreached)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.kills",
        description="Kill functions' processes at every call that they make.",
    )
    parser.add_argument("--only", metavar="WORD", default="", help="scenarios with it in the name")
    parser.add_argument("--writes", action="store_true", help="only at calls that change something")
    options = parser.parse_args(arguments)
    # Whoever ends it shall leave no stack behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(width=120)
    if engine.find_dynoxide(ROOT) is None:
        console.print("kills: Dynoxide is not installed; `make run` installs it with npm.")
        return 1
    results = []
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), *ARGUMENTS) as stack:
        kills = Kills(stack)
        for scenario in SCENARIOS:
            if options.only in scenario.name:
                results.append(kills.run(scenario, writes if options.writes else every))
                show(results[-1:], console)
    show(results, console)
    return 1 if any(each.failures for each in results) else 0


if __name__ == "__main__":
    sys.exit(main())
