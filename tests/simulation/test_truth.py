"""Whatever DOKU leaves out, twists or loses: what was paid at the tills is on record, or marked.

The real client, inbox, parsers and use cases; each use case runs whole, without a crash.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from o2o.adapters.doku import messages
from o2o.adapters.doku.client import DokuClient
from o2o.adapters.doku.credentials import DokuCredentials
from o2o.adapters.doku.inbox import Inbox
from o2o.core import payments
from o2o.core.channels import Feature
from o2o.core.codes import Status
from o2o.core.errors import DokuError, IllegalMove, UntrustedMessage
from o2o.core.notifications import DokuMessage
from o2o.core.payments import Relation
from o2o.usecases.ports import Clock
from tests.simulation.checks import truth_is_the_till
from tests.simulation.doku import BASE_URL, CLIENT_ID, PATHS, Doku, Network, OutgoingMessage
from tests.simulation.faults import Faults
from tests.support import wire
from tests.support.memory import MemoryMessageArchive, MemoryNotificationStore
from tests.support.world import SeededEntropy, World, plenty

SEEDS = 120
UNTIL_ALL_IS_SETTLED = timedelta(days=12)


def credentials(*, refresh: bool = False) -> DokuCredentials:
    return DokuCredentials(CLIENT_ID, wire.SECRET)


class Shop:
    """One run: some codes, a DOKU that lies, customers who pay; then an honest DOKU, and time."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.seed = seed
        self.world = World(
            make_doku=self._client,
            make_inbox=lambda clock: Inbox(credentials=credentials, clock=clock),
        )
        self.codes: dict[str, Feature] = {}

    def _client(self, clock: Clock) -> DokuClient:
        faults = Faults.draw(self.chance)
        self.doku = Doku(random.Random(self.seed), clock, CLIENT_ID, lambda: wire.SECRET, faults)
        client = DokuClient(
            base_url=BASE_URL,
            paths=PATHS,
            credentials=credentials,
            clock=clock,
            entropy=SeededEntropy(self.seed),
        )
        client._session.mount("https://", Network(self.doku.answer))
        return client

    def live(self) -> None:
        for place in range(self.chance.randint(1, 3)):
            self._ask(f"INV-{place}")
        for _ in range(self.chance.randint(2, 12)):
            act = self.chance.choice(
                [self._pay, self._pay, self._wait, self._cancel, self._refresh]
            )
            act(self.chance.choice([*self.codes]))
            self._hear()
        self.doku.faults = Faults.none()
        self._pass(UNTIL_ALL_IS_SETTLED, step=timedelta(hours=1))

    def _ask(self, number: str) -> None:
        feature = self.chance.choice([Feature.DGPC, Feature.DGPC, Feature.MGPC, Feature.DIPC])
        self.codes[number] = feature
        reusable = self.chance.random() < 0.5
        try:
            self.world.ask(number, feature=feature, reusable=reusable)
        except DokuError:
            assert self.world.code(number).status is Status.FAILED

    def _pay(self, number: str) -> None:
        code = self.world.code(number)
        if code.feature is Feature.DIPC:
            assert code.payment_code is not None
            message = self.doku.inquire(code.payment_code, "alfa")
            response = self.world.answer(_sent(message)).response
            if not self.doku.inquiry_answered(
                message, response.http_status, response.headers, response.body
            ):
                return
        elif not code.activated_at:
            return
        amount = self.chance.choice([None, None, None, 140_000, 160_000])
        currency = self.chance.choice(["IDR"] * 9 + ["USD"])
        if self.chance.random() < 0.8:
            self.doku.pay(number, amount=amount, currency=currency)

    def _wait(self, _: str) -> None:
        minutes = self.chance.choice([1, 3, 30, 200])
        self._pass(timedelta(minutes=minutes), step=timedelta(minutes=self.chance.choice([1, 20])))

    def _cancel(self, number: str) -> None:
        if self.chance.random() < 0.3:
            try:
                self.world.cancel("shop", number)
            except IllegalMove:
                assert not self.world.code(number).is_open

    def _refresh(self, number: str) -> None:
        try:
            self.world.refresh("shop", number, time_left=plenty)
        except DokuError:
            assert any(self.doku.fired.values())

    def _pass(self, span: timedelta, step: timedelta) -> None:
        until = self.world.clock.now + span
        while self.world.clock.now < until:
            sent_at = self.doku.next_outgoing_at() or until
            self.world.clock.now = max(
                self.world.clock.now + timedelta(seconds=1),
                min(until, self.world.clock.now + step, sent_at),
            )
            self.world.work_off()
            self._hear()

    def _hear(self) -> None:
        for message in self.doku.outbox():
            status = 200
            try:
                self.world.receive(_sent(message))
            except UntrustedMessage:
                status = 401
            self.doku.acknowledged(message, status)

    def violations(self) -> Iterator[str]:
        """What is not as it happened at the tills."""
        world = self.world
        yield from truth_is_the_till(self.doku, world.table, world.archive)
        for number in self.codes:
            code = self.world.code(number)
            if code.due_at is not None or (code.is_open and not code.is_disputed):
                yield f"{number}: {code.status}, and due at {code.due_at}"


def _sent(message: OutgoingMessage) -> DokuMessage:
    return DokuMessage(message.path, message.headers, message.body)


def test_what_was_paid_is_on_record_or_marked() -> None:
    wrong: dict[int, list[str]] = {}
    fired: Counter[str] = Counter()
    for seed in range(SEEDS):
        shop = Shop(seed)
        shop.live()
        fired += shop.doku.fired
        if violations := list(shop.violations()):
            wrong[seed] = violations
    assert not wrong
    # That each one can happen: test_doku.py.
    assert len(fired) > 0.8 * len(fields(Faults))


def _always(answer: object) -> Any:
    return lambda *_, **__: answer


MUTANTS: dict[str, tuple[object, str, Any]] = {
    "a placeholder is a receipt number": (payments, "comparable", lambda text: text),
    "whatever is told is one payment": (payments, "relate", _always(Relation.SAME)),
    "whatever is told is another payment": (payments, "relate", _always(Relation.OTHER)),
    "whatever is told is uncertain": (payments, "relate", _always(Relation.UNCERTAIN)),
    "a payment of years ago counts": (payments, "is_older_order", _always(answer=False)),
    "what matches no code is not kept": (MemoryNotificationStore, "keep", _always(answer=True)),
    "nothing is archived": (MemoryMessageArchive, "keep", _always(None)),
    "a status check proves nothing": (messages, "_STATES", {}),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_it_bites(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*MUTANTS[mutant])
    for seed in range(SEEDS):
        shop = Shop(seed)
        try:
            shop.live()
        except Exception:  # noqa: BLE001 - it bites, too
            return
        if any(shop.violations()):
            return
    pytest.fail("nothing is found")
