"""What the use cases around events need of the world, as protocols."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from o2o.core.codes import PaymentCode
from o2o.core.events import Event
from o2o.core.webhooks import Attempt, Endpoint, EventRecord
from o2o.usecases.ports import Page, Work

Render = Callable[[Event], str]
"""The text that tells a storefront of an event; the same one for the same event."""

SecretOf = Callable[[str, int], str]
"""A storefront's signing secret of a version, as Standard Webhooks writes it: whsec_…"""


@dataclass(frozen=True, slots=True)
class Change:
    """One write of a code. ``before`` is None for a new code."""

    before: PaymentCode | None
    after: PaymentCode


class EventStore(Protocol):
    """Events and what became of them. Every read that is acted on is consistent."""

    def add(self, record: EventRecord) -> bool:
        """Write a new event; False if it is here already."""
        ...

    def get(self, event_id: str) -> EventRecord | None:
        """An event by its id."""
        ...

    def save(self, record: EventRecord) -> None:
        """Write an event that is one version on. Raises VersionConflict."""
        ...

    def list_events(
        self,
        storefront_id: str,
        *,
        created_from: datetime | None,
        created_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[EventRecord]:
        """A storefront's events, newest first. Raises InvalidRequest for a foreign cursor."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[Work]:
        """What is due at ``now``, the longest overdue first; at most ``limit``."""
        ...


class EndpointStore(Protocol):
    """The storefronts' endpoints."""

    def get_endpoint(self, storefront_id: str) -> Endpoint | None:
        """A storefront's endpoint."""
        ...

    def save_endpoint(self, endpoint: Endpoint) -> None:
        """Write an endpoint: version 1 is a new one. Raises VersionConflict."""
        ...


class EventBus(Protocol):
    """Where whoever runs the stack listens."""

    def put(self, record: EventRecord) -> None:
        """Announce an event. Raises O2OError if the bus did not take it."""
        ...


class Courier(Protocol):
    """Carries messages over the public network, and nowhere else."""

    def check(self, url: str) -> None:
        """Raises InvalidRequest for an address that nothing will ever be sent to."""
        ...

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """Send once. Whatever goes wrong is told by the attempt."""
        ...


class DeadLetters(Protocol):
    """Where what nobody took is kept for a person."""

    def put(self, record: EventRecord) -> None:
        """Keep an event's id. Raises O2OError."""
        ...
