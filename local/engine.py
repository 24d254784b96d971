"""The DynamoDB engine: starts Dynoxide, and creates the template's tables in any engine."""

import contextlib
import json
import os
import platform
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from local.aws import client
from local.blueprint import Table
from local.errors import StackError
from local.ports import HOST
from local.processes import Children

_START_SECONDS = 300.0
_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 30.0
_STREAM_INDEXES = {
    "o2o_stream_number": "table_name, CAST(sequence_number AS INTEGER)",
    "o2o_stream_shard": "table_name, shard_id, CAST(sequence_number AS INTEGER)",
    "o2o_stream_ends": "table_name, shard_id, sequence_number",
}
_SYSTEMS = {"Linux": "linux", "Darwin": "darwin", "Windows": "win32"}
_MACHINES = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def find_dynoxide(root: Path) -> Path | None:
    """Dynoxide's executable for this machine in ``node_modules``; ``None`` if it is not there."""
    system = _SYSTEMS.get(platform.system())
    machine = _MACHINES.get(platform.machine())
    name = "dynoxide.exe" if system == "win32" else "dynoxide"
    program = root / "node_modules" / "@dynoxide" / f"{system}-{machine}" / name
    return program if os.access(program, os.X_OK) else None


def start_dynoxide(children: Children, program: Path, database: Path, port: int) -> str:
    """Start the engine on its database file, wait until it listens, and return its URL.

    Raises ``StackError`` if it ends or does not listen within five minutes.
    """
    command = [str(program), "serve", "--host", HOST, "--port", str(port)]
    children.start("dynoxide", [*command, "--db-path", str(database)])
    deadline = time.monotonic() + _START_SECONDS
    while not _listens(port):
        if children.ended("dynoxide") or time.monotonic() > deadline:
            raise StackError("The DynamoDB engine is not responding; see its log, dynoxide.log.")
        time.sleep(0.02)
    index_stream(database)
    return f"http://{HOST}:{port}"


def index_stream(database: Path) -> None:
    """Give Dynoxide's stream the indexes that it lacks.

    Without them, each write and each poll reads the whole stream: a stack would get slower with
    every change that it has ever had. They are for the queries of version 1.2; to another version
    they do no harm.
    """
    with (
        contextlib.suppress(sqlite3.OperationalError),  # another version, with other tables
        contextlib.closing(sqlite3.connect(database, timeout=_ANSWER_SECONDS)) as connection,
        connection,
    ):
        for name, columns in _STREAM_INDEXES.items():
            connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON _stream_records ({columns})")


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=10):
            return True
    except OSError:
        return False


def check(url: str) -> None:
    """Raise ``StackError`` unless this is the address of a DynamoDB engine that answers."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        patience = {"connect_timeout": _CONNECT_SECONDS, "read_timeout": _ANSWER_SECONDS}
        dynamodb = client("dynamodb", url, **patience) if usable else None
    except ValueError:  # a port that is none, a bracket that is left open
        dynamodb = None
    if dynamodb is None:
        raise StackError(
            f"{url!r} is no address of a DynamoDB engine: --dynamodb-url takes one like"
            " http://127.0.0.1:8000."
        )
    with telling(url):
        try:
            named = isinstance(dynamodb.list_tables(Limit=1)["TableNames"], list)
        except (AttributeError, KeyError, TypeError):  # JSON, but not of DynamoDB's form
            named = False
        if not named:
            raise StackError(f"What answers at {url} is no DynamoDB engine.")


@contextlib.contextmanager
def telling(url: str) -> Iterator[None]:
    """Raise ``StackError`` for whatever an engine refuses, or if it does not answer."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise StackError(
            f"What answers at {url} is no DynamoDB engine, or not all of one: it refuses"
            f" {error.operation_name} ({code})."
        ) from None
    except (BotoCoreError, ResponseParserError) as error:
        # Of several lines, the first one says it; botocore ends some with a full stop.
        reason = str(error).partition("\n")[0].rstrip(".")
        raise StackError(f"No DynamoDB engine answers at {url}: {reason}.") from None


def create_table(dynamodb: Any, table: Table) -> bool:
    """Create a table if it does not exist yet; returns whether it was created.

    Raises ``StackError`` if it exists with other keys or indexes, or the engine has no streams.
    """
    try:
        dynamodb.describe_table(TableName=table.name)
    except dynamodb.exceptions.ResourceNotFoundException:
        dynamodb.create_table(**table.definition)
        created = True
    else:
        created = False
    existing = dynamodb.describe_table(TableName=table.name)["Table"]
    if _shape(existing) != _shape(table.definition):
        raise StackError(
            f"Table {table.name} has keys or indexes from another version of the template."
            " Delete the state folder (.local) to start with an empty table."
        )
    if "StreamSpecification" in table.definition and "LatestStreamArn" not in existing:
        raise StackError(f"Table {table.name} has no stream: O2O needs an engine with streams.")
    if table.ttl_attribute:
        # Asked again at each start: the former one may have been refused after the table was made.
        told = dynamodb.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
        if told["TimeToLiveStatus"] not in {"ENABLED", "ENABLING"}:
            dynamodb.update_time_to_live(
                TableName=table.name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": table.ttl_attribute},
            )
    return created


def _shape(definition: Mapping[str, Any]) -> str:
    """The keys of a table and its indexes as text that can be compared."""
    indexes = definition.get("GlobalSecondaryIndexes", ())
    return json.dumps(
        {
            "": definition["KeySchema"],
            **{index["IndexName"]: index["KeySchema"] for index in indexes},
        },
        sort_keys=True,
    )


def explain_moto() -> str:
    """The note to the developer that the data is kept in memory only."""
    return (
        f"No DynamoDB engine for {sys.platform} {platform.machine()} in node_modules (npm"
        " installs it): moto stands in, which keeps the data in memory only."
    )
