"""The archive keeps its promise on S3, as moto has it, and in memory."""

import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from o2o.adapters.archive import S3MessageArchive, decode, encode, key_of
from o2o.core.archive import ArchivedMessage, ArchiveKey, MessageKind, parse_key
from o2o.core.errors import UnreadableMessage
from o2o.core.notifications import DokuMessage
from o2o.usecases.ports import MessageArchive
from tests.contract.conftest import REGION
from tests.support.memory import MemoryMessageArchive

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HEADERS = {"Client-Id": "MCH-1", "Request-Id": "r", "Signature": "HMACSHA256=abc="}
NUMBERS = count(1)


def message(seconds: float = 0, body: bytes = b"{}", **changes: Any) -> ArchivedMessage:
    return replace(
        ArchivedMessage(
            kind=MessageKind.NOTIFICATION,
            message=DokuMessage("/v1/doku/notifications", HEADERS, body),
            received_at=NOON + timedelta(seconds=seconds),
        ),
        **changes,
    )


@pytest.fixture(scope="module")
def s3(aws: None) -> Any:
    return boto3.client("s3", region_name=REGION)


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"archive-{next(NUMBERS)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture(params=["memory", "moto"])
def archive(request: pytest.FixtureRequest) -> MessageArchive:
    if request.param == "memory":
        return MemoryMessageArchive()
    return S3MessageArchive(request.getfixturevalue("s3"), request.getfixturevalue("bucket"))


def read(archive: MessageArchive, *time: datetime | None) -> list[ArchivedMessage]:
    return [archive.get(key) for key in archive.keys(*(time or (None, None)))]


def test_what_is_kept_is_read_as_it_came(archive: MessageArchive) -> None:
    kept = message(body=b"\xff\x00 not UTF-8 {")
    archive.keep(kept)
    assert read(archive) == [kept]


def test_messages_are_read_in_the_order_in_which_they_came(archive: MessageArchive) -> None:
    day, second = 86_400, 1e-6
    kept = [message(each, f"{each}".encode()) for each in (-40 * day, 0, second, 1, day, 400 * day)]
    for each in (kept[3], kept[0], kept[5], kept[2], kept[4], kept[1]):
        archive.keep(each)
    assert read(archive) == kept


def test_a_time_includes_both_its_instants(archive: MessageArchive) -> None:
    kept = [message(each) for each in range(5)]
    for each in kept:
        archive.keep(each)
    since, until = kept[1].received_at, kept[3].received_at
    assert read(archive, since, until) == kept[1:4]
    assert read(archive, since, None) == kept[1:]
    assert read(archive, None, until) == kept[:4]
    moment = timedelta(microseconds=1)
    assert read(archive, since + moment, until - moment) == kept[2:3]
    assert read(archive, until, since) == []


def test_a_message_that_is_kept_twice_is_there_once(archive: MessageArchive) -> None:
    for _ in range(2):
        archive.keep(message())
    assert read(archive) == [message()]


def test_other_messages_at_one_instant_are_all_there(archive: MessageArchive) -> None:
    answer = message(kind=MessageKind.STATUS)
    kept = [message(), message(body=b"[]"), answer]
    for each in kept:
        archive.keep(each)
    assert sorted(read(archive), key=repr) == sorted(kept, key=repr)


def test_any_number_of_messages_is_read(s3: Any, bucket: str) -> None:
    archive = S3MessageArchive(s3, bucket)
    for number in range(1_001):  # a page of S3's has a thousand
        s3.put_object(Bucket=bucket, Key=key_of(message(number)))
    assert len(list(archive.keys(None, None))) == 1_001


def test_the_document_can_be_checked_by_hand(s3: Any, bucket: str) -> None:
    S3MessageArchive(s3, bucket).keep(message(body=b'{"order":{}}'))
    (listed,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    day, name = listed["Key"].rsplit("/", 1)
    assert day == "messages/2026/03/01"
    content = s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read()
    body, whole = (sha256(each).hexdigest() for each in (b'{"order":{}}', content))
    assert name == f"120000.000000-notification-{body}-{whole}.json"
    document = json.loads(content)
    assert b64decode(document.pop("body_base64")) == b'{"order":{}}'
    assert document == {
        "format": 1,
        "kind": "notification",
        "received_at": "2026-03-01T12:00:00.000000+00:00",
        "path": "/v1/doku/notifications",
        "headers": HEADERS,
    }


def test_s3_checks_that_all_of_it_arrived(s3: Any, bucket: str) -> None:
    S3MessageArchive(s3, bucket).keep(message())
    (key,) = S3MessageArchive(s3, bucket).keys(None, None)
    head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"]
    assert head["ContentType"] == "application/json"


def test_what_is_there_already_is_not_lost(s3: Any, bucket: str) -> None:
    archive = S3MessageArchive(s3, bucket)
    for _ in range(2):
        archive.keep(message())
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2


def test_errors_of_s3_s_are_told(s3: Any) -> None:
    with pytest.raises(ClientError):
        S3MessageArchive(s3, "archive-that-is-not-there").keep(message())


def test_a_message_with_another_head_has_another_place(archive: MessageArchive) -> None:
    """A repeat may come at the same instant: it has a signature of its own."""
    repeat = replace(message().message, headers=HEADERS | {"Request-Id": "r-2"})
    kept = [message(), message(message=repeat)]
    for each in kept:
        archive.keep(each)
    assert sorted(read(archive), key=repr) == sorted(kept, key=repr)


MESSAGES = st.builds(
    ArchivedMessage,
    kind=st.sampled_from(MessageKind),
    message=st.builds(
        DokuMessage,
        st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
        st.dictionaries(st.sampled_from(list(HEADERS)), st.text(max_size=20)),
        st.binary(max_size=200),
    ),
    received_at=st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis adds the zone
)


@given(MESSAGES)
def test_nothing_of_a_message_gets_lost(kept: ArchivedMessage) -> None:
    assert decode(encode(kept)) == kept
    again = decode(encode(kept)).message
    assert (again.headers, again.body) == (kept.message.headers, kept.message.body)


@given(MESSAGES)
def test_a_key_says_what_is_there(kept: ArchivedMessage) -> None:
    assert parse_key(key_of(kept)) == ArchiveKey(
        received_at=kept.received_at,
        kind=kept.kind,
        body_sha256=sha256(kept.message.body).hexdigest(),
        object_sha256=sha256(encode(kept)).hexdigest(),
    )


KEY = key_of(message())


@pytest.mark.parametrize(
    "key",
    [
        "",
        "messages/2020/01/01/odd",
        KEY.removeprefix("messages/"),
        f"{KEY}\n",
        KEY.replace("/03/", "/13/"),
        KEY.replace("120000", "126000"),
        KEY.replace("2026", "\u0662026"),
        KEY.replace("notification", "inquiry"),
        KEY.replace(".json", ".txt"),
        KEY[:-70] + ".json",  # of the time when a key had one digest
        KEY.upper(),
    ],
)
def test_a_key_under_which_no_message_is_kept_is_told(key: str) -> None:
    with pytest.raises(UnreadableMessage):
        parse_key(key)


WHOLE = json.loads(encode(message()))
WRONG: list[dict[str, Any]] = [
    {"format": 2},
    {"kind": "inquiry"},
    {"received_at": "yesterday"},
    {"received_at": 7},
    {"headers": []},
    {"body_base64": "!"},
    {"body_base64": 7},
]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        *(
            json.dumps({name: each for name, each in WHOLE.items() if name != left_out}).encode()
            for left_out in WHOLE
        ),
        *(json.dumps(WHOLE | changes).encode() for changes in WRONG),
    ],
)
def test_what_is_no_message_is_told(content: bytes) -> None:
    with pytest.raises(UnreadableMessage):
        decode(content)
