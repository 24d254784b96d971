"""Which addresses of a DynamoDB engine are taken, and what is said of the others."""

import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from local import engine
from local.aws import client
from local.blueprint import Table
from local.errors import StackError
from local.processes import Children
from tests.support import dynoxide, tables
from tests.support.dynoxide import halfway
from tests.support.receivers import Answer, answering, babble, close, receiver


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "ftp://127.0.0.1:8000", "http://", "http://127.0.0.1:eighty",
     "http://127.0.0.1:70000", "http://[::1", "http://a b"],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(StackError) as caught:
        engine.check(url)
    assert str(caught.value) == (
        f"{url!r} is no address of a DynamoDB engine: --dynamodb-url takes one like"
        " http://127.0.0.1:8000."
    )


def test_a_name_that_nobody_has() -> None:
    url = "http://engine.invalid:8000"
    with pytest.raises(StackError, match=rf"^No DynamoDB engine answers at {url}: .*\.$"):
        engine.check(url)


def test_no_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_ANSWER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(StackError, match=f"^No DynamoDB engine answers at {url}: Read timeout"):
            engine.check(url)


JSON = "application/x-amz-json-1.0"


@pytest.mark.parametrize(
    "answer",
    [
        answering(200, "text/html", b"<h1>It works</h1>"),
        answering(200, JSON, b'{"TableNames": ['),
        answering(200, JSON, b"[1]"),
        answering(200, JSON, b"null"),
        answering(200, JSON, b'{"TableNames": 5}'),
        answering(404, "text/html", b"<h1>Not here</h1>"),
        answering(500, "application/json", b"{}"),
        answering(302, "text/plain", b""),
        babble,
        close,
    ],
)
def test_what_answers_is_something_else(answer: Answer) -> None:
    with receiver(answer) as other:
        url = other.url.removesuffix("/hook")
        with pytest.raises(StackError) as caught:
            engine.check(url)
    told = str(caught.value)
    assert f" at {url}" in told
    assert "no dynamodb engine" in told.lower()
    assert told.endswith(".")
    assert len(told.splitlines()) == 1


TABLE = Table(
    definition={
        "TableName": "o2o-table",
        **tables.definition(),
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    },
    ttl_attribute="ttl",
)


def make_table(lacks: str) -> str:
    """What is said of an engine that lacks something; its address is left out."""
    with receiver(halfway(lacks)) as other:
        engine.check(other.url)
        with pytest.raises(StackError) as caught, engine.telling(other.url):
            engine.create_table(client("dynamodb", other.url), TABLE)
    return str(caught.value).replace(f" at {other.url}", "")


@pytest.mark.parametrize("lacks", ["CreateTable", "DescribeTimeToLive", "UpdateTimeToLive"])
def test_an_engine_that_lacks_an_operation(lacks: str) -> None:
    assert make_table(lacks) == (
        f"What answers is no DynamoDB engine, or not all of one: it refuses {lacks}"
        " (UnknownOperationException)."
    )


def test_an_engine_that_lacks_streams() -> None:
    told = "Table o2o-table has no stream: O2O needs an engine with streams."
    assert make_table("streams") == told


@pytest.mark.parametrize(
    "query",
    [
        # As Dynoxide's program has them: at each write, at each poll, at each look at the shards.
        (
            "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records"
            " WHERE table_name = ?1"
        ),
        (
            "SELECT * FROM _stream_records WHERE table_name = ?1 AND shard_id = ?2"
            " AND CAST(sequence_number AS INTEGER) > ?3"
            " ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT ?4"
        ),
        (
            "SELECT MIN(sequence_number), MAX(sequence_number) FROM _stream_records"
            " WHERE table_name = ?1 AND shard_id = ?2"
        ),
    ],
)
def test_the_stream_is_read_by_an_index_however_long_it_is(tmp_path: Path, query: str) -> None:
    program = dynoxide.need()
    (tmp_path / "logs").mkdir()
    children = Children(tmp_path, lambda _: None)
    database = tmp_path / "dynamodb.sqlite"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    try:
        engine.start_dynoxide(children, program, database, port)
        with closing(sqlite3.connect(database)) as connection:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {query}", [1] * query.count("?"))
            steps = [row[3] for row in plan.fetchall()]
    finally:
        children.stop()
    assert all("INDEX o2o_stream" in step for step in steps), steps
