"""The DynamoDB engine: Dynoxide in a file, any other endpoint by setting, else moto in memory."""

import json
import os
import platform
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.blueprint import Table
from local.errors import StackError
from local.ports import HOST
from local.processes import Children

_START_SECONDS = 300.0
_SYSTEMS = {"Linux": "linux", "Darwin": "darwin", "Windows": "win32"}
_MACHINES = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def find_dynoxide(root: Path) -> Path | None:
    """The engine's program for this machine, where ``npm ci`` put it."""
    system = _SYSTEMS.get(platform.system())
    machine = _MACHINES.get(platform.machine())
    name = "dynoxide.exe" if system == "win32" else "dynoxide"
    program = root / "node_modules" / "@dynoxide" / f"{system}-{machine}" / name
    return program if os.access(program, os.X_OK) else None


def start_dynoxide(children: Children, program: Path, database: Path, port: int) -> str:
    """Start the engine on its file and wait until it answers; returns its URL.

    Raises ``StackError`` if it doesn't.
    """
    command = [str(program), "serve", "--host", HOST, "--port", str(port)]
    children.start("dynoxide", [*command, "--db-path", str(database)])
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(port):
        if children.ended("dynoxide") or time.monotonic() > deadline:
            raise StackError("The DynamoDB engine doesn't answer; see its log, dynoxide.log.")
        time.sleep(0.02)
    return f"http://{HOST}:{port}"


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=10):
            return True
    except OSError:
        return False


def create_table(dynamodb: Any, table: Table) -> bool:
    """Create a table if it isn't there; returns whether it was created now.

    Raises ``StackError`` if one of that name is there with other keys or indexes.
    """
    try:
        existing = dynamodb.describe_table(TableName=table.name)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        dynamodb.create_table(**table.definition)
        if table.ttl_attribute:
            dynamodb.update_time_to_live(
                TableName=table.name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": table.ttl_attribute},
            )
        return True
    if _shape(existing) != _shape(table.definition):
        raise StackError(
            f"Table {table.name} has keys or indexes from another version of the template."
            " Remove the state folder (.local) to start with an empty one."
        )
    return False


def _shape(definition: Mapping[str, Any]) -> str:
    """Keys and indexes, in a form that can be compared."""
    indexes = definition.get("GlobalSecondaryIndexes", ())
    return json.dumps(
        {
            "": definition["KeySchema"],
            **{index["IndexName"]: index["KeySchema"] for index in indexes},
        },
        sort_keys=True,
    )


def explain_moto() -> str:
    """Why the data lives in memory only."""
    return (
        f"No DynamoDB engine for {sys.platform} {platform.machine()} in node_modules (npm ci"
        " fetches it): moto stands in, and the data ends with the stack."
    )
