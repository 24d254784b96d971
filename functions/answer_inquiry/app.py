"""POST /doku/inquiries: a cashier waits to know whether a code can be paid."""

from o2o.core.notifications import DokuMessage
from o2o.entry import wiring
from o2o.entry.answer import Answer
from o2o.entry.body import JSON
from o2o.entry.doku_route import doku_route
from o2o.entry.observability import log_failure
from o2o.entry.observe_inquiries import count_answered

answer = wiring.answer_inquiry()


def post_inquiry(message: DokuMessage) -> Answer:
    """Answer whatever happens, signed to whoever knows our Client-Id."""
    try:
        answered = answer(message)
    except Exception as error:  # noqa: BLE001 - the till must get an answer
        log_failure(error)
        answered = answer.decline(message)
    count_answered(answered)
    response = answered.response
    return Answer(response.http_status, JSON, response.body, response.headers)


lambda_handler = wiring.answers_roll_outs()(doku_route(post_inquiry))
