"""Republish events: what the stream did not bring to storefronts, or the bus to outsiders.

What a search must find is made again with them.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from o2o.core.codes import CLOCKS_DIFFER, LONGEST_LIFE, PaymentCode
from o2o.core.deliveries import EventRecord
from o2o.core.errors import NotFound
from o2o.core.events import derive_story, one_of
from o2o.core.pages import all_items
from o2o.core.search import SearchChanges, find_all
from o2o.usecases.ports import Clock, CodeStore, EventStore, StorefrontStore
from o2o.usecases.publish_events import PublishEvents

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Republished:
    """How many events were missing, and how many the bus got and did not get.

    ``unmade``: the order numbers of codes of which no event can be made.
    """

    made: int = 0
    announced: int = 0
    unannounced: int = 0
    unmade: tuple[str, ...] = ()

    def __add__(self, other: "Republished") -> "Republished":
        return Republished(
            self.made + other.made,
            self.announced + other.announced,
            self.unannounced + other.unannounced,
            self.unmade + other.unmade,
        )


@dataclass(frozen=True, slots=True)
class _Span:
    """What happened when, both instants included."""

    since: datetime
    until: datetime | None

    def __contains__(self, instant: datetime) -> bool:
        return self.since <= instant and (self.until is None or instant <= self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepublishEvents:
    """The use case. Events that are missing are made of their codes as these are now.

    Nobody is sent anything twice: what is on record is only announced again on the bus, and queued
    if no timetable has it; what is made has the id that the stream would give it. Nothing is made
    that would have been deleted.
    """

    codes: CodeStore
    events: EventStore
    storefronts: StorefrontStore
    publish: PublishEvents
    is_outage: Callable[[BaseException], bool]
    clock: Clock

    def of_code(self, order_number: str) -> Republished:
        """All events of a code. Raises NotFound."""
        code = self.codes.get(order_number)
        if code is None:
            raise NotFound("there is no such payment code")
        span = _Span(code.created_at - CLOCKS_DIFFER, None)
        told = (
            record
            for record in self._told(code.storefront_id, span)
            if record.invoice_number == code.invoice_number
        )
        return self._again([code], told, span)

    def of_time(self, since: datetime, until: datetime | None = None) -> Republished:
        """The events of a time, of codes that were created no longer than 31 days before it."""
        span = _Span(since, until)
        done = Republished()
        for storefront in self._storefronts():
            told = self._told(storefront, span)
            done += self._again(self._codes(storefront, span), told, span)
        return done

    def _again(
        self, codes: Iterable[PaymentCode], told: Iterable[EventRecord], span: _Span
    ) -> Republished:
        done = Republished()
        known = set()
        for record in told:
            known.add((record.invoice_number, one_of(record.type), record.created_at))
            again = self.publish.hand_on if record.is_carried else self.publish.announce
            done += self._announced([record], again([record]))
        for code in codes:
            try:
                done += self._missing(code, known, span)
            except Exception as error:
                if self.is_outage(error):
                    raise
                # It would fail again: the codes behind it do not wait for it.
                self.publish.report(error)
                done += Republished(unmade=(code.order_number,))
        return done

    def _missing(self, code: PaymentCode, known: Collection[object], span: _Span) -> Republished:
        payments = all_items(
            lambda cursor: self.codes.list_payments(code.order_number, limit=_PAGE, cursor=cursor)
        )
        found = [each for each in payments if code.is_its_own(each.recorded_at)]
        self.publish.search.change(SearchChanges(frozenset(find_all(code, found))))
        turned_out_later = {each.number for each in found if each.kind.matches and each.further}
        missing = [
            event
            for event in derive_story(
                code,
                [each.mark for each in found],
                [each for payment in found for each in payment.resolved_payments],
            )
            if (
                event.occurred_at in span
                # The event of the write that made it match is dated when it was recorded.
                or (event.payment is not None and event.payment.number in turned_out_later)
            )
            and event.occurred_at + self.publish.keep_for > self.clock()
            and (code.invoice_number, one_of(event.type), event.occurred_at) not in known
        ]
        published = [self.publish.keep_one(event) for event in missing]
        records = [
            each.record for each in published if each.is_new or each.record.created_at in span
        ]
        made = Republished(made=sum(each.is_new for each in published))
        return made + self._announced(records, self.publish.hand_on(records))

    def _announced(
        self, records: list[EventRecord], unannounced: Iterable[EventRecord]
    ) -> Republished:
        lost = len(list(unannounced))
        return Republished(announced=len(records) - lost, unannounced=lost)

    def _storefronts(self) -> list[str]:
        found = all_items(
            lambda cursor: self.storefronts.list_storefronts(limit=_PAGE, cursor=cursor)
        )
        return [storefront.storefront_id for storefront in found]

    def _told(self, storefront_id: str, span: _Span) -> Iterable[EventRecord]:
        return all_items(
            lambda cursor: self.events.list_events(
                storefront_id,
                created_from=span.since,
                created_to=span.until,
                limit=_PAGE,
                cursor=cursor,
            )
        )

    def _codes(self, storefront_id: str, span: _Span) -> Iterable[PaymentCode]:
        return all_items(
            lambda cursor: self.codes.list_codes(
                storefront_id,
                created_from=span.since - LONGEST_LIFE,
                created_to=span.until,
                limit=_PAGE,
                cursor=cursor,
            )
        )
