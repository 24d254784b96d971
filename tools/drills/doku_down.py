"""DOKU can't be reached for a day: codes wait or end with a mark, and no payment is lost.

Every call of DOKU fails. Tills go on taking money for codes that exist; DOKU tells of it late or
never. Afterwards DOKU is asked, and a person looks up what was ended without its word.
"""

from typing import Any

from tests.support.patience import until
from tools.drills.frame import Drill
from tools.drills.shop import Shop

DAY = 24
STEP = 3
"""Hours by which the clock is moved at a time."""


def walk(drill: Drill) -> None:
    """Walk it."""
    stack = drill.start()
    shop = Shop(drill)
    with drill.step("A shop is open: codes that expire within the hour, and codes that do not"):
        short = {"expires_in_minutes": 60}
        long = {"expires_in_minutes": 7 * DAY * 60}
        lost, late, unpaid, asked = (stack.create(**short) for _ in range(4))
        open_lost, open_late, open_unpaid = (stack.create(**long) for _ in range(3))
    with drill.step("DOKU is down. Tills take money; DOKU tells of it in 18 hours, or never"):
        stack.fault(kind="error_5xx", operation="any", times=None)
        for each in (lost, open_lost, asked):
            stack.pay(each, notify="lost")
        for each in (late, open_late):
            stack.pay(each, notify={"kind": "late", "seconds": 18 * 3600})
    with drill.step("Storefronts go on asking for codes"):
        answers = [
            stack.call("POST", "/payment-codes", json=stack.order(**each))
            for each in (short, long, long)
        ]
        drill.expect("answers", [202] * 3, [each.status_code for each in answers])
        ended, waiting, replaced = (each.json()["invoice_number"] for each in answers)
    with drill.step("An hour and a half later: what expired meanwhile is marked"):
        stack.advance(minutes=61)
        drill.rest()
        drill.expect("at its expiry", "active", stack.get(lost["invoice_number"])["status"])
        stack.advance(minutes=31)
        for each in (lost, late, unpaid, asked):
            stack.becomes(each["invoice_number"], "expired")
        stack.becomes(ended, "failed")
        marks = {_unconfirmed(drill, each) for each in (lost, late, unpaid, asked)}
        drill.expect("expired without DOKU's word: unconfirmed", {True}, marks)
        rings = sum(
            e.get("message") == "code unconfirmed" for e in stack.log("ReconcileCodesFunction")
        )
        drill.expect("codes that ring CodesUnconfirmed", 5, rings)
    with drill.step("The rest of the day"):
        for _ in range(DAY // STEP):
            stack.advance(hours=STEP)
            drill.rest()
        drill.expect("a code that waits", "requested", stack.get(waiting)["status"])
        drill.expect("an open code", "active", stack.get(open_unpaid["invoice_number"])["status"])
        answer = stack.call("POST", f"/payment-codes/{replaced}/cancel")
        drill.expect("a code that waits is cancelled", 200, answer.status_code)
    with drill.step("DOKU is back. One code is asked about by hand, the rest by the timetable"):
        stack.doku("DELETE", "/faults")
        drill.runbook("codes refresh INV-1", **{"INV-1": asked["invoice_number"]})
        drill.expect(
            "the code that was asked about", "paid", stack.get(asked["invoice_number"])["status"]
        )
        stack.advance(hours=1, minutes=1)
        stack.becomes(waiting, "active")
        stack.pay(stack.get(waiting))
        for _ in range(2):
            stack.advance(hours=DAY)
            drill.rest()
        until(lambda: shop.till() == shop.here())
    shown = {
        name: stack.get(each["invoice_number"])
        for name, each in {
            "paid, DOKU never told": lost,
            "paid, DOKU told late": late,
            "open and paid, DOKU never told": open_lost,
            "open and paid, DOKU told late": open_late,
        }.items()
    }
    for name, each in shown.items():
        drill.expect(name, ("paid", False), (each["status"], each["late"]))
    drill.expect("expired and not paid", ("expired", False), _end(drill, unpaid["invoice_number"]))
    drill.expect("never confirmed", ("failed", False), _end(drill, ended))
    shop.compare()


def _unconfirmed(drill: Drill, code: dict[str, Any]) -> bool:
    return bool(drill.stack.get(code["invoice_number"])["unconfirmed"])


def _end(drill: Drill, invoice_number: str) -> tuple[str, bool]:
    view = drill.stack.get(invoice_number)
    return view["status"], view["unconfirmed"]
