"""The channels, and all that is particular to one: its names, its receipts and its BINs.

Adding a channel is a member of ``Channel`` and an entry of ``_FACTS``, here and nowhere else of the
package, and configuration (docs/architecture.md, "Add a channel").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MAX_CODE_DIGITS = 25
"""A payment code has up to 25 digits (DOKU protocol, section 3)."""


class Channel(StrEnum):
    """Where the customer pays."""

    ALFA = "alfa"
    INDOMARET = "indomaret"

    @property
    def facts(self) -> "ChannelFacts":
        """All that is particular to this channel."""
        return _FACTS[self]


class Partnership(StrEnum):
    """Whose BIN it is: DOKU's (aggregator) or the merchant's own at the acquirer (direct)."""

    AGGREGATOR = "aggregator"
    DIRECT = "direct"


class BinType(StrEnum):
    """Who shares a BIN: all merchants of DOKU's (general), one of them (exclusive), or nobody."""

    GENERAL = "general"
    EXCLUSIVE = "exclusive"
    DIRECT = "direct"


class Feature(StrEnum):
    """How a code comes to be."""

    DGPC = "dgpc"
    """DOKU makes it."""
    MGPC = "mgpc"
    """The merchant makes it and registers it at DOKU."""
    DIPC = "dipc"
    """The merchant makes it and keeps it: DOKU asks (inquiry) while the cashier waits."""


class ReceiptField(StrEnum):
    """A field of ours that a store may print on its receipt."""

    DESCRIPTION = "description"
    FOOTER = "footer"


@dataclass(frozen=True, slots=True)
class BinRule:
    """One row of DOKU's table of BINs (DOKU protocol, section 4).

    ``bin_digits`` are the lengths that the BIN may have, ``max_unique_digits`` bounds what follows
    it. A BIN has the ``features`` unless its configuration names others; ``inferred`` ones are not
    documented by DOKU, so that they must be named.
    """

    bin_digits: range
    max_unique_digits: int
    features: frozenset[Feature]
    inferred: frozenset[Feature] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFacts:
    """What DOKU's messages, its table of BINs and the stores' receipts say of one channel.

    ``name`` is for people; ``biller`` is whom DOKU's instructions have the customer name to the
    cashier (DOKU protocol, section 10); ``acquirer_id``, ``channel_id`` and ``info_field`` are
    DOKU's (DOKU protocol, sections 3 and 6).
    """

    name: str
    brands: tuple[str, ...]
    biller: str
    acquirer_id: str
    channel_id: str
    info_field: str
    receipt_fields: frozenset[ReceiptField]
    bin_rules: Mapping[tuple[Partnership, BinType], BinRule]


_DOKU_MAKES = frozenset({Feature.DGPC})
_MERCHANT_MAKES = frozenset({Feature.MGPC, Feature.DIPC})

_FACTS: Mapping[Channel, ChannelFacts] = {
    Channel.ALFA: ChannelFacts(
        name="Alfa Group",
        brands=("Alfamart", "Alfamidi", "Alfaexpress", "Lawson", "Dan+Dan"),
        biller="DOKU",
        acquirer_id="ALFA",
        channel_id="ONLINE_TO_OFFLINE_ALFA",
        info_field="alfa_info",
        receipt_fields=frozenset({ReceiptField.FOOTER}),
        bin_rules={
            (Partnership.AGGREGATOR, BinType.GENERAL): BinRule(range(1, 2), 19, _DOKU_MAKES),
            # "Starting from 6 digits": bounded only by the longest code there is.
            (Partnership.AGGREGATOR, BinType.EXCLUSIVE): BinRule(
                range(6, MAX_CODE_DIGITS - 14 + 1), 14, _MERCHANT_MAKES
            ),
            (Partnership.DIRECT, BinType.DIRECT): BinRule(range(5, 6), 20, _MERCHANT_MAKES),
        },
    ),
    Channel.INDOMARET: ChannelFacts(
        name="Indomaret",
        brands=("Indomaret",),
        biller="DOKU",
        acquirer_id="INDOMARET",
        channel_id="ONLINE_TO_OFFLINE_INDOMARET",
        info_field="indomaret_info",
        receipt_fields=frozenset({ReceiptField.DESCRIPTION, ReceiptField.FOOTER}),
        bin_rules={
            # DOKU names no feature. Registration through DOKU was seen live; "free digits", as
            # Alfa's BINs for mgpc and dipc have them, make the other two likely.
            (Partnership.DIRECT, BinType.DIRECT): BinRule(
                range(5, 6), 20, _DOKU_MAKES, inferred=_MERCHANT_MAKES
            ),
        },
    ),
}


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """One channel's settings.

    ``path`` is DOKU's path for generating codes, ``merchant_path`` the one for registering
    codes that the merchant made (inferred; DOKU protocol, section 3). Amounts are rupiah,
    both ends included; ``max_expiry_minutes`` is the longest life that may be asked for.
    """

    path: str
    min_amount: int
    max_amount: int
    max_expiry_minutes: int
    merchant_path: str | None = None
