"""The JSON bodies that DOKU sends (DOKU protocol, sections 3 and 5 to 7)."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simulator.channels import Channel
from simulator.clock import instant, utc_text, wib_compact
from simulator.store.orders import Order
from simulator.store.payments import Payment

_SERVICE = "ONLINE_TO_OFFLINE"


def code_answer(order: Order, links: tuple[str, str]) -> dict[str, Any]:
    """Return the answer to a request for a code (section 3); ``links`` are page and API."""
    created, expires = instant(order.created_at), instant(order.expires_at or 0)
    return {
        "order": {"invoice_number": order.invoice_number},
        "online_to_offline_info": {
            "payment_code": order.payment_code,
            "created_date": wib_compact(created),
            "expired_date": wib_compact(expires),
            "created_date_utc": utc_text(created),
            "expired_date_utc": utc_text(expires),
            "how_to_pay_page": links[0],
            "how_to_pay_api": links[1],
        },
    }


def _parties(channel: Channel) -> dict[str, Any]:
    """Return service, acquirer and channel, as DOKU names them in every message."""
    return {
        "service": {"id": _SERVICE},
        "acquirer": {"id": channel.acquirer_id},
        "channel": {"id": channel.channel_id},
    }


def identifiers_of(payment: Payment) -> dict[str, str]:
    """Return the identifiers of a payment by name; what it lacks is left out."""
    pairs = {
        "AGENT_ID": payment.agent_id,
        "AGENT_STORE_ID": payment.store_id,
        "AGENT_TRX_ID": payment.receipt_number,
    }
    return {name: value for name, value in pairs.items() if value}


def identifier(pairs: Mapping[str, str]) -> list[dict[str, str]]:
    """Return identifiers in DOKU's form."""
    return [{"name": name, "value": value} for name, value in pairs.items()]


def status_answer(
    order: Order, channel: Channel, status: str, payment: Payment | None
) -> dict[str, Any]:
    """Return the answer to a status check (section 7); it never names the payment code.

    DOKU knows neither expiry nor reuse of a code that lives at the merchant.
    """
    transaction = {"status": status}
    if payment is not None:
        transaction["date"] = utc_text(instant(payment.paid_at))
    elif order.forced_at is not None:
        transaction["date"] = utc_text(instant(order.forced_at))
    transaction["original_request_id"] = order.invoice_number
    info = {"created_date": wib_compact(instant(order.created_at))}
    if order.expires_at is not None:
        info["expired_date"] = wib_compact(instant(order.expires_at))
        info["reusable_status"] = "true" if order.reusable else "false"
    document = {
        "order": {
            "invoice_number": order.invoice_number,
            "amount": order.amount if payment is None else payment.amount,
        },
        "transaction": transaction,
        **_parties(channel),
        "online_to_offline_info": info,
    }
    if payment is not None:
        document["online_to_offline_payment"] = {"identifier": identifier(identifiers_of(payment))}
    return document


def notification(
    order: Order, channel: Channel, payment: Payment | None, status: str, at: datetime
) -> dict[str, Any]:
    """Return a notification (section 6); its amount is an integer, in rupiah.

    ``at`` dates it if there is no payment.
    """
    return {
        **_parties(channel),
        "transaction": {
            "status": status,
            "date": utc_text(instant(payment.paid_at) if payment else at),
            "original_request_id": order.request_id,
        },
        "order": {
            "invoice_number": order.invoice_number,
            "amount": payment.amount if payment else order.amount,
        },
        "online_to_offline_info": {"payment_code": order.payment_code},
        "online_to_offline_payment": {
            "identifier": identifier(identifiers_of(payment)) if payment else []
        },
    }


def notification_bytes(document: dict[str, Any], amount_form: str) -> bytes:
    """Return a notification as DOKU writes it: indented by two spaces, no final newline.

    A whole ``order.amount`` becomes ``19000.00`` (``decimal``), ``19000`` (``integer``) or
    ``"19000"`` (``string``).
    """
    order = document.get("order")
    amount = order.get("amount") if isinstance(order, dict) else None
    if not isinstance(order, dict) or not isinstance(amount, int) or isinstance(amount, bool):
        return json.dumps(document, indent=2, ensure_ascii=False).encode()
    written = {"decimal": f"{amount}.00", "integer": str(amount), "string": f'"{amount}"'}
    place = uuid.uuid4().hex
    text = json.dumps(
        {**document, "order": {**order, "amount": place}}, indent=2, ensure_ascii=False
    )
    return text.replace(f'"{place}"', written[amount_form]).encode()


def inquiry(channel: Channel, payment_code: str, date: str) -> dict[str, Any]:
    """Return an inquiry (section 5); ``date`` is UTC, or compact WIB."""
    return {
        **_parties(channel),
        "online_to_offline_info": {"payment_code": payment_code},
        "online_to_offline_inquiry": {"date": date, "identifier": []},
    }
