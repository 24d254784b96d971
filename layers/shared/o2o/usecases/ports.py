"""What the use cases need of the world, as protocols."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from o2o.core.channels import Channel
from o2o.core.codes import DokuCode, PaymentCode
from o2o.core.how_to_pay import Instruction
from o2o.core.inquiries import InquiryAnswer
from o2o.core.look import Look
from o2o.core.payments import Evidence, Payment, PaymentReport, Settlement

Clock = Callable[[], datetime]
"""Now, as aware UTC."""

TimeLeft = Callable[[], float]
"""Seconds that the invocation may still spend."""


class Entropy(Protocol):
    """Chance, from a cryptographic source."""

    def request_id(self) -> str:
        """A new Request-Id for DOKU."""
        ...

    def token(self, length: int) -> str:
        """Random lower-case letters and digits: 36 equally likely values a character."""
        ...

    def randbelow(self, bound: int) -> int:
        """A number from 0 to ``bound`` - 1, all equally likely."""
        ...


# --- DOKU -------------------------------------------------------------------------------


class OrderState(StrEnum):
    """``transaction.status`` of a status check or a notification (DOKU protocol, section 7)."""

    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"
    REFUNDED = "REFUNDED"
    UNKNOWN = "UNKNOWN"
    """DOKU knows no such order."""
    OTHER = "OTHER"
    """DOKU names a status that the protocol does not: it knows the order, no more is certain."""


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """DOKU's view of an order; ``payment`` comes with SUCCESS."""

    state: OrderState
    payment: PaymentReport | None = None


class Doku(Protocol):
    """DOKU's API. Every call raises DokuError and nothing else."""

    def compose(self, code: PaymentCode, expires_in_minutes: int) -> str:
        """The exact body that asks for this code. Persist it before the first ``generate``."""
        ...

    def generate(self, code: PaymentCode, time_left: TimeLeft) -> DokuCode:
        """Send a code's intent, or send it again for the answer that it had."""
        ...

    def check_status(self, invoice_number: str, time_left: TimeLeft) -> OrderStatus:
        """What became of an order."""
        ...


@dataclass(frozen=True, slots=True)
class Inquiry:
    """DOKU's question about digits; ``channel`` is None if it is none of ours."""

    channel: Channel | None
    payment_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A signed answer of ours, as it goes over the wire."""

    http_status: int
    headers: Mapping[str, str] = field(repr=False)
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notification:
    """A signed message of DOKU's about an order."""

    state: OrderState
    payment: PaymentReport | None


class InstructionSource(Protocol):
    """DOKU's own words on how to pay."""

    def fetch(self, address: str, time_left: TimeLeft) -> Sequence[Instruction]:
        """The instructions at an address that DOKU gave; none if anything is amiss."""
        ...


class DokuInbox(Protocol):
    """Opens DOKU's messages to us."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> Evidence:
        """Raises UntrustedMessage unless DOKU signed exactly these bytes for this path."""
        ...

    def read_notification(self, evidence: Evidence) -> Notification:
        """Raises UnreadableMessage."""
        ...

    def read_inquiry(self, evidence: Evidence) -> Inquiry:
        """Raises UnreadableMessage."""
        ...

    def seal(self, headers: Mapping[str, str], answer: InquiryAnswer) -> Sealed:
        """Sign the answer to an inquiry that came with these headers."""
        ...


# --- State ------------------------------------------------------------------------------

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list; ``next_cursor`` is opaque, None at the end."""

    items: Sequence[Item]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class CodeHistory:
    """A code and its payments, at most as many as were asked for."""

    code: PaymentCode
    payments: Sequence[Payment] = ()


class WorkKind(StrEnum):
    """What is due."""

    CODE = "code"
    NOTIFICATION = "notification"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Work:
    """Something whose time has come.

    ``identity`` tells a kept notification from its like; an event has nothing but its own.
    """

    kind: WorkKind
    invoice_number: str
    identity: str = ""
    due_at: datetime | None = None


class Ledger(Protocol):
    """Payment codes and their payments. Every read that is acted on is consistent."""

    def create(
        self,
        code: PaymentCode,
        *,
        former_holder: str | None = None,
        replaced: PaymentCode | None = None,
    ) -> PaymentCode | None:
        """Write a new code; if its invoice number is taken, write nothing and return the taker.

        Digits that were made here are claimed with it; ``former_holder`` has let them go.
        ``replaced`` is the code that gives way to it, one version on. All is written or none.
        Raises DigitsTaken, and VersionConflict if the code that gives way changed.
        """
        ...

    def get(self, invoice_number: str) -> PaymentCode | None:
        """The code of an invoice number."""
        ...

    def find_by_digits(self, channel: Channel, payment_code: str) -> PaymentCode | None:
        """The code that has claimed these digits, or had them last; in two reads."""
        ...

    def list_payments(
        self, invoice_number: str, *, limit: int, cursor: str | None
    ) -> Page[Payment]:
        """A code's payments, by identity. Raises InvalidRequest for a foreign cursor."""
        ...

    def get_history(self, invoice_number: str, payments: int) -> CodeHistory | None:
        """The code and its first ``payments`` payments, in one read."""
        ...

    def save(self, code: PaymentCode) -> None:
        """Write a code that is one version on. Raises VersionConflict if another was faster."""
        ...

    def record(self, settlement: Settlement) -> Payment | None:
        """Write a payment and its code in one transaction.

        If the payment's identity is taken, writes nothing and returns the payment that has
        it. Raises VersionConflict if the code, or one that was seen, changed meanwhile.
        """
        ...

    def list_codes(
        self,
        storefront_id: str,
        *,
        created_from: datetime | None,
        created_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[PaymentCode]:
        """A storefront's codes, newest first. Raises InvalidRequest for a foreign cursor."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[Work]:
        """What is due at ``now``, the longest overdue first; at most ``limit``."""
        ...


class KeptFor(StrEnum):
    """Why a signed message of DOKU's was kept instead of settled."""

    UNMATCHED = "unmatched"
    UNREADABLE = "unreadable"
    NOT_SUCCESS = "not_success"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptNotification:
    """A signed message that could not be settled. Nothing of DOKU's is ever thrown away."""

    invoice_number: str
    identity: str
    reason: KeptFor
    evidence: Evidence
    received_at: datetime
    due_at: datetime | None = None
    dismissed: str | None = None
    """Why a person wants to see it no more; it is kept as evidence all the same."""


class NotificationBox(Protocol):
    """Where messages are kept that match nothing yet."""

    def keep(self, notification: KeptNotification) -> bool:
        """Keep a message; False if it is here already."""
        ...

    def find(self, invoice_number: str, identity: str) -> KeptNotification | None:
        """A kept message."""
        ...

    def postpone(self, notification: KeptNotification, due_at: datetime | None) -> None:
        """Look at it again then, or never by itself."""
        ...

    def drop(self, notification: KeptNotification) -> None:
        """It has been settled: the payment's record holds the evidence now."""
        ...

    def list_kept(self, *, limit: int, cursor: str | None) -> Page[KeptNotification]:
        """Kept messages, newest first."""
        ...


class Agenda(Protocol):
    """What knows its next look: a ledger, or a store of events."""

    def due(self, now: datetime, limit: int) -> Sequence[Work]:
        """What is due at ``now``, the longest overdue first; at most ``limit``."""
        ...


class WorkQueue(Protocol):
    """Where the sweep puts what is due, for the reconciler or for the delivery of events."""

    def backlog(self) -> int:
        """About how many entries wait or are under way."""
        ...

    def put(self, work: Iterable[Work]) -> None:
        """Queue work. Raises O2OError if any entry was not taken."""
        ...


# --- Storefronts ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Storefront:
    """A shop or application that asks for payment codes."""

    storefront_id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as it is stored: its secret's SHA-256 only."""

    key_id: str
    storefront_id: str
    secret_sha256: str = field(repr=False)
    created_at: datetime
    revoked_at: datetime | None = None


class Registry(Protocol):
    """Storefronts, their keys and their looks."""

    def add_storefront(self, storefront: Storefront) -> bool:
        """Write a new storefront; False if its id is taken."""
        ...

    def get_storefront(self, storefront_id: str) -> Storefront | None:
        """A storefront by its id."""
        ...

    def list_storefronts(self, *, limit: int, cursor: str | None) -> Page[Storefront]:
        """All storefronts, newest first."""
        ...

    def put_key(self, key: ApiKey) -> None:
        """Write a key, new or changed."""
        ...

    def get_key(self, key_id: str) -> ApiKey | None:
        """A key by its id."""
        ...

    def list_keys(self, storefront_id: str, *, limit: int, cursor: str | None) -> Page[ApiKey]:
        """A storefront's keys, newest first."""
        ...

    def put_look(self, look: Look) -> None:
        """Write a storefront's look on its customers' pages, new or changed."""
        ...

    def get_look(self, storefront_id: str) -> Look | None:
        """A storefront's look, if it was ever given one."""
        ...
