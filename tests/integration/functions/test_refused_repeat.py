"""After an unknown outcome, DOKU's refusal of the same request proves nothing (decision 0032)."""

from datetime import timedelta

from werkzeug import Request, Response

from tests.integration.functions import doku

ALFA_PATH = "/alfa-online-to-offline/v2/payment-code"


def test_a_code_that_doku_may_have_made_survives_a_refusal(stack, event):
    digits, expires_at = "8123456789012345", stack.clock.now + timedelta(hours=1)
    answers = [
        lambda request: doku.answer(request, {"error": "oops"}, 502),
        lambda request: doku.answer(request, {"message": ["PAYMENT CHANNEL IS INACTIVE"]}, 400),
        lambda request: doku.code(request, digits, expires_at),
    ]

    def respond(request: Request) -> Response:
        return answers.pop(0)(request)

    stack.doku.expect_request(ALFA_PATH).respond_with_handler(respond)
    assert stack.call("generate_code", event("generate_code/alfa")).status == 202
    refused = stack.call("refresh_code", event("refresh_code/refresh"))
    assert (refused.status, refused.body["status"]) == (200, "requested")
    assert refused.body["failure"] is None
    found = stack.call("refresh_code", event("refresh_code/refresh"))
    assert (found.body["status"], found.body["payment_code"]) == ("active", digits)
    bodies = {request.data for request, _ in stack.doku.log}
    assert len(bodies) == 1
