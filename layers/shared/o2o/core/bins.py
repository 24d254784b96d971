"""BINs: which company codes exist, what they may be used for, and how codes are made of them.

The table is section 4 of DOKU's protocol ("Channels, partnership models and BINs").
A payment code is BIN + unique part.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from o2o.core.channels import Channel
from o2o.core.errors import InvalidConfiguration

MAX_CODE_DIGITS = 25
"""DOKU protocol, section 3: a payment code has up to 25 digits."""

_DIGITS = re.compile(r"[0-9]+", re.ASCII)


class Partnership(StrEnum):
    """Whose BIN it is: DOKU's (aggregator) or the merchant's own at the acquirer (direct)."""

    AGGREGATOR = "aggregator"
    DIRECT = "direct"


class BinType(StrEnum):
    """What sort of BIN it is."""

    GENERAL = "general"
    EXCLUSIVE = "exclusive"
    DIRECT = "direct"


class Feature(StrEnum):
    """How a code comes to be: DOKU makes it, the merchant makes it, or DOKU asks the merchant."""

    DGPC = "dgpc"
    MGPC = "mgpc"
    DIPC = "dipc"


@dataclass(frozen=True, slots=True)
class BinRule:
    """One row of the table: lengths in digits, both ends included, and the features."""

    bin_digits: range
    max_unique_digits: int
    features: frozenset[Feature]


_MERCHANT_MADE = frozenset({Feature.MGPC, Feature.DIPC})

RULES: dict[tuple[Channel, Partnership, BinType], BinRule] = {
    (Channel.ALFA, Partnership.AGGREGATOR, BinType.GENERAL): BinRule(
        range(1, 2), 19, frozenset({Feature.DGPC})
    ),
    # "Starting from 6 digits": bounded only by the longest code there is.
    (Channel.ALFA, Partnership.AGGREGATOR, BinType.EXCLUSIVE): BinRule(
        range(6, MAX_CODE_DIGITS - 14 + 1), 14, _MERCHANT_MADE
    ),
    (Channel.ALFA, Partnership.DIRECT, BinType.DIRECT): BinRule(range(5, 6), 20, _MERCHANT_MADE),
    # DOKU lists no feature for Indomaret; registration through DOKU works (seen live).
    (Channel.INDOMARET, Partnership.DIRECT, BinType.DIRECT): BinRule(
        range(5, 6), 20, frozenset({Feature.DGPC})
    ),
}


FEWEST_UNIQUE_DIGITS = 8
"""Fewer would be too easy to guess."""

USUAL_CODE_DIGITS = 16
"""DOKU's own codes have this many; so have ours, unless a BIN's entry says otherwise."""


@dataclass(frozen=True, slots=True)
class Bin:
    """One configured BIN. Raises InvalidConfiguration when the table has no place for it.

    ``only_features`` narrows what the BIN type allows, ``storefronts`` who may use it;
    ``unique_digits`` is the length of the unique parts that are generated here.
    """

    channel: Channel
    partnership: Partnership
    bin_type: BinType
    digits: str
    only_features: frozenset[Feature] | None = None
    storefronts: frozenset[str] | None = None
    unique_digits: int | None = None
    rule: BinRule = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        rule = RULES.get((self.channel, self.partnership, self.bin_type))
        if rule is None:
            raise InvalidConfiguration(
                f"BIN {self.digits!r}: {self.channel} has no {self.bin_type} BIN"
                f" in the {self.partnership} partnership"
            )
        if not _DIGITS.fullmatch(self.digits):
            raise InvalidConfiguration(f"BIN {self.digits!r}: only the digits 0 to 9 are allowed")
        if len(self.digits) not in rule.bin_digits:
            raise InvalidConfiguration(
                f"BIN {self.digits!r}: {_length(rule.bin_digits)} are needed for"
                f" {self.channel} {self.partnership} {self.bin_type}, not {len(self.digits)}"
            )
        object.__setattr__(self, "rule", rule)
        self._check_choices()

    def _check_choices(self) -> None:
        name = f"BIN {self.digits!r}"
        for feature in sorted((self.only_features or frozenset()) - self.rule.features):
            raise InvalidConfiguration(
                f"{name}: {self.channel} {self.partnership} {self.bin_type} has no {feature}"
            )
        if self.only_features is not None and not self.only_features:
            raise InvalidConfiguration(f"{name}: features is empty, so that it has no use")
        if self.storefronts is not None and not self.storefronts:
            raise InvalidConfiguration(f"{name}: storefronts is empty, so that nobody may use it")
        if self.unique_digits is None:
            return
        if self.rule.features == {Feature.DGPC}:
            raise InvalidConfiguration(
                f"{name}: unique_digits has no meaning, DOKU makes its codes"
            )
        if not 1 <= self.unique_digits <= self.rule.max_unique_digits:
            raise InvalidConfiguration(
                f"{name}: unique_digits must be 1 to {self.rule.max_unique_digits},"
                f" not {self.unique_digits}"
            )

    @property
    def features(self) -> frozenset[Feature]:
        """What codes of this BIN may be."""
        return self.rule.features if self.only_features is None else self.only_features

    @property
    def generated_digits(self) -> int:
        """How long the unique parts are that are generated here."""
        usual = max(USUAL_CODE_DIGITS - len(self.digits), FEWEST_UNIQUE_DIGITS)
        return self.unique_digits or min(usual, self.rule.max_unique_digits)

    def is_for(self, storefront_id: str) -> bool:
        """Whether a storefront may use it."""
        return self.storefronts is None or storefront_id in self.storefronts

    def compose(self, unique_part: str) -> str:
        """The payment code of this BIN and a unique part. Raises ValueError if it does not fit."""
        if not _DIGITS.fullmatch(unique_part):
            raise ValueError("only the digits 0 to 9 are allowed")
        if len(unique_part) > self.rule.max_unique_digits:
            raise ValueError(f"at most {self.rule.max_unique_digits} digits are allowed")
        return self.digits + unique_part


@dataclass(frozen=True, slots=True)
class CodeReading:
    """A payment code taken apart."""

    bin: Bin
    unique_part: str


@dataclass(frozen=True, slots=True)
class BinTable:
    """The configured BINs of one stack, validated as a whole.

    Two BINs of one channel may not make the same code. DOKU's general BIN may be the
    beginning of others: DOKU makes its codes and keeps them apart, and a code is read
    by the longest BIN that fits.
    """

    bins: tuple[Bin, ...]

    @classmethod
    def of(cls, bins: Iterable[Bin]) -> Self:
        """The table of these BINs. Raises InvalidConfiguration, naming the entries at fault."""
        table = cls(tuple(bins))
        for position, one in enumerate(table.bins):
            for other in table.bins[position + 1 :]:
                table._refuse_overlap(one, other)
        return table

    @staticmethod
    def _refuse_overlap(one: Bin, other: Bin) -> None:
        if one.channel is not other.channel:
            return
        shorter, longer = sorted((one, other), key=lambda entry: len(entry.digits))
        if shorter.digits == longer.digits:
            raise InvalidConfiguration(f"BIN {one.digits!r}: twice for {one.channel}")
        if longer.digits.startswith(shorter.digits) and shorter.bin_type is not BinType.GENERAL:
            raise InvalidConfiguration(
                f"BIN {shorter.digits!r}: begins BIN {longer.digits!r} of {one.channel},"
                " so that a code could belong to both"
            )

    def read(self, channel: Channel, payment_code: str) -> CodeReading | None:
        """Take a payment code apart, or None if no configured BIN explains it."""
        if not _DIGITS.fullmatch(payment_code):
            return None
        fitting = [
            entry
            for entry in self.bins
            if entry.channel is channel
            and payment_code.startswith(entry.digits)
            and 1 <= len(payment_code) - len(entry.digits) <= entry.rule.max_unique_digits
        ]
        if not fitting:
            return None
        found = max(fitting, key=lambda entry: len(entry.digits))
        return CodeReading(found, payment_code[len(found.digits) :])

    def offered(self, channel: Channel, storefront_id: str) -> tuple[Bin, ...]:
        """A channel's BINs that a storefront may use, in the order of the configuration."""
        return tuple(
            entry for entry in self.bins if entry.channel is channel and entry.is_for(storefront_id)
        )


def make_unique_part(digits: int, randbelow: Callable[[int], int]) -> str:
    """An unguessable unique part: every string of that many digits is equally likely.

    ``randbelow(n)`` must draw from a cryptographic source, as ``secrets.randbelow`` does.
    """
    return f"{randbelow(10**digits):0{digits}d}"


def _length(lengths: range) -> str:
    if len(lengths) == 1:
        return f"{lengths[0]} digit{'s' if lengths[0] > 1 else ''}"
    return f"{lengths[0]} to {lengths[-1]} digits"
