"""Errors as RFC 9457 ``application/problem+json``, with types that stay what they are."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from o2o.core.errors import (
    Busy,
    DigitsTaken,
    DokuError,
    DokuRefused,
    IllegalMove,
    InvalidParam,
    InvalidRequest,
    InvoiceNumberTaken,
    NotFound,
    O2OError,
    UntrustedMessage,
    VersionConflict,
)
from o2o.entry.answer import Answer

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One type of problem. ``slug`` ends the type's URI reference, ``/problems/<slug>``.

    ``meaning`` and ``advice`` are what the page at that address says.
    """

    slug: str
    status: int
    title: str
    meaning: str
    advice: str

    @property
    def uri(self) -> str:
        """The stable type."""
        return f"/problems/{self.slug}"


INVALID_REQUEST = ProblemType(
    "invalid-request",
    400,
    "The request is invalid",
    "A field, the query, the body or its Content-Type is wrong, or the request is too large."
    " invalid_params names every field at fault and the reason, without the value that was sent.",
    "Correct the request. Sending the same one again gets the same answer.",
)
UNAUTHORIZED = ProblemType(
    "unauthorized",
    401,
    "The API key is missing or invalid",
    "The Authorization header is missing, or its key is unknown or revoked. The answer does not say"
    " which.",
    "Send the header Authorization: Bearer o2o_… with an active key of your storefront.",
)
INVALID_SIGNATURE = ProblemType(
    "invalid-signature",
    401,
    "The message's signature is missing or invalid",
    "Only on DOKU's own routes: DOKU did not sign the message for this path. It was ignored.",
    "Storefronts never see this. The operator compares the credentials and the path with DOKU's"
    " Back Office.",
)
NOT_FOUND = ProblemType(
    "not-found",
    404,
    "Not found",
    "There is no such route or resource, or it belongs to another storefront.",
    "Check the address. A payment code is found by its invoice number, exactly as it was sent.",
)
TAKEN = ProblemType(
    "invoice-number-taken",
    409,
    "The invoice number is already used by a different request",
    "The invoice number was used before, with a different request or by another storefront. An"
    " invoice number means one payment code, forever.",
    "For a new order, use a new invoice number. To repeat a request, send exactly what you sent the"
    " first time.",
)
DIGITS_TAKEN = ProblemType(
    "digits-taken",
    409,
    "The digits are in use by another payment code",
    "The BIN and unique_part of the request are the digits of another payment code that can still"
    " be paid.",
    "Choose another unique_part, or leave it out to have the digits generated.",
)
INVALID_STATUS = ProblemType(
    "invalid-status",
    409,
    "The payment code's status does not allow this",
    "This can't be done with a payment code in its current status: a paid code can't be cancelled,"
    " for example.",
    "Read the payment code and decide by its status.",
)
CONCURRENT_UPDATE = ProblemType(
    "concurrent-update",
    409,
    "The payment code was changed at the same time",
    "Other requests or payments kept changing the payment code. Nothing was done.",
    "Send the same request again after Retry-After seconds.",
)
TOO_MANY_REQUESTS = ProblemType(
    "too-many-requests",
    429,
    "Too many requests",
    "The storefront sends more requests than it may; RateLimit-Policy says how many a second it may"
    " send. Or all storefronts together send more than the route is set up for.",
    "Send the same request again after Retry-After seconds, and wait longer each time.",
)
INTERNAL = ProblemType(
    "internal-error",
    500,
    "Internal error",
    "Something failed on our side. The operator has been alerted.",
    "Send the same request again later: the invoice number makes that safe.",
)
REFUSED = ProblemType(
    "refused-by-doku",
    502,
    "DOKU refused the request",
    "DOKU refused the payment code for good; detail has DOKU's message. The payment code has"
    " failed.",
    "Correct the request and send it with a new invoice number.",
)
UNAVAILABLE = ProblemType(
    "doku-unavailable",
    503,
    "DOKU is unavailable",
    "DOKU did not answer, or its answer can't be trusted.",
    "Send the same request again after Retry-After seconds. A payment code that waits for DOKU is"
    " completed automatically.",
)
BUSY = ProblemType(
    "busy",
    503,
    "The service is busy",
    "A service of AWS that this one leans on is contended, throttled or does not answer. What the"
    " request asked for may have been done.",
    "Send the same request again after Retry-After seconds: nothing is done twice.",
)

# The most special class first.
_TYPES: tuple[tuple[type[O2OError], ProblemType], ...] = (
    (InvalidRequest, INVALID_REQUEST),
    (NotFound, NOT_FOUND),
    (InvoiceNumberTaken, TAKEN),
    (DigitsTaken, DIGITS_TAKEN),
    (IllegalMove, INVALID_STATUS),
    (VersionConflict, CONCURRENT_UPDATE),
    (Busy, BUSY),
    (UntrustedMessage, INVALID_SIGNATURE),
    (DokuRefused, REFUSED),
    (DokuError, UNAVAILABLE),
)


RETRY_AFTER = {UNAVAILABLE: 60, BUSY: 1, CONCURRENT_UPDATE: 1}
"""Seconds after which the same request is worth another try."""

BY_SLUG = {
    kind.slug: kind
    for kind in (
        INVALID_REQUEST,
        # What the gateway itself answers, with various statuses.
        ProblemType(
            "bad-request",
            400,
            "The gateway rejected the request",
            "The gateway rejected the request before it reached a function.",
            "Correct the request; the status says what is wrong with it.",
        ),
        *(
            UNAUTHORIZED,
            INVALID_SIGNATURE,
            NOT_FOUND,
            TAKEN,
            DIGITS_TAKEN,
            INVALID_STATUS,
            CONCURRENT_UPDATE,
        ),
        *(TOO_MANY_REQUESTS, INTERNAL, REFUSED, UNAVAILABLE, BUSY),
    )
}
"""Every type that this API answers with."""


def respond(
    kind: ProblemType,
    detail: str | None = None,
    params: Iterable[InvalidParam] = (),
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer for a problem."""
    body: dict[str, object] = {"type": kind.uri, "title": kind.title, "status": kind.status}
    if detail:
        body["detail"] = detail
    invalid = [{"name": param.name, "reason": param.reason} for param in params]
    if invalid:
        body["invalid_params"] = invalid
    return Answer(kind.status, CONTENT_TYPE, json.dumps(body, ensure_ascii=False), headers or {})


def of_error(error: O2OError) -> Answer:
    """The answer for an error of a use case."""
    kind = next((kind for sort, kind in _TYPES if isinstance(error, sort)), INTERNAL)
    if kind is INTERNAL:
        return respond(INTERNAL)
    params = error.params if isinstance(error, InvalidRequest) else ()
    seconds = RETRY_AFTER.get(kind)
    headers = {"Retry-After": str(seconds)} if seconds else None
    return respond(kind, str(error), params, headers)


def of_validation(error: "RequestValidationError") -> Answer:
    """The answer for a request that its model refuses: every field named, no value echoed."""
    params = [
        # Pydantic says who found the mistake, which is no news to anybody.
        InvalidParam(_field_name(each["loc"]), each["msg"].removeprefix("Value error, "))
        for each in error.errors()
    ]
    return respond(INVALID_REQUEST, _sentence(params), params)


def _sentence(params: list[InvalidParam]) -> str:
    return "; ".join(f"{param.name}: {param.reason}" for param in params)


_PLACES = ("body", "query", "path", "header")


def _field_name(location: tuple[str | int, ...]) -> str:
    inner = location[1:] if location[:1] and location[0] in _PLACES else location
    return ".".join(str(part) for part in inner) or str(location[0])
