"""The SQLite connection: opened once, owned by one process, safe from any thread."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from simulator.errors import StartError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)

LOG_ROWS = 20_000
"""How many of its newest rows a log keeps."""

_SCHEMA_VERSION = 5


class Database:
    """Runs SQL; ``transaction()`` binds several calls into one commit.

    Without a file it lives in memory. ``tables`` are the statements that make a new database,
    ``upgrades`` the one that brings a database of a version to the next.
    Raises ``StartError`` if the file can't be opened, is in use, or is of another version.
    """

    def __init__(self, file: Path | None, tables: str, upgrades: Mapping[int, str]) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        name = ":memory:" if file is None else str(file)
        try:
            self._connection = sqlite3.connect(
                name, isolation_level=None, check_same_thread=False, timeout=1.0
            )
        except sqlite3.Error as error:
            raise StartError(f"The database {name} can't be opened: {error}.") from error
        try:
            self._prepare(tables, upgrades)
        except (sqlite3.Error, StartError) as error:
            self._connection.close()
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise StartError(f"Another simulator is using the database {name}.") from error
            raise StartError(f"The database {name} can't be used: {error}") from error

    def _prepare(self, tables: str, upgrades: Mapping[int, str]) -> None:
        execute = self._connection.execute
        self._connection.row_factory = sqlite3.Row
        # One process owns the file: that is quicker, and a second simulator on it is refused.
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        execute("BEGIN IMMEDIATE")
        version = execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in tables.split(";"):
                execute(statement)
            execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        while version in upgrades:
            execute(upgrades[version])
            version += 1
            execute(f"PRAGMA user_version = {version}")
        if version not in {0, _SCHEMA_VERSION}:
            raise StartError(
                "it was written by another version of the simulator;"
                " move it away to start with a new one."
            )
        execute("COMMIT")

    def close(self) -> None:
        """Close the database; everything is already committed."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Bind the calls inside into one commit, or none if one of them raises."""
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
                if outermost:
                    self._connection.execute("COMMIT")
            except BaseException:
                if outermost and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def run(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Change something, in a transaction."""
        with self.transaction():
            return self._connection.execute(sql, values)

    def insert(self, table: str, values: Mapping[str, object], *, keep: int | None = None) -> int:
        """Insert a row and return its number; ``keep`` is how many of the newest rows stay."""
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        with self.transaction():
            number = self.run(
                f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608 - our own names
                tuple(values.values()),
            ).lastrowid
            assert number is not None  # noqa: S101 - an INSERT always has one
            if keep is not None:
                self.run(f"DELETE FROM {table} WHERE id = ?", (number - keep,))  # noqa: S608
        return number

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Return every row of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Row | None:
        """Return the first row of a query, if any."""
        return next(iter(self.rows(sql, values)), None)


def record(kind: "type[Record]", row: sqlite3.Row, **converted: Any) -> "Record":
    """Return a row as a dataclass; ``converted`` are the fields stored in another form."""
    return kind(**{field.name: row[field.name] for field in fields(kind)} | converted)
