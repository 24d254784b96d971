"""POST /doku/notifications: DOKU says that a customer paid."""

from typing import Any

from o2o.entry import wiring
from o2o.entry.body import headers_of, raw_body
from o2o.entry.http import Api
from o2o.entry.observability import count_received

api = Api(any_query=True)
receive = wiring.receive_notification()


@api.routes.post("/doku/notifications")
def post_notification() -> dict[str, Any]:
    """Acknowledge what is safely on record; whatever is not, DOKU sends again."""
    event = api.routes.current_event.raw_event
    received = receive(headers_of(event), raw_body(event))
    count_received(received)
    return {"received": received.outcome}


lambda_handler = api.handler()
