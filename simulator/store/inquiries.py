"""The log of direct inquiries and of what the merchant answered (DOKU protocol, section 5)."""

from dataclasses import asdict, dataclass, replace

from simulator.store.database import LOG_ROWS, Database, record

TABLES = """
CREATE TABLE inquiries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    channel TEXT NOT NULL,
    payment_code TEXT NOT NULL,
    url TEXT,
    request_id TEXT NOT NULL,
    fault TEXT,
    http_status INTEGER,
    latency_ms INTEGER,
    status TEXT,
    problem TEXT,
    invoice_number TEXT,
    amount INTEGER,
    customer_name TEXT,
    info TEXT
);
CREATE INDEX inquiries_of ON inquiries (payment_code);
CREATE INDEX inquiries_for ON inquiries (invoice_number);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A question to the merchant about a code that lives there, and its outcome."""

    id: int = 0
    at: float
    channel: str
    """Name of the channel."""
    payment_code: str
    url: str | None
    request_id: str
    fault: str | None = None
    """Kind of the fault that spoiled it."""
    http_status: int | None = None
    latency_ms: int | None = None
    """Real milliseconds until the whole answer had arrived."""
    status: str | None = None
    """``online_to_offline_inquiry.status``, as answered."""
    problem: str | None = None
    """Why DOKU can't use the answer, or has none."""
    invoice_number: str | None = None
    amount: int | None = None
    """Rupiah."""
    customer_name: str | None = None
    info: str | None = None


class Inquiries:
    """The newest inquiries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, inquiry: Inquiry) -> Inquiry:
        """Keep an inquiry; return it with its ``id``."""
        values = asdict(inquiry)
        del values["id"]
        return replace(inquiry, id=self._database.insert("inquiries", values, keep=LOG_ROWS))

    def newest(self, limit: int, payment_code: str | None = None) -> list[Inquiry]:
        """Return inquiries, of one code or of all, newest first."""
        rows = self._database.rows(
            "SELECT * FROM inquiries WHERE ?1 IS NULL OR payment_code = ?1"
            " ORDER BY id DESC LIMIT ?2",
            (payment_code, limit),
        )
        return [record(Inquiry, row) for row in rows]

    def last_answered(self, payment_code: str) -> Inquiry | None:
        """Return the newest inquiry whose answer says something about the code."""
        row = self._database.row(
            "SELECT * FROM inquiries WHERE payment_code = ? AND problem IS NULL"
            " AND status <> 'invalid_signature' ORDER BY id DESC LIMIT 1",
            (payment_code,),
        )
        return None if row is None else record(Inquiry, row)

    def last_payable(
        self, *, payment_code: str | None = None, invoice_number: str | None = None
    ) -> Inquiry | None:
        """Return the newest inquiry of a code or an invoice number that a till may pay on."""
        row = self._database.row(
            "SELECT * FROM inquiries WHERE (payment_code = ? OR invoice_number = ?)"
            " AND problem IS NULL AND status = 'success' ORDER BY id DESC LIMIT 1",
            (payment_code, invoice_number),
        )
        return None if row is None else record(Inquiry, row)
