"""What every store of events and endpoints does, in memory, on the engine and on moto."""

import json
from base64 import b64encode
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest

from o2o.adapters.aws import is_outage
from o2o.adapters.bus import EventBridgeBus
from o2o.adapters.dynamodb.codec import dump, load
from o2o.adapters.dynamodb.codes import DynamoCodeStore
from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
from o2o.adapters.dynamodb.events import DynamoEventStore
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.stream import read_change
from o2o.adapters.dynamodb.table import code_item
from o2o.adapters.queue import SqsDeadLetters, decode_work, encode_work
from o2o.core.deliveries import Attempt, DeliveryStatus, EventRecord
from o2o.core.endpoints import Endpoint, PauseReason
from o2o.core.errors import InvalidRequest, O2OError, VersionConflict
from o2o.core.events import Change
from o2o.core.work import Work, WorkKind
from o2o.usecases.ports import CodeStore, DueIndex, EndpointStore, EventStore
from tests.contract.conftest import REGION, Table
from tests.support.due import lane_of, of_codes
from tests.support.memory import (
    RETENTION,
    MemoryCodeStore,
    MemoryEndpointStore,
    MemoryEventStore,
    MemoryTable,
)
from tests.support.samples import NOW, at, make_code, make_full_code
from tests.support.storefronts import make_record


@dataclass(frozen=True, slots=True)
class EventStores:
    """The stores over one table."""

    events: EventStore
    endpoints: EndpointStore
    codes: CodeStore

    @property
    def due(self) -> DueIndex:
        """What is due of codes."""
        return of_codes(self.codes)

    @property
    def events_due(self) -> DueIndex:
        """What is due of events."""
        return lane_of(self.events, "events")


@pytest.fixture(params=["memory", "dynoxide", "moto"])
def stores(request: pytest.FixtureRequest) -> EventStores:
    if request.param == "memory":
        memory = MemoryTable()
        return EventStores(
            MemoryEventStore(memory), MemoryEndpointStore(memory), MemoryCodeStore(memory)
        )
    table: Table = request.getfixturevalue(f"{request.param}_table")
    store = Store(table.client, table.name, RETENTION)
    return EventStores(DynamoEventStore(store), DynamoEndpointStore(store), DynamoCodeStore(store))


FULL = make_record(
    status=DeliveryStatus.DEAD,
    due_at=None,
    tries=2,
    attempts=(Attempt(at(minutes=1), 12, 500), Attempt(at(minutes=2), 10_000, error="timeout")),
    payload='{"note": "☕"}',
)


# --- events ---


@pytest.mark.parametrize("record", [make_record(), FULL], ids=["new", "full"])
def test_an_event_is_found_whole(stores: EventStores, record: EventRecord) -> None:
    assert stores.events.add(record) is None
    assert stores.events.get(record.event_id) == record
    assert stores.events.get("evt_other") is None


def test_the_first_of_the_same_is_kept(stores: EventStores) -> None:
    record = make_record()
    assert stores.events.add(record) is None
    assert stores.events.add(record) == record
    assert stores.events.add(replace(record, payload="{}")) == record
    assert stores.events.get(record.event_id) == record


def test_only_the_next_version_is_written(stores: EventStores) -> None:
    record = make_record()
    stores.events.add(record)
    changed = record.settle(DeliveryStatus.DELIVERED)
    stores.events.save(changed)
    for stale in (changed, replace(record, version=5)):
        with pytest.raises(VersionConflict):
            stores.events.save(stale)
    with pytest.raises(VersionConflict):
        stores.events.save(make_record(2, version=2))
    assert stores.events.get(record.event_id) == changed


def test_what_is_due_is_found_by_urgency(stores: EventStores) -> None:
    for number, minutes in ((1, 5), (2, 3), (3, 9)):
        stores.events.add(make_record(number, due_at=at(minutes=minutes)))
    stores.events.add(make_record(4, due_at=None))
    late, early = make_record(1).event_id, make_record(2).event_id
    assert stores.events_due.due(at(minutes=2), 10) == []
    assert stores.events_due.due(at(minutes=5), 10) == [
        Work(WorkKind.EVENT, "", early, at(minutes=3)),
        Work(WorkKind.EVENT, "", late, at(minutes=5)),
    ]
    assert [work.identity for work in stores.events_due.due(at(minutes=5), 1)] == [early]


def test_what_is_settled_is_not_due(stores: EventStores) -> None:
    record = make_record()
    stores.events.add(record)
    put_off = record.put_off(at(minutes=2))
    stores.events.save(put_off)
    assert len(stores.events_due.due(at(days=365), 10)) == 1
    stores.events.save(put_off.settle(DeliveryStatus.DELIVERED))
    assert stores.events_due.due(at(days=365), 10) == []


def test_events_never_hide_a_code(stores: EventStores) -> None:
    """A storefront that is down has many events due; a code is found all the same."""
    for number in range(20):
        stores.events.add(make_record(number, due_at=at(minutes=-number)))
    stores.codes.create(make_code(due_at=at(minutes=1)))
    (work,) = stores.due.due(at(minutes=1), 1)
    assert (work.kind, work.invoice_number) == (WorkKind.CODE, "INV-1")
    assert {work.kind for work in stores.events_due.due(at(minutes=1), 50)} == {WorkKind.EVENT}


def test_a_storefronts_events_are_listed_newest_first(stores: EventStores) -> None:
    records = [make_record(number, created_at=at(minutes=number)) for number in range(5)]
    for record in records:
        stores.events.add(record)
    stores.events.add(make_record(9, storefront_id="other"))
    span: dict[str, Any] = {"created_from": at(minutes=1), "created_to": at(minutes=4)}
    page = stores.events.list_events("shop", limit=3, cursor=None, **span)
    assert page.items == records[4:1:-1]
    rest = stores.events.list_events("shop", limit=3, cursor=page.next_cursor, **span)
    assert (rest.items, rest.next_cursor) == ([records[1]], None)
    with pytest.raises(InvalidRequest):
        stores.events.list_events("other", limit=3, cursor=page.next_cursor, **span)


# --- endpoints ---

ENDPOINT = Endpoint(storefront_id="shop", url="https://shop.example/hook")


def test_an_endpoint_is_found_whole(stores: EventStores) -> None:
    full = replace(
        ENDPOINT,
        secret_version=3,
        previous_valid_until=at(hours=1),
        paused_at=NOW,
        pause_reason=PauseReason.GONE,
        failures=7,
        failing_since=at(days=-1),
        probe_at=at(minutes=1),
    )
    stores.endpoints.save_endpoint(full)
    assert stores.endpoints.get_endpoint("shop") == full
    assert stores.endpoints.get_endpoint("other") is None


def test_only_the_next_version_of_an_endpoint_is_written(stores: EventStores) -> None:
    stores.endpoints.save_endpoint(ENDPOINT)
    for stale in (ENDPOINT, replace(ENDPOINT, version=3)):
        with pytest.raises(VersionConflict):
            stores.endpoints.save_endpoint(stale)
    paused = ENDPOINT.pause(NOW, PauseReason.OPERATOR)
    stores.endpoints.save_endpoint(paused)
    assert stores.endpoints.get_endpoint("shop") == paused


def test_every_change_of_an_endpoint_is_one_version(stores: EventStores) -> None:
    endpoint = ENDPOINT
    stores.endpoints.save_endpoint(endpoint)
    for change in (
        lambda each: each.point_to("https://new.example"),
        lambda each: each.rotate(at(hours=1)),
        lambda each: each.pause(NOW, PauseReason.OPERATOR),
        Endpoint.resume,
    ):
        endpoint = change(endpoint)
        stores.endpoints.save_endpoint(endpoint)


# --- items ---


def test_the_item_of_an_event(table: Table) -> None:
    events = DynamoEventStore(Store(table.client, table.name))
    events.add(make_record())
    (item,) = table.client.scan(TableName=table.name)["Items"]
    assert (item["pk"]["S"], item["sk"]["S"]) == (f"EVENT#{make_record().event_id}", "EVENT")
    assert item["listing"] == {"S": "EVENTS#shop"}
    # The queue has it, and no timetable. It has still to be sent: nothing deletes it.
    assert not {"due_shard", "due_at", "ttl"} & item.keys()
    assert item["attempts"] == {"L": []}
    events.save(make_record().put_off(at(minutes=2)))
    (item,) = table.client.scan(TableName=table.name)["Items"]
    assert item["due_shard"]["S"].startswith("DUE#EVENT-")
    assert "ttl" not in item


def test_the_codec_keeps_lists() -> None:
    assert load(EventRecord, dump(FULL)) == FULL


# --- the stream ---


def record_of(**images: Any) -> dict[str, Any]:
    keys = {"pk": {"S": "CODE#INV-1"}, "sk": {"S": "CODE"}}
    return {"eventName": "MODIFY", "dynamodb": {"Keys": keys, "SequenceNumber": "1", **images}}


def test_a_record_of_the_stream_is_a_change() -> None:
    before, after = make_code(), make_full_code()
    images = {
        "OldImage": code_item(before, RETENTION),
        "NewImage": code_item(after, RETENTION),
    }
    assert read_change(record_of(**images)) == Change(before, after)
    assert read_change(record_of(NewImage=images["NewImage"])) == Change(None, after)


def test_what_is_no_write_of_a_code_is_no_change() -> None:
    image = code_item(make_code(), RETENTION)
    assert read_change(record_of(OldImage=image)) is None
    record = record_of(NewImage=image)
    record["dynamodb"]["Keys"]["sk"] = {"S": "PAYMENT#R-1"}
    assert read_change(record) is None


def test_bytes_come_in_base64() -> None:
    code = replace(make_code(), info="half \ud800")
    image = code_item(code, RETENTION)
    image["info"] = {"B": b64encode(image["info"]["B"]).decode()}
    assert read_change(record_of(NewImage=image)) == Change(None, code)


# --- bus and queues ---


@pytest.fixture
def heard(aws: None) -> Any:
    """A bus, and a queue that hears everything on it."""
    events: Any = boto3.client("events", region_name=REGION)
    sqs = boto3.client("sqs", region_name=REGION)
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    events.create_event_bus(Name="bus")
    events.put_rule(Name="all", EventBusName="bus", EventPattern='{"source":["o2o"]}')
    target = {
        "Id": "heard",
        "Arn": arn["Attributes"]["QueueArn"],
        "InputTransformer": {
            "InputPathsMap": {"type": "$.detail-type", "detail": "$.detail"},
            "InputTemplate": '{"type": "<type>", "detail": <detail>}',
        },
    }
    events.put_targets(Rule="all", EventBusName="bus", Targets=[target])
    yield events, sqs, url
    events.remove_targets(Rule="all", EventBusName="bus", Ids=["heard"])
    events.delete_rule(Name="all", EventBusName="bus")
    events.delete_event_bus(Name="bus")
    sqs.delete_queue(QueueUrl=url)


def test_the_bus_carries_type_storefront_and_payload(heard: Any) -> None:
    events, sqs, url = heard
    EventBridgeBus(events, "bus").put([make_record(payload='{"id":"evt_1","data":{"amount":1}}')])
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {
        "type": "payment_code.paid",
        "detail": {
            "storefront_id": "shop",
            "payload": {"id": "evt_1", "data": {"amount": 1}},
        },
    }


@pytest.mark.parametrize(
    ("code", "passes"),
    [("ThrottlingException", True), ("InternalFailure", True), ("MalformedDetail", False)],
)
def test_what_the_bus_refuses_is_an_error(code: str, passes: bool) -> None:
    class Refusing:
        def put_events(self, **_: object) -> dict[str, Any]:
            return {"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, {"ErrorCode": code}]}

    with pytest.raises(O2OError, match=code) as caught:
        EventBridgeBus(Refusing(), "bus").put([make_record(1), make_record(2)])  # type: ignore[arg-type]
    assert is_outage(caught.value) is passes


def test_a_dead_letter_names_the_event(aws: None) -> None:
    sqs = boto3.client("sqs", region_name=REGION)
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    SqsDeadLetters(sqs, url).put(make_record())
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    work = Work(WorkKind.EVENT, "", make_record().event_id)
    assert decode_work(message["Body"]) == work == decode_work(encode_work(work))
    sqs.delete_queue(QueueUrl=url)
