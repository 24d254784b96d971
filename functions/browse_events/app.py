"""GET /events and what lies below it, and POST /events/redeliver."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query

from o2o.core.deliveries import DeliveryStatus
from o2o.core.events import EventType
from o2o.entry import wiring
from o2o.entry.http import Api, InvoiceNumberQuery
from o2o.entry.models.events import EventList, EventView, NewRedelivery, RedeliveryView
from o2o.entry.models.text import Instant
from o2o.entry.observability import count
from o2o.usecases.browse_events import EventFilter

api = Api(takes_json=True)
events = wiring.browse_events()


@api.routes.get("/events/<event_id>")
def get_event(event_id: Annotated[str, Path(pattern=r"^evt_[0-9a-f]{32}$")]) -> EventView:
    """One event, and every attempt to deliver it."""
    return EventView.of(events.of_code(api.storefront_id, event_id))


@api.routes.get("/events")
def list_events(
    type: Annotated[EventType | None, Query()] = None,  # noqa: A002 - its name in the query
    status: Annotated[DeliveryStatus | None, Query()] = None,
    invoice_number: InvoiceNumberQuery = None,
    created_from: Annotated[Instant | None, Query()] = None,
    created_to: Annotated[Instant | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
) -> EventList:
    """The events of the storefront's codes, of the last 90 days, newest first."""
    wanted = EventFilter(
        type=type,
        status=status,
        invoice_number=invoice_number,
        created_from=created_from,
        created_to=created_to,
        of_codes=True,
    )
    return EventList.of(events.many(api.storefront_id, wanted, limit=limit, cursor=cursor))


@api.routes.post("/events/redeliver")
def redeliver_events(request: Annotated[NewRedelivery, Body()]) -> Response[RedeliveryView]:
    """Send events again, delivered before or not; they keep their ids."""
    if request.event_ids is not None:
        resent = events.resend(api.storefront_id, request.event_ids)
    else:
        wanted = EventFilter(
            type=request.type,
            status=request.status,
            created_from=request.created_from,
            created_to=request.created_to,
        )
        resent = events.resend_all(api.storefront_id, wanted, cursor=request.cursor)
    count("EventRedelivered", resent.count)
    return Response(
        status_code=202, content_type="application/json", body=RedeliveryView.of(resent)
    )


lambda_handler = api.handler()
