"""What the till took, against what the API says and the webhooks said: pure, and strict."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Number = tuple[int, str]
"""A shop, and its invoice number."""

_ENDS = {"expired", "cancelled", "failed"}


@dataclass(frozen=True, slots=True)
class Taken:
    """Cash that the till took."""

    receipt_number: str
    amount: int
    store_id: str
    agent_id: str
    paid_at: str


@dataclass(frozen=True, slots=True)
class Event:
    """What a shop's webhook got, or what the API lists."""

    event_id: str
    type: str
    receipt_number: str | None
    """Of the payment that it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A whole day, as those see it who stand outside."""

    ordered: Mapping[Number, Mapping[str, Any]]
    """What each shop asked for and was given: the bodies of its requests."""
    taken: Mapping[Number, Sequence[Taken]]
    """The till's own record."""
    lost: frozenset[str]
    """The receipts of the payments of which DOKU sent no notification."""
    codes: Sequence[tuple[int, Mapping[str, Any]]]
    """Each shop's list of codes, as its pages came."""
    payments: Mapping[Number, Sequence[Mapping[str, Any]]]
    """The list of payments of each code that was paid, by the till or by the API."""
    received: Mapping[Number, Sequence[Event]]
    """The webhooks that each shop received, each as often as it came."""
    listed: Mapping[Number, Sequence[Event]]
    """The shops' lists of events."""
    undelivered: Sequence[str]
    """The events that the lists call anything but delivered."""
    forged: int
    """How many webhooks the shops could not verify."""
    kept: Sequence[str]
    """Kept notifications and dead letters: what is left for a person."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it must be."""

    number: Number | None
    what: str

    def __str__(self) -> str:
        """As a line for a person."""
        where = "the stack" if self.number is None else f"shop {self.number[0]} {self.number[1]}"
        return f"{where}: {self.what}"


def differences(record: Record) -> Iterator[Difference]:
    """Everything in which the record disagrees with itself."""
    found: dict[Number, Mapping[str, Any]] = {}
    for shop, code in record.codes:
        number = (shop, code["invoice_number"])
        if number in found:
            yield Difference(number, "is listed twice")
        found[number] = code
    for number in record.ordered.keys() - found.keys():
        yield Difference(number, "was asked for, and is not listed")
    for number in (found.keys() | record.taken.keys()) - record.ordered.keys():
        yield Difference(number, "nobody asked for it")
    for number in sorted(record.ordered.keys() & found.keys()):
        for what in _of_code(number, record, found[number]):
            yield Difference(number, what)
    for event_id in record.undelivered:
        yield Difference(None, f"event {event_id} is not delivered")
    if record.forged:
        yield Difference(None, f"{record.forged} webhooks could not be verified")
    for each in record.kept:
        yield Difference(None, f"left for a person: {each}")


def unseen(record: Record) -> int:
    """How many payments can't be known here, and are announced as such.

    A status check shows one payment of a code. Where several were made and the notification of one
    got lost, only DOKU's Back Office can tell (decision 0047).
    """
    return sum(len(_unseen(record, number)) for number in record.taken)


def _unseen(record: Record, number: Number) -> list[Taken]:
    here = {each["receipt_number"] for each in record.payments.get(number, ())}
    taken = record.taken.get(number, ())
    missing = [each for each in taken if each.receipt_number not in here]
    if len(taken) > 1 and len(missing) < len(taken):
        return [each for each in missing if each.receipt_number in record.lost]
    return []


def _of_code(number: Number, record: Record, code: Mapping[str, Any]) -> Iterator[str]:
    order = record.ordered[number]
    for field in ("amount", "channel", "feature", "reusable"):
        if code[field] != order[field]:
            yield f"{field} is {code[field]}, asked for was {order[field]}"
    taken = record.taken.get(number, ())
    payments = record.payments.get(number, ())
    yield from _of_payments(taken, payments, _unseen(record, number))
    yield from _of_status(code, taken, payments)
    yield from _of_events(number, record, code, payments)


def _of_payments(
    taken: Sequence[Taken], payments: Sequence[Mapping[str, Any]], unseen: Sequence[Taken]
) -> Iterator[str]:
    by_receipt = {each.receipt_number: each for each in taken}
    here = Counter(each["receipt_number"] for each in payments)
    for each in taken:
        if each.receipt_number not in here and each not in unseen:
            yield f"a payment of {each.amount} is missing, receipt {each.receipt_number}"
    for receipt, times in here.items():
        if receipt not in by_receipt:
            yield f"a payment that no till took, receipt {receipt}"
        elif times > 1:
            yield f"a payment is on record {times} times, receipt {receipt}"
    for payment in payments:
        if payment["receipt_number"] in by_receipt:
            yield from _of_payment(by_receipt[payment["receipt_number"]], payment)


def _of_payment(till: Taken, payment: Mapping[str, Any]) -> Iterator[str]:
    for field in ("amount", "store_id", "agent_id", "paid_at"):
        if payment[field] != getattr(till, field):
            yield f"{field} is {payment[field]}, the till has {getattr(till, field)}"
    if not payment["certain"]:
        yield f"a payment is uncertain: {payment['doubts']}, receipt {till.receipt_number}"


def _of_status(
    code: Mapping[str, Any], taken: Sequence[Taken], payments: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    status, kinds = code["status"], Counter(each["kind"] for each in payments)
    wrong = [each for each in taken if each.amount != code["amount"]]
    if code["payments_count"] != len(payments):
        yield f"payments_count is {code['payments_count']} of {len(payments)}"
    if code["unconfirmed"]:
        yield "DOKU was back, and it is still unconfirmed"
    if code["payments_complete"] and len(taken) != len(payments):
        yield f"its payments are called complete: {len(payments)}, and the till has {len(taken)}"
    if wrong:
        yield from _of_another_amount(status, kinds, len(wrong))
    elif taken and not code["reusable"]:
        yield from _of_paid_once(status, kinds)
    elif status not in _ENDS:
        yield f"it is over, not paid for good, and still {status}"
    elif kinds.keys() - {"paid", "paid_late"}:
        yield f"its payments are {dict(kinds)}"


def _of_paid_once(status: str, kinds: "Counter[str]") -> Iterator[str]:
    if status != "paid":
        yield f"it was paid at the till, and is {status}"
    if kinds["paid"] + kinds["paid_late"] != 1:
        yield f"it is to be paid once, and its payments are {dict(kinds)}"


def _of_another_amount(status: str, kinds: "Counter[str]", number: int) -> Iterator[str]:
    if kinds != Counter({"amount_mismatch": number}):
        yield f"another amount was paid, and its payments are {dict(kinds)}"
    if status == "paid":
        yield "another amount was paid, and it is paid"


def _of_events(
    number: Number,
    record: Record,
    code: Mapping[str, Any],
    payments: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    received = {each.event_id: each for each in record.received.get(number, ())}
    listed = {each.event_id: each for each in record.listed.get(number, ())}
    for event_id in listed.keys() - received.keys():
        yield f"event {event_id} ({listed[event_id].type}) was never received"
    for event_id in received.keys() - listed.keys():
        yield f"event {event_id} ({received[event_id].type}) is not listed"
    told = Counter((each.type, each.receipt_number) for each in received.values())
    for (kind, receipt), times in told.items():
        if times > 1:
            yield f"{kind} was announced under {times} ids, receipt {receipt}"
    wanted = {(_announced(each, told.keys()), each["receipt_number"]) for each in payments}
    if code["status"] in _ENDS:
        wanted.add((f"payment_code.{code['status']}", None))
    for kind, receipt in wanted - told.keys():
        yield f"{kind} was never announced, receipt {receipt}"
    for kind, receipt in told.keys() - wanted:
        if receipt is not None:
            yield f"{kind} was announced for nothing, receipt {receipt}"


def _announced(payment: Mapping[str, Any], told: Collection[tuple[str, str | None]]) -> str:
    """The event of a payment.

    DOKU may date it late at first, and by a later message before the end of its code: that it was
    not late after all is no further event.
    """
    late, kind = "payment_code.paid_late", f"payment_code.{payment['kind']}"
    could_be_late = payment["kind"] == "paid" and payment["had_ended"]
    receipt = payment["receipt_number"]
    return late if could_be_late and (kind, receipt) not in told else kind
