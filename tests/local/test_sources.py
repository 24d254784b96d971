"""Schedules, queues and streams bring events to functions by themselves."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self, cast

import pytest

from local import engine
from local.aws import client
from local.functions import FunctionError, FunctionPool
from local.sources import (
    QueuePoller,
    Scheduler,
    StreamPoller,
    backlog,
    failed_items,
    matches,
)
from tests.local.shop import Shop
from tests.support.patience import CALL_SECONDS, until


@pytest.fixture
def sqs(shop: Shop) -> Any:
    return client("sqs", shop.aws_url, read_timeout=CALL_SECONDS)


@pytest.fixture
def dynamodb(shop: Shop) -> Any:
    return client("dynamodb", shop.dynamodb_url)


@pytest.fixture
def working(shop: Shop, sqs: Any) -> Iterator[str]:
    """The URL of a queue that is being worked on."""
    (source,) = shop.blueprint.queue_sources
    poller = QueuePoller(source, shop.pools[source.function], sqs)
    poller.start()
    yield source.queue_url
    poller.stop()
    sqs.send_message(QueueUrl=source.queue_url, MessageBody="bye")  # ends the long poll
    poller._thread.join()
    until(lambda: take_all(sqs, source.queue_url) == ["bye"])


def take_all(sqs: Any, queue_url: str) -> list[str]:
    """Take all messages out of a queue that are visible."""
    taken = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", [])
    for message in taken:
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in taken]


def kept(dynamodb: Any, body: str) -> bool:
    key = {"pk": {"S": f"done-{body}"}, "sk": {"S": "work"}}
    return "Item" in dynamodb.get_item(TableName="shop-Table", Key=key)


# --- schedules -------------------------------------------------------------------------------


def test_a_schedule_fires_at_its_start_and_on_demand(shop: Shop, sqs: Any) -> None:
    (source,) = shop.blueprint.queue_sources

    scheduler = Scheduler(shop.blueprint.schedules, shop.pools)
    scheduler.start()
    assert until(lambda: take_all(sqs, source.queue_url)) == ["ran"]
    assert scheduler.run_all() == []
    assert take_all(sqs, source.queue_url) == ["ran"]
    scheduler.stop()


def test_a_schedule_whose_function_fails_is_named(shop: Shop) -> None:
    with shop.pool("TickFunction", handler="json.loads") as pool:
        scheduler = Scheduler(shop.blueprint.schedules, {"TickFunction": pool})
        assert scheduler.run_all() == ["TickFunctionMinute"]


# --- queues ----------------------------------------------------------------------------------


def test_messages_of_a_queue_reach_the_function_and_leave_the_queue(
    working: str, sqs: Any, dynamodb: Any
) -> None:
    for number in range(12):
        sqs.send_message(QueueUrl=working, MessageBody=f"message-{number}")
    for number in range(12):
        until(partial(kept, dynamodb, f"message-{number}"))
    until(lambda: waiting(sqs, working) == 0)


def test_a_message_that_fails_comes_back_and_ends_in_the_dead_letters(
    working: str, sqs: Any, dynamodb: Any
) -> None:
    dead_letters = working.replace("shop-Queue", "shop-DeadLetters")
    sqs.send_message_batch(
        QueueUrl=working,
        Entries=[
            {"Id": "1", "MessageBody": "bad"},
            {"Id": "2", "MessageBody": "good-beside-bad"},
        ],
    )
    until(lambda: kept(dynamodb, "good-beside-bad"))
    until(lambda: waiting(sqs, dead_letters) == 1)
    assert waiting(sqs, working) == 0
    assert take_all(sqs, dead_letters) == ["bad"]


def waiting(sqs: Any, queue_url: str) -> int:
    """How many messages a queue holds, those in work included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    return sum(int(number) for number in told.values())


def finished(answer: Any) -> Future[Any]:
    future: Future[Any] = Future()
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
    return future


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, {"b"}),
        ({"batchItemFailures": [{"itemIdentifier": "stranger"}]}, {"a", "b"}),
        ({"batchItemFailures": [{}]}, {"a", "b"}),
        ({"other": []}, {"a", "b"}),
        ("words", {"a", "b"}),
        (FunctionError("Sandbox.Timedout", ""), {"a", "b"}),
    ],
)
def test_what_a_report_of_failures_means(answer: object, failed: set[str]) -> None:
    assert failed_items(finished(answer), ["a", "b"], partial=True) == failed


def test_without_reports_an_answer_means_that_all_is_done() -> None:
    answer = {"batchItemFailures": [{"itemIdentifier": "a"}]}
    assert failed_items(finished(answer), ["a"], partial=False) == set()


# --- streams ---------------------------------------------------------------------------------


class Watcher:
    """The stream's poller and what came out of it."""

    def __init__(
        self, shop: Shop, checkpoint: str, is_quiet: Callable[[], bool] = lambda: True
    ) -> None:
        (source,) = shop.blueprint.stream_sources
        dynamodb = client("dynamodb", shop.dynamodb_url)
        arn = dynamodb.describe_table(TableName=source.table)["Table"]["LatestStreamArn"]
        self.given_up: list[tuple[str, Mapping[str, Any]]] = []
        self._shop = shop
        self._poller = StreamPoller(
            source,
            shop.pools[source.function],
            client("dynamodbstreams", shop.dynamodb_url, parameter_validation=False),
            arn,
            shop.folder / checkpoint,
            lambda queue_arn, notice: self.given_up.append((queue_arn, notice)),
            is_quiet,
        )

    def __enter__(self) -> Self:
        self._poller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._poller.stop()

    def seen(self, prefix: str) -> list[dict[str, Any]]:
        """The records whose key begins so, in the order in which the function saw them."""
        lines = self._shop.log("WatchFunction").splitlines()
        records = [json.loads(line).get("watched") for line in lines]
        return [
            record
            for record in records
            if record and record["dynamodb"]["Keys"]["pk"]["S"].startswith(prefix)
        ]


class RollingStream:
    """A stream whose first shard ends after five polls; its second one goes on."""

    def __init__(self) -> None:
        self.polls: list[str] = []
        self.described_after: list[int] = []
        """How many polls there had been each time that somebody asked for the shards."""

    def describe_stream(self, **_: Any) -> dict[str, Any]:
        self.described_after.append(len(self.polls))
        names = ["first", "second"] if len(self.polls) >= 5 else ["first"]
        return {"StreamDescription": {"Shards": [{"ShardId": name} for name in names]}}

    def get_shard_iterator(self, **asked: Any) -> dict[str, Any]:
        return {"ShardIterator": asked["ShardId"]}

    def get_records(self, **asked: Any) -> dict[str, Any]:
        shard = asked["ShardIterator"]
        self.polls.append(shard)
        records = [{"eventID": shard, "dynamodb": {"SequenceNumber": str(len(self.polls))}}]
        if shard == "first" and len(self.polls) >= 5:
            return {"Records": records if len(self.polls) == 5 else []}
        return {"Records": records, "NextShardIterator": shard}


class Taking:
    """A function that takes whatever comes."""

    arn = "arn:aws:lambda:local:000000000000:function:taking"

    def submit(self, _: object) -> Future[Any]:
        return finished({})


def test_shards_are_asked_for_only_when_one_has_ended(shop: Shop) -> None:
    """Dynoxide reads its whole stream to answer: each poll would cost more with each change."""
    (source,) = shop.blueprint.stream_sources
    stream, taking = RollingStream(), cast("FunctionPool", Taking())
    poller = StreamPoller(
        replace(source, patterns=()),
        taking,
        stream,
        "arn",
        shop.folder / "rolling",
        lambda *_: None,
    )
    poller.start()
    until(lambda: "second" in stream.polls)
    poller.stop()
    assert stream.polls[:5] == ["first"] * 5
    assert stream.described_after[:2] == [0, 5]


def put(dynamodb: Any, key: str, **attributes: Any) -> None:
    dynamodb.put_item(
        TableName="shop-Table", Item={"pk": {"S": key}, "sk": {"S": "-"}, **attributes}
    )


def test_changes_of_the_table_reach_the_function_in_order(shop: Shop, dynamodb: Any) -> None:
    with Watcher(shop, "order.json") as watcher:
        for number in range(25):
            put(dynamodb, f"order-{number:02}", amount={"N": "25000"}, raw={"B": b"\x00\xff"})
        until(lambda: len(watcher.seen("order-")) == 25)
        seen = watcher.seen("order-")
    keys = [record["dynamodb"]["Keys"]["pk"]["S"] for record in seen]
    assert keys == [f"order-{number:02}" for number in range(25)]
    first = seen[0]
    assert (first["eventName"], first["eventSource"]) == ("INSERT", "aws:dynamodb")
    assert first["dynamodb"]["NewImage"]["amount"] == {"N": "25000"}
    assert first["dynamodb"]["NewImage"]["raw"] == {"B": "AP8="}
    assert isinstance(first["dynamodb"]["ApproximateCreationDateTime"], int | float)


def test_a_poisoned_change_is_cut_out_and_given_up(shop: Shop, dynamodb: Any) -> None:
    with Watcher(shop, "poison.json") as watcher:
        put(dynamodb, "before-poison")
        put(dynamodb, "poison")
        put(dynamodb, "after-poison")
        until(lambda: watcher.seen("after-poison"))
        assert watcher.seen("before-poison")
        assert not watcher.seen("poison")
        ((queue_arn, notice),) = watcher.given_up
    assert queue_arn.endswith(":shop-DeadLetters")
    assert notice["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert notice["DDBStreamBatchInfo"]["batchSize"] == 1


def checkpoint(file: Path) -> Collection[str]:
    """How far each shard was read."""
    return json.loads(file.read_text())["done"].values() if file.exists() else ()


def test_a_restart_goes_on_where_it_ended(shop: Shop, dynamodb: Any) -> None:
    put(dynamodb, "early")
    with Watcher(shop, "restart.json") as watcher:
        until(lambda: watcher.seen("early"))
        # What came before it may have been a batch of its own.
        last = watcher.seen("early")[-1]["dynamodb"]["SequenceNumber"]
        until(lambda: last in checkpoint(shop.folder / "restart.json"))
    times = len(watcher.seen("early"))
    put(dynamodb, "late")
    with Watcher(shop, "restart.json") as watcher:
        until(lambda: watcher.seen("late"))
        assert len(watcher.seen("early")) == times


def test_a_restart_reads_again_what_may_hang_on_a_queue(shop: Shop, dynamodb: Any, sqs) -> None:
    """The queues are in memory: a stack that ends takes with it what they had."""
    (source,) = shop.blueprint.queue_sources
    sqs.send_message(QueueUrl=source.queue_url, MessageBody="waits")

    def is_quiet() -> bool:
        return backlog(sqs, [source.queue_url]) == 0

    put(dynamodb, "carried")
    with Watcher(shop, "quiet.json", is_quiet) as watcher:
        until(lambda: watcher.seen("carried"))
        last = watcher.seen("carried")[-1]["dynamodb"]["SequenceNumber"]
    times = len(watcher.seen("carried"))
    with Watcher(shop, "quiet.json", is_quiet) as watcher:
        until(lambda: len(watcher.seen("carried")) > times)
        assert take_all(sqs, source.queue_url) == ["waits"]
        until(lambda: last in checkpoint(shop.folder / "quiet.json"))


@pytest.mark.parametrize("place", ["dynamodb_url", "aws_url"])
def test_a_refused_transaction_does_not_end_a_stream(shop: Shop, place: str) -> None:
    """Moto has another table after it, and whoever reads on in the former one sees nothing."""
    url = getattr(shop, place)
    dynamodb = client("dynamodb", url)
    (table,) = shop.blueprint.tables
    engine.create_table(dynamodb, table)
    there = replace(shop, shared=replace(shop.shared, dynamodb_url=url))
    with Watcher(there, f"{place}.json") as watcher:
        put(dynamodb, f"before-{place}")
        until(lambda: watcher.seen(f"before-{place}"))
        key = {"pk": {"S": "nobody"}, "sk": {"S": "-"}}
        refused = {"TableName": table.name, "Item": key}
        refused["ConditionExpression"] = "attribute_exists(pk)"
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
            dynamodb.transact_write_items(TransactItems=[{"Put": refused}])
        put(dynamodb, f"after-{place}")
        until(lambda: watcher.seen(f"after-{place}"))


def test_moto_holds_transactions_apart(shop: Shop) -> None:
    """It alone would lose what is written while it refuses a transaction."""
    dynamodb = client("dynamodb", shop.aws_url)
    (table,) = shop.blueprint.tables
    engine.create_table(dynamodb, table)

    def item(key: str) -> dict[str, Any]:
        return {"TableName": table.name, "Item": {"pk": {"S": key}, "sk": {"S": "race"}}}

    def work(number: int) -> bool:
        once = {**item("once"), "ConditionExpression": "attribute_not_exists(pk)"}
        dynamodb.put_item(**item(f"race-{number}"))
        try:
            dynamodb.transact_write_items(TransactItems=[{"Put": once}])
        except dynamodb.exceptions.TransactionCanceledException:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(work, range(200)))
    assert won.count(True) == 1
    items = dynamodb.scan(TableName=table.name, ConsistentRead=True)["Items"]
    kept = {each["pk"]["S"] for each in items if each["sk"]["S"] == "race"}
    assert kept == {"once", *(f"race-{number}" for number in range(200))}


def test_a_former_engines_checkpoint_is_none(shop: Shop, dynamodb: Any) -> None:
    """Moto begins anew at each start, with the same shard and lower numbers."""
    put(dynamodb, "anew")
    streams = client("dynamodbstreams", shop.dynamodb_url, parameter_validation=False)
    arn = dynamodb.describe_table(TableName="shop-Table")["Table"]["LatestStreamArn"]
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        done = {shard["ShardId"]: "9" * 30}
        (shop.folder / "anew.json").write_text(json.dumps({"stream": "another", "done": done}))
        with Watcher(shop, "anew.json") as watcher:
            until(lambda: watcher.seen("anew"))


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ({"eventName": [{"prefix": "MOD"}]}, True),
        ({"eventName": ["REMOVE", {"prefix": "MODIFYING"}]}, False),
        ({"dynamodb": {"Keys": {"sk": {"S": [{"prefix": "CO"}]}}}}, True),
        ({"nothing": [{"prefix": ""}]}, False),
        ({}, True),
        ({"eventName": ["INSERT", "MODIFY"]}, True),
        ({"eventName": ["REMOVE"]}, False),
        ({"dynamodb": {"Keys": {"sk": {"S": ["CODE"]}}}}, True),
        ({"dynamodb": {"Keys": {"sk": {"S": ["EVENT"]}}}}, False),
        ({"dynamodb": {"Keys": {"sk": {"N": ["CODE"]}}}}, False),
        ({"dynamodb": {"NewImage": {"sk": {"S": ["CODE"]}}}}, False),
        ({"eventName": ["MODIFY"], "dynamodb": {"Keys": {"sk": {"S": ["EVENT"]}}}}, False),
        ({"dynamodb": {"Keys": {"sk": {"S": ["EVENT", {"prefix": "CO"}]}}}}, True),
        ({"dynamodb": {"Keys": {"sk": {"S": [{"prefix": "OD"}]}}}}, False),
        ({"dynamodb": {"Keys": {"sk": {"N": [{"prefix": "CO"}]}}}}, False),
    ],
)
def test_a_filter_wants_a_record_or_not(pattern: Mapping[str, Any], wanted: bool) -> None:
    record = {"eventName": "MODIFY", "dynamodb": {"Keys": {"sk": {"S": "CODE"}}}}
    assert matches(pattern, record) is wanted
