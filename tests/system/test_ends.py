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

from tests.support.local_stack import LocalStack
from tests.support.patience import PATIENCE_SECONDS, until


def test_killed_between_dokus_acceptance_and_our_write(own_stack: LocalStack) -> None:
    own_stack.start()
    before = dict(own_stack.about)
    known = own_stack.create()
    order = own_stack.order()
    number = order["invoice_number"]
    own_stack.fault(kind="hang_after_accept", operation="generate", invoice_number=number)
    with ThreadPoolExecutor(1) as client:
        request = client.submit(own_stack.call, "POST", "/payment-codes", json=order)
        until(lambda: number in str(own_stack.doku("GET", "/orders")))
        own_stack.kill()
        assert request.exception() is not None  # nobody answered

    own_stack.start()
    assert own_stack.about["api_key"] == before["api_key"]
    assert own_stack.about["api_url"] == before["api_url"]
    assert own_stack.get(known["invoice_number"]) == known
    assert own_stack.get(number)["status"] == "requested"
    own_stack.advance(minutes=1, seconds=1)
    active = own_stack.becomes(number, "active")
    kept = own_stack.doku("GET", f"/orders/{number}")
    assert active["payment_code"] == kept["payment_code"]
    orders = own_stack.doku("GET", "/orders")["orders"]
    assert [each["invoice_number"] for each in orders].count(number) == 1
    own_stack.pay(active)
    own_stack.becomes(number, "paid")
    code, printed = own_stack.stop()
    assert (code, "Traceback" in printed) == (0, False)
    assert not (own_stack.folder / "stack.json").exists()


def family_of(process_id: int) -> list[int]:
    """The process ids of a process and of all below it."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    family = [process_id]
    for member in family:
        family.extend(each for each, parent in parents.items() if parent == member)
    return family


def gone(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL", "child"])
def test_nothing_outlives_the_supervisor(own_stack: LocalStack, how: str) -> None:
    own_stack.start()
    process = own_stack.process
    assert process is not None
    family = family_of(process.pid)
    assert len(family) > 8  # engine, moto and at least one worker for each function
    if how == "child":
        children = json.loads((own_stack.folder / "processes.json").read_text())
        os.kill(children[-1][0], signal.SIGKILL)
    else:
        process.send_signal(signal.Signals[how])
    printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == {"SIGTERM": 0, "SIGKILL": -signal.SIGKILL, "child": 1}[how]
    assert "Traceback" not in printed
    if how == "child":
        assert "ended unexpectedly" in printed
    own_stack.process = None
    for member in family[1:]:
        until(partial(gone, member))
