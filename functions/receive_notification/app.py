"""POST /doku/notifications: DOKU says that a customer paid."""

from typing import Any

from o2o.entry import wiring
from o2o.entry.http import Api
from o2o.entry.observability import count_received

api = Api(any_query=True)
receive = wiring.receive_notification()


@api.routes.post("/doku/notifications")
def post_notification() -> dict[str, Any]:
    """Acknowledge what is safely on record; whatever is not, DOKU sends again."""
    received = receive(api.message)
    count_received(received)
    return {"received": received.outcome}


lambda_handler = wiring.answers_roll_outs()(api.handler())
