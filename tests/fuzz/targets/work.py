"""The body of a queue's message. It is work or a ValueError, and what we wrote is read again."""

from contextlib import suppress
from datetime import UTC, datetime

from o2o.adapters.queue import decode_work, encode_work
from o2o.core.work import Work, WorkKind

NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)
WORK = Work(WorkKind.CODE, "INV-1", due_at=NOW)
SEEDS = (
    encode_work(WORK).encode(),
    encode_work(Work(WorkKind.NOTIFICATION, "INV-1", "0a1b", NOW)).encode(),
    encode_work(Work(WorkKind.EVENT, "", "evt_1")).encode(),
    b'{"kind": "code", "invoice_number": "\\ud800", "due_at": "2026-03-01T10:00:00"}',
    b"[" * 100_000,
)


def check(data: bytes) -> None:
    """Raise AssertionError if a message is read wrongly."""
    with suppress(ValueError):
        work = decode_work(data.decode("utf-8", "replace"))
        assert decode_work(encode_work(work)) == work
        assert sorted([work, WORK], key=lambda each: each.urgency)
