"""The table of channels: everything that is particular to one chain of stores.

A further channel is one entry in ``CHANNELS``, and BINs for it in the configuration
(``SimulatorConfig.bins``). Nothing else in the simulator knows a channel by name.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

MAX_AMOUNT = 999_999_999_999
"""Rupiah: the 12 digits of ``order.amount`` (DOKU protocol, section 3)."""

MAX_CODE_LENGTH = 25
"""Digits of the longest payment code (DOKU protocol, section 4: BIN 5 + 20)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BinRule:
    """The rule for one type of BIN (DOKU protocol, section 4)."""

    shortest: int
    longest: int
    """Digits of the BIN."""
    max_free: int
    """Digits of a code after its BIN, at most."""
    features: frozenset[str]
    """Features that a BIN of this type has, unless its configuration names others: ``dgpc``,
    ``mgpc``, ``dipc``."""
    inferred: frozenset[str] = frozenset()
    """Further features that are NOT documented by DOKU: inferred from other types of BIN. A BIN
    has them only if its configuration names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A chain of stores that takes cash for payment codes."""

    name: str
    """Name in the simulator's own API and configuration, such as ``alfa``."""
    label: str
    """Name for people."""
    generate_path: str
    """Path of the request that makes a code (DOKU protocol, section 3)."""
    register_path: str | None = None
    """Path of the request that registers a code of the merchant; ``None``: there is none."""
    code_field: str = "payment_code"
    """Field of ``online_to_offline_info`` that holds the digits in that request."""
    bin_types: Mapping[str, BinRule]
    """The types of BIN that the channel has, by name."""
    receipt_object: str
    """Name of the channel's own object in a request for a code."""
    receipt_fields: frozenset[str]
    """Fields that its ``receipt`` may hold."""
    acquirer_id: str
    """``acquirer.id`` of every message of DOKU (DOKU protocol, section 6)."""
    channel_id: str
    """``channel.id`` of every message of DOKU."""
    agent_id: str
    """``AGENT_ID`` of a payment by default: a brand of the chain."""
    steps: Mapping[str, tuple[str, ...]]
    """How to pay, by language: ``id`` and ``en``."""
    min_amount: int = 1
    max_amount: int = MAX_AMOUNT
    """Limits of the merchant's contract, in rupiah; open by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """A company code of the merchant, as configured."""

    channel: str
    """Name of the channel."""
    type: str
    """One of the channel's ``bin_types``."""
    digits: str
    features: Collection[str] | None = None
    """``None``: the documented features of its type. Inferred ones have to be named."""
    code_length: int = 16
    """Digits of a whole code that DOKU makes, BIN included."""


def _steps(*stores: str) -> dict[str, tuple[str, ...]]:
    """Return how to pay at these stores, in both languages."""
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


_DOKU_GENERATES = frozenset({"dgpc"})
_MERCHANT_GENERATES = frozenset({"mgpc", "dipc"})

CHANNELS = (
    Channel(
        name="alfa",
        label="Alfa Group",
        generate_path="/alfa-online-to-offline/v2/payment-code",
        # Inferred (DOKU protocol, section 3): the path of the virtual-account sister API.
        register_path="/alfa-online-to-offline/v2/merchant-payment-code",
        bin_types={
            "general": BinRule(shortest=1, longest=1, max_free=19, features=_DOKU_GENERATES),
            # "Starting from 6 digits": bounded by the longest code alone.
            "exclusive": BinRule(shortest=6, longest=11, max_free=14, features=_MERCHANT_GENERATES),
            "direct": BinRule(shortest=5, longest=5, max_free=20, features=_MERCHANT_GENERATES),
        },
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
        # Inferred by analogy with Alfa's, which is itself inferred. Not documented by DOKU.
        register_path="/indomaret-online-to-offline/v2/merchant-payment-code",
        bin_types={
            # DOKU lists no feature for this BIN. Generation works (seen at its sandbox). It has
            # free digits like Alfa's direct BIN, so the other two are inferred.
            "direct": BinRule(
                shortest=5,
                longest=5,
                max_free=20,
                features=_DOKU_GENERATES,
                inferred=_MERCHANT_GENERATES,
            ),
        },
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
"""The default BINs of an account."""

BIN_EXAMPLE = "alfa:exclusive:889955"
"""A BIN as the command line takes it, for help and error messages."""
