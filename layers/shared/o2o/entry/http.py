"""The API's frame: every error a problem, every body checked, nothing else."""

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote, unquote

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from o2o.core.errors import InvalidParam, InvalidRequest, O2OError
from o2o.core.storefronts import to_order_number
from o2o.entry import problems
from o2o.entry.answer import Answer
from o2o.entry.body import JSON, called_path, check_json_body, headers_of
from o2o.entry.failures import answer_error, answer_failure
from o2o.entry.models.text import InvoiceNumberText
from o2o.entry.observability import Handler, instrument
from o2o.entry.time_left import time_left
from o2o.usecases.ports import TimeLeft

InvoiceNumber = Annotated[InvoiceNumberText, Path()]
"""The invoice number in a path."""

RATE_LIMIT_POLICY = "RateLimit-Policy"

InvoiceNumberQuery = Annotated[InvoiceNumberText | None, Query()]
"""The invoice number in a query."""

_PARAMETER = re.compile(r"{(\w+)}")


class Api:
    """A function's routes. ``takes_json``: its requests have a JSON body.

    ``any_query``: unknown query parameters are let through, for addresses that customers and
    DOKU open: chat applications append their own to a link.
    """

    def __init__(self, *, takes_json: bool = False, any_query: bool = False) -> None:
        self.routes = APIGatewayRestResolver(enable_validation=True)
        if not any_query:
            self.routes.use([_known_query_only])
        self.routes.exception_handler(RequestValidationError)(_answers(problems.of_validation))
        self.routes.exception_handler(O2OError)(_answers(answer_error))
        self.routes.exception_handler(Exception)(_answers(answer_failure))
        self.routes.not_found(_answers(lambda _: problems.respond(problems.NOT_FOUND)))
        self._takes_json = takes_json

    @property
    def storefront_id(self) -> str:
        """Whose request this is, by the authorizer's word."""
        return str(self._caller["storefront_id"])

    @property
    def key_id(self) -> str:
        """The id of the API key that the caller showed, by the authorizer's word."""
        return str(self._caller["key_id"])

    @property
    def namespace(self) -> str | None:
        """The caller's namespace, by the authorizer's word."""
        namespace = self._caller.get("namespace")
        return None if namespace is None else str(namespace)

    @property
    def _caller(self) -> dict[str, Any]:
        caller: dict[str, Any] = self._context["authorizer"]
        return caller

    @property
    def _context(self) -> dict[str, Any]:
        context: dict[str, Any] = self.routes.current_event.raw_event["requestContext"]
        return context

    def order_number(self, invoice_number: str) -> str:
        """The order number of the caller's own invoice number. Raises InvalidRequest."""
        return to_order_number(self.namespace, invoice_number)

    @property
    def called_path(self) -> str:
        """The path of the URL that was called, as the caller wrote it (decision 0056)."""
        return called_path(self.routes.current_event.raw_event)

    @property
    def base_path(self) -> str:
        """What stands before the route in that path.

        That is the stage's name, a custom domain's base path, or nothing.
        """
        segments = self.routes.current_event.raw_event["resource"].count("/")
        return self.called_path.rstrip("/").rsplit("/", segments)[0].rstrip("/")

    def public_url(self, configured: str | None) -> str:
        """Where customers reach this stack: where it is said to be, or where this call came in."""
        if configured is not None:
            return configured
        scheme = "http" if self.header("X-Forwarded-Proto") == "http" else "https"
        return f"{scheme}://{self._context['domainName']}{self.base_path}"

    def header(self, name: str) -> str:
        """A header of the request, however its name is spelt; empty if there is none."""
        return headers_of(self.routes.current_event.raw_event).get(name.lower(), "")

    def prefers(self, media_type: str) -> bool:
        """Whether the caller asks for a form of the answer, and not for JSON before it."""
        ranges = [each.strip() for each in self.header("Accept").lower().split(",")]
        kinds = [each.partition(";")[0].strip() for each in ranges]
        return media_type in kinds and kinds.index(media_type) == min(
            kinds.index(each) for each in (media_type, JSON) if each in kinds
        )

    @property
    def time_left(self) -> TimeLeft:
        """Seconds left of the invocation."""
        return time_left(self.routes.lambda_context)

    def handler(self) -> Handler:
        """The Lambda handler."""

        def handle(event: dict[str, Any], context: Any) -> Any:
            if self._takes_json and event.get("httpMethod") != "GET":
                try:
                    event = check_json_body(event)
                except InvalidRequest as error:
                    return problems.of_error(error).to_lambda()
            return self.routes.resolve(_by_route(event), context)

        def handle_and_tell(event: dict[str, Any], context: Any) -> Any:
            return _with_limit(event, handle(event, context))

        return instrument(handle_and_tell)


def _answers(answer: Callable[[Any], Answer]) -> Callable[[Any], "Response[str]"]:
    """What answers, as the router wants it."""

    def respond(what: Any) -> "Response[str]":
        answered = answer(what)
        return Response(
            status_code=answered.status,
            content_type=answered.content_type,
            headers=dict(answered.headers),
            body=answered.body,
        )

    return respond


def _by_route(event: dict[str, Any]) -> dict[str, Any]:
    """The event with the path of the route that API Gateway found for it.

    Its own ``path`` may begin with a custom domain's base path. Parameters come as the caller
    wrote them; here all that needs no percent-encoding has none, and everything else has.
    """
    parameters = event.get("pathParameters") or {}
    return event | {
        "path": _PARAMETER.sub(
            lambda found: quote(unquote(parameters[found[1]]), safe=""), event["resource"]
        )
    }


def rate_limit_policy(requests_a_second: int | str) -> str:
    """The value of ``RateLimit-Policy``, as the IETF's draft has it.

    What is left of a storefront's rate is known to API Gateway alone, so ``RateLimit`` is not sent.
    """
    return f'"storefront";q={requests_a_second};w=1'


def _with_limit(event: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, and on a storefront's route the storefront's limit."""
    rate = (event["requestContext"].get("authorizer") or {}).get("rate_limit")
    if rate is None:
        return answer
    policy = {RATE_LIMIT_POLICY: rate_limit_policy(rate)}
    return {**answer, "headers": {**(answer.get("headers") or {}), **policy}}


def _known_query_only(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Any:
    """A filter that is misspelt and ignored would answer with somebody else's order."""
    known = {param.alias for param in app.context["_route"].dependant.query_params}
    sent = app.current_event.resolved_query_string_parameters
    unknown = sorted(sent.keys() - known)
    if unknown:
        raise InvalidRequest(*(InvalidParam(name or "query", "is unknown") for name in unknown))
    return next_middleware(app)
