"""The models of events: what storefronts get by webhook and see by ``GET /events``."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    StringConstraints,
    create_model,
    model_validator,
)

from o2o.core.closed_days import BooksClosed
from o2o.core.codes import PaymentKind, PaymentMark, Source
from o2o.core.deliveries import Attempt, DeliveryStatus, EventRecord
from o2o.core.events import Event, EventType
from o2o.core.money import CURRENCY
from o2o.core.pages import Page
from o2o.core.resolutions import Resolution
from o2o.entry.models.books import ClosedDayView
from o2o.entry.models.codes import (
    AgentId,
    Amount,
    Certain,
    Currency,
    Doubts,
    FirstPaid,
    HadEnded,
    PaidAt,
    PaymentCodeView,
    PaymentId,
    ReceiptNumber,
    ResolutionView,
)
from o2o.entry.models.text import Instant, Model, number, seconds
from o2o.usecases.browse_events import Resent

MAX_EVENT_IDS = 100

EventId = Annotated[str, StringConstraints(pattern=r"^evt_[0-9a-f]{32}$")]

_LEFT_OUT = {"customer", "payments"}
"""Of a code's view: the bus carries no personal data, and an event names its payment."""


_FORGOTTEN = (
    "payment_code", "unique_part", "info", "metadata", "how_to_pay_page", "pay_url",
)  # fmt: skip
"""What is null in an event of a code that was forgotten, beside the receipt's texts."""


def _later(*names: str) -> ConfigDict:
    """For fields that version 0.1 did not have: its events lack them, also when sent again."""

    def not_required(schema: dict[str, Any]) -> None:
        schema["required"] = [each for each in schema["required"] if each not in names]

    return ConfigDict(json_schema_extra=not_required)


class EventPaymentView(BaseModel):
    """The payment that an event reports. Events of version 0.1 lack what is not required."""

    model_config = _later(
        *("currency", "recorded_at", "source", "agent_id", "had_ended", "certain", "doubts"),
        *("id", "resolution"),
    )

    id: PaymentId
    kind: PaymentKind
    amount: Amount
    currency: Currency
    paid_at: PaidAt
    recorded_at: Annotated[datetime | None, Field(description="When it came to our knowledge.")]
    source: Source | None
    agent_id: AgentId
    store_id: str | None
    receipt_number: ReceiptNumber
    had_ended: HadEnded
    certain: Certain
    doubts: Doubts
    first_paid: FirstPaid
    resolution: Annotated[
        ResolutionView | None,
        Field(description="Of `payment.resolved`: what was done about the payment."),
    ]

    @classmethod
    def of(cls, payment: PaymentMark, resolution: Resolution | None) -> Self:
        """The view of a payment."""
        return cls(
            id=payment.payment_id,
            kind=payment.kind,
            amount=number(payment.amount),
            currency=payment.currency or CURRENCY,
            paid_at=seconds(payment.paid_at),
            recorded_at=None if payment.recorded_at is None else seconds(payment.recorded_at),
            source=payment.source,
            agent_id=_text(payment.agent_id),
            store_id=_text(payment.store_id),
            receipt_number=_text(payment.receipt_number),
            had_ended=payment.had_ended,
            certain=not payment.doubts,
            doubts=list(payment.doubts),
            first_paid=payment.first_paid,
            resolution=None if resolution is None else ResolutionView.of(resolution),
        )


EventData: type[BaseModel] = create_model(
    "EventData",
    __doc__="The payment code after the event, and the payment that it reports, if any. Events of"
    " version 0.1 lack what is not required.",
    __config__=_later(
        *("inquired_at", "had_ended", "refund", "unconfirmed", "payments_complete"),
        "pending_reason",
    ),
    **{
        name: (field.annotation, field)
        for name, field in PaymentCodeView.model_fields.items()
        if name not in _LEFT_OUT
    },
    payment=(EventPaymentView | None, ...),
)  # type: ignore[call-overload]


class WebhookPayload(BaseModel):
    """The body of a webhook about a payment code, in the form of Standard Webhooks."""

    id: EventId
    type: EventType
    timestamp: datetime
    sequence: Annotated[
        int,
        Field(description="Grows with every change of the code: order a code's events by it."),
    ]
    data: EventData  # type: ignore[valid-type]


class BooksEventData(BaseModel):
    """The day that was closed, or closed again."""

    books: ClosedDayView


class BooksPayload(BaseModel):
    """The body of a webhook of the type `books.closed`."""

    id: EventId
    type: Annotated[EventType, Field(description="`books.closed`")]
    timestamp: datetime
    sequence: Annotated[int, Field(description="The edition of the day's book.")]
    data: BooksEventData


def render(event: Event | BooksClosed) -> str:
    """The text of a webhook's body; the same event is always the same text."""
    if isinstance(event, BooksClosed):
        return _books_payload(event).model_dump_json()
    view = PaymentCodeView.of(event.code).model_dump(exclude=_LEFT_OUT)
    payment = (
        None if event.payment is None else EventPaymentView.of(event.payment, event.resolution)
    )
    return WebhookPayload(
        id=event.event_id,
        type=event.type,
        timestamp=event.occurred_at,
        sequence=event.code.version,
        data=EventData(**view, payment=payment),
    ).model_dump_json()


def _books_payload(event: BooksClosed) -> BooksPayload:
    return BooksPayload(
        id=event.event_id,
        type=event.type,
        timestamp=event.occurred_at,
        sequence=event.sequence,
        data=BooksEventData(books=ClosedDayView.of(event.book)),
    )


def forget(payload: str) -> str:
    """The text of a webhook's body without what goes from its code when that is forgotten.

    The very same text if there is none of it.
    """
    body = json.loads(payload)
    data = body["data"]
    left = data | {name: None for name in _FORGOTTEN if name in data}
    if data.get("receipt"):
        left["receipt"] = dict.fromkeys(data["receipt"])
    payment = data.get("payment") or {}
    if resolution := payment.get("resolution"):
        left["payment"] = payment | {"resolution": resolution | {"note": None}}
    if left == data:
        return payload
    return json.dumps(body | {"data": left}, ensure_ascii=False, separators=(",", ":"))


class AttemptView(BaseModel):
    """One try to deliver an event."""

    at: datetime
    status_code: int | None
    error: Annotated[
        str | None, Field(description="Why there was no answer, such as `timeout`, in a word.")
    ]
    duration_ms: int

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """The view of an attempt."""
        return cls(
            at=seconds(attempt.at),
            status_code=attempt.status_code,
            error=attempt.error,
            duration_ms=attempt.duration_ms,
        )


class DeliveryView(BaseModel):
    """What became of an event on its way to the storefront's endpoint."""

    status: DeliveryStatus
    next_attempt_at: datetime | None
    attempts: Annotated[list[AttemptView], Field(description="The newest 20, by time.")]


@dataclass(frozen=True, slots=True)
class _Described:
    """JSON that is shown as it is, and described as a model: as it was when the event was made."""

    model: type[BaseModel]

    def __get_pydantic_json_schema__(self, _: object, handler: GetJsonSchemaHandler) -> Any:
        return handler(self.model.__pydantic_core_schema__)


class EventView(BaseModel):
    """An event of a payment code, as it was sent, and its delivery."""

    id: EventId
    type: EventType
    timestamp: datetime
    sequence: int
    invoice_number: str
    delivery: DeliveryView
    data: Annotated[
        dict[str, JsonValue],
        _Described(EventData),
        Field(description="As in the body of the webhook."),
    ]

    @classmethod
    def of(cls, record: EventRecord) -> Self:
        """The view of an event."""
        return cls(
            id=record.event_id,
            type=record.type,
            timestamp=record.created_at,
            sequence=record.sequence,
            invoice_number=record.invoice_number or "",
            delivery=DeliveryView(
                status=record.status,
                next_attempt_at=None if record.due_at is None else seconds(record.due_at),
                attempts=[AttemptView.of(attempt) for attempt in record.attempts],
            ),
            data=json.loads(record.payload)["data"],
        )


class EventList(BaseModel):
    """A page of events, newest first."""

    items: list[EventView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[EventRecord]) -> Self:
        """The view of a page."""
        return cls(
            items=[EventView.of(record) for record in page.items], next_cursor=page.next_cursor
        )


class NewRedelivery(Model):
    """Which events to send again: some by their ids, or all that a time range and a filter find."""

    event_ids: Annotated[list[EventId], Field(min_length=1, max_length=MAX_EVENT_IDS)] | None = None
    created_from: Instant | None = None
    created_to: Instant | None = None
    type: EventType | None = None
    status: DeliveryStatus | None = None
    cursor: Annotated[str, Field(max_length=1024)] | None = None

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        ranged = (self.created_from, self.created_to, self.type, self.status, self.cursor)
        if self.event_ids is not None and any(given is not None for given in ranged):
            raise ValueError("event_ids can't be given together with anything else")
        if self.event_ids is None and (self.created_from is None or self.created_to is None):
            raise ValueError("give event_ids, or both created_from and created_to")
        return self


class RedeliveryView(BaseModel):
    """How many events go out again."""

    count: int
    next_cursor: Annotated[
        str | None,
        Field(description="There are more: send the same request again, with this as `cursor`."),
    ]

    @classmethod
    def of(cls, resent: Resent) -> Self:
        """The view of what was sent again."""
        return cls(count=resent.count, next_cursor=resent.next_cursor)


def _text(value: str | None) -> str | None:
    """Text that JSON can carry: what DOKU sent may hold half a character."""
    return None if value is None else value.encode("utf-8", "replace").decode()
