"""Reads a merchant's answer to a direct inquiry (DOKU protocol, section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from simulator import signature
from simulator.channels import MAX_AMOUNT
from simulator.clock import read_utc_text
from simulator.config import SimulatorConfig
from simulator.protocol.authentication import MAX_SKEW_SECONDS
from simulator.strict_json import Malformed, read_object

STATUSES: Mapping[str, HTTPStatus] = {
    "success": HTTPStatus.OK,
    "billing_not_found": HTTPStatus.NOT_FOUND,
    "billing_already_paid": HTTPStatus.BAD_REQUEST,
    "billing_was_expired": HTTPStatus.BAD_REQUEST,
    "decline": HTTPStatus.BAD_REQUEST,
    "invalid_signature": HTTPStatus.UNAUTHORIZED,
}
"""What a merchant may answer, and the HTTP status that goes with it."""

_MAX_TEXT = 64
_MAX_INFO = 30


class UnusableAnswer(Exception):
    """An answer that DOKU refuses, with the reason as the end of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawResponse:
    """An HTTP response, not yet checked."""

    status: int
    headers: Mapping[str, str]
    """Header names in lower case."""
    body: bytes
    flaw: str | None = None
    """Why the bytes are not the whole answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryAnswer:
    """What a merchant answers about a code."""

    status: str
    """One of ``STATUSES``; only ``success`` comes with the rest."""
    invoice_number: str | None = None
    amount: int | None = None
    """Rupiah."""
    customer_name: str | None = None
    info: str | None = None


def verify(
    answer: RawResponse,
    config: SimulatorConfig,
    *,
    target: str,
    request_id: str | None,
    now: datetime,
) -> None:
    """Check headers, signature and time of an answer; raises ``UnusableAnswer``.

    ``target`` is the path of the inquiry. ``request_id`` is ``None`` if the inquiry carried none.
    """
    if answer.flaw is not None:
        raise UnusableAnswer(answer.flaw)
    for name in ("Client-Id", "Request-Id", "Response-Timestamp", "Signature"):
        wanted = name != "Request-Id" or request_id is not None
        if wanted and not answer.headers.get(name.lower(), "").strip():
            raise UnusableAnswer(f"header {name} is missing")
    if answer.headers["client-id"] != config.client_id:
        raise UnusableAnswer("Client-Id is another one")
    if request_id is not None and answer.headers["request-id"] != request_id:
        raise UnusableAnswer("Request-Id is not that of the inquiry")
    answered = read_utc_text(answer.headers["response-timestamp"])
    if answered is None:
        raise UnusableAnswer("Response-Timestamp is not of the form 2021-01-24T08:30:00Z")
    text = signature.component(
        client_id=config.client_id,
        request_id=answer.headers.get("request-id", ""),
        timestamp_name="Response-Timestamp",
        timestamp=answer.headers["response-timestamp"],
        target=target,
        body=answer.body,
    )
    if not signature.matches(config.secret_key, text, answer.headers["signature"]):
        raise UnusableAnswer("its signature is wrong")
    if abs((now - answered).total_seconds()) > MAX_SKEW_SECONDS:
        raise UnusableAnswer(f"Response-Timestamp is more than {MAX_SKEW_SECONDS} s away")


def read(answer: RawResponse, payment_code: str) -> InquiryAnswer:
    """Read a verified answer about this code; raises ``UnusableAnswer``."""
    try:
        document = read_object(answer.body)
    except Malformed as error:
        raise UnusableAnswer(f"the body is {error}") from None
    status = _part(document, "online_to_offline_inquiry").get("status")
    if not isinstance(status, str) or status not in STATUSES:
        raise UnusableAnswer("online_to_offline_inquiry.status is none that DOKU knows")
    if answer.status != STATUSES[status]:
        raise UnusableAnswer(f"{status} goes with HTTP {STATUSES[status]:d}, not {answer.status}")
    info = _part(document, "online_to_offline_info")
    code = info.get("payment_code")
    # A merchant that could not verify the inquiry need not repeat any of it.
    if code != payment_code and not (status == "invalid_signature" and code is None):
        raise UnusableAnswer("online_to_offline_info.payment_code is not that of the inquiry")
    if status != "success":
        return InquiryAnswer(status=status)
    order, customer = _part(document, "order"), _part(document, "customer")
    amount = order.get("amount")
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= MAX_AMOUNT:
        raise UnusableAnswer("order.amount is not whole rupiah")
    return InquiryAnswer(
        status=status,
        invoice_number=_text(order, "order.invoice_number", _MAX_TEXT, required=True),
        amount=amount,
        customer_name=_text(customer, "customer.name", _MAX_TEXT, required=True),
        info=_text(info, "online_to_offline_info.info1", _MAX_INFO),
    )


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise UnusableAnswer(f"{name} is not an object")
    return value


def _text(document: dict[str, Any], path: str, limit: int, *, required: bool = False) -> str | None:
    value = document.get(path.rpartition(".")[2])
    if value is None and not required:
        return None
    if not isinstance(value, str) or not value.isprintable() or len(value) > limit:
        raise UnusableAnswer(f"{path} is not text of at most {limit} characters")
    if required and not value.strip():
        raise UnusableAnswer(f"{path} is blank")
    return value
