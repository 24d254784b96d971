"""POST /doku/notifications: DOKU says that a customer paid."""

import json

from o2o.core.notifications import DokuMessage
from o2o.entry import wiring
from o2o.entry.answer import Answer
from o2o.entry.body import JSON
from o2o.entry.doku_route import doku_route

receive = wiring.receive_notification()


def post_notification(message: DokuMessage) -> Answer:
    """Acknowledge what is on record and archived; whatever is not, DOKU sends again."""
    return Answer(200, JSON, json.dumps({"received": receive(message).outcome}))


lambda_handler = wiring.answers_roll_outs()(doku_route(post_notification))
