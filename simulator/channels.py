"""The table of channels: everything that is particular to one store chain.

A further channel is one entry in ``CHANNELS``, and BINs for it in the configuration
(``BINS`` by default).
"""

from collections.abc import Mapping
from dataclasses import dataclass

MAX_AMOUNT = 999_999_999_999
"""Rupiah: the 12 digits of ``order.amount`` (DOKU protocol, section 3)."""

MAX_CODE_LENGTH = 25
"""Digits of the longest payment code (DOKU protocol, section 4: BIN 5 + 20)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BinRule:
    """What DOKU says of one type of BIN (DOKU protocol, section 4)."""

    shortest: int
    longest: int
    """Digits of the BIN."""
    max_free: int
    """Digits of a code after its BIN, at most."""
    features: frozenset[str]


_DOKU_MAKES = frozenset({"dgpc"})
_MERCHANT_MAKES = frozenset({"mgpc", "dipc"})

ALFA_BINS: Mapping[str, BinRule] = {
    "general": BinRule(shortest=1, longest=1, max_free=19, features=_DOKU_MAKES),
    # "Starting from 6 digits": bounded by the longest code alone.
    "exclusive": BinRule(shortest=6, longest=11, max_free=14, features=_MERCHANT_MAKES),
    "direct": BinRule(shortest=5, longest=5, max_free=20, features=_MERCHANT_MAKES),
}
INDOMARET_BINS: Mapping[str, BinRule] = {
    "direct": BinRule(shortest=5, longest=5, max_free=20, features=_DOKU_MAKES),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A store chain that takes cash for payment codes."""

    name: str
    """Name in the simulator's own API: ``alfa``, ``indomaret``."""
    label: str
    """Name for people."""
    generate_path: str
    """Path of the request that makes a code (DOKU protocol, section 3)."""
    register_path: str | None = None
    """Path of the request that registers a code of the merchant; ``None``: there is none."""
    code_field: str = "payment_code"
    """Field of ``online_to_offline_info`` that holds the digits in that request."""
    bin_types: Mapping[str, BinRule]
    receipt_object: str
    """Name of the channel's own object in that request."""
    receipt_fields: frozenset[str]
    """Fields that its ``receipt`` may hold."""
    acquirer_id: str
    channel_id: str
    agent_id: str
    """Default ``AGENT_ID`` of a payment."""
    steps: Mapping[str, tuple[str, ...]]
    """How to pay, by language: ``id`` and ``en``."""
    min_amount: int = 1
    max_amount: int = MAX_AMOUNT
    """Limits of the merchant's contract, in rupiah; open by default (12 digits)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """A company code and what may be done under it."""

    channel: str
    type: str
    """``general``, ``exclusive`` or ``direct``."""
    digits: str
    features: frozenset[str] | None = None
    """``None``: everything that its type allows."""
    code_length: int = 16
    """Digits of a whole code that DOKU makes, BIN included."""


def _steps(*stores: str) -> dict[str, tuple[str, ...]]:
    """How to pay at these stores, in both languages."""
    return {
        "id": (
            f"Datang ke {' atau '.join(stores)} terdekat",
            "Sampaikan ke kasir bahwa Anda ingin membayar DOKU",
            "Sebutkan kode pembayaran {payment_code}",
            "Bayar tunai sesuai jumlah tagihan",
            "Simpan struk sebagai bukti pembayaran",
        ),
        "en": (
            f"Go to the nearest {' or '.join(stores)}",
            "Tell the cashier that you want to pay DOKU",
            "Give the payment code {payment_code}",
            "Pay the exact amount of the bill in cash",
            "Keep the receipt as proof of payment",
        ),
    }


CHANNELS = (
    Channel(
        name="alfa",
        label="Alfa Group",
        generate_path="/alfa-online-to-offline/v2/payment-code",
        register_path="/alfa-online-to-offline/v2/merchant-payment-code",
        bin_types=ALFA_BINS,
        receipt_object="alfa_info",
        receipt_fields=frozenset({"footer_message"}),
        acquirer_id="ALFA",
        channel_id="ONLINE_TO_OFFLINE_ALFA",
        agent_id="ALFAMART",
        steps=_steps("Alfamart, Alfamidi, Alfaexpress, Lawson", "Dan+Dan"),
    ),
    Channel(
        name="indomaret",
        label="Indomaret",
        generate_path="/indomaret-online-to-offline/v2/payment-code",
        bin_types=INDOMARET_BINS,
        receipt_object="indomaret_info",
        receipt_fields=frozenset({"description", "footer_message"}),
        acquirer_id="INDOMARET",
        channel_id="ONLINE_TO_OFFLINE_INDOMARET",
        agent_id="INDOMARET",
        steps=_steps("Indomaret"),
    ),
)

BINS = (
    Bin(channel="alfa", type="general", digits="8"),
    Bin(channel="alfa", type="exclusive", digits="889955"),
    Bin(channel="alfa", type="direct", digits="70014"),
    Bin(channel="indomaret", type="direct", digits="88899"),
)
