"""The first answer of each Request-Id: DOKU's idempotency key (DOKU protocol, section 8)."""

from dataclasses import asdict, dataclass

from simulator.store.database import Database, record

TABLES = """
CREATE TABLE request_ids (
    request_id TEXT PRIMARY KEY,
    target TEXT NOT NULL,
    digest TEXT NOT NULL,
    answer BLOB NOT NULL
);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAnswer:
    """The first accepted request of a Request-Id, and the body that answered it."""

    request_id: str
    target: str
    """Path of the request."""
    digest: str
    """Base64 of the SHA-256 of the request's body."""
    answer: bytes


class FirstAnswers:
    """First answers by Request-Id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, request_id: str) -> FirstAnswer | None:
        """Return the first answer of a Request-Id, if it was accepted before."""
        row = self._database.row("SELECT * FROM request_ids WHERE request_id = ?", (request_id,))
        return None if row is None else record(FirstAnswer, row)

    def add(self, first: FirstAnswer) -> None:
        """Keep the first answer of a Request-Id."""
        self._database.insert("request_ids", asdict(first))
