"""The records of a simulated account in SQLite: one module for each kind.

Everything is committed before an answer leaves, so that it survives ``kill -9``: WAL keeps a
committed transaction through the death of the process. Instants are seconds since 1970 (UTC),
amounts whole rupiah.
"""

from pathlib import Path

from simulator.store import (
    fault_queue,
    first_answers,
    inquiries,
    notifications,
    orders,
    payments,
    request_log,
    settings,
)
from simulator.store.database import Database

_TABLES = (
    orders.TABLES
    + first_answers.TABLES
    + payments.TABLES
    + notifications.TABLES
    + fault_queue.TABLES
    + request_log.TABLES
    + inquiries.TABLES
    + settings.TABLES
)
_UPGRADES = {2: fault_queue.ADD_CHANNEL, 3: notifications.INDEX_HELD, 4: orders.ADD_REPORT}
_EMPTIED_BY_RESET = (
    "orders",
    "request_ids",
    "payments",
    "notifications",
    "attempts",
    "faults",
    "requests",
    "inquiries",
)


class Store:
    """All records of one simulated account.

    Every method is safe to call from any thread and commits before it returns;
    ``transaction()`` binds several calls into one commit. Raises ``StartError`` if the database
    can't be opened or used.
    """

    def __init__(self, file: Path | None) -> None:
        database = Database(file, _TABLES, _UPGRADES)
        self._database = database
        self.transaction = database.transaction
        self.close = database.close
        self.settings = settings.Settings(database)
        self.orders = orders.Orders(database)
        self.first_answers = first_answers.FirstAnswers(database)
        self.payments = payments.Payments(database)
        self.inquiries = inquiries.Inquiries(database)
        self.notifications = notifications.Notifications(database)
        self.fault_queue = fault_queue.FaultQueue(database)
        self.request_log = request_log.RequestLog(database)

    def reset(self) -> None:
        """Forget orders, payments, notifications, faults and requests; keep the settings."""
        with self.transaction():
            for table in _EMPTIED_BY_RESET:
                self._database.run(f"DELETE FROM {table}")  # noqa: S608 - names of this module
