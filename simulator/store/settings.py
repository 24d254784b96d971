"""Settings that were changed while the simulator ran, by name."""

from simulator.store.database import Database

TABLES = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

CLOCK_OFFSET = "clock_offset_seconds"


class Settings:
    """Named values, kept across restarts and resets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> str | None:
        """Return a value, if there is one."""
        row = self._database.row("SELECT value FROM settings WHERE name = ?", (name,))
        return None if row is None else str(row["value"])

    def starting_with(self, prefix: str) -> dict[str, str]:
        """Return all values whose name has a prefix, by the rest of the name."""
        rows = self._database.rows("SELECT name, value FROM settings ORDER BY name")
        return {
            row["name"].removeprefix(prefix): row["value"]
            for row in rows
            if row["name"].startswith(prefix)
        }

    def put(self, name: str, value: str) -> None:
        """Keep a value, in place of an older one."""
        self._database.run("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))
