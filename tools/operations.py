"""The parts of the OpenAPI document that are not in the code: groups, responses and headers.

Paths, parameters and models come from the code, and an operation's summary and description from its
handler's docstring. Whether an operation needs a key comes from template.yaml.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from o2o.entry import problems
from o2o.entry.problems import ProblemType

JSON = "application/json"
HTML = "text/html"
TEXT = {"type": "string"}

CODES, PAYMENTS, EVENTS, BOOKS, PAGE = (
    "Payment codes",
    "Payments",
    "Events",
    "Books",
    "Payment page",
)
DOKU, ABOUT = "DOKU", "About"
WEBHOOK = "Webhook"

TAGS = {
    CODES: "What a customer pays at the till of a store.",
    PAYMENTS: "What was paid, over all codes, and what you did about it.",
    EVENTS: "What happened to payment codes, and its delivery to your webhook.",
    BOOKS: "What was paid on a day, closed once nothing more can come.",
    PAGE: "What a customer opens on a phone. The token in the address is the permission.",
    DOKU: "Not for storefronts: DOKU calls these, and its signature protects them.",
    ABOUT: "This API about itself.",
    WEBHOOK: "What your own server is sent, signed as Standard Webhooks has it.",
}
"""The groups in the order of the document."""

LOCATION = {"Location": "Where the payment code is."}
RETRY_AFTER = {"Retry-After": "Seconds after which it is worth asking again."}

# Any route can throttle or fail.
ALWAYS = (problems.TOO_MANY_REQUESTS, problems.INTERNAL)
# Any route that uses the table can be throttled by DynamoDB.
STORED = (problems.BUSY,)
OF_A_CODE = (problems.INVALID_REQUEST, problems.NOT_FOUND, *STORED)
CHANGES_A_CODE = (*OF_A_CODE, problems.CONCURRENT_UPDATE)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that is not a problem document. Its ``headers`` are always present."""

    description: str
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON
    schema: Mapping[str, object] | None = None
    """Only where the code has no annotation."""
    also: tuple[str, ...] = ()
    """Other forms of the answer, which are text."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One route: its group, its responses by status, and its own problems (see ``ALWAYS``)."""

    tag: str
    answers: Mapping[int, Answer]
    problems: tuple[ProblemType, ...] = ()


OPERATIONS = {
    "POST /payment-codes": Operation(
        CODES,
        {
            201: Answer("The payment code is active: the customer can pay it.", LOCATION),
            200: Answer("The same request came before, and this is its payment code.", LOCATION),
            202: Answer(
                "DOKU has not answered clearly yet. The payment code is recorded as requested and"
                " completed automatically: read it again, and never create another one.",
                LOCATION | RETRY_AFTER,
            ),
        },
        (
            *(problems.INVALID_REQUEST, problems.TAKEN, problems.DIGITS_TAKEN),
            *(problems.INVALID_STATUS, problems.CONCURRENT_UPDATE),
            *(problems.REFUSED, *STORED),
        ),
    ),
    "GET /payment-codes": Operation(
        CODES,
        {200: Answer("A page of the list. next_cursor is null on the last page.")},
        (problems.INVALID_REQUEST, *STORED),
    ),
    "GET /payment-codes/{invoice_number}": Operation(
        CODES, {200: Answer("The payment code, always up to date.")}, OF_A_CODE
    ),
    "GET /payment-codes/{invoice_number}/payments": Operation(
        CODES, {200: Answer("A page of the payment code's payments.")}, OF_A_CODE
    ),
    "GET /payment-codes/{invoice_number}/how-to-pay": Operation(
        CODES,
        {200: Answer("What the customer does at the store.")},
        (*OF_A_CODE, problems.INVALID_STATUS),
    ),
    "POST /payment-codes/{invoice_number}/cancel": Operation(
        CODES,
        {200: Answer("The cancelled payment code, also if it was cancelled before.")},
        (*CHANGES_A_CODE, problems.INVALID_STATUS),
    ),
    "POST /payment-codes/{invoice_number}/refresh": Operation(
        CODES,
        {200: Answer("The payment code after DOKU was asked about it.")},
        (*CHANGES_A_CODE, problems.UNAVAILABLE),
    ),
    "GET /channels": Operation(CODES, {200: Answer("Everything that this storefront may use.")}),
    "GET /payments": Operation(
        PAYMENTS,
        {
            200: Answer(
                "A page of the list. next_cursor is null on the last page. With `Accept: text/csv`"
                " it is CSV, and the header `Next-Cursor` has the cursor, if there are more.",
                also=("text/csv",),
            )
        },
        (problems.INVALID_REQUEST, *STORED),
    ),
    "POST /payment-codes/{invoice_number}/payments/{payment}/resolution": Operation(
        PAYMENTS,
        {200: Answer("The payment, also if the same was said before.")},
        CHANGES_A_CODE,
    ),
    "GET /events": Operation(
        EVENTS,
        {200: Answer("A page of the list. next_cursor is null on the last page.")},
        (problems.INVALID_REQUEST, *STORED),
    ),
    "GET /events/{event_id}": Operation(
        EVENTS, {200: Answer("The event and its delivery.")}, OF_A_CODE
    ),
    "POST /events/redeliver": Operation(
        EVENTS,
        {202: Answer("The events are sent again, with the same ids.")},
        (*OF_A_CODE, problems.CONCURRENT_UPDATE),
    ),
    "GET /books": Operation(
        BOOKS,
        {200: Answer("A page of the list. next_cursor is null on the last page.")},
        (problems.INVALID_REQUEST, *STORED),
    ),
    "GET /books/{date}": Operation(BOOKS, {200: Answer("The book of that day.")}, OF_A_CODE),
    "GET /pay/{token}": Operation(
        PAGE,
        {
            200: Answer("The page, in Indonesian or English.", media_type=HTML, schema=TEXT),
            404: Answer(
                "A page that says that the page does not exist.", media_type=HTML, schema=TEXT
            ),
        },
        STORED,
    ),
    "HEAD /pay/{token}": Operation(
        PAGE,
        {200: Answer("The page exists."), 404: Answer("The page does not exist.")},
        STORED,
    ),
    "GET /pay/{token}/status": Operation(
        PAGE, {200: Answer("The page's status.")}, (problems.NOT_FOUND, *STORED)
    ),
    "POST /doku/notifications": Operation(
        DOKU,
        {
            200: Answer(
                "The message is stored; `received` is the outcome.",
                schema={
                    "type": "object",
                    "required": ["received"],
                    "properties": {"received": {"type": "string"}},
                },
            )
        },
        (problems.INVALID_SIGNATURE, problems.CONCURRENT_UPDATE, *STORED),
    ),
    "POST /doku/inquiries": Operation(
        DOKU,
        {
            status: Answer(
                description,
                schema={
                    "type": "object",
                    "required": ["online_to_offline_inquiry"],
                    "properties": {
                        "online_to_offline_inquiry": {
                            "type": "object",
                            "required": ["status"],
                            "properties": {"status": {"type": "string"}},
                        }
                    },
                },
            )
            for status, description in {
                200: "The cashier may take the money.",
                400: "The payment code can't be paid: paid, expired or declined.",
                401: "DOKU did not sign this inquiry.",
                404: "The payment code does not exist.",
            }.items()
        },
    ),
    "GET /openapi.json": Operation(
        ABOUT, {200: Answer("This document.", schema={"type": "object"})}
    ),
    "GET /docs": Operation(ABOUT, {200: Answer("The page.", media_type=HTML, schema=TEXT)}),
    "GET /problems/{slug}": Operation(
        ABOUT,
        {200: Answer("The page.", media_type=HTML, schema=TEXT)},
        (problems.INVALID_REQUEST, problems.NOT_FOUND),
    ),
}
"""Every route of the API."""
