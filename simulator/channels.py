"""Channels and BINs as a table: what a simulated DOKU account is allowed to do.

A merchant's own BINs are configuration. A code made by DOKU (``dgpc``) takes the first BIN of its
channel that has this feature. A code that the merchant makes belongs to the longest BIN that it
begins with: it is registered at DOKU (``mgpc``), or lives at the merchant, whom DOKU asks
(``dipc``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulator.errors import ConfigError

MAX_CODE_LENGTH = 25
"""Digits of the longest payment code (DOKU protocol, section 4: BIN 5 + 20)."""

_MIN_FREE = 10
"""Free digits of a code that DOKU makes: with fewer, codes could be guessed or run out."""


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
    max_amount: int = 999_999_999_999
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


@dataclass(frozen=True, slots=True)
class OwnBin:
    """A configured BIN with what follows from its type."""

    channel: Channel
    type: str
    digits: str
    features: frozenset[str]
    max_free: int
    code_length: int


class Catalogue:
    """The account's channels and BINs, checked once; raises ``ConfigError`` with a sentence."""

    def __init__(self, channels: Iterable[Channel], bins: Iterable[Bin]) -> None:
        self.channels = {channel.name: channel for channel in channels}
        self.bins = tuple(_checked(item, self.channel(item.channel)) for item in bins)
        for position, item in enumerate(self.bins):
            for other in self.bins[position + 1 :]:
                if item.channel is other.channel and item.digits == other.digits:
                    raise ConfigError(f"BIN {item.digits} of {item.channel.name} is there twice.")
        self._generate = {c.generate_path: c for c in self.channels.values()}
        self._register = {c.register_path: c for c in self.channels.values() if c.register_path}

    def channel(self, name: str) -> Channel:
        """Return the channel of that name; raises ``ConfigError`` where there is none."""
        try:
            return self.channels[name]
        except KeyError:
            known = ", ".join(self.channels)
            raise ConfigError(f"There is no channel {name!r}; there are: {known}.") from None

    def by_generate_path(self, path: str) -> Channel | None:
        """Return the channel whose codes are made at this path."""
        return self._generate.get(path)

    def by_register_path(self, path: str) -> Channel | None:
        """Return the channel whose merchants register their codes at this path."""
        return self._register.get(path)

    def bins_of(self, channel: Channel) -> tuple[OwnBin, ...]:
        """Return the BINs of the channel."""
        return tuple(item for item in self.bins if item.channel is channel)

    def bins_for(self, channel: Channel, feature: str) -> tuple[OwnBin, ...]:
        """Return the BINs of the channel that have the feature."""
        return tuple(item for item in self.bins_of(channel) if feature in item.features)

    def bin_of(self, payment_code: str, channel: Channel | None = None) -> OwnBin | None:
        """Return the longest BIN that the digits begin with, of one channel or of any."""
        fitting = (
            item
            for item in self.bins
            if (channel is None or item.channel is channel) and payment_code.startswith(item.digits)
        )
        return max(fitting, key=lambda item: len(item.digits), default=None)


def _checked(item: Bin, channel: Channel) -> OwnBin:
    name = f"BIN {item.digits} of {channel.name}"
    rule = channel.bin_types.get(item.type)
    if rule is None:
        raise ConfigError(
            f"{name}: there is no type {item.type!r}; there are: {', '.join(channel.bin_types)}."
        )
    if not (item.digits.isascii() and item.digits.isdigit()):
        raise ConfigError(f"BIN {item.digits!r} of {channel.name} has to be digits.")
    if not rule.shortest <= len(item.digits) <= rule.longest:
        raise ConfigError(
            f"{name}: {item.type} BINs have {_span(rule.shortest, rule.longest)} digits."
        )
    features = rule.features if item.features is None else item.features
    if not features or features - rule.features:
        raise ConfigError(
            f"{name}: {item.type} BINs have of the features only {_listed(rule.features)}."
        )
    low, high = len(item.digits) + _MIN_FREE, len(item.digits) + rule.max_free
    if "dgpc" in features and not low <= item.code_length <= high:
        raise ConfigError(
            f"{name}: a code of DOKU has {low} to {high} digits, not {item.code_length}."
        )
    return OwnBin(channel, item.type, item.digits, features, rule.max_free, item.code_length)


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def read_bin(text: str) -> Bin:
    """Read ``CHANNEL:TYPE:DIGITS`` or ``CHANNEL:TYPE:DIGITS:FEATURE+FEATURE``.

    Raises ``ConfigError``.
    """
    match text.split(":"):
        case [channel, kind, digits]:
            return Bin(channel=channel, type=kind, digits=digits)
        case [channel, kind, digits, features]:
            named = frozenset(features.split("+"))
            return Bin(channel=channel, type=kind, digits=digits, features=named)
    raise ConfigError(
        f"{text!r} is not CHANNEL:TYPE:DIGITS or CHANNEL:TYPE:DIGITS:FEATURES,"
        " such as alfa:exclusive:889955:mgpc+dipc."
    )


def with_bins(bins: Iterable[Bin], wanted: Iterable[Bin]) -> tuple[Bin, ...]:
    """Return the BINs, those of the same channel and type replaced by the wanted ones."""
    wanted = tuple(wanted)
    replaced = {(item.channel, item.type) for item in wanted}
    return (*(item for item in bins if (item.channel, item.type) not in replaced), *wanted)
