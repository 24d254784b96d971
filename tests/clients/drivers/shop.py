"""A shop on the client that openapi-python-client made: orders in, what the client read out."""

import json
import os
import sys
from datetime import datetime
from typing import Any

from httpx import Timeout
from o2o_client import AuthenticatedClient
from o2o_client.api.events import get_event, list_events, redeliver_events
from o2o_client.api.payment_codes import (
    create_payment_code,
    get_payment_code,
    list_channels,
    list_payment_codes,
    list_payments,
)
from o2o_client.models import (
    ChannelList,
    CustomerRequest,
    Event,
    EventList,
    EventPayment,
    Payment,
    PaymentCode,
    PaymentCodeList,
    PaymentCodeRequest,
    PaymentList,
    Problem,
    Redelivery,
    RedeliveryRequest,
    Refund,
)
from o2o_client.models.channel import Channel
from o2o_client.types import Unset

CLIENT = AuthenticatedClient(
    base_url=os.environ["O2O_URL"], token=os.environ["O2O_KEY"], timeout=Timeout(120)
)


def instant(value: datetime | Unset | None) -> int | None:
    return int(value.timestamp()) if value else None


def of_refund(refund: Refund | Unset | None) -> dict[str, Any] | None:
    return {"amount": refund.amount} if refund else None


def of_payment(payment: Payment | EventPayment) -> dict[str, Any]:
    return {
        "kind": payment.kind,
        "amount": payment.amount,
        "currency": payment.currency or None,
        "paid_at": instant(payment.paid_at),
        "recorded_at": instant(payment.recorded_at),
        "source": payment.source or None,
        "agent_id": payment.agent_id or None,
        "receipt_number": payment.receipt_number,
    }


def of_code(code: PaymentCode) -> dict[str, Any]:
    return {
        "invoice_number": code.invoice_number,
        "status": code.status,
        "amount": code.amount,
        "customer": code.customer.name if code.customer else None,
        "paid_at": instant(code.paid_at),
        "refund": of_refund(code.refund),
        "payments": [of_payment(each) for each in code.payments],
        "payments_complete": code.payments_complete,
        "sequence": code.sequence,
    }


def of_event(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type_,
        "timestamp": instant(event.timestamp),
        "delivery": event.delivery.status,
        "status": event.data.status,
        "amount": event.data.amount,
        "refund": of_refund(event.data.refund),
        "payment": of_payment(event.data.payment) if event.data.payment else None,
    }


def answer(order: dict[str, Any]) -> Any:  # noqa: PLR0911 - one for each action
    match order["do"]:
        case "create":
            request = PaymentCodeRequest(
                invoice_number=order["invoice_number"],
                amount=order["amount"],
                channel=Channel.ALFA,
                customer=CustomerRequest(name="Anton Budiman"),
            )
            code = create_payment_code.sync(client=CLIENT, body=request)
            assert isinstance(code, PaymentCode), code
            return of_code(code)
        case "read":
            found = get_payment_code.sync(order["invoice_number"], client=CLIENT)
            if isinstance(found, Problem):
                return {"problem": found.type_, "status": found.status}
            assert found is not None
            return of_code(found)
        case "payments":
            payments = list_payments.sync(order["invoice_number"], client=CLIENT)
            assert isinstance(payments, PaymentList), payments
            return [of_payment(each) for each in payments.items]
        case "codes":
            codes = list_payment_codes.sync(client=CLIENT, limit=100)
            assert isinstance(codes, PaymentCodeList), codes
            return [of_code(each) for each in codes.items]
        case "channels":
            channels = list_channels.sync(client=CLIENT)
            assert isinstance(channels, ChannelList), channels
            return [
                [each.channel, each.min_amount, each.max_amount, list(each.features)]
                for each in channels.items
            ]
        case "events":
            events = list_events.sync(client=CLIENT, limit=100)
            assert isinstance(events, EventList), events
            return [of_event(each) for each in events.items]
        case "event":
            event = get_event.sync(order["event_id"], client=CLIENT)
            assert isinstance(event, Event), event
            return of_event(event)
        case _:
            body = RedeliveryRequest(event_ids=[order["event_id"]])
            sent = redeliver_events.sync(client=CLIENT, body=body)
            assert isinstance(sent, Redelivery), sent
            return sent.count


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
