"""A storefront that is down never delays another: real sockets, and batches as Lambda gets them."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from standardwebhooks import Webhook

from o2o.adapters.queue import encode_work
from o2o.adapters.webhook_sender import HttpsWebhookSender
from o2o.core.deliveries import DeliveryStatus
from o2o.core.endpoints import Endpoint
from o2o.core.work import Work, WorkKind
from o2o.entry.queue_batch import each_work
from o2o.usecases.deliver_webhooks import Delivered, DeliverWebhooks
from tests.support.receivers import hang, receiver, status
from tests.support.storefronts import RETRIES, Shops, make_record, secret_of, secrets_of
from tests.support.world import START, SeededEntropy

STOREFRONTS = 100
EVENTS = 3
TIMEOUT_SECONDS = 3.0
CONCURRENCY = 4
"""Batches under way at once; the template has more."""


def is_dead(storefront: int) -> bool:
    return storefront % 10 == 0


def batches(event_ids: list[str]) -> list[dict[str, Any]]:
    """The queue's messages, ten in an event."""
    records = [
        {"messageId": event_id, "body": encode_work(Work(WorkKind.EVENT, "", event_id))}
        for event_id in event_ids
    ]
    return [{"Records": records[start : start + 10]} for start in range(0, len(records), 10)]


def test_of_a_hundred_storefronts_ten_are_dead_and_ninety_hear_in_seconds() -> None:
    shops = Shops()
    sender = HttpsWebhookSender(
        clock=shops.clock, timeout_seconds=TIMEOUT_SECONDS, allow_local=True
    )
    deliver = DeliverWebhooks(
        events=shops.events,
        endpoints=shops.endpoints,
        sender=sender,
        dead_letters=shops,
        secrets_of=secrets_of,
        clock=shops.clock,
        machine_clock=lambda: START,
        entropy=SeededEntropy(),
        retries=RETRIES,
    )

    def handle(work: Work) -> tuple[Work, Delivered]:
        return work, deliver(work.identity)

    with ExitStack() as stack:
        good = stack.enter_context(receiver(status(204)))
        dead = stack.enter_context(receiver(hang))
        for number in range(STOREFRONTS):
            url = dead.url if is_dead(number) else good.url
            shops.endpoints.save_endpoint(
                Endpoint(storefront_id=f"shop-{number}", url=f"{url}/{number}")
            )
        # Everybody's first events before anybody's second, so that the dead ones come early.
        event_ids = [
            shops.add(storefront + STOREFRONTS * event, storefront_id=f"shop-{storefront}").event_id
            for event in range(EVENTS)
            for storefront in range(STOREFRONTS)
        ]
        with ThreadPoolExecutor(CONCURRENCY) as lambdas:
            answers = list(
                lambdas.map(
                    lambda event: each_work(event, handle, lambda _: None, at_once=True),
                    batches(event_ids),
                )
            )
    assert all(answer == {"batchItemFailures": []} for answer in answers)

    records = [shops.record(event_id) for event_id in event_ids]
    by_fate = {
        fate: [each for each in records if is_dead(int(each.storefront_id.split("-")[1])) is fate]
        for fate in (True, False)
    }
    assert {record.status for record in by_fate[False]} == {DeliveryStatus.DELIVERED}
    assert {record.status for record in by_fate[True]} == {DeliveryStatus.PENDING}
    # All wait for a hanging endpoint once or twice in all, not once for each of its events: that
    # is what makes it seconds. By then everybody knows which endpoints those are.
    assert len(dead.posts) < 2 * STOREFRONTS // 10
    assert len(good.posts) == 90 * EVENTS
    for posted in good.posts:
        storefront = f"shop-{posted.path.rpartition('/')[2]}"
        assert make_record(1).payload.encode() == posted.body
        headers = {name: posted.headers[name] for name in posted.headers if "webhook" in name}
        signature = Webhook(secret_of(storefront, 1)).sign(
            headers["webhook-id"], START, posted.body.decode()
        )
        assert headers["webhook-signature"] == signature
