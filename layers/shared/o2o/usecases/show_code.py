"""Show a code to its customer, who has nothing but the address of a page."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from o2o.core.bins import BinTable
from o2o.core.codes import PaymentCode, PaymentKind, Status
from o2o.core.errors import NotFound
from o2o.core.payments import Payment
from o2o.core.storefronts import Branding
from o2o.usecases.chain import read_chain
from o2o.usecases.ports import Clock, CodeStore, StorefrontStore

PAYMENTS_READ = 20

_BRANDING_AGE = timedelta(minutes=1)


class PageState(StrEnum):
    """What a customer can make of a code."""

    REQUESTED = "requested"
    """It has no digits yet."""
    ACTIVE = "active"
    """It can be paid."""
    CLOSING = "closing"
    """Its time is over, and whether it was paid in time is not settled yet."""
    PAID = "paid"
    PAID_BEFORE = "paid_before"
    """The order was paid with a code that this one replaces: it must not be paid again."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REPLACED = "replaced"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        """Whether it will change soon, and by itself."""
        return self in (PageState.REQUESTED, PageState.ACTIVE, PageState.CLOSING)


@dataclass(frozen=True, slots=True)
class PageStatus:
    """The state of a code at an instant: all that a page needs to know whether to change."""

    code: PaymentCode
    state: PageState
    now: datetime
    other: PaymentCode | None = None
    """The code that was paid instead of this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A code as its customer sees it."""

    status: PageStatus
    branding: Branding
    storefront_name: str
    biller: str
    """Whom the customer names to the cashier."""
    payments: tuple[Payment, ...] = ()
    """By time; the first 20."""
    elsewhere: str | None = None
    """What opens the page that this one sends its customer to."""

    @property
    def code(self) -> PaymentCode:
        """The code."""
        return self.status.code

    @property
    def merchant(self) -> str:
        """Whom the customer pays."""
        return self.branding.name or self.storefront_name

    @property
    def paid_by(self) -> Payment | None:
        """The payment that counts: the first one that matches."""
        matching = (PaymentKind.PAID, PaymentKind.PAID_LATE)
        return next((each for each in self.payments if each.kind in matching), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCode:
    """The use case. A token that was not made here is refused without any read of the table."""

    codes: CodeStore
    storefronts: StorefrontStore
    clock: Clock
    bins: BinTable
    page_token: Callable[[str], str]
    read_page_token: Callable[[str], str | None]
    _brandings: dict[str, tuple[Branding, str, datetime]] = field(default_factory=dict, repr=False)

    def __call__(self, token: str) -> Shown:
        """The whole page. Raises NotFound."""
        order_number = self._open(token)
        history = self.codes.get_history(order_number, PAYMENTS_READ)
        if history is None or history.code.forgotten_at is not None:
            raise _no_such_page()
        status = self._status(history.code)
        other = status.other.order_number if status.other else history.code.replaced_by
        branding, name = self._branding(history.code.storefront_id)
        return Shown(
            status=status,
            branding=branding,
            storefront_name=name,
            biller=self.bins.biller(history.code.channel, history.code.bin),
            payments=tuple(sorted(history.own, key=lambda payment: payment.when)),
            elsewhere=other and self.page_token(other),
        )

    def status(self, token: str) -> PageStatus:
        """The page's status alone, in one read for most codes. Raises NotFound."""
        code = self.codes.get(self._open(token))
        if code is None or code.forgotten_at is not None:
            raise _no_such_page()
        return self._status(code)

    def _open(self, token: str) -> str:
        order_number = self.read_page_token(token)
        if order_number is None:
            raise _no_such_page()
        return order_number

    def _status(self, code: PaymentCode) -> PageStatus:
        now = self.clock()
        state = _state(code, now)
        if state.is_open and code.replaces is not None:
            chain = read_chain(self.codes, code)
            paid = next((each for each in chain if each.status is Status.PAID), None)
            if paid is not None:
                return PageStatus(code, PageState.PAID_BEFORE, now, paid)
        return PageStatus(code, state, now)

    def _branding(self, storefront_id: str) -> tuple[Branding, str]:
        """A storefront's branding and name, at most a minute old."""
        now = self.clock()
        if storefront_id in self._brandings:
            branding, name, read_at = self._brandings[storefront_id]
            if read_at <= now < read_at + _BRANDING_AGE:
                return branding, name
        branding = self.storefronts.get_branding(storefront_id) or Branding(storefront_id)
        storefront = None if branding.name else self.storefronts.get_storefront(storefront_id)
        name = storefront.name if storefront else storefront_id
        self._brandings[storefront_id] = branding, name, now
        return branding, name


def _state(code: PaymentCode, now: datetime) -> PageState:
    if code.replaced_by is not None and code.status is not Status.PAID:
        return PageState.REPLACED
    if code.status is Status.ACTIVE and now >= code.expiry:
        return PageState.CLOSING
    return PageState(code.status)


def _no_such_page() -> NotFound:
    return NotFound("there is no such page")
