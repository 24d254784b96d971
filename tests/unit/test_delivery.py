"""An event on its way: tried, put off, paused, given up, and sent again."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import NoReturn

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from o2o.core.deliveries import Attempt, DeliveryStatus, EventRecord
from o2o.core.endpoints import Endpoint, PauseReason
from o2o.core.errors import Busy, InvalidRequest, NotFound
from o2o.core.events import Change, EventType
from o2o.core.retries import RetrySchedule
from o2o.core.storefronts import Storefront
from o2o.core.work import Work, WorkKind
from o2o.usecases import browse_events
from o2o.usecases.browse_events import BrowseEvents, EventFilter
from o2o.usecases.deliver_webhooks import DeliveryOutcome, sign
from tests.support.memory import MemoryCodeStore
from tests.support.samples import make_code, make_own_code
from tests.support.storefronts import RETRIES, Shops, make_record, secret_of
from tests.support.world import START


def none(_: timedelta) -> timedelta:
    return timedelta()


@pytest.fixture
def shops() -> Shops:
    return Shops()


# --- publishing ------------------------------------------------------------------------------


def test_what_is_published_is_kept_announced_and_delivered(shops: Shops) -> None:
    url = shops.open()
    (published,) = shops.publish(Change(None, make_own_code()))
    assert published.is_new
    assert shops.bus.heard == [published.record]
    assert shops.record(published.record.event_id) == published.record
    assert shops.deliver(published.record.event_id).outcome is DeliveryOutcome.DELIVERED
    assert shops.sender.ids(url) == [published.record.event_id]


def test_a_replay_keeps_the_first_and_sends_nothing_twice(shops: Shops) -> None:
    url = shops.open()
    change = Change(None, make_own_code())
    (first,) = shops.publish(change)
    shops.deliver(first.record.event_id)
    kept = shops.record(first.record.event_id)
    shops.clock.advance(hours=5)
    (again,) = shops.publish(change)
    assert not again.is_new
    assert again.record == kept
    assert shops.record(first.record.event_id) == kept
    assert shops.deliver(again.record.event_id).outcome is DeliveryOutcome.NOTHING_DUE
    assert len(shops.sender.ids(url)) == 1


def test_a_bus_that_is_down_holds_no_storefront_up(shops: Shops) -> None:
    url = shops.open()
    shops.bus.is_away = True
    changes = [Change(make_code(), make_own_code(version=2)), Change(None, make_own_code("INV-2"))]
    kept = [each.record for change in changes for each in shops.publisher.keep(change)]
    assert shops.publisher.hand_on(kept) == kept
    assert [str(error) for error in shops.reported] == ["the bus is away"]  # it was asked once
    assert [done.outcome for done in shops.work_off()] == [DeliveryOutcome.DELIVERED] * 2
    assert shops.sender.ids(url) == [record.event_id for record in kept]
    shops.bus.is_away = False
    assert shops.publisher.announce(kept) == []
    assert shops.bus.heard == kept


def test_the_bus_gets_ten_events_at_a_time_in_their_order(shops: Shops, monkeypatch) -> None:
    asked: list[int] = []
    take = shops.bus.put

    def put(records: Sequence[EventRecord]) -> None:
        asked.append(len(records))
        shops.bus.is_away = len(asked) == 3
        take(records)

    monkeypatch.setattr(shops.bus, "put", put)
    changes = [Change(None, make_own_code(f"INV-{number}")) for number in range(34)]
    kept = [each.record for change in changes for each in shops.publisher.keep(change)]
    # After the first ten that it does not take it is asked no more.
    assert shops.publisher.hand_on(kept) == kept[20:]
    assert shops.bus.heard == kept[:20]
    assert asked == [10, 10, 10]


def test_without_the_queue_the_event_is_due_in_two_minutes(shops: Shops) -> None:
    url = shops.open()
    shops.queue.is_away = True
    (published,) = shops.publish(Change(None, make_own_code()))
    assert shops.bus.heard == [published.record]
    assert [str(error) for error in shops.reported] == ["the queue is away"]
    shops.queue.is_away = False
    shops.clock.advance(minutes=2)
    shops.work_off()
    assert shops.sender.ids(url) == [published.record.event_id]


def test_what_the_queue_has_is_on_no_timetable(shops: Shops) -> None:
    shops.open()
    (published,) = shops.publish(Change(None, make_own_code()))
    assert shops.record(published.record.event_id).due_at is None
    assert shops.record(published.record.event_id).forget_at is None
    shops.clock.advance(days=400)
    assert shops.expire.due_events().count == 0
    assert [done.outcome for done in shops.work_off()] == [DeliveryOutcome.DELIVERED]


def test_without_queue_and_table_the_stream_brings_it_again(shops: Shops, monkeypatch) -> None:
    url = shops.open()
    shops.queue.is_away = True

    def fail(_: object) -> NoReturn:
        raise Busy("the table is busy")

    with monkeypatch.context() as outage:
        outage.setattr(shops.events, "save", fail)
        with pytest.raises(Busy, match="the table"):
            shops.publish(Change(None, make_own_code()))
    assert not shops.bus.heard
    shops.queue.is_away = False
    (published,) = shops.publish(Change(None, make_own_code()))
    assert not published.is_new
    shops.work_off()
    assert shops.sender.ids(url) == [published.record.event_id]


def test_what_was_delivered_meanwhile_is_not_put_off(shops: Shops) -> None:
    """A batch of the stream comes again, and the queue is away."""
    shops.open()
    (first,) = shops.publish(Change(None, make_own_code()))
    delivered = shops.deliver(first.record.event_id).record
    shops.queue.is_away = True
    shops.publish(Change(None, make_own_code()))
    # Who read it before it was delivered loses the race, and that is all.
    shops.publisher.hand_on([first.record])
    assert shops.record(first.record.event_id) == delivered


@pytest.mark.parametrize("version", [1, 2])
def test_a_fault_of_ours_puts_a_new_event_on_the_timetable(
    shops: Shops, monkeypatch, version: int
) -> None:
    """The queue brings a message a hundred times at most; the timetable for ever."""
    url = shops.open()
    record = shops.add(version=version, due_at=START if version == 2 else None)

    def fail(_: object) -> NoReturn:
        raise Busy("the secrets are away")

    with monkeypatch.context() as outage:
        outage.setattr(shops.endpoints, "get_endpoint", fail)
        with pytest.raises(Busy, match="the secrets"):
            shops.deliver(record.event_id)
    waiting = shops.record(record.event_id)
    assert (waiting.version, waiting.tries) == (2, 0)
    assert waiting.due_at == (START if version == 2 else START + timedelta(minutes=2))
    shops.clock.advance(minutes=2)
    assert [done.outcome for done in shops.work_off()] == [DeliveryOutcome.DELIVERED]
    assert shops.sender.ids(url) == [record.event_id]


def test_a_message_that_got_lost_is_made_again_by_the_operator(shops: Shops) -> None:
    url = shops.open()
    shops.storefronts.add_storefront(Storefront("shop", "The shop", START))
    codes = MemoryCodeStore()
    code = make_own_code()
    codes.create(code)
    (published,) = shops.publish(Change(None, code))
    assert shops.queue.take() is not None
    shops.republish(codes).of_time(START - timedelta(days=1))
    shops.work_off()
    assert shops.sender.ids(url) == [published.record.event_id]
    shops.republish(codes).of_time(START - timedelta(days=1))
    assert shops.queue.take() is None


# --- one event -------------------------------------------------------------------------------


def test_the_receivers_library_accepts_what_is_sent(shops: Shops, time_machine) -> None:
    time_machine.move_to(START, tick=False)
    shops.open()
    record = shops.add(payload='{"id":"evt_1","note":"Terima kasih ☕"}')
    shops.deliver(record.event_id)
    ((_, headers, body),) = shops.sender.posted
    assert headers["webhook-id"] == record.event_id
    assert Webhook(secret_of("shop", 1)).verify(body, dict(headers)) == json.loads(record.payload)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of("shop", 1)).verify(body + b" ", dict(headers))


def test_receivers_accept_what_is_sent_while_the_business_clock_is_moved(
    shops: Shops, time_machine
) -> None:
    time_machine.move_to(START, tick=False)
    shops.clock.advance(days=1)
    shops.open()
    record = shops.add()
    shops.deliver(record.event_id)
    ((_, headers, body),) = shops.sender.posted
    assert Webhook(secret_of("shop", 1)).verify(body, dict(headers)) == json.loads(record.payload)
    (attempt,) = shops.record(record.event_id).attempts
    assert attempt.at == START + timedelta(days=1)  # the timetable stays business time


def test_a_failure_is_retried_by_the_timetable_and_then_dead(shops: Shops) -> None:
    url = shops.open()
    shops.sender.answers[url] = 500
    record = shops.add()
    shops.deliver(record.event_id)
    shops.live(START + timedelta(days=8), timedelta(minutes=1))
    record = shops.record(record.event_id)
    assert (record.status, record.due_at) == (DeliveryStatus.DEAD, None)
    assert shops.dead == [record.event_id]
    assert len(record.attempts) == record.tries == len(RETRIES.waits) + 1
    for (before, after), wait in zip(pairwise(record.attempts), RETRIES.waits, strict=True):
        assert wait <= after.at - before.at <= wait * 1.2 + timedelta(minutes=1)
    assert shops.endpoint().pause_reason is PauseReason.DEAD


def test_what_is_dead_is_among_the_dead_letters_first(shops: Shops, monkeypatch) -> None:
    """A crash between the two would lose the letter."""
    shops.sender.answers[shops.open()] = 500
    record = shops.add(version=2, tries=len(RETRIES.waits), due_at=START)

    def crash(_: object) -> NoReturn:
        raise ConnectionError

    monkeypatch.setattr(shops, "put", crash)
    with pytest.raises(ConnectionError):
        shops.deliver(record.event_id)
    assert shops.record(record.event_id) == record
    monkeypatch.undo()
    assert shops.deliver(record.event_id).outcome is DeliveryOutcome.DEAD
    assert shops.dead == [record.event_id]


def test_of_what_no_event_can_be_made_is_left_to_the_operator(shops: Shops) -> None:
    shops.publisher.give_up("INV-1")
    assert shops.letters.take() == Work(WorkKind.CODE, "INV-1")


def test_three_failures_then_delivered_and_the_log_says_so(shops: Shops) -> None:
    url = shops.open()
    record = shops.add()
    for answer in (500, "timeout", 302):
        shops.sender.answers[url] = answer
        assert shops.deliver(record.event_id).outcome is DeliveryOutcome.FAILED
        due_at = shops.record(record.event_id).due_at
        assert due_at is not None
        shops.clock.now = due_at
    shops.sender.answers[url] = 200
    shops.clock.now += timedelta(hours=1)
    assert shops.deliver(record.event_id).outcome is DeliveryOutcome.DELIVERED
    record = shops.record(record.event_id)
    told = [(attempt.status_code, attempt.error) for attempt in record.attempts]
    assert told == [(500, None), (None, "timeout"), (302, None), (200, None)]
    assert record.due_at is None
    assert not shops.endpoint().is_down
    assert set(shops.sender.ids(url)) == {record.event_id}


def test_an_event_is_not_tried_before_its_time(shops: Shops) -> None:
    url = shops.open()
    shops.sender.answers[url] = 503
    record = shops.add()
    shops.deliver(record.event_id)
    assert shops.deliver(record.event_id).outcome is DeliveryOutcome.NOTHING_DUE
    assert len(shops.sender.posted) == 1


def test_without_an_endpoint_an_event_waits_for_nobody(shops: Shops) -> None:
    record = shops.add()
    assert shops.deliver(record.event_id).outcome is DeliveryOutcome.NO_ENDPOINT
    assert shops.record(record.event_id).due_at is None
    shops.clock.advance(days=1)
    assert shops.work_off() == []


def test_410_pauses_at_once(shops: Shops) -> None:
    url = shops.open()
    shops.sender.answers[url] = 410
    first, second = shops.add(1), shops.add(2)
    delivered = shops.deliver(first.event_id)
    assert delivered.outcome is DeliveryOutcome.PAUSED
    assert delivered.paused is not None
    assert delivered.paused.pause_reason is PauseReason.GONE
    again = shops.deliver(second.event_id)
    assert (again.outcome, again.paused) == (DeliveryOutcome.PAUSED, None)
    assert len(shops.sender.posted) == 1


def test_an_event_that_vanished_is_nothing(shops: Shops) -> None:
    assert shops.deliver("evt_none").outcome is DeliveryOutcome.NOTHING_DUE


def test_who_was_slower_writes_nothing(shops: Shops) -> None:
    shops.open()
    record = shops.add()

    def faster() -> None:
        shops.sender.meanwhile = lambda: None
        shops.deliver(record.event_id)

    shops.sender.meanwhile = faster
    delivered = shops.deliver(record.event_id)
    assert delivered.outcome is DeliveryOutcome.NOTHING_DUE
    assert len(shops.record(record.event_id).attempts) == 1
    assert shops.record(record.event_id).status is DeliveryStatus.DELIVERED


# --- an endpoint that is down ----------------------------------------------------------------


def test_while_an_endpoint_is_down_one_event_at_a_time_probes_it(shops: Shops) -> None:
    url = shops.open()
    shops.sender.answers[url] = "connection_refused"
    records = [shops.add(number) for number in range(50)]
    for record in records:
        shops.deliver(record.event_id)
    assert len(shops.sender.posted) == 3  # then everybody knows
    assert shops.endpoint().is_down
    shops.clock.advance(minutes=3)
    shops.work_off()
    assert len(shops.sender.posted) == 4


def test_an_endpoint_that_is_back_gets_everything_within_the_hour(shops: Shops) -> None:
    url = shops.open()
    shops.sender.answers[url] = "timeout"
    for number in range(20):
        shops.deliver(shops.add(number).event_id)
    shops.live(START + timedelta(hours=20), timedelta(minutes=2))
    assert len(shops.sender.posted) < 40
    shops.sender.answers[url] = 204
    shops.live(shops.clock() + timedelta(hours=2), timedelta(minutes=2))
    late = [
        record
        for number in range(20)
        if (record := shops.record(make_record(number).event_id)).status
        is not DeliveryStatus.DELIVERED
    ]
    # Those that were tried for themselves keep to their own timetable.
    assert all(record.tries for record in late)
    assert len(late) < 10
    shops.live(shops.clock() + timedelta(days=3), timedelta(minutes=10))
    assert {shops.record(make_record(n).event_id).status for n in range(20)} == {
        DeliveryStatus.DELIVERED
    }
    assert shops.dead == []


def test_a_long_dead_endpoint_is_paused_and_keeps_what_it_missed(shops: Shops) -> None:
    url = shops.open()
    shops.sender.answers[url] = "timeout"
    for number in range(10):
        shops.deliver(shops.add(number).event_id)
    shops.live(START + timedelta(days=5), timedelta(minutes=10))
    endpoint = shops.endpoint()
    assert endpoint.pause_reason is PauseReason.DEAD
    assert endpoint.paused_at is not None
    assert RETRIES.span <= endpoint.paused_at - START < RETRIES.span + timedelta(hours=3)
    statuses = {shops.record(make_record(number).event_id).status for number in range(10)}
    assert statuses <= {DeliveryStatus.PAUSED, DeliveryStatus.DEAD}
    assert len(shops.sender.posted) < 120

    shops.sender.answers[url] = 204
    resumed = shops.admin.resume("shop")
    assert resumed + len(shops.dead) == 10
    shops.work_off()
    delivered = set(shops.sender.ids(url))
    assert len(delivered) == 10


def test_one_bad_event_does_not_bring_its_endpoint_down() -> None:
    endpoint: Endpoint | None = Endpoint(storefront_id="shop", url="https://shop.example")
    for _ in range(2):
        assert endpoint is not None
        endpoint = endpoint.after(Attempt(START, 9, 500), retries=RETRIES, jitter=none)
    assert endpoint is not None
    assert not endpoint.is_down
    well = endpoint.after(Attempt(START, 9, 204), retries=RETRIES, jitter=none)
    assert well is not None
    assert (well.failures, well.failing_since) == (0, None)
    assert well.after(Attempt(START, 9, 204), retries=RETRIES, jitter=none) is None


def test_an_endpoint_that_hangs_is_down_at_once(shops: Shops) -> None:
    url = shops.open()
    shops.sender.answers[url] = "timeout"
    for number in range(5):
        shops.deliver(shops.add(number).event_id)
    assert len(shops.sender.posted) == 1


def test_an_answer_of_the_former_address_says_nothing_of_the_new_one(shops: Shops) -> None:
    url = shops.open()
    shops.sender.answers[url] = 410
    record = shops.add()
    elsewhere = "https://elsewhere.example/hook"
    shops.sender.meanwhile = lambda: shops.endpoints.save_endpoint(
        shops.endpoint().point_to(elsewhere)
    )
    shops.deliver(record.event_id)
    assert not shops.endpoint().is_paused
    assert shops.endpoint().url == elsewhere


# --- one event, one endpoint -----------------------------------------------------------------


def test_whatever_becomes_of_an_event_stands_on_it() -> None:
    record = make_record(tries=3)
    later = START + timedelta(hours=1)
    settled = record.settle(DeliveryStatus.NO_ENDPOINT)
    assert (settled.status, settled.due_at) == (DeliveryStatus.NO_ENDPOINT, None)
    put_off = settled.put_off(later)
    assert (put_off.status, put_off.due_at) == (DeliveryStatus.PENDING, later)


def test_a_pause_begins_a_new_round_of_tries() -> None:
    record = make_record(tries=3)
    paused = record.pause(START, none)
    assert (paused.status, paused.tries) == (DeliveryStatus.PAUSED, 0)
    gone = record.after(Attempt(START, 5, status_code=410), retries=RETRIES, jitter=none)
    assert (gone.status, gone.tries) == (DeliveryStatus.PAUSED, 0)


def test_a_paused_endpoint_is_not_probed_and_a_resumed_one_has_no_reason() -> None:
    down = Endpoint(storefront_id="shop", url="https://shop.example/hook", probe_at=START)
    paused = down.pause(START, PauseReason.OPERATOR)
    assert (paused.is_down, paused.pause_reason) == (False, PauseReason.OPERATOR)
    assert paused.resume().pause_reason is None


def test_an_endpoint_that_failed_for_the_whole_timetable_is_paused() -> None:
    failing = Endpoint(storefront_id="shop", url="https://shop.example/hook", failing_since=START)
    for early, paused in (timedelta(seconds=1), False), (timedelta(), True):
        attempt = Attempt(START + RETRIES.span - early, 5, status_code=500)
        after = failing.after(attempt, retries=RETRIES, jitter=none)
        assert after is not None
        assert after.is_paused is paused


# --- the timetable ---------------------------------------------------------------------------


def test_the_waits_grow_and_end_after_about_three_days() -> None:
    waits = []
    for tries in range(1, 11):
        due_at = RETRIES.after(tries, START, none)
        waits.append(None if due_at is None else (due_at - START) // timedelta(minutes=1))
    assert waits == [1, 5, 30, 120, 300, 600, 840, 1200, 1440, None]
    assert timedelta(days=3) < RETRIES.span < timedelta(days=4)


def test_jitter_is_a_fifth_at_most() -> None:
    asked = []

    def jitter(most: timedelta) -> timedelta:
        asked.append(most)
        return most

    due_at = RetrySchedule((timedelta(minutes=10),)).after(1, START, jitter)
    assert due_at == START + timedelta(minutes=12)
    assert asked == [timedelta(minutes=2)]


# --- secrets ---------------------------------------------------------------------------------


def test_two_secrets_sign_during_a_rotation(shops: Shops) -> None:
    shops.open()
    shops.admin.rotate("shop")
    shops.deliver(shops.add(1).event_id)
    ((_, headers, _),) = shops.sender.posted
    assert len(headers["webhook-signature"].split()) == 2
    assert [secret.version for secret in shops.admin.secrets("shop")] == [2, 1]
    shops.clock.advance(hours=24)
    shops.deliver(shops.add(2).event_id)
    assert len(shops.sender.posted[1][1]["webhook-signature"].split()) == 1
    assert [secret.version for secret in shops.admin.secrets("shop")] == [2]


def test_each_secret_of_a_rotation_verifies_by_itself(time_machine) -> None:
    time_machine.move_to(START, tick=False)
    body = b'{"id":"evt_1"}'
    secrets = [secret_of("shop", 2), secret_of("shop", 1)]
    headers = sign("evt_1", START, body, secrets)
    for secret in secrets:
        assert Webhook(secret).verify(body, headers) == {"id": "evt_1"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of("other", 1)).verify(body, headers)


# --- whoever runs the stack ------------------------------------------------------------------


def test_an_endpoint_belongs_to_a_storefront_and_has_a_good_address(shops: Shops) -> None:
    with pytest.raises(NotFound):
        shops.admin.set_url("shop", "https://shop.example")
    shops.storefronts.add_storefront(Storefront("shop", "Shop", START))
    with pytest.raises(InvalidRequest):
        shops.admin.set_url("shop", "http://shop.example")
    with pytest.raises(NotFound):
        shops.admin.show("shop")
    assert shops.admin.set_url("shop", "https://shop.example").version == 1
    again = shops.admin.set_url("shop", "https://new.example")
    assert (again.url, again.secret_version) == ("https://new.example", 1)


def test_pausing_keeps_events_and_resuming_sends_them(shops: Shops) -> None:
    url = shops.open()
    shops.admin.pause("shop")
    for number in range(3):
        shops.deliver(shops.add(number).event_id)
    assert shops.sender.posted == []
    shops.clock.advance(days=2)
    assert shops.admin.resume("shop") == 3
    shops.work_off()  # by the queue and by the timetable
    assert len(shops.sender.ids(url)) == 3


def a_bad_twelve_days(shops: Shops) -> None:
    """An event a day for an endpoint that is dead, and paused for it."""
    shops.sender.answers[shops.open()] = 500
    for number in range(12):
        shops.deliver(shops.add(number).event_id)
        shops.live(shops.clock() + timedelta(days=1), timedelta(minutes=30))
    assert shops.endpoint().pause_reason is PauseReason.DEAD


def none_is_paused(shops: Shops) -> None:
    statuses = {shops.record(make_record(number).event_id).status for number in range(12)}
    assert statuses <= {DeliveryStatus.DELIVERED, DeliveryStatus.DEAD}


def test_resuming_sends_more_than_fit_into_one_request(shops: Shops, monkeypatch) -> None:
    monkeypatch.setattr(browse_events, "AT_ONCE", 2)
    url = shops.open()
    shops.admin.pause("shop")
    records = [shops.add(number) for number in range(5)]
    for record in records:
        shops.deliver(record.event_id)
    assert shops.admin.resume("shop") == 5
    shops.work_off()
    assert sorted(shops.sender.ids(url)) == sorted(record.event_id for record in records)


def test_a_probe_takes_the_slot_from_all_others(shops: Shops) -> None:
    url = shops.open()
    shops.sender.answers[url] = "timeout"
    first, second = shops.add(1), shops.add(2)
    shops.deliver(first.event_id)
    endpoint = shops.endpoint()
    assert endpoint.probe_at is not None
    shops.clock.now = endpoint.probe_at
    probing = endpoint.probe(RETRIES, shops.clock(), none)
    assert probing.probe_at is not None
    assert probing.probe_at > shops.clock()
    shops.endpoints.save_endpoint(probing)
    assert shops.deliver(second.event_id).outcome is DeliveryOutcome.PUT_OFF


def test_a_new_address_gets_whatever_was_paused_however_old(shops: Shops) -> None:
    shops.storefronts.add_storefront(Storefront("shop", "Shop", START))
    a_bad_twelve_days(shops)
    shops.admin.pause("shop")
    shops.admin.set_url("shop", "https://new.example")
    shops.work_off()
    none_is_paused(shops)
    dead = len(shops.dead)
    assert len(set(shops.sender.ids("https://new.example"))) == 12 - dead


def test_paused_events_need_no_resume_that_ran_to_its_end(
    shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_bad_twelve_days(shops)
    shops.sender.answers.clear()

    def crash(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(BrowseEvents, "resend_all", crash)
    with pytest.raises(RuntimeError):
        shops.admin.resume("shop")
    shops.live(shops.clock() + timedelta(days=2), timedelta(hours=1))
    none_is_paused(shops)


def test_what_is_written_paused_after_the_resume_is_sent(shops: Shops) -> None:
    url = shops.open()
    record = shops.add()
    shops.admin.pause("shop")
    read = shops.endpoints.get_endpoint

    def read_and_be_overtaken(storefront_id: str) -> Endpoint | None:
        found = read(storefront_id)
        shops.endpoints.get_endpoint = read  # type: ignore[method-assign]
        shops.admin.resume(storefront_id)
        return found

    shops.endpoints.get_endpoint = read_and_be_overtaken  # type: ignore[method-assign]
    # The resume wrote the event, too: only the first of both writes counts.
    shops.deliver(record.event_id)
    shops.live(shops.clock() + timedelta(days=1), timedelta(hours=1))
    assert set(shops.sender.ids(url)) == {record.event_id}


def test_a_410_of_the_former_address_delays_an_event_and_loses_none(shops: Shops) -> None:
    url = shops.open()
    shops.sender.answers[url] = 410
    record = shops.add()

    def move() -> None:
        shops.sender.meanwhile = lambda: None
        shops.endpoints.save_endpoint(shops.endpoint().point_to("https://new.example"))

    shops.sender.meanwhile = move
    shops.deliver(record.event_id)
    shops.live(shops.clock() + timedelta(hours=2), timedelta(minutes=10))
    assert shops.sender.ids("https://new.example") == [record.event_id]


def test_a_paused_event_is_looked_at_ever_more_rarely_and_once_a_day_at_least(
    shops: Shops,
) -> None:
    shops.open()
    shops.admin.pause("shop")
    record = shops.add()
    shops.deliver(record.event_id)
    looks = 0
    for _ in range(30 * 24):
        looks += len(shops.live(shops.clock() + timedelta(hours=1), timedelta(hours=1)))
    assert 25 <= looks <= 40
    due_at = shops.record(record.event_id).due_at
    assert due_at is not None
    assert due_at - shops.clock() <= timedelta(days=1.25)


# --- sending again ---------------------------------------------------------------------------


def test_a_delivered_event_is_sent_again_under_its_id(shops: Shops) -> None:
    url = shops.open()
    record = shops.add()
    shops.deliver(record.event_id)
    assert shops.browse.resend("shop", [record.event_id, record.event_id]).count == 1
    shops.work_off()
    assert shops.sender.ids(url) == [record.event_id] * 2
    assert len(shops.record(record.event_id).attempts) == 2


def test_a_dead_event_gets_the_whole_timetable_again(shops: Shops) -> None:
    url = shops.open()
    record = shops.add()
    shops.events.save(replace(record, version=2, status=DeliveryStatus.DEAD, due_at=None, tries=10))
    shops.sender.answers[url] = 500
    shops.browse.resend("shop", [record.event_id])
    shops.work_off()
    again = shops.record(record.event_id)
    assert (again.status, again.tries) == (DeliveryStatus.PENDING, 1)


def test_a_storefront_sends_its_own_events_again_only(shops: Shops) -> None:
    mine, other = shops.add(1), shops.add(2, storefront_id="other")
    with pytest.raises(NotFound):
        shops.browse.resend("shop", [mine.event_id, other.event_id])
    assert shops.record(mine.event_id) == mine  # nothing was sent
    with pytest.raises(NotFound):
        shops.browse.one("shop", other.event_id)


def test_a_time_range_is_sent_again_page_by_page(shops: Shops) -> None:
    shops.open()
    for number in range(250):
        shops.add(number, created_at=START + timedelta(seconds=number))
    wanted = EventFilter(
        created_from=START + timedelta(seconds=10), created_to=START + timedelta(days=1)
    )
    first = shops.browse.resend_all("shop", wanted, cursor=None)
    assert first.count == 200
    assert first.next_cursor is not None
    second = shops.browse.resend_all("shop", wanted, cursor=first.next_cursor)
    assert (second.count, second.next_cursor) == (40, None)


def test_a_filter_finds_by_type_status_and_code(shops: Shops) -> None:
    shops.add(1)
    shops.add(2, type=EventType.EXPIRED)
    shops.add(3, type=EventType.EXPIRED, status=DeliveryStatus.DEAD)

    def found(**wanted: object) -> list[str]:
        page = shops.browse.many("shop", EventFilter(**wanted), limit=10, cursor=None)  # type: ignore[arg-type]
        return sorted(str(record.invoice_number) for record in page.items)

    assert found() == ["INV-1", "INV-2", "INV-3"]
    assert found(type=EventType.EXPIRED) == ["INV-2", "INV-3"]
    assert found(status=DeliveryStatus.DEAD) == ["INV-3"]
    assert found(invoice_number="INV-2") == ["INV-2"]
    assert shops.browse.many("other", EventFilter(), limit=10, cursor=None).items == []
