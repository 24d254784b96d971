"""Read a storefront's day for the books, slice by slice, and compare what should agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from o2o.core import books, payments_csv
from o2o.core.books import Difference, DifferenceKind, Findings, Told
from o2o.core.closed_days import Closing
from o2o.core.codes import PaymentCode
from o2o.core.deliveries import EventRecord
from o2o.core.events import OF_ENDS, OF_PAYMENTS, payment_event_id
from o2o.core.pages import Page
from o2o.core.payments import Payment
from o2o.core.storefronts import Storefront, to_order_number
from o2o.core.wib import day_of, day_span
from o2o.usecases.ports import CodeStore, EventStore, PaymentStore, TimeLeft

SLICE = 10_000
"""So many entries are in a slice: some seconds' work, and few files for who reads them all."""

ENOUGH = 180.0
"""Seconds that must be left for more of a slice: what is begun is ended in less."""

_PAGE = 100

_STEPS = ("payments", "recorded", "events", "codes")
"""The lists, in the order in which they are read."""


class Place(NamedTuple):
    """How far a chain of slices has come: a list, and the cursor in it."""

    step: str
    cursor: str | None = None


class Slice(NamedTuple):
    """What a slice found, in JSON's types, and where the next one begins; None: that was all."""

    found: dict[str, Any]
    following: Place | None


@dataclass(frozen=True, slots=True)
class _Day:
    """A storefront's day, as of when its closing began."""

    closing: Closing
    storefront: Storefront

    @property
    def day(self) -> date:
        return date.fromisoformat(self.closing.day)

    @property
    def span(self) -> tuple[datetime, datetime]:
        return day_span(self.day)

    @property
    def storefront_id(self) -> str:
        return self.storefront.storefront_id

    def order_number(self, record: EventRecord) -> str:
        """Of the code that an event is about."""
        return to_order_number(self.storefront.namespace, record.invoice_number or "")

    def lacks_payment(self, record: EventRecord) -> Difference:
        return Difference(
            DifferenceKind.EVENT_WITHOUT_PAYMENT,
            self.storefront_id,
            record.invoice_number or "",
            self.order_number(record),
            event_id=record.event_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDay:
    """The use case: payments of the day, what else became known on it, its events and codes."""

    codes: CodeStore
    payments: PaymentStore
    events: EventStore
    keep_events_for: timedelta

    def __call__(
        self, closing: Closing, storefront: Storefront, place: Place | None, time_left: TimeLeft
    ) -> Slice:
        """A slice, from a place on; None is the beginning."""
        day = _Day(closing, storefront)
        found = Findings()
        at: Place | None = place or Place(_STEPS[0])
        read = 0
        while at is not None and (read == 0 or (read < SLICE and time_left() > ENOUGH)):
            page = self._page(day, at, found)
            # An empty list is work, too: there may be a thousand storefronts.
            read += max(len(page.items), 1)
            at = _following(at, page.next_cursor)
        # Lists begin with the newest.
        found.rows.reverse()
        return Slice(found.to_json(), at)

    def _page(self, day: _Day, at: Place, found: Findings) -> Page[Any]:
        match at.step:
            case "payments":
                return self._payments(day, found, at.cursor)
            case "recorded":
                return self._recorded(day, found, at.cursor)
            case "events":
                return self._events(day, found, at.cursor)
        return self._codes(day, found, at.cursor)

    def _payments(self, day: _Day, found: Findings, cursor: str | None) -> Page[Payment]:
        """The payments of the day, beside their codes and their events."""
        since, until = day.span
        page = self.payments.list_paid(
            day.storefront_id, paid_from=since, paid_to=until, limit=_PAGE, cursor=cursor
        )
        order_numbers = {each.code.order_number for each in page.items if each.code}
        codes = self.codes.get_all(sorted(order_numbers))
        event_ids = [
            payment_event_id(code, payment.number, payment.kind)
            for payment in page.items
            if payment.code and (code := codes.get(payment.code.order_number))
        ]
        events = self.events.get_all(event_ids)
        for payment in page.items:
            code = codes.get(payment.code.order_number) if payment.code else None
            found.count_payment(payment, payments_csv.row(payment))
            found.told.extend(_told(payment))
            if code:
                found.see_reusable(code)
                event_id = payment_event_id(code, payment.number, payment.kind)
                has_event = event_id in events or self._outlived_its_event(day, payment)
            else:
                has_event = True
            found.differences.update(books.compare_payment(payment, code, has_event=has_event))
        return page

    def _outlived_its_event(self, day: _Day, payment: Payment) -> bool:
        """Whether its event may have been deleted, which the table does in its own time."""
        kept_until = payment.recorded_at + self.keep_events_for
        return kept_until <= day.closing.began_at + _DELETED_WITHIN

    def _recorded(self, day: _Day, found: Findings, cursor: str | None) -> Page[Payment]:
        """The messages of payments that became known on the day, and were made on another."""
        since, until = day.span
        page = self.payments.list_recorded(
            day.storefront_id, recorded_from=since, recorded_to=until, limit=_PAGE, cursor=cursor
        )
        for payment in page.items:
            if day_of(payment.report.paid_at) != day.day:
                found.told.extend(_told(payment))
        return page

    def _events(self, day: _Day, found: Findings, cursor: str | None) -> Page[EventRecord]:
        """The events of the day: where they are, of which payments, and which codes ended."""
        since, until = day.span
        page = self.events.list_events(
            day.storefront_id, created_from=since, created_to=until, limit=_PAGE, cursor=cursor
        )
        of_codes = [each for each in page.items if each.type in OF_PAYMENTS | OF_ENDS]
        codes = self.codes.get_all(sorted({day.order_number(each) for each in of_codes}))
        found.events.update(each.status for each in page.items)
        for record in of_codes:
            code = codes.get(day.order_number(record))
            if code and record.type in OF_ENDS:
                found.count_end(code)
        paid = [each for each in of_codes if each.type in OF_PAYMENTS]
        found.differences.update(
            day.lacks_payment(record) for record in self._without_payment(day, paid, codes)
        )
        return page

    def _without_payment(
        self, day: _Day, records: Sequence[EventRecord], codes: Mapping[str, PaymentCode]
    ) -> Iterator[EventRecord]:
        """The events of payments that are not there. An event's id tells its payment's number."""
        numbers = {
            order_number: books.event_numbers(codes[order_number])
            for order_number in {day.order_number(each) for each in records} & codes.keys()
        }
        told = {
            record.event_id: numbers.get(day.order_number(record), {}).get(record.event_id)
            for record in records
        }
        wanted = [
            (day.order_number(record), str(number))
            for record in records
            if (number := told[record.event_id])
        ]
        there = self.codes.get_payments(wanted)
        for record in records:
            order_number, number = day.order_number(record), told[record.event_id]
            code = codes.get(order_number)
            if number is None:
                # Of a code with very many payments it may be one of the first.
                if code is None or code.payments <= books.LISTED:
                    yield record
            elif number and (order_number, str(number)) not in there:
                yield record

    def _codes(self, day: _Day, found: Findings, cursor: str | None) -> Page[PaymentCode]:
        """The codes that were made on the day, beside the payments that they count."""
        since, until = day.span
        page = self.codes.list_codes(
            day.storefront_id, created_from=since, created_to=until, limit=_PAGE, cursor=cursor
        )
        there = self.codes.get_payments(
            [(code.order_number, str(number)) for code in page.items for number in _counted(code)]
        )
        for code in page.items:
            found.count_created(code)
            missing = [
                number for number in _counted(code) if (code.order_number, str(number)) not in there
            ]
            found.differences.update(books.compare_code(code, self._really(code, missing)))
        return page

    def _really(self, code: PaymentCode, missing: list[int]) -> list[int]:
        """Numbers that are missing, unless there are payments of before they were numbered."""
        if not missing:
            return missing
        listed = self.codes.list_payments(code.order_number, limit=_PAGE, cursor=None)
        return missing[sum(not each.number for each in listed.items) :]


_DELETED_WITHIN = timedelta(days=1)

_counted = books.expected_payments


def _following(place: Place, cursor: str | None) -> Place | None:
    if cursor is not None:
        return Place(place.step, cursor)
    behind = _STEPS.index(place.step) + 1
    return Place(_STEPS[behind]) if behind < len(_STEPS) else None


def _told(payment: Payment) -> Iterator[Told]:
    order_number = payment.code.order_number if payment.code else payment.report.invoice_number
    for telling in payment.tellings:
        yield Told(telling.evidence.digest, order_number, payment.payment_id)
