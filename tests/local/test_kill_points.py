"""A function's process dies where it is told to: before a call leaves, or once it is answered."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.aws import client
from local.functions import FunctionError, FunctionPool, make_pool
from local.kill_points import AFTER, BEFORE, Call, KillPoint, KillPoints
from tests.local.shop import Shop

SEND = {"queryStringParameters": {"wish": "send"}}


class Mortal:
    """A function of one worker that can be made to die, and the queue that it sends to."""

    def __init__(self, shop: Shop, pool: FunctionPool, folder: Path) -> None:
        self.points = KillPoints(folder)
        self._pool = pool
        self._sqs = client("sqs", shop.aws_url)
        self._queue = shop.blueprint.functions["EchoFunction"].environment["QUEUE_URL"]

    def send(self) -> Any:
        return self._pool.submit(SEND).result()

    def dies(self) -> None:
        with pytest.raises(FunctionError, match=r"Runtime\.ExitError"):
            self.send()

    def order(self, side: str, nth: int = 1) -> None:
        self.points.order(KillPoint(Call("EchoFunction", "SendMessage", nth), side))

    def sent(self) -> int:
        """How many messages the queue has got; it is empty afterwards."""
        found = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        messages = found.get("Messages", ())
        for each in messages:
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=each["ReceiptHandle"])
        return len(messages)


@pytest.fixture
def mortal(shop: Shop, tmp_path: Path) -> Iterator[Mortal]:
    shared = replace(shop.shared, kill_points=tmp_path)
    may_send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    function = replace(shop.blueprint.functions["EchoFunction"], statements=(may_send,))
    pool = make_pool(function, shared, limit=1)
    found = Mortal(shop, pool, tmp_path)
    found.sent()
    yield found
    found.sent()
    pool.close()


@pytest.mark.parametrize(("side", "sent"), [(BEFORE, 0), (AFTER, 1)])
def test_a_process_dies_on_either_side_of_a_call_and_only_once(
    mortal: Mortal, side: str, sent: int
) -> None:
    mortal.order(side)
    mortal.dies()
    assert not mortal.points.is_ordered
    assert mortal.sent() == sent
    mortal.send()
    assert mortal.sent() == 1


def test_calls_are_counted_from_the_order_on(mortal: Mortal) -> None:
    mortal.send()
    mortal.order(BEFORE, nth=2)
    mortal.send()
    mortal.dies()
    assert mortal.sent() == 2


def test_an_order_that_is_withdrawn_kills_nobody(mortal: Mortal) -> None:
    mortal.order(BEFORE)
    mortal.points.withdraw()
    mortal.points.withdraw()
    mortal.send()
    calls = mortal.points.calls()
    assert [(each["function"], each["name"]) for each in calls] == [("EchoFunction", "SendMessage")]


def test_nothing_is_noted_unless_a_stack_is_started_to_be_killed_in(
    shop: Shop, tmp_path: Path
) -> None:
    with shop.pool("EchoFunction") as pool:
        pool.submit({}).result()
    assert shop.shared.kill_points is None
    assert KillPoints(tmp_path).calls() == []
