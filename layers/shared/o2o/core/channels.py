"""The channels: who the acquirer is and what the merchant's contract allows."""

from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """Where the customer pays."""

    ALFA = "alfa"
    INDOMARET = "indomaret"


@dataclass(frozen=True, slots=True)
class ChannelIdentity:
    """How DOKU names a channel in its messages (DOKU protocol, section 6)."""

    acquirer_id: str
    channel_id: str
    brands: tuple[str, ...]


IDENTITIES = {
    Channel.ALFA: ChannelIdentity(
        "ALFA",
        "ONLINE_TO_OFFLINE_ALFA",
        ("Alfamart", "Alfamidi", "Alfaexpress", "Lawson", "Dan+Dan"),
    ),
    Channel.INDOMARET: ChannelIdentity("INDOMARET", "ONLINE_TO_OFFLINE_INDOMARET", ("Indomaret",)),
}


@dataclass(frozen=True, slots=True)
class ChannelRules:
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
