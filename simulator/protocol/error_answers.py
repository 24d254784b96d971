"""DOKU's error answers and their shapes (DOKU protocol, section 8)."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from simulator.wire import Answer, json_answer


class DokuError(Exception):
    """A request is answered with an error; ``answer`` is what DOKU sends, unsigned."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer


def error_object(status: int, code: str, message: str) -> Answer:
    """Answer in the shape ``{"error": {...}}``."""
    return json_answer(
        status,
        {"error": {"code": code, "message": message, "type": "invalid_request_error"}},
    )


def _unlike_doku(status: int, _code: str, message: str) -> Answer:
    return json_answer(status, {"status": status, "error": message})


_SHAPES: Mapping[str, Callable[[int, str, str], Answer]] = {
    "error": error_object,
    "message": lambda status, _, message: json_answer(status, {"message": [message]}),
    "error_messages": lambda status, _, message: json_answer(status, {"error_messages": [message]}),
    # In the newer documentation only, in a sample that is cut off.
    "response_code": lambda status, code, message: json_answer(
        status, {"status": "FAILED", "response_code": code, "response_message": message}
    ),
    "other": _unlike_doku,
}
REFUSAL_SHAPES = tuple(_SHAPES)
"""DOKU's shapes by a field that each has, and one that is none of them."""


def refusal(shape: str, status: int, code: str, message: str) -> Answer:
    """Refuse in any of ``REFUSAL_SHAPES``; not every shape has room for a code."""
    return _SHAPES[shape](status, code, message)


def invalid_header(message: str) -> Answer:
    """Refuse a header that is missing or unreadable."""
    return error_object(HTTPStatus.BAD_REQUEST, "invalid_header_request", message)


def invalid_json() -> Answer:
    """Refuse broken JSON or unknown fields. The shape ``{"message": "..."}``."""
    return json_answer(HTTPStatus.BAD_REQUEST, {"message": "Invalid JSON Format"})


def invalid_fields(messages: list[str]) -> Answer:
    """Refuse fields that break a limit. The shape ``{"error_messages": [...]}``."""
    return json_answer(HTTPStatus.BAD_REQUEST, {"error_messages": messages})


def inactive() -> Answer:
    """Refuse a channel that is switched off. The shape ``{"message": [...]}``."""
    return json_answer(HTTPStatus.BAD_REQUEST, {"message": ["PAYMENT CHANNEL IS INACTIVE"]})


def not_routed(target: str) -> Answer:
    """Refuse a path that DOKU does not route."""
    return json_answer(
        HTTPStatus.NOT_FOUND, {"message": f"No static resource {target.lstrip('/')}."}
    )


def method_not_supported(method: str) -> Answer:
    """Refuse a path that DOKU routes for another method."""
    return json_answer(
        HTTPStatus.METHOD_NOT_ALLOWED, {"message": f"Request method '{method}' is not supported"}
    )


def unknown_order() -> Answer:
    """Refuse a status check of an order that DOKU does not know."""
    return error_object(HTTPStatus.NOT_FOUND, "data_not_found", "Data not found")


def code_in_use() -> Answer:
    """Refuse digits that a payable order has."""
    return error_object(
        HTTPStatus.BAD_REQUEST, "payment_code_in_use", "Payment code is in use by another order"
    )


def idempotent_conflict() -> Answer:
    """Refuse a Request-Id that another request has used."""
    return error_object(
        HTTPStatus.CONFLICT, "idempotent_request", "Request-Id has been used for another request"
    )


def duplicate_invoice() -> Answer:
    """Refuse an invoice number that another request has used."""
    return error_object(
        HTTPStatus.CONFLICT, "duplicate_invoice_number", "Invoice number has already been used"
    )
