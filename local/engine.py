"""The DynamoDB engine: starts Dynoxide, and creates the template's tables in any engine."""

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
    """Dynoxide's executable for this machine in ``node_modules``; ``None`` if it is not there."""
    system = _SYSTEMS.get(platform.system())
    machine = _MACHINES.get(platform.machine())
    name = "dynoxide.exe" if system == "win32" else "dynoxide"
    program = root / "node_modules" / "@dynoxide" / f"{system}-{machine}" / name
    return program if os.access(program, os.X_OK) else None


def start_dynoxide(children: Children, program: Path, database: Path, port: int) -> str:
    """Start the engine on its database file, wait until it listens, and return its URL.

    Raises ``StackError`` if it ends or does not listen within 15 seconds.
    """
    command = [str(program), "serve", "--host", HOST, "--port", str(port)]
    children.start("dynoxide", [*command, "--db-path", str(database)])
    deadline = time.monotonic() + _START_SECONDS
    while not _listens(port):
        if children.ended("dynoxide") or time.monotonic() > deadline:
            raise StackError("The DynamoDB engine is not responding; see its log, dynoxide.log.")
        time.sleep(0.02)
    return f"http://{HOST}:{port}"


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=10):
            return True
    except OSError:
        return False


def create_table(dynamodb: Any, table: Table) -> bool:
    """Create a table if it does not exist yet; returns whether it was created.

    Raises ``StackError`` if it exists with other keys or indexes.
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
            " Delete the state folder (.local) to start with an empty table."
        )
    return False


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
