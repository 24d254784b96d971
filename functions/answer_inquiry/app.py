"""POST /doku/inquiries: a cashier waits to know whether a code can be paid."""

from aws_lambda_powertools.event_handler import Response

from o2o.entry import wiring
from o2o.entry.http import Api
from o2o.entry.observability import count_answered, log_failure

api = Api(any_query=True)
answer = wiring.answer_inquiry()


@api.routes.post("/doku/inquiries")
def post_inquiry() -> Response[str]:
    """Answer whatever happens, signed to whoever knows our Client-Id."""
    message = api.message
    try:
        answered = answer(message)
    except Exception as error:  # noqa: BLE001 - the till must get an answer
        log_failure(error)
        answered = answer.decline(message)
    count_answered(answered)
    response = answered.response
    return Response(
        status_code=response.http_status,
        content_type="application/json",
        headers=dict(response.headers),
        body=response.body,
    )


lambda_handler = wiring.answers_roll_outs()(api.handler())
