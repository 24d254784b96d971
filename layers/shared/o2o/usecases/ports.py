"""What the use cases need of the world, as protocols.

Adapters subclass them, so that what a method promises stands here once. What they speak of is
imported for the type checker alone: a process that starts would pay for all of the core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from o2o.core.archive import ArchivedMessage, ArchivedVersion
    from o2o.core.channels import Channel
    from o2o.core.closed_days import BooksClosed, BooksState, ClosedDay
    from o2o.core.codes import DokuCode, PaymentCode
    from o2o.core.deliveries import Attempt, EventRecord
    from o2o.core.endpoints import Endpoint
    from o2o.core.events import Event
    from o2o.core.how_to_pay import Instruction
    from o2o.core.inquiries import Inquiry, InquiryAnswer, SignedResponse
    from o2o.core.notifications import DokuMessage, KeptNotification, Notification, OrderStatus
    from o2o.core.pages import Page
    from o2o.core.payments import CodeHistory, Evidence, Payment, PaymentReport, Settlement
    from o2o.core.persons import Person
    from o2o.core.search import SearchChanges
    from o2o.core.storefronts import ApiKey, Branding, Storefront
    from o2o.core.work import Backlog, Work

Clock = Callable[[], datetime]
"""Now, as aware UTC: business time, which the local stack and tests can move."""

MachineClock = Callable[[], datetime]
"""Now, as aware UTC, by this machine's own clock: for whatever a program outside compares with
its own, such as the timestamp of a signature (decision 0045)."""

TimeLeft = Callable[[], float]
"""Seconds that the invocation may still spend."""

Render = Callable[["Event | BooksClosed"], str]
"""The body of the webhook for an event; the same text for the same event."""

ForgetPayload = Callable[[str], str]
"""An event's payload without what was personal on its code."""

TakePersonOut = Callable[[str, "Person", bool], str]
"""What is left of the body of a message of DOKU's without a person; the very same text if it does
not tell of them. The last argument: the message is about an order of theirs, so that whatever it
says of a customer goes."""

SecretsOf = Callable[[str, int], Sequence[str]]
"""A storefront's signing secrets of a version, as Standard Webhooks writes them, the newest first:
whsec_… There are two while what they are derived from is being changed."""


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


class Doku(Protocol):
    """DOKU's API. Every call raises DokuError and nothing else."""

    def compose(
        self, code: PaymentCode, expires_in_minutes: int, report: Mapping[str, str] | None = None
    ) -> str:
        """The exact body that asks for this code. Persist it before the first ``generate``.

        ``report`` are the code's columns in DOKU's settlement report, by their keys.
        """
        ...

    def generate(self, code: PaymentCode, time_left: TimeLeft) -> DokuCode:
        """Send a code's intent, or send it again for the answer that it had."""
        ...

    def check_status(self, order_number: str, time_left: TimeLeft) -> OrderStatus:
        """What became of an order. One that DOKU does not know is UNKNOWN."""
        ...


class DokuInbox(Protocol):
    """Opens DOKU's messages to us."""

    def verify(self, message: DokuMessage) -> Evidence:
        """Raises UntrustedMessage unless DOKU signed exactly these bytes for this path."""
        ...

    def read_notification(self, evidence: Evidence) -> Notification:
        """Raises UnreadableMessage."""
        ...

    def read_inquiry(self, evidence: Evidence) -> Inquiry:
        """Raises UnreadableMessage."""
        ...

    def sign_response(self, message: DokuMessage, answer: InquiryAnswer) -> SignedResponse:
        """Sign the answer to an inquiry; to one without our Client-Id it stays unsigned.

        Its Request-Id is echoed, its path is signed (DOKU protocol, section 2).
        """
        ...


class InstructionSource(Protocol):
    """DOKU's own words on how to pay."""

    def fetch(self, address: str, time_left: TimeLeft) -> Sequence[Instruction]:
        """The instructions at an address that DOKU gave; none if anything is wrong."""
        ...


# --- What is stored ---------------------------------------------------------------------


class DueIndex(Protocol):
    """Knows what is due: codes and kept notifications, those that somebody awaits, or events."""

    def due(self, now: datetime, limit: int, since: datetime | None = None) -> Sequence[Work]:
        """What is due at ``now``, the longest overdue first; at most ``limit``.

        ``since``: only what became due at that instant or later. A code at rest is due when it is
        to be forgotten.
        """
        ...


class CodeStore(Protocol):
    """Payment codes and their payments. Every read that is acted on is consistent."""

    def create(
        self,
        code: PaymentCode,
        *,
        former_holder: str | None = None,
        replaced: PaymentCode | None = None,
    ) -> PaymentCode | None:
        """Write a new code; if its order number is taken, write nothing and return the taker.

        Digits that were made here are claimed with it; ``former_holder`` has let them go.
        ``replaced`` is the code that it supersedes, one version on. All is written or none.
        Raises DigitsTaken, and VersionConflict if the superseded code changed.
        """
        ...

    def get(self, order_number: str) -> PaymentCode | None:
        """The code of an order number."""
        ...

    def get_all(self, order_numbers: Sequence[str]) -> Mapping[str, PaymentCode]:
        """The codes of order numbers, by those; what there is not is left out."""
        ...

    def get_payments(self, wanted: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Payment]:
        """Payments by their codes' order numbers and their ids; what there is not is left out."""
        ...

    def find_by_digits(self, channel: Channel, payment_code: str) -> PaymentCode | None:
        """The code that has claimed these digits, or had them last; in two reads."""
        ...

    def release_digits(self, channel: Channel, payment_code: str, *, holder: str) -> None:
        """Let go of the digits that a code had last, by its order number.

        Raises VersionConflict if another code has them now.
        """
        ...

    def forget_evidence(self, order_number: str) -> None:
        """Take DOKU's messages, and the digits in them, from a code's payments.

        Raises VersionConflict if more became known of one meanwhile.
        """
        ...

    def save_payment(self, order_number: str, payment: Payment) -> None:
        """Write a payment that is on record, without what was taken from DOKU's messages.

        Raises VersionConflict if more became known of it meanwhile.
        """
        ...

    def list_payments(self, order_number: str, *, limit: int, cursor: str | None) -> Page[Payment]:
        """A code's payments, as they were recorded. Raises InvalidRequest for a foreign cursor."""
        ...

    def get_payment(self, order_number: str, payment_id: str) -> Payment | None:
        """A payment of a code."""
        ...

    def get_history(self, order_number: str, payments: int) -> CodeHistory | None:
        """The code and its first ``payments`` payments, in one read."""
        ...

    def find_alike(self, report: PaymentReport, newest: int) -> Sequence[Payment]:
        """The payments of a code with many that a telling may speak of.

        The one that has its receipt number, and the ``newest`` ones.
        """
        ...

    def save(self, code: PaymentCode) -> None:
        """Write a code that is one version on. Raises VersionConflict if another was faster."""
        ...

    def record(self, settlement: Settlement) -> None:
        """Write a payment, new or known, and its code in one transaction.

        Raises VersionConflict if the code, or one that was seen, changed meanwhile.
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
        """A storefront's codes, newest first, both instants included.

        Raises InvalidRequest for a foreign cursor.
        """
        ...


class PaymentStore(Protocol):
    """Payments as lists: they are written with their codes (``CodeStore.record``).

    What was stored by version 0.1 is in them once it was upgraded.
    """

    def list_recorded(
        self,
        storefront_id: str,
        *,
        recorded_from: datetime | None,
        recorded_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[Payment]:
        """A storefront's payments as they became known, the newest first.

        Both instants are included. Raises InvalidRequest for a foreign cursor.
        """
        ...

    def list_paid(
        self,
        storefront_id: str,
        *,
        paid_from: datetime | None,
        paid_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[Payment]:
        """A storefront's payments by DOKU's date of them, the newest first.

        Both instants are included. Raises InvalidRequest for a foreign cursor.
        """
        ...

    def list_attention(
        self,
        storefront_id: str,
        *,
        recorded_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[Payment]:
        """Those that call for a person, the newest first. Raises InvalidRequest for a cursor."""
        ...

    def find_by_receipt(
        self, storefront_id: str, receipt_number: str, *, limit: int, cursor: str | None
    ) -> Page[Payment]:
        """A storefront's payments that have a receipt number, however it is written.

        Raises InvalidRequest for a foreign cursor.
        """
        ...

    def find_by_digits(
        self, storefront_id: str, payment_code: str, *, limit: int, cursor: str | None
    ) -> Page[Payment]:
        """The payments of a storefront's codes that have or had these digits.

        Raises InvalidRequest for a foreign cursor.
        """
        ...

    def find_order_numbers(self, storefront_id: str, payment_code: str) -> Sequence[str]:
        """The order numbers of a storefront's codes that have or had these digits, a hundred."""
        ...


class SearchIndex(Protocol):
    """What leads from digits and receipt numbers to codes and payments."""

    def change(self, changes: SearchChanges) -> None:
        """Add and remove entries. What was done before is done again without harm."""
        ...


class NotificationStore(Protocol):
    """Where messages are kept that match nothing yet."""

    def keep(self, notification: KeptNotification) -> bool:
        """Keep a message; False if it is here already."""
        ...

    def find(self, invoice_number: str, identity: str) -> KeptNotification | None:
        """A kept message."""
        ...

    def postpone(self, notification: KeptNotification, due_at: datetime | None) -> None:
        """Make it due then, or never by itself. One that was dropped meanwhile stays dropped."""
        ...

    def drop(self, notification: KeptNotification) -> None:
        """It has been settled: the payment's record holds the evidence now."""
        ...

    def of_order(self, invoice_number: str) -> Sequence[KeptNotification]:
        """All kept messages about an order."""
        ...

    def list_kept(self, *, limit: int, cursor: str | None) -> Page[KeptNotification]:
        """Kept messages, newest first."""
        ...


class MessageArchive(Protocol):
    """DOKU's signed messages outside the table: they are added, never changed (decision 0081)."""

    def keep(self, message: ArchivedMessage) -> None:
        """Keep a message. One that is kept twice, with the same instant, is there once."""
        ...

    def keys(self, since: datetime | None, until: datetime | None) -> Iterator[str]:
        """The keys of what was received in a time, both instants included, oldest first."""
        ...

    def get(self, key: str) -> ArchivedMessage:
        """A message by its key. Raises UnreadableMessage if what is there is none."""
        ...


class ArchiveVersions(Protocol):
    """The archive as the operator has it, who alone takes anything out of it (decision 0104)."""

    def versions(self, since: datetime, until: datetime) -> Iterator[ArchivedVersion]:
        """Every version of what was received in a time, both instants included, oldest key first.

        Those that were overwritten or deleted are among them.
        """
        ...

    def replace(self, version: ArchivedVersion, left: ArchivedMessage) -> datetime | None:
        """Delete a version; if it is the latest, ``left`` takes its place before.

        Returns until when a lock keeps it, if one does.
        """
        ...


class OrderSearch(Protocol):
    """Finds orders by the e-mail address of who pays: for the operator, it reads all there is."""

    def of_email(self, email: str) -> Iterator[tuple[str, bool]]:
        """Order numbers, and whether the code itself has the address or only DOKU's messages."""
        ...


class ArchiveReader(Protocol):
    """Reads the archive's messages as who received them did."""

    def is_proven(self, archived: ArchivedMessage) -> bool:
        """Whether DOKU's signature holds with a key that we have now."""
        ...

    def evidence(self, archived: ArchivedMessage) -> Evidence:
        """What was recorded of it as evidence."""
        ...

    def order_number(self, archived: ArchivedMessage) -> str | None:
        """The order that DOKU was asked about; None for a notification."""
        ...

    def read(self, archived: ArchivedMessage) -> Notification:
        """What it says. Raises UnreadableMessage."""
        ...


class BooksStore(Protocol):
    """The books of closed days, and where closing stands. Every read is consistent."""

    def get_state(self) -> BooksState | None:
        """Where closing stands; None before it began."""
        ...

    def save_state(self, state: BooksState) -> None:
        """Write a state that is one version on: version 1 is a new one. Raises VersionConflict."""
        ...

    def add(self, closed: ClosedDay) -> ClosedDay | None:
        """Write a new edition, or return the one that is here already. Editions never change."""
        ...

    def get(
        self, storefront_id: str | None, day: str, edition: int | None = None
    ) -> ClosedDay | None:
        """A day's book, of a storefront or (None) of the stack; the newest edition, or that one."""
        ...

    def list_days(
        self, storefront_id: str | None, *, limit: int, cursor: str | None
    ) -> Page[ClosedDay]:
        """The newest editions of all closed days, the newest day first.

        Raises InvalidRequest for a foreign cursor.
        """
        ...


class BooksFiles(Protocol):
    """The books' bucket: what was written once stays as it is."""

    def write(self, key: str, parts: Iterable[bytes]) -> str:
        """Write a new file and return its SHA-256 in hex.

        One that is there already stays, and it is its SHA-256 that is returned.
        """
        ...

    def read(self, key: str) -> bytes | None:
        """A file; None: there is none."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin so, in order."""
        ...


class StorefrontStore(Protocol):
    """Storefronts, their keys and their branding."""

    def add_storefront(self, storefront: Storefront) -> bool:
        """Write a new storefront; False if its id is taken.

        Raises VersionConflict if its namespace is another's.
        """
        ...

    def get_storefront(self, storefront_id: str) -> Storefront | None:
        """A storefront by its id."""
        ...

    def list_storefronts(self, *, limit: int, cursor: str | None) -> Page[Storefront]:
        """All storefronts, newest first."""
        ...

    def put_usage_key(self, storefront_id: str, usage_key: str) -> None:
        """Write the usage key of a storefront that exists, and of all its API keys."""
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

    def put_branding(self, branding: Branding) -> None:
        """Write a storefront's branding, new or changed."""
        ...

    def get_branding(self, storefront_id: str) -> Branding | None:
        """A storefront's branding, if it was ever given one."""
        ...


class RateLimits(Protocol):
    """Where the API counts each storefront's requests."""

    def open(self, storefront_id: str) -> str:
        """Give a storefront a count of its own, unless it has one; returns its usage key."""
        ...


class EventStore(Protocol):
    """Events and what became of them. Every read that is acted on is consistent."""

    def add(self, record: EventRecord) -> EventRecord | None:
        """Write a new event, or return the one that is here already under its id."""
        ...

    def get(self, event_id: str) -> EventRecord | None:
        """An event by its id."""
        ...

    def get_all(self, event_ids: Sequence[str]) -> Mapping[str, EventRecord]:
        """Events by their ids; what there is not is left out."""
        ...

    def save(self, record: EventRecord) -> None:
        """Write an event that is one version on. Raises VersionConflict."""
        ...

    def list_events(
        self,
        storefront_id: str,
        *,
        created_from: datetime | None,
        created_to: datetime | None,
        limit: int,
        cursor: str | None,
    ) -> Page[EventRecord]:
        """A storefront's events, newest first, both instants included.

        Raises InvalidRequest for a foreign cursor.
        """
        ...


class EndpointStore(Protocol):
    """The storefronts' endpoints."""

    def get_endpoint(self, storefront_id: str) -> Endpoint | None:
        """A storefront's endpoint."""
        ...

    def save_endpoint(self, endpoint: Endpoint) -> None:
        """Write an endpoint: version 1 is a new one. Raises VersionConflict."""
        ...


# --- What is sent -----------------------------------------------------------------------


class WorkQueue(Protocol):
    """Where ``expire_codes`` puts what is due, for the functions that do the work."""

    def backlog(self) -> Backlog:
        """About how many entries wait, and how many are under way."""
        ...

    def put(self, work: Iterable[Work]) -> None:
        """Queue work. Raises O2OError if any entry was not taken."""
        ...


class EventBus(Protocol):
    """Where the operator's own systems listen."""

    def put(self, records: Sequence[EventRecord]) -> None:
        """Announce events, ten at most.

        Raises O2OError if the bus did not take each of them, Busy if it may soon.
        """
        ...


class WebhookSender(Protocol):
    """Sends messages over the public network, and nowhere else."""

    def check(self, url: str) -> None:
        """Raises InvalidRequest for an address that nothing will ever be sent to."""
        ...

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """Send once. Whatever goes wrong stands in the attempt."""
        ...


class DeadLetters(Protocol):
    """Where events that could not be delivered are kept for the operator."""

    def put(self, record: EventRecord) -> None:
        """Keep an event's id. Raises O2OError."""
        ...
