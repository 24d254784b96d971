"""The models of the customer's page."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field

from o2o.usecases.show_code import PageState, PageStatus


class PageStatusView(BaseModel):
    """Whether a customer's page is still up to date."""

    state: Annotated[
        PageState,
        Field(
            description="The code's status, and what a customer needs to know beyond it:"
            " `closing` when its time is over and its outcome is awaited, `replaced` when another"
            " code took its place, `paid_before` when the order was paid with a code that it"
            " replaces."
        ),
    ]
    payments_count: int
    now: Annotated[datetime, Field(description="The server's clock, for the countdown.")]
    expires_at: datetime
    inquired_at: Annotated[
        datetime | None,
        Field(description="When a till was last told that it may take the money."),
    ]

    @classmethod
    def of(cls, status: PageStatus) -> Self:
        """The view of a page's status."""
        return cls(
            state=status.state,
            payments_count=status.code.payments,
            now=status.now,
            expires_at=status.code.expiry.replace(microsecond=0),
            inquired_at=status.code.inquired_at,
        )
