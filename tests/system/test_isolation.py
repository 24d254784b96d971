"""Two storefronts on one stack, one of which sends all that it can."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import pytest
import requests

from tests.support.local_stack import LocalStack, new_storefront
from tests.support.patience import until

RATE, BURST = 1, 25
SENDERS = 8


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    limits = {"StorefrontRateLimit": RATE, "StorefrontBurstLimit": BURST}
    running = LocalStack(
        folder=tmp_path_factory.mktemp("isolation"),
        arguments=tuple(f"--parameter={name}={value}" for name, value in limits.items()),
    )
    running.start()
    yield running
    running.http.close()
    running.stop()


class Flood:
    """Requests of the first storefront, as fast as they are answered, until the end."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(SENDERS)
        self.statuses: Counter[int] = Counter()
        self.refused: list[requests.Response] = []

    def __enter__(self) -> Self:
        for _ in range(SENDERS):
            self._pool.submit(self._send)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._pool.shutdown()

    def _send(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self._over.is_set():
                answer = session.get(
                    f"{self._stack.about['api_url']}/payment-codes",
                    headers={"Authorization": f"Bearer {self._stack.about['api_key']}"},
                    timeout=60,
                )
                self.statuses[answer.status_code] += 1
                if answer.status_code == 429:
                    self.refused.append(answer)


def test_a_storefront_at_full_load_holds_up_nobody(stack: LocalStack) -> None:
    other = {"Authorization": f"Bearer {new_storefront(stack, 'other')}"}
    # Before the flood the first storefront has a code of each kind out at the stores.
    listed = stack.create()
    asked_for = stack.create(feature="dipc", bin="889955")
    with Flood(stack) as flood:
        until(lambda: len(flood.refused) >= SENDERS)
        # The other storefront feels nothing: as many calls as it may have, and all are answered.
        order = stack.order()
        made = stack.call("POST", "/payment-codes", headers=other, json=order)
        assert made.status_code == 201, made.text
        for _ in range(BURST - 10):
            path = f"/payment-codes/{order['invoice_number']}"
            answer = stack.call("GET", path, headers=other)
            assert answer.status_code == 200, answer.text
        # Nor does DOKU, whosever code it is: a till is told yes, and payments are settled.
        asked = {"payment_code": asked_for["payment_code"]}
        assert stack.doku("POST", "/inquiry", asked)["amount"] == asked_for["amount"]
        for code in (listed, asked_for):
            stack.pay(code)
            answers = stack.attempts(code["invoice_number"])
            assert [each["status"] for each in answers] == [200]
        # Nor do customers, whose page is nobody's route.
        page = requests.get(made.json()["pay_url"], timeout=60)
        assert page.status_code == 200
        until(lambda: flood.statuses[429] > 10 * SENDERS)
    assert set(flood.statuses) == {200, 429}
    # Its own next request is answered as soon as it has waited.
    stack.advance(seconds=BURST / RATE)
    for code in (listed, asked_for):
        assert stack.get(code["invoice_number"])["status"] == "paid"


def test_who_is_refused_is_told_for_how_long_and_how_much_it_may_send(stack: LocalStack) -> None:
    stack.advance(seconds=BURST / RATE)
    allowed = stack.call("GET", "/payment-codes")
    assert allowed.status_code == 200
    assert allowed.headers["RateLimit-Policy"] == f'"storefront";q={RATE};w=1'
    with Flood(stack) as flood:
        until(lambda: flood.refused)
    refused = flood.refused[0]
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["RateLimit-Policy"] == allowed.headers["RateLimit-Policy"]
    assert refused.json() == {
        "type": "/problems/too-many-requests",
        "title": "Too many requests",
        "status": 429,
    }


def test_a_storefront_of_before_the_limits_is_let_in(stack: LocalStack) -> None:
    """It shares a rate with others of its kind until it is given its own."""
    stack.advance(seconds=BURST / RATE)
    key = new_storefront(stack, "old", limited=False)
    answer = stack.call("GET", "/payment-codes", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    with Flood(stack) as flood:
        until(lambda: flood.refused)
        again = stack.call("GET", "/payment-codes", headers={"Authorization": f"Bearer {key}"})
        assert again.status_code == 200
