"""What storefronts see of their closed days."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from o2o.core.closed_days import BooksClosed, ClosedDay
from o2o.core.codes import PaymentKind
from o2o.core.pages import Page
from o2o.entry.models.codes import Amount
from o2o.entry.models.text import number, seconds

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ClosedDayView(BaseModel):
    """A closed day in short: an edition of its book."""

    storefront_id: str
    day: Annotated[date, Field(description="The day, in WIB.")]
    edition: Annotated[
        int, Field(description="Counts from 1: what comes late closes the day again.")
    ]
    closed_at: Annotated[datetime, Field(description="As of when.")]
    count: Annotated[int, Field(description="Payments that were made on the day.")]
    sum: Annotated[Amount, Field(description="All of them together, in rupiah.")]
    differences: Annotated[int, Field(description="How much does not agree; 0 is expected.")]
    messages_root: Annotated[
        Digest,
        Field(description="The Merkle root of DOKU's messages of the day, of the whole stack."),
    ]
    previous_root: Annotated[
        Digest | None, Field(description="That of the day before; null on the first day.")
    ]
    sha256: Annotated[Digest, Field(description="Of the edition's JSON file.")]
    event_id: Annotated[
        str,
        Field(
            pattern="^evt_[0-9a-f]{32}$",
            description="Of the event `books.closed`: to have it sent again.",
        ),
    ]

    @classmethod
    def of(cls, closed: ClosedDay) -> Self:
        """The view of a closed day."""
        return cls(**_in_short(closed))


class ClosedDayList(BaseModel):
    """A page of closed days, the newest first."""

    items: list[ClosedDayView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[ClosedDay]) -> Self:
        """The view of a page."""
        return cls(
            items=[ClosedDayView.of(each) for each in page.items], next_cursor=page.next_cursor
        )


class BookTotalView(BaseModel):
    """Payments of one channel, kind and currency."""

    channel: str
    kind: PaymentKind
    currency: str
    count: int
    sum: Amount


class BookCodesView(BaseModel):
    """Codes of the day."""

    created: Annotated[
        dict[str, int], Field(description="Made on the day, by the status they have now.")
    ]
    channels: Annotated[dict[str, int], Field(description="The same codes by channel.")]
    ended: Annotated[
        dict[str, int],
        Field(description="Ended on the day: `confirmed` by DOKU as unpaid, or what else."),
    ]


class BookEntryView(BaseModel):
    """A code, or a payment of it."""

    invoice_number: str
    payment: str | None


class BookListView(BaseModel):
    """A list of the book, and how long it is: of a long one, the first 100."""

    count: int
    items: list[BookEntryView]


class BookNotedView(BaseModel):
    """What is no difference, and worth to be looked through."""

    ended_unconfirmed: BookListView
    ended_looked_at: BookListView
    ended_inquired: BookListView
    ended_disputed: BookListView
    only_by_status_check: BookListView
    reusable_incomplete: BookListView


class BookDifferenceView(BaseModel):
    """One thing that does not agree."""

    kind: Annotated[str, Field(description="What: a word of docs/books.md.")]
    invoice_number: str | None
    payment: str | None
    event_id: str | None


class BookView(ClosedDayView):
    """The book of a closed day."""

    totals: list[BookTotalView]
    codes: BookCodesView
    events: Annotated[
        dict[str, int], Field(description="Events of the day, by where their deliveries stood.")
    ]
    noted: BookNotedView
    listed_differences: Annotated[
        list[BookDifferenceView], Field(description="The first 100 of them.")
    ]

    @classmethod
    def of(cls, closed: ClosedDay) -> Self:
        """The view of a closed day."""
        book = json.loads(closed.document)
        return cls(
            **_in_short(closed),
            totals=[
                BookTotalView(**{**each, "sum": number(Decimal(each["sum"]))})
                for each in book["totals"]["by"]
            ],
            codes=BookCodesView(**book["codes"]),
            events=book["events"],
            noted=BookNotedView(
                **{
                    name: BookListView(
                        count=each["count"],
                        items=[
                            BookEntryView(**{"payment": None, **entry}) for entry in each["items"]
                        ],
                    )
                    for name, each in book["noted"].items()
                }
            ),
            listed_differences=[
                BookDifferenceView(
                    **{"invoice_number": None, "payment": None, "event_id": None, **each}
                )
                for each in book["differences"]
            ],
        )


def _in_short(closed: ClosedDay) -> dict[str, Any]:
    return {
        "storefront_id": closed.storefront_id,
        "day": closed.day,
        "edition": closed.edition,
        "closed_at": seconds(closed.closed_at),
        "count": closed.count,
        "sum": number(closed.sum),
        "differences": closed.differences,
        "messages_root": closed.messages_root,
        "previous_root": closed.previous_root,
        "sha256": closed.sha256,
        "event_id": BooksClosed(closed).event_id,
    }
