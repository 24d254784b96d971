"""The handlers of events on the events of `events/`: published, delivered, listed, sent again."""

import json

import pytest
from botocore.exceptions import ConnectTimeoutError
from standardwebhooks import Webhook
from werkzeug import Response

from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
from o2o.adapters.dynamodb.events import DynamoEventStore
from o2o.adapters.queue import decode_work
from o2o.core.deliveries import DeliveryStatus
from o2o.core.endpoints import Endpoint
from o2o.core.work import Work, WorkKind
from o2o.entry import wiring
from o2o.entry.settings import Settings
from tests.support.outages import failing

INVOICE = "INV-20260301-0001"


@pytest.fixture
def store(stack):
    return wiring._store(wiring.read_settings(Settings))


@pytest.fixture
def events(store):
    return DynamoEventStore(store)


@pytest.fixture
def endpoint(stack, store):
    url = stack.doku.url_for("/hook").replace("localhost", "127.0.0.1")
    DynamoEndpointStore(store).save_endpoint(Endpoint(storefront_id="shop", url=url))


@pytest.fixture
def published(stack, event, events):
    """The activation and the payment of one code."""
    assert stack.invoke("publish_events", event("publish_events/story")) == {
        "batchItemFailures": []
    }
    page = events.list_events("shop", created_from=None, created_to=None, limit=9, cursor=None)
    paid, activated = page.items
    return activated, paid


def queued(url):
    sqs = wiring._client("sqs")
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [decode_work(message["Body"]) for message in messages]


# --- publish_events --------------------------------------------------------------------------


def test_the_story_of_a_code_is_two_events(published):
    assert [(each.type, each.sequence, each.invoice_number) for each in published] == [
        ("payment_code.activated", 2, INVOICE),
        ("payment_code.paid", 3, INVOICE),
    ]
    data = json.loads(published[1].payload)["data"]
    assert data["payment"]["amount"] == 150_000
    assert "Anton" not in published[1].payload


def test_a_replayed_stream_changes_nothing(stack, event, events, published):
    stack.clock.advance(hours=3)
    assert stack.invoke("publish_events", event("publish_events/story")) == {
        "batchItemFailures": []
    }
    assert tuple(events.get(each.event_id) for each in published) == published
    page = events.list_events("shop", created_from=None, created_to=None, limit=9, cursor=None)
    assert len(page.items) == 2


def test_an_event_is_in_the_queue_of_webhooks_and_on_the_bus(stack, published):
    ids = [each.event_id for each in published]
    assert [work.identity for work in queued(stack.webhook_queue_url)] == ids


def test_a_bad_record_is_a_dead_letter_and_those_behind_it_are_events(stack, event, events, logs):
    answer = stack.invoke("publish_events", event("publish_events/one_bad_record"))
    assert answer == {"batchItemFailures": []}
    page = events.list_events("shop", created_from=None, created_to=None, limit=9, cursor=None)
    assert [each.type for each in page.items] == ["payment_code.paid", "payment_code.activated"]
    sqs = wiring._client("sqs")
    (letter,) = sqs.receive_message(QueueUrl=stack.event_letters_url)["Messages"]
    assert json.loads(letter["Body"]) == {"kind": "code", "invoice_number": INVOICE}
    assert "no event can be made" in logs.getvalue()
    assert "Anton" not in logs.getvalue()


AWAY = ConnectTimeoutError(endpoint_url="https://aws.example")


@pytest.mark.parametrize(("service", "queued_events"), [("events", 2), ("sqs", 0)])
def test_neither_bus_nor_queue_holds_the_stream(stack, event, events, logs, service, queued_events):
    with failing(wiring._client(service), AWAY):
        answer = stack.invoke("publish_events", event("publish_events/story"))
    assert answer == {"batchItemFailures": []}
    page = events.list_events("shop", created_from=None, created_to=None, limit=9, cursor=None)
    assert len(page.items) == 2
    assert logs.getvalue().count("event not announced") == (2 if service == "events" else 0)
    assert "unexpected error" not in logs.getvalue()
    assert len(queued(stack.webhook_queue_url)) == queued_events


def test_while_the_table_is_away_the_stream_brings_the_records_again(stack, event):
    with failing(wiring._client("dynamodb"), AWAY):
        answer = stack.invoke("publish_events", event("publish_events/story"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1000000000000000000002"}]}
    assert queued(stack.event_letters_url) == []


def test_a_forgotten_code_is_no_event(stack, event, events):
    assert stack.invoke("publish_events", event("publish_events/forgotten")) == {
        "batchItemFailures": []
    }
    page = events.list_events("shop", created_from=None, created_to=None, limit=9, cursor=None)
    assert page.items == []


# --- deliver_webhooks ------------------------------------------------------------------------


def test_an_event_is_delivered_signed(stack, event, events, published, endpoint):
    """By the machine's clock, as the receiver checks it: the stack's own is elsewhere."""
    stack.doku.expect_request("/hook", "POST").respond_with_data(status=204)
    assert stack.invoke("deliver_webhooks", event("deliver_webhooks/activated")) == {
        "batchItemFailures": []
    }
    ((request, _),) = stack.doku.log
    (secret,) = wiring.webhook_roots().secrets("shop", 1)
    headers = {name.lower(): value for name, value in request.headers.items()}
    told = Webhook(secret).verify(request.data, headers)
    assert (told["type"], told["id"]) == ("payment_code.activated", headers["webhook-id"])
    record = events.get(published[0].event_id)
    assert (record.status, record.due_at) == (DeliveryStatus.DELIVERED, None)


def test_a_bad_message_comes_back_and_the_others_are_delivered(stack, event, published, endpoint):
    stack.doku.expect_request("/hook", "POST").respond_with_data(status=200)
    answer = stack.invoke("deliver_webhooks", event("deliver_webhooks/one_bad_entry"))
    assert answer == {
        "batchItemFailures": [{"itemIdentifier": "059f36b4-87a3-44ab-83d2-661975970000"}]
    }
    assert len(stack.doku.log) == 1


def test_an_undeliverable_event_is_due_until_it_is_a_dead_letter(
    stack, event, events, published, endpoint
):
    stack.doku.expect_request("/hook", "POST").respond_with_data(status=500)
    stack.invoke("deliver_webhooks", event("deliver_webhooks/activated"))
    for _ in range(3):
        stack.clock.now = events.get(published[0].event_id).due_at
        answer = stack.invoke("expire_codes", {})
        assert answer["events"] >= 1
        assert Work(WorkKind.EVENT, "", published[0].event_id, stack.clock.now) in queued(
            stack.webhook_queue_url
        )
        stack.invoke("deliver_webhooks", event("deliver_webhooks/activated"))
    record = events.get(published[0].event_id)
    assert (record.status, len(record.attempts)) == (DeliveryStatus.DEAD, 4)
    assert queued(stack.dead_letters_url) == [Work(WorkKind.EVENT, "", record.event_id)]


def test_nothing_personal_and_no_secret_is_logged(stack, event, published, endpoint, logs):
    stack.doku.expect_request("/hook", "POST").respond_with_handler(
        lambda _: Response("Anton Budiman is not here", 500)
    )
    stack.invoke("deliver_webhooks", event("deliver_webhooks/activated"))
    logged = logs.getvalue()
    assert published[0].event_id in logged
    assert "Anton" not in logged
    assert "whsec_" not in logged


# --- browse_events ---------------------------------------------------------------------------


def test_events_are_listed_by_type_with_their_delivery(stack, event, published):
    answer = stack.call("browse_events", event("browse_events/list"))
    assert answer.status == 200
    (paid,) = answer.body["items"]
    assert paid["id"] == published[1].event_id
    assert paid["type"] == "payment_code.paid"
    assert paid["data"]["invoice_number"] == paid["invoice_number"] == INVOICE
    assert paid["delivery"] == {
        "status": "pending",
        "next_attempt_at": None,
        "attempts": [],
    }


def test_one_event_shows_every_attempt(stack, event, published, endpoint):
    stack.doku.expect_request("/hook", "POST").respond_with_data(status=503)
    stack.invoke("deliver_webhooks", event("deliver_webhooks/activated"))
    answer = stack.call("browse_events", event("browse_events/one"))
    (attempt,) = answer.body["delivery"]["attempts"]
    assert (attempt["status_code"], attempt["error"]) == (503, None)
    assert answer.body["delivery"]["next_attempt_at"] is not None


def test_a_foreign_event_is_404(stack, event, published):
    foreign = event("browse_events/one")
    foreign["requestContext"]["authorizer"]["storefront_id"] = "other"
    assert stack.call("browse_events", foreign).status == 404
    again = event("browse_events/redeliver_one")
    again["requestContext"]["authorizer"]["storefront_id"] = "other"
    assert stack.call("browse_events", again).status == 404


@pytest.mark.parametrize("case", ["redeliver_one", "redeliver_range"])
def test_events_are_sent_again(stack, event, events, published, case):
    assert len(queued(stack.webhook_queue_url)) == 2  # for the first time
    answer = stack.call("browse_events", event(f"browse_events/{case}"))
    assert answer.status == 202
    assert answer.body == {"count": 1, "next_cursor": None}
    record = published[0] if case == "redeliver_one" else published[1]
    assert queued(stack.webhook_queue_url) == [
        Work(WorkKind.EVENT, "", record.event_id, stack.clock.now)
    ]
    assert events.get(record.event_id).due_at == stack.clock.now


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"event_ids": []},
        {"event_ids": ["evt_x"]},
        {"event_ids": ["evt_" + "0" * 32] * 101},
        {"event_ids": ["evt_" + "0" * 32], "type": "payment_code.paid"},
        {"created_from": "2026-03-01T00:00:00Z"},
        {"created_from": "yesterday", "created_to": "2026-03-01T00:00:00Z"},
        {"created_from": "2026-03-01T00:00:00Z", "created_to": "2026-03-02T00:00:00Z", "x": 1},
    ],
)
def test_a_wrong_wish_is_400(stack, event, body):
    request = event("browse_events/redeliver_nothing", body=json.dumps(body))
    answer = stack.call("browse_events", request)
    assert answer.status == 400
    assert answer.body["type"] == "/problems/invalid-request"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", "payment"),
        ("limit", "101"),
        ("cursor", "nonsense"),
        ("status", "sent"),
        ("created_from", "today"),
    ],
)
def test_a_wrong_query_is_400(stack, event, name, value):
    request = event("browse_events/list")
    request["queryStringParameters"] = {name: value}
    request["multiValueQueryStringParameters"] = {name: [value]}
    assert stack.call("browse_events", request).status == 400
