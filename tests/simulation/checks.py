"""Truth is the till: what is on record, held against what was paid, once all has settled.

Call it after the faults have stopped and everything was given time: some twelve days, so that the
last looks and their retries are over.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from hashlib import sha256

from o2o.core.codes import PaymentCode, Status
from o2o.core.deliveries import EventRecord
from o2o.core.notifications import KeptFor
from o2o.core.payments import Payment
from o2o.core.storefronts import to_order_number
from o2o.usecases.ports import MessageArchive
from tests.simulation.doku import Doku
from tests.simulation.truth import TillPayment, unexplained
from tests.simulation.world import NAMESPACES
from tests.support.memory import MemoryTable

_MATCH = {"paid", "paid_late", "paid_again"}

CLOCKS = timedelta(minutes=1)
"""How far the clocks of two invocations and of DOKU may differ, at most."""


def truth_is_the_till(doku: Doku, table: MemoryTable, archive: MessageArchive) -> list[str]:
    """Everything that is not as it happened at the tills: the name of the check, and what."""
    wrong = [f"archive: {each}" for each in _not_archived(doku, archive)]
    for number, code in sorted(table.codes.items()):
        tills = [each for each in doku.till if each.invoice_number == number]
        paid = tills + [each for each in doku.strays if each.assigned_to == number]
        records = [
            table.payments.get(number, {})[key] for key in sorted(table.payments.get(number, {}))
        ]
        wrong += [f"records: {number}: {each}" for each in unexplained(paid, records, doku.told)]
        wrong += [f"amounts: {number}: {each}" for each in _wrong_amounts(records, doku)]
        wrong += [f"ended: {number}: {each}" for each in _ended_wrongly(code, tills, doku)]
        if code.payments_complete and len(records) != len(paid):
            wrong.append(f"complete: {number}: {len(records)} of {len(paid)} payments")
        if code.payments != len(records):
            wrong.append(f"count: {number}: {code.payments} payments, {len(records)} records")
    wrong += [f"kept: {each}" for each in _not_kept(doku, table)]
    wrong += [
        f"orders: payment {each.number} of {each.invoice_number}, which has no code"
        for each in doku.till
        if each.invoice_number not in table.codes
    ]
    return wrong


def each_payment_has_one_event(table: MemoryTable, events: Iterable[EventRecord]) -> Iterator[str]:
    """Storefronts are told of each payment once, and again only if it comes to match its code.

    It counts what the texts say that went out, and asks no rule of the core's.
    """
    told: dict[str, Counter[bool]] = {}
    for event in events:
        payment = json.loads(event.payload)["data"].get("payment")
        if payment is not None:
            assert event.invoice_number is not None
            number = to_order_number(NAMESPACES[event.storefront_id], event.invoice_number)
            told.setdefault(number, Counter())[payment["kind"] in _MATCH] += 1
    for number, payments in sorted(table.payments.items()):
        kinds = Counter(payment.kind in _MATCH for payment in payments.values())
        heard = told.pop(number, Counter())
        if heard[True] != kinds[True]:
            yield f"one event: {number} has {kinds[True]} payments, {heard[True]} events say so"
        if not kinds[False] <= heard[False] <= kinds.total():
            yield f"one event: {number} has {kinds[False]} mismatches, {heard[False]} events"
    for number, heard in told.items():
        yield f"one event: {number} has no payment, and {heard.total()} events say so"


def _wrong_amounts(records: list[Payment], doku: Doku) -> Iterator[str]:
    """A record has the money of a payment that its messages speak of."""
    for record in records:
        found = [doku.told(each.evidence.digest) for each in record.tellings]
        paid = {payment.amount for each in found if each for payment in each.payments}
        if paid and record.report.amount not in paid:
            yield f"record {record.number} has {record.report.amount}, paid was {sorted(paid)}"


def _ended_wrongly(code: PaymentCode, tills: list[TillPayment], doku: Doku) -> Iterator[str]:
    told = [each for each in tills if "hidden" not in each.unknowable]
    if told and not code.payments:
        yield f"{len(told)} payments were made and told, and the code is {code.status}"
    order = doku.order(code.order_number)
    if (
        code.status is Status.EXPIRED
        and code.ended_at is not None
        and order is not None
        and order.expires_at is not None
        and code.ended_at < order.expires_at - CLOCKS
        # Without DOKU's date the expiry is reckoned from the first request, perhaps too early.
        and code.how_to_pay_page is not None
        and not doku.fired["no_dates"]
    ):
        yield f"expired at {code.ended_at}, and DOKU took money until {order.expires_at}"


def _not_archived(doku: Doku, archive: MessageArchive) -> Iterator[str]:
    """Each notification that was acknowledged outlives the table."""
    bodies = (archive.get(key).message.body for key in archive.keys(None, None))
    archived = {sha256(body).hexdigest() for body in bodies}
    for payment in [*doku.till, *doku.strays]:
        for place in sorted(payment.taken):
            if payment.tellings[place].digest not in archived:
                yield f"a message of payment {payment.number} was acknowledged"


def _not_kept(doku: Doku, table: MemoryTable) -> Iterator[str]:
    """What was acknowledged and settled nothing is there for a person."""
    kept = {each.identity for each in table.notifications.values()}
    unmatched = {
        each.identity
        for each in table.notifications.values()
        if each.reason in (KeptFor.UNMATCHED, KeptFor.UNREADABLE)
    }
    recorded = {
        telling.evidence.digest
        for payments in table.payments.values()
        for payment in payments.values()
        for telling in payment.tellings
    }
    explained = unmatched | recorded
    for payment in [*doku.till, *doku.strays]:
        for place in sorted(payment.taken):
            telling = payment.tellings[place]
            if not telling.is_readable and telling.digest not in kept:
                yield f"an unreadable message of payment {payment.number} was acknowledged"
            elif not (payment.is_ours or payment.assigned_to or telling.digest in explained):
                yield f"payment {payment.number}, of an order that is not ours, was acknowledged"
