"""The stack was away for a week: what fell due is worked off, and new customers do not wait for it.

Codes expired meanwhile, and payments were made whose notifications DOKU has given up. All of it is
due at once, while the shop goes on selling.
"""

import time
from typing import Any

from local.clock import SharedClock
from tests.support.patience import until
from tools.drills.frame import Drill
from tools.drills.shop import Shop

CODES = 300
WEEK = 7 * 24 * 3600
PAID, EXPIRED = "payment_code.paid", "payment_code.expired"
NEW = {"dgpc": {}, "dipc": {"feature": "dipc", "bin": "889955"}}
"""The new customers' codes; a cashier waits for an answer about the second."""


def walk(drill: Drill) -> None:
    """Walk it."""
    stack = drill.start()
    shop = Shop(drill)
    with drill.step(f"A shop is open: {CODES} codes, which expire a day later"):
        codes = [stack.create(expires_in_minutes=24 * 60) for _ in range(CODES)]
        for each in codes:
            shop.hears(each, "payment_code.activated")
    with drill.step("Half of them are paid, and no notification comes through"):
        paid, unpaid = codes[::2], codes[1::2]
        for each in paid:
            stack.pay(each, notify="lost")
    with drill.step("The stack is away for a week, and starts again"):
        stack.stop()
        SharedClock(stack.folder / "clock").advance(WEEK)
        stack.start()
        began = time.monotonic()
    with drill.step("Customers come while the week is worked off"):
        new = []
        for kind, request in NEW.items():
            came = time.monotonic()
            code = stack.create(**request)
            stack.pay(code)
            stack.becomes(code["invoice_number"], "paid")
            left = CODES - len(_settled(shop, codes))
            drill.note(
                f"a new customer ({kind}) has a code and pays it",
                "before the week is worked off",
                f"in {time.monotonic() - came:.1f} s, {left} of {CODES} codes left",
                holds=left > 0,
            )
            new.append((kind, code, came))
        for kind, code, came in new:
            shop.hears(code, PAID)
            drill.tell(f"the shop hears of {kind}", f"after {time.monotonic() - came:.1f} s")
    with drill.step("All is settled"):
        until(lambda: len(_settled(shop, codes)) == CODES, "the backlog")
        drill.tell("settled and heard of by the shop", f"in {time.monotonic() - began:.1f} s")
    settled = _settled(shop, codes)
    for type_, those in ((PAID, paid), (EXPIRED, unpaid)):
        right = sum(settled[each["invoice_number"]] == type_ for each in those)
        drill.expect(f"of {len(those)} codes, {type_}", len(those), right)
    first = set(list(settled)[: CODES // 10])
    longest = {each["invoice_number"] for each in codes[: CODES // 2]}
    drill.tell(
        "the longest overdue first",
        f"of the first {len(first)} settled, {len(first & longest)} are of the older half",
    )
    shop.compare()


def _settled(shop: Shop, codes: list[dict[str, Any]]) -> dict[str, str]:
    """What the shop heard at last of these codes, in the order in which it heard it."""
    wanted = {each["invoice_number"] for each in codes}
    return {
        each["data"].get("invoice_number"): each["type"]
        for each in list(shop.heard)
        if each["data"].get("invoice_number") in wanted and each["type"] in (PAID, EXPIRED)
    }
