"""POST /doku/notifications: DOKU says that a customer paid."""

from typing import Any

from o2o.entry import wiring
from o2o.entry.http import Api

api = Api(any_query=True)
receive = wiring.receive_notification()


@api.routes.post("/doku/notifications")
def post_notification() -> dict[str, Any]:
    """Acknowledge what is on record and archived; whatever is not, DOKU sends again."""
    return {"received": receive(api.message).outcome}


lambda_handler = wiring.answers_roll_outs()(api.handler())
