"""A stack that ends, in each way that there is, and what is there afterwards."""

import contextlib
import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.support import dynoxide
from tests.support.local_stack import LocalStack
from tests.support.patience import CALL_SECONDS, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no Linux: these look into /proc")


def test_killed_between_dokus_acceptance_and_our_write(own_stack: LocalStack) -> None:
    dynoxide.need()  # moto would forget what it knows
    own_stack.start()
    before = dict(own_stack.about)
    known = own_stack.create()
    order = own_stack.order()
    number = order["invoice_number"]
    own_stack.fault(kind="hang_after_accept", operation="generate", invoice_number=number)
    family = family_of(own_stack)
    with ThreadPoolExecutor(1) as client:
        request = client.submit(own_stack.call, "POST", "/payment-codes", json=order)
        until(lambda: number in str(own_stack.doku("GET", "/orders")))
        own_stack.kill()
        assert request.exception() is not None  # nobody answered
    until(partial(gone, family))

    own_stack.start()
    assert own_stack.about["api_key"] == before["api_key"]
    assert own_stack.about["api_url"] == before["api_url"]
    assert own_stack.get(known["invoice_number"]) == known
    assert own_stack.get(number)["status"] == "requested"
    # Nobody noted that no answer came; the storefront, which got none either, asks again.
    own_stack.advance(minutes=1, seconds=1)
    assert own_stack.call("POST", "/payment-codes", json=order).status_code == 202
    own_stack.advance(minutes=1, seconds=1)
    active = own_stack.becomes(number, "active")
    kept = own_stack.doku("GET", f"/orders/{number}")
    assert active["payment_code"] == kept["payment_code"]
    orders = own_stack.doku("GET", "/orders")["orders"]
    assert [each["invoice_number"] for each in orders].count(number) == 1
    own_stack.pay(active)
    own_stack.becomes(number, "paid")
    family = family_of(own_stack)
    code, printed = own_stack.stop(signal.SIGTERM)
    assert (code, "Traceback" in printed) == (0, False)
    for name in ("stack.json", "env"):
        assert not (own_stack.folder / name).exists()
    until(partial(gone, family))


def test_a_part_that_dies_ends_all_and_the_next_start_may_have_other_ports(
    own_stack: LocalStack,
) -> None:
    own_stack.start()
    family = family_of(own_stack)
    parts = json.loads((own_stack.folder / "processes.json").read_text())
    os.kill(parts[-1][0], signal.SIGKILL)
    code, printed = own_stack.wait()
    assert (code, "Traceback" in printed) == (1, False)
    assert "ended unexpectedly" in printed
    until(partial(gone, family))

    (own_stack.folder / "ports.json").unlink()
    own_stack.start()
    # The demo store's webhooks follow the console to its new port.
    created = own_stack.create()
    url = f"{own_stack.about['console_url']}/_local/webhooks"
    got = until(lambda: own_stack.http.get(url, timeout=CALL_SECONDS).json()["items"])
    assert got[0]["body"]["data"]["invoice_number"] == created["invoice_number"]
    assert got[0]["verified"]
    own_stack.kill()


def family_of(stack: LocalStack) -> set[int]:
    """The process ids of a running stack: the supervisor's, and of all below it."""
    assert stack.process is not None
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    family = [stack.process.pid]
    for member in family:
        family.extend(each for each, parent in parents.items() if parent == member)
    assert len(family) > 3  # the engine, moto and what workers are forked from
    return set(family)


def gone(family: set[int]) -> bool:
    return not any(Path(f"/proc/{member}").exists() for member in family)
