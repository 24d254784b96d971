"""POST /payment-codes: generate a payment code."""

from typing import Annotated
from urllib.parse import quote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from o2o.core.channels import Feature
from o2o.entry import wiring
from o2o.entry.http import Api
from o2o.entry.models.codes import PaymentCodeView
from o2o.entry.models.requests import NewPaymentCode
from o2o.entry.observability import count
from o2o.entry.observe_doku import count_doku_error
from o2o.entry.settings.codes import GenerateSettings
from o2o.usecases.generate_code import Generation

api = Api(takes_json=True)
generate = wiring.generate_code()
settings = wiring.read_settings(GenerateSettings)

STATUS = {Generation.CREATED: 201, Generation.REPEATED: 200, Generation.PENDING: 202}
METRIC = {
    Generation.CREATED: "CodeCreated",
    Generation.REPEATED: "CodeRepeated",
    Generation.PENDING: "CodePending",
}


@api.routes.post("/payment-codes")
def create_payment_code(request: Annotated[NewPaymentCode, Body()]) -> Response[PaymentCodeView]:
    """Generate a code, or answer with the one that the same request generated before."""
    asked = request.to_request(api.public_url(settings.public_url), api.namespace)
    generated = generate(api.storefront_id, asked, time_left=api.time_left)
    count(METRIC[generated.generation])
    code = generated.code
    count_doku_error(generated.doku_error, code.channel)
    if generated.generation is Generation.CREATED and code.feature is not Feature.DIPC:
        count("DokuAnswered")
    headers = {"Location": f"{api.base_path}/payment-codes/{quote(code.invoice_number)}"}
    if generated.generation is Generation.PENDING:
        headers["Retry-After"] = str(generate.retry_after_seconds(code))
    return Response(
        status_code=STATUS[generated.generation],
        content_type="application/json",
        headers=headers,
        body=PaymentCodeView.of(code),
    )


lambda_handler = wiring.answers_roll_outs()(api.handler())
