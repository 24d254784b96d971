"""The one table: every key, index entry, item and condition.

    item               pk                             sk                       listing
    code               CODE#<order number>            CODE                     CODES#<storefront>
    payment            CODE#<order number>            PAYMENT#<number>         PAYMENTS#<storefront>
    call for a person  CODE#<order number>            ATTENTION#<number>       ATTENTIONS#<storefr.>
    search entry       SEARCH#<storefront>            DIGITS#<digest>#<order number>
    search entry       SEARCH#<storefront>            RECEIPT#<digest>#<order number>#<number>
    its receipt        CODE#<order number>            RECEIPT#<receipt number>
    claim on digits    DIGITS#<channel>#<digits>      CLAIM
    kept notification  NOTIFICATION#<order number>    NOTIFICATION#<identity>  NOTIFICATIONS
    storefront         STOREFRONT#<id>                STOREFRONT               STOREFRONTS
    its namespace      NAMESPACE#<namespace>          NAMESPACE
    its endpoint       ENDPOINT#<storefront id>       ENDPOINT
    event              EVENT#<event id>               EVENT                    EVENTS#<storefront>
    its branding       STOREFRONT#<id>                BRANDING
    API key            KEY#<key id>                   KEY                      KEYS#<storefront>
    audit entry        AUDIT#<audit id>               AUDIT, AUDIT#OUTCOME     AUDITS
    day's book         BOOKS#<storefront>#<day>#<edition>  EDITION
    its newest edition BOOKS#<storefront>             DAY#<day>
    the stack's books  BOOKS                          DAY#<day>, EDITION#<day>#<edition>
    state of closing   BOOKS                          STATE

Index ``due`` (``due_shard``, ``due_at``) holds what has a next look or is to be forgotten, in
three lanes (``Due``), so that nothing hides what matters more;
index ``listing`` (``listing``, ``created_at``) holds what is listed;
index ``paid`` (``paid_to``, ``paid_at``) holds payments by their own date. All project keys only:
nothing is read from an index and then trusted. An item's other attributes are the fields of its
dataclass (see ``codec``), so an instant that an index sorts by is stored once.

TTL deletes what nothing hangs on: settled events, and messages that nobody need look at. Codes,
their payments and claims on digits stay for good (decision 0046).

An item's class is imported where an item becomes one: a function pays for its own ones only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from o2o.adapters.dynamodb.codec import Attributes, dump, instant_text, load, parse_instant
from o2o.core.work import Work, WorkKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from o2o.core.audit import AuditEntry
    from o2o.core.channels import Channel
    from o2o.core.closed_days import BooksState, ClosedDay
    from o2o.core.codes import PaymentCode
    from o2o.core.deliveries import EventRecord
    from o2o.core.endpoints import Endpoint
    from o2o.core.notifications import KeptNotification
    from o2o.core.payments import Payment
    from o2o.core.search import SearchEntry
    from o2o.core.storefronts import ApiKey, Branding, Storefront
    from o2o.core.timetable import Retention

DUE_INDEX = "due"
LISTING_INDEX = "listing"
PAID_INDEX = "paid"

INDEXED = ("pk", "sk", "due_shard", "due_at", "listing", "created_at", "paid_to", "paid_at")
"""What keys and index entries are made of."""

DUE_SHARDS = 8
"""The due index is spread over this many partitions. Growing it is safe, shrinking is not."""

_LONGEST_PART = 512
"""Bytes of an invoice number or identity inside a key: DynamoDB allows a sort key 1,024."""


# --- Keys -------------------------------------------------------------------------------


class Key(NamedTuple):
    """The primary key of an item."""

    pk: str
    sk: str

    @property
    def attributes(self) -> Attributes:
        """The key as DynamoDB wants it."""
        return {"pk": {"S": self.pk}, "sk": {"S": self.sk}}

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Key:
        """The key of an item or of an index entry."""
        return cls(item["pk"]["S"], item["sk"]["S"])


PAYMENT = "PAYMENT#"


def code_key(order_number: str) -> Key:
    """The key of a code."""
    return Key(f"CODE#{key_part(order_number)}", "CODE")


def order_number(key: Mapping[str, Any]) -> str:
    """Whose key it is: a code's, or that of anything in its partition."""
    _, _, found = key["pk"]["S"].partition("#")
    return str(found)


def payment_key(order_number: str, payment_id: str) -> Key:
    """The key of a payment, in the partition of its code: they sort as they were recorded."""
    return Key(code_key(order_number).pk, PAYMENT + _payment_part(payment_id))


def attention_key(order_number: str, payment_id: str) -> Key:
    """The key of what says that a payment calls for a person."""
    return Key(code_key(order_number).pk, f"ATTENTION#{_payment_part(payment_id)}")


def _payment_part(payment_id: str) -> str:
    # An identity, which payments had before they were numbered, is longer than any number.
    return f"{int(payment_id):010}" if _NUMBER.fullmatch(payment_id) else key_part(payment_id)


_NUMBER = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)


def receipt_key(order_number: str, receipt_number: str) -> Key:
    """The key of what leads from a receipt number to its payment, of reusable codes."""
    return Key(code_key(order_number).pk, f"RECEIPT#{key_part(receipt_number)}")


def search_key(entry: SearchEntry) -> Key:
    """The key of a search entry: all that are of one value stand together."""
    pk, prefix = search_place(entry.storefront_id, entry.by, entry.value)
    parts = [entry.order_number, *([entry.payment_id] if entry.payment_id else [])]
    return Key(pk, prefix + "#".join(map(key_part, parts)))


def search_place(storefront_id: str, by: str, value: str) -> tuple[str, str]:
    """The partition of a storefront's search entries, and how the keys of one value begin.

    ``by`` is a ``SearchBy``.
    """
    # A receipt number is anybody's text: as a digest it can't run into what stands behind it.
    part = sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"SEARCH#{key_part(storefront_id)}", f"{by.upper()}#{part}#"


_DIGEST = 32


def claim_key(channel: Channel, payment_code: str) -> Key:
    """The key of the claim on digits that were made here."""
    return Key(f"DIGITS#{channel}#{key_part(payment_code)}", "CLAIM")


def claim_key_of(code: PaymentCode) -> Key | None:
    """The key of a code's claim, or None: its digits were not made here."""
    if not code.merchant_made or code.payment_code is None:
        return None
    return claim_key(code.channel, code.payment_code)


def is_code(item: Mapping[str, Any]) -> bool:
    """Whether an item of a code's partition is the code."""
    return bool(item["sk"]["S"] == "CODE")


def notification_key(invoice_number: str, identity: str) -> Key:
    """The key of a kept notification."""
    return Key(f"NOTIFICATION#{key_part(invoice_number)}", f"NOTIFICATION#{key_part(identity)}")


def storefront_key(storefront_id: str) -> Key:
    """The key of a storefront."""
    return Key(f"STOREFRONT#{key_part(storefront_id)}", "STOREFRONT")


def namespace_key(namespace: str | None) -> Key:
    """The key that keeps a namespace one storefront's; no namespace is the first one's."""
    return Key(f"NAMESPACE#{namespace or ''}", "NAMESPACE")


def branding_key(storefront_id: str) -> Key:
    """The key of a storefront's branding."""
    return Key(storefront_key(storefront_id).pk, "BRANDING")


def endpoint_key(storefront_id: str) -> Key:
    """The key of a storefront's endpoint."""
    return Key(f"ENDPOINT#{key_part(storefront_id)}", "ENDPOINT")


def event_key(event_id: str) -> Key:
    """The key of an event."""
    return Key(f"EVENT#{key_part(event_id)}", "EVENT")


def api_key_key(key_id: str) -> Key:
    """The key of an API key."""
    return Key(f"KEY#{key_part(key_id)}", "KEY")


def audit_key(entry: AuditEntry) -> Key:
    """The key of an entry of the audit: of a command's beginning, or of its end."""
    return Key(f"AUDIT#{entry.audit_id}", "AUDIT" if entry.outcome is None else "AUDIT#OUTCOME")


DAY = "DAY#"

BOOKS_STATE = Key("BOOKS", "STATE")
"""The key of where closing stands."""


def books_key(storefront_id: str | None, day: str, edition: int | None = None) -> Key:
    """The key of a day's book, of a storefront or of the stack: of its newest edition, or of one.

    The newest ones sort by their days. A storefront's editions have a sort key of their own, by
    which the stream's reader is woken.
    """
    pk = "BOOKS" if storefront_id is None else f"BOOKS#{key_part(storefront_id)}"
    if edition is None:
        return Key(pk, DAY + day)
    if storefront_id is None:
        return Key(pk, f"EDITION#{day}#{edition:04}")
    return Key(f"{pk}#{day}#{edition:04}", "EDITION")


def is_edition(item: Mapping[str, Any]) -> bool:
    """Whether an item is an edition of a storefront's book."""
    return bool(item["sk"]["S"] == "EDITION")


def key_part(text: str) -> str:
    """What a key holds of a text: the text, or its digest if a key can't hold it.

    Invoice numbers and receipt numbers come from DOKU too, and a message that is
    too odd for a key must be kept all the same. A digest is its own part.
    """
    try:
        fits = len(text.encode()) <= _LONGEST_PART
    except UnicodeEncodeError:
        fits = False
    return text if fits else sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# --- Index "due" ------------------------------------------------------------------------


class Due(StrEnum):
    """The lanes of the index, by what the names of their shards begin with."""

    CODES = "DUE#"
    AWAITED = "DUE#AWAITED-"
    """Codes and messages for which a customer or a cashier waits (decision 0095)."""
    EVENTS = "DUE#EVENT-"
    """A storefront that is down must not hide a code."""


def due_queries(
    lane: Due, now: datetime, since: datetime | None = None
) -> Iterator[dict[str, Any]]:
    """The parameters that query each shard for what is due, the longest overdue first."""
    for shard in range(DUE_SHARDS):
        yield {
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": "due_shard = :shard AND due_at BETWEEN :since AND :now",
            "ExpressionAttributeValues": {
                ":shard": {"S": f"{lane}{shard}"},
                # Not behind the other: a clock may have gone back, and DynamoDB would refuse it.
                ":since": {"S": instant_text(min(since, now)) if since else "0"},
                ":now": {"S": instant_text(now)},
            },
        }


def due_as_in_01(item: Attributes) -> Attributes:
    """An item for version 0.1.0, which does not look for what is awaited in a lane of its own."""
    shard = item.get("due_shard", {"S": ""})["S"]
    if not shard.startswith(Due.AWAITED):
        return item
    return item | {"due_shard": {"S": Due.CODES + shard.removeprefix(Due.AWAITED)}}


def load_work(entry: Mapping[str, Any]) -> Work:
    """What an entry of the due index stands for, by its keys."""
    kind, _, named = entry["pk"]["S"].partition("#")
    _, _, identity = entry["sk"]["S"].partition("#")
    due_at = parse_instant(entry["due_at"]["S"])
    if WorkKind(kind.lower()) is WorkKind.EVENT:
        return Work(WorkKind.EVENT, "", named, due_at)
    return Work(WorkKind(kind.lower()), named, identity, due_at)


def _due(name: str, due_at: datetime | None, lane: Due = Due.CODES) -> Attributes:
    """Only what is due at some time is in the index; ``due_at`` itself is a field of the item."""
    if due_at is None:
        return {}
    return {"due_shard": {"S": f"{lane}{crc32(key_part(name).encode()) % DUE_SHARDS}"}}


# --- Index "listing" --------------------------------------------------------------------

STOREFRONTS_LISTING = "STOREFRONTS"
NOTIFICATIONS_LISTING = "NOTIFICATIONS"
AUDIT_LISTING = "AUDITS"


def codes_listing(storefront_id: str) -> str:
    """The partition that lists a storefront's codes."""
    return f"CODES#{key_part(storefront_id)}"


def events_listing(storefront_id: str) -> str:
    """The partition that lists a storefront's events."""
    return f"EVENTS#{key_part(storefront_id)}"


def payments_listing(storefront_id: str) -> str:
    """The partition that lists a storefront's payments."""
    return f"PAYMENTS#{key_part(storefront_id)}"


def attention_listing(storefront_id: str) -> str:
    """The partition that lists a storefront's payments that call for a person."""
    return f"ATTENTIONS#{key_part(storefront_id)}"


def keys_listing(storefront_id: str) -> str:
    """The partition that lists a storefront's API keys."""
    return f"KEYS#{key_part(storefront_id)}"


# --- Items ------------------------------------------------------------------------------


def code_item(code: PaymentCode, retention: Retention) -> Attributes:
    """A code's whole item. In the due index one at rest stands under when it is forgotten."""
    item = dump(code) | code_key(code.order_number).attributes
    item["listing"] = {"S": codes_listing(code.storefront_id)}
    if code.is_at_rest:
        item[_AT_REST] = {"BOOL": True}
        forget_at = code.forget_at(retention)
        if forget_at is None:
            return item
        item["due_at"] = {"S": instant_text(forget_at)}
        return item | _due(code.order_number, forget_at)
    lane = Due.AWAITED if code.is_awaited else Due.CODES
    return item | _due(code.order_number, code.due_at, lane)


_AT_REST = "at_rest"


def load_code(item: Mapping[str, Any]) -> PaymentCode:
    """The code of an item. One at rest is only forgotten, whatever the due index says."""
    from o2o.core.codes import PaymentCode

    if _AT_REST in item:
        item = {name: value for name, value in item.items() if name != "due_at"}
    return load(PaymentCode, item)


def claim_item(claim: Key, code: PaymentCode) -> Attributes:
    """The claim of a code on its digits."""
    return {
        **claim.attributes,
        # Named so by version 0.1, whose order numbers were plain invoice numbers.
        "invoice_number": {"S": code.order_number},
    }


def load_holder(item: Mapping[str, Any]) -> str:
    """The order number that a claim names."""
    return str(item["invoice_number"]["S"])


def payment_item(order_number: str, payment: Payment) -> Attributes:
    """A payment's item, with its evidence."""
    item = dump(payment) | payment_key(order_number, payment.payment_id).attributes
    if payment.code is None:
        return item
    return {
        **item,
        "listing": {"S": payments_listing(payment.code.storefront_id)},
        "created_at": {"S": instant_text(payment.recorded_at)},
        "paid_to": {"S": payments_listing(payment.code.storefront_id)},
        "paid_at": {"S": instant_text(payment.report.paid_at)},
    }


def attention_item(code: PaymentCode, payment: Payment) -> Attributes:
    """What says that a payment calls for a person; once one has come, it is in no list."""
    item = {
        **attention_key(code.order_number, payment.payment_id).attributes,
        "payment": {"S": payment_key(code.order_number, payment.payment_id).sk},
    }
    if not payment.needs_attention:
        return item
    return {
        **item,
        "listing": {"S": attention_listing(code.storefront_id)},
        "created_at": {"S": instant_text(payment.recorded_at)},
    }


def search_item(entry: SearchEntry) -> Attributes:
    """A search entry's item."""
    return {**dump(entry), **search_key(entry).attributes}


def load_search(item: Mapping[str, Any]) -> SearchEntry:
    """The search entry of an item."""
    from o2o.core.search import SearchEntry

    return load(SearchEntry, item)


def pointed_payment(item: Mapping[str, Any]) -> Key:
    """The key of the payment that an item of its partition leads to."""
    return Key(item["pk"]["S"], item["payment"]["S"])


def receipt_item(code: PaymentCode, payment: Payment) -> Attributes | None:
    """What leads from a receipt number to its payment, of a code that may have many payments."""
    receipt_number = payment.report.names.get("receipt_number")
    if receipt_number is None or not code.reusable:
        return None
    return {
        **receipt_key(code.order_number, receipt_number).attributes,
        "payment": {"S": payment_key(code.order_number, payment.payment_id).sk},
    }


def load_payment(item: Mapping[str, Any]) -> Payment:
    """The payment of an item."""
    from o2o.core.payments import Payment

    return load(Payment, item)


def notification_item(notification: KeptNotification, retention: Retention) -> Attributes:
    """A kept notification's item."""
    invoice_number = notification.invoice_number
    return {
        **dump(notification),
        **notification_key(invoice_number, notification.identity).attributes,
        **_due(invoice_number, notification.due_at, Due.AWAITED),
        **_ttl(notification.forget_at(retention)),
        "listing": {"S": NOTIFICATIONS_LISTING},
        "created_at": {"S": instant_text(notification.received_at)},
    }


def load_notification(item: Mapping[str, Any]) -> KeptNotification:
    """The kept notification of an item."""
    from o2o.core.notifications import KeptNotification

    return load(KeptNotification, item)


def storefront_item(storefront: Storefront) -> Attributes:
    """A storefront's item."""
    return {
        **dump(storefront),
        **storefront_key(storefront.storefront_id).attributes,
        "listing": {"S": STOREFRONTS_LISTING},
    }


def namespace_item(storefront: Storefront) -> Attributes:
    """What says that a namespace is taken, and by whom."""
    return {
        **namespace_key(storefront.namespace).attributes,
        "storefront_id": {"S": storefront.storefront_id},
    }


def load_storefront(item: Mapping[str, Any]) -> Storefront:
    """The storefront of an item."""
    from o2o.core.storefronts import Storefront

    return load(Storefront, item)


def branding_item(branding: Branding) -> Attributes:
    """The item of a storefront's branding."""
    return {**dump(branding), **branding_key(branding.storefront_id).attributes}


def load_branding(item: Mapping[str, Any]) -> Branding:
    """The branding of an item."""
    from o2o.core.storefronts import Branding

    return load(Branding, item)


def endpoint_item(endpoint: Endpoint) -> Attributes:
    """An endpoint's item."""
    return {**dump(endpoint), **endpoint_key(endpoint.storefront_id).attributes}


def load_endpoint(item: Mapping[str, Any]) -> Endpoint:
    """The endpoint of an item."""
    from o2o.core.endpoints import Endpoint

    return load(Endpoint, item)


def event_item(record: EventRecord) -> Attributes:
    """An event's item."""
    return {
        **dump(record),
        **event_key(record.event_id).attributes,
        **_due(record.event_id, record.due_at, Due.EVENTS),
        **_ttl(record.forget_at),
        "listing": {"S": events_listing(record.storefront_id)},
    }


def load_event(item: Mapping[str, Any]) -> EventRecord:
    """The event of an item."""
    from o2o.core.deliveries import EventRecord

    return load(EventRecord, item)


def api_key_item(key: ApiKey) -> Attributes:
    """An API key's item."""
    return {
        **dump(key),
        **api_key_key(key.key_id).attributes,
        "listing": {"S": keys_listing(key.storefront_id)},
    }


def books_state_item(state: BooksState) -> Attributes:
    """The item of where closing stands."""
    return {**dump(state), **BOOKS_STATE.attributes}


def load_books_state(item: Mapping[str, Any]) -> BooksState:
    """Where closing stands, of its item."""
    from o2o.core.closed_days import BooksState

    return load(BooksState, item)


def edition_item(closed: ClosedDay) -> Attributes:
    """The item of an edition of a day's book."""
    key = books_key(closed.storefront_id, closed.day, closed.edition)
    return {**dump(closed), **key.attributes}


def day_item(closed: ClosedDay) -> Attributes:
    """The item of a day's book, in its newest edition."""
    return {**dump(closed), **books_key(closed.storefront_id, closed.day).attributes}


def load_closed_day(item: Mapping[str, Any]) -> ClosedDay:
    """The book of an item."""
    from o2o.core.closed_days import ClosedDay

    return load(ClosedDay, item)


def audit_item(entry: AuditEntry) -> Attributes:
    """The item of an entry of the audit. It has no TTL."""
    return {**dump(entry), **audit_key(entry).attributes, "listing": {"S": AUDIT_LISTING}}


def load_audit(item: Mapping[str, Any]) -> AuditEntry:
    """The entry of an item."""
    from o2o.core.audit import AuditEntry

    return load(AuditEntry, item)


def load_api_key(item: Mapping[str, Any]) -> ApiKey:
    """The API key of an item."""
    from o2o.core.storefronts import ApiKey

    return load(ApiKey, item)


def _ttl(instant: datetime | None) -> Attributes:
    """From when DynamoDB may delete an item."""
    if instant is None:
        return {}
    return {"ttl": {"N": str(int(instant.timestamp()))}}


# --- Conditions -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of the item that is there, for a write to happen."""

    expression: str
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, Any]:
        """The condition as a part of a request; what it failed on comes back with the error."""
        parameters: dict[str, Any] = {
            "ConditionExpression": self.expression,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if self.names:
            parameters["ExpressionAttributeNames"] = dict(self.names)
        if self.values:
            parameters["ExpressionAttributeValues"] = dict(self.values)
        return parameters


@dataclass(frozen=True, slots=True)
class Update:
    """A change of some of an item's attributes."""

    expression: str
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


WITHOUT_TTL = Update("REMOVE #ttl", {"#ttl": "ttl"})


def with_usage_key(usage_key: str) -> Update:
    """A storefront or an API key gets another usage key, and nothing else of it changes."""
    return Update("SET usage_key = :usage_key", values={":usage_key": {"S": usage_key}})


IS_ABSENT = Condition("attribute_not_exists(pk)")
IS_PRESENT = Condition("attribute_exists(pk)")


def is_held_by(order_number: str | None) -> Condition:
    """The digits are unclaimed, or claimed by a code that has let them go."""
    if order_number is None:
        return IS_ABSENT
    return Condition(
        "attribute_not_exists(pk) OR invoice_number = :holder",
        values={":holder": {"S": order_number}},
    )


def has_as_many_tellings(payment: Payment) -> Condition:
    """No more is known of the payment that is there, or was done about it, than of this one."""
    return Condition(
        "attribute_exists(pk) AND (attribute_not_exists(#further) OR size(#further) = :tellings)"
        " AND (attribute_not_exists(#resolutions) OR size(#resolutions) = :resolutions)",
        {"#further": "further", "#resolutions": "resolutions"},
        {
            ":tellings": {"N": str(len(payment.further))},
            ":resolutions": {"N": str(len(payment.resolutions))},
        },
    )


def stands(code: PaymentCode) -> Condition:
    """The code that is there is of this very version."""
    return Condition(
        "#version = :seen", {"#version": "version"}, {":seen": {"N": str(code.version)}}
    )


def is_older_edition(closed: ClosedDay) -> Condition:
    """The day's book that is there, if any, is of an edition before."""
    return Condition(
        "attribute_not_exists(pk) OR #edition < :edition",
        {"#edition": "edition"},
        {":edition": {"N": str(closed.edition)}},
    )


def follows(changed: PaymentCode | EventRecord | Endpoint | BooksState) -> Condition:
    """What is there is of the version before."""
    return Condition(
        "#version = :before", {"#version": "version"}, {":before": {"N": str(changed.version - 1)}}
    )
