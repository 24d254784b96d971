"""The channels and BINs of one account: checked, and looked up by path and by digits.

A code made by DOKU (``dgpc``) takes the first BIN of its channel that has this feature. A code
that the merchant makes belongs to the longest BIN that it begins with: it is registered at DOKU
(``mgpc``), or lives at the merchant, whom DOKU asks (``dipc``).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.channels import BIN_EXAMPLE, Bin, Channel
from simulator.errors import ConfigError

_MIN_FREE = 10
"""Free digits of a code that DOKU makes: with fewer, codes could be guessed or run out."""


@dataclass(frozen=True, slots=True)
class MerchantBin:
    """A BIN of the merchant: checked, with what follows from its type."""

    channel: Channel
    type: str
    digits: str
    features: frozenset[str]
    max_free: int
    code_length: int

    def fits(self, payment_code: str) -> bool:
        """Whether a merchant's code has 1 to ``max_free`` digits after this BIN."""
        return 1 <= len(payment_code) - len(self.digits) <= self.max_free


class Catalogue:
    """The account's channels and BINs, checked once; raises ``ConfigError`` with a sentence."""

    def __init__(self, channels: Iterable[Channel], bins: Iterable[Bin]) -> None:
        self.channels = {channel.name: channel for channel in channels}
        self.bins = tuple(_checked(item, self.channel(item.channel)) for item in bins)
        for position, item in enumerate(self.bins):
            for other in self.bins[position + 1 :]:
                if item.channel is other.channel and item.digits == other.digits:
                    raise ConfigError(
                        f"BIN {item.digits} of {item.channel.name} is configured twice."
                    )
        self._generate = {c.generate_path: c for c in self.channels.values()}
        self._register = {
            c.register_path: c
            for c in self.channels.values()
            if c.register_path and self._registers(c)
        }

    def _registers(self, channel: Channel) -> bool:
        """Whether DOKU routes the channel's registrations.

        It does where they are documented; where they are inferred, only once a BIN takes them.
        """
        documented = any("mgpc" in rule.features for rule in channel.bin_types.values())
        return documented or bool(self.bins_for(channel, "mgpc"))

    def channel(self, name: str) -> Channel:
        """Return the channel of that name; raises ``ConfigError`` if there is none."""
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

    def bins_of(self, channel: Channel) -> tuple[MerchantBin, ...]:
        """Return the BINs of the channel."""
        return tuple(item for item in self.bins if item.channel is channel)

    def bins_for(self, channel: Channel, feature: str) -> tuple[MerchantBin, ...]:
        """Return the BINs of the channel that have the feature."""
        return tuple(item for item in self.bins_of(channel) if feature in item.features)

    def bin_of(self, payment_code: str, channel: Channel | None = None) -> MerchantBin | None:
        """Return the longest BIN that the digits begin with, of one channel or of any."""
        fitting = (
            item
            for item in self.bins
            if (channel is None or item.channel is channel) and payment_code.startswith(item.digits)
        )
        return max(fitting, key=lambda item: len(item.digits), default=None)


def _checked(item: Bin, channel: Channel) -> MerchantBin:
    name = f"BIN {item.digits} of {channel.name}"
    rule = channel.bin_types.get(item.type)
    if rule is None:
        raise ConfigError(
            f"{name}: there is no type {item.type!r}; there are: {', '.join(channel.bin_types)}."
        )
    if not (item.digits.isascii() and item.digits.isdigit()):
        raise ConfigError(f"BIN {item.digits!r} of {channel.name} has to consist of digits.")
    if not rule.shortest <= len(item.digits) <= rule.longest:
        raise ConfigError(
            f"{name}: {item.type} BINs have {_span(rule.shortest, rule.longest)} digits."
        )
    features = rule.features if item.features is None else frozenset(item.features)
    possible = rule.features | rule.inferred
    if not features or features - possible:
        known = ", ".join(sorted(possible))
        raise ConfigError(f"{name}: the features of {item.type} BINs are {known}, no others.")
    low, high = len(item.digits) + _MIN_FREE, len(item.digits) + rule.max_free
    if "dgpc" in features and not low <= item.code_length <= high:
        raise ConfigError(
            f"{name}: a code of DOKU has {low} to {high} digits, not {item.code_length}."
        )
    return MerchantBin(channel, item.type, item.digits, features, rule.max_free, item.code_length)


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


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
        f" such as {BIN_EXAMPLE}:mgpc+dipc."
    )


def with_bins(bins: Iterable[Bin], wanted: Iterable[Bin]) -> tuple[Bin, ...]:
    """Return the BINs, those of the same channel and type replaced by the wanted ones."""
    wanted = tuple(wanted)
    replaced = {(item.channel, item.type) for item in wanted}
    return (*(item for item in bins if (item.channel, item.type) not in replaced), *wanted)
