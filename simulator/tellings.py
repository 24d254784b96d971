"""Tellings of a payment that are well signed and say something odd, on demand.

A telling is a status check's answer or a notification (DOKU protocol, sections 6 and 7). Each kind
of fault here changes its document; that every one of them can happen at DOKU is not known.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from simulator.clock import instant, read_utc_text, utc_text
from simulator.protocol import bodies
from simulator.store import Store
from simulator.store.orders import Order
from simulator.store.payments import Payment

FIELDS = ("receipt", "store", "brand", "identifiers", "date")
"""What ``missing_field`` leaves out."""

_IDENTIFIER = {"receipt": "AGENT_TRX_ID", "store": "AGENT_STORE_ID", "brand": "AGENT_ID"}

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Told:
    """A telling, the parameters of its fault, and what DOKU's books have on its order."""

    document: Document
    values: Mapping[str, Any]
    order: Order | None
    payments: list[Payment]

    def part(self, name: str) -> dict[str, Any]:
        """Return one of its objects; an empty one if it is missing or none."""
        return _object(self.document.get(name))

    def having(self, name: str, **changes: Any) -> Document:
        """Return the document with other values in one of its objects."""
        return {**self.document, name: {**self.part(name), **changes}}

    def without(self, name: str, field: str) -> Document:
        """Return the document without a field of one of its objects."""
        kept = {key: value for key, value in self.part(name).items() if key != field}
        return {**self.document, name: kept}

    def identified(self, change: Callable[[dict[str, str]], dict[str, str]]) -> Document:
        """Return the document with other identifiers; ``change`` has them by name."""
        told = self.part("online_to_offline_payment").get("identifier")
        pairs = [_object(each) for each in told] if isinstance(told, list) else []
        changed = change({str(each.get("name")): str(each.get("value")) for each in pairs})
        return self.having("online_to_offline_payment", identifier=bodies.identifier(changed))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def spoil(kind: str, document: Document, values: Mapping[str, Any], store: Store) -> Document:
    """Return the telling as a fault of this kind has it; unchanged for faults of other kinds.

    The document may be one that a person sends by hand, with anything in it.
    """
    change = TELLINGS.get(kind)
    if change is None:
        return document
    number = _object(document.get("order")).get("invoice_number")
    order = store.orders.get(number) if isinstance(number, str) else None
    payments = [] if order is None else store.payments.of_order(order.invoice_number)
    return change(_Told(document, values, order, payments))


def _missing_field(told: _Told) -> Document:
    field = told.values["field"]
    if field == "date":
        return told.without("transaction", "date")
    if field == "identifiers":
        return {
            name: value
            for name, value in told.document.items()
            if name != "online_to_offline_payment"
        }
    left_out = _IDENTIFIER[field]
    return told.identified(
        lambda pairs: {name: value for name, value in pairs.items() if name != left_out}
    )


def _wrong_receipt(told: _Told) -> Document:
    number = told.values["receipt_number"]
    return told.identified(lambda pairs: {**pairs, _IDENTIFIER["receipt"]: number})


def _wrong_amount(told: _Told) -> Document:
    amount = told.values["amount"]
    if amount is None:
        billed = told.part("order").get("amount")
        amount = billed + 1 if isinstance(billed, int) else 1
    return told.having("order", amount=amount)


def _wrong_digits(told: _Told) -> Document:
    digits = str(told.part("online_to_offline_info").get("payment_code", ""))
    return told.having(
        "online_to_offline_info",
        payment_code=told.values["payment_code"] or _other_digits(digits),
    )


def _other_digits(payment_code: str) -> str:
    """Return the same code with another last digit."""
    if not payment_code:
        return "0"
    last = payment_code[-1]
    return payment_code[:-1] + (str((int(last) + 1) % 10) if last.isdigit() else "0")


def _created_date(told: _Told) -> Document:
    if told.order is None:
        return told.document
    return told.having("transaction", date=utc_text(instant(told.order.created_at)))


def _shifted_date(told: _Told) -> Document:
    date = read_utc_text(str(told.part("transaction").get("date")))
    if date is None:
        return told.document
    with suppress(OverflowError):
        date += timedelta(seconds=told.values["seconds"])
    return told.having("transaction", date=utc_text(date))


def _first_payment(told: _Told) -> Document:
    if not told.payments:
        return told.document
    first = told.payments[0]
    return {
        **told.document,
        "order": {**told.part("order"), "amount": first.amount},
        "transaction": {**told.part("transaction"), "date": utc_text(instant(first.paid_at))},
        "online_to_offline_payment": {
            "identifier": bodies.identifier(bodies.identifiers_of(first)),
        },
    }


def _null_ids(told: _Told) -> Document:
    nobody: dict[str, None] = {"id": None}
    dated = _created_date(told)
    return {**dated, "service": nobody, "acquirer": nobody, "channel": nobody}


TELLINGS: Mapping[str, Callable[[_Told], Document]] = {
    "missing_field": _missing_field,
    "wrong_receipt": _wrong_receipt,
    "wrong_amount": _wrong_amount,
    "unreadable_amount": lambda told: told.having("order", amount=told.values["amount"]),
    "foreign_currency": lambda told: told.having("order", currency=told.values["currency"]),
    "wrong_digits": _wrong_digits,
    "created_date": _created_date,
    "shifted_date": _shifted_date,
    "first_payment": _first_payment,
    "other_status": lambda told: told.having("transaction", status=told.values["status"]),
    "null_ids": _null_ids,
}
"""The kinds of fault that change a telling."""
