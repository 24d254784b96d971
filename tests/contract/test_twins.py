"""Whatever happens to them, the table in memory and the real one look the same."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from o2o.core.channels import Channel, Feature
from o2o.core.codes import PaymentCode, Status
from o2o.core.errors import O2OError
from o2o.core.notifications import KeptNotification
from o2o.core.pages import Page
from o2o.core.payments import Payment
from o2o.core.storefronts import ApiKey, Storefront
from tests.contract.conftest import Stores, memory_stores, new_table
from tests.support.examples import examples
from tests.support.samples import (
    NOW,
    make_code,
    make_completion,
    make_full_code,
    make_kept,
    make_own_code,
    make_report,
    make_settlement,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

INVOICES = st.sampled_from([f"INV-{number}" for number in range(5)] + ["INV", "INV-1#"])
SHOPS = st.sampled_from(["shop", "shop-2"])
ODD_RECEIPTS = ["1\ud800", "8" * 2000, "", "N/A"]
"""No key can hold the first two, but digests of them; the others identify nothing."""
RECEIPTS = st.sampled_from(["R-1", "0r-1", "R-2", "é", *ODD_RECEIPTS])
DIGITS = st.sampled_from(["889955123", "8899551234", "8899551235", None])
MINUTES = st.integers(-5, 5)
LIMITS = st.integers(1, 4)
Make = Callable[[str], PaymentCode]


class Cursor(NamedTuple):
    """Where both go on in a list. A cursor is opaque: each reads its own and no other."""

    memory: str
    engine: str


class Twins(RuleBasedStateMachine):
    """Every step is taken on both, and whatever one answers the other must answer too."""

    client: "DynamoDBClient"

    payments = Bundle("payments")
    """Payments that somebody recorded, or wanted to."""
    codes = Bundle("codes")
    """Codes as somebody read or wrote them, stale ones among them."""
    kept = Bundle("kept")
    cursors = Bundle("cursors")
    """Cursors into the payments of some code or other."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = memory_stores()
        self.engine = new_table(self.client).stores
        # No two instants are the same: an index may sort equals as it likes.
        self._ticks = count(1)

    def both(self, step: Callable[[Stores], Any]) -> Any:
        """The one answer of both; an error is an answer."""

        def answer(stores: Stores) -> Any:
            try:
                return step(stores)
            except O2OError as error:
                return type(error), str(error), vars(error)

        memory, engine = answer(self.memory), answer(self.engine)
        assert engine == memory
        return memory

    def both_pages(
        self, read: Callable[[Stores, str | None], Page[Any]], cursor: Cursor | None = None
    ) -> Cursor | None:
        """Where both go on after the same page; None if there is no more, or an error."""
        following: list[str | None] = []

        def step(stores: Stores) -> Any:
            given = cursor and (cursor.memory if stores is self.memory else cursor.engine)
            page = read(stores, given)
            following.append(page.next_cursor)
            return page.items, page.next_cursor is None

        self.both(step)
        match following:
            case [str(memory), str(engine)]:
                return Cursor(memory, engine)
        return None

    def instant(self, minutes: int) -> datetime:
        return NOW + timedelta(minutes=minutes, microseconds=next(self._ticks))

    def maybe(self, minutes: int | None) -> datetime | None:
        return None if minutes is None else self.instant(minutes)

    @initialize()
    def both_are_empty(self) -> None:
        assert self.both(lambda stores: stores.due.due(NOW + timedelta(days=1), 10)) == []

    @rule(
        target=codes,
        invoice=INVOICES,
        shop=SHOPS,
        created=MINUTES,
        due=st.none() | MINUTES,
        make=st.sampled_from([make_code, make_full_code]),
    )
    def create(
        self, invoice: str, shop: str, created: int, due: int | None, make: Make
    ) -> PaymentCode:
        code = replace(
            make(invoice),
            storefront_id=shop,
            created_at=self.instant(created),
            due_at=self.maybe(due),
        )
        taker = self.both(lambda stores: stores.codes.create(code))
        return taker if isinstance(taker, PaymentCode) else code

    @rule(
        target=codes,
        invoice=INVOICES,
        feature=st.sampled_from(Feature),
        channel=st.sampled_from(Channel),
        digits=DIGITS,
        former_holder=st.none() | INVOICES,
    )
    def claim(
        self,
        invoice: str,
        feature: Feature,
        channel: Channel,
        digits: str | None,
        former_holder: str | None,
    ) -> PaymentCode:
        code = make_own_code(
            invoice,
            feature=feature,
            channel=channel,
            payment_code=digits,
            created_at=self.instant(0),
            due_at=self.instant(1),
        )
        taker = self.both(lambda stores: stores.codes.create(code, former_holder=former_holder))
        return taker if isinstance(taker, PaymentCode) else code

    @rule(target=codes, invoice=INVOICES, digits=DIGITS, former=codes, takes_over=st.booleans())
    def supersede(
        self, invoice: str, digits: str | None, former: PaymentCode, takes_over: bool
    ) -> Any:
        if former.invoice_number == invoice:
            return multiple()
        code = make_own_code(
            invoice,
            payment_code=digits,
            replaces=former.invoice_number,
            created_at=self.instant(0),
            due_at=self.instant(1),
        )
        replaced = replace(former, version=former.version + 1, replaced_by=invoice)
        former_holder = former.invoice_number if takes_over else None
        self.both(
            lambda stores: stores.codes.create(code, former_holder=former_holder, replaced=replaced)
        )
        return multiple(code, replaced)

    @rule(channel=st.sampled_from(Channel), digits=DIGITS)
    def find_by_digits(self, channel: Channel, digits: str | None) -> None:
        self.both(lambda stores: stores.codes.find_by_digits(channel, digits or ""))

    @rule(target=codes, code=codes, due=st.none() | MINUTES, info=st.none() | st.text(max_size=5))
    def save(self, code: PaymentCode, due: int | None, info: str | None) -> Any:
        changed = replace(code, version=code.version + 1, due_at=self.maybe(due), info=info)
        self.both(lambda stores: stores.codes.save(changed))
        return changed

    @rule(
        target=payments,
        code=codes,
        is_current=st.booleans(),
        receipt_number=RECEIPTS,
        amount=st.decimals(1, 10**9, places=2),
        chain=st.lists(codes, max_size=2),
    )
    def record(
        self,
        code: PaymentCode,
        is_current: bool,
        receipt_number: str,
        amount: Any,
        chain: list[PaymentCode],
    ) -> Payment:
        others = {other.invoice_number: other for other in chain}
        others.pop(code.invoice_number, None)
        paid = replace(self.code_of(code, is_current), status=Status.PAID)
        settlement = replace(
            make_settlement(paid, receipt_number, amount=amount), seen=tuple(others.values())
        )
        self.both(lambda stores: stores.codes.record(settlement))
        return settlement.payment

    @rule(
        target=payments,
        code=codes,
        is_current=st.booleans(),
        payment=payments,
        receipt_number=RECEIPTS,
    )
    def complete(
        self, code: PaymentCode, is_current: bool, payment: Payment, receipt_number: str
    ) -> Payment:
        code = self.code_of(code, is_current)
        settlement = make_completion(code, payment, receipt_number=receipt_number)
        self.both(lambda stores: stores.codes.record(settlement))
        return settlement.payment

    def code_of(self, code: PaymentCode, is_current: bool) -> PaymentCode:
        """The code, which may be a stale one, or as it is now."""
        now = self.memory.codes.get(code.invoice_number)
        return now if now and is_current else code

    @rule(invoice=INVOICES, receipt_number=RECEIPTS, newest=st.integers(1, 4))
    def find_alike(self, invoice: str, receipt_number: str, newest: int) -> None:
        report = make_report(invoice, receipt_number=receipt_number)
        self.both(
            lambda stores: sorted(
                stores.codes.find_alike(report, newest), key=lambda payment: payment.number
            )
        )

    @rule(target=codes, invoice=INVOICES)
    def get(self, invoice: str) -> Any:
        code = self.both(lambda stores: stores.codes.get(invoice))
        return code or multiple()

    @rule(invoice=INVOICES, payments=st.integers(0, 4))
    def get_history(self, invoice: str, payments: int) -> None:
        self.both(lambda stores: stores.codes.get_history(invoice, payments))

    @rule(target=cursors, invoice=INVOICES, limit=LIMITS)
    def list_payments(self, invoice: str, limit: int) -> Any:
        return self.list_more_payments_of(invoice, limit, None)

    @rule(target=cursors, invoice=INVOICES, limit=LIMITS, cursor=cursors)
    def list_more_payments(self, invoice: str, limit: int, cursor: Cursor) -> Any:
        return self.list_more_payments_of(invoice, limit, cursor)

    def list_more_payments_of(self, invoice: str, limit: int, cursor: Cursor | None) -> Any:
        def read(stores: Stores, own: str | None) -> Page[Any]:
            return stores.codes.list_payments(invoice, limit=limit, cursor=own)

        return self.both_pages(read, cursor) or multiple()

    @rule(
        shop=SHOPS,
        since=st.none() | MINUTES,
        until=st.none() | MINUTES,
        limit=LIMITS,
        pages=st.integers(1, 4),
    )
    def list_codes(
        self, shop: str, since: int | None, until: int | None, limit: int, pages: int
    ) -> None:
        created_from, created_to = self.maybe(since), self.maybe(until)

        def read(stores: Stores, own: str | None) -> Page[Any]:
            return stores.codes.list_codes(
                shop, created_from=created_from, created_to=created_to, limit=limit, cursor=own
            )

        cursor = self.both_pages(read)
        for _ in range(pages - 1):
            if cursor is not None:
                cursor = self.both_pages(read, cursor)

    @rule(now=MINUTES, limit=LIMITS)
    def due(self, now: int, limit: int) -> None:
        instant = self.instant(now)
        self.both(lambda stores: stores.due.due(instant, limit))

    @rule(target=kept, invoice=INVOICES, number=st.integers(0, 3), due=st.none() | MINUTES)
    def keep(self, invoice: str, number: int, due: int | None) -> KeptNotification:
        kept = make_kept(
            invoice, f"0a{number}", received_at=self.instant(0), due_at=self.maybe(due)
        )
        self.both(lambda stores: stores.notifications.keep(kept))
        return kept

    @rule(kept=kept, due=st.none() | MINUTES)
    def postpone(self, kept: KeptNotification, due: int | None) -> None:
        due_at = self.maybe(due)
        self.both(lambda stores: stores.notifications.postpone(kept, due_at))

    @rule(kept=consumes(kept))
    def drop(self, kept: KeptNotification) -> None:
        self.both(lambda stores: stores.notifications.drop(kept))

    @rule(kept=kept, limit=LIMITS)
    def look_into_the_box(self, kept: KeptNotification, limit: int) -> None:
        self.both(lambda stores: stores.notifications.find(kept.invoice_number, kept.identity))

        def read(stores: Stores, own: str | None) -> Page[Any]:
            return stores.notifications.list_kept(limit=limit, cursor=own)

        following = self.both_pages(read)
        if following is not None:
            self.both_pages(read, following)

    @rule(
        shop=SHOPS,
        key=st.sampled_from(["k1", "k2"]),
        revoked=st.booleans(),
        namespace=st.sampled_from([None, "k7q2", "m3p9"]),
    )
    def use_the_registry(self, shop: str, key: str, revoked: bool, namespace: str | None) -> None:
        storefront = Storefront(shop, f"Shop {next(self._ticks)}", self.instant(0), namespace)
        api_key = ApiKey(key, shop, "0a", self.instant(0), self.maybe(1 if revoked else None))
        self.both(lambda stores: stores.storefronts.add_storefront(storefront))
        self.both(lambda stores: stores.storefronts.get_storefront(shop))
        self.both(lambda stores: stores.storefronts.list_storefronts(limit=5, cursor=None))
        self.both(lambda stores: stores.storefronts.put_key(api_key))
        self.both(lambda stores: stores.storefronts.get_key(key))
        self.both(lambda stores: stores.storefronts.list_keys(shop, limit=5, cursor=None))


@pytest.mark.hypothesis
def test_the_twins_stay_alike(dynoxide_client: "DynamoDBClient") -> None:
    Twins.client = dynoxide_client
    run_state_machine_as_test(
        Twins,
        settings=settings(max_examples=examples(40), stateful_step_count=40),
    )
