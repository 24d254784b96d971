"""DOKU's messages: what we write, and a tolerant reading of what DOKU writes.

Fields come and go and have several spellings, so only what is needed is read. What can't be
understood raises UnreadableMessage, whose text names the field and never holds its value.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

from o2o.adapters.doku.signature import REQUEST_TIMESTAMP, RESPONSE_TIMESTAMP
from o2o.core.channels import MAX_CODE_DIGITS, Channel, ReceiptField
from o2o.core.codes import DokuCode, PaymentCode, Source
from o2o.core.errors import UnreadableMessage
from o2o.core.inquiries import Inquiry, InquiryAnswer
from o2o.core.money import parse_doku_amount
from o2o.core.notifications import Notification, OrderState, OrderStatus
from o2o.core.payments import Evidence, PaymentReport
from o2o.core.till_text import till_text
from o2o.core.wib import parse_doku_instant

MAX_BODY_BYTES = 64 * 1024
"""No message of DOKU's comes near this."""

STATUS_PATH = "/orders/v1/status/"
"""Of a status check, before the order number."""

_LONGEST_TEXT = 128
_LONGEST_LINK = 2048
_MOST_AMOUNT_DIGITS = 28
"""What ``Decimal`` calculates with; no amount of money has more."""

_SHORT_WORD = 2
"""Words of a name this short are in every sentence."""

_CODE_DIGITS = re.compile(rf"[0-9]{{1,{MAX_CODE_DIGITS}}}", re.ASCII)
_ERROR_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_LINK = re.compile(r"https?://\S+", re.ASCII)
_RECEIPT_FIELDS = {
    ReceiptField.DESCRIPTION: "description",
    ReceiptField.FOOTER: "footer_message",
}
_STATES = {str(state): state for state in OrderState if state is not OrderState.UNKNOWN}
"""What DOKU can say of an order; that it knows none, it says by 404."""


# --- what we write ----------------------------------------------------------------------


def compose(
    code: PaymentCode,
    expires_in_minutes: int,
    notification_url: str | None = None,
    report: Mapping[str, str] | None = None,
) -> str:
    """The body that asks DOKU for a code, or registers ours (DOKU protocol, section 3).

    Holds the channel's own receipt fields only: some channels refuse unknown ones.
    ``notification_url`` overrides the host of the one that is configured at DOKU; ``report`` are
    columns of its settlement report, by their keys.
    """
    info: dict[str, Any] = {
        "expired_time": expires_in_minutes,
        "reusable_status": code.reusable,
    }
    body: dict[str, Any] = {
        "order": {"invoice_number": code.order_number, "amount": code.amount},
        "online_to_offline_info": info,
        "customer": _customer(code),
    }
    if code.merchant_made:
        info["payment_code"] = code.payment_code
    if code.info is not None:
        info["info"] = till_text(code.info)
    receipt = {
        _RECEIPT_FIELDS[name]: till_text(text)
        for name in ReceiptField
        if name in code.channel.facts.receipt_fields
        and (text := getattr(code.receipt, name)) is not None
    }
    if receipt:
        body[code.channel.facts.info_field] = {"receipt": receipt}
    additional: dict[str, Any] = {}
    if notification_url:
        additional["override_notification_url"] = notification_url
    if report:
        additional["report"] = [{"key": key, "value": value} for key, value in report.items()]
    if additional:
        body["additional_info"] = additional
    return _dump(body)


def compose_inquiry_answer(answer: InquiryAnswer) -> str:
    """The body that answers an inquiry (DOKU protocol, section 5)."""
    code = answer.code
    body: dict[str, Any] = {}
    info: dict[str, Any] = {}
    if code is not None:
        body["order"] = {"invoice_number": code.order_number, "amount": code.amount}
    body["online_to_offline_info"] = info
    body["online_to_offline_inquiry"] = {"status": answer.status}
    if answer.payment_code is not None:
        info["payment_code"] = answer.payment_code
    if code is not None:
        if code.info is not None:
            info["info1"] = till_text(code.info)
        body["customer"] = _customer(code)
    body["additional_info"] = {}
    return _dump(body)


@dataclass(frozen=True, slots=True)
class SentRequest:
    """What an answer to a composed body is checked against."""

    invoice_number: str | None
    personal: tuple[str, ...] = field(repr=False)
    """Texts that may not appear in an error message."""


def parse_sent(body: str) -> SentRequest:
    """A body that ``compose`` made."""
    message = _load(body)
    customer = [_dig(message, "customer", name) for name in ("name", "email")]
    personal = [text for text in customer if isinstance(text, str) and text]
    # Of an e-mail address what stands in front; a host is in other sentences, too.
    parts = (word.partition("@")[0] for text in personal for word in text.split())
    words = [word for word in parts if len(word) > _SHORT_WORD]
    return SentRequest(_text(_dig(message, "order", "invoice_number")), (*personal, *words))


def _customer(code: PaymentCode) -> dict[str, str]:
    if code.customer is None:
        return {}
    customer = {"name": till_text(code.customer.name)}
    if code.customer.email is not None:
        customer["email"] = code.customer.email
    return customer


def _dump(body: dict[str, Any]) -> str:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # What UTF-8 can't carry becomes a question mark: these bytes must stay sendable.
    return text.encode("utf-8", "replace").decode("utf-8")


# --- what DOKU writes -------------------------------------------------------------------


def to_text(body: bytes) -> str:
    r"""A body as text that any store takes; a byte that is not UTF-8 is kept as ``\xNN``."""
    return body.decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Complaint:
    """DOKU's error, in whichever of its four shapes (DOKU protocol, section 8)."""

    code: str | None = None
    message: str | None = field(default=None, repr=False)

    def names(self, *errors: str) -> bool:
        """Whether the code or the message is one of these."""
        names = {text.strip().lower() for text in (self.code, self.message) if text}
        return not names.isdisjoint(errors)

    def says(self, words: str) -> bool:
        """Whether the message has these words, in lower case, somewhere."""
        return words in (self.message or "").lower()


def parse_complaint(body: str) -> Complaint | None:
    """The error in an answer, or None if it is not one of DOKU's shapes."""
    try:
        message = _load(body)
    except UnreadableMessage:
        return None
    error = message.get("error")
    if isinstance(error, dict):
        return _complaint(error.get("code"), _joined(error.get("message")))
    for words in (message.get("message"), message.get("error_messages")):
        if (joined := _joined(words)) is not None:
            return Complaint(message=joined)
    told = _joined(message.get("response_message"))
    if told is not None and (_text(message.get("status")) or "").upper() == "FAILED":
        return _complaint(message.get("response_code"), told)
    return None


def _complaint(code: object, message: str | None) -> Complaint:
    text = _text(code) or ""
    return Complaint(text if _ERROR_CODE.fullmatch(text) else None, message)


def holds_code(body: str) -> bool:
    """Whether an answer brings a code: a repeated one comes with HTTP 409 (section 8)."""
    try:
        return isinstance(_load(body).get("online_to_offline_info"), dict)
    except UnreadableMessage:
        return False


def parse_code(body: str, invoice_number: str | None) -> DokuCode:
    """The code in an answer about our invoice number (DOKU protocol, section 3)."""
    message = _load(body)
    if _text(_dig(message, "order", "invoice_number")) != invoice_number:
        _unreadable("order.invoice_number")
    info = _dig(message, "online_to_offline_info")
    digits = _text(_dig(info, "payment_code"))
    if digits is None or not _CODE_DIGITS.fullmatch(digits):
        _unreadable("online_to_offline_info.payment_code")
    return DokuCode(
        payment_code=digits,
        expires_at=_instant(_dig(info, "expired_date_utc"), _dig(info, "expired_date")),
        how_to_pay_page=_link(_dig(info, "how_to_pay_page")),
        how_to_pay_api=_link(_dig(info, "how_to_pay_api")),
    )


def parse_order_status(evidence: Evidence, invoice_number: str) -> OrderStatus:
    """A status check's answer about our invoice number (DOKU protocol, section 7).

    An order without a transaction is pending: DOKU knows it, and nobody has paid. A SUCCESS, or a
    refund, whose payment can't be read is one all the same, and comes with its evidence alone.
    """
    message = _load(evidence.body)
    named = _dig(message, "order", "invoice_number")
    if named is not None and _text(named) != invoice_number:
        _unreadable("order.invoice_number")
    if _dig(message, "transaction", "status") is None:
        return OrderStatus(OrderState.PENDING)
    state = _state(message)
    if state not in (OrderState.SUCCESS, OrderState.REFUNDED):
        return OrderStatus(state)
    try:
        payment = _parse_payment(message, evidence, Source.STATUS_CHECK, invoice_number)
    except UnreadableMessage:
        return OrderStatus(state, unreadable=evidence)
    return OrderStatus(state, payment)


def parse_notification(evidence: Evidence) -> Notification:
    """A notification (DOKU protocol, section 6).

    A payment comes with it if it can be read. SUCCESS without one at least names its order.
    """
    message = _load(evidence.body)
    state = _state(message)
    invoice_number = _text(_dig(message, "order", "invoice_number"))
    if invoice_number is None:
        if state is OrderState.SUCCESS:
            _unreadable("order.invoice_number")
        return Notification(state, None)
    try:
        payment = _parse_payment(message, evidence, Source.NOTIFICATION, invoice_number)
    except UnreadableMessage:
        return Notification(state, None, invoice_number)
    return Notification(state, payment)


def parse_inquiry(evidence: Evidence) -> Inquiry:
    """An inquiry about digits (DOKU protocol, section 5)."""
    message = _load(evidence.body)
    digits = _text(_dig(message, "online_to_offline_info", "payment_code"))
    if digits is None or not _CODE_DIGITS.fullmatch(digits):
        _unreadable("online_to_offline_info.payment_code")
    acquirer, channel_id = (_text(_dig(message, name, "id")) for name in ("acquirer", "channel"))
    for channel in Channel:
        if (acquirer, channel_id) == (channel.facts.acquirer_id, channel.facts.channel_id):
            return Inquiry(channel, digits)
    return Inquiry(None, digits)


def _parse_payment(
    message: dict[str, Any], evidence: Evidence, source: Source, invoice_number: str
) -> PaymentReport:
    named = _dig(message, "online_to_offline_info", "payment_code")
    digits = _text(named)
    if named is not None and (digits is None or not _CODE_DIGITS.fullmatch(digits)):
        _unreadable("online_to_offline_info.payment_code")
    identifiers = _identifiers(message)
    paid_at, dated = _paid_at(message, evidence, source)
    return PaymentReport(
        invoice_number=invoice_number,
        payment_code=digits,
        amount=_amount(_dig(message, "order", "amount")),
        currency=_text(_dig(message, "order", "currency")),
        paid_at=paid_at,
        dated=dated,
        source=source,
        evidence=evidence,
        acquirer=_text(_dig(message, "acquirer", "id")),
        agent_id=identifiers.get("AGENT_ID"),
        store_id=identifiers.get("AGENT_STORE_ID"),
        receipt_number=identifiers.get("AGENT_TRX_ID"),
    )


def _paid_at(message: dict[str, Any], evidence: Evidence, source: Source) -> tuple[datetime, bool]:
    """The instant of the payment, and whether the message itself gives it.

    A status check may give the order's creation instead (DOKU protocol, section 7). A message
    without a date, or with one that has no offset, has its own time stamp.
    """
    info = _dig(message, "online_to_offline_info")
    created = (_dig(info, "created_date_utc"), _dig(info, "created_date"))
    date = _instant(_dig(message, "transaction", "date"))
    if date is not None:
        return date, source is Source.NOTIFICATION or date != _instant(*created)
    stamps = (evidence.headers.get(name) for name in (REQUEST_TIMESTAMP, RESPONSE_TIMESTAMP))
    return _instant(*stamps, *created) or _unreadable("transaction.date"), False


def _identifiers(message: dict[str, Any]) -> dict[str, str]:
    payment = _dig(message, "online_to_offline_payment")
    found: dict[str, str] = {}
    for spelling in ("identifier", "identifer"):
        entries = _dig(payment, spelling)
        for entry in entries if isinstance(entries, list) else ():
            name, value = _text(_dig(entry, "name")), _text(_dig(entry, "value"))
            if name is not None and value is not None:
                found.setdefault(name.upper(), value)
    return found


def _state(message: dict[str, Any]) -> OrderState:
    status = _text(_dig(message, "transaction", "status")) or _unreadable("transaction.status")
    return _STATES.get(status.upper(), OrderState.OTHER)


def _amount(value: object) -> Decimal:
    try:
        amount = parse_doku_amount(value)
    except ValueError:
        _unreadable("order.amount")
    if len(amount.as_tuple().digits) > _MOST_AMOUNT_DIGITS:
        _unreadable("order.amount")
    return amount


# --- JSON -------------------------------------------------------------------------------


def _load(text: str) -> dict[str, Any]:
    try:
        message = json.loads(
            text.removeprefix("\ufeff"), parse_float=Decimal, parse_constant=_refuse_constant
        )
    except (ValueError, ArithmeticError, RecursionError):
        # The cause would carry the whole message into a log.
        raise UnreadableMessage("the message is not JSON") from None
    if not isinstance(message, dict):
        raise UnreadableMessage("the message is not a JSON object")
    return message


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _unreadable(name: str) -> NoReturn:
    raise UnreadableMessage(f"{name} can't be understood")


def _dig(value: object, *names: str) -> object:
    """A field deep inside, or None wherever the way to it ends."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _text(value: object, longest: int = _LONGEST_TEXT) -> str | None:
    """A text or whole number as printable text, or None if it is not usable as such."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if text and len(text) <= longest and text.isprintable() else None


def _joined(value: object) -> str | None:
    """A message that is a text or a list of texts; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(entry for entry in value if isinstance(entry, str))
    return None


def _link(value: object) -> str | None:
    text = _text(value, _LONGEST_LINK)
    return text if text and _LINK.fullmatch(text) else None


def _instant(*values: object) -> datetime | None:
    """The first usable date, in either form of DOKU's."""
    for value in values:
        text = _text(value)
        if text is None:
            continue
        try:
            return parse_doku_instant(text)
        except (ValueError, OverflowError):
            continue
    return None
