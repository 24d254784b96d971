"""What DOKU may do wrong, each with its probability.

All of it was seen, or is allowed by the protocol (docs/doku-protocol.md); the numbers below are its
sections. What the protocol rules out is not here: a signed word that nobody paid, about an order
that was paid more than a minute ago.
"""

import random
from dataclasses import dataclass, fields
from typing import Self


@dataclass
class Faults:
    """How likely each fault is where it can happen, from 0 to 1."""

    # Requests of ours, whatever they ask for (8).
    unreachable: float = 0.0
    """No connection: nothing was sent."""
    hang_before_accept: float = 0.0
    hang_after_accept: float = 0.0
    reset: float = 0.0
    half_answer: float = 0.0
    slow_drip: float = 0.0
    error_5xx: float = 0.0
    rate_limited: float = 0.0
    unavailable: float = 0.0
    """PAYMENT CHANNEL IS INACTIVE."""
    not_routed: float = 0.0
    firewall: float = 0.0
    redirect: float = 0.0
    garbage: float = 0.0
    huge_body: float = 0.0
    wrong_signature: float = 0.0
    no_signature: float = 0.0

    # Requests for a code (3, 8).
    refused: float = 0.0
    """Of an order that DOKU does not have."""
    refused_repeat: float = 0.0
    repeat_with_200: float = 0.0
    """The first body again, without the 409."""
    repeat_without_digits: float = 0.0
    compact_dates: float = 0.0
    """The answer has no ``…_utc`` dates."""
    no_dates: float = 0.0

    # Status checks (7).
    not_found: float = 0.0
    """404 about an order that DOKU has, unsigned or signed."""
    failed: float = 0.0
    """FAILED about an order that nobody has paid yet."""
    pending_after_expiry: float = 0.0
    other_word: float = 0.0
    """A status that no document names."""
    no_transaction: float = 0.0
    null_ids: float = 0.0
    created_date: float = 0.0
    any_payment: float = 0.0
    """Of several payments not the latest."""
    older_order: float = 0.0
    """Until an order is paid: a payment of years ago under its number."""

    # Any telling of a payment (6, 7).
    no_receipt: float = 0.0
    no_store: float = 0.0
    no_brand: float = 0.0
    no_identifiers: float = 0.0
    no_date: float = 0.0
    placeholder: float = 0.0
    """Something that identifies nothing in place of the receipt number."""
    unreadable: float = 0.0
    """An amount that nobody can read."""
    misspelt: float = 0.0
    """``identifer``."""
    amount_forms: float = 0.0
    more_fields: float = 0.0

    # Notifications on their way (6).
    lost: float = 0.0
    """For good: DOKU believes that it was taken."""
    lost_attempt: float = 0.0
    duplicate: float = 0.0
    reordered: float = 0.0
    """Minutes late."""
    late: float = 0.0
    """Seventeen hours late."""
    retold: float = 0.0
    """A retry or a duplicate whose lies are drawn anew, so that its bytes are others."""
    forged: float = 0.0
    """A message that is not DOKU's: another key, another merchant, a changed byte, no header."""
    broken_json: float = 0.0
    header_case: float = 0.0
    notified_otherwise: float = 0.0
    """Before a payment a notification of FAILED, PENDING, EXPIRED or a word that nobody knows."""
    unmatched: float = 0.0
    """Beside a payment another one, of an order that we never made."""

    # Inquiries (5).
    compact_date: float = 0.0
    wrong_channel: float = 0.0
    answer_lost: float = 0.0
    """Our answer never reaches DOKU."""

    # Tills (4, 5).
    till_leeway: float = 0.0
    """A till that takes the money for a moment after the expiry, though DOKU says EXPIRED."""
    equal_receipt: float = 0.0
    """The receipt number of another payment of the order, at another store, or of the same till
    more than a day later."""
    no_receipt_printed: float = 0.0
    refund: float = 0.0
    """The money goes back some hours later: REFUNDED."""

    @classmethod
    def none(cls) -> Self:
        """The honest DOKU."""
        return cls()

    @classmethod
    def draw(cls, chance: random.Random) -> Self:
        """A mix: many are left out, so that each also meets a DOKU that is else honest.

        Of what keeps an answer from us there is little, else nothing of the rest would be heard.
        """
        share = chance.choice([0.1, 0.3, 0.6])
        mix = {}
        for each in fields(cls):
            likely = share / 6 if each.name in _KEEP_ANSWERS_FROM_US else share
            if chance.random() < likely:
                mix[each.name] = chance.choice([0.02, 0.1, 0.3, 0.8])
        return cls(**mix)


_NAMES = [each.name for each in fields(Faults)]
_KEEP_ANSWERS_FROM_US = {*_NAMES[: _NAMES.index("refused_repeat") + 1], "not_found"}
