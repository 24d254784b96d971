"""The models of the customer's page."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field

from o2o.usecases.show import Glance, PageState


class PageStatus(BaseModel):
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

    @classmethod
    def of(cls, glance: Glance) -> Self:
        """The status of a code at an instant."""
        return cls(
            state=glance.state,
            payments_count=glance.code.payments,
            now=glance.now,
            expires_at=glance.code.expires_at.replace(microsecond=0),
        )
