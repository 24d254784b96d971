"""Whatever happens to codes, stream, bus, queue and endpoints: every event arrives or is given up.

Codes live their lives in a world in memory, whose writes are a stream. The stream is read in
pieces, read again and replayed from the start; bus and queue go away; messages get lost and come
twice; endpoints fail, hang, go away and come back. When the faults stop, nothing is left over.
"""

from collections import Counter
from contextlib import suppress
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from o2o.core.channels import Channel
from o2o.core.deliveries import WAITING, DeliveryStatus, EventRecord
from o2o.core.errors import Busy, IllegalMove, O2OError
from o2o.core.events import Change, EventType, derive_events
from o2o.core.storefronts import Storefront
from o2o.core.work import Work, WorkKind
from o2o.usecases.browse_events import EventFilter
from tests.support.examples import examples
from tests.support.memory import MemoryCodeStore
from tests.support.storefronts import Shops
from tests.support.world import START, World, plenty

BAD = st.sampled_from([None, None, 0, 1, 2])
SHOPS = ("shop", "other")
INVOICES = st.sampled_from([f"INV-{number}" for number in range(6)])
ANSWERS = st.sampled_from([204, 200, 500, 404, 302, 410, "timeout", "connection_refused"])
MISMATCHES = {EventType.AMOUNT_MISMATCH, EventType.DIGITS_MISMATCH}
SETTLED = {DeliveryStatus.DELIVERED, DeliveryStatus.DEAD}


class StreamedCodeStore(MemoryCodeStore):
    """Codes whose writes can be read as a stream."""

    def __init__(self) -> None:
        super().__init__()
        self.stream: list[Change] = []

    def written(self, change: Change) -> None:
        self.stream.append(change)


class Delivery(RuleBasedStateMachine):
    """A few codes of two storefronts, and a bad month."""

    def __init__(self) -> None:
        super().__init__()
        self.codes = StreamedCodeStore()
        self.world = World(codes=self.codes)
        self.shops = Shops(clock=self.world.clock)
        self.urls = {shop: self.shops.open(shop) for shop in SHOPS}
        for shop in SHOPS:
            self.shops.storefronts.add_storefront(Storefront(shop, shop, self.world.clock(), shop))
        self.read = 0
        self.messages: list[str] = []
        """What was taken from the queue, for the delivery."""

    # --- codes ---

    @rule(invoice=INVOICES, shop=st.sampled_from(SHOPS), reusable=st.booleans())
    def ask(self, invoice: str, shop: str, reusable: bool) -> None:
        request = self.world.request(invoice, channel=Channel.ALFA, reusable=reusable)
        with suppress(O2OError):
            self.world.generate(shop, request, time_left=plenty)

    @rule(invoice=INVOICES, amount=st.sampled_from([None, None, 20_000]))
    def pay(self, invoice: str, amount: int | None) -> None:
        if invoice in self.world.doku.orders:
            self.world.notify(self.world.doku.pay(invoice, amount=amount))

    @rule(invoice=INVOICES)
    def cancel(self, invoice: str) -> None:
        code = self.codes.get(invoice)
        if code is not None:
            with suppress(IllegalMove):
                self.world.cancel(code.storefront_id, invoice)

    # --- the stream ---

    @rule(most=st.integers(1, 10), again=st.integers(0, 3), bad=BAD)
    def read_on(self, most: int, again: int, bad: int | None) -> None:
        """A batch; it may begin with what was read before, and no events be made of one record."""
        start = max(self.read - again, 0)
        for position, change in enumerate(self.codes.stream[start : start + most], start):
            if position - start == bad:
                self.shops.publisher.give_up(change.after.order_number)
            else:
                self.shops.publish(change)
            self.read = max(self.read, position + 1)

    @rule()
    def operator_makes_lost_events(self) -> None:
        while (work := self.shops.letters.take()) is not None:
            self.shops.republish(self.codes).of_code(work.invoice_number)

    @rule()
    def replay_from_the_start(self) -> None:
        for change in self.codes.stream:
            self.shops.publish(change)
        self.read = len(self.codes.stream)

    @rule(away=st.booleans())
    def bus(self, away: bool) -> None:
        self.shops.bus.is_away = away

    @rule(away=st.booleans())
    def queue(self, away: bool) -> None:
        self.shops.queue.is_away = away

    # --- delivery ---

    @rule(order=st.randoms(use_true_random=False), late=st.integers(0, 3), twice=st.integers(0, 3))
    def messages_arrive(self, order, late: int, twice: int) -> None:
        """In any order, some later, some twice."""
        while (work := self.shops.queue.take()) is not None:
            self.messages.append(work.identity)
        order.shuffle(self.messages)
        for event_id in self.messages[late:]:
            self.shops.deliver(event_id)
        self.messages[:] = self.messages[: late + twice]

    @rule(lost=st.integers(1, 3))
    def messages_get_lost(self, lost: int) -> None:
        """The operator empties a queue, and makes the events of all codes again."""
        del self.messages[:lost]
        while self.shops.queue.take() is not None:
            pass
        self.publish_all_again()

    def publish_all_again(self) -> None:
        with suppress(Busy):
            self.shops.republish(self.codes).of_time(START)

    @rule(shop=st.sampled_from(SHOPS), answer=ANSWERS)
    def endpoint_answers(self, shop: str, answer: int | str) -> None:
        self.shops.sender.answers[self.urls[shop]] = answer

    @rule(shop=st.sampled_from(SHOPS))
    def operator_pauses(self, shop: str) -> None:
        self.shops.admin.pause(shop)

    @rule(shop=st.sampled_from(SHOPS))
    def operator_resumes(self, shop: str) -> None:
        with suppress(Busy):
            self.shops.admin.resume(shop)

    @rule(shop=st.sampled_from(SHOPS))
    def operator_resumes_and_crashes(self, shop: str) -> None:
        """The endpoint takes events again, and nothing else was done."""
        self.shops.endpoints.save_endpoint(self.shops.endpoint(shop).resume())

    @rule(shop=st.sampled_from(SHOPS), address=st.integers(0, 3))
    def operator_gives_another_address(self, shop: str, address: int) -> None:
        self.urls[shop] = f"https://{shop}-{address}.example/hook"
        with suppress(Busy):
            self.shops.admin.set_url(shop, self.urls[shop])

    @rule(shop=st.sampled_from(SHOPS))
    def storefront_wants_all_again(self, shop: str) -> None:
        with suppress(Busy):
            self.shops.browse.resend_all(shop, EventFilter(), cursor=None)

    @rule(minutes=st.sampled_from([1, 3, 30, 600, 5000]))
    def time_passes(self, minutes: int) -> None:
        self.shops.clock.advance(minutes=minutes)
        self.world.work_off()
        with suppress(Busy):
            self.shops.work_off()

    # --- what holds ---

    def records(self) -> list[EventRecord]:
        found: list[EventRecord] = []
        for shop in SHOPS:
            page = self.shops.events.list_events(
                shop, created_from=None, created_to=None, limit=10_000, cursor=None
            )
            found += page.items
        return found

    @invariant()
    def no_event_is_there_twice(self) -> None:
        records = self.records()
        told = Counter((each.invoice_number, each.sequence, each.type) for each in records)
        assert all(times == 1 for times in told.values())

    @invariant()
    def what_waits_is_in_the_queue_or_on_the_timetable(self) -> None:
        for record in self.records():
            if record.status not in WAITING:
                assert record.due_at is None
            elif record.due_at is None:
                queued = Work(WorkKind.EVENT, "", record.event_id) in self.shops.queue.entries
                assert queued or record.event_id in self.messages

    def teardown(self) -> None:
        """The faults stop."""
        self.shops.bus.is_away = False
        self.shops.queue.is_away = False
        self.shops.sender.answers.clear()
        self.world.live(self.world.clock() + timedelta(days=4), timedelta(hours=6))
        for change in self.codes.stream[self.read :]:
            self.shops.publish(change)
        self.operator_makes_lost_events()
        for event_id in self.messages:
            self.shops.deliver(event_id)
        for shop in SHOPS:
            # Not even a resume that ran to its end is needed.
            self.operator_resumes_and_crashes(shop)
        self.shops.live(self.shops.clock() + timedelta(days=5), timedelta(hours=1))

        types = {
            event.event_id: event.type
            for change in self.codes.stream
            for event in derive_events(change)
        }
        expected = set(types)
        records = {record.event_id: record for record in self.records()}
        assert set(records) <= expected
        for lost in expected - set(records):
            # Nobody but the stream tells of a payment that did not match its code and now does.
            assert types[lost] in MISMATCHES
        assert {record.status for record in records.values()} <= SETTLED
        posted = Counter(headers["webhook-id"] for _, headers, _ in self.shops.sender.posted)
        assert set(posted) <= expected
        for record in records.values():
            if record.status is DeliveryStatus.DEAD:
                assert record.event_id in self.shops.dead
            else:
                assert posted[record.event_id]
                assert record.attempts[-1].delivered
        for url, headers, body in self.shops.sender.posted:
            record = records[headers["webhook-id"]]
            assert url.startswith(f"https://{record.storefront_id}")
            assert body == record.payload.encode()


TestDelivery = Delivery.TestCase
TestDelivery.settings = settings(max_examples=examples(150), stateful_step_count=40)
