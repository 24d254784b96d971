"""BINs: what the configured company codes may be used for, and how codes are made of them.

A payment code is BIN + unique part. Which BINs can exist stands with each channel, in
``channels``, from section 4 of DOKU's protocol.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Self

from o2o.core.channels import BinRule, BinType, Channel, Feature, Partnership
from o2o.core.errors import InvalidConfiguration, InvalidRequest

_DIGITS = re.compile(r"[0-9]+", re.ASCII)

_RULES = [rule for channel in Channel for rule in channel.facts.bin_rules.values()]

MAX_BIN_DIGITS = max(rule.bin_digits[-1] for rule in _RULES)
"""No BIN of any channel is longer."""

MAX_UNIQUE_DIGITS = max(rule.max_unique_digits for rule in _RULES)
"""No unique part of any channel is longer."""

FEWEST_UNIQUE_DIGITS = 8
"""Fewer would be too easy to guess."""

MAX_BILLER = 30
"""Characters of a biller's name: it is said aloud at a till."""

USUAL_CODE_DIGITS = 16
"""DOKU's own codes have this many; so have ours, unless a BIN's entry says otherwise."""


@dataclass(frozen=True, slots=True)
class Bin:
    """One configured BIN. Raises InvalidConfiguration when the table has no place for it.

    ``only_features`` are the features that the configuration names, all that are documented
    without it; ``storefronts`` says who may use the BIN, ``unique_digits`` how long the
    unique parts are that are generated here, and ``named_biller`` whom the customer names to the
    cashier if not the channel's usual biller. A BIN that names no storefronts is everybody's if
    every merchant of DOKU's shares it anyway, and else the first storefront's (decision 0043).
    """

    channel: Channel
    partnership: Partnership
    bin_type: BinType
    digits: str
    only_features: frozenset[Feature] | None = None
    storefronts: frozenset[str] | None = None
    unique_digits: int | None = None
    named_biller: str | None = None
    rule: BinRule = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        rule = self.channel.facts.bin_rules.get((self.partnership, self.bin_type))
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
        possible = self.rule.features | self.rule.inferred
        for feature in sorted((self.only_features or frozenset()) - possible):
            raise InvalidConfiguration(
                f"{name}: {self.channel} {self.partnership} {self.bin_type} has no {feature}"
            )
        if self.only_features is not None and not self.only_features:
            raise InvalidConfiguration(f"{name}: features is empty, so that it has no use")
        if self.storefronts is not None and not self.storefronts:
            raise InvalidConfiguration(f"{name}: storefronts is empty, so that nobody may use it")
        biller = self.named_biller
        if biller is not None and not (
            biller.isprintable() and biller.strip() == biller and 1 <= len(biller) <= MAX_BILLER
        ):
            raise InvalidConfiguration(
                f"{name}: biller must be 1 to {MAX_BILLER} printable characters, without spaces at"
                " either end"
            )
        if self.unique_digits is None:
            return
        if self.features == {Feature.DGPC}:
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
    def biller(self) -> str:
        """Whom the customer names to the cashier."""
        return self.named_biller or self.channel.facts.biller

    @property
    def generated_digits(self) -> int:
        """How long the unique parts are that are generated here."""
        usual = max(USUAL_CODE_DIGITS - len(self.digits), FEWEST_UNIQUE_DIGITS)
        return self.unique_digits or min(usual, self.rule.max_unique_digits)

    def is_for(self, storefront_id: str, namespace: str | None) -> bool:
        """Whether a storefront may use it; only the first one has no namespace."""
        if self.storefronts is not None:
            return storefront_id in self.storefronts
        return self.bin_type is BinType.GENERAL or namespace is None

    def compose(self, unique_part: str) -> str:
        """The payment code of this BIN and a unique part. Raises ValueError if it does not fit."""
        if not _DIGITS.fullmatch(unique_part):
            raise ValueError("only the digits 0 to 9 are allowed")
        if len(unique_part) > self.rule.max_unique_digits:
            raise ValueError(f"at most {self.rule.max_unique_digits} digits are allowed")
        return self.digits + unique_part


@dataclass(frozen=True, slots=True)
class BinTable:
    """The configured BINs of one stack, validated as a whole.

    Two BINs of one channel may not make the same code. DOKU's general BIN may be the
    beginning of others: DOKU makes its codes and keeps them apart.
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

    def offered(
        self, channel: Channel, storefront_id: str, namespace: str | None
    ) -> tuple[Bin, ...]:
        """A channel's BINs that a storefront may use, in the order of the configuration."""
        return tuple(
            entry
            for entry in self.bins
            if entry.channel is channel and entry.is_for(storefront_id, namespace)
        )

    def biller(self, channel: Channel, digits: str | None) -> str:
        """Whom the customer of a code with this BIN names to the cashier.

        A BIN that is not configured any more has codes all the same: they get the usual biller.
        """
        for entry in self.bins:
            if entry.channel is channel and entry.digits == digits:
                return entry.biller
        return channel.facts.biller

    def partnership(self, channel: Channel, digits: str | None) -> Partnership | None:
        """Whose BIN it is; None if it is not configured any more."""
        for entry in self.bins:
            if entry.channel is channel and entry.digits == digits:
                return entry.partnership
        return None

    def choose(
        self,
        channel: Channel,
        feature: Feature,
        storefront_id: str,
        namespace: str | None,
        digits: str | None,
    ) -> Bin:
        """The BIN for a new code; ``digits`` is the one that the storefront asks for, if any.

        Raises InvalidRequest if none fits, or several.
        """
        offered = [
            entry
            for entry in self.offered(channel, storefront_id, namespace)
            if feature in entry.features
        ]
        if not offered:
            raise InvalidRequest.of("feature", f"is not offered for {channel}")
        if digits is not None:
            offered = [entry for entry in offered if entry.digits == digits]
            if not offered:
                raise InvalidRequest.of("bin", f"is not configured for {channel} and {feature}")
        if len(offered) > 1:
            raise InvalidRequest.of("bin", f"is needed: several fit {channel} and {feature}")
        return offered[0]


def make_unique_part(digits: int, randbelow: Callable[[int], int]) -> str:
    """An unguessable unique part: every string of that many digits is equally likely.

    ``randbelow(n)`` must draw from a cryptographic source, as ``secrets.randbelow`` does.
    """
    return f"{randbelow(10**digits):0{digits}d}"


def _length(lengths: range) -> str:
    if len(lengths) == 1:
        return f"{lengths[0]} digit{'s' if lengths[0] > 1 else ''}"
    return f"{lengths[0]} to {lengths[-1]} digits"
