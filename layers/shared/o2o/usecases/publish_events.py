"""Publish events: keep the events of a write for their storefront, and announce them on the bus."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from o2o.core.deliveries import EventRecord
from o2o.core.events import Change, Event, derive_events
from o2o.usecases.ports import EventBus, EventStore, Render

FIRST_LOOK = timedelta(minutes=2)
"""When an event is due whose message to ``deliver_webhooks`` got lost."""


@dataclass(frozen=True, slots=True)
class Published:
    """An event; ``is_new`` unless it was published before."""

    record: EventRecord
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishEvents:
    """The use case.

    A write that is published twice makes the same events: the store keeps the first, and the
    bus gets them again, under the same ids.
    """

    events: EventStore
    bus: EventBus
    render: Render
    keep_for: timedelta

    def __call__(self, change: Change) -> Sequence[Published]:
        """The events of a write. What raises can be repeated, and must be."""
        published = []
        for event in derive_events(change):
            record = self._record(event)
            is_new = self.events.add(record)
            self.bus.put(record)
            published.append(Published(record, is_new))
        return published

    def _record(self, event: Event) -> EventRecord:
        code = event.code
        return EventRecord(
            event_id=event.event_id,
            type=event.type,
            storefront_id=code.storefront_id,
            invoice_number=code.invoice_number,
            sequence=code.version,
            created_at=event.occurred_at,
            payload=self.render(event),
            keep_until=event.occurred_at + self.keep_for,
            due_at=event.occurred_at + FIRST_LOOK,
        )
