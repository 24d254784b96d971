"""How DOKU lies: what becomes of its answers and messages as chance has it."""

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, cast

from simulator import faults as faults_at_doku
from simulator import tellings, wire
from simulator.clock import utc_text
from simulator.protocol.error_answers import REFUSAL_SHAPES
from simulator.store import Store
from simulator.store.fault_queue import FaultQueue, QueuedFault
from tests.simulation.faults import Faults

_PLACEHOLDERS = ("0", "000000", "-", "N/A", "null")
WORDS = ("SETTLEMENT", "ORDER_GENERATED", "TIMEOUT", "paid?")
"""Statuses that no document names."""

Json = dict[str, Any]


class Liar:
    """Draws what goes wrong, and words DOKU's answers accordingly."""

    def __init__(
        self, seed: int, faults: Faults, store: Store, now: Callable[[], datetime]
    ) -> None:
        self.faults = faults
        self.fired: Counter[str] = Counter()
        self._seed = seed
        self._store = store
        self._now = now
        self._chances: dict[str, random.Random] = {}

    def chance(self, invoice_number: str | None) -> random.Random:
        """The chance of one order."""
        name = invoice_number or ""
        found = self._chances.get(name)
        if found is None:
            found = self._chances[name] = random.Random(f"{self._seed} {name}")
        return found

    def happens(self, fault: str, chance: random.Random) -> bool:
        """Whether a fault happens now; counts it."""
        probability: float = getattr(self.faults, fault)
        if probability <= 0.0 or chance.random() >= probability:
            return False
        self.fired[fault] += 1
        return True

    def of_unpaid(self, word: str, document: Json, chance: random.Random) -> wire.Answer:
        """What it says of an order that nobody has paid."""
        if self.happens("other_word", chance):
            document["transaction"]["status"] = chance.choice(WORDS)
        elif self.happens("failed", chance):
            document["transaction"]["status"] = "FAILED"
        elif word == "EXPIRED" and self.happens("pending_after_expiry", chance):
            document["transaction"]["status"] = "PENDING"
        elif word == "PENDING" and self.happens("no_transaction", chance):
            del document["transaction"]
        elif word == "PENDING" and self.happens("null_ids", chance):
            document = self.spoil("null_ids", document)
        return wire.Answer(status=HTTPStatus.OK, body=dump(document))

    def of_old(self, invoice_number: str, chance: random.Random) -> wire.Answer | None:
        """A payment of years ago under this number, of which we know nothing."""
        if not self.happens("older_order", chance):
            return None
        paid_at = self._now() - timedelta(days=chance.randrange(400, 2000))
        document = {
            "order": {"invoice_number": invoice_number, "amount": chance.choice([10_000, 150_000])},
            "transaction": {"status": "SUCCESS", "date": utc_text(paid_at)},
            "online_to_offline_payment": {
                "identifier": [{"name": "AGENT_TRX_ID", "value": f"OLD{chance.getrandbits(20)}"}]
            },
        }
        return wire.Answer(status=HTTPStatus.OK, body=dump(document))

    def of_code(self, number: str | None, plain: wire.Answer) -> wire.Answer:
        """The answer with a code, as chance has it."""
        chance = self.chance(number)
        document = json.loads(plain.body)
        info = document["online_to_offline_info"]
        status = plain.status
        if status == HTTPStatus.CONFLICT:
            if self.happens("repeat_with_200", chance):
                status = HTTPStatus.OK
            if self.happens("repeat_without_digits", chance):
                del info["payment_code"]
        no_dates = self.happens("no_dates", chance)
        if no_dates or self.happens("compact_dates", chance):
            left_out = ("created_date", "expired_date") if no_dates else ()
            for name in ("created_date_utc", "expired_date_utc", *left_out):
                del info[name]
        return wire.Answer(status=status, body=dump(document))

    def of_payment(self, document: Json, currency: str, chance: random.Random) -> Json:
        """A telling of a payment, as chance has it."""
        for fault in ("receipt", "store", "brand", "identifiers", "date"):
            if self.happens(f"no_{fault}", chance):
                document = self.spoil("missing_field", document, field=fault)
        if self.happens("placeholder", chance):
            number = chance.choice(_PLACEHOLDERS)
            document = self.spoil("wrong_receipt", document, receipt_number=number)
        if currency != "IDR":
            document = self.spoil("foreign_currency", document, currency=currency)
        if self.happens("unreadable", chance):
            document = self.spoil("unreadable_amount", document, amount=chance.choice(["N/A", "?"]))
        paid = document.get("online_to_offline_payment")
        if paid is not None and self.happens("misspelt", chance):
            document = {
                **document,
                "online_to_offline_payment": {"identifer": paid["identifier"]},
            }
        if self.happens("more_fields", chance):
            document = {**document, "salt": chance.getrandbits(16), "security": {"x": [None, 1.5]}}
        return document

    def spoil(self, kind: str, document: Json, **values: Any) -> Json:
        return tellings.spoil(kind, document, values, self._store)


def dump(document: Json, chance: random.Random | None = None) -> bytes:
    """A body; with a chance its amount has another form (DOKU protocol, section 6)."""
    order = document["order"]
    if chance is not None and isinstance(order.get("amount"), int):
        form = chance.choice(["{}.00", "{}", "{}.0"])
        document = {**document, "order": {**order, "amount": form.format(order["amount"])}}
    return wire.json_bytes(document)


def _accepted(chance: random.Random) -> Json:
    return {"accepted": chance.random() < 0.5}


_WIRE: Mapping[str, Callable[[random.Random], Json]] = {
    "hang_before_accept": lambda _: {"seconds": 60.0},
    "hang_after_accept": lambda _: {"seconds": 60.0},
    "reset": _accepted,
    "half_answer": _accepted,
    "slow_drip": lambda chance: {"seconds_per_byte": 1.0, **_accepted(chance)},
    "error_5xx": lambda chance: {"status": chance.choice([500, 502, 503]), **_accepted(chance)},
    "rate_limited": lambda _: {"retry_after": 1},
    "unavailable": lambda chance: {"signed": chance.random() < 0.5},
    "not_routed": lambda _: {},
    "firewall": lambda chance: {"status": chance.choice([403, 404, 405, 503])},
    "redirect": lambda chance: {"status": 302, "location": None, **_accepted(chance)},
    "garbage": _accepted,
    "huge_body": lambda chance: {"bytes": 70_000, **_accepted(chance)},
    "wrong_signature": _accepted,
    "no_signature": _accepted,
    "refused": lambda chance: {
        "status": chance.choice([400, 409, 422]),
        "shape": chance.choice(REFUSAL_SHAPES),
        "code": chance.choice(["invalid_request", "duplicate_invoice_number"]),
        "message": "Request refused",
        "signed": chance.random() < 0.5,
        "accepted": False,
    },
    "refused_repeat": lambda chance: {
        "status": chance.choice([400, 409, 422]),
        "signed": chance.random() < 0.5,
    },
    "not_found": lambda _: {},
    "compact_date": lambda _: {},
    "wrong_channel": lambda _: {},
}
"""Faults that the simulator of DOKU carries out, with their parameters."""


class _DrawnQueue(FaultQueue):
    """Instead of a queue of faults: chance."""

    def __init__(
        self,
        liar: Liar,
        has_order: Callable[[str | None], bool],
        may_deny: Callable[[str | None], bool],
    ) -> None:
        self._liar = liar
        self._has_order = has_order
        self._may_deny = may_deny

    def take(
        self,
        operation: str,
        kinds: Sequence[str],
        invoice_number: str | None,
        channel: str | None,
    ) -> QueuedFault | None:
        chance = self._liar.chance(invoice_number)
        for kind, parameters in _WIRE.items():
            if kind not in kinds or (kind == "refused" and self._has_order(invoice_number)):
                continue
            if not self._liar.happens(kind, chance):
                continue
            values = parameters(chance)
            if kind == "not_found":
                values["signed"] = chance.random() < 0.5 and self._may_deny(invoice_number)
            return QueuedFault(
                id=0,
                operation=operation,
                kind=kind,
                invoice_number=invoice_number,
                channel=channel,
                remaining=0,
                used=1,
                parameters=values,
            )
        return None


class DrawnFaults(faults_at_doku.Faults):
    """The simulator's faults, drawn by a liar. ``may_deny``: whether a signed 404 is a fair lie."""

    def __init__(
        self,
        liar: Liar,
        has_order: Callable[[str | None], bool],
        may_deny: Callable[[str | None], bool],
        channels: tuple[str, ...],
    ) -> None:
        super().__init__(_DrawnQueue(liar, has_order, may_deny), channels)
        # Who waits in vain has gone when the waiting is over.
        self.hanging = cast("Any", SimpleNamespace(hang=lambda *_: False))
