"""The local API Gateway: serves the template's REST API over HTTP."""

import asyncio
import base64
import fnmatch
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from local.blueprint import Api, Authorizer, GatewayResponse, Route
from local.functions import FunctionError, FunctionPool
from local.lambda_events import HttpRequest, authorizer_event, method_arn, proxy_event
from local.usage import Usage

# The quotas of API Gateway and of Lambda, which can't be raised (AWS: "Quotas for configuring and
# running a REST API in API Gateway", "Lambda quotas").
MAX_HEAD_BYTES = 10_240
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_EVENT_BYTES = 6 * 1024 * 1024
TIMEOUT_SECONDS = 29.0

# API Gateway's own errors: status and message, unless the template changes them.
_DEFAULT_RESPONSES = {
    "ACCESS_DENIED": (403, "User is not authorized to access this resource"),
    "API_CONFIGURATION_ERROR": (500, "Internal server error"),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, None),
    "AUTHORIZER_FAILURE": (500, None),
    "DEFAULT_5XX": (502, "Internal server error"),
    "INTEGRATION_TIMEOUT": (504, "Endpoint request timed out"),
    "INVALID_API_KEY": (403, "Forbidden"),
    "MISSING_AUTHENTICATION_TOKEN": (403, "Missing Authentication Token"),
    "REQUEST_TOO_LARGE": (413, "Request Too Long"),
    "THROTTLED": (429, "Too Many Requests"),
    "UNAUTHORIZED": (401, "Unauthorized"),
}
_SERVER_ERROR = 500
_CONTEXT_VARIABLE = re.compile(r"\$context\.([A-Za-z.]+)")
_PARAMETER = re.compile(r"\\\{([^}+]+?)(\\\+)?\\\}")
_DEFAULT_TEMPLATE = '{"message":$context.error.messageString}'


class _GatewayError(Exception):
    """The gateway answers with its own response of the type ``kind``, as ``ACCESS_DENIED``."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class _Verdict:
    """The policy, the context and the API key that an authorizer returned for a caller."""

    statements: tuple[Mapping[str, Any], ...]
    context: Mapping[str, str]
    api_key: str | None

    def allows(self, arn: str) -> bool:
        """Whether the policy allows the call; an explicit Deny wins."""
        effects = {
            statement.get("Effect")
            for statement in self.statements
            if any(fnmatch.fnmatchcase(arn, pattern) for pattern in _list(statement["Resource"]))
        }
        return "Allow" in effects and "Deny" not in effects


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


class Router:
    """Finds the route of a path as API Gateway does: fixed segments before variable ones."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        ordered = sorted(routes, key=lambda route: [*map(_rank, route.path.split("/"))])
        self._routes = [(route, re.compile(_pattern(route.path))) for route in ordered]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its path parameters, or ``None``. Nothing is decoded.

        A slash at its end makes no difference, as in REST APIs of API Gateway.
        """
        path = path.removesuffix("/") or "/"
        for route, pattern in self._routes:
            if route.method in {method, "X-AMAZON-APIGATEWAY-ANY-METHOD"} and (
                found := pattern.fullmatch(path)
            ):
                names = [name.removesuffix("+") for name in re.findall(r"\{(.+?)\}", route.path)]
                return route, dict(zip(names, found.groups(), strict=True))
        return None


def _rank(segment: str) -> tuple[int, str]:
    if not segment.startswith("{"):
        return 0, segment
    return (2 if segment.endswith("+}") else 1), segment


def _pattern(path: str) -> str:
    escaped = re.escape(path)
    return _PARAMETER.sub(lambda found: "(.+)" if found.group(2) else "([^/]+)", escaped)


class Gateway:
    """The ASGI application of the API. Results of authorizers are cached, as in API Gateway.

    ``base_path`` is that of the mapping of a custom domain: empty, or with a slash in front.
    """

    def __init__(
        self,
        api: Api,
        functions: Mapping[str, FunctionPool],
        now: Callable[[], datetime],
        base_path: str = "",
    ) -> None:
        self._api = api
        self._base_path = base_path
        self._functions = functions
        self._now = now
        self._router = Router(api.routes)
        self._verdicts: dict[tuple[str, ...], tuple[float, _Verdict]] = {}
        self._usage = None if api.usage_plan is None else Usage(api.usage_plan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            received = await self._read(request)
        except ClientDisconnect:
            return
        response = self._refuse(received) or await self._respond(received)
        headers = MutableHeaders(raw=response.raw_headers)
        headers["x-amzn-requestid"] = received.request_id
        await response(scope, receive, send)

    def _refuse(self, request: HttpRequest) -> Response | None:
        """What is answered before an API is found: the template's responses are not asked.

        AWS documents these limits and not what is answered. The texts are those that people quote,
        the status of the first is a guess.
        """
        if _head_bytes(request) > MAX_HEAD_BYTES:
            return PlainTextResponse(f"HTTP header is larger than {MAX_HEAD_BYTES} bytes.", 431)
        if len(request.body) > MAX_BODY_BYTES:
            return PlainTextResponse(f"HTTP content length exceeded {MAX_BODY_BYTES} bytes.", 413)
        if request.route_path is None:
            return JSONResponse({"message": "Forbidden"}, 403)
        return None

    async def _respond(self, request: HttpRequest) -> Response:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._route(request)
        except TimeoutError:
            return self._own_response("INTEGRATION_TIMEOUT", request)
        except _GatewayError as error:
            return self._own_response(error.kind, request)

    async def _read(self, request: Request) -> HttpRequest:
        body = bytearray()
        async for chunk in request.stream():
            if len(body) <= MAX_BODY_BYTES:
                body += chunk
        client = request.client.host if request.client else "127.0.0.1"
        headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw
        ]
        # Of slashes at the very front one is left.
        path = "/" + request.scope["raw_path"].decode("latin-1").lstrip("/")
        base, slash, rest = path.partition(f"{self._base_path}/")
        return HttpRequest(
            method=request.method,
            path=path,
            route_path=f"/{rest.lstrip('/')}" if slash and not base else None,
            query=request.scope["query_string"].decode("latin-1"),
            headers=[
                *headers,
                ("x-forwarded-for", client),
                ("x-forwarded-port", str(request.scope["server"][1])),
                ("x-forwarded-proto", request.scope["scheme"]),
            ],
            body=bytes(body),
            source_ip=client,
            protocol=f"HTTP/{request.scope['http_version']}",
            received_at=self._now(),
        )

    async def _route(self, request: HttpRequest) -> Response:
        found = self._router.find(request.method, request.route_path or "/")
        if found is None:
            raise _GatewayError("MISSING_AUTHENTICATION_TOKEN")
        route, parameters = found
        caller = None
        if route.authorizer is not None:
            caller = await self._authorize(route.authorizer, request, route, parameters)
        event = proxy_event(
            request,
            route,
            parameters,
            self._api.stage,
            authorizer=caller,
            binary_media_types=self._api.binary_media_types,
        )
        if _bytes(event) > MAX_EVENT_BYTES:
            raise _GatewayError("REQUEST_TOO_LARGE")
        try:
            result = await asyncio.wrap_future(self._functions[route.function].submit(event))
            if _bytes(result) > MAX_EVENT_BYTES:
                raise _GatewayError("DEFAULT_5XX")
            return _response(result)
        except (AttributeError, FunctionError, KeyError, TypeError, ValueError):
            # The function failed, or its result is not a proxy response.
            raise _GatewayError("DEFAULT_5XX") from None

    async def _authorize(
        self,
        authorizer: Authorizer,
        request: HttpRequest,
        route: Route,
        parameters: Mapping[str, str],
    ) -> Mapping[str, str]:
        identity = tuple(request.header(name) for name in authorizer.identity_headers)
        if not all(identity):
            raise _GatewayError("UNAUTHORIZED")
        key = (authorizer.function, *identity)
        now = self._now().timestamp()
        expires_at, verdict = self._verdicts.get(key, (0.0, None))
        if verdict is None or now >= expires_at:
            event = authorizer_event(request, route, parameters, self._api.stage)
            verdict = await self._call_authorizer(authorizer, event)
            if authorizer.ttl_seconds:
                self._verdicts = {
                    known: entry for known, entry in self._verdicts.items() if entry[0] > now
                }
                self._verdicts[key] = (now + authorizer.ttl_seconds, verdict)
        if not verdict.allows(method_arn(self._api.stage, request)):
            raise _GatewayError("ACCESS_DENIED")
        if self._usage is not None and route.needs_key:
            self._count(self._usage, verdict.api_key, route)
        return verdict.context

    def _count(self, usage: Usage, api_key: str | None, route: Route) -> None:
        if not api_key:
            raise _GatewayError("INVALID_API_KEY")
        if not usage.take(api_key, f"{route.method} {route.path}", self._now()):
            raise _GatewayError("THROTTLED")

    async def _call_authorizer(self, authorizer: Authorizer, event: Mapping[str, Any]) -> _Verdict:
        try:
            result = await asyncio.wrap_future(self._functions[authorizer.function].submit(event))
        except FunctionError as error:
            # With this message an authorizer asks for a 401 (API Gateway's documentation).
            unauthorized = error.message == "Unauthorized"
            raise _GatewayError("UNAUTHORIZED" if unauthorized else "AUTHORIZER_FAILURE") from None
        try:
            statements = result["policyDocument"]["Statement"]
            context = {
                name: _context_value(value) for name, value in (result.get("context") or {}).items()
            }
            return _Verdict(
                tuple(statements),
                {"principalId": result["principalId"], **context},
                result.get("usageIdentifierKey"),
            )
        except (AttributeError, KeyError, TypeError):
            raise _GatewayError("AUTHORIZER_CONFIGURATION_ERROR") from None

    def _own_response(self, kind: str, request: HttpRequest) -> Response:
        status, message = _DEFAULT_RESPONSES[kind]
        general = "DEFAULT_5XX" if status >= _SERVER_ERROR else "DEFAULT_4XX"
        responses = self._api.gateway_responses
        custom = responses.get(kind) or responses.get(general) or GatewayResponse()
        values = {
            "error.message": message or "null",
            "error.messageString": json.dumps(message),
            "error.responseType": kind,
            "httpMethod": request.method,
            "path": request.path,
            "requestId": request.request_id,
            "stage": self._api.stage,
        }
        body = _CONTEXT_VARIABLE.sub(
            lambda found: values.get(found.group(1), ""), custom.template or _DEFAULT_TEMPLATE
        )
        headers = {"content-type": "application/json", "x-amzn-errortype": kind, **custom.headers}
        return Response(body, custom.status or status, headers)


def _head_bytes(request: HttpRequest) -> int:
    """The size of the request line and of the headers' values."""
    line = f"{request.method} {request.path}?{request.query} {request.protocol}"
    return len(line) + sum(len(value) for _, value in request.headers)


def _bytes(payload: Any) -> int:
    """The size of a payload as it goes to Lambda or comes from there."""
    return len(json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _context_value(value: object) -> str:
    """API Gateway accepts scalars from an authorizer and passes them on as strings."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise TypeError("The context of an authorizer may hold strings, numbers and booleans only.")
    return str(value)


def _response(result: Any) -> Response:
    """The HTTP response for a proxy function's result.

    Raises AttributeError, KeyError, TypeError or ValueError if the result is malformed.
    """
    body = result.get("body") or ""
    content = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
    headers = {
        name.lower(): [_header(value)] for name, value in (result.get("headers") or {}).items()
    }
    for name, values in (result.get("multiValueHeaders") or {}).items():
        headers[name.lower()] = [_header(value) for value in values]
    headers.setdefault("content-type", ["application/json"])
    headers.pop("content-length", None)
    response = Response(content, int(result["statusCode"]))
    for name, values in headers.items():
        for value in values:
            response.headers.append(name, value)
    return response


def _header(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
