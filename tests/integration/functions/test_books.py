"""A day is closed, shown to its storefront, and told as an event."""

import json
import os
from base64 import b64encode
from datetime import date, timedelta
from hashlib import sha256

from o2o.core.archive import ArchivedMessage, MessageKind
from o2o.core.notifications import DokuMessage
from o2o.core.storefronts import Storefront
from o2o.entry import wiring
from o2o.entry.settings import Settings
from tests.integration.functions import doku
from tests.integration.functions.conftest import counts
from tests.support.world import START

DAY = date(2026, 3, 1)
SECONDS = 600.0


def add_shop(storefront_id="shop"):
    wiring._storefronts(wiring.read_settings(Settings)).add_storefront(
        Storefront(storefront_id, "Shop", START)
    )


def sell(stack, event):
    stack.doku.expect_request(
        "/alfa-online-to-offline/v2/payment-code", "POST"
    ).respond_with_handler(
        lambda request: doku.code(request, "8889955000000021", START + timedelta(minutes=60))
    )
    assert stack.call("generate_code", event("generate_code/alfa")).status == 201
    assert stack.call("receive_notification", event("receive_notification/alfa_paid")).body == {
        "received": "settled"
    }


def stream(stack, kind):
    """What the table's stream has of the items of a kind."""
    table = wiring._client("dynamodb").scan(TableName=os.environ["TABLE_NAME"])["Items"]
    return {
        "Records": [
            {
                "eventName": "INSERT",
                "dynamodb": {
                    "Keys": {"pk": item["pk"], "sk": item["sk"]},
                    "NewImage": as_lambda_has_it(item),
                    "SequenceNumber": "1",
                },
            }
            for item in table
            if item["sk"]["S"] == kind
        ]
    }


def as_lambda_has_it(value):
    match value:
        case {"B": bytes(content)}:
            return {"B": b64encode(content).decode()}
        case dict():
            return {name: as_lambda_has_it(each) for name, each in value.items()}
        case list():
            return [as_lambda_has_it(each) for each in value]
    return value


def close(stack, event):
    return stack.invoke("close_books", event("close_books/schedule"), seconds=SECONDS)


def objects(bucket):
    s3 = wiring._client("s3")
    return {
        each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        for each in s3.list_objects_v2(Bucket=bucket).get("Contents", ())
    }


def test_a_day_is_closed_read_and_told(stack, event, capsys):
    add_shop()
    assert close(stack, event) == {"closed": 0, "differences": 0}
    sell(stack, event)
    stack.invoke("publish_events", stream(stack, "CODE"))
    # A notification in other bytes, and money that no shop has.
    paid = event("receive_notification/alfa_paid")
    unknown = event("receive_notification/unknown_invoice")
    assert stack.call("receive_notification", unknown).body == {"received": "unmatched"}
    archive = wiring._archive(os.environ["ARCHIVE_BUCKET_NAME"])
    for number, body in enumerate((paid["body"] + " ", unknown["body"] + " ")):
        archive.keep(
            ArchivedMessage(
                kind=MessageKind.NOTIFICATION,
                message=DokuMessage("/v1/doku/notifications", {}, body.encode()),
                received_at=stack.clock.now + timedelta(seconds=number),
            )
        )
    stack.clock.now = START + timedelta(days=1, hours=9)
    capsys.readouterr()

    assert close(stack, event) == {"closed": 2, "differences": 2}

    told = counts(capsys.readouterr().out)
    assert told["BooksDifferences"] == 2
    assert told["BooksClosed"] == 2
    assert told["BooksOpenSeconds"] == 0
    assert told["PaymentsUnresolved"] == 0
    book = stack.call("read_books", event("read_books/one", pathParameters={"date": str(DAY)})).body
    assert (book["day"], book["edition"], book["count"], book["sum"]) == (
        "2026-03-01",
        1,
        1,
        150_000,
    )
    assert book["totals"] == [
        {"channel": "alfa", "kind": "paid", "currency": "IDR", "count": 1, "sum": 150_000}
    ]
    assert (book["differences"], book["listed_differences"]) == (0, [])
    files = objects(os.environ["BOOKS_BUCKET_NAME"])
    name = "books/2026-03-01/0001/storefronts/shop.json"
    assert sha256(files[name]).hexdigest() == book["sha256"]
    stack_s = json.loads(files["books/2026-03-01/0001/books.json"])
    assert [each["kind"] for each in stack_s["differences"]] == [
        "message_without_payment",
        "unmatched",
    ]
    assert stack_s["messages"]["count"] == 4

    listed = stack.call("read_books", event("read_books/list")).body
    assert [each["day"] for each in listed["items"]] == ["2026-03-01", "2026-02-28"]
    assert listed["items"][0] == {name: book[name] for name in listed["items"][0]}

    stack.invoke("publish_events", stream(stack, "EDITION"))
    records = wiring._events(wiring.read_settings(Settings))
    record = records.get(book["event_id"])
    assert record is not None
    assert (record.type, record.storefront_id, record.sequence) == ("books.closed", "shop", 1)
    payload = json.loads(record.payload)
    assert payload["type"] == "books.closed"
    assert payload["data"] == {"books": listed["items"][0]}
    found = stack.call("browse_events", event("browse_events/list")).body["items"]
    assert {each["type"] for each in found} <= {"payment_code.paid"}
    of_books = {"pathParameters": {"event_id": book["event_id"]}}
    assert stack.call("browse_events", event("browse_events/one", **of_books)).status == 404


def test_a_run_that_was_killed_before_its_items_is_made_up_for(stack, event):
    add_shop()
    close(stack, event)
    stack.clock.now = START + timedelta(days=1, hours=9)
    dynamodb, table = wiring._client("dynamodb"), os.environ["TABLE_NAME"]
    before = dynamodb.scan(TableName=table)["Items"]
    close(stack, event)
    files = objects(os.environ["BOOKS_BUCKET_NAME"])
    for item in dynamodb.scan(TableName=table)["Items"]:
        dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})
    for item in before:
        dynamodb.put_item(TableName=table, Item=item)

    assert close(stack, event) == {"closed": 2, "differences": 0}

    assert objects(os.environ["BOOKS_BUCKET_NAME"]) == files
    assert stack.call("read_books", event("read_books/list")).body["items"][0]["edition"] == 1


def test_another_storefront_s_book_does_not_exist(stack, event):
    add_shop("other")
    close(stack, event)
    stack.clock.now = START + timedelta(days=1, hours=9)
    close(stack, event)

    asked = event("read_books/one", pathParameters={"date": str(DAY)})
    assert stack.call("read_books", asked).status == 404
    assert stack.call("read_books", event("read_books/list")).body["items"] == []


def test_a_date_that_is_none_is_named(stack, event):
    answer = stack.call("read_books", event("read_books/one", pathParameters={"date": "yesterday"}))
    assert answer.status == 400
    assert answer.body["invalid_params"][0]["name"] == "date"
