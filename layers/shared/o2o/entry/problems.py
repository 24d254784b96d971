"""Errors as RFC 9457 ``application/problem+json``, with types that stay what they are."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

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

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One sort of problem. ``slug`` ends the type's URI reference, ``/problems/<slug>``.

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
    "The request is not valid",
    "A field, the query, the body or its Content-Type is wrong, or the request is too large."
    " invalid_params names every field at fault and why, without the value that was sent.",
    "Mend the request. The same request again gets the same answer.",
)
UNAUTHORIZED = ProblemType(
    "unauthorized",
    401,
    "The API key is missing or not valid",
    "The Authorization header is missing, or its key is unknown or revoked; which of them is not"
    " told.",
    "Send the header Authorization: Bearer o2o_… with a key of your storefront that is in force.",
)
UNTRUSTED = ProblemType(
    "untrusted-message",
    401,
    "The message is not signed as it must be",
    "Only on DOKU's own routes: the message is not signed by DOKU for this very path. Nothing of it"
    " was believed.",
    "Nothing to do for a storefront. The operator compares the credentials and the path with"
    " DOKU's Back Office.",
)
NOT_FOUND = ProblemType(
    "not-found",
    404,
    "There is no such thing",
    "There is no such route, no such thing, or it is another storefront's.",
    "Look at the address. A payment code is found by its invoice number, spelt as it was sent.",
)
TAKEN = ProblemType(
    "invoice-number-taken",
    409,
    "The invoice number stands for another request",
    "The invoice number was used before, with another request or by another storefront. An invoice"
    " number means one payment code, for ever.",
    "If this is a new order, use a new invoice number. If it is a repetition, send exactly the"
    " request of the first time.",
)
DIGITS_TAKEN = ProblemType(
    "digits-taken",
    409,
    "The digits belong to another payment code",
    "The BIN and unique_part of the request are the digits of another payment code that can still"
    " be paid.",
    "Choose another unique_part, or leave it out and have the digits made.",
)
WRONG_STATUS = ProblemType(
    "wrong-status",
    409,
    "The payment code's status does not allow it",
    "What was asked for can't be done with a payment code in its present status: a paid code can't"
    " be cancelled, say.",
    "Read the payment code and decide by its status.",
)
CHANGING = ProblemType(
    "changing",
    409,
    "The payment code is changing too quickly",
    "Too many others changed the payment code at this very moment. Nothing was done.",
    "Send the same request again after Retry-After seconds.",
)
TOO_MANY_REQUESTS = ProblemType(
    "too-many-requests",
    429,
    "Too many requests, try again soon",
    "This route gets more requests than it is set up for.",
    "Send the same request again after Retry-After seconds; wait longer each time.",
)
INTERNAL = ProblemType(
    "internal-error",
    500,
    "Something went wrong here",
    "A mistake on our side. The operator has an alarm.",
    "Send the same request again later: the invoice number makes that safe.",
)
REFUSED = ProblemType(
    "refused-by-doku",
    502,
    "DOKU refused the request",
    "DOKU refused the payment code for good; detail has its words. The payment code is failed.",
    "Mend the request and send it under a new invoice number.",
)
UNAVAILABLE = ProblemType(
    "doku-unavailable",
    503,
    "DOKU can't be asked now",
    "DOKU does not answer, or its answer can't be trusted.",
    "Send the same request again after Retry-After seconds. A payment code that waits for DOKU is"
    " finished by itself.",
)
BUSY = ProblemType(
    "busy",
    503,
    "There is too much to do at this moment",
    "The table is contended or throttled beyond our patience. Nothing was done.",
    "Send the same request again after Retry-After seconds.",
)

# The most special class first.
_TYPES: tuple[tuple[type[O2OError], ProblemType], ...] = (
    (InvalidRequest, INVALID_REQUEST),
    (NotFound, NOT_FOUND),
    (InvoiceNumberTaken, TAKEN),
    (DigitsTaken, DIGITS_TAKEN),
    (IllegalMove, WRONG_STATUS),
    (VersionConflict, CHANGING),
    (Busy, BUSY),
    (UntrustedMessage, UNTRUSTED),
    (DokuRefused, REFUSED),
    (DokuError, UNAVAILABLE),
)


RETRY_AFTER = {UNAVAILABLE: 60, BUSY: 1, CHANGING: 1}
"""Seconds after which the same request is worth another try."""

BY_SLUG = {
    kind.slug: kind
    for kind in (
        INVALID_REQUEST,
        # What the gateway says by itself, with many a status: no answer of ours.
        ProblemType(
            "bad-request",
            400,
            "The request was not accepted",
            "The gateway refused the request before it reached a function.",
            "Mend the request; its status says what is wrong with it.",
        ),
        *(UNAUTHORIZED, UNTRUSTED, NOT_FOUND, TAKEN, DIGITS_TAKEN, WRONG_STATUS, CHANGING),
        *(TOO_MANY_REQUESTS, INTERNAL, REFUSED, UNAVAILABLE, BUSY),
    )
}
"""Every type that this API answers with."""


def respond(
    kind: ProblemType,
    detail: str | None = None,
    params: Iterable[InvalidParam] = (),
    headers: Mapping[str, str] | None = None,
) -> "Response[str]":
    """The answer for a problem."""
    body: dict[str, object] = {"type": kind.uri, "title": kind.title, "status": kind.status}
    if detail:
        body["detail"] = detail
    invalid = [{"name": param.name, "reason": param.reason} for param in params]
    if invalid:
        body["invalid_params"] = invalid
    return Response(
        status_code=kind.status,
        content_type=CONTENT_TYPE,
        body=json.dumps(body, ensure_ascii=False),
        headers=dict(headers or {}),
    )


def of_error(error: O2OError) -> "Response[str]":
    """The answer for an error of a use case."""
    kind = next((kind for sort, kind in _TYPES if isinstance(error, sort)), INTERNAL)
    if kind is INTERNAL:
        return respond(INTERNAL)
    params = error.params if isinstance(error, InvalidRequest) else ()
    seconds = RETRY_AFTER.get(kind)
    headers = {"Retry-After": str(seconds)} if seconds else None
    return respond(kind, str(error), params, headers)


def of_validation(error: RequestValidationError) -> "Response[str]":
    """The answer for a request that its model refuses: every field named, no value echoed."""
    params = [InvalidParam(_field_name(each["loc"]), each["msg"]) for each in error.errors()]
    return respond(INVALID_REQUEST, _sentence(params), params)


def _sentence(params: list[InvalidParam]) -> str:
    return "; ".join(f"{param.name}: {param.reason}" for param in params)


_PLACES = ("body", "query", "path", "header")


def _field_name(location: tuple[str | int, ...]) -> str:
    inner = location[1:] if location[:1] and location[0] in _PLACES else location
    return ".".join(str(part) for part in inner) or str(location[0])
