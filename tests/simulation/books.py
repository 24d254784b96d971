"""Each closed day is the till's day, or the difference is listed."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from o2o.adapters.doku.archived import DokuArchiveReader
from o2o.core.closed_days import ClosedDay
from o2o.core.payments import Payment
from o2o.core.wib import day_of
from o2o.usecases.close_books import CloseBooks
from tests.simulation.truth import TillPayment
from tests.simulation.world import Stack
from tests.support.books import closes
from tests.support.memory import MemoryBooksFiles, MemoryBooksStore, MemoryPaymentStore

RUNS_FOR = 600.0
"""Seconds, as the template gives the function."""

MONEY = {"unmatched", "unreadable", "older_order", "disputed"}
"""Differences that stay until a person has done something."""


class Books:
    """The function that closes the days, and what holds of its books."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._scheduler = stack.scheduler
        self.files = MemoryBooksFiles()
        self.books = MemoryBooksStore(stack.table)

    def run(self) -> None:
        """The schedule runs the function."""
        close = self._wired(ported=True)
        self._scheduler.invoke(
            "close_books", lambda: close(self._scheduler.time_left), seconds=RUNS_FOR
        )

    def run_daily(self, until: timedelta) -> None:
        """The schedule, at the instants at which there may be anything to do."""
        for day in range(until.days + 1):
            for hours in (0.0, 13.0, 20.0):
                self._scheduler.after((day * 24 + hours) * 3600 + 60, self.run)

    def settle(self) -> None:
        """In the end days that had differences are closed again, as the runbook has it."""
        close = self._wired(ported=False)
        close(lambda: RUNS_FOR)
        for book in self.closed():
            if book.differences:
                close.again(date.fromisoformat(book.day))
        close(lambda: RUNS_FOR)

    def closed(self) -> list[ClosedDay]:
        """The newest editions of the stack's books, the oldest day first."""
        return list(self.books.list_days(None, limit=10_000, cursor=None).items)[::-1]

    def _wired(self, *, ported: bool) -> CloseBooks:
        stack = self._stack

        def port(name: str, target: Any) -> Any:
            return stack.port(name, target) if ported else target

        return closes(
            books=port("books", self.books),
            files=port("books files", self.files),
            codes=stack.codes,
            payments=MemoryPaymentStore(stack.table),
            events=stack.events,
            notifications=stack.notifications,
            storefronts=stack.storefronts,
            archive=port("archive", stack.archive),
            reader=DokuArchiveReader(_no_credentials),
            clock=self._scheduler.clock if ported else lambda: self._scheduler.now,
        )

    # --- what holds in the end ---

    def wrong(self) -> Iterator[str]:
        """Everything in which the books are not the record, or not the till."""
        books = self.closed()
        days = [date.fromisoformat(each.day) for each in books]
        self._scheduler.counted["days closed"] += len(days)
        self._scheduler.counted["days closed again"] += sum(each.edition > 1 for each in books)
        if days != [days[0] + timedelta(days=number) for number in range(len(days))]:
            yield f"books: {len(days)} days are closed, and not each one after the other"
        if day_of(self._scheduler.now) - days[-1] > timedelta(days=3):
            yield f"books: the last closed day is {days[-1]}"
        former = None
        for book in books:
            yield from self._is_the_record(book)
            yield from self._is_the_till(book)
            yield from self._agrees(book)
            if book.previous_root != former:
                yield f"books: {book.day} does not follow on the day before"
            former = book.messages_root

    def _is_the_record(self, book: ClosedDay) -> Iterator[str]:
        text = self.files.files[f"books/{book.day}/{book.edition:04}/payments.csv"].decode()
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        listed = {(each["order_number"], each["payment"]) for each in rows}
        records = {
            (number, payment.payment_id): payment
            for number, payments in self._stack.table.payments.items()
            for payment in payments.values()
            if str(day_of(payment.report.paid_at)) == book.day
        }
        for number, payment in sorted(records.keys() ^ listed):
            if not self._was_moved(number, payment):
                yield f"books: payment {payment} of {number} is not as in the book of {book.day}"
        if len(rows) != len(listed):
            yield f"books: a payment is twice in the book of {book.day}"
        total = sum(Decimal(each["amount"]) for each in rows if each["currency"] == "IDR")
        if total != book.sum:
            yield f"books: {book.day} has {book.sum}, and its payments {total}"

    def _was_moved(self, number: str, payment: str) -> bool:
        """Whether DOKU's messages date a payment on several days."""
        found = self._stack.table.payments[number].get(int(payment))
        return found is not None and len({*map(day_of, _dates(found))}) > 1

    def _is_the_till(self, book: ClosedDay) -> Iterator[str]:
        """What the tills took for certain is in the book with its money."""
        text = self.files.files[f"books/{book.day}/{book.edition:04}/payments.csv"].decode()
        counted: dict[str, list[Decimal]] = {}
        for row in csv.DictReader(io.StringIO(text, newline="")):
            counted.setdefault(row["order_number"], []).append(Decimal(row["amount"]))
        for number, tills in self._certain(book.day).items():
            paid = sorted(Decimal(each.amount) for each in tills)
            if sorted(counted.get(number, [])) != paid:
                yield f"books: {number} in {book.day} is {counted.get(number)}, paid was {paid}"

    def _certain(self, day: str) -> dict[str, list[TillPayment]]:
        """The payments of a day by order, of orders about which nothing is uncertain."""
        doku = self._stack.doku
        orders: dict[str, list[TillPayment]] = {}
        for payment in doku.till:
            orders.setdefault(payment.invoice_number, []).append(payment)
        found: dict[str, list[TillPayment]] = {}
        for number, tills in orders.items():
            records = list(self._stack.table.payments.get(number, {}).values())
            told = {str(day_of(each)) for record in records for each in _dates(record)}
            truly = {str(day_of(each.paid_at)) for each in tills}
            is_certain = not any(each.unknowable or each.assigned_to for each in tills)
            has_strays = any(each.assigned_to == number for each in doku.strays)
            amounts_agree = sorted(each.report.amount for each in records) == sorted(
                Decimal(each.amount) for each in tills
            )
            if is_certain and not has_strays and told == truly and amounts_agree:
                of_day = [each for each in tills if str(day_of(each.paid_at)) == day]
                if of_day:
                    found[number] = of_day
        return found

    def _agrees(self, book: ClosedDay) -> Iterator[str]:
        document = json.loads(book.document)
        for difference in document["differences"]:
            number = difference.get("order_number", "")
            kind, message = difference["kind"], difference.get("message", "")
            never_told = number in self._stack.stream.untold
            # The function that asked died after the answer was in the archive, and DOKU does not
            # repeat answers: a replay of the archive would make up for it.
            never_recorded = "-status-" in message
            if (
                kind in MONEY
                or (kind == "payment_without_event" and never_told)
                or (kind == "message_without_payment" and never_recorded)
            ):
                self._scheduler.counted[f"difference: {kind}"] += 1
                continue
            yield f"books: {book.day} has the difference {difference}"


def _dates(payment: Payment) -> list[Any]:
    return [payment.report.paid_at, *(each.paid_at for each in payment.tellings)]


def _no_credentials(*, refresh: bool = False) -> Any:
    raise AssertionError(f"who closes the books needs no secret, refresh={refresh}")
