"""The table is lost, and comes back as it was at an earlier moment.

Notifications go on after that moment and while the table is away; DOKU has been answered 2xx for
most of them and never sends them again by itself. Then the steps of "Restore" in docs/operations.md
are walked, and what the till took, which only DOKU's simulator knows for certain, is compared with
what the stack has.
"""

import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

from local.clock import SharedClock
from local.ports import HOST
from tests.support.patience import until
from tools.drills.frame import Drill


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment at the till, as DOKU knows it."""

    invoice_number: str
    receipt_number: str
    amount: int
    about: str
    """What was particular about it."""


BEFORE = "in the restored table"
ASKED = "the timetable asked DOKU, or DOKU tried again"
REPLAYED = "the archive"
KEPT = "the archive; kept for a person, its code is gone"
NOWHERE = "nowhere"


class Engine:
    """A DynamoDB engine that the drill can take away and bring back with another file."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self.database = folder / "table.sqlite"
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self._port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, which stays the same."""
        return f"http://{HOST}:{self._port}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [str(self._program), "serve", "--host", HOST, "--port", str(self._port)]
        self._process = subprocess.Popen(
            [*command, "--db-path", str(self.database)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers)

    def stop(self) -> None:
        """Stop as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def copy(self, target: Path) -> None:
        """The table and its stream as they are now."""
        with (
            closing(sqlite3.connect(self.database)) as here,
            closing(sqlite3.connect(target)) as there,
        ):
            here.backup(there)

    def restore(self, copy: Path) -> None:
        """Put a copy in the table's place. The engine must not run."""
        for part in self.database.parent.glob(f"{self.database.name}*"):
            part.unlink()
        shutil.copy(copy, self.database)

    def _answers(self) -> bool:
        try:
            socket.create_connection((HOST, self._port), timeout=10).close()
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """The codes that exist at the moment which is restored to."""

    settled: dict[str, Any]
    waiting: dict[str, Any]
    paid_meanwhile: dict[str, Any]
    reusable: dict[str, Any]
    ended: dict[str, Any]


def walk(drill: Drill) -> None:
    """Walk it."""
    engine = Engine(drill.program, drill.folder)
    drill.undo.callback(engine.stop)
    engine.start()
    drill.start("--dynamodb-url", engine.url)
    Restore(drill, engine).walk()


class Restore:
    """The shop, the loss and the way back."""

    def __init__(self, drill: Drill, engine: Engine) -> None:
        self._drill = drill
        self._stack = drill.stack
        self._engine = engine
        self._about: dict[str, str] = {}

    def walk(self) -> None:
        """The steps."""
        drill, stack = self._drill, self._stack
        with drill.step("A shop is open: codes are made, some are paid"):
            codes = self._open_shop()
            secrets = drill.runbook("webhooks secret shop")
        with drill.step("THE MOMENT that will be restored to"):
            copy = drill.folder / "copy.sqlite"
            moment = SharedClock(stack.folder / "clock").now()
            self._engine.copy(copy)
            places = {path: path.read_bytes() for path in stack.folder.glob("stream-*.json")}
        with drill.step("Notifications go on, and are answered 2xx: DOKU forgets them"):
            self._sell(codes)
        with drill.step("The table is lost. A customer pays: the notification is refused"):
            self._engine.stop()
            stack.pay(codes.paid_meanwhile)
            until(lambda: self._attempts(codes.paid_meanwhile["invoice_number"]))
        with drill.step("Runbook 1: the schedule is turned off"):
            stack.stop()  # with all that would act on a half-restored table
        with drill.step("Runbook 2 to 4: the table is restored and imported, with both secrets"):
            self._engine.restore(copy)
            for path, content in places.items():
                path.write_bytes(content)
            self._engine.start()
        with drill.step("Runbook 5: the archive is replayed, and the schedule is turned on"):
            stack.start()
            restored = self._here()
            first, again = self._replay(moment), self._replay(moment)
            replayed = self._here()
            for _ in range(3):
                stack.advance(minutes=35)
            until(lambda: self._is_paid(codes.paid_meanwhile))
        with drill.step("Runbook 6: the kept notifications are listed"):
            kept = {each["invoice_number"] for each in drill.runbook("notifications list")}
        with drill.step("Runbook 7: the events are sent that nothing brings"):
            drill.runbook(
                "events republish --since 2026-01-31T00:00:00",
                **{"2026-01-31T00:00:00": f"{moment - timedelta(hours=3):%Y-%m-%dT%H:%M:%S}"},
            )
            until(lambda: not self._carried())
        drill.expect("events that wait and nothing brings", [], self._carried())
        drill.note(
            "the replay",
            "every message is proven",
            f"{first['messages']} messages, {first['unproven']} of them not",
            holds=first["replayed"] == first["messages"] > 0,
        )
        drill.expect("payments that a second replay finds missing", 0, again["news"])
        for each in self._till():
            how = self._how(each, restored, replayed, kept)
            drill.note(
                f"payment of {each.invoice_number}: {each.about}",
                "here or kept",
                how,
                holds=how != NOWHERE,
            )
        page = "/pay/" + codes.settled["pay_url"].rpartition("/pay/")[2]
        drill.expect("a customer's page", 200, stack.call("GET", page).status_code)
        same = drill.runbook("webhooks secret shop") == secrets
        drill.note(
            "a storefront's secret", "as it was", "as it was" if same else "another", holds=same
        )

    def _open_shop(self) -> Codes:
        stack = self._stack
        codes = Codes(
            settled=self._create("paid before that moment"),
            waiting=self._create("open at that moment"),
            paid_meanwhile=self._create("paid while the table was away"),
            reusable=self._create("reusable, one of several payments", reusable=True),
            ended=self._create("ended at that moment, paid late", expires_in_minutes=1),
        )
        for each in (codes.settled, codes.reusable):
            stack.pay(each)
            until(lambda each=each: self._is_paid(each))  # type: ignore[misc]
        stack.advance(minutes=5)
        stack.becomes(codes.ended["invoice_number"], "expired")
        return codes

    def _sell(self, codes: Codes) -> None:
        stack = self._stack
        stack.pay(codes.waiting)
        for _ in range(2):
            stack.advance(minutes=1)
            stack.pay(codes.reusable)
        stack.pay(codes.ended, force=True)
        stack.pay(self._create("made after that moment"))
        until(lambda: self._here() == set(self._till()))

    # --- the shop ----------------------------------------------------------------------------

    def _create(self, about: str, **changes: Any) -> dict[str, Any]:
        code = self._stack.create(**changes)
        self._about[code["invoice_number"]] = about
        return code

    def _attempts(self, invoice_number: str) -> bool:
        order = self._stack.doku("GET", f"/orders/{invoice_number}")
        return any(each["attempts"] for each in order["notifications"])

    def _replay(self, since: datetime) -> Any:
        return self._drill.runbook(
            "archive replay --since 2026-01-31T03:00:00",
            **{"2026-01-31T03:00:00": f"{since:%Y-%m-%dT%H:%M:%S}"},
        )

    def _carried(self) -> list[str]:
        """The events that wait, and are on no timetable."""
        deliveries = {
            each["id"]: each["delivery"]
            for each in self._stack.call("GET", "/events").json()["items"]
        }
        return [
            event_id
            for event_id, delivery in deliveries.items()
            if delivery["status"] == "pending" and delivery["next_attempt_at"] is None
        ]

    # --- the truth, and what is here ---------------------------------------------------------

    def _till(self) -> list[Payment]:
        """All payments that DOKU's till took."""
        return [
            Payment(
                each["invoice_number"],
                each["receipt_number"],
                each["amount"],
                self._about[each["invoice_number"]],
            )
            for each in sorted(self._stack.taken(), key=itemgetter("invoice_number"))
        ]

    def _payments_here(self, invoice_number: str) -> set[str]:
        """The receipts of a code's payments here; none if there is no such code."""
        answer = self._stack.call("GET", f"/payment-codes/{invoice_number}/payments")
        items = answer.json()["items"] if answer.ok else []
        return {each["receipt_number"] for each in items}

    def _is_here(self, payment: Payment) -> bool:
        return payment.receipt_number in self._payments_here(payment.invoice_number)

    def _here(self) -> set[Payment]:
        return {each for each in self._till() if self._is_here(each)}

    def _is_paid(self, code: Mapping[str, Any]) -> bool:
        return bool(self._payments_here(code["invoice_number"]))

    def _how(
        self, payment: Payment, restored: set[Payment], replayed: set[Payment], kept: set[str]
    ) -> str:
        """How a payment came back."""
        if payment in restored:
            return BEFORE
        if payment in replayed:
            return REPLAYED
        if self._is_here(payment):
            return ASKED
        return KEPT if payment.invoice_number in kept else NOWHERE
