"""One run: a plan is followed, then the faults stop, and all must be as it was at the tills."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from o2o.core.channels import Channel, Feature
from o2o.core.code_requests import CodeRequest, Expiry
from o2o.core.codes import Customer, PaymentCode, Status
from o2o.core.deliveries import DeliveryStatus
from o2o.core.errors import (
    DigitsTaken,
    DokuRefused,
    IllegalMove,
    InvalidRequest,
    InvoiceNumberTaken,
    NotFound,
)
from o2o.core.events import Change, Event, EventType, derive_events, derive_story
from o2o.core.notifications import KeptFor, KeptNotification
from o2o.core.storefronts import to_order_number
from o2o.core.work import WorkKind
from o2o.usecases.browse_events import EventFilter
from tests.simulation.books import Books
from tests.simulation.checks import each_payment_has_one_event, truth_is_the_till
from tests.simulation.faults import Faults
from tests.simulation.plan import Plan
from tests.simulation.scheduler import Line, Outcome, Scheduler
from tests.simulation.world import NAMESPACES, SHOPS, Stack, address, invoice_of, owner, quiet
from tests.support.world import START

SETTLES_IN = timedelta(days=14)
"""How long after the faults everything must be settled: the longest wait for DOKU is eight days."""

FORGETS_IN = timedelta(days=80)
"""And forgotten: evidence is kept for 60 days here."""

MISMATCHES = {EventType.AMOUNT_MISMATCH, EventType.DIGITS_MISMATCH}
_FINAL = (DigitsTaken, DokuRefused, IllegalMove, InvalidRequest, InvoiceNumberTaken, NotFound)
"""Answers that a storefront does not repeat its request after."""


@dataclass
class Result:
    """What a run came to."""

    plan: Plan
    violations: list[str]
    counted: Counter[str]
    story: list[Line] = field(default_factory=list)


@dataclass
class Shown:
    """What storefronts were shown of one code."""

    reusable: bool
    feature: Feature
    fingerprint: str = ""
    digits: str | None = None
    created_at: datetime | None = None
    version: int = 0
    is_known: bool = False
    """Whether its storefront was told that it exists."""


class Run:
    """Follows a plan. Each method ``do_…`` is an action of its steps."""

    def __init__(self, plan: Plan, *, tell: bool = False) -> None:
        self.plan = plan
        self.scheduler = Scheduler(
            plan.seed,
            muted=frozenset(plan.muted),
            clocks_differ=plan.clocks_differ,
            story=[] if tell else None,
        )
        self.scheduler.faults = plan.faults
        self.lies = Faults(**plan.doku)
        self.stack = Stack(self.scheduler, self.lies)
        self.stack.on_write = self._on_write
        self.doku = self.stack.doku
        self.books = Books(self.stack)
        self.shown: dict[str, Shown] = {}
        self.requests: dict[str, CodeRequest] = {}
        self.newest: dict[str, PaymentCode] = {}
        self.violations: list[str] = []
        self._doku_away = 0

    def __call__(self) -> Result:
        """The whole run."""
        with quiet():
            self.books.run_daily(timedelta(seconds=self.plan.calm_at) + SETTLES_IN)
            self._follow()
            self._calm_down()
            self.scheduler.run(self.scheduler.now + SETTLES_IN)
            self.violations += self._settled()
            self.books.settle()
            self.violations += self.books.wrong()
            self.scheduler.run(self.scheduler.now + FORGETS_IN)
            self.violations += self._forgotten()
        counted = self.scheduler.counted
        counted.update({f"DOKU: {name}": times for name, times in self.doku.fired.items()})
        counted["runs"] += 1
        counted["codes"] += len(self.newest)
        counted["payments"] += len(self.doku.till)
        counted["simulated days"] += (self.scheduler.now - START).days
        for code in self.newest.values():
            counted[f"end: {code.status}"] += 1
        return Result(self.plan, self.violations, counted, self.scheduler.story or [])

    def _follow(self) -> None:
        for step in self.plan.steps:
            action: Callable[..., None] = getattr(self, f"do_{step.name}")

            def act(action: Callable[..., None] = action, details: Any = step.details) -> None:
                self.scheduler.counted[f"action: {action.__name__[3:]}"] += 1
                action(**details)
                self.stack.hear_later()

            self.scheduler.at(START + timedelta(seconds=step.at), act)
        self.scheduler.run(START + timedelta(seconds=self.plan.calm_at))

    def _calm_down(self) -> None:
        """The faults stop, and people do what the runbook says."""
        stack, scheduler = self.stack, self.scheduler
        scheduler.tell("everybody", "the faults stop")
        scheduler.faults = 0.0
        self.doku.faults = Faults.none()
        stack.bus.is_away = False
        stack.poisoned.clear()
        stack.stream.resume()
        stack.receivers.answers.clear()
        stack.know_key(stack.keys[-1])
        for shop in SHOPS:
            # One that an operator paused may stay so.
            if self.plan.seed % 4 or shop != "other":
                self._operator("resume", partial(stack.manage.resume, shop))
        scheduler.after(3600, self._operator_comes)
        scheduler.after(9 * 86_400, self._operator_comes)
        stack.hear_later()

    def _operator_comes(self) -> None:
        """What the alarms tell an operator of is put right."""
        stack = self.stack
        stack.awaited_queue.redrive()
        stack.work_queue.redrive()
        stack.webhook_queue.redrive()
        letters, stack.letters.work = stack.letters.work, []
        for letter in letters:
            self._operator("deadletters", partial(self._republish, letter))
        for lost in stack.stream.lost:
            self._operator(
                "events republish",
                partial(
                    stack.republish.of_time,
                    lost.first - timedelta(minutes=1),
                    lost.last + timedelta(minutes=1),
                ),
            )
        stack.stream.lost.clear()

    def _republish(self, letter: Any) -> object:
        assert letter.kind is WorkKind.CODE
        return self.stack.republish.of_code(letter.invoice_number)

    def _operator(self, what: str, do: Callable[[], object]) -> None:
        """A command of the operator's, who tries again if it fails."""

        def then(outcome: Outcome) -> None:
            if not outcome.ok and not isinstance(outcome.error, _FINAL):
                self.scheduler.after(600, lambda: self._operator(what, do))

        self.scheduler.invoke(f"admin {what}", do, then, seconds=900)

    # --- storefronts ---

    def do_create(self, number: str, patience: int, **wanted: Any) -> None:
        """Ask for a code; ``patience`` is how often it is asked again without an answer."""
        request = CodeRequest(
            fingerprint=json.dumps(wanted, sort_keys=True),
            invoice_number=invoice_of(number),
            namespace=NAMESPACES[owner(number)],
            amount=150_000,
            channel=Channel.ALFA,
            feature=Feature(wanted["feature"]),
            customer=Customer("Anton Budiman"),
            expiry=Expiry(in_minutes=wanted["minutes"]),
            reusable=wanted["reusable"],
            unique_part=wanted["unique_part"],
            replaces=wanted["replaces"] and invoice_of(wanted["replaces"]),
        )
        self.requests[number] = request
        self.shown[number] = Shown(request.reusable, request.feature, request.fingerprint)
        self._ask(request, patience)

    def _ask(self, request: CodeRequest, patience: int) -> None:
        number = to_order_number(request.namespace, request.invoice_number)
        shop = owner(number)

        def then(outcome: Outcome) -> None:
            if outcome.ok:
                self._see(outcome.value.code, -1)
            elif not isinstance(outcome.error, _FINAL) and patience:
                self.scheduler.after(20, lambda: self._ask(request, patience - 1))

        self.scheduler.invoke(
            f"generate_code {number}",
            lambda: self.stack.generate(shop, request, time_left=self.scheduler.time_left),
            then,
            seconds=29,
        )

    def do_again(self, number: str, *, other: bool = False) -> None:
        """The same request again, or another body under the same invoice number."""
        request = self.requests.get(number)
        if request is None:
            return
        if not other:
            self._ask(request, 0)
            return
        shop = owner(number)
        known = number in self.newest
        changed = CodeRequest(
            fingerprint="another body",
            invoice_number=invoice_of(number),
            namespace=NAMESPACES[owner(number)],
            amount=777_000,
            channel=Channel.ALFA,
            customer=Customer("Anton Budiman"),
            expiry=Expiry(in_minutes=60),
        )

        def then(outcome: Outcome) -> None:
            if outcome.ok and known:
                self._wrong(f"same number same code: {number} was made of another body")

        if known:
            self.scheduler.invoke(
                f"generate_code {number}",
                lambda: self.stack.generate(shop, changed, time_left=self.scheduler.time_left),
                then,
                seconds=29,
            )

    def do_read(self, number: str) -> None:
        """Read a code, and all of its storefront's."""
        before = self.shown[number].version if number in self.shown else 0

        def then(outcome: Outcome) -> None:
            if outcome.ok:
                self._see(outcome.value.code, before)
            elif isinstance(outcome.error, NotFound) and before:
                self._wrong(f"reads never go back: {number} was there and is not")

        shop = owner(number)
        self.scheduler.invoke(
            f"read_codes {number}", lambda: self.stack.read.one(shop, number), then, seconds=29
        )

    def do_list(self, number: str) -> None:
        """List a storefront's codes."""
        shop = owner(number)
        before = {name: shown.version for name, shown in self.shown.items()}

        def then(outcome: Outcome) -> None:
            for code in outcome.value.items if outcome.ok else ():
                if code.storefront_id != shop:
                    self._wrong(f"own codes only: {shop} was shown {code.order_number}")
                # The list may be late, and its codes are as the index has them.
                self._see(code, min(before.get(code.order_number, 0), 0))

        self.scheduler.invoke(
            f"list_codes {shop}",
            lambda: self.stack.codes_of(shop),
            then,
            seconds=29,
        )

    def do_refresh(self, number: str) -> None:
        """Ask DOKU now."""
        shop = owner(number)
        before = self.shown[number].version if number in self.shown else 0

        def then(outcome: Outcome) -> None:
            if outcome.ok and outcome.value.code is not None:
                self._see(outcome.value.code, before)

        self.scheduler.invoke(
            f"refresh_code {number}",
            lambda: self.stack.refresh(shop, number, time_left=self.scheduler.time_left),
            then,
            seconds=29,
        )

    def do_hurry(self, number: str) -> None:
        """The sweep runs at this very moment."""
        assert number
        self.scheduler.invoke("expire_codes", self.stack.expire, seconds=60)

    def do_cancel(self, number: str) -> None:
        """Cancel a code."""
        shop = owner(number)
        before = self.shown[number].version if number in self.shown else 0

        def then(outcome: Outcome) -> None:
            if outcome.ok:
                self._see(outcome.value, before)

        self.scheduler.invoke(
            f"cancel_code {number}", lambda: self.stack.cancel(shop, number), then, seconds=29
        )

    def _see(self, code: PaymentCode, before: int) -> None:
        """A storefront was shown this, and knew of version ``before`` when it asked."""
        number = code.order_number
        shown = self.shown[number]
        if code.version < before:
            self._wrong(f"reads never go back: {number} from {before} to {code.version}")
        if shown.created_at not in (None, code.created_at):
            self._wrong(f"same number same code: {number} was made twice")
        if shown.digits is not None and code.payment_code not in (None, shown.digits):
            self._wrong(f"digits never change: those of {number} did")
        shown.is_known = True
        shown.created_at = code.created_at
        shown.digits = shown.digits or code.payment_code
        shown.version = max(shown.version, code.version)

    # --- customers ---

    def do_pay(self, number: str, *, amount: int | None = None, currency: str = "IDR") -> None:
        """A customer is at a till with what the storefront showed."""
        shown = self.shown.get(number)
        if shown is None or shown.digits is None:
            code = self.newest.get(number)
            if shown is None or code is None or code.activated_at is None:
                return
            # The storefront reads the code, and shows it.
            self._see(code, 0)
        if shown.digits is None:
            return

        def take(order: str | None) -> None:
            if order is not None:
                self.doku.pay(order, amount=amount, currency=currency)
                self.stack.hear_later()

        if shown.feature is Feature.DIPC:
            self.stack.inquire(shown.digits, "alfa", take)
        else:
            take(number)

    # --- outages and operators ---

    def do_outage(self, what: str, seconds: float) -> None:
        """Something is away for a while."""
        stack, scheduler = self.stack, self.scheduler
        if what == "doku":
            # Those that are under way when the faults stop end then, too.
            faults = self.doku.faults
            faults.unreachable = 1.0
            self._doku_away += 1

            def back() -> None:
                self._doku_away -= 1
                if not self._doku_away:
                    faults.unreachable = self.plan.doku.get("unreachable", 0.0)

            scheduler.after(seconds, back)
        elif what == "bus":
            stack.bus.is_away = True
            scheduler.after(seconds, lambda: setattr(stack.bus, "is_away", False))
        else:
            until = scheduler.now + timedelta(seconds=seconds)
            stack.stream.stops_until = max(until, stack.stream.stops_until or until)

    def do_doku_key(self, key: str) -> None:
        """DOKU signs with a new key."""
        self.stack.keys.append(key)

    def do_our_key(self, key: str) -> None:
        """The operator writes the new key beside the one that DOKU has."""
        others = [each for each in self.stack.keys if each != key]
        self.stack.know_key(key, others[-1] if others else None)

    def do_poison(self, number: str, seconds: float) -> None:
        """For a while no event can be made of a code's writes."""
        self.stack.poisoned.add(number)
        self.scheduler.after(seconds, lambda: self.stack.poisoned.discard(number))

    def do_endpoint(self, number: str, answer: int | str) -> None:
        """A receiver fails, or is well again."""
        shop = owner(number)
        for place in range(3):
            self.stack.receivers.answers[address(shop, place)] = answer

    def do_pause(self, number: str) -> None:
        """The operator pauses an endpoint."""
        self._operator("pause", lambda: self.stack.manage.pause(owner(number)))

    def do_resume(self, number: str) -> None:
        """The operator resumes an endpoint."""
        self._operator("resume", lambda: self.stack.manage.resume(owner(number)))

    def do_move(self, number: str, to: int) -> None:
        """A storefront's endpoint moves."""
        shop = owner(number)
        self._operator("move", lambda: self.stack.manage.set_url(shop, address(shop, to)))

    def do_webhook_secret(self, number: str) -> None:
        """A storefront's webhooks get a new secret."""
        self._operator("rotate", lambda: self.stack.manage.rotate(owner(number)))

    def do_resend(self, number: str) -> None:
        """A storefront wants all its events again."""
        shop = owner(number)
        self.scheduler.invoke(
            f"browse_events {shop}",
            lambda: self.stack.browse.resend_all(shop, EventFilter(), cursor=None),
            seconds=29,
        )

    def do_replay(self, number: str) -> None:
        """Somebody has the stream's consumer begin anew."""
        assert number
        self.stack.stream.replay()

    def do_republish(self, number: str) -> None:
        """The operator has a code's events made again."""
        self._operator("events republish", lambda: self.stack.republish.of_code(number))

    def do_dismiss(self, number: str) -> None:
        """The operator dismisses a kept notification of an order that is nobody's."""
        assert number
        for kept in list(self.stack.table.notifications.values()):
            if kept.reason is KeptFor.UNMATCHED and kept.invoice_number not in self.requests:
                self._operator(
                    "notifications dismiss",
                    partial(self.stack.resolve.dismiss, kept.identity, "not ours"),
                )

    def do_assign(self, number: str) -> None:
        """The operator gives a code the payment of an order that is nobody's."""
        for kept in list(self.stack.table.notifications.values()):
            is_open = kept.reason is KeptFor.UNMATCHED and kept.dismissed is None
            if is_open and kept.invoice_number not in self.requests and number in self.newest:
                self._operator("notifications assign", partial(self._assign, kept, number))

    def _assign(self, kept: KeptNotification, number: str) -> None:
        told = self.doku.told(kept.evidence.digest)
        assert told is not None
        for payment in told.payments:
            self.doku.assign(payment, number)
        self.stack.resolve.assign(kept.identity, number)

    def do_redrive(self, number: str) -> None:
        """The operator empties the queues of dead letters."""
        assert number
        self.stack.awaited_queue.redrive()
        self.stack.work_queue.redrive()
        self.stack.webhook_queue.redrive()

    # --- what holds at each write ---

    def _wrong(self, what: str) -> None:
        self.scheduler.tell("CHECK", what)
        self.violations.append(what)

    def _on_write(self, change: Change) -> None:
        before, code = change.before, change.after
        number = code.order_number
        known = self.newest.get(number)
        if known != before:
            self._wrong(f"one history: {number} was written beside another write")
        self.newest[number] = code
        if known is not None and code.version != known.version + 1:
            self._wrong(f"one history: {number} went from {known.version} to {code.version}")
        digits = known.payment_code if known is not None else None
        if digits and code.payment_code != digits and not code.forgotten_at:
            self._wrong(f"digits never change: those of {number} did")
        if code.is_open and (code.replaced_by or self._open_relatives(code)):
            self._wrong(f"one open code: {number} is open, and so is one that it replaces")
        if code.is_open and code.due_at is None and not code.is_disputed:
            self._wrong(f"nothing is stuck: {number} is open and nobody will look")
        if known is not None and known.status is Status.PAID and code.status is not Status.PAID:
            self._wrong(f"paid stays paid: {number} is {code.status}")
        if known is not None and known.is_open and code.status is Status.EXPIRED:
            self._expired(code)

    def _open_relatives(self, code: PaymentCode) -> list[str]:
        """The open codes that a code replaces, directly or not."""
        found, older = [], code.replaces
        while older is not None:
            former = self.newest[older]
            if former.is_open:
                found.append(older)
            older = former.replaces
        return found

    def _expired(self, code: PaymentCode) -> None:
        order = self.doku.order(code.order_number)
        if order is None:
            return
        now = self.scheduler.now
        # Who never heard DOKU's date does not know until when it takes money.
        if order.takes_money(now) and code.how_to_pay_page and not self.doku.fired["no_dates"]:
            self._wrong(f"expiry: {code.order_number} expired while DOKU takes money")
        told = [
            each
            for each in self.doku.till
            if each.invoice_number == code.order_number
            and each.refunded_at is None
            # Of what is no JSON nobody can tell whose it is.
            and (each.was_heard or (each.taken and not self.doku.fired["broken_json"]))
        ]
        if told and not code.payments:
            self._wrong(f"expiry: {code.order_number} expired after DOKU had told of a payment")

    # --- what holds in the end ---

    def _settled(self) -> Iterator[str]:
        yield from truth_is_the_till(self.doku, self.stack.table, self.stack.archive)
        yield from self._all_is_archived()
        yield from self._all_is_told()
        stack = self.stack
        now = self.scheduler.now
        for work in stack.due(now, 100):
            name = work.identity or work.invoice_number
            if work.kind is not WorkKind.EVENT or not self._is_paused(work.identity):
                yield f"nothing is stuck: {work.kind} {name} is still due at {work.due_at}"
        for number, code in self.newest.items():
            if code.is_open and not code.is_disputed:
                yield f"every code ends: {number} is still {code.status}"
            if code.status is Status.PAID and code.unconfirmed:
                yield f"paid is confirmed: {number} is paid and unconfirmed"

    def _is_paused(self, event_id: str) -> bool:
        record = self.stack.events.get(event_id)
        return record is not None and record.status is DeliveryStatus.PAUSED

    def _all_is_archived(self) -> Iterator[str]:
        archive = self.stack.archive
        archived = {archive.get(key).message.body for key in archive.keys(None, None)}
        for body in sorted(self.stack.acknowledged - archived):
            yield f"the archive: {sha256(body).hexdigest()[:12]} was acknowledged"

    def _stories(self) -> Iterator[Event]:
        """The events of each code's life, as the code and its payments tell them now."""
        for number, code in self.newest.items():
            payments = self.stack.table.payments.get(number, {}).values()
            yield from derive_story(code, [payment.mark for payment in payments])

    def _all_is_told(self) -> Iterator[str]:
        stack = self.stack
        expected = {
            event.event_id: event
            for change in stack.stream.changes
            for event in derive_events(change)
        }
        records = stack.table.events | stack.table.deleted
        self.scheduler.counted["events"] += len(records)
        yield from each_payment_has_one_event(stack.table, records.values())
        # What the operator has made again shows a payment as it is now.
        again = {event.event_id: event for event in self._stories()}
        told_again = {_subject(again[event_id]) for event_id in records.keys() & again.keys()}
        for event_id in sorted(records.keys() - expected.keys() - again.keys()):
            yield f"every event: {event_id} is of no write"
        for event_id, event in expected.items():
            number = event.code.order_number
            record = records.get(event_id)
            if record is None:
                # Nobody but the stream tells of a payment that did not match and now does.
                is_known = event.type in MISMATCHES or _subject(event) in told_again
                if number not in stack.stream.untold or not is_known:
                    yield f"every event: {event.type} of {number} was never made"
                continue
            endpoint = stack.endpoints.get_endpoint(record.storefront_id)
            assert endpoint is not None
            taken = stack.receivers.taken.get(record.storefront_id, set())
            if record.status is DeliveryStatus.DELIVERED and event_id not in taken:
                yield f"every event: {event.type} of {number} was delivered to nobody"
            if record.status is DeliveryStatus.DEAD and event_id not in stack.letters.events:
                yield f"every event: {event.type} of {number} is dead and no letter says so"
            if record.status is DeliveryStatus.PAUSED and not endpoint.is_paused:
                yield f"pauses: {event.type} of {number} is paused and its endpoint is not"
            if record.status is DeliveryStatus.PENDING:
                yield f"every event: {event.type} of {number} still waits"
            if len(stack.receivers.bodies.get(event_id, set())) > 1:
                yield f"every event: {event.type} of {number} was sent in two versions"

    def _forgotten(self) -> Iterator[str]:
        for number, code in self.newest.items():
            history = self.stack.codes.get_history(number, 1000)
            assert history is not None
            if code.is_open:
                continue
            if code.customer or code.pay_url or code.metadata:
                yield f"personal data goes: {number} still has a customer"
            if any(telling.evidence.body for each in history.payments for telling in each.tellings):
                yield f"personal data goes: {number} still has DOKU's messages"


def _subject(event: Event) -> tuple[str, object]:
    """What an event is about: a payment, or else something that happens once to a code."""
    return event.code.order_number, event.payment.number if event.payment else event.type
